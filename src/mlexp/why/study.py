"""A case before it runs: its candidates as configurations, its stages, and the jobs of a stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlexp.config import recorded, schema
from mlexp.config.combinations import Combination
from mlexp.config.compose import compose_each, with_changes
from mlexp.config.overrides import as_settings, parsed
from mlexp.config.schema import Config
from mlexp.config.trust import TYPED_ONLY, within
from mlexp.errors import ConfigError, DataError
from mlexp.kinds import KINDS, check
from mlexp.metrics import metrics_of
from mlexp.sweeps import planning
from mlexp.sweeps.planning import Job, Plan
from mlexp.why.case import Case

FEWER = 4  # times fewer epochs in the stage before
FEWEST = 2  # points of a curve that a short stage must hold
STAGES = 2  # short ones at most
SCREENING = 3  # seeds of a short stage at least
Run = tuple[int, str, int]  # candidate, run of the report, seed


@dataclass(frozen=True)
class Stage:
    """A round of runs.

    Attributes
    ----------
    epochs : of each run at most; None for runs at full length
    seeds : how many runs of each candidate
    """

    epochs: int | None
    seeds: int

    def __str__(self) -> str:
        return "full length" if self.epochs is None else f"first {self.epochs:,} epochs"


@dataclass(frozen=True)
class WhyStudy:
    """What is run.

    Attributes
    ----------
    case : what is asked
    configs : (candidate, run of the report) -> its configuration at full length, with the first seed
    plan : the jobs of the first stage
    """

    case: Case
    configs: dict[tuple[int, str], Config]
    plan: Plan

    @property
    def stages(self) -> list[Stage]:
        """All stages, the last at full length."""
        return stages(self.case, self.configs)


def plan(
    case: Case, typed: Sequence[str] = (), config_dir: str | None = None, command: Sequence[str] = ()
) -> WhyStudy:
    """Plan a case; `typed` are settings laid over those that the report states.

    Raises
    ------
    ConfigError
        If a candidate is impossible, or a typed key is one that the case varies.
    """
    words = parsed(typed)
    _refuse_typed(case, [one.key for one in words])
    sets = {
        (number, run): [*as_settings(own), *as_settings(case.of(candidate))]
        for number, candidate in enumerate(case.candidates)
        for run, (own, _) in case.runs.items()
    }
    named = {f"candidate {number + 1}, {run}": name for name in sets for number, run in [name]}
    composed = compose_each(
        [*as_settings(case.settings), *words],
        {title: sets[name] for title, name in named.items()},
        config_dir,
    )
    configs = {named[title]: config for title, config in composed.items()}
    _check(case, configs)
    first = _jobs(case, configs, stages(case, configs)[0], range(len(case.candidates)))
    return WhyStudy(case, configs, planning.planned(_together(first), command=command))


def _refuse_typed(case: Case, typed: Iterable[str]) -> None:
    places = {
        f"unstated.{name}": {key for one in values.values() for key in one}
        for name, values in case.unstated.items()
    }
    places |= {f"runs.{run}.settings": set(own) for run, (own, _) in case.runs.items()}
    for key in typed:
        if key == "seed":
            raise ConfigError(
                "seed is set by the case, one number for each run: type --seeds N for how many."
            )
        if place := next((place for place, keys in places.items() if key in keys), None):
            raise ConfigError(f"{key} is typed, and {place} of the case sets it. Leave it to one of them.")


def _check(case: Case, configs: Mapping[tuple[int, str], Config]) -> None:
    """Refuse what cannot run, what records no such figure, and candidates that are the same settings."""
    seen: dict[tuple[str, str], int] = {}
    for (number, run), config in configs.items():
        kind = config.task.kind
        if kind == "comparison" or config.tune.strategy is not None or not KINDS[kind].compares:
            raise ConfigError(
                f"The run '{run}' must be a single training, which its figures are those of. Got a task of kind {kind}"
                f"{' that is tuned' if config.tune.strategy else ''}: set task.kind=classification or regression."
            )
        code = _code(config)
        if (run, code) not in seen:
            check(config)
        elif len(case.runs) == 1:
            raise ConfigError(
                f"Candidates {seen[run, code] + 1} and {number + 1} are the same settings. Leave one out."
            )
        seen.setdefault((run, code), number)
        for one in case.runs[run][1] if number == 0 else ():
            name = one.source.partition(".")[2]
            if one.kind == "metric" and metrics_of(kind) and name not in metrics_of(kind):
                raise ConfigError(
                    f"{one.source} is no metric of a {kind}. Metrics: {', '.join(metrics_of(kind))}."
                )


def stages(case: Case, configs: Mapping[tuple[int, str], Config]) -> list[Stage]:
    """Return the stages of a case: prefixes of its curves as far as they go, then all at full length."""
    last = max((max(one.epochs) for _, of in case.runs.values() for one in of if one.epochs), default=0)
    full = max(config.model.epochs for config in configs.values())
    lengths: Sequence[int] = (
        [last // FEWER**k for k in range(STAGES, 0, -1)] if case.prefixes is None else case.prefixes
    )
    short = [
        epochs for epochs in lengths if epochs < full and any(seen_by(case, run, epochs) for run in case.runs)
    ]
    return [
        *(Stage(epochs, max(SCREENING, case.seeds // 2)) for epochs in dict.fromkeys(short)),
        Stage(None, case.seeds),
    ]


def seen_by(case: Case, run: str, epochs: int) -> bool:
    """Return whether the first `epochs` of a run hold enough points of one of its curves."""
    curves = [one.epochs for one in case.runs[run][1] if one.epochs and one.epochs[0] > 0]
    return any(sum(epoch <= epochs for epoch in of) >= min(FEWEST, len(of)) for of in curves)


def at(config: Config, stage: Stage, seed: int) -> Config:
    """Return the configuration of one run of a stage; a short one trains as the long one begins, and judges nothing."""
    config = replace(config, seed=config.seed + seed)
    if stage.epochs is None or config.model.epochs <= stage.epochs:
        return config
    model = replace(config.model, epochs=stage.epochs, restore_best=False)
    if model.schedule == "cosine" and model.schedule_options.epochs is None:
        model = replace(model, schedule_options=replace(model.schedule_options, epochs=config.model.epochs))
    return replace(config, model=model, split=replace(config.split, judge=False))


def bare(config: Config) -> Config:
    """Return a configuration as that of a job: without what holds for the whole sweep."""
    return replace(config, figures=False, sweep=schema.Sweep(), execution=schema.Execution())


def _code(config: Config) -> str:
    return recorded.config_hash(bare(config))


def _jobs(
    case: Case, configs: Mapping[tuple[int, str], Config], stage: Stage, candidates: Iterable[int]
) -> dict[Run, Config]:
    runs = [run for run in case.runs if stage.epochs is None or seen_by(case, run, stage.epochs)]
    return {
        (number, run, seed): at(configs[number, run], stage, seed)
        for seed in range(stage.seeds)
        for number in candidates
        for run in runs
    }


def _together(jobs: Mapping[Run, Config]) -> list[Combination]:
    """Return jobs of which no two are the same: candidates that train alike share their runs."""
    alike: dict[str, list[tuple[Run, Config]]] = {}
    for name, config in jobs.items():
        alike.setdefault(_code(config), []).append((name, config))
    found = []
    for same in alike.values():
        (_, run, _), config = same[0]
        numbers = ", ".join(dict.fromkeys(str(name[0] + 1) for name, _ in same))
        swept = {
            "candidates": numbers,
            "run": run,
            "epochs at most": str(config.model.epochs),
            "seed": str(config.seed),
        }
        found.append(Combination(swept, config))
    return found


class Stages:
    """The runs of a case in its folder, stage after stage.

    Parameters
    ----------
    case : what is asked
    changes : (candidate, run of the report) -> what its configuration changes in the first of the plan
    plan : the jobs so far
    """

    def __init__(
        self, case: Case, changes: Mapping[tuple[int, str], Mapping[str, Any]], plan: Plan, base: Config
    ) -> None:
        self.case = case
        for of in changes.values():
            if strange := [key for key in of if within(key, TYPED_ONLY)]:
                raise DataError(
                    f"why.json says what counts only where it is typed: {strange[0]}. Run the case again."
                )
        first = plan.first
        placed = replace(
            base, outputs=first.outputs, trusted_packages=first.trusted_packages, tracking=first.tracking,
            data_dir=first.data_dir, dataset=first.dataset,
        )  # fmt: skip
        self.configs = {name: with_changes(placed, of) for name, of in changes.items()}
        self.stages = stages(case, self.configs)

    def hashes(self, stage: Stage, candidates: Iterable[int]) -> dict[Run, str]:
        """Return the hash of the job of each run of a stage."""
        jobs = _jobs(self.case, self.configs, stage, candidates)
        return {name: _code(config) for name, config in jobs.items()}

    def extended(self, plan: Plan, stage: Stage, candidates: Iterable[int]) -> Plan:
        """Return the plan with the jobs of a stage that it lacks."""
        known = {job.hash for job in plan.jobs}
        more = planning.planned(
            _together(_jobs(self.case, self.configs, stage, candidates)), command=plan.command
        )
        added: list[Job] = []
        data = {str(job.config.dataset): job.data for job in plan.jobs}
        for job in more.jobs:
            if job.hash not in known:
                number = len(plan.jobs) + len(added) + 1
                added.append(replace(job, number=number, data=data.get(str(job.config.dataset), "")))
        return replace(plan, jobs=(*plan.jobs, *added))
