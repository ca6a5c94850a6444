"""Metrics that are no mean over rows, as scores of rows: the metric plus each row's influence on it.

x_i = metric + IF_i, with mean(IF) = 0: what a row adds to the metric, to first order. The mean of x over rows is the
metric, and its variance over rows is that of the metric over new test sets (F. R. Hampel, J. Am. Stat. Assoc. 69 (1974)
383–393, doi:10.1080/01621459.1974.10482962). So `crossed_t` compares macro F1, AUC, RMSE or R² as it compares accuracy.
"""

from __future__ import annotations

import numpy as np

from mlexp.errors import DataError


def class_scores(y: np.ndarray, predicted: np.ndarray, measure: str, *, average: str = "macro") -> np.ndarray:
    """Return the scores of rows for precision, recall or F1, averaged over classes.

    With counts TP, FP, FN of class c over n rows and tp_i, fp_i, fn_i of row i::

        F1_c = 2·TP/(2·TP + FP + FN)       IF_i = n·(2·tp_i − F1_c·(2·tp_i + fp_i + fn_i))/(2·TP + FP + FN)
        P_c  = TP/(TP + FP)                IF_i = n·(tp_i − P_c·(tp_i + fp_i))/(TP + FP)
        R_c  = TP/(TP + FN)                IF_i = n·(tp_i − R_c·(tp_i + fn_i))/(TP + FN)

    `macro` is the mean over the classes that occur in the truth, as `mlexp.metrics` has it; `weighted` weights
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


def auc_scores(y: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the scores of rows for the area under the ROC curve of two classes, by DeLong's placements.

    AUC = P(score of a 1 > score of a 0), ties half. V_i is the share of rows of the other class that row i is on the
    right side of; IF_i = (n/n_class)·(V_i − AUC). E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, Biometrics 44
    (1988) 837–845, doi:10.2307/2531595.

    Parameters
    ----------
    y : array of shape (n,) of 0 and 1, both occurring
    score : float array of shape (..., n), higher for class 1

    Examples
    --------
    >>> auc_scores(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])).mean()
    np.float64(0.75)
    """
    from scipy.stats import rankdata

    positive = np.asarray(y) == 1
    n_1, n_0 = int(positive.sum()), int((~positive).sum())
    if min(n_1, n_0) == 0:
        raise DataError("The AUC needs rows of both classes. All truths are equal.")
    ranks = rankdata(score, axis=-1)
    own = np.empty(ranks.shape)
    own[..., positive] = rankdata(score[..., positive], axis=-1)
    own[..., ~positive] = rankdata(score[..., ~positive], axis=-1)
    below = ranks - own  # rows of the other class that lie below, ties half
    placed = np.where(positive, below / n_0, 1 - below / n_1)
    auc = placed[..., positive].mean(axis=-1)[..., None]
    return np.asarray(auc + len(positive) / np.where(positive, n_1, n_0) * (placed - auc))


def rmse_scores(y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the scores of rows for the root mean squared error r: IF_i = (e_i² − r²)/(2r).

    Parameters
    ----------
    y : array of shape (n,)
    predicted : array of shape (..., n)

    Examples
    --------
    >>> rmse_scores(np.array([0.0, 0.0]), np.array([3.0, 4.0])).mean().round(4)
    np.float64(3.5355)
    """
    squared = np.square(predicted - y)
    r = np.sqrt(squared.mean(axis=-1, keepdims=True))
    return np.asarray(r + np.divide(squared - r**2, 2 * r, out=np.zeros(squared.shape), where=r > 0))


def r2_scores(y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the scores of rows for R² = 1 − mean(e²)/var(y): IF_i = −(e_i² − (1 − R²)·(y_i − ȳ)²)/var(y).

    Parameters
    ----------
    y : array of shape (n,), not all equal
    predicted : array of shape (..., n)

    Examples
    --------
    >>> r2_scores(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0])).mean()
    np.float64(0.5)
    """
    about = np.square(y - y.mean())
    variance = about.mean()
    if not variance > 0:
        raise DataError("R² needs targets that differ. All targets are equal.")
    squared = np.square(predicted - y)
    unexplained = squared.mean(axis=-1, keepdims=True) / variance
    return np.asarray(1 - unexplained - (squared - unexplained * about) / variance)
