"""Data sets as a random effect: formula, number of data sets, and how often the interval covers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from mlexp import stats
from mlexp.errors import DataError


def test_the_mean_over_data_sets_is_a_t_interval_and_its_parts_add_up() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.8, 0.1, 7), rng.normal(0.75, 0.1, 7)
    within = rng.uniform(1e-5, 1e-3, 7)
    found = stats.over_datasets(a, b, within, level=0.9)
    expected = scipy.stats.ttest_rel(a, b)
    interval = expected.confidence_interval(0.9)
    assert (found.p, found.low, found.high) == pytest.approx((expected.pvalue, interval.low, interval.high))
    assert found.details["between_sd"] ** 2 + found.details["within_sd"] ** 2 == pytest.approx(
        np.var(a - b, ddof=1)
    )
    assert stats.over_datasets(a, b, 10 * np.ones(7)).details["between_sd"] == 0
    assert stats.over_datasets(a, b).details == {}


def test_what_cannot_be_tested_says_so() -> None:
    assert "one data set" in stats.over_datasets([0.9], [0.8]).reason
    same = stats.over_datasets([0.9, 0.8, 0.7], [0.8, 0.7, 0.6])
    assert not same.testable
    assert same.estimate == pytest.approx(0.1)
    with pytest.raises(DataError, match="one a difference"):
        stats.over_datasets([0.9, 0.8], [0.8, 0.7], [0.1])


@pytest.mark.parametrize(("pairs", "alpha"), [(1, 0.05), (3, 0.05), (6, 0.05), (10, 0.01), (1, 0.2)])
def test_fewer_data_sets_can_show_nothing(pairs: int, alpha: float) -> None:
    def smallest(n: int) -> float:
        return float(scipy.stats.wilcoxon(np.arange(1.0, n + 1)).pvalue) * pairs

    needed = stats.datasets_needed(pairs, alpha=alpha)
    assert smallest(needed) <= alpha < smallest(needed - 1)
    assert stats.datasets_needed() == 6  # five can never fall below 0.05


TRUTH = 0.03


def covered(n_datasets: int, between: float, unequal: bool, tables: int) -> float:
    """Return how often the interval holds the mean difference, 0.03, of simulated benchmarks.

    Every data set is a table of five runs × rows for each arm, right or wrong; `between` is the standard deviation of
    the difference over data sets, whose test sets have 200 rows, or 60 and 600 in turn.
    """
    rng = np.random.default_rng([n_datasets, round(1000 * between), unequal])
    hits = tested = 0
    for _ in range(tables):
        means = np.empty((2, n_datasets))
        for at in range(n_datasets):
            n = (60 if at % 2 else 600) if unequal else 200
            rows, gap = rng.normal(0.75, 0.15, n), TRUTH + between * rng.normal()
            for arm, shift in enumerate((gap / 2, -gap / 2)):
                runs = 0.01 * rng.normal(size=(5, 1))
                means[arm, at] = (rng.uniform(size=(5, n)) < rows + shift + runs).mean()
        found = stats.over_datasets(*means)
        tested += found.testable
        hits += found.low is not None and found.high is not None and found.low <= TRUTH <= found.high
    return hits / tested


@pytest.mark.slow
@pytest.mark.parametrize("n_datasets", [3, 6, 15])
@pytest.mark.parametrize("between", [0.0, 0.01, 0.04])
@pytest.mark.parametrize("unequal", [False, True])
def test_the_interval_covers_the_mean_over_new_data_sets(
    n_datasets: int, between: float, unequal: bool
) -> None:
    share = covered(n_datasets, between, unequal, 1500)
    assert 0.93 <= share <= (0.985 if unequal else 0.97), share
