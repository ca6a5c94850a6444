"""A data set: frozen arrays with names and a fingerprint, and the checks that every reader ends with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from mlexp.config import schema
from mlexp.data.columns import listed, short
from mlexp.data.labels import number_labels, targets
from mlexp.data.rows import CHUNK_BYTES
from mlexp.errors import DataError


@dataclass(frozen=True, eq=False)
class Dataset:
    """All rows of one data set.

    Attributes
    ----------
    name : what tables and folders call it
    X : array of shape (n_samples, n_features)
        uint8 for images (may be a memory map), else float32 or float64.
    y : array of shape (n_samples,)
        int64 numbers of the classes, 0 to ``n_classes - 1``; float64 targets where `classes` is empty, zeros where
        there is no label.
    classes : name of each class, in the order of its number
    feature_names : name of each column of `X`
    image_shape : height and width of an image whose pixels are the features, and 3 where each pixel has a colour; or
        None
    pixel_max : largest value a pixel can have (255 for bytes), or None where features are no pixels
    X_test, y_test : a test part of its own, or None
    source : where the rows came from, in words
    categories : position of each text column -> its words; `X` holds their numbers, -1 for a word that only
        the test part has
    target : name of what is predicted; "" where there is no label
    groups : int64 array of shape (n_samples,), rows of one number stay in one part; or None
    table : how a table was read: `columns` (of each feature what `Column.record` says), `left_out` (columns that are
        neither features nor label nor groups), `groups`, `target` (how numbers to predict are written), `missing`
        (further words for an empty cell), `dialect` (as typed)
    notes, warnings : how the file was read, where that is not the usual way; what may be wrong with it
    reading : how a later file is read as this one was: `labels` (of each class, as the file writes it), `resized`
        (whether images were brought to `image_shape`)
    digests : SHA-256 of `X` and `X_test` where known already, so that they are not read again
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    classes: tuple[str, ...]
    feature_names: tuple[str, ...]
    image_shape: tuple[int, ...] | None = None
    pixel_max: float | None = None
    X_test: np.ndarray | None = None
    y_test: np.ndarray | None = None
    source: str = ""
    categories: dict[int, tuple[str, ...]] = field(default_factory=dict)
    target: str = "target"
    groups: np.ndarray | None = None
    table: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    reading: dict[str, Any] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def n_samples(self) -> int:
        """Number of rows of the main part."""
        return len(self.X)

    @property
    def n_features(self) -> int:
        """Number of columns of `X`."""
        return int(self.X.shape[1])

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 for regression targets."""
        return len(self.classes)

    @property
    def has_labels(self) -> bool:
        """Whether there is anything to predict."""
        return self.target != ""

    @property
    def has_test(self) -> bool:
        """Whether the data set brings a test part of its own."""
        return self.X_test is not None

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the content: features, targets, test part and class names."""
        content: dict[str, Any] = {
            "X": self.digests.get("X") or digest(self.X),
            "y": digest(self.y),
            "X_test": None if self.X_test is None else self.digests.get("X_test") or digest(self.X_test),
            "y_test": None if self.y_test is None else digest(self.y_test),
            "classes": list(self.classes),
        }
        if self.categories:
            content["categories"] = list(self.categories.items())
        if self.groups is not None:
            content["groups"] = digest(self.groups)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def digest(array: np.ndarray) -> str:
    """Return the SHA-256 of an array's type, shape and values, read a chunk at a time."""
    total = hashlib.sha256(f"{array.dtype.newbyteorder('<').str} {array.shape}".encode())
    row_bytes = max(1, array.itemsize * int(np.prod(array.shape[1:])))
    step = max(1, CHUNK_BYTES // row_bytes)
    little = array.dtype.newbyteorder("<")
    for start in range(0, len(array), step):
        total.update(np.ascontiguousarray(array[start : start + step], dtype=little).data)
    return total.hexdigest()


@dataclass(frozen=True, eq=False)
class Raw:
    """One part of a data set as a file has it: features (n, n_features) and labels (n,), or None without labels."""

    X: np.ndarray
    labels: np.ndarray | None
    categories: dict[int, tuple[str, ...]] = field(default_factory=dict)


def assemble(
    wanted: schema.Dataset,
    train: Raw,
    test: Raw | None = None,
    *,
    feature_names: Sequence[str] = (),
    image_shape: tuple[int, ...] | None = None,
    pixel_max: float | None = None,
    names: Sequence[str] = (),
    target: str = "target",
    may_be_empty: bool = False,
    where: str,
    source: str,
) -> Dataset:
    """Check the parts of a data set, number its classes and put it together.

    Parameters
    ----------
    wanted : schema.Dataset
        Gives the name, whether labels are classes or numbers, and what to do with gaps between them.
    train, test : Raw
        The main part, and a test part of its own or None.
    feature_names : sequence of str, default ()
        Without it pixel1, pixel2 ... for pictures, x1, x2 ... else.
    image_shape, pixel_max
        As in `Dataset`.
    names : sequence of str, default ()
        Name of each integer label.
    target : str, default "target"
        Name of what is predicted.
    may_be_empty : bool, default False
        Let empty cells (NaN) pass: the preparation fills or refuses them.
    where, source : str
        The file, for messages; where the rows came from, for the record.

    Raises
    ------
    DataError
        Empty, no features, NaN or infinite values, lengths that differ, or labels that are not what was wanted.
    """
    word = "x" if image_shape is None else "pixel"
    columns = tuple(feature_names) or tuple(f"{word}{i + 1}" for i in range(train.X.shape[1]))
    for part, title in ((train, where), (test, f"the test part of {where}")):
        if part is not None:
            check_part(part, columns, title, may_be_empty)
    labels_test = test.labels if test else None
    classes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    if train.labels is None:
        y, y_test = np.zeros(len(train.X)), np.zeros(len(test.X)) if test else None
    elif wanted.target == "numbers":
        if names:
            warnings = (
                f"Data set '{wanted.name}' has classes ({listed(names, 4)}), and their numbers 0, 1, 2 ... are "
                "predicted as if they were quantities. To predict classes: task=classify.",
            )
        y, y_test = targets(train.labels, labels_test, where=where)
    else:
        y, y_test, classes = number_labels(
            train.labels, labels_test, gaps=wanted.label_gaps, names=names, where=where
        )
    return Dataset(
        wanted.name,
        _numbers(train.X),
        y,
        classes,
        columns,
        image_shape,
        pixel_max,
        _numbers(test.X) if test else None,
        y_test,
        source=source,
        categories=train.categories,
        target=target,
        warnings=warnings,
    )


def check_part(part: Raw, columns: Sequence[str], where: str, may_be_empty: bool = False) -> None:
    """Refuse a part that is empty, has no features, lengths that differ, or values that are not finite."""
    n_rows, n_features = part.X.shape
    if n_rows == 0 or n_features == 0:
        raise DataError(f"{where} holds no {'rows' if n_rows == 0 else 'feature columns'}.")
    if part.labels is not None and n_rows != len(part.labels):
        raise DataError(
            f"{where} must hold as many labels as rows. Got {n_rows} rows and {len(part.labels)} labels: "
            "the two belong to different files, or one is cut short."
        )
    if n_features != len(columns):
        raise DataError(
            f"{where} must have {len(columns)} features, as the training part has. Got {n_features}."
        )
    if part.X.dtype.kind == "f":
        _check_finite(part.X, columns, where, may_be_empty)


def _check_finite(X: np.ndarray, columns: Sequence[str], where: str, may_be_empty: bool) -> None:
    step = max(1, CHUNK_BYTES // (X.shape[1] * X.itemsize))
    for start in range(0, len(X), step):
        rows = X[start : start + step]
        wrong = np.isinf(rows) if may_be_empty else ~np.isfinite(rows)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            value = "an empty cell (NaN)" if np.isnan(X[start + row, column]) else "an infinite value"
            raise DataError(
                f"{where} has {value} in column '{short(columns[column])}', row {start + row + 1}. "
                "Correct it, or leave out the row, or the column with dataset.ignore."
            )


def _numbers(X: np.ndarray) -> np.ndarray:
    """Return bytes, float32 and float64 as they are, all else as float64."""
    return X if X.dtype in (np.uint8, np.float32, np.float64) else X.astype(np.float64)
