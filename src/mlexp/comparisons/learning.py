"""How the arms learnt: time of training as a ratio, epochs to a level, and the gap between training and validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlexp import stats
from mlexp.comparisons import convergence
from mlexp.comparisons.convergence import Level
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.stats import Outcome
from mlexp.store.result import Columns, by_column

POINT = 0.01  # a gap of a share below this is not worth a word
PART_OF_LOSS = 0.1  # nor is one of another metric below this part of its value
ERRORS = 2.0  # standard errors that a gap must exceed
SHARED = "runs that trained side by side as one stack share its seconds, so their spread is unknown"


@dataclass(frozen=True)
class Fit:
    """An arm on the samples that it was trained on, and on others.

    Attributes
    ----------
    train, other : mean of the compared metric on the training set, and on the validation (else test) set
    part : which of the two the other one is
    gap : how much better it is on the training set, mean over runs, in the units of the metric
    error : standard error of the gap: over runs, and for a share over the samples of the other set
    """

    train: float
    other: float
    part: str
    gap: float
    error: float


def reference(evidence: Evidence) -> str:
    """Return the arm that times are relative to: the first one listed of which a run counts."""
    return evidence.arms[0]


def seconds(evidence: Evidence, arm: str, fact: str = "") -> dict[int, float]:
    """Return the seconds of each run by its place among those that count; of training, or of a `fact` of the record."""
    found = {}
    for place, entry in enumerate(evidence.used[arm]):
        if entry.run is None:
            continue
        taken = entry.run.info["facts"].get(fact) if fact else convergence.seconds_of(entry.run)
        if isinstance(taken, int | float) and np.isfinite(taken) and taken > 0:
            found[place] = float(taken)
    return found


def prediction_seconds(evidence: Evidence, arm: str) -> float | None:
    """Return the seconds to predict 1,000 samples in the fastest run of an arm; None where no run records it."""
    return min(seconds(evidence, arm, "prediction_seconds").values(), default=None)


def time_ratio(evidence: Evidence, a: str, b: str, level: float) -> Outcome | None:
    """Return by what factor the training of one arm takes longer than that of another; None where times are missing."""
    values = {arm: seconds(evidence, arm) for arm in (a, b)}
    found = _ratio(evidence, values, (a, b), level)
    stacked = any(
        entry.run is not None and int(entry.run.info.get("stack", 1)) > 1
        for arm in (a, b)
        for entry in evidence.used[arm]
    )
    return replace(found, low=None, high=None, p=None, reason=SHARED) if found and stacked else found


def epochs_ratio(evidence: Evidence, level: Level, a: str, b: str, confidence: float) -> Outcome | None:
    """Return by what factor one arm needs more epochs than another; None unless every run of both got there."""
    values = {}
    for arm in (a, b):
        hits = [convergence.reached(entry.run, level) for entry in evidence.used[arm] if entry.run]
        if not hits or not all(hits):
            return None
        values[arm] = {place: float(hit[0]) for place, hit in enumerate(hits) if hit}
    return _ratio(evidence, values, (a, b), confidence)


def _ratio(
    evidence: Evidence, values: Mapping[str, Mapping[int, float]], arms: tuple[str, str], level: float
) -> Outcome | None:
    """Return the ratio of geometric means: by data set or split where these are several, else over runs."""
    if not all(values[arm] for arm in arms):
        return None
    if len(evidence.blocks) < 2:
        a, b = (np.array(list(values[arm].values())) for arm in arms)
        return stats.geometric_ratio(a, b, level=level)
    means = []
    for arm in arms:
        of: dict[Any, list[float]] = {}
        for place, value in values[arm].items():
            of.setdefault(evidence.used[arm][place].block, []).append(float(np.log(value)))
        means.append({block: float(np.exp(np.mean(logs))) for block, logs in of.items()})
    shared = [block for block in means[0] if block in means[1]]
    a, b = (np.array([mean[block] for block in shared]) for mean in means)
    return stats.geometric_ratio(a, b, paired=True, level=level) if len(shared) else None


def fit(evidence: Evidence, arm: str) -> Fit | None:
    """Return how an arm does on the samples that it was trained on, and on others; None where that is not recorded."""
    name, sign = evidence.metric.name, evidence.metric.sign
    for part in ("validation", "test"):
        pairs = [_scores(entry, part, name) for entry in evidence.used[arm]]
        known = np.array([pair for pair in pairs if pair is not None])
        if len(known) and len(known) == len(pairs):
            break
    else:
        return None
    gaps = sign * (known[:, 0] - known[:, 1])
    train, other = known.mean(axis=0)
    variance = float(gaps.var(ddof=1) / len(gaps)) if len(gaps) > 1 else 0.0
    if evidence.metric.is_share and (rows := _rows(evidence.used[arm], part)):
        variance += float(other * (1 - other)) / rows
    return Fit(float(train), float(other), part, float(gaps.mean()), float(np.sqrt(max(variance, 0.0))))


def _scores(entry: Entry, part: str, name: str) -> tuple[float, float] | None:
    if entry.run is None:
        return None
    pair = [entry.run.metrics.get(one, {}).get(name) for one in ("train", part)]
    return (float(pair[0]), float(pair[1])) if pair[0] is not None and pair[1] is not None else None


def _rows(entries: Sequence[Entry], part: str) -> int:
    return next((int(n) for entry in entries if entry.run and (n := entry.run.info["split"].get(part))), 0)


def diagnose(evidence: Evidence) -> dict[str, str]:
    """Return arm -> did not learn, overfits, underfits, or nothing where neither is shown.

    Overfits: better on the training set than on the other by more than two standard errors, and by a point (of a
    metric that is not a share: by a tenth of its value). Underfits: on the very samples that it was trained on it is
    worse, by as much, than the best arm is on samples that were not trained on.
    """
    fits = {arm: found for arm in evidence.arms if (found := fit(evidence, arm)) is not None}
    sign, share = evidence.metric.sign, evidence.metric.is_share
    best = max((sign * one.other for one in fits.values()), default=0.0)
    verdicts = {}
    for arm in evidence.arms:
        one = fits.get(arm)
        least = 0.0 if one is None else POINT if share else PART_OF_LOSS * abs(one.other)
        if all(entry.learnt_nothing for entry in evidence.used[arm]):
            verdicts[arm] = "did not learn"
        elif one is not None and one.gap > max(ERRORS * one.error, least):
            verdicts[arm] = "overfits"
        elif one is not None and best - sign * one.train > max(ERRORS * one.error, least):
            verdicts[arm] = "underfits"
        else:
            verdicts[arm] = ""
    return verdicts


def table(evidence: Evidence, confidence: float) -> Columns:
    """Return one row an arm: sets, gap and what it shows; seconds as a ratio; empty where nothing of it is recorded."""
    verdicts, first = diagnose(evidence), reference(evidence)
    rows = []
    for arm in evidence.arms:
        row: dict[str, Any] = {"arm": arm}
        if (one := fit(evidence, arm)) is not None:
            row |= {"train": one.train, "other_set": one.part, "other": one.other, "gap": one.gap}
            row |= {"gap_se": one.error, "fit": verdicts[arm]}
        if ahead := list(seconds(evidence, arm, "preparation_seconds").values()):
            row["preparation_seconds"] = min(
                ahead
            )  # records of older versions hold the loading of libraries as well
        ratio = None if arm == first else time_ratio(evidence, arm, first, confidence)
        if ratio is not None:
            row |= {
                "seconds_ratio": ratio.estimate,
                "seconds_ratio_low": ratio.low,
                "seconds_ratio_high": ratio.high,
            }
        rows.append(row)
    return by_column(rows) if any(len(row) > 1 for row in rows) else {}
