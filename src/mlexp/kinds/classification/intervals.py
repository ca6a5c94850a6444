"""Intervals of test scores over new samples, from the scores of the recorded rows."""

from __future__ import annotations

import numpy as np

from mlexp.errors import DataError
from mlexp.metrics import METRICS, Metric
from mlexp.page.study import RecordedRun
from mlexp.page.words import Z, wilson
from mlexp.store import Run

FEWEST = 20  # rows below which a normal approximation is left out


def intervals(study: RecordedRun) -> dict[str, tuple[float, float]]:
    """Return metric -> limits of its 95 % interval on the test set; those that cannot be computed are left out.

    Accuracy has Wilson's interval, the others value ± 1.96·SE. With x_i the score of row i (the metric plus the
    influence of the row, `mlexp.metrics.classification`), SE² = Σ_g (Σ_{i in g} (x_i − x̄))²/n² over groups g of rows,
    which are single rows where the data have no groups.
    """
    if study.part != "test":
        return {}
    found = {}
    for name in study.scores:
        if name == "accuracy" and "test_group" not in study.run.predictions and study.rows >= FEWEST:
            found[name] = wilson(study.scores[name], study.rows)
        elif name in METRICS and (limits := interval(study.run, name)) is not None:
            found[name] = limits[1:]
    return found


def interval(run: Run, name: str) -> tuple[float, float, float] | None:
    """Return a metric on the test set and the limits of its interval; None where it has none."""
    rows = of_rows(run, name)
    if rows is None or len(rows) < FEWEST:
        return None
    value, low, high = mean_with_interval(rows, run.predictions.get("test_group"))
    least, largest = METRICS[name].limits
    return (value, max(low, least), min(high, largest)) if high > low else None


def of_rows(run: Run, name: str) -> np.ndarray | None:
    """Return the scores of the test rows that average to a metric; None if they are not known."""
    row: Metric = METRICS[name]
    if row.is_mean:
        return run.predictions.get(f"test_{row.rows}")
    y, made_of = run.predictions.get("test_true"), run.predictions.get(f"test_{row.made_of}")
    if row.row_scores is None or y is None or made_of is None or not y.size:
        return None
    try:
        return row.row_scores(y.astype(np.int64), made_of)
    except DataError:  # a metric of rows of several classes, and there is one
        return None


def mean_with_interval(rows: np.ndarray, groups: np.ndarray | None = None) -> tuple[float, float, float]:
    """Return the mean of rows and mean ± 1.96·SE; rows of a group depend on one another.

    Examples
    --------
    >>> tuple(round(value, 2) for value in mean_with_interval(np.array([0.0, 1.0, 0.0, 1.0])))
    (0.5, 0.01, 0.99)
    >>> tuple(round(value, 2) for value in mean_with_interval(np.array([0.0, 0.0, 1.0, 1.0]), np.array([5, 5, 7, 7])))
    (0.5, -0.19, 1.19)
    """
    mean = float(rows.mean(dtype=np.float64))
    apart: np.ndarray = rows.astype(np.float64) - mean
    if groups is not None:
        apart = np.bincount(np.unique(groups, return_inverse=True)[1], weights=apart)
    half = Z * float(np.sqrt(np.square(apart).sum())) / len(rows)
    return mean, mean - half, mean + half
