"""Scores of groupings against hand calculations, second ways to compute them, and published examples."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics.cluster import contingency_matrix

from mlexp.metrics import clustering as scores


def test_purity_of_the_textbook_example() -> None:
    # Manning, Raghavan and Schütze (2008), "Introduction to Information Retrieval", figure 16.4: 12/17.
    y = np.array([*"xxxxxo", *"xoooo◇", *"xx◇◇◇"])
    labels = np.repeat([0, 1, 2], [6, 6, 5])
    assert scores.purity(y, labels) == pytest.approx(12 / 17)


def test_contingency_and_matching_agree_with_other_ways_to_count() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        y, labels = rng.integers(0, 4, 60), rng.integers(-1, 3, 60)
        np.testing.assert_array_equal(scores.contingency(y, labels), contingency_matrix(y, labels))
        best = max(
            np.mean([order[label + 1] == group for label, group in zip(labels, y, strict=True)])
            for order in permutations(range(4))
        )
        assert scores.matched_accuracy(y, labels) == pytest.approx(best)


def test_clusters_without_a_class_count_as_wrong() -> None:
    assert scores.matched_accuracy(np.zeros(4, int), np.array([0, 1, 2, 3])) == 0.25
    assert scores.purity(np.zeros(4, int), np.array([0, 1, 2, 3])) == 1.0


def test_knee_of_curves_with_a_known_corner() -> None:
    ks = list(range(1, 11))
    assert scores.knee(ks, [100 - 20 * min(k, 4) - 0.5 * k for k in ks]) == 3
    assert scores.knee(ks, [100 - k for k in ks]) is None
    assert scores.knee(ks, [float(k) for k in ks]) is None
    assert scores.knee([1, 2], [2, 1]) is None
    assert scores.knee([1, 2, 3], [3, float("nan"), 1]) is None


def test_pairwise_deviation_is_that_of_all_distances() -> None:
    X = np.random.default_rng(1).normal(size=(30, 3))
    upper = cdist(X, X)[np.triu_indices(30, 1)]
    assert scores.pairwise_deviation(X) == pytest.approx(upper.std())


def test_shape_scores_leave_noise_out_and_know_when_they_mean_nothing() -> None:
    rng = np.random.default_rng(2)
    X = np.concatenate([rng.normal(0, 0.1, (20, 2)), rng.normal(5, 0.1, (20, 2)), rng.normal(0, 50, (5, 2))])
    labels = np.repeat([0, 1, -1], [20, 20, 5])
    found = scores.shape_scores(X, labels, np.arange(45))
    assert found == pytest.approx(scores.shape_scores(X[:40], labels[:40], np.arange(40)))
    assert found["silhouette"] > 0.9
    one = scores.shape_scores(X, np.zeros(45, int), np.arange(45))
    assert all(np.isnan(value) for value in one.values())


def test_trustworthiness_and_continuity_follow_their_definition() -> None:
    rng = np.random.default_rng(3)
    X, E, k = rng.normal(size=(25, 4)), rng.normal(size=(25, 2)), 3
    n = len(X)

    def lost(near: np.ndarray, ranked: np.ndarray) -> float:
        closest, rank = (cdist(Z, Z).argsort(axis=1) for Z in (near, ranked))
        penalty = 0
        for row in range(n):
            for other in closest[row, 1 : k + 1]:
                penalty += max(int(np.flatnonzero(rank[row] == other)[0]) - k, 0)
        return 1 - 2 * penalty / (n * k * (2 * n - 3 * k - 1))

    found = scores.neighbourhood_scores(X, E, k)
    assert found == pytest.approx({"trustworthiness": lost(E, X), "continuity": lost(X, E)})
