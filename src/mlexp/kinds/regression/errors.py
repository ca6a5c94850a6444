"""The errors of a regression: intervals of its scores over samples, and the samples that it predicts worst."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from mlexp.data.dataset import Dataset
from mlexp.data.split import Part
from mlexp.metrics import metric
from mlexp.metrics.regression import r2_scores, regression_scores, rmse_scores
from mlexp.page.words import Z
from mlexp.store.result import Columns

WORST = 10  # samples
FEATURES = 10  # columns of the file beside each
LEVEL = 0.95


def score_intervals(y: np.ndarray, predicted: np.ndarray) -> Columns:
    """Return each score with its 95 % interval over samples.

    R² and the root mean squared error: ± 1.96 standard errors of their influence functions; the mean absolute error:
    ± 1.96 standard errors of a mean; the median: order statistics, whose level holds for any distribution. The largest
    error has no interval.

    Parameters
    ----------
    y, predicted : arrays of shape (n,), in the unit of the target
    """
    scores = regression_scores(y, predicted)
    error = np.abs(y - predicted)
    unit = max(float(error.max()), float(np.ptp(y))) or 1.0  # squares of huge or tiny numbers are no numbers
    scaled = (y - y.mean()) / unit, (predicted - y.mean()) / unit
    ends = {"mae": _of_mean(error / unit, unit), "median_absolute_error": _of_median(error)}
    if len(y) > 1:
        ends["rmse"] = _of_mean(rmse_scores(*scaled), unit)
    if "r2" in scores:
        ends["r2"] = _of_mean(r2_scores(*scaled), 1.0)
    nothing = (np.nan, np.nan)
    table: Columns = {"metric": [], "value": [], "low": [], "high": []}
    for name, value in scores.items():
        low, high = ends.get(name, nothing)
        for column, cell in zip(table, (metric(name).title, value, low, high), strict=True):
            table[column].append("" if isinstance(cell, float) and np.isnan(cell) else cell)
    return table


def _of_mean(scores: np.ndarray, unit: float) -> tuple[float, float]:
    if len(scores) < 2:
        return np.nan, np.nan
    mean, half = float(scores.mean()), Z * float(scores.std(ddof=1)) / len(scores) ** 0.5
    return (mean - half) * unit, (mean + half) * unit


def _of_median(values: np.ndarray) -> tuple[float, float]:
    """Return the order statistics between which the median lies with a probability of at least 95 %."""
    from scipy.special import bdtr

    n = len(values)
    below = bisect_left(range(n), (1 - LEVEL) / 2, key=lambda k: bdtr(k, n, 0.5))
    if below < 1:
        return np.nan, np.nan
    ordered = np.sort(values)
    return float(ordered[below - 1]), float(ordered[len(values) - below])


def worst(dataset: Dataset, part: Part, raw: Part, predicted: np.ndarray) -> Columns:
    """Return the samples of the largest absolute errors, with their first features as the file has them.

    Parameters
    ----------
    part, raw : the same set, prepared and as stored
    predicted : array of shape (n,), in the unit of the target
    """
    error = part.y - predicted
    rows = np.argsort(-np.abs(error), kind="stable")[:WORST]
    table: Columns = {
        "row": (part.index[rows] + 1).tolist(),
        "true": part.y[rows].tolist(),
        "predicted": predicted[rows].tolist(),
        "error": error[rows].tolist(),
    }
    if dataset.image_shape is not None:
        return table
    X = raw.X.scaled(None, None, np.float64).take(rows)
    for column, name in enumerate(dataset.feature_names[:FEATURES]):
        words = dataset.categories.get(column)
        cells = [_cell(value, words) for value in X[:, column]]
        table[name if name not in table else f"{name} (feature)"] = cells
    return table


def _cell(value: float, words: tuple[str, ...] | None) -> float | str:
    if np.isnan(value) or (words is not None and value < 0):
        return ""
    return float(value) if words is None else words[int(value)]
