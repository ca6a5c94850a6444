"""The crossed test: few runs, deterministic arms, metrics that are no mean, and that p and interval never disagree."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import scipy.stats as theirs
from scipy import integrate, special
from sklearn import metrics as rival

from mlexp import metrics, stats
from mlexp.stats.mixture import Mixture, interval_half, two_sided

CUTS = (-60, -40, -30, -20, -15, -10, -7, -5, -3, -2, -1, 0, 1, 2, 4, 6)


def by_quadrature(mixture: Mixture, distance: float) -> float:
    """Return the same probability by adaptive quadrature over log q, one arm inside the other."""

    def inner(fixed: float, left: list[tuple[float, float]]) -> float:
        if not left:
            return 2 * float(special.ndtr(-distance / np.sqrt(fixed)))
        (v, df), *others = left

        def weighted(t: float) -> float:
            density = df / 2 * np.log(df / 2) - special.gammaln(df / 2) + df / 2 * (t - np.exp(t))
            return float(np.exp(density)) * inner(fixed + v * np.exp(-t), others)

        return sum(integrate.quad(weighted, a, b, epsabs=1e-13, epsrel=1e-6)[0] for a, b in pairwise(CUTS))

    return inner(mixture.fixed, list(zip(mixture.variances, mixture.dfs, strict=True)))


@pytest.mark.parametrize("dfs", [(1.0, 1.0), (2.0, 2.0), (1.0, 29.0)])
@pytest.mark.parametrize("fixed", [0.0, 0.7])
def test_few_runs_by_quadrature(dfs: tuple[float, float], fixed: float) -> None:
    mixture = Mixture((1.0, 0.2), dfs, fixed)
    for distance in (2.5, 40.0):
        assert two_sided(mixture, distance) == pytest.approx(by_quadrature(mixture, distance), rel=1e-3)


def test_three_against_three_in_the_tail() -> None:
    assert two_sided(Mixture((0.5, 0.5), (2.0, 2.0)), 10.0) == pytest.approx(0.0104, abs=5e-5)


@pytest.mark.parametrize("df", [1.0, 2.0, 5.0, 30.0, 1000.0])
def test_one_variance_is_students_t(df: float) -> None:
    for t in (0.5, 2.0, 30.0):
        assert two_sided(Mixture((1.0,), (df,)), t) == pytest.approx(
            2 * theirs.t.sf(t, df), rel=1e-3, abs=1e-9
        )
    assert interval_half(Mixture((4.0,), (df,)), 0.05) == pytest.approx(2 * theirs.t.ppf(0.975, df), rel=1e-6)


def test_fewer_than_five_runs_are_tested_by_the_mixture() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 40)), rng.normal(size=(8, 40))
    found = stats.crossed_t(a, b)
    parts = stats.crossed_parts(a, b)
    rest = max(float(parts.v_row - parts.v_res), 0.0)
    mixture = Mixture((float(parts.seed_a), float(parts.seed_b)), (2.0, 7.0), rest)
    assert found.p == pytest.approx(two_sided(mixture, found.estimate))
    assert two_sided(mixture, found.high - found.estimate) == pytest.approx(0.05, rel=1e-6)
    assert "Behrens" in found.name


def test_a_deterministic_arm_costs_no_degrees_of_freedom() -> None:
    rng = np.random.default_rng(1)
    fixed = np.tile(rng.normal(size=30), (2, 1))
    varying = rng.normal(size=(6, 30)) + 3 * rng.normal(size=(6, 1))
    two = stats.crossed_t(fixed, varying, deterministic=(True, False))
    many = stats.crossed_t(np.tile(fixed[:1], (50, 1)), varying, deterministic=(True, False))
    assert two.df is not None  # two runs of it are not "fewer than five"
    assert (two.p, two.low, two.df) == pytest.approx((many.p, many.low, many.df))
    assert two.df >= 5


def test_variance_cannot_fall_below_a_quarter_of_the_seeds() -> None:
    """Runs that trade errors between rows: V_seed + V_row − V_res is negative, and the floor holds."""
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(6, 200))
    a = noise - noise.mean(axis=1, keepdims=True) + 0.01 * rng.normal(size=(6, 1))
    b = a[::-1] * 0.9
    parts = stats.crossed_parts(a, b)
    assert parts.v_seed + parts.v_row - parts.v_res < parts.v_seed / 4
    assert parts.variance == pytest.approx(parts.v_seed / 4)
    assert parts.df >= 5


def test_no_false_alarm_with_two_runs_where_one_arm_never_varies() -> None:
    """Rows matter and one arm is deterministic: the t distribution rejected 13 % of true nulls here."""
    rng, alarms, tables = np.random.default_rng(3), 0, 1000
    for _ in range(tables):
        rows = rng.normal(size=(2, 60))
        a = np.tile(rows[0], (2, 1))
        b = rows[1] + rng.normal(0, 0.25, size=(2, 1)) + rng.normal(0, 0.5, size=(2, 60))
        alarms += stats.crossed_t(a, b).p < 0.05
    assert alarms / tables < 0.065


METRICS: dict[str, tuple[Callable[..., np.ndarray], Callable[..., float]]] = {
    f"{average} {measure}": (
        lambda y, p, m=measure, a=average: metrics.class_scores(y, p, m, average=a),
        lambda y, p, w, m=measure, a=average: getattr(rival, f"{m}_score")(
            y, p, average=a, sample_weight=w, zero_division=0, labels=np.unique(y)
        ),
    )
    for measure in ("precision", "recall", "f1")
    for average in ("macro", "weighted")
}


def influence_by_weights(metric: Callable[[np.ndarray], float], n: int) -> np.ndarray:
    """Return the influence of every row: the derivative of the metric as its weight grows, others shrinking."""
    eps, found = 1e-6, np.empty(n)
    for i in range(n):
        moved = [np.full(n, (1 - sign * eps) / n) + sign * eps * (np.arange(n) == i) for sign in (1, -1)]
        found[i] = (metric(moved[0]) - metric(moved[1])) / (2 * eps)
    return found


@pytest.mark.parametrize("name", METRICS)
def test_scores_of_rows_for_classes(name: str) -> None:
    rng = np.random.default_rng(4)
    y, predicted = rng.integers(0, 3, 40), rng.integers(0, 4, 40)
    ours, theirs_ = METRICS[name]
    x = ours(y, predicted)
    value = theirs_(y, predicted, np.ones(40))
    assert x.mean() == pytest.approx(value)
    assert x - value == pytest.approx(influence_by_weights(lambda w: theirs_(y, predicted, w), 40), abs=1e-5)
    both = ours(y, np.stack([predicted, y]))
    assert both[0] == pytest.approx(x)
    assert both[1].mean() == pytest.approx(1)


def test_scores_of_rows_for_auc_rmse_and_r2() -> None:
    rng = np.random.default_rng(5)
    y, score = np.r_[np.zeros(15), np.ones(25)], np.round(rng.normal(size=40), 1)
    target, predicted = rng.normal(size=40), rng.normal(size=40)
    cases = (
        (metrics.auc_scores(y, score), lambda w: rival.roc_auc_score(y, score, sample_weight=w)),
        (
            metrics.rmse_scores(target, predicted),
            lambda w: rival.mean_squared_error(target, predicted, sample_weight=w) ** 0.5,
        ),
        (metrics.r2_scores(target, predicted), lambda w: rival.r2_score(target, predicted, sample_weight=w)),
    )
    for x, metric in cases:
        value = metric(np.full(40, 1 / 40))
        assert x.mean() == pytest.approx(value)
        assert x - value == pytest.approx(influence_by_weights(metric, 40), abs=1e-4)


def disagree(outcome: stats.Outcome) -> bool:
    """Return whether p and interval say different things of zero."""
    if outcome.p is None or outcome.low is None or outcome.high is None:
        return False
    return (outcome.p <= 0.05) != (outcome.low > 0 or outcome.high < 0)


@pytest.mark.parametrize("tables", [400, pytest.param(10_000, marks=pytest.mark.slow)])
def test_p_and_interval_agree(tables: int) -> None:
    rng = np.random.default_rng(6)
    for _ in range(tables):
        n, seeds = int(rng.integers(2, 30)), rng.integers(2, 8, size=2)
        rate = rng.uniform(0.3, 0.95, size=n)
        a, b = (rng.random((s, n)) < np.clip(rate + rng.normal(0, 0.1), 0, 1) for s in seeds)
        grid = np.round(rng.normal(0.3, 1, size=n) * rng.integers(1, 4)) / 10  # many ties and zeros
        splits = rng.normal(rng.normal(0, 0.05), 0.05, size=10)
        outcomes = [
            stats.crossed_t(a, b),
            stats.welch_t(a.mean(axis=1), b.mean(axis=1)),
            stats.paired_t(a[0], b[0]),
            stats.mcnemar(a[0], b[0]),
            stats.mcnemar(a[0], b[0], method="exact"),
            stats.wilcoxon_signed_rank(0.9 + grid, np.full(n, 0.9)),
            stats.corrected_t(splits, n_train=90, n_test=10),
        ]
        assert not any(map(disagree, outcomes)), next(filter(disagree, outcomes))
