"""The code that divides rows: into a training, a validation and a test set, into folds, or down to a sample."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from mlexp.config.rules import either, fold, share_or_count
from mlexp.data.columns import as_number, short
from mlexp.data.dataset import Dataset, digest
from mlexp.data.near import connected, near_groups
from mlexp.data.rows import Rows
from mlexp.errors import ConfigError, DataError

AUTO_TEST_SHARE = 0.2

# Not scikit-learn's splitters: they are seeded by a RandomState, so that they would give other rows than those of the
# splits recorded so far, and none of them draws a sample of whole groups with the shares of the classes kept.


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
        rest, drawn = _split_off(rest, dataset.y, share, "split.test", stratify, rng, groups)
        test_part = _main_part(dataset, drawn, groups)
    assert test_part is not None
    rest, drawn = _split_off(rest, dataset.y, validation, "split.validation", stratify, rng, groups)
    if not judge:
        test_part = _main_part(dataset, rest[:0], groups)
    return Split(_main_part(dataset, rest, groups), _main_part(dataset, drawn, groups), test_part)


def _split_off(
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
            assign_folds(y[rows], folds, stratify=stratify, rng=rng)
            if own is None
            else assign_group_folds(own, y[rows], folds, stratify=stratify, rng=rng)
        )
        positions = np.flatnonzero(dealt == number - 1)
        if not len(positions):
            raise ConfigError(
                f"{key}={share} is a fold without a row, of {len(rows)} rows: choose fewer folds."
            )
    else:
        count = _count(share, len(rows), key)
        positions = (
            sample(y[rows], count, stratify=stratify, rng=rng)
            if own is None
            else sample_groups(own, y[rows], count, stratify=stratify, rng=rng)
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


def sample(codes: np.ndarray, count: int, *, stratify: bool, rng: np.random.Generator) -> np.ndarray:
    """Draw `count` positions of `codes` without replacement, in ascending order.

    Parameters
    ----------
    codes : int64 array of shape (n,)
        Class of each row; only its length matters when `stratify` is false.
    count : int
        Number of rows, 0 to n.
    stratify : bool
        Draw from every class its share of `count`, exact to within one row (largest remainders, as in
        proportional representation; ties are broken at random).
    rng : numpy.random.Generator
        Source of randomness; advanced by the draw.

    Returns
    -------
    int64 array of shape (count,)
    """
    if not stratify:
        return np.sort(rng.permutation(len(codes))[:count])
    classes, sizes = np.unique(codes, return_counts=True)
    wanted = apportion(sizes, count, rng=rng)
    drawn = [
        rng.permutation(np.flatnonzero(codes == code))[:k] for code, k in zip(classes, wanted, strict=True)
    ]
    return np.sort(np.concatenate(drawn)) if drawn else np.empty(0, np.int64)


def assign_folds(codes: np.ndarray, folds: int, *, stratify: bool, rng: np.random.Generator) -> np.ndarray:
    """Deal all positions of `codes` into folds of equal size, to within one row.

    Parameters
    ----------
    codes : int64 array of shape (n,)
        Class of each row; only its length matters when `stratify` is false.
    folds : int
        Number of folds.
    stratify : bool
        Deal class by class, so that every fold has its share of each, to within one row.
    rng : numpy.random.Generator
        Source of randomness; advanced by the same amount whichever fold is wanted.

    Returns
    -------
    int64 array of shape (n,)
        Fold of each row, from 0.

    Examples
    --------
    >>> np.bincount(assign_folds(np.zeros(10), 3, stratify=False, rng=np.random.default_rng(0)))
    array([4, 3, 3])
    """
    order = rng.permutation(len(codes))
    if stratify:
        order = order[np.argsort(codes[order], kind="stable")]
    dealt = np.empty(len(codes), np.int64)
    dealt[order] = np.arange(len(codes)) % folds
    return dealt


def apportion(sizes: np.ndarray, count: int, *, rng: np.random.Generator) -> np.ndarray:
    """Share `count` among groups in proportion to `sizes`, each within one of its exact share.

    A group is not used up while another one can give the row instead, so that what is left for
    training keeps a row of every class wherever that is possible.

    Examples
    --------
    >>> apportion(np.array([50, 30, 20]), 10, rng=np.random.default_rng(0))
    array([5, 3, 2])
    """
    exact = sizes * (count / sizes.sum())
    given: np.ndarray = np.minimum(np.floor(exact + 1e-9).astype(np.int64), sizes)
    short = count - int(given.sum())
    used_up = given + 1 >= sizes
    order = np.lexsort((rng.random(len(sizes)), np.round(given - exact, 9), used_up))
    given[order[:short]] += 1
    return given


def sample_groups(
    groups: np.ndarray, codes: np.ndarray, count: int, *, stratify: bool, rng: np.random.Generator
) -> np.ndarray:
    """Draw whole groups that hold about `count` rows; the positions of their rows in ascending order.

    With `stratify`, groups are drawn class by class (that of most of its rows) until each class has its
    share, as nearly as whole groups allow.
    """
    wanted = count / len(groups)
    chosen: list[int] = []
    for members, sizes in _by_class(groups, codes, stratify):
        order = rng.permutation(len(members))
        total = np.cumsum(sizes[order])
        before = total - sizes[order]
        target = wanted * sizes.sum()
        # The group that crosses the line is taken if that comes nearer to it than leaving it.
        taken = (total <= target) | ((before < target) & (total - target < target - before))
        chosen += members[order[taken]].tolist()
    return np.flatnonzero(np.isin(groups, chosen))


def assign_group_folds(
    groups: np.ndarray, codes: np.ndarray, folds: int, *, stratify: bool, rng: np.random.Generator
) -> np.ndarray:
    """Deal whole groups into folds, the largest first, each to the fold with fewest rows (of its class)."""
    fold_of = np.zeros(int(groups.max()) + 1, np.int64)
    in_all = np.zeros(folds)
    for members, sizes in _by_class(groups, codes, stratify):
        in_class = np.zeros(folds)
        order = rng.permutation(len(members))
        for place in order[np.argsort(-sizes[order], kind="stable")]:
            fold = int(np.lexsort((in_all, in_class))[0])
            fold_of[members[place]] = fold
            in_class[fold] += sizes[place]
            in_all[fold] += sizes[place]
    return np.asarray(fold_of[groups])


def _by_class(
    groups: np.ndarray, codes: np.ndarray, stratify: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the groups whose most frequent class is the same, with their sizes."""
    members, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    kinds = np.zeros(len(members), np.int64)
    if stratify:
        classes, numbers = np.unique(codes, return_inverse=True)
        counts = np.zeros((len(members), len(classes)), np.int64)
        np.add.at(counts, (place, numbers), 1)
        kinds = counts.argmax(axis=1)
    for kind in np.unique(kinds):
        yield members[kinds == kind], sizes[kinds == kind]


def limited(dataset: Dataset, limit: int | None, *, seed: int = 0) -> Dataset:
    """Keep at most `limit` rows of each part, drawn with the shares of the classes kept.

    Parameters
    ----------
    dataset : Dataset
        Returned as it is where no part is larger.
    limit : int or None
        Rows of each part at most; None keeps all.
    seed : int, default 0
        Same seed, same rows.
    """
    if limit is None:
        return dataset
    rows = _sample(dataset.y, limit, np.random.default_rng([seed, 0]))
    X, y, groups = (_only(values, rows) for values in (dataset.X, dataset.y, dataset.groups))
    X_test, y_test = dataset.X_test, dataset.y_test
    if y_test is not None:
        rows = _sample(y_test, limit, np.random.default_rng([seed, 1]))
        X_test, y_test = _only(X_test, rows), _only(y_test, rows)
    kept = {"X": X is dataset.X, "X_test": X_test is dataset.X_test}
    digests = {key: value for key, value in dataset.digests.items() if kept[key]}
    return replace(dataset, X=X, y=y, groups=groups, X_test=X_test, y_test=y_test, digests=digests)


def _sample(y: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray | None:
    """Return the rows to keep; None for all."""
    return sample(y, limit, stratify=y.dtype.kind == "i", rng=rng) if len(y) > limit else None


def _only(values: Any, rows: np.ndarray | None) -> Any:
    return values if values is None or rows is None else np.asarray(values)[rows]
