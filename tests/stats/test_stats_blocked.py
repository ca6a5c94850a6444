"""The default test in blocks: by hand, against the test of averaged tables, and its false alarms."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats as theirs

from mlexp import stats
from mlexp.errors import DataError


def tables(rng: np.random.Generator, blocks: int, seeds: int, rows: int) -> list[np.ndarray]:
    return [rng.normal(block, 1, (seeds, rows)) for block in range(blocks)]


def test_one_block_is_the_crossed_test() -> None:
    rng = np.random.default_rng(1)
    for seeds_a, seeds_b in ((6, 8), (3, 6), (2, 2)):
        a, b = rng.normal(0.3, 1, (seeds_a, 30)), rng.normal(0, 1, (seeds_b, 30))
        one, other = stats.blocked_t([a], [b]), stats.crossed_t(a, b)
        for name in ("estimate", "se", "p", "low", "high"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-9), name
        assert one.df is other.df is None or one.df == pytest.approx(other.df)
        assert one.second_line
        assert other.second_line
        assert one.second_line.p == pytest.approx(other.second_line.p, rel=1e-9)


def test_seeds_that_are_the_same_in_every_block_are_the_crossed_test_of_the_averages() -> None:
    rng = np.random.default_rng(2)
    a, b = tables(rng, 4, 6, 50), tables(rng, 4, 7, 50)
    one, other = stats.blocked_t(a, b), stats.crossed_t(np.mean(a, axis=0), np.mean(b, axis=0))
    for name in ("estimate", "se", "p", "low", "high", "df"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-9), name
    groups = np.arange(50) // 3
    one = stats.blocked_t(a, b, groups=groups)
    other = stats.crossed_t(np.mean(a, axis=0), np.mean(b, axis=0), groups=groups)
    assert one.p == pytest.approx(other.p, rel=1e-9)
    mean, other = stats.blocked_mean(a), stats.crossed_mean(np.mean(a, axis=0))
    assert (mean.low, mean.high) == (pytest.approx(other.low), pytest.approx(other.high))


def test_blocks_of_their_own_seeds_by_hand() -> None:
    """Two blocks, two rows; V_A = (s_1²/2 + s_2²/2)/4 where no seed is in both blocks."""
    a = [[[1.0, 3.0], [3.0, 5.0]], [[0.0, 2.0], [4.0, 6.0]]]
    b = [[[0.0, 1.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]]
    found = stats.blocked_t(a, b, seeds=(((0, 1), (2, 3)), ((0, 1), (2, 3))))
    assert found.estimate == pytest.approx((2.5 + 2.5) / 2)  # means 3 and 3 less 0.5
    v_seed = (2.0 / 2 + 8.0 / 2) / 4  # seed means 2, 4 and 1, 5: variances 2 and 8
    v_row = (
        np.var([2.0, 3.0], ddof=1) / 2
    )  # row means of the difference: (2, 2) and (4, 4) less (0, 1), averaged
    assert found.details["v_seed"] == pytest.approx(v_seed)
    assert found.details["v_row"] == pytest.approx(v_row)
    assert found.details["v_res"] == pytest.approx(0.0)
    assert found.details["variance"] == pytest.approx(v_seed + v_row)
    # the same seeds in both blocks: their deviations add up, (-1 - 2)/2 and 3/2
    shared = stats.blocked_t(a, b)
    assert shared.details["v_seed"] == pytest.approx(np.var([1.5, 4.5], ddof=1) / 2)


def test_degrees_of_freedom_add_up_only_over_blocks_that_share_no_seed() -> None:
    rng = np.random.default_rng(3)
    a, b = [rng.normal(0, 1, 5) for _ in range(3)], [np.zeros(5) for _ in range(3)]
    apart = tuple([range(5 * block, 5 * block + 5) for block in range(3)] for _ in range(2))
    variances = np.array([one.var(ddof=1) for one in a])
    found = stats.blocked_t(a, b, seeds=apart)
    assert found.name.startswith("Welch")
    assert found.se == pytest.approx(np.sqrt(variances.sum() / 5 / 9))
    assert found.df == pytest.approx(4 * variances.sum() ** 2 / np.square(variances).sum())
    same = stats.blocked_t(a, b)
    assert same.df == pytest.approx(4)
    assert same.p == pytest.approx(theirs.ttest_1samp(np.mean(a, axis=0), 0).pvalue)


def test_fitted_models_are_a_paired_t_over_rows() -> None:
    rng = np.random.default_rng(4)
    a, b = tables(rng, 3, 1, 40), tables(rng, 3, 1, 40)
    found = stats.blocked_t(a, b, fitted=True)
    gaps = np.mean(a, axis=0)[0] - np.mean(b, axis=0)[0]
    assert found.p == pytest.approx(theirs.ttest_1samp(gaps, 0).pvalue)
    assert found.scope.over == ("{rows}",)
    assert not stats.blocked_t(a, b).testable


def test_a_deterministic_arm_adds_no_variance_and_no_degrees_of_freedom() -> None:
    rng = np.random.default_rng(5)
    a, fixed = tables(rng, 2, 6, 40), [np.repeat(one, 2, axis=0) for one in tables(rng, 2, 1, 40)]
    found = stats.blocked_t(a, fixed)
    other = stats.crossed_t(np.mean(a, axis=0), np.mean(fixed, axis=0), deterministic=(False, True))
    assert found.p == pytest.approx(other.p, rel=1e-9)
    assert not stats.blocked_t([np.ones((2, 4))], [np.ones((2, 4))]).testable
    with pytest.raises(DataError, match="same rows"):
        stats.blocked_t([np.ones((2, 4))], [np.ones((2, 5))])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("correlated", "shared", "blocks"),
    [(0.0, True, 2), (0.9, True, 2), (0.0, True, 10), (0.9, True, 10), (0.0, False, 10)],
)
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_false_alarms(correlated: float, shared: bool, blocks: int, seeds: int) -> None:
    """Right/wrong tables with rows, runs and blocks that matter; runs of one seed alike over blocks or not."""
    rng = np.random.default_rng(10 * blocks + seeds)
    rows, n_tables, wrong = 200, 1500, 0
    apart = [range(seeds * block, seeds * block + seeds) for block in range(blocks)]
    labels = None if shared else (apart, apart)
    for _ in range(n_tables):
        common = rng.normal(1.3, 1.0, rows)
        found = []
        for _arm in "ab":
            own = rng.normal(0, 0.4, rows)  # the arms are equal over all rows, not row by row
            run = rng.normal(0, 0.12 * np.sqrt(correlated), (1, seeds, 1))
            run = run + rng.normal(0, 0.12 * np.sqrt(1 - correlated), (blocks, seeds, 1))
            offset = np.linspace(-0.5, 0.5, blocks)[:, None, None]
            found.append(
                (common + own + run + offset + rng.normal(0, 1, (blocks, seeds, rows)) > 0).astype(float)
            )
        p = stats.blocked_t(*map(list, found), seeds=labels).p
        wrong += p is not None and p < 0.05
    share = 100 * wrong / n_tables
    assert share < 7.2, share
    if seeds >= 5:
        assert share > 3.0, share
