"""From labels as a file has them to class numbers 0, 1, 2 ... and class names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlexp.errors import DataError

MOST_CLASSES = 10_000


def number_labels(
    train: np.ndarray,
    test: np.ndarray | None,
    *,
    gaps: str = "close",
    names: Sequence[str] = (),
    where: str = "the data set",
) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Number the classes and name them.

    Parameters
    ----------
    train : array of shape (n,)
        Integers, truth values, whole floats or strings.
    test : array of shape (m,) or None
        Labels of the test part; all of them must occur in `train`.
    gaps : "close" or "keep", default "close"
        close: the classes that occur are numbered 0, 1, 2 ... in their sorted order; keep: integer labels
        stay as they are, and numbers that do not occur become empty classes. Strings are always closed.
    names : sequence of str, default ()
        Name of each integer label; without it the label itself, written out.
    where : str
        The file, for messages.

    Returns
    -------
    codes, test_codes, classes : int64 arrays (or None for no test part) and a tuple of str

    Raises
    ------
    DataError
        Fractions, negative numbers, one class only, a label beyond `names`, a test label that does not train.

    Examples
    --------
    >>> number_labels(np.array([7, 3, 7]), None)
    (array([1, 0, 1]), None, ('3', '7'))
    >>> number_labels(np.array(["cat", "bee"]), np.array(["bee"]))
    (array([1, 0]), array([0]), ('bee', 'cat'))
    """
    train = _plain(train, where)
    values = np.unique(train)
    if values.dtype.kind == "i":
        _check_range(values, names, where)
    if len(values) < 2:
        raise DataError(
            f"{where} holds one class only ('{values[0]}'). Two or more are needed to learn from."
        )
    if gaps == "keep" and values.dtype.kind == "i":
        values = np.arange(_kept(values, names, where))
    classes = tuple(names[v] if names else str(v) for v in values)
    codes = np.searchsorted(values, train).astype(np.int64)
    return codes, None if test is None else _test_codes(_plain(test, where), values, classes, where), classes


def targets(
    train: np.ndarray, test: np.ndarray | None, *, where: str = "the data set"
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return labels as numbers to predict, float64.

    Raises
    ------
    DataError
        Words, empty cells, infinite numbers, or one value only in the training part.

    Examples
    --------
    >>> targets(np.array([3, 1]), None)
    (array([3., 1.]), None)
    """
    y, y_test = (None if labels is None else _target(labels, where) for labels in (train, test))
    assert y is not None
    if np.ptp(y) == 0:
        raise DataError(
            f"{where} holds one target only ({y[0]:g}). Two or more are needed to learn from: name another column "
            "with dataset.label."
        )
    return y, y_test


def _target(labels: np.ndarray, where: str) -> np.ndarray:
    if labels.dtype.kind not in "biuf":
        raise DataError(
            f"Targets of {where} must be numbers (dataset.target=numbers). Row 1 holds {str(labels[0])!r}: name "
            "another column with dataset.label, or set dataset.target=classes."
        )
    y = labels.astype(np.float64)
    broken = np.flatnonzero(~np.isfinite(y))
    if len(broken):
        raise DataError(
            f"Targets of {where} must be finite numbers. Row {broken[0] + 1} holds {labels[broken[0]]}: correct it "
            "or leave the row out."
        )
    return y


def _plain(labels: np.ndarray, where: str) -> np.ndarray:
    """Return labels as int64 or as strings."""
    if len(labels) == 0:
        raise DataError(f"{where} holds no rows.")
    kind = labels.dtype.kind
    if kind in "iu":
        return labels.astype(np.int64)
    if kind == "f":
        broken = np.flatnonzero(~np.isfinite(labels) | (labels != np.round(labels)))
        if len(broken):
            raise DataError(
                f"Labels of {where} must be classes (whole numbers or words). Row {broken[0] + 1} holds "
                f"{labels[broken[0]]}: name another column with dataset.label."
            )
        return labels.astype(np.int64)
    return labels.astype(str)


def _check_range(values: np.ndarray, names: Sequence[str], where: str) -> None:
    wrong = values[(values < 0) | (values >= len(names))] if names else values[values < 0]
    if len(wrong):
        allowed = f"from 0 to {len(names) - 1}" if names else "of at least 0"
        raise DataError(
            f"Labels of {where} must be whole numbers {allowed}. Got {wrong[0]}: the file is damaged or "
            "belongs to another data set."
        )


def _kept(values: np.ndarray, names: Sequence[str], where: str) -> int:
    if values[-1] >= MOST_CLASSES:
        raise DataError(
            f"dataset.label_gaps=keep allows labels up to {MOST_CLASSES - 1}. {where} holds {values[-1]}: "
            "use dataset.label_gaps=close."
        )
    # The last names may not occur either (Z), and a slot past the last label would serve no one.
    return int(values[-1]) + 1


def _test_codes(test: np.ndarray, values: np.ndarray, classes: tuple[str, ...], where: str) -> np.ndarray:
    if test.dtype.kind != values.dtype.kind:
        test, values = test.astype(str), values.astype(str)
    strange = np.setdiff1d(test, values)
    if len(strange):
        shown = ", ".join(classes[:10]) + (" ..." if len(classes) > 10 else "")
        raise DataError(
            f"The test part of {where} holds label '{strange[0]}', which does not occur in the training part "
            f"(classes: {shown})."
        )
    order = np.argsort(values)  # as text, 10 stands before 2
    return order[np.searchsorted(values, test, sorter=order)].astype(np.int64)
