"""From labels as a file has them to class numbers 0, 1, 2 ... and class names."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from mlexp.data.columns import as_number, listed, short
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
        close: the classes that occur are numbered 0, 1, 2 ... in their sorted order; keep: whole numbers
        stay as they are, and numbers that do not occur become empty classes. Words are always closed.
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
        Fractions, one class only, a label beyond `names`, a test label that does not train.

    Notes
    -----
    A class is named by the text of its label: 01, 1e3 and TRUE stay as they are. Where all of them are numbers they
    are sorted as numbers (-1, 0, 1, 2, 10), else as text.

    Examples
    --------
    >>> number_labels(np.array([7, 3, 7]), None)
    (array([1, 0, 1]), None, ('3', '7'))
    >>> number_labels(np.array(["cat", "bee"]), np.array(["bee"]))
    (array([1, 0]), array([0]), ('bee', 'cat'))
    """
    train = _plain(train, where)
    values = _sorted(np.unique(train))
    if names and values.dtype.kind in "iu":
        _check_range(values, names, where)
    if len(values) < 2:
        raise DataError(
            f"{where} holds one class only ('{short(values[0])}'). At least two are needed to learn from."
        )
    if gaps == "keep" and (whole := _whole(values)) is not None:
        values = np.arange(_kept(whole, names, where)).astype(values.dtype)
    classes = tuple(names[v] if names else str(v) for v in values)
    codes = _codes(train, values)
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
            f"{where} holds one target only ({y[0]:g}). At least two are needed to learn from: name another column "
            "with dataset.label."
        )
    return y, y_test


def _target(labels: np.ndarray, where: str) -> np.ndarray:
    if labels.dtype.kind not in "biuf":
        wrong = next((place for place, label in enumerate(labels) if as_number(str(label)) is None), 0)
        raise DataError(
            f"Targets of {where} must be numbers (dataset.target=numbers). Row {wrong + 1} holds "
            f"{short(labels[wrong])!r}: name another column with dataset.label, or set dataset.target=classes."
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
    """Return labels as integers or as strings."""
    if len(labels) == 0:
        raise DataError(f"{where} holds no rows.")
    kind = labels.dtype.kind
    if kind == "u" and labels.max() > np.iinfo(np.int64).max:
        return labels.astype(np.uint64)
    if kind in "iu":
        return labels.astype(np.int64)
    if kind != "f":
        words = labels.astype(str)
        distinct, places = np.unique(words, return_inverse=True)
        numbers = [as_number(word) for word in distinct.tolist()]
        if None not in numbers:
            _check_whole(np.array(numbers, np.float64)[places], words, where)
        return words
    _check_whole(labels, labels, where)
    if np.abs(labels).max() >= 2.0**63:
        return np.array([str(int(label)) for label in labels])
    return labels.astype(np.int64)


def _check_whole(labels: np.ndarray, shown: np.ndarray, where: str) -> None:
    broken = np.flatnonzero(~np.isfinite(labels) | (labels != np.round(labels)))
    if len(broken):
        raise DataError(
            f"Labels of {where} must be classes (whole numbers or words). Row {broken[0] + 1} holds "
            f"{short(shown[broken[0]])}. To predict a number, use task=regress (dataset.target=numbers); else name "
            "another column with dataset.label."
        )


def _sorted(values: np.ndarray) -> np.ndarray:
    """Return distinct labels in the order of their classes: numbers by size, though they be text."""
    if values.dtype.kind in "iu":
        return values
    numbers = [as_number(value) for value in values.tolist()]
    if any(number is None for number in numbers):
        return values
    return values[np.argsort(np.array(numbers, np.float64), kind="stable")]


def _whole(values: np.ndarray) -> np.ndarray | None:
    """Return labels as integers where all of them are written so (01 and 1.0 are not); else None."""
    if values.dtype.kind in "iu":
        return values
    if all(re.fullmatch(r"-?(0|[1-9]\d{0,17})", value, re.ASCII) for value in values.tolist()):
        return values.astype(np.int64)
    return None


def _codes(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the position of each label among distinct `values`, which need not be sorted as text is."""
    order = np.argsort(values, kind="stable")
    return order[np.searchsorted(values, labels, sorter=order)].astype(np.int64)


def _check_range(values: np.ndarray, names: Sequence[str], where: str) -> None:
    wrong = values[(values < 0) | (values >= len(names))]
    if len(wrong):
        raise DataError(
            f"Labels of {where} must be whole numbers from 0 to {len(names) - 1}. Got {wrong[0]}: the file is damaged "
            "or belongs to another data set."
        )


def _kept(values: np.ndarray, names: Sequence[str], where: str) -> int:
    if values[0] < 0:
        raise DataError(
            f"dataset.label_gaps=keep numbers the classes as the file does, from 0 on. {where} holds {values[0]}: use "
            "dataset.label_gaps=close."
        )
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
    if len(strange) and test.dtype.kind == "U":
        test = _as_written(test, strange, values)
        strange = np.setdiff1d(test, values)
    if len(strange):
        raise DataError(
            f"The test part of {where} holds label '{short(strange[0])}', which does not occur in the training part "
            f"(classes: {listed(classes)})."
        )
    return _codes(test, values)


def _as_written(test: np.ndarray, strange: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return test labels with 1.0 as 1 where that is how the training part writes the same number, and only so."""
    by_number: dict[float | None, list[str]] = {}
    for value in values.tolist():
        by_number.setdefault(as_number(value), []).append(value)
    found = test.astype(object)
    for word in strange.tolist():
        same = by_number.get(as_number(word), []) if as_number(word) is not None else []
        if len(same) == 1:
            found[test == word] = same[0]
    return found.astype(str)
