"""The predictive density of one more run: by hand, by SciPy, and by how often its intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlexp.stats.predictive import (
    Prior,
    correlation,
    interval,
    jackknife_error,
    log_copula,
    log_density,
    predicted,
    prior,
)

NOTHING = np.zeros(1)


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_the_density_is_that_of_student_t_by_hand() -> None:
    of = predicted(column(1, 2, 3, 6), np.array([0.5]))
    scale = np.sqrt(np.var([1, 2, 3, 6], ddof=1) * 1.25 + 0.5)
    assert log_density(of, np.array([4.0]))[0] == pytest.approx(
        stats.t.logpdf((4 - 3) / scale, 3) - np.log(scale)
    )


def test_what_variances_have_in_common_is_weighed_by_its_degrees_of_freedom() -> None:
    of = predicted(column(0, 2), NOTHING, Prior(np.array([5.0]), np.array([3.0])))
    assert of.degrees[0] == 4
    assert of.scale[0] ** 2 == pytest.approx((3 * 5 + 1 * 2) / 4 * 1.5)


def test_runs_that_do_not_hold_a_figure_cost_their_share() -> None:
    held, all_hold = predicted(column(1, 2, np.nan, np.nan), NOTHING), predicted(column(1, 2), NOTHING)
    published = np.array([1.0])
    cost = log_density(held, published) - log_density(all_hold, published)
    assert cost[0] == pytest.approx(np.log(2.5 / 5))
    assert np.isnan(log_density(predicted(column(1, np.nan), NOTHING), published))[0]


def test_no_variance_at_all_predicts_by_rounding_alone() -> None:
    assert np.isnan(log_density(predicted(column(1, 1, 1), NOTHING), np.array([1.0])))[0]
    of = predicted(column(1, 1, 1), np.array([0.01]))
    assert of.scale[0] == pytest.approx(0.1)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 6), sd=st.floats(0.01, 100))
def test_intervals_hold_one_more_run_as_often_as_they_say(seed: int, n: int, sd: float) -> None:
    rng = np.random.default_rng(seed)
    draws = rng.normal(3, sd, (n + 1, 4000))
    low, high = interval(predicted(draws[:-1], np.zeros(4000)))
    assert np.mean((low <= draws[-1]) & (draws[-1] <= high)) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("d0", "s0"), [(4.0, 2.0), (20.0, 0.3)])
def test_the_prior_of_variances_is_found_again(d0: float, s0: float) -> None:
    rng = np.random.default_rng(1)
    variances = d0 * s0 / rng.chisquare(d0, 3000)
    found = prior([rng.normal(0, np.sqrt(one), (6, 1)) for one in variances])
    assert found.degrees[0] == pytest.approx(d0, rel=0.25)
    assert found.variance[0] == pytest.approx(s0, rel=0.1)


def test_moderated_intervals_hold_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    sd = np.sqrt(6 / rng.chisquare(6, 1000))
    groups = [rng.normal(0, one, (3, 1)) for one in sd]
    known = prior(groups)
    inside = []
    for group, one in zip(groups, sd, strict=True):
        low, high = interval(predicted(group, NOTHING, known))
        inside.append(low[0] <= rng.normal(0, one) <= high[0])
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


def test_the_copula_of_normal_margins_is_the_multivariate_normal() -> None:
    rng = np.random.default_rng(3)
    values, R = rng.normal(size=(4000, 3)), np.array([[1, 0.5, 0.2], [0.5, 1, -0.3], [0.2, -0.3, 1]])
    of = predicted(values, np.zeros(3), Prior(np.ones(3), np.full(3, 1e6)))
    published = np.array([0.5, -1.0, 2.0])
    z = (published - of.mean) / of.scale
    joint = log_density(of, published).sum() + log_copula(of, published, R)
    assert joint == pytest.approx(
        stats.multivariate_normal.logpdf(z, cov=R) - np.log(of.scale).sum(), abs=1e-3
    )


def test_correlations_are_found_and_shrunk() -> None:
    rng = np.random.default_rng(4)
    R = correlation(rng.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 2000), 1999)
    assert R[0, 1] == pytest.approx(0.8 * 0.9, abs=0.02)
    assert np.linalg.eigvalsh(correlation(rng.normal(size=(4, 30)), 3)).min() > 0
    assert correlation(np.zeros((5, 3)), 4).tolist() == np.eye(3).tolist()


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    x = np.random.default_rng(5).normal(size=12)
    assert jackknife_error((x.sum() - x) / 11) == pytest.approx(x.std(ddof=1) / np.sqrt(12))
