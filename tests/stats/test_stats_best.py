"""Comparisons with the best: published critical values, another library, coverage counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats as theirs
from scipy.special import ndtri

from mlexp import stats
from mlexp.errors import DataError
from mlexp.stats.outcome import t_quantile

# C. W. Dunnett, J. Am. Stat. Assoc. 50 (1955) 1096, table 1a: one-sided 0.95, infinite degrees of freedom, 1 to 9
# treatments against a control.
DUNNETT = (1.64, 1.92, 2.06, 2.16, 2.23, 2.29, 2.34, 2.38, 2.42)


def limits(arms: np.ndarray, df: float = np.inf) -> tuple[Callable[[int, int, float], float], np.ndarray]:
    """Return upper limits and variances for a balanced layout, arms × runs, with one pooled variance."""
    means, n_runs = arms.mean(axis=1), arms.shape[1]
    variance = 2 * float(arms.var(axis=1, ddof=1).mean()) / n_runs
    return (
        lambda i, j, a: means[i] - means[j] + t_quantile(1 - a, df) * np.sqrt(variance),
        np.full((len(arms), len(arms)), variance),
    )


@pytest.mark.parametrize("k", range(2, 11))
def test_equal_variances_give_dunnetts_values(k: int) -> None:
    found = stats.compared_with_best(k, lambda i, j, a: 0.0, variances=np.full((k, k), 2.0))
    assert [-float(ndtri(tail)) for tail in found.tails] == pytest.approx([DUNNETT[k - 2]] * k, abs=0.006)


def test_correlations_are_those_of_the_differences() -> None:
    rng = np.random.default_rng(3)
    root = rng.normal(size=(5, 5))
    cov = root @ root.T  # of five estimates that depend on each other
    v = np.diag(cov)[:, None] + np.diag(cov) - 2 * cov
    found = stats.compared_with_best(5, lambda i, j, a: 0.0, variances=v)
    for i, tail in enumerate(found.tails):
        to = np.delete(np.eye(5), i, axis=0) - np.eye(5)[i]
        own = to @ cov @ to.T
        own /= np.sqrt(np.outer(np.diag(own), np.diag(own)))
        chance = theirs.multivariate_normal.cdf(
            np.full(4, -ndtri(tail)), cov=own, abseps=1e-6, maxpts=200_000
        )
        assert chance == pytest.approx(0.95, abs=5e-4)
        assert 0.05 / 4 <= tail <= 0.05


@pytest.mark.parametrize("n_runs", [5, 200])
def test_a_balanced_layout_is_hsus_from_another_librarys_dunnett(n_runs: int) -> None:
    """Each arm as the control of Dunnett's one-sided test, put together as Hsu has it."""
    rng = np.random.default_rng(n_runs)
    arms = np.array([1.0, 0.9, 0.3, 0.0, -0.5])[:, None] + rng.normal(0, 4 / n_runs**0.5, (5, n_runs))
    upper, v = limits(arms, 5 * (n_runs - 1))
    found = stats.compared_with_best(5, upper, variances=v)
    high, below = [], np.full((5, 5), np.inf)
    for i in range(5):
        others = [j for j in range(5) if j != i]
        done = theirs.dunnett(*arms[others], control=arms[i], alternative="greater", rng=rng)
        lows = done.confidence_interval(0.95).low  # of theta_j − theta_i
        high.append(max(0.0, float((-lows).min())))
        below[i, others] = lows
    best = [i for i in range(5) if high[i] > 0]
    low = [min([0.0, *(float(below[j, i]) for j in best if j != i)]) for i in range(5)]
    room = 0.03 if n_runs == 5 else 0.004  # the joint t of a pooled variance is narrower with few runs
    half = -float(
        min(below[np.isfinite(below)] - (arms.mean(axis=1) - arms.mean(axis=1)[:, None])[np.isfinite(below)])
    )
    assert found.may_be_best == tuple(end > 0 for end in high)
    assert found.high == pytest.approx(high, abs=room * half)
    assert found.low == pytest.approx(low, abs=room * half)


def test_two_arms_are_the_one_sided_limits_of_their_difference() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random((6, 80)) < 0.8, rng.random((7, 80)) < 0.7
    pair, wide = stats.crossed_t(a, b), stats.crossed_t(a, b, level=0.9)

    def upper(i: int, j: int, tail: float) -> float:
        high = stats.crossed_t((a, b)[i], (a, b)[j], level=1 - 2 * tail).high
        assert high is not None
        return high

    assert pair.se is not None
    assert wide.low is not None
    assert wide.high is not None
    found = stats.compared_with_best(2, upper, variances=np.full((2, 2), pair.se**2))
    assert found.tails == pytest.approx((0.05, 0.05))
    assert found.high == pytest.approx((max(wide.high, 0), max(-wide.low, 0)))
    # with one arm left it is the best, and no more is claimed of it than that
    assert found.low == pytest.approx((0.0 if wide.low > 0 else wide.low, min(-wide.high, 0)))


def test_what_cannot_be_tested_leaves_no_limit() -> None:
    found = stats.compared_with_best(3, lambda i, j, a: np.inf)
    assert found.low == found.high == (None, None, None)
    assert found.may_be_best == (True, True, True)
    assert found.tails == (0.025, 0.025, 0.025)
    with pytest.raises(DataError, match="at least 2 arms"):
        stats.compared_with_best(1, lambda i, j, a: 0.0)
    with pytest.raises(DataError, match="shape"):
        stats.compared_with_best(3, lambda i, j, a: 0.0, variances=np.ones((2, 2)))


def test_arms_that_differ_in_nothing_may_both_be_best() -> None:
    """The third arm is the first under another name: neither puts a limit on the other, and both count once."""
    means, v = np.array([3.0, 0.0, 3.0, -1.0]), np.full((4, 4), 2.0)
    v[0, 2] = v[2, 0] = 0.0

    def upper(i: int, j: int, tail: float) -> float:
        return float(means[i] - means[j] - np.sqrt(v[i, j]) * ndtri(tail))

    found = stats.compared_with_best(4, upper, variances=v)
    alone = stats.compared_with_best(3, lambda i, j, tail: upper(i + 1, j + 1, tail), variances=v[1:, 1:])
    assert found.tails[0] == pytest.approx(alone.tails[1], abs=1e-4)
    assert found.may_be_best == (True, False, True, False)
    assert found.low[0] == found.low[2] == found.high[0] == found.high[2] == 0.0


def test_limits_in_a_circle_leave_no_arm() -> None:
    ahead = {(0, 1): 1.0, (1, 2): 1.0, (2, 0): 1.0}
    found = stats.compared_with_best(3, lambda i, j, a: ahead.get((i, j), -ahead.get((j, i), 0.0)) + 0.5)
    assert found.may_be_best == (False, False, False)
    assert found.high == (0.0, 0.0, 0.0)
    assert found.low == (-1.5, -1.5, -1.5)


@pytest.mark.parametrize("k", [2, 5, 9])
def test_variances_that_do_not_belong_together_still_hold(k: int) -> None:
    """Variances with a floor need not come from any covariance; Bonferroni bounds what is made of them."""
    rng = np.random.default_rng(k)
    v = rng.exponential(size=(k, k))
    found = stats.compared_with_best(k, lambda i, j, a: 0.0, variances=v + v.T)
    assert all(0.05 / max(k - 1, 1) <= tail <= 0.05 + 1e-6 for tail in found.tails)


@pytest.mark.slow
@pytest.mark.parametrize("truth", [(0.0,) * 5, (0.0, 0.0, -1.0, -2.0, -3.0), (0.0, -0.2, -0.4, -0.6, -0.8)])
def test_all_intervals_cover_together(truth: tuple[float, ...]) -> None:
    """Seeds × rows tables of five arms whose runs differ unequally: all five intervals are right in 95 %."""
    rng = np.random.default_rng(7)
    theta = np.array(truth)
    gap = np.array([theta[i] - np.delete(theta, i).max() for i in range(5)])
    right = left_out = 0
    tables = 600
    for _ in range(tables):
        rows = rng.normal(0, 1, (5, 1, 60)) + rng.normal(0, 1, 60)
        seeds = rng.normal(0, 1, (5, 6, 1)) * np.array([0.1, 0.5, 0.3, 0.2, 0.4])[:, None, None]
        x = theta[:, None, None] + rows + seeds + rng.normal(0, 1, (5, 6, 60))
        v = np.ones((5, 5))
        for i in range(5):
            for j in range(i):
                v[i, j] = v[j, i] = float(stats.crossed_t(x[i], x[j]).se or 0) ** 2

        def upper(i: int, j: int, tail: float, x: np.ndarray = x) -> float:
            return float(stats.crossed_t(x[i], x[j], level=1 - 2 * tail).high or 0.0)

        found = stats.compared_with_best(5, upper, variances=v)
        low, high = (np.array(ends, float) for ends in (found.low, found.high))
        right += bool(((low <= gap + 1e-12) & (gap <= high + 1e-12)).all())
        left_out += not found.may_be_best[0]
    assert right / tables >= 0.93
    assert left_out / tables <= 0.07
