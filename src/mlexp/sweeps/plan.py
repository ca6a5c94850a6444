"""What a sweep is about to run, all of it checked before anything starts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mlexp import app, checks, execution, schema
from mlexp import config as configuration
from mlexp.combinations import Combination, changed, expand
from mlexp.errors import ConfigError
from mlexp.schema import Config
from mlexp.sweep_folder import Sweep

DECODED = ("published", "idx", "csv", "npz", "openml")  # readers whose files are read once, then cached


@dataclass(frozen=True)
class Job:
    """One run of a sweep.

    Attributes
    ----------
    number : place in the sweep, from 1
    swept : swept key -> its value as typed
    config : the whole configuration
    hash : what of the configuration can change a result, as 8 hex digits
    """

    number: int
    swept: Mapping[str, str]
    config: Config
    hash: str

    @property
    def name(self) -> str:
        """Name of the run folder."""
        return f"{self.number:03d}-{self.hash}"

    def __str__(self) -> str:
        return " ".join(f"{key}={value}" for key, value in self.swept.items())


@dataclass(frozen=True)
class Plan:
    """Jobs in order, and how they are to be run.

    Attributes
    ----------
    jobs : at least one
    sweep, execution : those nodes of the configuration
    figures : whether pictures of the whole sweep are drawn
    command : the command line, for the record
    """

    jobs: tuple[Job, ...]
    sweep: schema.Sweep
    execution: schema.Execution
    figures: bool = True
    command: tuple[str, ...] = ()

    @property
    def first(self) -> Config:
        """Configuration of the first job: it says where the sweep is kept."""
        return self.jobs[0].config

    @property
    def task(self) -> str:
        """Name of the study, `sweep` where there are several."""
        names = {job.config.task.name for job in self.jobs}
        return names.pop() if len(names) == 1 else "sweep"

    @property
    def keys(self) -> list[str]:
        """Swept keys, in the order in which they were typed."""
        return list(dict.fromkeys(key for job in self.jobs for key in job.swept))

    @property
    def hash(self) -> str:
        """8 hex digits that change with the jobs, and with nothing else."""
        return hashlib.sha256(" ".join(job.hash for job in self.jobs).encode()).hexdigest()[:8]

    @cached_property
    def workers(self) -> int:
        """Jobs at once; raises `ConfigError` if no one answers where they are to run."""
        return execution.workers_of(self.execution, self.first.threads)

    @cached_property
    def n_features(self) -> int:
        """Number of features; reads the files that all jobs share, before several workers would at the same time."""
        wanted = {str(asdict(job.config.dataset)) for job in self.jobs}
        if len(wanted) == 1 and self.first.dataset.reader in DECODED:
            return app.load(self.first).n_features
        return 64 if self.first.dataset.reader == "sklearn" else 2

    def settle(self) -> None:
        """Find out what takes a look outside; raises what `workers` and `n_features` do, before anything is made."""
        for ask in ("n_features", "workers"):
            getattr(self, ask)

    def record(self, base: Config) -> dict[str, Any]:
        """Return the plan as `sweep.json` keeps it: each job by what it changes in `base`, that of `config.yaml`."""
        known = configuration.flat(base)
        return {
            "task": self.task,
            "hash": self.hash,
            "keys": self.keys,
            "command": list(self.command),
            "figures": self.figures,
            "sweep": asdict(self.sweep),
            "execution": asdict(self.execution),
            "jobs": [
                {
                    "number": job.number,
                    "hash": job.hash,
                    "swept": dict(job.swept),
                    "changes": _changes(known, job),
                }
                for job in self.jobs
            ],
        }


def plan(arguments: Sequence[str], config_dir: str | None = None, command: Sequence[str] = ()) -> Plan:
    """Plan the sweep of ``mlexp -m *arguments``; its jobs draw no figures unless ``figures=`` is typed.

    Raises
    ------
    ConfigError
        If a job is impossible; the message names it.
    """
    typed = any(word.startswith("figures=") for word in arguments)
    made = planned(expand(arguments, config_dir), figures_of_jobs=typed, command=command)
    seen = set()
    for job in made.jobs:
        config = job.config
        # What is checked does not depend on seeds, and there may be thousands of them.
        asked = repr((config.task.kind, config.model, config.tune, config.split.validation))
        if asked not in seen:
            seen.add(asked)
            try:
                app.check(config)
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
            f"task={first.task.name} is a comparison: it runs all its arms and seeds by itself. Leave out -m, or "
            "type task.kind=classification (or the kind that an arm runs) to sweep single runs."
        )
    jobs = []
    for number, one in enumerate(combinations, 1):
        for key, value in _shared(first).items():
            if _shared(one.config)[key] != value:
                raise ConfigError(
                    f"{key} holds for the whole sweep: give it one value, or start several sweeps."
                )
        # In its own folder a job is a run like any other: nothing there says that it was part of a sweep.
        config = replace(
            one.config,
            figures=one.config.figures and figures_of_jobs,
            sweep=schema.Sweep(),
            execution=schema.Execution(),
        )
        jobs.append(Job(number, one.swept, config, configuration.config_hash(config)))
    return Plan(tuple(jobs), first.sweep, first.execution, first.figures, tuple(command))


def restored(path: Path, settings: Sequence[str] = ()) -> Plan:
    """Return the plan of a sweep from its folder; where it runs and what it trusts is taken from `settings` alone."""
    info = Sweep(path).info
    base = configuration.read(path / "config.yaml")
    asked = configuration.again(base, path, settings)
    jobs = []
    for entry in info["jobs"]:
        checks.check_keys(entry["changes"])
        config = base
        for key, value in entry["changes"].items():
            config = changed(config, key, value)
        checks.check_values(configuration.flat(config))
        checks.check_together(config)
        code = configuration.config_hash(config)
        if code != entry["hash"]:
            raise ConfigError(
                f"Job {entry['number']} of {path} cannot be made again by this version of mlexp. Run the sweep anew."
            )
        config = replace(
            config,
            outputs=asked.outputs,
            trusted_packages=asked.trusted_packages,
            sweep=schema.Sweep(),
            execution=schema.Execution(),
            tracking=asked.tracking,
        )
        jobs.append(Job(entry["number"], entry["swept"], config, code))
    return Plan(
        tuple(jobs),
        schema.Sweep(**info["sweep"]),
        asked.execution,
        info["figures"],
        tuple(info["command"]),
    )


def _shared(config: Config) -> dict[str, Any]:
    """Return what a sweep has only one value of."""
    nodes = configuration.flat(config.sweep, "sweep.") | configuration.flat(config.execution, "execution.")
    return {"outputs": config.outputs} | nodes


def _changes(base: Mapping[str, Any], job: Job) -> dict[str, Any]:
    return {key: value for key, value in configuration.flat(job.config).items() if base[key] != value}
