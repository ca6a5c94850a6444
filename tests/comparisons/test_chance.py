"""What counts as having learnt nothing: no better than a constant prediction by any measure that is recorded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from mlexp.comparisons.evidence.chance import is_constant_as_good


def nothing(truth: np.ndarray, predicted: np.ndarray) -> bool:
    return is_constant_as_good(truth, predicted, accuracy=float(accuracy_score(truth, predicted)))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=100), st.integers(0, 99))
def test_a_constant_prediction_has_learnt_nothing(counts: list[int], named: int) -> None:
    truth = np.repeat(np.arange(len(counts)), counts)
    assert nothing(truth, np.full(len(truth), named % len(counts)))


@given(st.lists(st.integers(15, 60), min_size=2, max_size=20))
def test_a_perfect_prediction_has(counts: list[int]) -> None:
    truth = np.repeat(np.arange(len(counts)), counts)
    assert not nothing(truth, truth)


@pytest.mark.parametrize("n_classes", [2, 10, 25])
def test_guesses_have_not_in_nearly_all_samples(n_classes: int) -> None:
    """Each criterion exceeds two standard errors in about 2 % of samples of pure guesses."""
    rng = np.random.default_rng(n_classes)
    found = [
        nothing(rng.integers(n_classes, size=500), rng.integers(n_classes, size=500)) for _ in range(200)
    ]
    assert np.mean(found) > 0.9


def test_the_accuracy_of_the_majority_class_may_hide_a_good_classifier() -> None:
    """Five in a hundred are rare: 40 of 50 found at the price of 45 false alarms: accuracy 94.5 %, below 95 %."""
    truth = np.repeat([0, 1], [950, 50])
    predicted = np.repeat([0, 1, 1, 0], [905, 45, 40, 10])
    assert accuracy_score(truth, predicted) < 0.95
    assert not nothing(truth, predicted)


def test_a_better_accuracy_is_enough() -> None:
    """The rare class has four samples, too few for the recall alone to show anything."""
    truth = np.repeat([0, 1, 2], [50, 50, 2])
    assert not nothing(truth, np.repeat([0, 1], [50, 52]))


def test_without_predictions_the_accuracy_decides() -> None:
    truth = np.repeat([0, 1], [90, 10])
    assert is_constant_as_good(truth, None, accuracy=0.91)
    assert not is_constant_as_good(truth, None, accuracy=0.99)


def test_a_class_that_is_missing_does_not_count() -> None:
    truth = np.repeat([1, 3], [20, 20])
    assert not nothing(truth, truth)
    assert nothing(truth, np.full(40, 0))
