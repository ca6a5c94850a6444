"""Counts by class of each set: how a run keeps them, and how they are read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mlexp import metrics
from mlexp.errors import DataError
from mlexp.store import Run
from mlexp.store.result import Columns

MOST_CLASSES = (
    100  # up to which the matrices of training and validation set are kept beside that of the test set
)
FEW_ROWS = 3  # of a set up to which shares of its rows say nothing
FILES = {"test": "confusion", "validation": "confusion_validation", "train": "confusion_train"}
SETS = tuple(FILES)
SCORES = ("precision", "recall", "f1")


def kept(found: Mapping[str, np.ndarray], classes: Sequence[str]) -> dict[str, Columns]:
    """Return the tables of a run: the confusion matrix of each set, and the scores of the classes in the test set.

    Parameters
    ----------
    found : set -> int array of shape (n_classes, n_classes), true class first
    classes : names
    """
    some = {name: one for name, one in found.items() if len(classes) <= MOST_CLASSES or name == "test"}
    columns = distinct(("true",), classes)
    tables: dict[str, Columns] = {
        FILES[name]: dict(zip(columns, [list(classes), *counts.T.tolist()], strict=True))
        for name, counts in some.items()
    }
    if "test" in found:
        scores = dict(zip(SCORES, metrics.precision_recall_f1(found["test"]), strict=True))
        listed = {name: values.tolist() for name, values in scores.items()}
        tables["per_class"] = (
            {"class": list(classes)} | listed | {"support": found["test"].sum(axis=1).tolist()}
        )
    return tables


def distinct(leading: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Return the names of columns: the leading ones changed where a class is called the same.

    Examples
    --------
    >>> distinct(("true",), ("false", "true"))
    ['true_', 'false', 'true']
    """
    names = []
    for name in leading:
        while name in classes:
            name += "_"
        names.append(name)
    return [*names, *classes]


def confusions(run: Run) -> dict[str, np.ndarray]:
    """Return the recorded confusion matrix of each set: of the test set alone in folders of 0.1.0.

    Raises
    ------
    DataError
        If a table does not hold one row and one column of counts a class.
    """
    n = len(run.info.get("dataset", {}).get("classes") or ())
    found = {}
    for name in SETS if n else ():
        if table := run.tables.get(FILES[name]):
            found[name] = _counts(list(table.values())[1:], n, run.path / "tables" / f"{FILES[name]}.csv")
    return found


def _counts(columns: Sequence[Sequence[str]], n: int, file: Path) -> np.ndarray:
    try:
        cells = np.array(columns).T.astype(np.int64)
    except ValueError:
        cells = np.empty(0, np.int64)
    if cells.shape != (n, n) or cells.min() < 0:
        raise DataError(f"{file} must hold {n} rows of {n} counts, one a class. Run the task again.")
    return cells


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
