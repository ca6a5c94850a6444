"""Which test, and what it says of every pair of arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from mlexp import stats
from mlexp.comparisons.evidence import Evidence
from mlexp.comparisons.pairwise import PAIRED, halves, split_sizes, spread, values
from mlexp.errors import ConfigError, DataError
from mlexp.kinds.comparison.settings import Comparison
from mlexp.stats import ChosenTest, Design, Equivalence, Outcome, SeedsNeeded, WithBest

MOST_BY_PAIRS = 4  # with more arms the verdict says which may be best, not how every pair stands


@dataclass(frozen=True)
class Pair:
    """Two arms, `a` the one with the better mean.

    Attributes
    ----------
    a, b : their names
    outcome : of the test, a − b, as if it were the only pair
    adjusted : p after Holm; None where the test gives no p
    interval : the outcome at the level 1 − alpha·p/adjusted, whose interval excludes 0 exactly where adjusted < alpha;
        the outcome itself where there is one pair, or no p
    better : the one that the test finds better, which need not be a; None where the difference is not significant
    second : Welch's test of the same pair, where the test is another one
    power : how many seeds would be needed to see a difference, where seeds are what varies
    equivalence : whether the difference is shown to lie inside the stated margin
    """

    a: str
    b: str
    outcome: Outcome
    adjusted: float | None
    interval: Outcome
    better: str | None
    second: Outcome | None = None
    power: SeedsNeeded | None = None
    equivalence: Equivalence | None = None

    @property
    def separated(self) -> bool:
        """Whether the difference is significant after adjustment."""
        return self.better is not None


@dataclass(frozen=True)
class Verdict:
    """What the evidence says.

    Attributes
    ----------
    design, choice : what varied, and the test that it asks for
    test : the test that was used
    misfit : why the test that a person chose does not fit; empty if it does
    overall : test of all arms at once, where there is one
    pairs : every pair, the arms in the order of their means
    ranking : arms, the best mean first
    means : arm -> its mean, with its interval
    with_best : how far each arm, in the order of the ranking, is from the best of the others; None with few arms, or
        where the test gives no interval
    """

    design: Design
    choice: ChosenTest
    test: str
    misfit: str
    overall: Outcome | None
    pairs: tuple[Pair, ...]
    ranking: tuple[str, ...]
    means: Mapping[str, Outcome]
    with_best: WithBest | None = None

    def pair(self, one: str, other: str) -> Pair:
        """Return the pair of two arms."""
        return self._by_arms[frozenset((one, other))]

    @cached_property
    def _by_arms(self) -> dict[frozenset[str], Pair]:
        return {frozenset((pair.a, pair.b)): pair for pair in self.pairs}


def evaluate(
    evidence: Evidence, node: Comparison, *, alpha: float | None = None, all_pairs: bool = False
) -> Verdict:
    """Choose the test by the design, or take the one that a person chose, and apply it to every pair.

    Differences are tested at `alpha`, by default that of the node; intervals of means have the level of the node.
    With many arms it is found which of them may be best, unless the verdict is on `all_pairs` however many there are.

    Raises
    ------
    ConfigError
        If the chosen test cannot be computed from these runs.
    DataError
        If the runs cannot be compared at all.
    """
    evidence.check()
    design = design_of(evidence)
    choice = stats.choose(design)
    test = choice.test if node.test == "auto" else node.test
    misfit = "" if node.test == "auto" else stats.misfit(test, design)
    if design.blocks > 1 and misfit and not stats.computable(test, design):
        raise ConfigError(
            f"{misfit} Take crossed or welch, or compare each arm at its best: --best-of validation."
        )
    sign = evidence.metric.sign
    # equal means keep the order of the arms
    ranking = sorted(evidence.arms, key=lambda arm: -sign * evidence.mean(arm))
    pairs = list(combinations(ranking, 2))
    of_means, node = 1 - node.alpha, replace(node, alpha=alpha or node.alpha)
    level = 1 - node.alpha
    try:
        outcomes = [PAIRED[test](evidence, a, b, level, len(pairs)) for a, b in pairs]
        overall = _overall(evidence, test)
    except DataError as error:
        if not misfit:
            raise
        raise ConfigError(f"{misfit} And it cannot be computed: {error}") from error
    adjusted = stats.holm([outcome.p for outcome in outcomes], alpha=node.alpha).adjusted
    compared = [
        _compared(evidence, node, pair, outcome, p, test, len(pairs))
        for pair, outcome, p in zip(pairs, outcomes, adjusted, strict=True)
    ]
    means = {arm: mean_of(evidence, arm, of_means) for arm in evidence.arms}
    many = len(ranking) > MOST_BY_PAIRS and not all_pairs
    best = with_best(evidence, compared, ranking, test, node.alpha) if many else None
    return Verdict(design, choice, test, misfit, overall, tuple(compared), tuple(ranking), means, best)


def with_best(
    evidence: Evidence, pairs: Sequence[Pair], ranking: Sequence[str], test: str, alpha: float
) -> WithBest | None:
    """Return how far each arm is from the best of the others; None unless the test gives intervals.

    Every limit is an end of the interval that the test of the pair gives at the level that this needs, and no wider
    than the range of the metric. Differences count in the direction of what is better.
    """
    tested = [pair.outcome for pair in pairs if pair.outcome.testable]
    if not tested or all(outcome.low is None for outcome in tested):
        return None
    sign, (least, greatest) = evidence.metric.sign, evidence.metric.row.limits
    most = greatest - least

    def upper(i: int, j: int, tail: float) -> float:
        outcome = PAIRED[test](evidence, ranking[i], ranking[j], 1 - 2 * tail, 1)
        if outcome.low is None or outcome.high is None:
            return 0.0 if are_alike(outcome) else np.inf
        return min(outcome.high if sign > 0 else -outcome.low, most)

    variances = None
    if all(pair.outcome.se is not None or are_alike(pair.outcome) for pair in pairs):
        place = {arm: k for k, arm in enumerate(ranking)}
        variances = np.zeros((len(ranking), len(ranking)))
        for pair in pairs:
            a, b = place[pair.a], place[pair.b]
            variances[a, b] = variances[b, a] = float(pair.outcome.se or 0) ** 2
    return stats.compared_with_best(len(ranking), upper, variances=variances, alpha=alpha)


def are_alike(outcome: Outcome) -> bool:
    """Return whether two arms cannot be tested because they differ in nothing, as settings without effect do."""
    return not outcome.testable and outcome.estimate == 0 and not outcome.details.get("v_res", 0) > 0


def mean_of(evidence: Evidence, arm: str, level: float) -> Outcome:
    """Return the mean of an arm with its interval, over what varied.

    Over training runs and test rows where scores of rows were kept; over training runs alone where they were not; over
    splits with Nadeau and Bengio's correction, over data sets by a t interval.
    """
    if len(evidence.blocks) > 1:
        units = evidence.by_unit(arm)
        if len(evidence.datasets) > 1:
            return stats.paired_t(units, 0 * units, level=level)
        return stats.corrected_t(units, level=level, **split_sizes(evidence))
    table = evidence.table(arm)
    if len(evidence.strata) > 1:
        cells = evidence.cells(arm)
        return stats.blocked_mean(
            [cell.scores for cell in cells],
            seeds=[cell.seeds for cell in cells],
            groups=None if table is None else evidence.groups,
            fitted=table is not None and min(len(cell.seeds) for cell in cells) < 2,
            level=level,
        )
    if table is None:
        runs = evidence.values(arm)
        return stats.paired_t(runs, 0 * runs, level=level)
    fixed = evidence.is_deterministic(arm)
    return stats.crossed_mean(
        spread(evidence, arm, table), groups=evidence.groups, deterministic=fixed, level=level
    )


def design_of(evidence: Evidence) -> Design:
    """Return what varied between the runs."""
    metric, arms = evidence.metric, evidence.arms
    one_block = len(evidence.blocks) == 1
    # an arm that gives one result whatever the seed takes no test of several runs from the others
    counts = [evidence.n_runs(arm) for arm in arms if not evidence.is_deterministic(arm)] or [1]
    # an arm that is left with one run must not take the test of several from the others
    several = [count for count in counts if count > 1]
    return Design(
        seeds=min(several if len(several) > 1 else counts),
        rows_kept=all(evidence.table(arm) is not None for arm in arms),
        same_rows=one_block,
        right_or_wrong=metric.right_or_wrong,
        splits=len(evidence.blocks) if len(evidence.datasets) == 1 else 1,
        halves=bool(halves(evidence)),
        datasets=len(evidence.datasets),
        generated=evidence.generated,
        arms=len(arms),
        blocks=len(evidence.strata),
    )


def _compared(
    evidence: Evidence,
    node: Comparison,
    pair: tuple[str, str],
    outcome: Outcome,
    adjusted: float | None,
    test: str,
    n_pairs: int,
) -> Pair:
    a, b = pair
    interval = outcome
    if n_pairs > 1 and outcome.p is not None and adjusted is not None:
        interval = PAIRED[test](evidence, a, b, 1 - node.alpha * outcome.p / adjusted, n_pairs)
    excludes = outcome.low is not None and outcome.high is not None and not outcome.low <= 0 <= outcome.high
    significant = outcome.testable and (adjusted <= node.alpha if adjusted is not None else excludes)
    ahead = a if evidence.metric.sign * outcome.estimate >= 0 else b
    counts = [len(evidence.used[arm]) for arm in pair if not evidence.is_deterministic(arm)]
    one_setting = len(evidence.strata) == 1
    seeds_vary = one_setting and len(evidence.blocks) == 1 and min(counts, default=1) > 1
    second = None if one_setting else outcome.second_line
    if seeds_vary and test not in ("welch", "permutation", "paired", "wilcoxon"):
        second = stats.welch_t(values(evidence, a), values(evidence, b), level=1 - node.alpha)
    equal = None
    if node.margin is not None:
        equal = stats.equivalence(outcome, node.margin, alpha=node.alpha / n_pairs)
    return Pair(
        a,
        b,
        outcome,
        adjusted if outcome.testable else None,
        interval,
        ahead if significant else None,
        second,
        _power(evidence, node, pair, n_pairs) if seeds_vary else None,
        equal,
    )


def _power(evidence: Evidence, node: Comparison, pair: tuple[str, str], n_pairs: int) -> SeedsNeeded:
    """Return how many seeds would be needed: over new test rows too, where their scores were kept."""
    a, b = (values(evidence, arm) for arm in pair)
    tables = [spread(evidence, arm, table) for arm in pair if (table := evidence.table(arm)) is not None]
    rows: dict[str, Any] = {}  # without scores of rows, on these test rows alone
    groups = evidence.groups
    grouped = tables if groups is None else [stats.group_scores(table, groups) for table in tables]
    if len(grouped) == 2 and grouped[0].shape[1] > 1:
        parts = stats.crossed_parts(*grouped)
        rows = {"v_row": float(parts.v_row), "v_res": float(parts.v_res), "rows": grouped[0].shape[1]}
    delta = node.margin or worth_seeing(evidence)
    return stats.seeds_needed(a, b, delta, pairs=n_pairs, alpha=node.alpha, **rows)


def worth_seeing(evidence: Evidence) -> float:
    """Return the difference that a forecast of seeds is made for, where no margin says what matters.

    0.1 points of a share, 1 point with fewer than 1,000 evaluated rows; else a hundredth of the mean, to one digit.
    """
    if evidence.metric.is_share:
        rows = evidence.used[evidence.arms[0]][0].rows
        return 0.001 if rows is not None and len(rows) >= 1000 else 0.01
    size = max(abs(float(np.mean([evidence.mean(arm) for arm in evidence.arms]))), 1e-12)
    return float(f"{size / 100:.0e}")


def _overall(evidence: Evidence, test: str) -> Outcome | None:
    arms = evidence.arms
    if test == "anova":
        return stats.one_way_anova([values(evidence, arm) for arm in arms])
    if test != "friedman":
        return None
    table = np.stack([evidence.by_unit(arm) for arm in arms], axis=1)
    return stats.friedman(table, higher_is_better=evidence.metric.sign > 0)
