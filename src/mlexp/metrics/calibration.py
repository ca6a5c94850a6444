"""Whether probabilities mean what they say: Brier score, expected calibration error, reliability by bins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 10  # of equal width in [0, 1]


def brier_rows(y: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return the squared error of the probabilities of each row; its mean is the Brier score, 0 at best.

    Of two classes (p_1 − y)², of several Σ_k (p_k − [y = k])², as in scikit-learn: at most 1 and 2 (G. W. Brier, Mon.
    Weather Rev. 78 (1950) 1–3, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2).

    Parameters
    ----------
    y : int array of shape (n_samples,)
    probability : float array of shape (..., n_samples, n_classes)

    Returns
    -------
    float64 array of shape (..., n_samples)

    Examples
    --------
    >>> brier_rows(np.array([1]), np.array([[0.5, 0.5]])), brier_rows(np.array([1]), np.array([[0.5, 0.5, 0.0]]))
    (array([0.25]), array([0.5]))
    """
    wide = probability.astype(np.float64)
    if wide.shape[-1] == 2:
        return np.asarray(np.square(wide[..., 1] - y))
    wide[..., np.arange(len(y)), y] -= 1
    return np.asarray(np.square(wide).sum(axis=-1))


@dataclass(frozen=True, eq=False)
class Reliability:
    """Rows by their confidence, the probability of the likeliest class; shape (n_bins,) each, NaN in empty bins.

    Attributes
    ----------
    edges : of shape (n_bins + 1,); a bin holds its upper edge
    count : rows in the bin
    confidence : their mean confidence
    accuracy : the share of them whose likeliest class is the true one
    """

    edges: np.ndarray
    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error: Σ count/n·|accuracy − confidence| (Naeini, Cooper and Hauskrecht 2015)."""
        gap = np.nan_to_num(np.abs(self.accuracy - self.confidence))
        return float(self.count @ gap / self.count.sum())


def reliability(y: np.ndarray, probability: np.ndarray, n_bins: int = BINS) -> Reliability:
    """Sort rows into bins of equal width by their confidence (Guo et al. 2017, arXiv:1706.04599).

    Parameters
    ----------
    y : int array of shape (n_samples,)
    probability : float array of shape (n_samples, n_classes)
    n_bins : number of bins in [0, 1]

    Examples
    --------
    >>> found = reliability(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]))
    >>> found.count[-3:].tolist(), round(found.error, 2)
    ([1, 1, 0], 0.45)
    """
    confidence, right, place = _binned(y, probability, n_bins)
    count = np.bincount(place, minlength=n_bins)
    below = np.where(count > 0, count, np.nan)
    sums = [np.bincount(place, weights=values, minlength=n_bins) for values in (confidence, right)]
    return Reliability(np.linspace(0, 1, n_bins + 1), count, sums[0] / below, sums[1] / below)


def calibration_scores(y: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return the scores of rows for the expected calibration error of `BINS` bins.

    x_i = s·(confidence_i − right_i) with s the sign of mean confidence minus accuracy in the bin of row i: the metric
    plus the influence of the row, as long as that sign is stable.

    Parameters
    ----------
    y : int array of shape (n_samples,)
    probability : float array of shape (..., n_samples, n_classes)

    Returns
    -------
    float64 array of shape (..., n_samples), whose mean over the last axis is the error
    """
    flat = probability.reshape(-1, *probability.shape[-2:])
    found = np.empty(flat.shape[:-1])
    for row, one in enumerate(flat):
        confidence, right, place = _binned(y, one, BINS)
        gap = confidence - right
        found[row] = np.sign(np.bincount(place, weights=gap, minlength=BINS))[place] * gap
    return found.reshape(probability.shape[:-1])


def _binned(y: np.ndarray, probability: np.ndarray, n_bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return confidence, right or wrong, and the bin of each row."""
    confidence = probability.max(axis=-1).astype(np.float64)
    right = (probability.argmax(axis=-1) == y).astype(np.float64)
    return confidence, right, np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], confidence)
