"""Permutation importance: how much worse a fitted model scores when one column of the rows is shuffled."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.data.rows import Rows
from mlexp.data.split import Part
from mlexp.errors import ConfigError, DataError
from mlexp.kinds.dependence import dependence
from mlexp.kinds.fitting import Training
from mlexp.kinds.prediction_cost import nanoseconds_a_row
from mlexp.kinds.sets import some
from mlexp.page.words import Z
from mlexp.store.result import Columns

FEWEST = 10  # samples; what a model relies on cannot be measured on fewer
BUDGET = 5e9  # nanoseconds of predictions, as `prediction_cost` counts them
REPEATS = 10
FEWEST_REPEATS = 3
MOST_ROWS = 10_000
FEWEST_ROWS = 300  # before repeats, and then columns, are left out
BATCH = 4_000_000  # cells of the shuffled and prepared rows that are predicted at a time
PATCHES = 7  # along each side of an image, at most
SHOWN = 3  # columns whose partial dependence is recorded


@dataclass(frozen=True)
class Effort:
    """How much of the work a budget allows: rows and columns used, shuffles of each column."""

    rows: int
    columns: int
    repeats: int


def effort(n_rows: int, n_columns: int, cost: float) -> Effort:
    """Return rows, columns and repeats whose predictions keep to `BUDGET`.

    At most 10,000 rows are used. Repeats go down from 10 to 3 first, then rows to 300, then repeats to 1, then columns.
    The count alone decides, never a clock, so that the same run records the same bytes.

    Parameters
    ----------
    n_rows, n_columns : that there are
    cost : of predicting a row, in nanoseconds

    Examples
    --------
    >>> effort(1000, 10, cost=1e3)
    Effort(rows=1000, columns=10, repeats=10)
    >>> effort(5000, 50, cost=2e4)
    Effort(rows=1666, columns=50, repeats=3)
    """
    allowed = BUDGET / cost  # rows predicted
    n_rows = min(n_rows, MOST_ROWS)
    least = min(n_rows, FEWEST_ROWS)
    repeats = int(np.clip(allowed // (n_rows * n_columns), FEWEST_REPEATS, REPEATS))
    rows = int(np.clip(allowed // (repeats * n_columns), least, n_rows))
    repeats = int(np.clip(allowed // (rows * n_columns), 1, repeats))
    return Effort(rows, int(np.clip(allowed // (rows * repeats), 1, n_columns)), repeats)


def wanted(config: Config, dataset: Dataset) -> bool:
    """Return whether a run records importances: by default runs of tables that draw figures, and no trials."""
    asked = config.record.importance
    if asked == "auto":
        return config.figures and config.split.judge and dataset.image_shape is None
    return bool(asked)


@dataclass(frozen=True)
class Recorded:
    """What a run records of the importance of its features."""

    tables: dict[str, Columns] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def recorded(config: Config, dataset: Dataset, training: Training) -> Recorded:
    """Return tables, arrays and facts on the importance of the columns of a table or the patches of an image.

    Computed on the test set, which has been scored by then, or on the last set there is.
    """
    if not wanted(config, dataset):
        return Recorded()
    try:
        return _recorded(config, dataset, training)
    except (ConfigError, DataError) as error:  # shuffled rows can be such as no preparation or model takes
        return Recorded(warnings=[f"The importance of the features was not computed: {error}"])


def _recorded(config: Config, dataset: Dataset, training: Training) -> Recorded:
    begun = time.perf_counter()
    name = next(name for name in ("test", "validation", "train") if len(getattr(training.parts, name)))
    if len(getattr(training.parts, name)) < FEWEST:
        return Recorded()
    groups, titles = _columns(dataset)
    part: Part = getattr(training.raw, name)
    cost = nanoseconds_a_row(training)
    used = effort(len(part), len(groups), cost)
    rows = some(part, used.rows, seed=config.split.seed)
    chosen = np.sort(np.random.default_rng(0).permutation(len(groups))[: used.columns])
    shuffles = shuffled(len(rows), used.repeats)
    found = permutation_importance(training, name, rows, [groups[k] for k in chosen], shuffles)
    order = np.argsort(-found.importance, kind="stable")
    tables = {"permutation_importance": _table(found, order, [titles[k] for k in chosen])}
    arrays: dict[str, np.ndarray] = {}
    if dataset.image_shape is None:
        tables["permutation_importance"] |= _impurity(dataset, training, chosen[order])
        more, arrays = dependence(dataset, training, part, rows, chosen[order][:SHOWN], cost)
        tables |= more
    else:
        arrays = _heat(dataset, part, rows, found.importance, chosen)
    facts = {
        "set": name,
        "measure": found.measure,
        "rows": len(rows),
        "over": "samples" if part.groups is None else "groups",
        "repeats": used.repeats,
        "columns": len(chosen),
        "of_columns": len(groups),
        "seconds": round(time.perf_counter() - begun, 3),
    }
    return Recorded(tables, arrays, {"importance": facts})


@dataclass(frozen=True, eq=False)
class Importances:
    """Importance of each group of columns.

    Attributes
    ----------
    measure : accuracy, r2, or mae where all targets are equal
    importance : array of shape (n_groups,), score before the shuffle minus mean score after it
    standard_error : array of shape (n_groups,), over rows
    by_repeat : array of shape (n_groups, n_repeats)
    """

    measure: str
    importance: np.ndarray
    standard_error: np.ndarray
    by_repeat: np.ndarray


def shuffled(n_rows: int, repeats: int) -> np.ndarray:
    """Return the shuffles that every column gets, an array of row positions (repeats, n_rows)."""
    rng = np.random.default_rng(0)
    return np.stack([rng.permutation(n_rows) for _ in range(repeats)])


def permutation_importance(
    training: Training, name: str, rows: np.ndarray, groups: Sequence[np.ndarray], shuffles: np.ndarray
) -> Importances:
    """Return how much the score falls when columns of the file are shuffled, each through the whole preparation.

    The importance of columns c is s − (1/R) Σ_r s_r with s the score (accuracy or R²) and s_r that of rows whose
    columns c come from the rows `shuffles[r]`. L. Breiman, Machine Learning 45 (2001) 5–32,
    doi:10.1023/A:1010933404324; A. Fisher, C. Rudin, F. Dominici, arXiv:1801.01489 (2018). The standard error is that
    over new rows, each of which counts twice, as the row predicted and as the row that lends its value: with d_ri the
    loss that row i gains in shuffle r, a_i its mean over r and b_j that over the rows that j lent to,
    se² = Σ (a_i + b_i − 2d̄)² / (n(n − 1)).

    Parameters
    ----------
    training : a fitted model
    name : set whose rows are predicted
    rows : positions in that set, shape (n,)
    groups : positions of the columns of the file that are shuffled together
    shuffles : row positions, shape (R, n)
    """
    truth = getattr(training.parts, name).y[rows]
    ready = training.preparation.scales_only
    part: Part = getattr(training.parts if ready else training.raw, name)
    X = part.X.take(rows) if ready else part.X.scaled(None, None, np.float64).take(rows)
    measure, loss, weight = _losses(training, truth)

    def losses(values: np.ndarray) -> np.ndarray:
        prepared = Rows(values, dtype=values.dtype) if ready else training.preparation.rows(Rows(values))
        times = len(values) // len(truth)
        answers = training.labels(prepared) if training.n_classes else training.predicted(prepared)
        return np.asarray(loss(answers.reshape(times, len(truth))))

    before = losses(X)
    cells = len(X) * max(X.shape[1], len(training.preparation.feature_names))
    gained = _losses_shuffled(X, groups, shuffles, losses, max(1, BATCH // cells)) - before
    together = None if part.groups is None else part.groups[rows]
    errors = [standard_error(one, shuffles, weight, together) for one in gained]
    return Importances(measure, gained.mean(axis=(1, 2)), np.array(errors), gained.mean(axis=2))


def _losses(training: Training, truth: np.ndarray) -> tuple[str, Any, np.ndarray]:
    """Return the measure, its loss of rows, and what each row adds to the variance that R² divides by, mean 0."""
    if training.n_classes:
        return "accuracy", lambda answers: (answers != truth).astype(np.float64), np.zeros(len(truth))
    if np.ptp(truth) == 0:
        return "mae", lambda answers: np.abs(answers - truth), np.zeros(len(truth))
    unit = float(np.ptp(truth))
    width = float((truth / unit).std()) * unit
    about = np.square((truth - truth.mean()) / width)
    return "r2", lambda answers: np.square((answers - truth) / width), about - about.mean()


def _losses_shuffled(
    X: np.ndarray, groups: Sequence[np.ndarray], shuffles: np.ndarray, losses: Any, step: int
) -> np.ndarray:
    """Return the losses of rows (n_groups, R, n) with columns shuffled, predicted `step` shuffles at a time."""
    todo = [(columns, shuffle) for columns in groups for shuffle in shuffles]
    found = []
    for first in range(0, len(todo), step):
        mixed = np.tile(X, (len(todo[first : first + step]), 1))
        for place, (columns, shuffle) in enumerate(todo[first : first + step]):
            rows = slice(place * len(X), (place + 1) * len(X))
            mixed[rows, columns] = X[np.ix_(shuffle, columns)]
        found.append(losses(mixed))
    return np.concatenate(found).reshape(len(groups), len(shuffles), len(X))


def standard_error(
    gained: np.ndarray, shuffles: np.ndarray, weight: np.ndarray, groups: np.ndarray | None = None
) -> float:
    """Return the standard error over rows, or over whole groups of them: sums of influences of a group count as one."""
    n = gained.shape[1]
    lent = np.zeros(n)
    for shuffle, gain in zip(shuffles, gained, strict=True):
        lent[shuffle] += gain / len(shuffles)
    mean = gained.mean()
    influence = gained.mean(axis=0) + lent - 2 * mean - mean * weight
    if groups is not None:
        influence = np.bincount(np.unique(groups, return_inverse=True)[1], influence)
    units = len(influence)
    return float(np.sqrt(np.square(influence).sum() * units / (units - 1)) / n) if units > 1 else float("nan")


def _columns(dataset: Dataset) -> tuple[list[np.ndarray], list[str]]:
    """Return the columns that are shuffled together and their names: each by itself, pixels by patches."""
    if dataset.image_shape is None:
        return [np.array([k]) for k in range(dataset.n_features)], list(dataset.feature_names)
    pixels = np.arange(dataset.n_features).reshape(dataset.image_shape)
    cells = _patches(dataset.image_shape)
    down, across = (np.array_split(np.arange(n), k) for n, k in zip(dataset.image_shape, cells, strict=False))
    groups = [pixels[np.ix_(rows, columns)].ravel() for rows in down for columns in across]
    names = [f"rows {r[0] + 1}–{r[-1] + 1}, columns {c[0] + 1}–{c[-1] + 1}" for r in down for c in across]
    return groups, names


def _patches(shape: Sequence[int]) -> tuple[int, int]:
    """Return the number of patches down and across: of two pixels at least, and no more than `PATCHES`."""
    return max(1, min(shape[0] // 2, PATCHES)), max(1, min(shape[1] // 2, PATCHES))


def _table(found: Importances, order: np.ndarray, names: Sequence[str]) -> Columns:
    reach = Z * found.standard_error
    return {
        "feature": [names[k] for k in order],
        "importance": found.importance[order].tolist(),
        "low": (found.importance - reach)[order].tolist(),
        "high": (found.importance + reach)[order].tolist(),
        "sd_of_repeats": found.by_repeat.std(axis=1)[order].tolist(),
    }


def _impurity(dataset: Dataset, training: Training, columns: np.ndarray) -> Columns:
    """Return the trees' own importance of each column of the file: the sum over the features made of it."""
    own = np.asarray(getattr(training.model, "feature_importances_", ()), np.float64)
    made = training.preparation.feature_names
    source = {name: k for k, name in enumerate(dataset.feature_names)}
    source |= {
        f"{dataset.feature_names[k]}={word}": k for k, words in dataset.categories.items() for word in words
    }
    if len(own) != len(made) or not set(made) <= set(source):
        return {}
    whole = np.zeros(dataset.n_features)
    np.add.at(whole, [source[name] for name in made], own)
    return {"impurity_decrease": whole[columns].tolist()}


def _heat(
    dataset: Dataset, part: Part, rows: np.ndarray, importance: np.ndarray, chosen: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the importance of each patch (NaN where it was left out), and the mean image below it."""
    assert dataset.image_shape is not None
    grid = _patches(dataset.image_shape)
    heat = np.full(grid[0] * grid[1], np.nan)
    heat[chosen] = importance
    image = part.X.raw(rows).astype(np.float64).mean(axis=0).reshape(dataset.image_shape)
    return {"patch_importance": heat.reshape(grid), "patch_mean_image": image}
