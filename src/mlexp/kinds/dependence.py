"""Partial dependence: the mean prediction of a fitted model when one column is set to a value in every row."""

from __future__ import annotations

import numpy as np

from mlexp.data.dataset import Dataset
from mlexp.data.rows import Rows
from mlexp.data.split import Part
from mlexp.kinds.fitting import Training
from mlexp.store.result import Columns

GRID = 25  # values of a column
ENDS = (0.05, 0.95)  # quantiles of the column between which they lie
BUDGET = 1e9  # nanoseconds of predictions
MOST_ROWS, FEWEST_ROWS = 500, 30
MOST_CLASSES = 5
MOST_WORDS = 12
BAND = (0.1, 0.9)  # quantiles of the predictions of single rows


def dependence(
    dataset: Dataset, training: Training, part: Part, rows: np.ndarray, columns: np.ndarray, cost: float
) -> tuple[dict[str, Columns], dict[str, np.ndarray]]:
    """Return partial dependence of some columns as a table, and the deciles of their values.

    Parameters
    ----------
    dataset, training : what was fitted to what
    part : set as stored, whose `rows` at most are averaged over
    columns : positions of the columns in the file
    cost : of predicting a row, in nanoseconds

    Returns
    -------
    tables : ``partial_dependence``: feature, value (in the unit of the file, or a word), class, prediction (mean over
        rows: of the probability of the class, or of the predicted number), low and high (the central 80 % of single
        rows). J. H. Friedman, Ann. Statist. 29 (2001) 1189–1232, doi:10.1214/aos/1013203451
    arrays : ``partial_dependence_deciles`` of shape (n_columns, 9), NaN for a column of words
    """
    allowed = int(np.clip(BUDGET / cost / (GRID * len(columns)), FEWEST_ROWS, MOST_ROWS))
    positions = rows[np.sort(np.random.default_rng(0).permutation(len(rows))[:allowed])]
    X = part.X.scaled(None, None, np.float64).take(positions)
    shown = _classes(training)
    table: Columns = {"feature": [], "value": [], "class": [], "prediction": [], "low": [], "high": []}
    deciles = np.full((len(columns), 9), np.nan)
    for place, column in enumerate(columns):
        stored = part.X.scaled(None, None, np.float64).take(rows)[:, column]
        words = dataset.categories.get(int(column))
        values = grid(stored) if words is None else _most_frequent(stored)
        if words is None and len(values):
            deciles[place] = np.nanquantile(stored, np.linspace(0.1, 0.9, 9))
        if not len(values):
            continue
        for value, outputs in zip(values, _answers(training, X, int(column), values), strict=True):
            answers = outputs[:, shown]
            low, high = np.quantile(answers, BAND, axis=0)
            for k, code in enumerate(shown):
                row = {
                    "feature": dataset.feature_names[column],
                    "value": float(value) if words is None else words[int(value)],
                    "class": dataset.classes[code] if training.n_classes else "",
                    "prediction": float(answers[:, k].mean()),
                    "low": float(low[k]),
                    "high": float(high[k]),
                }
                for name, cell in row.items():
                    table[name].append(cell)
    if not training.n_classes:
        del table["class"]
    return {"partial_dependence": table}, {"partial_dependence_deciles": deciles}


def grid(values: np.ndarray, points: int = GRID, ends: tuple[float, float] = ENDS) -> np.ndarray:
    """Return values at which a column is looked at: all different ones, or even steps between two quantiles.

    The rule of scikit-learn's `partial_dependence`, with linear quantiles; empty cells are left out.

    Examples
    --------
    >>> grid(np.array([2.0, 1.0, np.nan, 2.0]))
    array([1., 2.])
    >>> grid(np.arange(101.0), points=3)
    array([ 5., 50., 95.])
    """
    known = values[np.isfinite(values)]
    different = np.unique(known)
    if len(different) < points:
        return np.asarray(different)
    low, high = np.quantile(known, ends)
    return np.linspace(low, high, points) if high > low else np.asarray(np.unique([low, high]))


def _most_frequent(codes: np.ndarray) -> np.ndarray:
    known, counts = np.unique(codes[np.isfinite(codes) & (codes >= 0)], return_counts=True)
    return np.asarray(known[np.argsort(-counts, kind="stable")][:MOST_WORDS])


def _classes(training: Training) -> np.ndarray:
    """Return the outputs that are shown: the second of two classes, the most frequent of many, the one of numbers."""
    if not training.n_classes:
        return np.array([0])
    if training.n_classes == 2:
        return np.array([1])
    counts = np.bincount(training.parts.train.y, minlength=training.n_classes)
    return np.argsort(-counts, kind="stable")[:MOST_CLASSES]


def _answers(training: Training, X: np.ndarray, column: int, values: np.ndarray) -> np.ndarray:
    """Return what is predicted when a column is set to each value: (n_values, n, n_classes), or (n_values, n, 1)."""
    changed = np.tile(X, (len(values), 1))
    changed[:, column] = np.repeat(values, len(X))
    ready = training.preparation.rows(Rows(changed))
    if not training.n_classes:
        found = training.predicted(ready)[:, None]
    elif (probability := training.probabilities(ready)) is not None:
        found = probability
    else:
        found = training.labels(ready)[:, None] == np.arange(training.n_classes)
    return np.asarray(found, np.float64).reshape(len(values), len(X), -1)
