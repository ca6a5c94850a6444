"""A data set and its three parts: frozen arrays with names and fingerprints."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from mlexp.config.rules import either, fold, share_or_count
from mlexp.data.columns import as_number, short
from mlexp.data.near import connected, deal_groups, draw_groups, near_groups
from mlexp.data.rows import CHUNK_BYTES, Rows
from mlexp.data.split import choose, deal
from mlexp.errors import ConfigError, DataError

AUTO_TEST_SHARE = 0.2


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
    image_shape : height and width of a picture whose pixels are the features, or None
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
    digests : SHA-256 of `X` and `X_test` where known already, so that they are not read again
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    classes: tuple[str, ...]
    feature_names: tuple[str, ...]
    image_shape: tuple[int, int] | None = None
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


@dataclass(frozen=True, eq=False)
class Part:
    """Rows for one purpose.

    Attributes
    ----------
    X : Rows of shape (n_rows, n_features), scaled when read
    y : array of shape (n_rows,), class numbers or targets
    index : int64 array of shape (n_rows,)
        Row numbers, from 0, in the part of the data set that `source` names; ascending.
    source : "main" or "test"
    groups : int64 array of shape (n_rows,), rows of one number belong together; or None
    """

    X: Rows
    y: np.ndarray
    index: np.ndarray
    source: str = "main"
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class Split:
    """The rows that train, the rows that choose, the rows that judge."""

    train: Part
    validation: Part
    test: Part

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the row numbers of the three parts and the files' parts they index."""
        content = [[part.source, digest(part.index)] for part in (self.train, self.validation, self.test)]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def digest(array: np.ndarray) -> str:
    """Return the SHA-256 of an array's type, shape and values, read a chunk at a time."""
    total = hashlib.sha256(f"{array.dtype.newbyteorder('<').str} {array.shape}".encode())
    row_bytes = max(1, array.itemsize * int(np.prod(array.shape[1:])))
    step = max(1, CHUNK_BYTES // row_bytes)
    little = array.dtype.newbyteorder("<")
    for start in range(0, len(array), step):
        total.update(np.ascontiguousarray(array[start : start + step], dtype=little).data)
    return total.hexdigest()


def split(
    dataset: Dataset,
    *,
    test: str | float | int = "auto",
    validation: str | float | int = 0.1,
    near: float | None = None,
    stratify: bool = True,
    seed: int = 0,
    judge: bool = True,
) -> Split:
    """Divide a data set into a training, a validation and a test part.

    Parameters
    ----------
    dataset : Dataset
        The rows; nothing is copied but labels.
    test : "auto", share in (0, 1), number of rows or fold, default "auto"
        "auto" is the test part that the data set brings, or 0.2 of the rows where it brings none. A share
        or a number is drawn from the main part, and a test part that the data set brings is left unused.
        0 leaves this part without rows. "2/5" is the second of five folds of the main part: the folds of one
        seed are disjoint and together hold every row.
    validation : share in (0, 1), number of rows or fold, default 0.1
        Drawn from what the test part leaves. A share is rounded to the nearest whole row; 0 is no rows.
    near : float above 0 or None, default None
        Rows of the main part nearer to each other than this are a group. Groups, and those that the data set
        brings, are never divided, so that shares are met only as nearly as whole groups allow.
    stratify : bool, default True
        Keep the shares of the classes equal in all parts, to within one row (no effect on regression).
    seed : int, default 0
        Same seed, same rows.
    judge : bool, default True
        False keeps the test part aside: it is divided off, and an empty part returned in its place.

    Returns
    -------
    Split
        Disjoint parts that together hold all rows of the main part (and of the own test part, if used),
        but for a test part that is kept aside.

    Raises
    ------
    ConfigError
        A part would be empty, a number exceeds the rows, or a class has too few rows to stratify.
    """
    rng = np.random.default_rng(seed)
    own_test = test == "auto" and dataset.has_test
    stratify = stratify and dataset.n_classes > 0
    if stratify:
        drawn_parts = [share for share in (0 if own_test else test, validation) if share != 0]
        _check_class_sizes(dataset, n_parts=1 + len(drawn_parts))
    groups = dataset.groups if near is None else _joined(dataset, near)
    rest = np.arange(dataset.n_samples, dtype=np.int64)
    test_part = _own_test_part(dataset, near if own_test and judge else None)
    if not own_test:
        share = AUTO_TEST_SHARE if test == "auto" else test
        rest, drawn = _divide(rest, dataset.y, share, "split.test", stratify, rng, groups)
        test_part = _main_part(dataset, drawn, groups)
    assert test_part is not None
    rest, drawn = _divide(rest, dataset.y, validation, "split.validation", stratify, rng, groups)
    if not judge:
        test_part = _main_part(dataset, rest[:0], groups)
    return Split(_main_part(dataset, rest, groups), _main_part(dataset, drawn, groups), test_part)


def _divide(
    rows: np.ndarray,
    y: np.ndarray,
    share: str | float | int,
    key: str,
    stratify: bool,
    rng: np.random.Generator,
    groups: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what stays of `rows` and what is drawn, both ascending."""
    own = None if groups is None else groups[rows]
    if fold().accepts(share):
        number, folds = map(int, str(share).split("/"))
        dealt = (
            deal(y[rows], folds, stratify=stratify, rng=rng)
            if own is None
            else deal_groups(own, y[rows], folds, stratify=stratify, rng=rng)
        )
        positions = np.flatnonzero(dealt == number - 1)
        if not len(positions):
            raise ConfigError(
                f"{key}={share} is a fold without a row, of {len(rows)} rows: choose fewer folds."
            )
    else:
        count = _count(share, len(rows), key)
        positions = (
            choose(y[rows], count, stratify=stratify, rng=rng)
            if own is None
            else draw_groups(own, y[rows], count, stratify=stratify, rng=rng)
        )
    if share != 0:
        _count(len(positions), len(rows), key)
    return np.delete(rows, positions), rows[positions]


def _count(share: str | float | int, n_rows: int, key: str) -> int:
    rule = either(share_or_count(), fold())
    if not rule.accepts(share):
        raise ConfigError(rule.complaint(key, share))
    assert isinstance(share, int | float)
    if share == 0:
        return 0
    count = round(share * n_rows) if isinstance(share, float) else share
    if 1 <= count < n_rows:
        return count
    empty = "no row to this part" if count < 1 else "no row to the parts after it"
    raise ConfigError(
        f"{key} must leave rows to every part. Got {share!r} of {n_rows} rows, which gives {empty}: "
        f"choose a number from 1 to {n_rows - 1} or use more rows."
    )


def _check_class_sizes(dataset: Dataset, n_parts: int) -> None:
    sizes = np.bincount(dataset.y, minlength=dataset.n_classes)
    n_classes = int(np.count_nonzero(sizes))
    many = 2 * n_classes > dataset.n_samples and all(as_number(name) is not None for name in dataset.classes)
    for name, size in zip(dataset.classes, sizes, strict=True):
        if 0 < size < n_parts:
            if many:
                raise DataError(
                    f"The label '{dataset.target}' of data set '{dataset.name}' holds {n_classes:,} different numbers "
                    f"in {dataset.n_samples:,} rows, too many for classes. To predict a number: task=regress "
                    "(dataset.target=numbers, task.kind=regression)."
                )
            raise ConfigError(
                f"split.stratify needs at least {n_parts} rows of every class of data set "
                f"'{dataset.name}', one for each part. Class '{short(name)}' has {size}: set split.stratify=false, "
                "raise dataset.limit, or leave the class out."
            )


@lru_cache(maxsize=2)
def _joined(dataset: Dataset, distance: float) -> np.ndarray:
    """Return the groups of near rows, joined where the data set brings groups too; kept, for jobs ask again."""
    near = near_groups(dataset.X, distance)
    return near if dataset.groups is None else connected(near, dataset.groups)


@lru_cache(maxsize=2)
def _near_in_test(dataset: Dataset, distance: float) -> np.ndarray:
    """Return the groups of near rows in the test part that a data set brings; they divide nothing."""
    return near_groups(dataset.X_test, distance)


def _main_part(dataset: Dataset, rows: np.ndarray, groups: np.ndarray | None) -> Part:
    own = None if groups is None else groups[rows]
    return Part(Rows(dataset.X, rows), dataset.y[rows], rows, groups=own)


def _own_test_part(dataset: Dataset, near: float | None) -> Part | None:
    if dataset.X_test is None or dataset.y_test is None:
        return None
    index = np.arange(len(dataset.y_test), dtype=np.int64)
    groups = None if near is None else _near_in_test(dataset, near)
    return Part(Rows(dataset.X_test), dataset.y_test, index, source="test", groups=groups)
