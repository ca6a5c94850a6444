"""Agreement, ranking and calibration against scikit-learn, and their influence by hand."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from mlexp import metrics
from mlexp.metrics import METRICS
from mlexp.metrics.ranking import against_rest, macro_precision_scores, roc_auc_scores

NEW = ("balanced_accuracy", "kappa", "mcc", "roc_auc", "average_precision", "brier", "calibration_error")


def drawn(
    n_classes: int, n_samples: int, seed: int, *, ties: bool = False, missing: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return truth and probabilities; `ties`: in tenths, `missing`: the last class has no rows."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes - missing, n_samples)
    scores = rng.normal(size=(n_samples, n_classes)) + 1.5 * np.eye(n_classes)[y]
    probability = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    if ties:
        probability = rng.multinomial(10, probability) / 10
    return y, probability


cases = settings(max_examples=60)
GIVEN = (
    st.sampled_from([2, 3, 10]),
    st.integers(2, 80),
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.booleans(),
)


@cases
@given(*GIVEN)
def test_agreement_and_ranking_are_those_of_scikit_learn(
    n_classes: int, n_samples: int, seed: int, ties: bool, missing: bool
) -> None:
    y, probability = drawn(n_classes, n_samples, seed, ties=ties, missing=missing)
    predicted = probability.argmax(axis=1)
    found = metrics.with_further("classification", {}, y, predicted, probability)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes without rows
        assert found["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(y, predicted))
        kappa = reference.cohen_kappa_score(y, predicted)
        assert found["mcc"] == pytest.approx(reference.matthews_corrcoef(y, predicted), abs=1e-12)
    assert ("kappa" in found) == np.isfinite(kappa)
    assert found.get("kappa", 0) == pytest.approx(0 if np.isnan(kappa) else kappa, abs=1e-12)
    present = [k for k in range(n_classes) if 0 < (y == k).sum() < n_samples]
    present = present[-1:] if n_classes == 2 else present
    assert ("roc_auc" in found) == ("average_precision" in found) == bool(present)
    for name, rival in (
        ("roc_auc", reference.roc_auc_score),
        ("average_precision", reference.average_precision_score),
    ):
        if present:
            assert found[name] == pytest.approx(np.mean([rival(y == k, probability[:, k]) for k in present]))


@cases
@given(*GIVEN)
def test_calibration_is_that_of_scikit_learn(
    n_classes: int, n_samples: int, seed: int, ties: bool, missing: bool
) -> None:
    y, probability = drawn(n_classes, n_samples, seed, ties=ties, missing=missing)
    if n_classes == 2:
        brier = reference.brier_score_loss(y, probability[:, 1], labels=[0, 1])
    else:
        brier = reference.brier_score_loss(y, probability, labels=range(n_classes), scale_by_half=False)
    assert metrics.brier_rows(y, probability).mean() == pytest.approx(brier)
    found = metrics.reliability(y, probability)
    confidence, right = probability.max(axis=1), probability.argmax(axis=1) == y
    # Two more rows fill the outer bins, for scikit-learn leaves empty ones out.
    share, mean = calibration_curve(np.r_[right, True, False], np.r_[confidence, 1.0, 0.0], n_bins=10)
    inner = [k for k in range(1, 9) if found.count[k]]
    np.testing.assert_allclose(found.accuracy[inner], share[1:-1])
    np.testing.assert_allclose(found.confidence[inner], mean[1:-1])
    assert found.count.sum() == n_samples
    assert found.error == pytest.approx(metrics.calibration_scores(y, probability).mean())


def test_calibration_error_by_hand() -> None:
    y = np.array([0, 0, 1, 1])
    probability = np.array([[0.95, 0.05], [0.92, 0.08], [0.65, 0.35], [0.4, 0.6]])
    found = metrics.reliability(y, probability)
    assert found.count.tolist() == [0, 0, 0, 0, 0, 1, 1, 0, 0, 2]
    assert found.error == pytest.approx((1 * abs(1 - 0.6) + 1 * abs(0 - 0.65) + 2 * abs(1 - 0.935)) / 4)
    assert METRICS["calibration_error"].score(y, probability) == pytest.approx(found.error)  # type: ignore[misc]


@pytest.mark.parametrize("ties", [False, True])
def test_curves_are_those_of_scikit_learn(ties: bool) -> None:
    y, probability = drawn(2, 60, 3, ties=ties)
    found = metrics.operating(y == 1, probability[:, 1])
    fpr, tpr, thresholds = reference.roc_curve(y, probability[:, 1], drop_intermediate=False)
    np.testing.assert_allclose(found.false_positive_rate, fpr[1:])
    np.testing.assert_allclose(found.recall, tpr[1:])
    np.testing.assert_allclose(found.threshold, thresholds[1:])
    precision, recall, _ = reference.precision_recall_curve(y, probability[:, 1])
    np.testing.assert_allclose(found.precision[::-1], precision[:-1])
    np.testing.assert_allclose(found.recall[::-1], recall[:-1])


def weighted(score: Callable[..., float], y: np.ndarray, w: np.ndarray, p: np.ndarray) -> float:
    pairs = against_rest(y, p)
    return float(np.mean([score(positive, one, sample_weight=w) for positive, one in pairs]))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", NEW)
def test_row_scores_hold_the_derivative_by_the_weight_of_a_row(name: str, n_classes: int) -> None:
    """IF_i is n times the derivative of the metric when the weight of row i grows, all weights summing to 1."""
    y, probability = drawn(n_classes, 40, 5)
    predicted = probability.argmax(axis=1)
    row = METRICS[name]
    given = probability if row.made_of == "probability" else predicted

    def at(w: np.ndarray) -> float:
        if name == "roc_auc":
            return weighted(reference.roc_auc_score, y, w, probability)
        if name == "average_precision":
            return weighted(reference.average_precision_score, y, w, probability)
        if name == "kappa":
            return float(reference.cohen_kappa_score(y, predicted, sample_weight=w))
        if name == "mcc":
            return float(reference.matthews_corrcoef(y, predicted, sample_weight=w))
        if name == "balanced_accuracy":
            return float(reference.balanced_accuracy_score(y, predicted, sample_weight=w))
        assert row.row_scores is not None
        return float(np.average(row.row_scores(y, given), weights=w))  # a mean of rows, the bins' signs kept

    assert row.row_scores is not None
    assert row.score is not None
    scores, value = row.row_scores(y, given), row.score(y, given)
    assert scores.mean() == pytest.approx(value)
    step = 1e-6
    for i in range(0, 40, 7):
        w = np.full(40, (1 - step) / 40)
        w[i] += step
        assert (at(w) - value) / step == pytest.approx(scores[i] - value, abs=2e-4)


@pytest.mark.parametrize("name", NEW)
def test_row_scores_of_several_runs_are_those_of_each(name: str) -> None:
    runs = [drawn(4, 30, seed)[1] for seed in range(3)]
    y = drawn(4, 30, 9)[0]
    row = METRICS[name]
    given = runs if row.made_of == "probability" else [one.argmax(axis=1) for one in runs]
    assert row.row_scores is not None
    np.testing.assert_allclose(row.row_scores(y, np.stack(given)), [row.row_scores(y, one) for one in given])


def test_one_class_alone_has_no_curve_and_no_kappa() -> None:
    y, probability = np.zeros(5, np.int64), np.tile([0.9, 0.1], (5, 1))
    found = metrics.with_further("classification", {}, y, probability.argmax(axis=1), probability)
    assert {"roc_auc", "average_precision", "kappa"}.isdisjoint(found)
    assert found["mcc"] == 0
    assert found["brier"] == pytest.approx(0.01)
    for scores in (roc_auc_scores, macro_precision_scores):
        with pytest.raises(Exception, match="rows of both classes"):
            scores(y, probability)
