"""Counts by class of each set: how a run keeps them, and how they are read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mlexp import metrics
from mlexp.errors import DataError
from mlexp.store import Run
from mlexp.store.result import Columns

MOST_CLASSES = (
    100  # up to which the matrices of training and validation set are kept beside that of the test set
)
FEW_ROWS = 3  # of a set up to which shares of its rows say nothing
SETS = ("test", "validation", "train")
SCORES = ("precision", "recall", "f1")


def kept(found: Mapping[str, np.ndarray], classes: Sequence[str]) -> dict[str, Columns]:
    """Return the tables that a run keeps: the confusion matrix of each set, and the scores of each class in it.

    Parameters
    ----------
    found : set -> int array of shape (n_classes, n_classes), true class first
    classes : names
    """
    if not found:
        return {}
    some = {
        name: found[name]
        for name in SETS
        if name in found and (len(classes) <= MOST_CLASSES or name == "test")
    }
    whole = np.concatenate([*some.values(), np.zeros((0, len(classes)), np.int64)])
    set_, true, *named = distinct(("set", "true"), classes)
    confusion = {set_: [name for name in some for _ in classes], true: [*classes] * len(some)}
    per_class: Columns = {name: [] for name in ("set", "class", *SCORES, "support")}
    for name in (name for name in SETS if name in found):
        scores = metrics.precision_recall_f1(found[name])
        cells = (
            [name] * len(classes),
            classes,
            *map(np.ndarray.tolist, scores),
            found[name].sum(axis=1).tolist(),
        )
        for column, values in zip(per_class.values(), cells, strict=True):
            column.extend(values)
    tables = {"per_class": per_class}
    if some:
        tables["confusion"] = confusion | dict(zip(named, whole.T.tolist(), strict=True))
    return tables


def distinct(leading: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Return the names of columns: the leading ones changed where a class is called the same.

    Examples
    --------
    >>> distinct(("set", "true"), ("false", "true"))
    ['set', 'true_', 'false', 'true']
    """
    names = []
    for name in leading:
        while name in classes:
            name += "_"
        names.append(name)
    return [*names, *classes]


def confusions(run: Run) -> dict[str, np.ndarray]:
    """Return the confusion matrix of each set that `confusion.csv` holds: the test set alone in folders of 0.1.0.

    Raises
    ------
    DataError
        If the table does not hold one row a class of each set.
    """
    table, n = run.tables.get("confusion"), len(run.info.get("dataset", {}).get("classes") or ())
    if not table or not n:
        return {}
    columns = list(table.values())
    if len(columns) == n + 1:
        columns.insert(0, ["test"] * len(columns[0]))
    try:
        cells = np.array(columns[2:]).T.astype(np.int64)
    except ValueError:
        cells = np.empty((0, 0), np.int64)
    found = (
        {name: cells[np.array(columns[0]) == name] for name in dict.fromkeys(columns[0])}
        if cells.size
        else {}
    )
    if (
        not found
        or not set(found) <= set(SETS)
        or {one.shape for one in found.values()} != {(n, n)}
        or cells.min() < 0
    ):
        raise DataError(
            f"{run.path / 'tables' / 'confusion.csv'}: each set must have {n} rows of {n} counts, one a class. Run the "
            "task again."
        )
    return found


def matrices(run: Run) -> dict[str, np.ndarray]:
    """Return the confusion matrix of each set: counted from the predictions where they are kept, else as recorded."""
    n = len(run.info.get("dataset", {}).get("classes") or ())
    found = {}
    for name in SETS:
        true, predicted = (run.predictions.get(f"{name}_{what}") for what in ("true", "predicted"))
        if n and true is not None and predicted is not None and true.size:
            found[name] = count(true, predicted, n)
    recorded = {name: one for name, one in confusions(run).items() if name not in found}
    return {name: (found | recorded)[name] for name in SETS if name in found or name in recorded}


def count(true: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the matrix of shape (n_classes, n_classes) that counts rows by true and predicted class.

    Raises
    ------
    DataError
        If the arrays are not of one length or name a class that does not exist.
    """
    if true.shape != predicted.shape or min(true.min(), predicted.min()) < 0:
        raise DataError(
            f"predictions.npz: true {true.shape} and predicted {predicted.shape} do not match. "
            "Run the task again."
        )
    if max(true.max(), predicted.max()) >= n_classes:
        raise DataError(
            f"predictions.npz names class {max(true.max(), predicted.max())} of {n_classes}, counted from 0. "
            "Run the task again."
        )
    # Small integers would overflow.
    return metrics.confusion_matrix(true.astype(np.int64), predicted.astype(np.int64), n_classes)


def scores_of(run: Run, name: str = "test") -> Columns:
    """Return the rows of `per_class.csv` that belong to a set; those of the test set in folders of 0.1.0."""
    table = run.tables.get("per_class", {})
    if "set" not in table:
        return table if name == "test" else {}
    rows = [row for row, of in enumerate(table["set"]) if of == name]
    return {column: [cells[row] for row in rows] for column, cells in table.items() if column != "set"}


def averaged(counts: np.ndarray) -> dict[str, list[float]]:
    """Return precision, recall and F1 of all classes, macro and weighted, from a confusion matrix.

    Macro means are over the classes with rows in the set.

    Examples
    --------
    >>> averaged(np.array([[3, 1], [0, 4]]))["macro"][1]
    0.875
    """
    support = counts.sum(axis=1)
    scores = metrics.precision_recall_f1(counts)
    if not support.any():
        return {}
    return {
        "macro": [float(values[support > 0].mean()) for values in scores],
        "weighted": [float(np.average(values, weights=support)) for values in scores],
    }
