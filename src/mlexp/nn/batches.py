"""Batches: rows of data on their way to the network, several batches at a time.

Anything with `.shape` and `.take(indices, axis=0)` is a source of rows: an array, a memory map, the
lazily scaled rows of a data set. Only the rows of a few batches are ever in memory, and small
networks are not slowed by a Python call for each batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from mlexp.nn.device import on_host
from mlexp.nn.shuffle import LazyPermutation

BLOCK_BYTES = 1 << 17
"""What a block of batches may take, unless one batch alone takes more: larger arrays cost page faults."""
BLOCK_BYTES_ON_DEVICE = 1 << 26
AT_ONCE, AT_ONCE_ON_DEVICE = 1 << 18, 1 << 26
"""Numbers in the widest layer of a chunk of prediction; a device is slowed by many small calls."""


Kept = dict[tuple[int, ...], np.ndarray]
"""Memory that is filled again and again, by shape."""


class Rows(Protocol):
    """A source of rows, numbers along a second axis.

    One that has `take_into(indices, out)` too fills memory that is used again.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, number of columns."""

    def take(self, indices: np.ndarray, axis: int = 0) -> np.ndarray:
        """Return some rows."""


class Coded:
    """Class numbers seen as rows of targets, made only for the rows that are asked for.

    Parameters
    ----------
    codes : ndarray of shape (n,), integers in [0, len(table))
    table : ndarray of shape (n_classes, n_outputs)
        The target row of each class, as made by `one_hot`.

    Examples
    --------
    >>> Coded(np.array([1, 0]), one_hot(2)).take(np.array([0, 0])).tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    """

    def __init__(self, codes: np.ndarray, table: np.ndarray) -> None:
        self.codes, self.table = codes, table

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, number of outputs."""
        return len(self.codes), self.table.shape[1]

    def on(self, like: np.ndarray) -> Coded:
        """Return the same targets on the device of an array."""
        return Coded(np.asarray(self.codes, like=like), np.asarray(self.table, like=like))

    def take(self, indices: np.ndarray, axis: int = 0) -> np.ndarray:
        """Return the targets of some rows."""
        return self.table.take(self.codes.take(indices), axis=0)


def one_hot(n_classes: int, dtype: str = "float32", smoothing: float = 0.0) -> np.ndarray:
    """Return the target row of each class: 1 for itself, 0 elsewhere.

    With label smoothing (Szegedy et al. 2016, arXiv:1512.00567) the share `smoothing` of each row is
    spread evenly over all classes.

    Examples
    --------
    >>> one_hot(2, "float64", 0.5).tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """
    return ((1 - smoothing) * np.eye(n_classes) + smoothing / n_classes).astype(dtype)


class Subset:
    """Some rows of a source, as a source.

    Examples
    --------
    >>> Subset(np.arange(6).reshape(3, 2), np.array([2, 0])).take(np.array([0])).tolist()
    [[4, 5]]
    """

    def __init__(self, rows: Rows, indices: np.ndarray) -> None:
        self.rows, self.indices = rows, indices

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, number of columns."""
        return (len(self.indices), *self.rows.shape[1:])

    def on(self, like: np.ndarray) -> Subset:
        """Return the same rows on the device of an array."""
        return Subset(on_device(self.rows, like), np.asarray(self.indices, like=like))

    def take(self, indices: np.ndarray, axis: int = 0) -> np.ndarray:
        """Return some of the rows."""
        return self.rows.take(self.indices.take(indices), axis=0)


def on_device(source: Any, like: np.ndarray) -> Any:
    """Return a source of rows on the device of an array; None stays None.

    Examples
    --------
    >>> on_device(np.arange(3), np.zeros(1)).tolist()
    [0, 1, 2]
    """
    if source is None:
        return None
    return source.on(like) if hasattr(source, "on") else np.asarray(np.asarray(source), like=like)


def read(rows: Rows, indices: np.ndarray, dtype: str, out: np.ndarray | None = None) -> np.ndarray:
    """Return rows in the given precision, shaped as `indices` with the columns behind; in `out`, if given.

    Examples
    --------
    >>> read(np.arange(4, dtype="uint8").reshape(2, 2), np.array([[1], [0]]), "float32").shape
    (2, 1, 2)
    """
    if out is not None and isinstance(rows, np.ndarray) and rows.dtype == out.dtype:
        # the default mode would gather in memory of its own and copy: no index is out of range
        rows.take(indices.reshape(-1), axis=0, out=out.reshape(-1, *rows.shape[1:]), mode="clip")
        return out
    if out is not None and hasattr(rows, "take_into"):
        rows.take_into(indices.reshape(-1), out.reshape(-1, *rows.shape[1:]))
        return out
    part = rows.take(indices.reshape(-1), axis=0)
    part = np.asarray(part, like=part)  # no memory map
    if out is not None:
        np.copyto(out, part.reshape(out.shape))
        return out
    return part.astype(dtype, copy=False).reshape(*indices.shape, *part.shape[1:])


def blocks(
    sources: Sequence[Rows | None],
    order: np.ndarray | LazyPermutation,
    batch_size: int,
    dtype: str,
    drop_last: bool = False,
    like: np.ndarray | None = None,
    kept: Kept | None = None,
) -> Iterator[list[Any]]:
    """Go once through the rows, each replica in its own order.

    Parameters
    ----------
    sources : sequence of Rows or None
        Features, targets, weights of rows; None stays None.
    order : ndarray of shape (R, n), integers
        The rows in the order in which each replica sees them. R = 1 may stand for all replicas.
    batch_size : int
    dtype : {"float32", "float64"}
    drop_last : bool, default False
        Leave out the last batch if it is smaller than the others. It is never left out if it is the only one.
    like : ndarray, optional
        An array of the device where the sources are.
    kept : dict, optional
        Memory for features by their shape, in which those of a block overwrite those of the one before. New memory
        for each block by default.

    Yields
    ------
    list with one ndarray of shape (K, R, B, columns) for each source: K batches of B rows. What K is
    depends on memory alone and changes no number. With `kept`, large features are not an array but an iterator of K
    arrays (R, B, columns), each of which overwrites the one before.
    """
    n_replicas, n_rows = order.shape
    n_full = n_rows // batch_size
    widths = [source.shape[1] if len(source.shape) > 1 else 1 for source in sources if source is not None]
    on_a_device = like is not None and not on_host(like)
    block = BLOCK_BYTES_ON_DEVICE if on_a_device else BLOCK_BYTES

    def room(widths: Sequence[int]) -> int:
        bytes_of_row = order.itemsize + sum(widths) * np.dtype(dtype).itemsize
        return int(max(1, block // (n_replicas * batch_size * bytes_of_row)))

    at_once = room(widths)
    one_by_one = at_once == 1 and kept is not None
    if one_by_one:
        at_once = room(widths[1:])
    for first in range(0, n_full, at_once):
        some = order[:, first * batch_size : min(first + at_once, n_full) * batch_size]
        if on_a_device:
            some = np.asarray(some, like=like)
        # (R, K B) to (K, R, B): each batch of the stack is then one contiguous piece.
        indices = some.reshape(n_replicas, -1, batch_size).swapaxes(0, 1)
        yield _block(sources, indices, dtype, kept, one_by_one)
    rest = order[:, n_full * batch_size : n_rows][None]
    if on_a_device:
        rest = np.asarray(rest, like=like)
    if rest.size and not (drop_last and n_full):
        yield _block(sources, rest, dtype, kept, one_by_one)


def _block(
    sources: Sequence[Rows | None], indices: np.ndarray, dtype: str, kept: Kept | None, one_by_one: bool
) -> list[Any]:
    features, *others = sources
    found = [None if source is None else read(source, indices, dtype) for source in others]
    if features is None or kept is None:
        return [None if features is None else read(features, indices, dtype), *found]
    shape = (*indices.shape[one_by_one:], *features.shape[1:])
    if shape not in kept:
        kept[shape] = np.empty(shape, dtype)
    out = kept[shape]
    if one_by_one:
        return [(read(features, batch, dtype, out) for batch in indices), *found]
    return [read(features, indices, dtype, out), *found]


def chunks(n_rows: int, widest: int, at_once: int = AT_ONCE) -> Iterator[np.ndarray]:
    """Cut 0 .. n_rows - 1 into pieces for prediction, about `at_once` numbers in the widest layer each.

    Examples
    --------
    >>> [len(piece) for piece in chunks(700, 1000)]
    [262, 262, 176]
    """
    size = max(128, at_once // widest)
    for first in range(0, n_rows, size):
        yield np.arange(first, min(first + size, n_rows))
