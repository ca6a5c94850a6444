"""Scores of predictions: pure functions of arrays.

Classes are codes 0 .. n_classes − 1. A rate whose denominator is zero (no row predicted as a class, or
none that belongs to it) is 0, as in scikit-learn with ``zero_division=0``.
"""

from __future__ import annotations

import numpy as np


def correct_rows(y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Mark the rows that were classified rightly.

    Parameters
    ----------
    y, predicted : int arrays of shape (n_samples,)

    Returns
    -------
    uint8 array of shape (n_samples,); its mean is the accuracy.

    Examples
    --------
    >>> correct_rows(np.array([0, 1, 1]), np.array([0, 1, 0]))
    array([1, 1, 0], dtype=uint8)
    """
    return np.asarray(np.equal(y, predicted), dtype=np.uint8)


def log_loss_rows(y: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return −log p of the true class for every row, in nats.

    Probabilities below 2⁻¹⁰⁴ (about 5e-32) count as that, so that one hopeless row cannot make the mean
    infinite.

    Parameters
    ----------
    y : int array of shape (n_samples,)
    probability : float array of shape (n_samples, n_classes)

    Returns
    -------
    float32 array of shape (n_samples,); its mean is the log loss (categorical cross-entropy).

    Examples
    --------
    >>> log_loss_rows(np.array([1]), np.array([[0.5, 0.5]]))
    array([0.6931472], dtype=float32)
    """
    chosen = probability[np.arange(len(y)), y].astype(np.float64)
    return np.asarray(-np.log(np.maximum(chosen, 2.0**-104)), dtype=np.float32)


def confusion_matrix(y: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Count rows by true class (first axis) and predicted class (second axis).

    Returns
    -------
    int64 array of shape (n_classes, n_classes)

    Examples
    --------
    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2)
    array([[1, 0],
           [1, 1]])
    """
    cells = np.bincount(y * n_classes + predicted, minlength=n_classes * n_classes)
    return cells.reshape(n_classes, n_classes)


def precision_recall_f1(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return precision, recall and F1 of every class.

    precision = TP / predicted, recall = TP / support, F1 = 2·TP / (predicted + support).

    Parameters
    ----------
    confusion : int array of shape (n_classes, n_classes), true class first

    Returns
    -------
    three float64 arrays of shape (n_classes,)

    Examples
    --------
    >>> precision, recall, f1 = precision_recall_f1(np.array([[1, 0], [1, 1]]))
    >>> [value.tolist() for value in (precision, recall)]
    [[0.5, 1.0], [1.0, 0.5]]
    """
    right = np.diag(confusion).astype(np.float64)
    predicted, support = confusion.sum(axis=0), confusion.sum(axis=1)
    return _share(right, predicted), _share(right, support), _share(2 * right, predicted + support)


def classification_scores(y: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Return the scores of one part: accuracy, log loss, macro and weighted precision, recall and F1.

    Macro scores are plain means over the classes that have rows; weighted ones weigh by those rows.

    Parameters
    ----------
    y : int array of shape (n_samples,)
    probability : float array of shape (n_samples, n_classes)

    Examples
    --------
    >>> scores = classification_scores(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]))
    >>> scores["accuracy"], round(scores["loss"], 4)
    (1.0, 0.1643)
    """
    loss = float(log_loss_rows(y, probability).mean(dtype=np.float64))
    scores = label_scores(y, probability.argmax(axis=1), probability.shape[1])
    return {"accuracy": scores.pop("accuracy"), "loss": loss} | scores


def label_scores(y: np.ndarray, predicted: np.ndarray, n_classes: int) -> dict[str, float]:
    """Return the scores of `classification_scores` that need no probabilities.

    Parameters
    ----------
    y, predicted : int arrays of shape (n_samples,)
    n_classes : int

    Examples
    --------
    >>> label_scores(np.array([0, 1, 1, 1]), np.array([0, 1, 1, 0]), 2)["accuracy"]
    0.75
    """
    confusion = confusion_matrix(y, predicted, n_classes)
    support = confusion.sum(axis=1)
    present = support > 0
    scores = {"accuracy": float(np.trace(confusion) / support.sum())}
    for name, values in zip(("precision", "recall", "f1"), precision_recall_f1(confusion), strict=True):
        scores[f"macro_{name}"] = float(values[present].mean())
        scores[f"weighted_{name}"] = float(np.average(values, weights=support))
    return scores


def regression_scores(y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return the scores of one part: mean absolute error, root mean squared error, R².

    R² = 1 − Σ(y − p)² / Σ(y − ȳ)² with ȳ the mean of these rows; it is left out where all y are equal: where
    their range is zero, for the mean of equal numbers is rounded and leaves a sum of squares above zero.

    Parameters
    ----------
    y, predicted : float arrays of shape (n_samples,), in the unit of the target

    Examples
    --------
    >>> regression_scores(np.array([1.0, 3.0]), np.array([2.0, 3.0]))
    {'mae': 0.5, 'rmse': 0.7071067811865476, 'r2': 0.5}
    """
    error = y - predicted
    # Squares are taken of numbers near 1, by a power of two that changes no digit: they neither overflow nor vanish.
    largest = max(float(np.abs(error).max()), float(np.ptp(y)))
    unit = float(np.ldexp(1.0, -np.clip(np.frexp(largest)[1], -1000, 1000)))
    squares = float(np.square(error * unit).sum())
    scores = {"mae": float(np.abs(error).mean()), "rmse": float(np.sqrt(squares / len(y))) / unit}
    if np.ptp(y) == 0:
        return scores
    return scores | {"r2": 1 - squares / float(np.square((y - y.mean()) * unit).sum())}


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0))
