"""Intervals of test scores over new samples, from the scores of the recorded rows."""

from __future__ import annotations

import numpy as np

from mlexp.errors import DataError
from mlexp.metrics import METRICS, Metric
from mlexp.page.study import Study
from mlexp.page.words import wilson
from mlexp.store import Run

FEWEST = 20  # rows below which a normal approximation is left out
Z = 1.959963984540054


def intervals(study: Study) -> dict[str, tuple[float, float]]:
    """Return metric -> limits of its 95 % interval on the test set; those that cannot be computed are left out.

    Accuracy has Wilson's interval, the others value ± 1.96·SE. With x_i the score of row i (the metric plus the
    influence of the row, `mlexp.metrics.classification`), SE² = Σ_g (Σ_{i in g} (x_i − x̄))²/n² over groups g of rows,
    which are single rows where the data have no groups.
    """
    if study.part != "test":
        return {}
    found = {}
    for name, value in study.scores.items():
        rows = of_rows(study.run, name) if name in METRICS else None
        if rows is None or len(rows) < FEWEST:
            continue
        groups = study.run.predictions.get("test_group")
        if name == "accuracy" and groups is None:
            found[name] = wilson(value, len(rows))
        elif (half := Z * standard_error(rows, groups)) > 0:
            low, high = METRICS[name].limits
            found[name] = max(low, value - half), min(high, value + half)
    return found


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


def standard_error(rows: np.ndarray, groups: np.ndarray | None = None) -> float:
    """Return the standard error of the mean of rows, of which those of a group depend on one another.

    Examples
    --------
    >>> round(standard_error(np.array([0.0, 1.0, 0.0, 1.0])), 4)
    0.25
    >>> round(standard_error(np.array([0.0, 0.0, 1.0, 1.0]), np.array([5, 5, 7, 7])), 4)
    0.3536
    """
    apart = rows.astype(np.float64) - rows.mean(dtype=np.float64)
    if groups is not None:
        apart = np.bincount(np.unique(groups, return_inverse=True)[1], weights=apart)
    return float(np.sqrt(np.square(apart).sum()) / len(rows))
