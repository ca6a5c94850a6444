"""Arms that are tuned anew in each run: what they chose, what the claim is, and tuning's share of the variance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mlexp import stats
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.words import phrases
from mlexp.stats.components import ALONE, ONE_GROUP
from mlexp.store.result import Columns, by_column

Searches = Mapping[str, list[tuple[Entry, dict[str, Any]]]]


def searches(evidence: Evidence) -> Searches:
    """Return the search of each run that counts, by arm; empty unless every run has its own."""
    if not evidence.tuned_each:
        return {}
    return {
        arm: [(entry, entry.run.tuning) for entry in evidence.used[arm] if entry.run] for arm in evidence.arms
    }


def details(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Yield how arms were tuned and tuning's share, term and text; nothing where runs have no search of their own."""
    if found := searches(evidence):
        yield "Tuning", _in_words(found)
        yield "Variance due to tuning", _of_variance(evidence, found)


def _in_words(found: Searches) -> str:
    """Say how the arms were tuned, and what the verdict is about."""
    reports = [report for runs in found.values() for _, report in runs]
    strategies = sorted({str(report["strategy"]) for report in reports})
    counts = sorted({int(report["n_trials"]) for report in reports})
    many = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    chosen = "; ".join(
        f"{arm} {len({_setting(report) for _, report in runs})} in {len(runs)} runs"
        for arm, runs in found.items()
    )
    return (
        f"Each run was tuned separately on its validation set ({' and '.join(strategies)} search, {many} settings per "
        f"run). The verdict is about the arms after tuning with this budget; settings and scores of each run are in "
        f"chosen.csv. Different settings chosen: {chosen}."
    )


def _of_variance(evidence: Evidence, found: Searches) -> str:
    """Say how much of the variance between the runs of each arm is due to tuning, or why that is not separable."""
    if len(evidence.blocks) > 1 or len(evidence.strata) > 1:
        return "Not separable from that of the splits or settings, which vary as well."
    return " ".join(_of_arm(evidence, arm, runs) for arm, runs in found.items())


def _of_arm(evidence: Evidence, arm: str, runs: list[tuple[Entry, dict[str, Any]]]) -> str:
    groups: dict[str, list[float]] = {}
    for entry, report in runs:
        assert entry.value is not None
        groups.setdefault(_setting(report), []).append(entry.value)
    found = stats.variance_share(list(groups.values()))
    if found.share is not None and found.low is not None and found.high is not None:
        assert found.within is not None
        sd = phrases.size(evidence, float(np.sqrt(found.within)))
        return (
            f"{arm}: {100 * found.share:.0f} % ({100 * found.level:g} % interval {100 * found.low:.0f} to "
            f"{100 * found.high:.0f} %); standard deviation of training runs at equal settings {sd} (df "
            f"{found.df_within})."
        )
    if found.reason == ONE_GROUP:
        return f"{arm}: none in these runs, every search chose the same settings."
    if found.reason == ALONE:
        return (
            f"{arm}: not separable, every search chose other settings; runs of one of them with other seeds would show "
            "what training alone varies."
        )
    return f"{arm}: none, every run scored the same."


def table(evidence: Evidence) -> Columns:
    """Return one row a run: the settings that its search chose, their score, and how many it tried."""
    found = searches(evidence)
    rows = [
        {"arm": arm, "run": entry.name, "n_trials": report["n_trials"], "score": report["chosen"]["score"]}
        | {"value": entry.value}
        | report["chosen"]["values"]
        for arm, runs in found.items()
        for entry, report in runs
    ]
    return by_column(rows)


def warnings(evidence: Evidence) -> list[str]:
    """Return what a reader must know of the searches: unequal budgets, and choices at the edge of the space."""
    found = searches(evidence)
    sentences = []
    counts = {arm: sorted({report["n_trials"] for _, report in runs}) for arm, runs in found.items()}
    if len({str(count) for count in counts.values()}) > 1:
        listed = ", ".join(f"{arm} {' to '.join(map(str, count))}" for arm, count in counts.items())
        sentences.append(
            f"The arms were tuned with different budgets ({listed} settings): a longer search finds better ones."
        )
    at_edge = {arm: sum(bool(report.get("edges")) for _, report in runs) for arm, runs in found.items()}
    if any(at_edge.values()):
        listed = ", ".join(
            f"{count} of {len(found[arm])} of {arm}" for arm, count in at_edge.items() if count
        )
        sentences.append(
            f"Searches that ended at the edge of their space: {listed}. A wider space may give better settings and "
            "another verdict."
        )
    return sentences


def _setting(report: Mapping[str, Any]) -> str:
    return json.dumps(report["chosen"]["values"], sort_keys=True, default=str)
