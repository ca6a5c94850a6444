"""The answer where there are many arms: which may be best, which are not, and how far behind they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlexp.comparisons.evidence import Evidence
from mlexp.comparisons.verdict import Verdict, are_alike
from mlexp.comparisons.words import phrases
from mlexp.page.words import level_in_percent

MOST_WITH_MEANS = 3  # arms whose means a line gives; the table of arms has them all


def lines(evidence: Evidence, verdict: Verdict, margin: float | None) -> list[str]:
    """Return the answer: verdict, means of those that may be best, how far behind the others are, how sure that is."""
    may, rest = parted(verdict)
    found = [_verdict(evidence, verdict, may, rest), _means(evidence, verdict, may)]
    if rest:
        found.append(_behind(evidence, verdict, rest))
    found.append(_certainty(evidence, verdict, may, margin))
    return [line for line in found if line]


def parted(verdict: Verdict) -> tuple[list[str], list[str]]:
    """Return the arms that may be best and those that are not, in the order of their means."""
    assert verdict.with_best is not None
    marked = list(zip(verdict.ranking, verdict.with_best.may_be_best, strict=True))
    return [arm for arm, may in marked if may], [arm for arm, may in marked if not may]


def recorded(verdict: Verdict) -> dict[str, Any] | None:
    """Return what `comparison.json` holds of it; None where the verdict is on pairs."""
    best = verdict.with_best
    if best is None:
        return None
    may, rest = parted(verdict)
    ahead = {arm: [*ends] for arm, *ends in zip(verdict.ranking, best.low, best.high, strict=True)}
    level = 1 - best.alpha
    return {"name": best.name, "level": level, "may_be_best": may, "not_best": rest, "ahead": ahead}


def ahead(verdict: Verdict, arm: str) -> dict[str, Any]:
    """Return the cells of the table of arms: whether it may be best, and how far it is ahead of the best other arm."""
    best = verdict.with_best
    if best is None:
        return {}
    place = verdict.ranking.index(arm)
    ends = ("" if end is None else end for end in (best.low[place], best.high[place]))
    return {
        "may_be_best": best.may_be_best[place],
        **dict(zip(("ahead_low", "ahead_high"), ends, strict=True)),
    }


def _verdict(evidence: Evidence, verdict: Verdict, may: Sequence[str], rest: Sequence[str]) -> str:
    n_arms, measure = len(verdict.ranking), evidence.metric.words
    if not rest:
        return f"Any of the {n_arms} arms may be best in {measure}."
    if not may:
        return f"None of the {n_arms} arms is best in {measure}: each is worse than another one."
    if len(may) == 1:
        return f"{may[0]} is best in {measure} of {n_arms} arms."
    return f"May be best in {measure}: {phrases.listed(may)}; not best: {phrases.listed(rest)}."


def _means(evidence: Evidence, verdict: Verdict, may: Sequence[str]) -> str:
    """Say the means of the arms that may be best, and how far behind the best each can be."""
    metric, found = evidence.metric, []
    for arm in may:
        low = _low(verdict, arm) if len(may) > 1 else None
        most = "" if low is None else f" (at most {phrases.size(evidence, -low)} behind the best)"
        found.append(f"{arm} {metric.value(evidence.mean(arm))}{most}")
    return f"Mean {metric.words}: {phrases.listed(found, MOST_WITH_MEANS)}." if found else ""


def _behind(evidence: Evidence, verdict: Verdict, rest: Sequence[str]) -> str:
    """Say how far each arm is behind the one with the best mean, and at most behind the best; with the unit once."""
    metric, found = evidence.metric, []
    for arm in rest:
        low = _low(verdict, arm)
        most = "" if low is None else f" (at most {metric.difference(-low)})"
        found.append(f"{arm} by {metric.difference(_gap(evidence, verdict, arm))}{most}")
    return f"Behind the best: {phrases.listed(found, MOST_WITH_MEANS)}{metric.unit}."


def _gap(evidence: Evidence, verdict: Verdict, arm: str) -> float:
    """Return the estimate of how far an arm is behind the others of which the farthest ahead."""
    sign, others = evidence.metric.sign, [other for other in verdict.ranking if other != arm]
    pairs = [verdict.pair(arm, other) for other in others]
    return max(sign * pair.outcome.estimate * (-1 if pair.a == arm else 1) for pair in pairs)


def _low(verdict: Verdict, arm: str) -> float | None:
    assert verdict.with_best is not None
    return verdict.with_best.low[verdict.ranking.index(arm)]


def _certainty(evidence: Evidence, verdict: Verdict, may: Sequence[str], margin: float | None) -> str:
    """Say how sure all of this is at once, from how many runs, and what is not shown."""
    best = verdict.with_best
    assert best is not None
    level = f"{level_in_percent(1 - best.alpha)} % confidence for all arms at once"
    found = [f"{level}, from {phrases.repeats(evidence, verdict)}."]
    untested = [pair for pair in verdict.pairs if not (pair.outcome.testable or are_alike(pair.outcome))]
    if untested:
        found.append(f"{len(untested)} of {len(verdict.pairs)} pairs could not be tested.")
    if len(may) > 1:
        found.append("That does not show those that may be best to be equal.")
    if margin is not None:
        near = [arm for arm in may if (low := _low(verdict, arm)) is not None and low > -margin]
        within = f"to within {phrases.stated(evidence, margin)} of the best"
        found.append(f"Shown {within}: {phrases.listed(near) if near else 'no arm'}.")
    return " ".join(found)
