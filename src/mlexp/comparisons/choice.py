"""The arm to use: chosen on the validation set, judged on the test set, which has no part in the choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlexp.comparisons.evidence import Evidence
from mlexp.comparisons.verdict import Verdict
from mlexp.comparisons.words import phrases
from mlexp.kinds.comparison.settings import Comparison
from mlexp.page.words import level_in_percent


@dataclass(frozen=True)
class ArmChoice:
    """What validation chose.

    Attributes
    ----------
    order : arms, the best mean on the validation set first; of equal ones in the order in which they are listed
    scores : arm -> mean of the compared metric on the validation set over the runs that count
    words : the sentence: the arm, its validation mean, its test mean with the interval, whether it may be best
    """

    order: tuple[str, ...]
    scores: Mapping[str, float]
    words: str

    def record(self) -> dict[str, Any]:
        """Return what `comparison.json` holds of it."""
        return {
            "arm": self.order[0],
            "order": list(self.order),
            "validation": dict(self.scores),
            "words": self.words,
        }


def chosen(evidence: Evidence, verdict: Verdict, node: Comparison) -> ArmChoice | None:
    """Return the choice of a comparison that asks for one; None where validation scores or a test set are missing.

    The mean over the runs of an arm, whose settings may have been chosen on the same samples: it orders the arms, and
    says nothing of new samples. That is what the test set is for.
    """
    if not node.choose or evidence.metric.part != "test" or len(evidence.datasets) > 1:
        return None
    scores = {arm: _validation(evidence, arm) for arm in evidence.arms}
    known = {arm: value for arm, value in scores.items() if value is not None}
    if len(known) < len(scores):
        return None
    order = sorted(known, key=lambda arm: -evidence.metric.sign * known[arm])
    return ArmChoice(tuple(order), known, _words(evidence, verdict, order[0], known, node))


def _validation(evidence: Evidence, arm: str) -> float | None:
    """Return the mean over the runs of an arm; None if one of them has no finite score."""
    runs = [entry.run for entry in evidence.used[arm]]
    found = [run.metrics.get("validation", {}).get(evidence.metric.name) if run else None for run in runs]
    finite = [float(value) for value in found if value is not None and np.isfinite(value)]
    return float(np.mean(finite)) if finite and len(finite) == len(found) else None


def _words(
    evidence: Evidence, verdict: Verdict, arm: str, scores: Mapping[str, float], node: Comparison
) -> str:
    metric, mean = evidence.metric, verdict.means[arm]
    on_validation = replace(metric, part="validation").words
    level = [other for other in scores if scores[other] == scores[arm] and other != arm]
    tied = f", as has {phrases.listed(level)}, listed later" if level else ""
    span = ""
    if mean.low is not None and mean.high is not None:
        least, greatest = metric.row.limits
        ends = (metric.value(max(mean.low, least)), metric.value(min(mean.high, greatest)))
        span = f" ({level_in_percent(1 - node.alpha)} % interval {ends[0]} to {ends[1]})"
    return (
        f"Choice: {arm}, with the best mean {on_validation} of {len(scores)} arms ({metric.value(scores[arm])}{tied}). "
        f"The test set, which had no part in the choice, gives it {metric.value(evidence.mean(arm))}{span}"
        f"{_judged(verdict, arm)}."
    )


def _judged(verdict: Verdict, arm: str) -> str:
    """Say what the verdict on the test set says of the choice."""
    if verdict.with_best is not None:
        may = verdict.with_best.may_be_best[verdict.ranking.index(arm)]
        return ": it may be best" if may else ": it is not best there"
    ahead = [pair for pair in verdict.pairs if arm in (pair.a, pair.b) and pair.better not in (None, arm)]
    better = [str(pair.better) for pair in ahead]
    return (
        f": {phrases.listed(better)} {'is' if len(better) == 1 else 'are'} significantly better"
        if better
        else ""
    )
