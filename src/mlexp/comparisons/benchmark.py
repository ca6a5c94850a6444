"""Arms on several unlike data sets: the verdict of each data set, and what holds over all of them.

`analyse` is what `analysis.analyse` is for one data set. Each data set gets the verdict that a comparison on it alone
would have given, by the same code. Over all data sets Wilcoxon's signed-rank test says which arm is better (pairs
adjusted by Holm), and a t interval with the data sets as a random sample says by how much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from mlexp import stats
from mlexp.comparisons import analysis
from mlexp.comparisons.analysis import Analysis, arms_table, pairs_table
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.looks import Schedule
from mlexp.comparisons.verdict import Verdict, evaluate
from mlexp.comparisons.words import datasets as words
from mlexp.comparisons.words.phrases import listed
from mlexp.config.names import OVER_DATASETS
from mlexp.errors import DataError
from mlexp.kinds.comparison.settings import Comparison
from mlexp.metrics import metric
from mlexp.stats import Outcome
from mlexp.store.result import Columns, attributes, by_column, by_row

SHORT = 8  # digits of a fingerprint
OF_ARM = ("arm", "runs", "lost", "mean", "low", "high", "interval_over")


@dataclass(frozen=True)
class OnOne:
    """One data set of a benchmark.

    Attributes
    ----------
    name : how it is called
    evidence : the runs on it, by arm
    verdict : what they say; None where fewer than two arms have a run that counts
    problem : why there is no verdict
    """

    name: str
    evidence: Evidence
    verdict: Verdict | None
    problem: str = ""


def analyse(
    evidence: Evidence,
    node: Comparison,
    *,
    folder: Path | None = None,
    settings: Mapping[str, Mapping[str, str]] | None = None,
    tuning: Mapping[str, Any] | None = None,
    planned: Schedule | None = None,
) -> Analysis:
    """Judge the evidence of one data set or of several, and put the answer into words and tables.

    Parameters and errors are those of `analysis.analyse`; a test of data sets (`names.OVER_DATASETS`) is used over
    them, any other one on each of them.
    """
    evidence.check()
    if len(evidence.datasets) < 2 or evidence.generated:
        return analysis.analyse(
            evidence, node, folder=folder, settings=settings, tuning=tuning, planned=planned
        )
    over = node.test in OVER_DATASETS
    whole = replace(node, margin=None, epochwise=False, test=node.test if over else "auto")
    done = analysis.analyse(evidence, whole, folder=folder, settings=settings, tuning=tuning, all_pairs=True)
    on_each = [
        _on_one(one, replace(node, test="auto" if over else node.test)) for one in by_dataset(evidence)
    ]
    mean_differences = _mean_differences(evidence, done.info["ranking"], on_each, node)
    datasets = [_described(one, evidence) for one in on_each]
    found = {
        "datasets": datasets,
        "mean_ranks": _ranks(evidence),
        "mean_differences": mean_differences,
        "datasets_needed": stats.datasets_needed(len(done.info["pairs"]), alpha=node.alpha),
    }
    info = done.info | {"benchmark": found, "margin": node.margin}
    info |= {"answer": words.lines(evidence, info), "warnings": _warnings(evidence, done, on_each)}
    info |= {"details": done.info["details"] | dict(words.details(info))}
    tables = {name: table for name, table in done.tables.items() if name != "epochs_to_target"} | {
        "datasets": _datasets_table(datasets),
        "dataset_pairs": _pairs_table(on_each),
        "mean_differences": by_column(mean_differences),
    }
    return Analysis(info, tables)


def by_dataset(evidence: Evidence) -> list[tuple[str, Evidence]]:
    """Return the name of each data set and the runs on it, also of those that not every arm has a run on."""
    names: dict[str, str] = {}  # fingerprint -> name
    for entry in (entry for entries in evidence.entries.values() for entry in entries if entry.run):
        data = entry.run.info.get("dataset", {}) if entry.run else {}
        if data.get("fingerprint"):
            names.setdefault(data["fingerprint"], entry.dataset or str(data.get("name", "")))
    known = {name: source for source, name in names.items()}
    found: dict[str, dict[str, list[Entry]]] = {}
    for arm, entries in evidence.entries.items():
        for entry in entries:
            data = entry.run.info.get("dataset", {}) if entry.run else {}
            source = str(data.get("fingerprint") or known.get(entry.dataset, entry.dataset))
            if source:
                found.setdefault(source, {name: [] for name in evidence.entries})[arm].append(entry)
    called = {source: names.get(source, source) for source in found}
    twice = Counter(called.values())
    return [
        (name if twice[name] == 1 else f"{name} {source[:SHORT]}", Evidence(evidence.metric, found[source]))
        for source, name in called.items()
    ]


def _on_one(one: tuple[str, Evidence], node: Comparison) -> OnOne:
    name, evidence = one
    try:
        return OnOne(name, evidence, evaluate(evidence, node, all_pairs=True))
    except DataError as error:
        return OnOne(name, evidence, None, str(error))


def counts(one: OnOne, evidence: Evidence) -> bool:
    """Return whether a data set enters what is said over all of them: every arm has a run on it that counts."""
    return set(one.evidence.arms) == set(evidence.arms) and bool({*one.evidence.blocks} & {*evidence.blocks})


def _described(one: OnOne, evidence: Evidence) -> dict[str, Any]:
    """Return what `comparison.json` says of one data set."""
    verdict = one.verdict
    found: dict[str, Any] = {"name": one.name, "counted": counts(one, evidence), "problem": one.problem}
    if verdict is None:
        return found | {"test": "none", "arms": [], "pairs": []}
    ranks = _ranks(one.evidence)
    rows = {row["arm"]: row for row in by_row(arms_table(one.evidence, verdict))}
    arms = [
        {name: rows[arm][name] for name in OF_ARM}
        | {"rank": ranks.get(arm, ""), "best": ranks.get(arm) == min(ranks.values())}
        for arm in evidence.entries
    ]
    pairs = [
        row | {"better": pair.better}
        for row, pair in zip(by_row(pairs_table(verdict)), verdict.pairs, strict=True)
    ]
    return found | {"test": verdict.pairs[0].outcome.name, "arms": arms, "pairs": pairs}


def _ranks(evidence: Evidence) -> dict[str, float]:
    """Return the rank of each arm by its mean, 1 the best; over data sets the mean of its ranks."""
    table = np.stack([evidence.by_unit(arm) for arm in evidence.arms], axis=1)
    if len(evidence.datasets) == 1:  # its units are splits
        table = table.mean(axis=0, keepdims=True)
    ranks = stats.average_ranks(table, higher_is_better=evidence.metric.sign > 0)
    return dict(zip(evidence.arms, ranks.tolist(), strict=True))


def _mean_differences(
    evidence: Evidence, ranking: Sequence[str], on_each: Sequence[OnOne], node: Comparison
) -> list[dict[str, Any]]:
    """Return the mean difference of every pair with the data sets as a random sample, adjusted by Holm."""
    pairs = list(combinations(ranking, 2))
    within = [_variances(evidence, on_each, pair) for pair in pairs]

    def tested(pair: tuple[str, str], variances: Sequence[float] | None, level: float) -> Outcome:
        left, right = map(evidence.by_unit, pair)
        return stats.over_datasets(left, right, variances, level=level)

    outcomes = [tested(pair, known, 1 - node.alpha) for pair, known in zip(pairs, within, strict=True)]
    adjusted = stats.holm([outcome.p for outcome in outcomes], alpha=node.alpha).adjusted
    rows = []
    for pair, known, outcome, p in zip(pairs, within, outcomes, adjusted, strict=True):
        shown = outcome
        if p is not None and outcome.p is not None:
            shown = tested(pair, known, 1 - node.alpha * outcome.p / p)
        rows.append(_mean_difference(pair, outcome, shown, p, node, len(pairs)))
    return rows


def _mean_difference(
    pair: tuple[str, str], outcome: Outcome, shown: Outcome, p: float | None, node: Comparison, n_pairs: int
) -> dict[str, Any]:
    row: dict[str, Any] = {"a": pair[0], "b": pair[1], "difference": outcome.estimate}
    row |= attributes(outcome, "low", "high", "level", "p", "df", "se") | {"p_adjusted": p}
    row |= attributes(shown, "low", "high", "level", prefix="adjusted_")
    row |= {"significant": p is not None and p <= node.alpha}
    row |= {name: outcome.details.get(name) for name in ("between_sd", "within_sd")}
    row |= {"test": outcome.name, "reason": outcome.reason}
    if node.margin is not None:
        equal = stats.equivalence(outcome, node.margin, alpha=node.alpha / n_pairs)
        row |= {"equivalent": equal.equivalent}
        row |= attributes(equal, "low", "high", "level", prefix="equivalence_")
    return row


def _variances(evidence: Evidence, on_each: Sequence[OnOne], pair: tuple[str, str]) -> list[float] | None:
    """Return the variance of the difference within each data set; None where one of them is not known."""
    known = {one.evidence.datasets[0]: one.verdict for one in on_each if one.verdict}
    outcomes = [verdict.pair(*pair).outcome for data in evidence.datasets if (verdict := known.get(data))]
    found = [outcome.details.get("variance") if outcome.se is None else outcome.se**2 for outcome in outcomes]
    whole = [variance for variance in found if variance is not None]
    return whole if len(whole) == len(evidence.datasets) else None


def _warnings(evidence: Evidence, done: Analysis, on_each: Sequence[OnOne]) -> list[str]:
    """Return what a reader must know, of the data sets first."""
    found: list[str] = []
    for one in on_each:
        if not counts(one, evidence):
            missing = [arm for arm in evidence.arms if arm not in one.evidence.arms]
            found.append(
                f"{one.name} is left out of the results over all data sets: no run of {listed(missing)} counts there."
                if missing
                else f"{one.name} is left out of the results over all data sets: no test set there is shared."
            )
    if metric(name := evidence.metric.name).unit == "target":
        found.append(
            f"{name} is in the unit of each target: its mean over data sets says something only where all targets have "
            "one unit. Otherwise set comparison.metric=test.r2."
        )
    return [*found, *done.info["warnings"]]


def _datasets_table(datasets: Sequence[Mapping[str, Any]]) -> Columns:
    """Return one row a data set and arm."""
    rows = [
        {"dataset": one["name"], "counted": one["counted"]} | arm for one in datasets for arm in one["arms"]
    ]
    return by_column(rows)


def _pairs_table(on_each: Sequence[OnOne]) -> Columns:
    """Return one row a data set and pair of arms."""
    tested = [(one.name, one.verdict) for one in on_each if one.verdict]
    return by_column(
        [{"dataset": name} | row for name, verdict in tested for row in by_row(pairs_table(verdict))]
    )
