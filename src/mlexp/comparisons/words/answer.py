"""The answer of a comparison in at most four lines: verdict, size, interval, how sure.

Whatever else there is to say stands in `details`, or is a warning. "Not significant" is never "equal".
"""

from __future__ import annotations

from mlexp.comparisons.evidence import Evidence
from mlexp.comparisons.verdict import Pair, Verdict
from mlexp.comparisons.words import many_arms
from mlexp.comparisons.words.phrases import (
    ONE_TEST_SET,
    evaluated_on,
    favoured,
    listed,
    probability,
    repeats,
    size,
    span,
    stated,
    unlike,
)  # fmt: skip
from mlexp.kinds.comparison.settings import Comparison
from mlexp.stats import correction

# Test -> what it estimates, where that is not a difference of the means.
OTHER_ESTIMATES = {
    "mcnemar": "for the first run of each arm",
    "wilcoxon": "as the median of the differences",
    "friedman": "as the median of the differences",
}


def lines(evidence: Evidence, verdict: Verdict, node: Comparison) -> list[str]:
    """Return the lines of the answer, the verdict first; one that has nothing to say is left out.

    With many arms they say which may be best. Else size, interval and certainty are those of the leading pair: the two
    best arms, or where these cannot be tested the first pair that can be, if possible one with the best arm.
    """
    if verdict.with_best is not None:
        return many_arms.lines(evidence, verdict, node.margin)
    pair = leading(verdict)
    found = (
        _verdict(evidence, verdict),
        _size(evidence, verdict, pair),
        _interval(evidence, verdict, pair, node.alpha),
        _certainty(evidence, verdict, pair),
    )
    return [line for line in found if line]


def leading(verdict: Verdict) -> Pair:
    """Return the pair whose numbers the answer gives."""
    first, *others = verdict.ranking
    with_best = [verdict.pair(first, other) for other in others]
    return next((pair for pair in (*with_best, *verdict.pairs) if pair.outcome.testable), with_best[0])


def _verdict(evidence: Evidence, verdict: Verdict) -> str:
    """Say which arm is better, or best; nothing else stands in this line: figures have it for a title."""
    if len(verdict.ranking) > 2:
        return _best(evidence, verdict)
    (pair,), measure = verdict.pairs, evidence.metric.words
    if not pair.outcome.testable:
        return f"{pair.a} and {pair.b} cannot be tested against each other."
    if pair.better is None:
        said = f"{pair.a} and {pair.b} do not differ significantly in {measure}"
        joined = " and"
    else:
        worse = pair.b if pair.better == pair.a else pair.a
        said = f"{pair.better} is significantly better than {worse} in {measure}"
        joined = ", but the two"
    if pair.equivalence is not None and pair.equivalence.equivalent:
        said += f"{joined} are equal to within ±{stated(evidence, pair.equivalence.margin)}"
    return f"{said}."


def _best(evidence: Evidence, verdict: Verdict) -> str:
    """Say which of several arms is best, and from which of the others it differs significantly."""
    first, *others = verdict.ranking
    top = evidence.mean(first)
    level = [arm for arm in verdict.ranking if evidence.mean(arm) == top]
    pairs = [verdict.pair(first, other) for other in others]
    said = {
        "significantly better than": [pair.b for pair in pairs if pair.better == first],
        "significantly worse than": [pair.b for pair in pairs if pair.better == pair.b],
        "not significantly different from": [pair.b for pair in pairs if pair.better is None],
    }
    n_arms, measure = len(verdict.ranking), evidence.metric.words
    if len(said["significantly better than"]) == len(pairs):
        return f"{first} is significantly better in {measure} than each of the other {len(pairs)} arms."
    verb = "has" if len(level) == 1 else "share"
    lead = f"{listed(level)} {verb} the best mean {measure} of {n_arms} arms"
    if len(said["not significantly different from"]) == len(pairs):
        alone = "" if len(level) == 1 else f"{first} is "
        return f"{lead}, {alone}not significantly different from any other arm."
    told = ", ".join(f"{how} {listed(arms)}" for how, arms in said.items() if arms)
    return f"{lead}; {'it' if len(level) == 1 else first} is {told}."


def _size(evidence: Evidence, verdict: Verdict, pair: Pair) -> str:
    """Say the two means and how large the difference is; a test may estimate something else than that of the means."""
    metric, estimate = evidence.metric, abs(pair.outcome.estimate)
    a, b = (evidence.mean(arm) for arm in (pair.a, pair.b))
    said = f"Mean {metric.words}: {pair.a} {metric.value(a)}, {pair.b} {metric.value(b)}"
    if not pair.outcome.testable:
        return f"{said}."
    ahead = favoured(evidence, pair)
    if ahead == pair.a and metric.difference(abs(a - b)) == metric.difference(estimate):
        return f"{said}; a difference of {size(evidence, estimate)}."
    how = OTHER_ESTIMATES.get(verdict.test, "")
    words = " ".join(filter(None, (f"{said}; the test estimates {size(evidence, estimate)}", how)))
    if ahead == pair.b:
        words += f", in favour of {pair.b}, though the mean over all runs is better for {pair.a}"
    return f"{words}."


def _interval(evidence: Evidence, verdict: Verdict, pair: Pair, alpha: float) -> str:
    """Say the interval of the difference, at the level that agrees with the verdict."""
    said = span(evidence, pair.interval, turned=favoured(evidence, pair) == pair.b)
    adjusted = adjustment(verdict, alpha)
    return f"{said}{f' ({adjusted})' if adjusted else ''}." if said else ""


def adjustment(verdict: Verdict, alpha: float) -> str:
    """Say what "adjusted" means where several pairs are tested; empty for one pair."""
    if len(verdict.pairs) == 1:
        return ""
    by, share = correction(verdict.test), f"{100 * alpha:g} %"
    alone = "" if by == "Bonferroni" else "; not simultaneous"
    return (
        f"adjusted for {len(verdict.pairs)} pairs by {by}'s method, which keeps the chance of any false alarm among "
        f"them to {share}{alone}"
    )


def _certainty(evidence: Evidence, verdict: Verdict, pair: Pair) -> str:
    """Say p, from how many runs, and what is not shown."""
    outcome, runs = pair.outcome, repeats(evidence, verdict, pair)
    if not outcome.testable:
        return f"No test from {runs}: {unlike(outcome.reason)}."
    several = len(verdict.pairs) > 1
    found = [f"{_sure(evidence, pair, several=several)} from {runs}."]
    if pair.better is None:
        found += _not_shown(evidence, verdict, pair)
    if several:
        apart = sum(one.separated for one in verdict.pairs)
        found.append(f"{apart or 'None'} of the {len(verdict.pairs)} pairs of arms differ significantly.")
    return " ".join(found)


def _sure(evidence: Evidence, pair: Pair, *, several: bool) -> str:
    """Return p, adjusted where several pairs are tested, or what a test without p gives in its place."""
    outcome = pair.outcome
    if outcome.p is not None:
        known = pair.adjusted if several and pair.adjusted is not None else outcome.p
        return f"Adjusted {probability(known)}" if several else probability(known)
    ahead = favoured(evidence, pair)
    better = outcome.details.get("p_better" if (ahead == pair.a) == (evidence.metric.sign > 0) else "p_worse")
    return f"{outcome.name}" if better is None else f"Probability that {ahead} is better: {better:.3f}"


def _not_shown(evidence: Evidence, verdict: Verdict, pair: Pair) -> list[str]:
    """Say that arms which do not differ significantly need not be equal, and what it would take to know."""
    shown, power = pair.equivalence, pair.power
    if shown is not None and shown.equivalent:
        return []
    margin = "" if shown is None else f" to within ±{stated(evidence, shown.margin)}"
    found = [f"That does not show them to be equal{margin}."]
    if power is not None and power.testable:
        here = verdict.test in ONE_TEST_SET
        seeds, delta = power.seeds_same_rows if here else power.seeds, stated(evidence, power.delta)
        found.append(
            f"About {seeds:,} seeds per arm would be needed to detect {delta}."
            if seeds is not None
            else f"No number of seeds will detect {delta} on these {evaluated_on(evidence)}."
        )
    return found
