"""Rows of an array that are selected and scaled at the moment they are read."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

CHUNK_BYTES = 4 << 20
MEMORY_MB = 4000  # the default of the key memory_mb

Factor = float | np.ndarray | None


class Rows:
    """A view of rows of `X`, scaled when they are read; the data set itself is never copied.

    Row ``i`` is ``X[index[i]] * scale + shift``. Where `X` and the factors are exact in `dtype` (bytes in float32) the
    arithmetic is done in `dtype`; wider numbers (float64, int64) are scaled in float64 and rounded last,
    so that a feature far from zero keeps its digits.

    Parameters
    ----------
    X : array of shape (n, ...), any number type; may be a memory map
    index : integer array of shape (n_rows,), default None
        Which rows of `X`, and in which order; None takes all of them.
    scale, shift : float or array of shape (n_features,), default None
        None leaves that step out.
    dtype : float32 or float64, default float32
        Type of the rows that are handed out.

    Examples
    --------
    >>> X = np.array([[0, 255], [51, 102], [255, 0]], dtype=np.uint8)
    >>> rows = Rows(X, index=np.array([2, 1]), scale=0.5)
    >>> rows.take([1])
    array([[25.5, 51. ]], dtype=float32)
    >>> rows.shape
    (2, 2)
    """

    __slots__ = ("_X", "_index", "_scale", "_shift", "_work", "dtype")

    def __init__(
        self,
        X: np.ndarray,
        index: np.ndarray | None = None,
        scale: Factor = None,
        shift: Factor = None,
        dtype: Any = np.float32,
    ) -> None:
        # A plain view of a memory map reads the same pages and indexes three times faster.
        self._X = np.asarray(X)
        self._index = None if index is None else np.asarray(index, dtype=np.intp)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        exact = np.can_cast(self._X.dtype, self.dtype, "safe") and _holds(self.dtype, scale, shift)
        self._work: np.dtype[Any] = self.dtype if exact else np.dtype(np.float64)
        self._scale = _as_factor(scale, self._work)
        self._shift = _as_factor(shift, self._work)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, then the shape of a row."""
        return (len(self), *self._X.shape[1:])

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._X.ndim

    @property
    def source_kind(self) -> str:
        """Kind of the stored numbers: f for floats, u for bytes (`numpy.dtype.kind`)."""
        return self._X.dtype.kind

    @property
    def scale(self) -> Factor:
        """What every value is multiplied by; None: nothing."""
        return self._scale

    @property
    def shift(self) -> Factor:
        """What is added after scaling; None: nothing."""
        return self._shift

    def __len__(self) -> int:
        return len(self._X) if self._index is None else len(self._index)

    def __repr__(self) -> str:
        return f"Rows(shape={self.shape}, from {self._X.dtype}, to {self.dtype})"

    def take(self, indices: Any, axis: int = 0) -> np.ndarray:
        """Return the scaled rows at `indices` as a new array of `dtype`.

        Parameters
        ----------
        indices : integer array of shape (k,)
            Positions among these rows (not among the rows of `X`).
        axis : int, default 0
            Only 0, for likeness with ``ndarray.take``.
        """
        if axis != 0:
            raise ValueError(f"'axis' of Rows.take must be 0. Got {axis!r}.")
        return self._scaled(self.raw(indices))

    def take_into(self, indices: Any, out: np.ndarray) -> None:
        """Write what `take` returns into `out`, an array of its shape; without another array where that is exact."""
        if not self._work == self.dtype == out.dtype:
            np.copyto(out, self.take(indices))
            return
        np.copyto(out, self.raw(indices))
        self._scale_in_place(out)

    def raw(self, indices: Any) -> np.ndarray:
        """Return the rows at `indices` as they are stored, not scaled (for pictures)."""
        positions = indices if self._index is None else self._index.take(indices)
        rows: np.ndarray = self._X.take(positions, axis=0)
        return rows

    def on(self, like: np.ndarray) -> Rows:
        """Return these rows on the device of an array: copied as they are stored, scaled there when they are read."""
        moved = object.__new__(type(self))
        stored = self._X if self._index is None else self._X.take(self._index, axis=0)
        moved._X, moved._index = np.asarray(stored, like=like), None
        moved.dtype, moved._work = self.dtype, self._work
        moved._scale, moved._shift = (
            np.asarray(factor, like=like) if isinstance(factor, np.ndarray) else factor
            for factor in (self._scale, self._shift)
        )
        return moved

    def select(self, indices: Any) -> Rows:
        """Return a view of some of these rows, scaled the same way."""
        positions = np.asarray(indices) if self._index is None else self._index.take(indices)
        return Rows(self._X, positions, self._scale, self._shift, self.dtype)

    def scaled(self, scale: Factor, shift: Factor, dtype: Any = np.float32) -> Rows:
        """Return the same rows of the stored array with another scale, shift and type."""
        return Rows(self._X, self._index, scale, shift, dtype)

    def astype(self, dtype: Any, copy: bool = True) -> Rows:
        """Return the same rows, handed out as `dtype`; nothing is read, so `copy` has no effect."""
        return self.scaled(self._scale, self._shift, dtype)

    def __getitem__(self, key: Any) -> np.ndarray:
        if isinstance(key, slice):
            stored = self._X[key] if self._index is None else self._X.take(self._index[key], axis=0)
            return self._scaled(stored)
        positions = np.asarray(key)
        if positions.dtype == np.bool_:
            if positions.shape != (len(self),):
                raise IndexError(f"A mask of Rows must have shape ({len(self)},). Got {positions.shape}.")
            positions = np.flatnonzero(positions)
        return self.take(positions)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("Rows are scaled when they are read: an array of them is always a copy.")
        whole = np.empty(self.shape, self.dtype if dtype is None else dtype)
        for part in self.chunks():
            whole[part] = self[part]
        return whole

    def chunks(self) -> list[slice]:
        """Return slices that cover all rows in order, about 4 MB of float64 each."""
        row_bytes = 8 * max(1, int(np.prod(self._X.shape[1:])))
        step = max(1, CHUNK_BYTES // row_bytes)
        return [slice(start, min(start + step, len(self))) for start in range(0, len(self), step)]

    def _scaled(self, stored: np.ndarray) -> np.ndarray:
        rows = stored.astype(self._work)  # always a copy
        self._scale_in_place(rows)
        return rows.astype(self.dtype, copy=False)

    def _scale_in_place(self, rows: np.ndarray) -> None:
        if self._scale is not None:
            rows *= self._scale
        if self._shift is not None:
            rows += self._shift

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        return type(self), (self._X, self._index, self._scale, self._shift, self.dtype)


def _holds(dtype: np.dtype[Any], scale: Factor, shift: Factor) -> bool:
    """Return whether factors keep their digits in `dtype`: float32 has no 1e40, and few digits of 1e-40."""
    limits = np.finfo(dtype)
    sizes, shifts = (np.abs(np.atleast_1d(0.0 if value is None else value)) for value in (scale, shift))
    too_small = (sizes > 0) & (sizes < limits.tiny)
    return bool(max(sizes.max(), shifts.max()) <= limits.max and not too_small.any())


def _as_factor(value: Factor, dtype: np.dtype[Any]) -> Factor:
    if value is None:
        return None
    if np.ndim(value) == 0:
        return float(value)  # a NumPy scalar would pull the arithmetic up to float64
    return np.asarray(value, dtype=dtype)
