"""Phrases that the sentences of a comparison are made of. "Not significant" is never "equal"."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from mlexp.comparisons.evidence import Evidence
from mlexp.comparisons.verdict import Pair, Verdict
from mlexp.page.words import level_in_percent
from mlexp.stats import Outcome, Scope

ONE_TEST_SET = ("welch", "permutation", "anova")  # tests that hold for these test samples alone
MOST_NAMED = 6


def favoured(evidence: Evidence, pair: Pair) -> str:
    """Return the arm in whose favour the test's estimate is."""
    return pair.a if evidence.metric.sign * pair.outcome.estimate >= 0 else pair.b


def size(evidence: Evidence, value: float) -> str:
    """Return a difference that was found, with its unit."""
    return f"{evidence.metric.difference(value)}{evidence.metric.unit}"


def stated(evidence: Evidence, value: float) -> str:
    """Return a difference that somebody named, such as a margin, as it was named, with its unit."""
    if not evidence.metric.is_share:
        return f"{value:g}"
    return f"{100 * value:g} {'point' if 100 * value == 1 else 'points'}"


def span(evidence: Evidence, outcome: Outcome, *, turned: bool) -> str:
    """Return the interval of a difference a − b in the direction of what is better, or b − a if `turned`."""
    if outcome.low is None or outcome.high is None:
        return ""
    return ends(evidence, outcome.low, outcome.high, outcome.level, turned=turned)


def ends(evidence: Evidence, low: float, high: float, level: float, *, turned: bool = False) -> str:
    """Return an interval of how far the first arm is ahead, or the other if `turned`."""
    sign = -evidence.metric.sign if turned else evidence.metric.sign
    found = map(evidence.metric.difference, sorted((sign * low, sign * high)))
    return (
        f"{level_in_percent(level)} % interval of the difference {' to '.join(found)}{evidence.metric.unit}"
    )


def _spared(evidence: Evidence, arm: str) -> str:
    count = evidence.spared.get(arm, 0)
    if not count:
        return ""
    return f" {count} more {'seed was' if count == 1 else 'seeds were'} therefore not trained."


def copies(evidence: Evidence) -> list[str]:
    """Say which runs came to the result of another one and therefore do not count."""
    found = []
    for arm, alike in evidence.copies.items():
        n_runs = len(alike) + len(evidence.used[arm])
        if evidence.is_deterministic(arm):
            found.append(
                f"{arm} is deterministic: its {n_runs} runs are equal byte for byte whatever the seed. They count as "
                f"one, without variance over seeds.{_spared(evidence, arm)}"
            )
        elif alike:
            found.append(
                f"{len(alike)} of the {n_runs} runs of {arm} equal another one byte for byte, in predictions and "
                "history: those count once."
            )
    return found


def twins(evidence: Evidence) -> list[str]:
    """Say which arms came to the same results."""
    same = {arm: {entry.result for entry in evidence.used[arm]} for arm in evidence.arms}
    pairs = [(a, b) for a, b in itertools.combinations(evidence.arms, 2) if same[a] == same[b]]
    effect = "have the same results, byte for byte: the settings in which they differ had no effect."
    return [f"{a} and {b} {effect}" for a, b in pairs]


def needed(evidence: Evidence, pair: Pair, *, here: bool) -> str:
    """Say how many seeds would be needed, `here` on these test samples, or that no number of them will do."""
    power = pair.power
    assert power is not None
    delta = stated(evidence, power.delta)
    if not power.testable:
        return f"The number of seeds needed cannot be estimated: {power.reason}."
    alone = f" on these {evaluated_on(evidence)}" if here or not evidence.metric.of_row else ""
    seeds = power.seeds_same_rows if here else power.seeds
    if seeds is not None:
        words = f"About {seeds:,} seeds per arm would be needed to detect {delta}{alone}"
        equal = power.equal_same_rows if here else power.equal
        if pair.equivalence is not None and equal is not None:
            words += f", about {equal:,} to show that equal arms differ by less"
        return f"{words}; use new seeds, since adding seeds after a look inflates the false alarms."
    counted = "of them" if evidence.groups is None else "groups of them"
    more = f", more than {power.rows_needed:,} {counted}" if power.rows_needed else ""
    return f"No number of seeds will detect {delta}; that takes more {evaluated_on(evidence)}{more}."


def equivalent(evidence: Evidence, pair: Pair) -> str:
    """Say whether the difference is shown to be smaller than the margin."""
    shown = pair.equivalence
    assert shown is not None
    margin = f"±{stated(evidence, shown.margin)}"
    if shown.low is None or shown.high is None:
        return f"Whether {pair.a} and {pair.b} are equal to within {margin} cannot be tested: {shown.reason}."
    inside = ends(evidence, shown.low, shown.high, shown.level)
    verb = "are" if shown.equivalent else "are not shown to be"
    return f"{pair.a} and {pair.b} {verb} equal to within {margin} ({inside})."


def second(evidence: Evidence, verdict: Verdict) -> str:
    """Return the second line: Welch's test of the leading pair with its narrow scope."""
    pair = verdict.pair(*verdict.ranking[:2])
    outcome = pair.second
    if outcome is None:
        return ""
    scope = f"For these {evaluated_on(evidence)} only, over new training runs"
    if outcome.p is None:
        return f"{scope}: Welch t cannot be computed, {unlike(outcome.reason)}."
    turned = evidence.metric.sign * outcome.estimate < 0
    ahead = pair.b if turned else pair.a
    found = f"{span(evidence, outcome, turned=turned)}; Welch t, {probability(outcome.p)}"
    return f"{scope}: a difference of {size(evidence, abs(outcome.estimate))} in favour of {ahead} ({found})."


def varied(evidence: Evidence, arm: str) -> str:
    """Return what the interval of an arm's mean holds over."""
    if len(evidence.datasets) > 1:
        return "data sets"
    if len(evidence.blocks) > 1:
        return evidence.units
    if evidence.table(arm) is None:
        return "training runs"
    rows = "test samples" if evidence.groups is None else "groups of test samples"
    return f"{rows} (deterministic)" if evidence.is_deterministic(arm) else f"training runs and {rows}"


def scope(evidence: Evidence, found: Scope) -> str:
    """Return the scope of inference in words that fit the data: samples are images only where they are."""
    settings = "tuning with this budget" if evidence.tuned_each else "these settings"
    return found.sentence(rows=evaluated_on(evidence), settings=settings)


def evaluated_on(evidence: Evidence) -> str:
    """Return what the arms are evaluated on: test images, validation samples, or samples where there is no split."""
    run = evidence.used[evidence.arms[0]][0].run
    things = "images" if run is not None and run.info["dataset"].get("image_shape") else "samples"
    part = {"all": "", "train": "training "}.get(evidence.metric.part, f"{evidence.metric.part} ")
    return part + things


def probability(p: float) -> str:
    """Return p in a sentence.

    Examples
    --------
    >>> probability(0.0312), probability(0.0004), probability(0.25)
    ('p = 0.031', 'p < 0.001', 'p = 0.25')
    """
    found = p_value(p)
    return f"p {found}" if found.startswith("<") else f"p = {found}"


def p_value(p: float) -> str:
    """Return p as tables and sentences give it: three decimals below 0.1, two above.

    Examples
    --------
    >>> p_value(0.0312), p_value(0.0004), p_value(0.25)
    ('0.031', '< 0.001', '0.25')
    """
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def repeats(evidence: Evidence, verdict: Verdict, pair: Pair | None = None) -> str:
    """Return what a result rests on: data sets, splits, or seeds of each arm."""
    design = verdict.design
    if design.datasets > 1:
        return f"{design.datasets} data sets"
    if design.splits > 1:
        return f"{design.splits} {evidence.units}"
    if verdict.test == "mcnemar":
        return "one run per arm" if design.seeds < 2 else "the first run of each arm"
    arms = [pair.a, pair.b] if pair else evidence.arms
    counts = sorted({evidence.n_runs(arm) for arm in arms if not evidence.is_deterministic(arm)}) or [1]
    within = f"{design.blocks} blocks, " if design.blocks > 1 else ""
    if counts == [1]:
        return f"{within}one run per arm"
    fixed = [arm for arm in arms if evidence.is_deterministic(arm)]
    known = f"; {listed(fixed)} {'is' if len(fixed) == 1 else 'are'} deterministic" if fixed else ""
    separately = ", each tuned separately" if evidence.tuned_each else ""
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{within}{seeds} seeds per arm{separately}{known}"


def listed(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """Join names; a long list ends with how many more there are."""
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def unlike(reason: str) -> str:
    """Return why something cannot be tested, without the statement that it cannot."""
    return reason.removesuffix(": this cannot be tested")
