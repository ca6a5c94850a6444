"""How well scores rank the rows of a class above all others: ROC, precision and recall by threshold.

Several classes are taken one against the rest; the macro mean is over the classes that occur beside others. Of two
classes the second one is the positive class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlexp.errors import DataError


@dataclass(frozen=True, eq=False)
class Operating:
    """Counts of rows at or above each distinct score, the highest score first.

    Attributes
    ----------
    threshold : float array of shape (n_thresholds,); a row is called positive from this score upwards
    tp, fp : int arrays of shape (n_thresholds,): positive and other rows at or above the threshold
    order : int array of shape (n_samples,): rows by falling score
    """

    threshold: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    order: np.ndarray

    @property
    def place(self) -> np.ndarray:
        """Index of the threshold that equals the score of each row, shape (n_samples,)."""
        place = np.empty(len(self.order), np.intp)
        place[self.order] = np.repeat(np.arange(len(self.tp)), np.diff(self.tp + self.fp, prepend=0))
        return place

    @property
    def recall(self) -> np.ndarray:
        """Share of the positives found, tp / positives: the true positive rate."""
        return np.asarray(self.tp / self.tp[-1])

    @property
    def false_positive_rate(self) -> np.ndarray:
        """Share of the others at or above the threshold, fp / others."""
        return np.asarray(self.fp / self.fp[-1])

    @property
    def precision(self) -> np.ndarray:
        """Share of positives among the rows at or above the threshold, tp / (tp + fp)."""
        return np.asarray(self.tp / (self.tp + self.fp))

    @property
    def auc(self) -> float:
        """Area under the ROC curve: P(score of a positive > score of another row), ties half."""
        tp, fp = (np.diff(count, prepend=0) for count in (self.tp, self.fp))
        return float((fp * (self.tp - tp / 2)).sum() / (float(self.tp[-1]) * float(self.fp[-1])))

    @property
    def average_precision(self) -> float:
        """Σ (recall_k − recall_{k−1})·precision_k, as in scikit-learn."""
        return float((np.diff(self.tp, prepend=0) * self.precision).sum() / self.tp[-1])


def operating(positive: np.ndarray, score: np.ndarray) -> Operating:
    """Return the operating points of a score.

    Parameters
    ----------
    positive : bool array of shape (n_samples,), some True and some False
    score : float array of shape (n_samples,), higher for positive rows

    Raises
    ------
    DataError
        If all rows are positive, or none is.

    Examples
    --------
    >>> found = operating(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]))
    >>> found.auc, round(found.average_precision, 4)
    (0.75, 0.8333)
    """
    if positive.all() or not positive.any():
        raise DataError("The AUC needs rows of both classes. All truths are equal.")
    score = np.ascontiguousarray(score)  # a column of probabilities is read several times
    order = np.argsort(-score)  # rows of equal scores in any order: they are counted together
    ordered = score[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    tp = np.cumsum(positive[order])[last]
    return Operating(ordered[last], tp, last + 1 - tp, order)


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
    return _each(_auc_rows, np.asarray(y) == 1, score)


def average_precision_scores(y: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the scores of rows for the average precision of two classes.

    AP = Σ_{i: y_i = 1} P(s_i)/n_1 with P(s) the precision at threshold s. With S(s) the share of rows at or above s
    and π = n_1/n, IF_i = y_i·(P(s_i) − AP)/π + (1/π)·mean_j of y_j·[s_j ≤ s_i]·(y_i − P(s_j))/S(s_j).

    Parameters
    ----------
    y : array of shape (n,) of 0 and 1, both occurring
    score : float array of shape (..., n), higher for class 1

    Examples
    --------
    >>> average_precision_scores(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])).mean().round(4)
    np.float64(0.8333)
    """
    return _each(_precision_rows, np.asarray(y) == 1, score)


def _each(
    rows: Callable[[np.ndarray, Operating], np.ndarray], positive: np.ndarray, score: np.ndarray
) -> np.ndarray:
    flat = np.asarray(score).reshape(-1, len(positive))
    return np.stack([rows(positive, operating(positive, one)) for one in flat]).reshape(np.shape(score))


def _auc_rows(positive: np.ndarray, points: Operating) -> np.ndarray:
    place = points.place
    tp, fp = (np.diff(count, prepend=0) for count in (points.tp, points.fp))
    n_1, n_0 = points.tp[-1], points.fp[-1]
    above = (points.tp - tp / 2)[place] / n_1  # positives of a higher score, ties half
    placed = np.where(positive, 1 - (points.fp - fp / 2)[place] / n_0, above)
    auc = placed[positive].mean()
    return np.asarray(auc + len(positive) / np.where(positive, n_1, n_0) * (placed - auc))


def _precision_rows(positive: np.ndarray, points: Operating) -> np.ndarray:
    n, n_1, place = len(positive), points.tp[-1], points.place
    share, precision, found = (points.tp + points.fp) / n, points.precision, np.diff(points.tp, prepend=0)
    value = points.average_precision
    upwards = [np.cumsum((found * part)[::-1])[::-1] / n for part in (1 / share, precision / share)]
    gained, lost = (part[place] for part in upwards)
    own = positive * (precision[place] - value)
    return np.asarray(value + n / n_1 * (own + positive * gained - lost))


def roc_auc(y: np.ndarray, probability: np.ndarray) -> float:
    """Return the area under the ROC curve, the macro mean of one class against the rest where there are several.

    Parameters
    ----------
    y : int array of shape (n_samples,)
    probability : float array of shape (n_samples, n_classes)

    Returns
    -------
    float, NaN where all rows are of one class

    Examples
    --------
    >>> roc_auc(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]))
    1.0
    """
    return _macro([operating(*pair).auc for pair in against_rest(y, probability)])


def average_precision(y: np.ndarray, probability: np.ndarray) -> float:
    """Return the average precision, the macro mean of one class against the rest where there are several.

    Parameters
    ----------
    y : int array of shape (n_samples,)
    probability : float array of shape (n_samples, n_classes)

    Returns
    -------
    float, NaN where all rows are of one class

    Examples
    --------
    >>> average_precision(np.array([0, 1]), np.array([[0.9, 0.1], [0.2, 0.8]]))
    1.0
    """
    return _macro([operating(*pair).average_precision for pair in against_rest(y, probability)])


def roc_auc_scores(y: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return the scores of rows for `roc_auc`, of probabilities of shape (..., n, n_classes)."""
    return _mean_of_rows(auc_scores, y, probability)


def macro_precision_scores(y: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return the scores of rows for `average_precision`, of probabilities of shape (..., n, n_classes)."""
    return _mean_of_rows(average_precision_scores, y, probability)


def against_rest(y: np.ndarray, probability: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return which rows are positive, and their scores, of each class that occurs beside others.

    Of two classes that is the second one alone.

    Parameters
    ----------
    y : int array of shape (n_samples,)
    probability : float array of shape (..., n_samples, n_classes)
    """
    return [(y == code, probability[..., code]) for code in ranked(y, probability.shape[-1])]


def ranked(y: np.ndarray, n_classes: int) -> list[int]:
    """Return the classes that have a ROC curve: those that occur beside others; of two the second one.

    Examples
    --------
    >>> ranked(np.array([0, 2, 2]), 3), ranked(np.array([0, 1]), 2), ranked(np.array([1, 1]), 2)
    ([0, 2], [1], [])
    """
    counts = np.bincount(y, minlength=n_classes)
    found = [int(code) for code in np.flatnonzero((counts > 0) & (counts < len(y)))]
    return found[-1:] if n_classes == 2 else found


def _macro(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _mean_of_rows(
    scores: Callable[[np.ndarray, np.ndarray], np.ndarray], y: np.ndarray, probability: np.ndarray
) -> np.ndarray:
    pairs = against_rest(y, probability)
    if not pairs:
        raise DataError("The AUC needs rows of both classes. All truths are equal.")
    return np.asarray(sum(scores(positive, score) for positive, score in pairs) / len(pairs))
