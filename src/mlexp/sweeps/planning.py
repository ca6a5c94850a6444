"""What a sweep is about to run, all of it checked before anything starts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mlexp import execution
from mlexp.config import plugged, recorded, schema
from mlexp.config.combinations import Combination, expand
from mlexp.config.compose import with_changes
from mlexp.config.overrides import parsed
from mlexp.config.schema import Config, Execution
from mlexp.errors import ConfigError, DataError
from mlexp.nn.device import count
from mlexp.runs import session
from mlexp.store import Sweep, identity, stamp
from mlexp.store.sweep_folder import job_name


@dataclass(frozen=True)
class Job:
    """One run of a sweep.

    Attributes
    ----------
    number : place in the sweep, from 1
    swept : swept key -> its value as typed
    config : the whole configuration
    hash : what of the configuration can change a result, as 8 hex digits
    data : fingerprint of its data set; empty as long as that has not been read
    """

    number: int
    swept: Mapping[str, str]
    config: Config
    hash: str
    data: str = ""

    @property
    def name(self) -> str:
        """Name of the run folder."""
        return job_name(self.number, self.hash)

    def __str__(self) -> str:
        return " ".join(f"{key}={value}" for key, value in self.swept.items())


@dataclass(frozen=True)
class Plan:
    """Jobs in order, and how they are to be run.

    Attributes
    ----------
    jobs : at least one
    sweep, execution : those nodes of the configuration
    figures : whether figures of the whole sweep are drawn
    command : the command line, for the record
    n_features : number of features, of several data sets the largest; 0 as long as they have not been read
    """

    jobs: tuple[Job, ...]
    sweep: schema.Sweep
    execution: schema.Execution
    figures: bool = True
    command: tuple[str, ...] = ()
    n_features: int = 0

    @property
    def first(self) -> Config:
        """Configuration of the first job: it says where the sweep is kept."""
        return self.jobs[0].config

    @property
    def task(self) -> str:
        """Name of the study and its table; of the study alone where there are several tables, else `sweep`."""
        for names in (
            {identity.name_of(job.config) for job in self.jobs},
            {job.config.task.name for job in self.jobs},
        ):
            if len(names) == 1:
                return names.pop()
        return "sweep"

    @property
    def keys(self) -> list[str]:
        """Swept keys, in the order in which they were typed."""
        return list(dict.fromkeys(key for job in self.jobs for key in job.swept))

    @property
    def settings_hash(self) -> str:
        """8 hex digits that change with the settings of the jobs, and with nothing else."""
        return _digits(job.hash for job in self.jobs)

    @property
    def hash(self) -> str:
        """8 hex digits that change with the settings of the jobs and with their data, and with nothing else."""
        return identified(self.settings_hash, self.jobs)

    @cached_property
    def placed(self) -> Execution:
        """Where the jobs run; on this machine one worker for each device, if they use one."""
        if self.execution.backend != "local" or all(job.config.device == "cpu" for job in self.jobs):
            return self.execution
        n_devices = count("cuda")
        asked = self.execution.workers
        return replace(self.execution, workers=min(asked, n_devices) if isinstance(asked, int) else n_devices)

    @cached_property
    def workers(self) -> int:
        """Jobs at once; raises `ConfigError` if no one answers where they are to run."""
        return execution.workers_of(self.placed, self.first.threads)

    def record(self, base: Config) -> dict[str, Any]:
        """Return the plan as `sweep.json` keeps it: each job by what it changes in `base`, that of `config.yaml`."""
        known = schema.flat(base)
        return {
            "task": self.task,
            "hash": self.hash,
            "settings_hash": self.settings_hash,
            **({"plugins": plugged.recorded()} if plugged.LOADED else {}),
            "settings": identity.settings(base),
            "keys": self.keys,
            "command": list(self.command),
            "figures": self.figures,
            "sweep": asdict(self.sweep),
            "execution": asdict(self.execution),
            "jobs": [
                {
                    "number": job.number,
                    "hash": job.hash,
                    "data": job.data,
                    "swept": dict(job.swept),
                    "changes": {
                        key: value for key, value in schema.flat(job.config).items() if known[key] != value
                    },
                }
                for job in self.jobs
            ],
        }


def identified(settings_hash: str, jobs: Iterable[Job]) -> str:
    """Return the hash of jobs with these settings and the data that these jobs have."""
    return _digits((settings_hash, *(job.data for job in jobs)))


def read(plan: Plan) -> Plan:
    """Return the plan with the fingerprint of the data of each job: what must be known before anything is made.

    It reads the files once, before several workers would at the same time. Of several data sets, one that cannot be
    read costs the jobs that need it, when they run.

    Raises
    ------
    ConfigError, DataError
        If the data set that all jobs need cannot be read, or no one answers where they are to run.
    """
    wanted = [str((asdict(job.config.dataset), job.config.data_dir)) for job in plan.jobs]
    found: dict[str, tuple[str, int]] = {}
    for name, job in zip(wanted, plan.jobs, strict=True):
        if name in found:
            continue
        try:
            dataset = session.load(job.config)
            found[name] = dataset.fingerprint, dataset.n_features
        except (ConfigError, DataError):
            if len(set(wanted)) == 1:
                raise
            found[name] = "", 0
    jobs = [replace(job, data=found[name][0]) for name, job in zip(wanted, plan.jobs, strict=True)]
    known = replace(plan, jobs=tuple(jobs), n_features=max(n for _, n in found.values()))
    known.workers  # noqa: B018
    return known


def plan(
    arguments: Sequence[str],
    config_dir: str | None = None,
    command: Sequence[str] = (),
    *,
    check: Callable[[Config], None],
) -> Plan:
    """Plan the sweep of ``mlexp -m *arguments``; its jobs draw no figures unless ``figures=`` is typed.

    `check` raises a `ConfigError` where a configuration cannot run.

    Raises
    ------
    ConfigError
        If a job is impossible; the message names it.
    """
    typed = any(one.key == "figures" for one in parsed(arguments))
    made = planned(expand(arguments, config_dir), figures_of_jobs=typed, command=command)
    seen = set()
    for job in made.jobs:
        config = job.config
        # What is checked does not depend on seeds, and there may be thousands of them.
        asked = repr((config.task.kind, config.model, config.tune, config.split.validation))
        if asked not in seen:
            seen.add(asked)
            try:
                check(config)
            except ConfigError as error:
                raise ConfigError(
                    f"job {job.number} ({job}): {error}" if job.swept else str(error)
                ) from error
    return made


def planned(
    combinations: Sequence[Combination], *, figures_of_jobs: bool = False, command: Sequence[str] = ()
) -> Plan:
    """Plan to run these configurations; the nodes `sweep` and `execution` of the first one hold for all."""
    if not combinations:
        raise ConfigError("A sweep needs at least one job.")
    first = combinations[0].config
    if any(one.config.task.kind == "comparison" for one in combinations):
        raise ConfigError(
            f"task={first.task.name} is a comparison: it runs all its arms and seeds itself. Leave out -m, or "
            "type task.kind=classification (or the kind that an arm runs) to sweep single runs."
        )
    jobs = []
    for number, one in enumerate(combinations, 1):
        for key, value in _shared(first).items():
            if _shared(one.config)[key] != value:
                raise ConfigError(
                    f"{key} applies to the whole sweep: give it one value, or start several sweeps."
                )
        # In its own folder a job is a run like any other: nothing there says that it was part of a sweep.
        config = replace(
            one.config,
            figures=one.config.figures and figures_of_jobs,
            sweep=schema.Sweep(),
            execution=schema.Execution(),
        )
        jobs.append(Job(number, one.swept, config, recorded.config_hash(config)))
    return Plan(tuple(jobs), first.sweep, first.execution, first.figures, tuple(command))


def restored(path: Path, settings: Sequence[str] = ()) -> Plan:
    """Return the plan of a sweep from its folder; where it runs and what it trusts is taken from `settings` alone.

    Raises
    ------
    ConfigError
        If `config.yaml` was edited, or a job has another hash than when it was planned.
    """
    info = Sweep(path).info
    old = info.get("format", 0) < stamp.FORMAT  # its hashes are of another kind
    base = recorded.read(path / "config.yaml") if old else identity.refuse_edited(path, info)
    asked = recorded.again(base, path, settings)
    jobs = []
    for entry in info["jobs"]:
        config = with_changes(base, entry["changes"])
        code = recorded.config_hash(config)
        if code != entry["hash"] and not old:
            raise ConfigError(
                f"Job {entry['number']} of {path} cannot be reconstructed by this version of mlexp. Run the sweep "
                "again."
            )
        config = replace(
            config,
            outputs=asked.outputs,
            trusted_packages=asked.trusted_packages,
            sweep=schema.Sweep(),
            execution=schema.Execution(),
            tracking=asked.tracking,
        )
        config = recorded.relocated(config, info.get("began_in"))
        jobs.append(Job(entry["number"], entry["swept"], config, entry["hash"], entry.get("data", "")))
    return Plan(
        tuple(jobs),
        schema.Sweep(**info["sweep"]),
        asked.execution,
        info["figures"],
        tuple(info["command"]),
    )


def _shared(config: Config) -> dict[str, Any]:
    """Return what a sweep has only one value of."""
    nodes = schema.flat(config.sweep, "sweep.") | schema.flat(config.execution, "execution.")
    return {"outputs": config.outputs} | nodes


def _digits(words: Iterable[str]) -> str:
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:8]
