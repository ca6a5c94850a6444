"""Scores of predicted classes: pure functions of arrays.

Classes are codes 0 .. n_classes − 1. A rate whose denominator is zero (no row predicted as a class, or
none that belongs to it) is 0, as in scikit-learn with ``zero_division=0``.

A metric that is not a mean over rows has row scores too: x_i = metric + IF_i, where the influence IF_i is what a
row adds to the metric, to first order, and averages to 0. The mean of x over rows is the metric, and its variance over
rows is that of the metric over new test sets (F. R. Hampel, J. Am. Stat. Assoc. 69 (1974) 383–393,
doi:10.1080/01621459.1974.10482962). So `mlexp.stats.crossed_t` compares macro F1, AUC, RMSE or R² as it compares
accuracy.
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


def classification_scores(
    y: np.ndarray, predicted: np.ndarray, n_classes: int, probability: np.ndarray | None = None
) -> dict[str, float]:
    """Return the scores of one part: accuracy, log loss, macro and weighted precision, recall and F1.

    Macro scores are plain means over the classes that have rows; weighted ones weigh by those rows.

    Parameters
    ----------
    y, predicted : int arrays of shape (n_samples,)
    n_classes : int
    probability : float array of shape (n_samples, n_classes); without it there is no `loss`

    Examples
    --------
    >>> y, probability = np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> scores = classification_scores(y, probability.argmax(axis=1), 2, probability)
    >>> scores["accuracy"], round(scores["loss"], 4)
    (1.0, 0.1643)
    """
    scores = label_scores(y, predicted, n_classes)
    if probability is None:
        return scores
    loss = float(log_loss_rows(y, probability).mean(dtype=np.float64))
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


def class_scores(y: np.ndarray, predicted: np.ndarray, measure: str, *, average: str = "macro") -> np.ndarray:
    """Return the scores of rows for precision, recall or F1, averaged over classes.

    With counts TP, FP, FN of class c over n rows and tp_i, fp_i, fn_i of row i::

        F1_c = 2·TP/(2·TP + FP + FN)       IF_i = n·(2·tp_i − F1_c·(2·tp_i + fp_i + fn_i))/(2·TP + FP + FN)
        P_c  = TP/(TP + FP)                IF_i = n·(tp_i − P_c·(tp_i + fp_i))/(TP + FP)
        R_c  = TP/(TP + FN)                IF_i = n·(tp_i − R_c·(tp_i + fn_i))/(TP + FN)

    `macro` is the mean over the classes that occur in the truth, as in `label_scores`; `weighted` weights
    them by their share of the truth, whose own influence counts too. A measure that is 0/0 is 0.

    Parameters
    ----------
    y : int array of shape (n,)
    predicted : int array of shape (..., n)
    measure : precision, recall or f1
    average : macro or weighted

    Returns
    -------
    float64 array of shape (..., n), whose mean over the last axis is the metric

    Examples
    --------
    >>> class_scores(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), "f1").mean().round(4)
    np.float64(0.7333)
    """
    twice, missed, alarmed = {"precision": (1, 0, 1), "recall": (1, 1, 0), "f1": (2, 1, 1)}[measure]
    n, found = len(y), np.zeros(predicted.shape)
    classes = np.unique(y)
    for code in classes:
        true, guessed = y == code, predicted == code
        hits = twice * (true & guessed)
        counted = hits + missed * (true & ~guessed) + alarmed * (guessed & ~true)
        below = counted.sum(axis=-1, keepdims=True).astype(np.float64)
        some = below > 0
        value = np.divide(hits.sum(axis=-1, keepdims=True), below, out=np.zeros(below.shape), where=some)
        influence = np.divide(n * (hits - value * counted), below, out=np.zeros(found.shape), where=some)
        if average == "macro":
            found += (value + influence) / len(classes)
        else:
            share = true.mean()
            found += share * (value + influence) + (true - share) * value
    return found


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0))
