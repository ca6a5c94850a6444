"""Metrics against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from mlexp import metrics


@settings(max_examples=50)
@given(st.integers(2, 6), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_scores_agree_with_scikit_learn(n_classes: int, n_samples: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, n_samples)
    probability = rng.dirichlet(np.ones(n_classes), n_samples)
    predicted = probability.argmax(axis=1)
    scores = metrics.classification_scores(y, predicted, n_classes, probability)
    labels = np.arange(n_classes)
    assert scores["accuracy"] == pytest.approx(reference.accuracy_score(y, predicted))
    assert scores["loss"] == pytest.approx(reference.log_loss(y, probability, labels=labels), rel=1e-6)
    weighted = reference.precision_recall_fscore_support(
        y, predicted, labels=labels, average="weighted", zero_division=0
    )
    macro = reference.precision_recall_fscore_support(
        y, predicted, labels=np.unique(y), average="macro", zero_division=0
    )
    for position, name in enumerate(("precision", "recall", "f1")):
        assert scores[f"weighted_{name}"] == pytest.approx(weighted[position])
        assert scores[f"macro_{name}"] == pytest.approx(macro[position])
    confusion = metrics.confusion_matrix(y, predicted, n_classes)
    np.testing.assert_array_equal(confusion, reference.confusion_matrix(y, predicted, labels=labels))


def test_hopeless_row_keeps_the_log_loss_finite() -> None:
    losses = metrics.log_loss_rows(np.array([0]), np.array([[0.0, 1.0]], dtype=np.float32))
    assert losses[0] == pytest.approx(104 * np.log(2))


def test_rows_average_to_the_scores() -> None:
    y = np.array([0, 1, 2, 2])
    probability = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.2, 0.2, 0.6], [0.1, 0.1, 0.8]])
    scores = metrics.classification_scores(y, probability.argmax(axis=1), 3, probability)
    assert metrics.correct_rows(y, probability.argmax(axis=1)).mean() == scores["accuracy"] == 0.75
    assert metrics.log_loss_rows(y, probability).mean() == pytest.approx(scores["loss"])
