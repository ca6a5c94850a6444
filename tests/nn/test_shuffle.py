"""The order of the rows: a permutation, whether it is listed or computed, in pieces or as a whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlexp.nn import shuffle
from mlexp.nn.estimators import MLPClassifier


@settings(max_examples=60)
@given(st.integers(1, 3000), st.integers(0, 2**32), st.integers(1, 500))
def test_lazy_permutation_is_a_permutation_however_it_is_cut(n_rows: int, seed: int, step: int) -> None:
    computed = shuffle.LazyPermutation([np.random.default_rng(seed)], n_rows)
    pieces = [computed[:, first : first + step][0] for first in range(0, n_rows, step)]
    np.testing.assert_array_equal(np.sort(np.concatenate(pieces)), np.arange(n_rows))
    np.testing.assert_array_equal(np.concatenate(pieces), computed[:, 0:n_rows][0])


def test_lazy_permutation_looks_random() -> None:
    n_rows, epochs = 100_000, 20
    rng = np.random.default_rng(3)
    first = np.array([shuffle.LazyPermutation([rng], n_rows)[:, 0:1000][0] for _ in range(epochs)])
    counts = np.bincount(first.ravel() * 50 // n_rows, minlength=50)
    assert stats.chisquare(counts).pvalue > 0.001
    whole = shuffle.LazyPermutation([rng], n_rows)[:, 0:n_rows][0]
    assert abs(stats.spearmanr(whole, np.arange(n_rows)).statistic) < 0.015
    assert abs(stats.spearmanr(whole[:-1], whole[1:]).statistic) < 0.015
    fixed_points = int((whole == np.arange(n_rows)).sum())
    assert fixed_points <= 8


def test_replicas_have_their_own_order_alone_and_together() -> None:
    together = shuffle.LazyPermutation([np.random.default_rng(seed) for seed in (1, 2)], 1000)[:, 0:1000]
    for place, seed in enumerate((1, 2)):
        alone = shuffle.LazyPermutation([np.random.default_rng(seed)], 1000)[:, 0:1000]
        np.testing.assert_array_equal(together[place], alone[0])
    assert (together[0] != together[1]).any()


def test_training_learns_from_a_lazy_permutation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shuffle, "LISTED", 100)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 2))
    y = (X[:, 0] > 0).astype(int)
    model = MLPClassifier(hidden=[8], learning_rate=0.02, epochs=20, seed=1).fit(X, y)
    assert model.score(X, y) > 0.95
