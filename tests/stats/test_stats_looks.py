"""Looks at a study: what they may spend, and that all of them together spend no more."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from mlexp import stats
from mlexp.errors import ConfigError

PLAN = (5 / 30, 10 / 30, 15 / 30, 20 / 30, 1.0)


def crossing(times: tuple[float, ...], levels: tuple[float, ...]) -> float:
    """Return the chance that any |Z| reaches its boundary, by SciPy's multivariate normal distribution."""
    t = np.array(times)
    bounds = -scipy_stats.norm.ppf(np.array(levels) / 2)
    covariance = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
    normal = scipy_stats.multivariate_normal(cov=covariance, maxpts=200_000, abseps=1e-7, seed=0)
    return float(1 - normal.cdf(bounds, lower_limit=-bounds))


def test_levels_of_the_plan_that_is_stated() -> None:
    # published with the issue to three digits, from simulation; 0.01426 and 0.04349 there spend 0.0499 in all
    assert stats.nominal_levels(PLAN) == pytest.approx(
        (1.6e-6, 0.00069, 0.00531, 0.01426, 0.04349), rel=0.015
    )
    exact = (1.5794492e-6, 6.8622e-4, 5.31513e-3, 1.432855e-2, 4.355873e-2)
    assert stats.nominal_levels(PLAN) == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("times", [PLAN, (0.5, 1.0), (0.2, 0.3, 0.9), (0.01, 0.5, 0.51, 1.0), (1.0,)])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_looks_spend_what_the_function_allows(times: tuple[float, ...], alpha: float) -> None:
    levels = stats.nominal_levels(times, alpha=alpha)
    for looks in range(1, len(times) + 1):
        allowed = float(stats.alpha_spent(times[looks - 1], alpha=alpha))
        assert crossing(times[:looks], levels[:looks]) == pytest.approx(allowed, rel=2e-3, abs=2e-6)


def test_two_equal_looks_by_hand() -> None:
    # alpha(1/2) = 2 − 2·Phi(1.95996·sqrt(2)); the second level from Owen's bivariate normal, corr sqrt(1/2)
    first, second = stats.nominal_levels([0.5, 1.0])
    assert first == pytest.approx(2 * scipy_stats.norm.sf(1.959963985 * np.sqrt(2)), rel=1e-8)
    assert second == pytest.approx(0.0477808, abs=1e-6)


def test_many_looks_and_looks_close_to_each_other() -> None:
    levels = stats.nominal_levels([k / 200 for k in range(1, 201)])
    assert (np.diff(levels) > 0).all()
    assert levels[-1] == pytest.approx(0.0245, abs=5e-4)
    close = stats.nominal_levels([0.5, 0.5001, 1.0])
    assert close[-1] == pytest.approx(stats.nominal_levels([0.5, 1.0])[-1], abs=2e-5)


@pytest.mark.parametrize(
    "plan", [(5, 10, 15, 20, 30), (5, 8), (5, 7, 10), (10, 20, 30, 40, 60), range(1, 11)]
)
def test_no_step_of_holm_spends_more_than_its_share(plan: tuple[int, ...]) -> None:
    times = [runs / plan[-1] for runs in plan]
    for tests in (1, 3, 6, 15):
        levels = np.array(stats.family_levels(times, tests))
        for step in range(1, tests + 1):
            assert (
                levels / step <= np.array(stats.nominal_levels(times, alpha=0.05 / step)) * (1 + 1e-9)
            ).all()


def test_holm_over_looks_raises_few_false_alarms_among_independent_pairs() -> None:
    rng, studies, pairs = np.random.default_rng(0), 40_000, 6
    levels = stats.family_levels(PLAN, pairs)
    steps = np.sqrt(np.diff(PLAN, prepend=0.0))
    walked = np.cumsum(rng.standard_normal((studies, pairs, len(PLAN))) * steps, axis=-1)
    smallest = 2 * scipy_stats.norm.sf(np.abs(walked) / np.sqrt(PLAN)).min(axis=1)
    alarms = (smallest <= np.array(levels) / pairs).any(axis=1).mean()
    assert 0.035 < alarms <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / studies)


def test_what_no_look_can_have_is_refused() -> None:
    for times in ([], [0.0, 1.0], [0.5, 0.5], [0.6, 0.5], [0.5, 1.2], [np.nan]):
        with pytest.raises(ConfigError, match="information"):
            stats.nominal_levels(times)
    with pytest.raises(ConfigError, match="alpha"):
        stats.nominal_levels(PLAN, alpha=1.0)


def test_levels_rise_with_the_information_that_is_left_aside() -> None:
    # a look at t = 0.5 spends the same whatever comes later
    firsts = [stats.nominal_levels([0.5, *later])[0] for later in ([1.0], [0.6, 1.0], [0.9])]
    assert all(one == pytest.approx(other, rel=1e-9) for one, other in itertools.pairwise(firsts))
