"""Which test, and what it says of every pair of arms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from mlexp import stats
from mlexp.comparisons.evidence import Evidence
from mlexp.errors import ConfigError, DataError
from mlexp.stats import Choice, Design, Equivalence, Outcome, SeedsNeeded
from mlexp.stats.bootstrap import Interval
from mlexp.stats.choice import LICENCES
from mlexp.stats.outcome import t_quantile
from mlexp.studies import Comparison

RESAMPLES = 1000
BEYOND = 20  # resamples beyond either end of an interval, at least: fewer leave its place to chance


@dataclass(frozen=True)
class Pair:
    """Two arms, `a` the one with the better mean.

    Attributes
    ----------
    a, b : their names
    outcome : of the test, a − b
    adjusted : p after Holm, or of Nemenyi's test; None where the test gives no p
    better : the one that the test finds better, which need not be a; None where it does not tell them apart
    second : Welch's test of the same pair, where the test is another one
    power : how many seeds would be needed to see a difference, where seeds are what varies
    equivalence : whether the difference is shown to lie inside the stated margin
    """

    a: str
    b: str
    outcome: Outcome
    adjusted: float | None
    better: str | None
    second: Outcome | None = None
    power: SeedsNeeded | None = None
    equivalence: Equivalence | None = None

    @property
    def separated(self) -> bool:
        """Whether the test tells them apart."""
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
    nemenyi : mean ranks over data sets with their critical difference, where data sets vary
    """

    design: Design
    choice: Choice
    test: str
    misfit: str
    overall: Outcome | None
    pairs: tuple[Pair, ...]
    ranking: tuple[str, ...]
    nemenyi: stats.Nemenyi | None = None

    def pair(self, one: str, other: str) -> Pair:
        """Return the pair of two arms."""
        return next(pair for pair in self.pairs if {pair.a, pair.b} == {one, other})


def judge(evidence: Evidence, node: Comparison) -> Verdict:
    """Choose the test by the design, or take the one that a person chose, and apply it to every pair.

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
    sign = evidence.metric.sign
    # equal means keep the order of the arms
    ranking = sorted(evidence.arms, key=lambda arm: -sign * evidence.values(arm).mean())
    pairs = list(combinations(ranking, 2))
    level = 1 - node.alpha
    try:
        outcomes = [PAIRED[test](evidence, a, b, level, len(pairs)) for a, b in pairs]
        overall, nemenyi = _overall(evidence, test, node.alpha)
    except DataError as error:
        if not misfit:
            raise
        raise ConfigError(f"{misfit} And it cannot be computed: {error}") from error
    adjusted = stats.holm([outcome.p for outcome in outcomes], alpha=node.alpha).adjusted
    leads = [sign * outcome.estimate for outcome in outcomes]
    if nemenyi is not None:
        place = [(evidence.arms.index(a), evidence.arms.index(b)) for a, b in pairs]
        adjusted = tuple(nemenyi.p[a][b] for a, b in place)
        leads = [nemenyi.ranks[b] - nemenyi.ranks[a] for a, b in place]
    judged = [
        _judged(evidence, node, pair, outcome, p, pair[0] if lead >= 0 else pair[1], test)
        for pair, outcome, p, lead in zip(pairs, outcomes, adjusted, leads, strict=True)
    ]
    return Verdict(design, choice, test, misfit, overall, tuple(judged), tuple(ranking), nemenyi)


def design_of(evidence: Evidence) -> Design:
    """Return what varied between the runs."""
    metric, arms = evidence.metric, evidence.arms
    one_block = len(evidence.blocks) == 1
    tables = [evidence.table(arm) for arm in arms] if one_block else []
    labels = metric.statistic is not None and one_block
    kept = labels and all(evidence.table(arm, "predicted") is not None for arm in arms)
    # an arm that gives one result whatever the seed takes no test of several runs from the others
    counts = [len(evidence.used[arm]) for arm in arms if not evidence.is_deterministic(arm)] or [1]
    # an arm that is left with one run must not take the test of several from the others
    several = [count for count in counts if count > 1]
    return Design(
        seeds=min(several if len(several) > 1 else counts),
        per_row=metric.of_row is not None,
        rows_kept=kept or (bool(tables) and all(table is not None for table in tables)),
        same_rows=one_block,
        right_or_wrong=metric.name == "accuracy" and metric.of_row is not None,
        splits=len(evidence.blocks) if len(evidence.datasets) == 1 else 1,
        halves=bool(_halves(evidence)),
        datasets=len(evidence.datasets),
        arms=len(arms),
    )


def _halves(evidence: Evidence) -> list[int]:
    """Return the order of ten divisions in which each is followed by its other half; empty if they are none."""
    if len(evidence.blocks) != 10 or len(evidence.datasets) > 1:
        return []
    runs = evidence.used[evidence.arms[0]]
    first = [next(entry for entry in runs if entry.block == block) for block in evidence.blocks]
    parts = [entry.run.info["split"] for entry in first if entry.run]
    rows = [known for entry in first if (known := entry.kept("row")) is not None]
    level = all(part.get("train", 0) >= 0.75 * part.get("test", np.inf) for part in parts)
    if len(rows) != 10 or not level:
        return []
    total = sum(count for count in parts[0].values() if isinstance(count, int))
    whole = [
        (one, other)
        for one, other in combinations(range(10), 2)
        if len(rows[one]) + len(rows[other]) == total == len(np.union1d(rows[one], rows[other]))
    ]
    order = [place for pair in whole for place in pair]
    return order if sorted(order) == list(range(10)) else []


def _judged(
    evidence: Evidence,
    node: Comparison,
    pair: tuple[str, str],
    outcome: Outcome,
    p: float | None,
    ahead: str,
    test: str,
) -> Pair:
    a, b = pair
    inside = outcome.low is None or outcome.high is None or outcome.low <= 0 <= outcome.high
    separated = outcome.testable and (p <= node.alpha if p is not None else not inside)
    counts = [len(evidence.used[arm]) for arm in pair if not evidence.is_deterministic(arm)]
    seeds_vary = len(evidence.blocks) == 1 and min(counts, default=1) > 1
    second = None
    if seeds_vary and test not in ("welch", "permutation", "paired", "wilcoxon"):
        second = stats.welch_t(_values(evidence, a), _values(evidence, b), level=1 - node.alpha)
    return Pair(
        a,
        b,
        outcome,
        p if outcome.testable else None,
        ahead if separated else None,
        second,
        _power(evidence, node, pair) if seeds_vary else None,
        stats.equivalence(outcome, node.margin, alpha=node.alpha) if node.margin is not None else None,
    )


def _power(evidence: Evidence, node: Comparison, pair: tuple[str, str]) -> SeedsNeeded:
    """Return how many seeds would be needed: over new test rows too, where their scores were kept."""
    a, b = (_values(evidence, arm) for arm in pair)
    tables = [_spread(evidence, arm, table) for arm in pair if (table := evidence.table(arm)) is not None]
    rows: dict[str, Any] = {}
    grouped = [_grouped(table, evidence.groups) for table in tables]
    if len(grouped) == 2 and grouped[0].shape[1] > 1:
        parts = stats.crossed_parts(*grouped)
        rows = {"v_row": float(parts.v_row), "v_res": float(parts.v_res), "rows": grouped[0].shape[1]}
    return stats.seeds_needed(a, b, node.margin or worth_seeing(evidence), alpha=node.alpha, **rows)


def _grouped(table: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    return table if groups is None else stats.group_scores(table, groups)


def worth_seeing(evidence: Evidence) -> float:
    """Return the difference that a forecast of seeds is made for, where no margin says what matters.

    0.1 points of a share, 1 point where fewer than 1,000 rows judge; else a hundredth of the mean, to one digit.
    """
    if evidence.metric.is_share:
        rows = evidence.used[evidence.arms[0]][0].rows
        return 0.001 if rows is not None and len(rows) >= 1000 else 0.01
    size = max(abs(float(np.mean([evidence.values(arm).mean() for arm in evidence.arms]))), 1e-12)
    return float(f"{size / 100:.0e}")


def _overall(evidence: Evidence, test: str, alpha: float) -> tuple[Outcome | None, stats.Nemenyi | None]:
    arms = evidence.arms
    if test == "anova":
        return stats.one_way_anova([_values(evidence, arm) for arm in arms]), None
    if test != "friedman":
        return None, None
    table = np.stack([evidence.by_unit(arm) for arm in arms], axis=1)
    better = evidence.metric.sign > 0
    return (
        stats.friedman(table, higher_is_better=better),
        stats.nemenyi(table, higher_is_better=better, alpha=alpha),
    )


def _rows(evidence: Evidence, arm: str) -> np.ndarray:
    table = evidence.table(arm) if len(evidence.blocks) == 1 else None
    if table is None:
        raise DataError(f"{evidence.metric} of every row was not kept for '{arm}', or not on the same rows")
    return _spread(evidence, arm, table)


def _values(evidence: Evidence, arm: str) -> np.ndarray:
    """Return the metric of each run of an arm, as tests of how runs vary take it."""
    return _spread(evidence, arm, evidence.values(arm))


def _spread(evidence: Evidence, arm: str, runs: np.ndarray) -> np.ndarray:
    """Return one entry a run; two equal ones for an arm known to give the same result whatever the seed.

    That its variance over seeds is 0 is what two equal runs say, and no test here asks how many they were.
    """
    return np.repeat(runs, 2, axis=0) if evidence.is_deterministic(arm) else np.asarray(runs)


def _crossed(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    return stats.crossed_t(_rows(evidence, a), _rows(evidence, b), groups=evidence.groups, level=level)


def _welch(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    return stats.welch_t(_values(evidence, a), _values(evidence, b), level=level)


def _permutation(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    outcome = stats.permutation_test(_values(evidence, a), _values(evidence, b), rng=np.random.default_rng(0))
    return replace(outcome, level=level)


def _mcnemar(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    return stats.mcnemar(_rows(evidence, a)[0], _rows(evidence, b)[0], level=level)


def _units(evidence: Evidence, arm: str) -> np.ndarray:
    """Return what is paired between arms: data sets, divisions of the rows, or else runs by their place."""
    return evidence.by_unit(arm) if len(evidence.blocks) > 1 else evidence.values(arm)


def _paired(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    return stats.paired_t(_units(evidence, a), _units(evidence, b), level=level)


def _wilcoxon(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    outcome = stats.wilcoxon_signed_rank(_units(evidence, a), _units(evidence, b), level=level)
    return replace(outcome, licence=LICENCES["wilcoxon"]) if len(evidence.datasets) > 1 else outcome


def _differences(evidence: Evidence, a: str, b: str) -> np.ndarray:
    return np.asarray(evidence.by_unit(a) - evidence.by_unit(b))


def _sizes(evidence: Evidence) -> dict[str, float]:
    """Return the rows that one division trains and tests on, the mean over divisions."""
    runs = [entry.run for arm in evidence.arms for entry in evidence.used[arm] if entry.run]
    judged = evidence.metric.part
    if any(judged not in run.info["split"] or "train" not in run.info["split"] for run in runs):
        raise DataError("the runs do not say how many rows trained and judged them")
    return {
        "n_train": float(np.mean([run.info["split"]["train"] for run in runs])),
        "n_test": float(np.mean([run.info["split"][judged] for run in runs])),
    }


def _corrected(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    return stats.corrected_t(_differences(evidence, a, b), level=level, **_sizes(evidence))


def _bayesian(evidence: Evidence, a: str, b: str, level: float, n_pairs: int) -> Outcome:
    """Return the Bayesian correlated t; without p, its level is raised so that it holds for all pairs at once."""
    wanted = 1 - (1 - level) / n_pairs
    belief = stats.bayesian_correlated_t(_differences(evidence, a, b), level=wanted, **_sizes(evidence))
    numbers = {"p_worse": belief.p_worse, "p_better": belief.p_better}
    return Outcome(
        belief.name,
        belief.licence,
        belief.estimate,
        low=belief.low,
        high=belief.high,
        level=wanted,
        se=belief.scale,
        df=belief.df,
        n={"splits": len(evidence.blocks)},
        details={name: value for name, value in numbers.items() if value is not None},
        testable=belief.testable,
        reason=belief.reason,
    )


def _five_by_two(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    d = _differences(evidence, a, b)
    if len(d) != 10:
        raise DataError(f"5x2cv needs 5 repeats of 2 folds, 10 divisions of the rows. Got {len(d)}")
    outcome = stats.five_by_two_f(d[_halves(evidence) or range(10)].reshape(5, 2))
    return replace(outcome, estimate=float(d.mean()), level=level)


def _bootstrap(evidence: Evidence, a: str, b: str, level: float, n_pairs: int) -> Outcome:
    """Return the seeds × rows bootstrap; without p, its level is raised so that it holds for all pairs at once."""
    statistic = evidence.metric.statistic
    if evidence.metric.of_row is not None:
        left, right = _rows(evidence, a), _rows(evidence, b)
        truth = np.zeros(left.shape[1])

        def statistic(y: np.ndarray, scores: np.ndarray) -> float:
            return float(scores.mean())
    else:
        one_part = len(evidence.blocks) == 1
        found = [evidence.table(arm, "predicted") if one_part else None for arm in (a, b)]
        known = evidence.used[a][0].kept("true")
        if statistic is None or known is None or found[0] is None or found[1] is None:
            raise DataError(f"{evidence.metric} cannot be computed again from what was kept of every row")
        left, right, truth = found[0], found[1], known
    wanted = 1 - (1 - level) / n_pairs
    done: Interval = stats.bootstrap_seeds_rows(
        left,
        right,
        truth,
        statistic,
        rng=np.random.default_rng(0),
        strata=truth if truth.dtype.kind in "iu" and evidence.groups is None else None,
        groups=evidence.groups,
        level=wanted,
        n_resamples=RESAMPLES,
    )
    done = _reaching(done, wanted)
    return Outcome(
        done.name,
        done.licence,
        done.estimate,
        low=done.low,
        high=done.high,
        level=wanted,
        se=done.se,
        n=done.n,
        testable=done.testable,
        reason=done.reason,
    )


def _reaching(done: Interval, level: float) -> Interval:
    """Return the interval, or where too few resamples lie beyond its ends the normal one of the same spread."""
    if done.se is None or RESAMPLES * (1 - level) >= 2 * BEYOND:
        return done
    half = t_quantile((1 + level) / 2, np.inf) * done.se
    name = done.name.replace("percentile", "normal")
    return replace(done, name=name, low=done.estimate - half, high=done.estimate + half)


def _none(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    estimate = float(evidence.values(a).mean() - evidence.values(b).mean())
    reason = "one run an arm says nothing of how runs vary; two seeds an arm would"
    return Outcome("none", LICENCES["none"], estimate, level=level, testable=False, reason=reason)


PAIRED: dict[str, Callable[[Evidence, str, str, float, int], Outcome]] = {
    "crossed": _crossed,
    "welch": _welch,
    "permutation": _permutation,
    "mcnemar": _mcnemar,
    "paired": _paired,
    "wilcoxon": _wilcoxon,
    "friedman": _wilcoxon,
    "corrected": _corrected,
    "bayesian": _bayesian,
    "five_by_two": _five_by_two,
    "bootstrap_seeds_rows": _bootstrap,
    "anova": _welch,
    "none": _none,
}
