"""Shares of a variance: by hand, against a mixed model's closed form, and coverage of the interval."""

from __future__ import annotations

import numpy as np
import pytest

from mlexp import stats


def test_groups_of_other_sizes_by_hand() -> None:
    found = stats.variance_share([[1.0, 3.0], [6.0], [4.0, 5.0, 9.0]])
    # means 2, 6, 6, in all 28/6; squares within 2 + 0 + 14, between 2·(8/3)² + 1·(4/3)² + 3·(4/3)²
    within, between = 16 / 3, (2 * 64 / 9 + 4 * 16 / 9) / 2
    n_0 = (6 - 14 / 6) / 2
    assert found.within == pytest.approx(within)
    assert (found.df_within, found.df_between) == (3, 2)
    assert found.share == pytest.approx((between - within) / (between + (n_0 - 1) * within))
    assert found.low == 0
    assert found.high is not None
    assert found.share is not None
    assert found.share < found.high <= 1


def test_what_cannot_be_separated_says_so() -> None:
    for groups, words in (
        ([[1.0], [2.0]], "no group has two"),
        ([[1.0, 2.0]], "one group"),
        ([[1.0, 1.0], [1.0]], "no value differs"),
    ):
        found = stats.variance_share(groups)
        assert found.share is None
        assert words in found.reason
    assert stats.variance_share([[1.0, 2.0]]).within == pytest.approx(0.5)
    assert stats.variance_share([[1.0, 1.0], [2.0, 2.0]]).share == 1


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_coverage_and_mean(share: float) -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(1000):
        groups = rng.normal(0, np.sqrt(share), (5, 1)) + rng.normal(0, np.sqrt(1 - share), (5, 4))
        one = stats.variance_share(list(groups))
        assert one.low is not None
        assert one.high is not None
        found.append(one.low <= share <= one.high)
    assert 0.93 < np.mean(found) < 0.97
