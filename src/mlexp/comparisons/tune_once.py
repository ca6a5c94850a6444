"""Tune each arm before it is compared: one search an arm, on its own validation part, all within one budget.

The searches keep the test part aside (``split.judge=false``), so that nothing is chosen by it. They lie in
``tuning/<arm>/`` of the comparison, each a run folder of a search.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.config import recorded
from mlexp.config.combinations import Combination
from mlexp.config.schema import Config
from mlexp.errors import ConfigError
from mlexp.kinds.comparison.settings import Comparison
from mlexp.runs import session
from mlexp.runs.session import Program
from mlexp.runs.terminal import Terminal
from mlexp.store import Run, Sweep, sweep_folder
from mlexp.store.files import write_bytes
from mlexp.store.sweep_folder import SweepFolder
from mlexp.sweeps import planning
from mlexp.sweeps.planning import Job, Plan
from mlexp.tuning import run as searching
from mlexp.tuning import space
from mlexp.tuning.space import shown
from mlexp.tuning.strategies import budget

HOW = {True: "once", False: "none"}  # what the aliases of `comparison.tune_arms` stand for
FOLDER = sweep_folder.SEARCHES
Chosen = dict[str, dict[str, Any]]


def how(node: Comparison) -> str:
    """Return how arms are tuned: none, once, or each (anew in each run)."""
    return str(HOW.get(node.tune_arms, node.tune_arms))


def without_search(config: Config) -> Config:
    """Return the configuration of a run at settings that are chosen already."""
    return replace(config, tune=replace(config.tune, strategy=None))


def searches(
    configs: Mapping[str, Config], node: Comparison, arguments: Sequence[str], metric: PartMetric
) -> dict[str, Config]:
    """Return the configuration of the search that precedes the runs of each arm; none where each run has its own.

    Raises
    ------
    ConfigError
        If the rows are split or sampled again, so that validation rows of the search would be test rows elsewhere; if
        arms were to be compared on the validation set; or if a search is impossible.
    """
    if how(node) == "none":
        if typed := [word for word in arguments if re.match(r"\+?tune[=.]", word) and word != "tune=none"]:
            raise ConfigError(
                f"{typed[0]} is used in a comparison only with comparison.tune_arms=once or each."
            )
        return {}
    if how(node) == "once" and (node.folds or node.repeats > 1 or node.draws > 1):
        raise ConfigError(
            "comparison.tune_arms=once chooses on one validation set, whose samples are test samples in another fold, "
            "repeat or draw. Set comparison.tune_arms=each, or leave out comparison.folds, comparison.repeats and "
            "comparison.draws."
        )
    if metric.part == "validation":
        raise ConfigError(
            f"comparison.tune_arms selects on the validation set, so arms cannot be compared on it. Got "
            f"comparison.metric={metric}: name a metric of the test set, such as test.{metric.name}."
        )
    for name, config in configs.items():
        if config.tune.strategy is None:
            raise ConfigError(
                f"comparison.tune_arms needs a search for the arm '{name}'. Set tune=random and tune.space."
            )
        try:
            searching.checked(config)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from error
    if how(node) == "each":
        return {}
    return {
        name: replace(
            config,
            figures=False,
            split=replace(config.split, judge=False),
            task=replace(config.task, name=name),
        )
        for name, config in configs.items()
    }


def cost_of_each(plan: Plan) -> list[str]:
    """Say what is tried before each run of each arm, and how much that is in all."""
    arms: dict[str, list[Job]] = {}
    for job in plan.jobs:
        arms.setdefault(job.swept["arm"], []).append(job)
    tried = {arm: budget(searching.checked(jobs[0].config)[0]) * len(jobs) for arm, jobs in arms.items()}
    said = [
        f"Before each of the {len(jobs)} runs of {arm}: {searching.planned(jobs[0].config)}"
        for arm, jobs in arms.items()
    ]
    folds = max(jobs[0].config.tune.folds or 1 for jobs in arms.values())
    times = f", {folds} folds each" if folds > 1 else ""
    return [*said, f"In all {sum(tried.values()):,} settings are tried{times}, for {len(plan.jobs):,} runs."]


def write(folder: Path, configs: Mapping[str, Config]) -> None:
    """Write down the searches, so that another process can resume them."""
    for place, (name, config) in enumerate(configs.items(), 1):
        path = folder / FOLDER / f"{place:02d}-{re.sub(r'[^A-Za-z0-9.-]+', '-', name)}.yaml"
        write_bytes(path, recorded.as_yaml(config).encode())


def search(folder: SweepFolder, plan: Plan, program: Program, *, verbosity: int) -> Chosen:
    """Run the searches that are left, where the plan runs, and return what each arm chose with what it cost.

    Raises
    ------
    Interrupted
        A search was asked to stop; the others and what it tried so far are kept.
    """
    found: Chosen = {}
    data = {job.swept["arm"]: job.data for job in plan.jobs}
    for file in sorted((folder.path / FOLDER).glob("*.yaml")):
        config, place = recorded.read(file), file.with_suffix("")
        if not Run.is_at(place):  # killed before it wrote what it is
            shutil.rmtree(place, ignore_errors=True)
        elif data[config.task.name] not in ("", Run.open(place).info["dataset"]["fingerprint"]):
            folder.set_aside(place)
        if not (Run.is_at(place) and Run.open(place).status == "completed"):
            config = replace(
                config,
                outputs=plan.first.outputs,
                trusted_packages=plan.first.trusted_packages,
                execution=plan.execution,
                tracking=plan.first.tracking,
            )
            config = recorded.relocated(config, Sweep.open(folder.path).info.get("began_in"))
            session.run(config, program, command=plan.command, terminal=Terminal(verbosity), place=place)
        search_record = Run(place).tuning
        names = ("strategy", "metric", "n_trials", "epochs_trained", "edges", "sentences")
        found[config.task.name] = {
            "values": search_record["chosen"]["values"],
            "score": search_record["chosen"]["score"],
            "folder": f"{FOLDER}/{place.name}",
        } | {name: search_record.get(name) for name in names}
    return found


def before(plan: Plan, folder: Path) -> tuple[Plan, dict[str, Config]]:
    """Return the plan of the same jobs as it was before its arms were tuned, if they were, and the search of each."""
    known = {config.task.name: config for config in _written(folder)}
    if not known:
        return plan, {}
    jobs = []
    for job in plan.jobs:
        arm = known[job.swept["arm"]]  # a search changes nothing but the model and its preparation
        jobs.append(Combination(dict(job.swept), replace(job.config, model=arm.model, prepare=arm.prepare)))
    return _like(plan, jobs), known


def with_chosen(plan: Plan, folder: Path, chosen: Chosen) -> Plan:
    """Return the plan of the same jobs, each with the settings that its arm chose."""
    nodes = {config.task.name: config.tune for config in _written(folder)}
    jobs = []
    for job in plan.jobs:
        arm = job.swept["arm"]
        own = space.of(replace(job.config, tune=nodes[arm])).configured(chosen[arm]["values"])
        jobs.append(Combination(dict(job.swept), replace(own, tune=replace(own.tune, strategy=None))))
    return _like(plan, jobs)


def _like(plan: Plan, jobs: Sequence[Combination]) -> Plan:
    """Return a plan of other settings of the same jobs, which have the same data."""
    again = planning.planned(jobs, command=plan.command)
    same = tuple(replace(job, data=old.data) for job, old in zip(again.jobs, plan.jobs, strict=True))
    return replace(plan, jobs=same)


def _written(folder: Path) -> list[Config]:
    return [recorded.read(file) for file in sorted((folder / FOLDER).glob("*.yaml"))]


def warnings(chosen: Chosen) -> list[str]:
    """Return what a reader must know of the searches: one sentence on edges, one on unequal budgets."""
    return [*at_the_edge(chosen), *_budgets(chosen)]


def at_the_edge(chosen: Chosen) -> list[str]:
    """Say which arms chose a number at the end of their space: the verdict may be one on the space."""
    found = []
    for arm, one in chosen.items():
        edges = [
            f"{edge['key'].removeprefix('model.')} {shown(edge['value'])} ({edge['end']} value)"
            for edge in one.get("edges") or []
        ]
        if edges:
            found.append(f"{arm} {', '.join(edges)}")
    if not found:
        return []
    return [
        f"Tuned to the edge of the search space: {'; '.join(found)}. A wider space may give better settings and "
        "another verdict."
    ]


def _budgets(chosen: Chosen) -> list[str]:
    if len({one["n_trials"] for one in chosen.values()}) < 2:
        return []
    counts = ", ".join(f"{arm} {one['n_trials']}" for arm, one in chosen.items())
    return [
        f"The arms were tuned with different budgets ({counts} settings): a longer search finds better ones."
    ]


def in_words(chosen: Chosen) -> str:
    """Say how the arms were tuned and what they chose."""
    counts = [one["n_trials"] for one in chosen.values()]
    many = f"{counts[0]}" if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"
    first = next(iter(chosen.values()))
    each = "; ".join(f"{arm}: {_listed(one['values'])}" for arm, one in chosen.items())
    return (
        f"Each arm was tuned on the validation set ({first['strategy']} search, {many} settings per arm). Chosen: "
        f"{each}. The verdict is about these settings; what tuning again would choose is not in the interval."
    )


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key.removeprefix('model.')} {value}" for key, value in values.items())
