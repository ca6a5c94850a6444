"""The features of a table before any training: summary, correlations, and a sample for the figures."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlexp.data.dataset import Dataset
from mlexp.data.split import Part
from mlexp.store.result import Columns

HEAD = 5  # rows of the file that are shown as they stand there
HEAD_FEATURES = 12
SAMPLED = 2000  # training samples that summary and figures are made of
DESCRIBED = 200  # features in the summary
PICTURED = 30  # numeric features in the figures, those most associated with the label
FENCE = 1.5  # interquartile ranges beyond the quartiles from which a value is an outlier (Tukey 1977)


def head(dataset: Dataset) -> Columns:
    """Return the first rows of the main part as they stand in the file, the label first."""
    rows = np.asarray(dataset.X[:HEAD])
    columns: Columns = {}
    if dataset.has_labels:
        y = dataset.y[:HEAD].tolist()
        columns[dataset.target] = [dataset.classes[int(v)] for v in y] if dataset.classes else y
    for place, name in enumerate(dataset.feature_names[:HEAD_FEATURES]):
        words = dataset.categories.get(place)
        values = rows[:, place].tolist()
        shown = [words[int(v)] if v >= 0 else "" for v in values] if words else [_plain(v) for v in values]
        columns[name if name not in columns else f"{name} (feature)"] = shown
    return columns


def _plain(value: float) -> Any:
    return "" if np.isnan(value) else int(value) if float(value).is_integer() else value


def association(X: np.ndarray, y: np.ndarray, *, classes: bool) -> np.ndarray:
    """Return how much of the variance of each feature goes with the label, in [0, 1]; NaN where there is none.

    With classes eta² = between-class sum of squares / total sum of squares; with numbers the squared correlation of
    Pearson. Missing values are left out.

    Parameters
    ----------
    X : float array of shape (n_samples, n_features)
    y : array of shape (n_samples,)
    classes : whether `y` numbers classes

    Examples
    --------
    >>> association(np.array([[1.0, 5], [1, 6], [3, 5], [3, 6]]), np.array([0, 0, 1, 1]), classes=True).tolist()
    [1.0, 0.0]
    """
    found = np.full(X.shape[1], np.nan)
    for place, column in enumerate(X.T):
        known = np.isfinite(column)
        values, target = column[known], y[known]
        total = float(np.square(values - values.mean()).sum()) if len(values) else 0.0
        if total <= 0:
            continue
        if classes:
            _, codes, counts = np.unique(target, return_inverse=True, return_counts=True)
            means = np.bincount(codes, values) / counts
            found[place] = float((counts * np.square(means - values.mean())).sum()) / total
        elif np.ptp(target) > 0:
            found[place] = float(np.corrcoef(values, target)[0, 1] ** 2)
    return found


def correlations(X: np.ndarray) -> np.ndarray:
    """Return Pearson's correlations of the columns, over the rows where both are known; NaN for a constant one."""
    import pandas as pd

    return np.asarray(pd.DataFrame(X).corr(min_periods=3), np.float64)


def outliers(values: np.ndarray) -> int:
    """Count values more than `FENCE` interquartile ranges below the first or above the third quartile.

    Examples
    --------
    >>> outliers(np.array([1.0, 2, 3, 4, 5, 100]))
    1
    """
    if not len(values):
        return 0
    low, high = np.quantile(values, [0.25, 0.75])
    room = FENCE * (high - low)
    return int(((values < low - room) | (values > high + room)).sum())


def explored(
    dataset: Dataset, train: Part, rng: np.random.Generator
) -> tuple[dict[str, Columns], dict[str, Any]]:
    """Return tables of the features, and arrays for their figures, of a sample of the training set.

    Returns
    -------
    tables
        feature_summary: one row per feature
    arrays
        table_sample (n, p) and table_place (p,), the numeric features of the figures; table_target (n,);
        table_correlation (p, p), with the target as the last column where it is a number; table_association (p,)
    """
    rows = np.sort(rng.permutation(len(train))[:SAMPLED])
    X, y = np.asarray(train.X.raw(rows), np.float64), train.y[rows]
    related = np.full(X.shape[1], np.nan)
    if dataset.has_labels:
        related = association(X, y, classes=dataset.n_classes > 0)
    related[list(dataset.categories)] = np.nan
    numeric = [place for place in range(X.shape[1]) if place not in dataset.categories]
    numeric = [place for place in numeric if np.isfinite(X[:, place]).any()]
    order = sorted(numeric, key=lambda place: -np.nan_to_num(related[place], nan=-1.0))[:PICTURED]
    chosen = np.array(sorted(order), np.int64)
    sample = X[:, chosen]
    with_target = dataset.has_labels and dataset.n_classes == 0
    arrays = {
        "table_sample": sample.astype(np.float32),
        "table_place": chosen,
        "table_correlation": correlations(np.column_stack([sample, y]) if with_target else sample),
        "table_association": related[chosen],
    } | ({"table_target": y} if dataset.has_labels else {})
    return {"feature_summary": _features(dataset, X, related)}, arrays if len(chosen) else {}


def _features(dataset: Dataset, X: np.ndarray, related: np.ndarray) -> Columns:
    """Return one row per feature: its kind, missing and distinct values, quartiles, outliers, and tie to the label."""
    described = []
    for place, name in enumerate(dataset.feature_names[:DESCRIBED]):
        column, words = X[:, place], dataset.categories.get(place)
        values = column[np.isfinite(column)]
        row: dict[str, Any] = {"feature": name, "kind": "text" if words else "number"}
        row |= {"missing": int(np.isnan(column).sum()), "distinct": len(np.unique(values))}
        low, first, median, third, high = (
            np.quantile(values, [0, 0.25, 0.5, 0.75, 1]) if len(values) else [np.nan] * 5
        )
        numbers = {
            "mean": values.mean() if len(values) else np.nan,
            "standard_deviation": values.std(ddof=1) if len(values) > 1 else np.nan,
            "min": low, "first_quartile": first, "median": median, "third_quartile": third, "max": high,
        }  # fmt: skip
        row |= {key: "" if words or np.isnan(value) else float(value) for key, value in numbers.items()}
        row["outliers"] = "" if words else outliers(values)
        row["variance_explained_by_label"] = "" if np.isnan(related[place]) else float(related[place])
        described.append(row)
    return {name: [row[name] for row in described] for name in described[0]}
