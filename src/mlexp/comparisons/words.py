"""The sentences of an answer. "Not significant" is never "equal"."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from mlexp.comparisons.evidence import Evidence
from mlexp.comparisons.verdict import Pair, Verdict
from mlexp.stats import Outcome, correction

ONE_TEST_PART = ("welch", "permutation", "anova")  # tests that speak of these test rows alone
NAMES = {
    "crossed t (seeds × rows)": "crossed t",
    "Wilcoxon signed rank (zsplit)": "Wilcoxon signed rank, median of differences by Hodges and Lehmann",
}
MOST_NAMED = 6


def answer(evidence: Evidence, verdict: Verdict, alpha: float) -> list[str]:
    """Return the answer, the most important sentence first."""
    best, *others = verdict.ranking
    if len(others) == 1:
        return _of_two(evidence, verdict, verdict.pairs[0])
    pairs = [verdict.pair(best, other) for other in others]
    by = correction(verdict.test)
    found = [_lead(evidence, verdict, pairs, by)]
    # where the two best cannot be tested, the first pair that can be is told too, if possible one with the best
    first = next((pair for pair in (*pairs, *verdict.pairs) if pair.outcome.testable), pairs[0])
    for pair in pairs[:1] if first is pairs[0] else (pairs[0], first):
        found += _of_two(evidence, verdict, pair)
    apart = sum(pair.separated for pair in verdict.pairs)
    found.append(
        f"{apart} of {len(verdict.pairs)} pairs of arms differ significantly at {alpha:g} after {by}."
    )
    if verdict.overall is not None and verdict.overall.p is not None:
        found.append(f"All arms together: {verdict.overall.name}, {probability(verdict.overall.p)}.")
    return found


def copies(evidence: Evidence) -> list[str]:
    """Say which runs came to the result of another one and therefore do not count."""
    found = []
    for arm, alike in evidence.copies.items():
        n_runs = len(alike) + len(evidence.used[arm])
        if evidence.is_deterministic(arm):
            found.append(
                f"{arm} gives the same result whatever the seed: its {n_runs} runs are equal byte for byte and count "
                "as one, without spread over seeds."
            )
        elif alike:
            found.append(
                f"{len(alike)} of the {n_runs} runs of {arm} equal another one byte for byte, in predictions and "
                "history: those count once."
            )
    same = {arm: {entry.result for entry in evidence.used[arm]} for arm in evidence.arms}
    pairs = [(a, b) for a, b in itertools.combinations(evidence.arms, 2) if same[a] == same[b]]
    effect = "came to the same results byte for byte: what sets them apart had no effect."
    return found + [f"{a} and {b} {effect}" for a, b in pairs]


def _lead(evidence: Evidence, verdict: Verdict, pairs: Sequence[Pair], by: str) -> str:
    """Say which of several arms is best, and from which of the others it differs significantly."""
    best, metric = verdict.ranking[0], evidence.metric
    top = evidence.values(best).mean()
    level = [arm for arm in verdict.ranking if evidence.values(arm).mean() == top]
    beaten = [pair.b for pair in pairs if pair.better == best]
    lost = [pair.b for pair in pairs if pair.better == pair.b]
    tied = [pair.b for pair in pairs if not pair.separated]
    tested = f"{_test(pairs[0])}, {by}"
    verb = "has" if len(level) == 1 else "share"
    lead = f"{_list(level)} {verb} the best mean {metric.words}, {metric.value(top)} ({_repeats(evidence, verdict)})"
    one = "it" if len(level) == 1 else best
    if len(beaten) == len(pairs):
        return f"{lead}, and {one} is better than each of the other {len(pairs)} arms ({tested})."
    if len(tied) == len(pairs):
        return f"{lead}, but these runs do not separate {one} from any other arm ({tested})."
    said = {"better than": beaten, "worse than": lost, "not separated from": tied}
    told = ", ".join(f"{how} {_list(arms)}" for how, arms in said.items() if arms)
    return f"{lead}; {one} is {told} ({tested})."


def _of_two(evidence: Evidence, verdict: Verdict, pair: Pair) -> list[str]:
    """Say how two arms stand to each other."""
    outcome = pair.outcome
    if not outcome.testable:
        found = [f"{pair.a} against {pair.b} cannot be tested: {_unlike(outcome.reason)}."]
        return found + ([equivalent(evidence, pair)] if pair.equivalence else [])
    interval = _interval(evidence, pair.interval, turned=pair.better == pair.b)
    if pair.interval is not outcome and interval:
        interval += f" (adjusted for {len(verdict.pairs)} pairs, not simultaneous)"
    detail = ", ".join(filter(None, (interval, _scope(evidence, outcome))))
    detail = "; ".join((detail, _repeats(evidence, verdict, pair), _probability(evidence, verdict, pair)))
    if pair.separated:
        found = _better(evidence, verdict, pair, detail)
    else:
        gap = _gap(evidence, pair, outcome)
        found = [
            f"These runs do not separate {pair.a} from {pair.b}: the difference is {gap} ({detail}). "
            "That does not show them to be equal."
        ]
        if pair.power is not None:
            found.append(needed(evidence, pair, here=verdict.test in ONE_TEST_PART))
    return found + ([equivalent(evidence, pair)] if pair.equivalence else [])


def _better(evidence: Evidence, verdict: Verdict, pair: Pair, detail: str) -> list[str]:
    """Say which of two arms the test finds better; the mean over all runs may say otherwise."""
    metric, turned = evidence.metric, pair.better == pair.b
    better, worse = (pair.b, pair.a) if turned else (pair.a, pair.b)
    size = f"{metric.difference(metric.sign * pair.outcome.estimate * (-1 if turned else 1))} {metric.unit}"
    found = [f"{better} is better than {worse} by {size} ({detail})."]
    if turned:
        found.append(f"The mean over all runs is better for {worse}, but it is not what was tested.")
    return found


def needed(evidence: Evidence, pair: Pair, *, here: bool) -> str:
    """Say how many seeds would be needed, `here` on these test rows, or that no number of them will do."""
    power = pair.power
    assert power is not None
    metric = evidence.metric
    delta = 100 * power.delta if metric.is_share else power.delta
    size = f"{delta:g} {metric.unit.replace('points', 'point') if delta == 1 else metric.unit}"
    if not power.testable:
        return f"How many seeds would be needed cannot be said: {power.reason}."
    alone = f" on these {judging(evidence)}" if here or not evidence.metric.of_row else ""
    seeds = power.seeds_same_rows if here else power.seeds
    if seeds is not None:
        words = f"About {seeds:,} seeds an arm would be needed to see {size}{alone}"
        equal = power.equal_same_rows if here else power.equal
        if pair.equivalence is not None and equal is not None:
            words += f", about {equal:,} to show that equal arms differ by less"
        return f"{words}; take fresh ones."
    counted = "of them" if evidence.groups is None else "groups of them"
    rows = f", more than {power.rows_needed:,} {counted}" if power.rows_needed else ""
    return f"No number of seeds will show {size}; that takes more {judging(evidence)}{rows}."


def equivalent(evidence: Evidence, pair: Pair) -> str:
    """Say whether the difference is shown to be smaller than the margin."""
    shown, metric = pair.equivalence, evidence.metric
    assert shown is not None
    margin = f"±{metric.difference(shown.margin)} {metric.unit}"
    if shown.low is None or shown.high is None:
        return f"Whether {pair.a} and {pair.b} are equal to within {margin} cannot be tested: {shown.reason}."
    span = _span(evidence, shown.low, shown.high, shown.level)
    if shown.equivalent:
        return f"{pair.a} and {pair.b} are equal to within {margin} ({span})."
    return f"{pair.a} and {pair.b} are not shown to be equal to within {margin} ({span})."


def second(evidence: Evidence, verdict: Verdict) -> str:
    """Return the second line: Welch's test of the leading pair with its narrow meaning."""
    pair = verdict.pair(*verdict.ranking[:2])
    outcome = pair.second
    if outcome is None:
        return ""
    scope = f"For these {judging(evidence)} only, over new training runs"
    if outcome.p is None:
        return f"{scope}: Welch t cannot be computed, {_unlike(outcome.reason)}."
    told = f"{_interval(evidence, outcome)}; Welch t, {probability(outcome.p)}"
    return f"{scope}: the difference is {_gap(evidence, pair, outcome)} ({told})."


def _gap(evidence: Evidence, pair: Pair, outcome: Outcome) -> str:
    """Return how far the first arm is ahead of the other by one of their tests."""
    metric = evidence.metric
    size = f"{metric.difference(metric.sign * outcome.estimate)} {metric.unit}"
    return size if metric.sign > 0 else f"{size} in favour of {pair.a}"


def varied(evidence: Evidence, arm: str) -> str:
    """Return what the interval of an arm's mean holds over."""
    if len(evidence.datasets) > 1:
        return "data sets"
    if len(evidence.blocks) > 1:
        return "splits"
    if evidence.table(arm) is None:
        return "training runs"
    rows = "test rows" if evidence.groups is None else "groups of test rows"
    return f"{rows} (deterministic)" if evidence.is_deterministic(arm) else f"training runs and {rows}"


def licence(evidence: Evidence, text: str) -> str:
    """Return what a result licenses, in words that fit the data: rows are images only where they are."""
    return text.replace("test images", judging(evidence))


def judging(evidence: Evidence) -> str:
    """Return what the arms are judged by: test images, validation rows, or rows where there are no parts."""
    run = evidence.used[evidence.arms[0]][0].run
    things = "images" if run is not None and run.info["dataset"].get("image_shape") else "rows"
    part = {"all": "", "train": "training "}.get(evidence.metric.part, f"{evidence.metric.part} ")
    return part + things


def probability(p: float) -> str:
    """Return p in words.

    Examples
    --------
    >>> probability(0.0312), probability(0.0004), probability(0.25)
    ('p = 0.031', 'p < 0.001', 'p = 0.25')
    """
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def _probability(evidence: Evidence, verdict: Verdict, pair: Pair) -> str:
    if pair.outcome.p is None:
        above = (evidence.metric.sign > 0) == (pair.better != pair.b)
        better = pair.outcome.details.get("p_better" if above else "p_worse")
        return _test(pair) + (f", probability that it is better {better:.3f}" if better is not None else "")
    words = f"{_test(pair)}, {probability(pair.outcome.p)}"
    if pair.adjusted is None or abs(pair.adjusted - pair.outcome.p) <= 1e-12:
        return words
    return f"{words}, adjusted {probability(pair.adjusted)[2:]}"


def _test(pair: Pair) -> str:
    return NAMES.get(pair.outcome.name, pair.outcome.name)


def _interval(evidence: Evidence, outcome: Outcome, turned: bool = False) -> str:
    if outcome.low is None or outcome.high is None:
        return ""
    low, high = (-outcome.high, -outcome.low) if turned else (outcome.low, outcome.high)
    return _span(evidence, low, high, outcome.level)


def _span(evidence: Evidence, low: float, high: float, level: float) -> str:
    """Return an interval of how far the first arm is ahead: where less is better, its sign is turned."""
    ends = sorted((evidence.metric.sign * low, evidence.metric.sign * high))
    return f"{100 * level:.4g} % interval {' to '.join(map(evidence.metric.difference, ends))}"


def _scope(evidence: Evidence, outcome: Outcome) -> str:
    """Return the head of the licence: over what the result holds."""
    return licence(evidence, outcome.licence).partition(",")[0].partition(":")[0].partition(" (")[0]


def _repeats(evidence: Evidence, verdict: Verdict, pair: Pair | None = None) -> str:
    design = verdict.design
    if design.datasets > 1:
        return f"{design.datasets} data sets"
    if design.splits > 1:
        return f"{design.splits} splits"
    arms = [pair.a, pair.b] if pair else evidence.arms
    counts = sorted({len(evidence.used[arm]) for arm in arms if not evidence.is_deterministic(arm)}) or [1]
    if counts == [1]:
        return "one run an arm"
    if verdict.test == "mcnemar":
        return "the first run of each arm"
    return f"{counts[0]} seeds an arm" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds an arm"


def _list(names: Sequence[str]) -> str:
    shown = list(names[:MOST_NAMED])
    if len(names) > MOST_NAMED:
        shown.append(f"{len(names) - MOST_NAMED} more")
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _unlike(reason: str) -> str:
    return reason.removesuffix(": this cannot be tested")
