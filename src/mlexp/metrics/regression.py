"""Scores of predicted numbers: pure functions of arrays; for row scores see `mlexp.metrics.classification`."""

from __future__ import annotations

import numpy as np

from mlexp.errors import DataError


def regression_scores(y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return the scores of one part: mean absolute error, root mean squared error, R², median and largest error.

    R² = 1 − Σ(y − p)² / Σ(y − ȳ)² with ȳ the mean of these rows; it is left out where all y are equal: where
    their range is zero, for the mean of equal numbers is rounded and leaves a sum of squares above zero.

    Parameters
    ----------
    y, predicted : float arrays of shape (n_samples,), in the unit of the target

    Examples
    --------
    >>> scores = regression_scores(np.array([1.0, 3.0]), np.array([2.0, 3.0]))
    >>> {name: round(value, 4) for name, value in scores.items()}
    {'mae': 0.5, 'rmse': 0.7071, 'median_absolute_error': 0.5, 'max_error': 1.0, 'r2': 0.5}
    """
    error = y - predicted
    sizes = np.abs(error)
    # Squares are taken of numbers near 1, by a power of two that changes no digit: they neither overflow nor vanish.
    largest = max(float(np.abs(error).max()), float(np.ptp(y)))
    unit = float(np.ldexp(1.0, -np.clip(np.frexp(largest)[1], -1000, 1000)))
    squares = float(np.square(error * unit).sum())
    scores = {
        "mae": float(sizes.mean()),
        "rmse": float(np.sqrt(squares / len(y))) / unit,
        "median_absolute_error": float(np.median(sizes)),
        "max_error": float(sizes.max()),
    }
    if np.ptp(y) == 0:
        return scores
    return scores | {"r2": 1 - squares / float(np.square((y - y.mean()) * unit).sum())}


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
