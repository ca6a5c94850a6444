"""Data in memory: arrays and data frames, checked and put into the form in which a copy of them is kept.

A data frame becomes the text of a CSV file and is read by the reader of CSV files, so that gaps, dates, truth values
and words mean what they mean in a file. Arrays of numbers stay arrays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.data.columns import listed, short
from mlexp.data.dataset import digest
from mlexp.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

LABEL = "target"  # how the column of labels is called that have no name
MANY = 50  # different whole numbers from which labels may as well be quantities
HELD = "uif"  # kinds of numbers that are kept as they are


@dataclass(frozen=True, eq=False)
class Memory:
    """Samples in memory, ready to be kept.

    Attributes
    ----------
    text : CSV in UTF-8, of a data frame; empty for arrays
    arrays : X of shape (n_samples, n_features), perhaps y of shape (n_samples,) and feature_names
    label : column of the labels; None without labels
    image_shape : height and width, and 3 for colour, of samples that are images; else empty
    numeric : whether the labels are fractions, which can only be quantities to predict
    n_labels : number of different labels where they are whole numbers; 0 where they are not
    """

    text: bytes = field(default=b"", repr=False)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    label: str | None = LABEL
    image_shape: tuple[int, ...] = ()
    numeric: bool = False
    n_labels: int = 0

    @property
    def code(self) -> str:
        """16 hex digits of its content."""
        total = hashlib.sha256(self.text)
        for name, array in self.arrays.items():
            total.update(f"{name} {digest(array)}".encode())
        return total.hexdigest()[:16]

    @property
    def suffix(self) -> str:
        """The ending of its file."""
        return ".csv" if self.text else ".npz"


def taken(
    X: Any,
    y: Any = None,
    feature_names: Sequence[str] | None = None,
    *,
    what: str = "X",
    label: str | None = None,
) -> Memory:
    """Check samples in memory and return them in the form in which they are kept.

    Parameters
    ----------
    X : data frame (pandas or polars) of shape (n_samples, n_columns), or array-like of numbers of shape
        (n_samples, n_features), (n_samples, height, width) or (n_samples, height, width, 3)
    y : labels of shape (n_samples,); name of the column of a data frame that holds them; or None
    feature_names : names of the columns of an array; default x1, x2 ...
    what : how messages call `X`
    label : name of the column of labels in a data frame, where they come apart from it; default their own name

    Raises
    ------
    DataError
        Sparse or object arrays, a missing label, lengths that differ, or cells that are no numbers, words or dates.
    """
    if hasattr(X, "columns"):
        if feature_names is not None:
            raise DataError(
                f"feature_names names the columns of an array. {what} is a data frame: rename its columns."
            )
        return _of_frame(as_pandas(X), y, what, label)
    if isinstance(y, str):
        raise DataError(
            f"y={short(y)!r} names a column, and {what} is not a data frame: pass the labels themselves."
        )
    rows, shape = _array(X, what)
    arrays = {"X": rows}
    if y is not None:
        arrays["y"] = _labels(y, len(rows), what)
    if feature_names is not None:
        arrays["feature_names"] = _names(feature_names, rows.shape[1], what)
    label = None if y is None else LABEL
    return Memory(b"", arrays, label, shape, *_quantities(arrays.get("y")))


def as_pandas(frame: Any) -> pd.DataFrame:
    """Return a data frame of pandas; one of polars cell by cell, for its own conversion needs another library."""
    import pandas as pd

    if isinstance(frame, pd.DataFrame):
        return frame
    if hasattr(frame, "collect") and not hasattr(frame, "to_dict"):
        frame = frame.collect()  # a lazy frame
    try:
        columns = frame.to_dict(as_series=False)
    except (AttributeError, TypeError) as error:
        raise DataError(
            f"X must be an array or a data frame of pandas or polars. Got {type(frame).__name__}."
        ) from error
    return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


def _of_frame(frame: pd.DataFrame, y: Any, what: str, label: str | None) -> Memory:
    import pandas as pd

    names = [str(name) for name in frame.columns]
    if isinstance(frame.columns, pd.MultiIndex):
        raise DataError(f"{what} has columns of several levels. Give each column one name.")
    if twice := [name for name in names if names.count(name) > 1]:
        raise DataError(f"{what} has two columns '{short(twice[0])}'. Give each column a name of its own.")
    if not len(frame) or not names:
        raise DataError(f"{what} must have rows and columns. Got shape {frame.shape}.")
    table = frame.set_axis(names, axis=1).reset_index(drop=True)
    for name in names:
        _check_cells(table[name], f"column '{short(name)}' of {what}")
    if y is None:
        return Memory(_csv(table), label=None)
    if isinstance(y, str):
        if y not in names:
            raise DataError(
                f"y must name a column of {what} ({listed(names)}). Got {short(y)!r}.{did_you_mean(y, names)}"
            )
        _check_labels(table[y], f"column '{short(y)}' of {what}")
        return Memory(_csv(table), {}, y, (), *_quantities(table[y].to_numpy()))
    labels = _series(y, len(table), what)
    if getattr(y, "index", None) is not None and isinstance(y, pd.Series | pd.DataFrame):
        _check_index(frame.index, y.index, what)
    label = label or (str(labels.name) if labels.name is not None else LABEL)
    while label in names:
        label += "_"
    table[label] = labels.to_numpy()
    return Memory(_csv(table), {}, label, (), *_quantities(labels.to_numpy()))


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()


def _check_cells(column: pd.Series[Any], where: str) -> None:
    """Refuse cells that a table in a file cannot hold, such as lists."""
    kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else "O"
    if kind == "c":
        raise DataError(f"The cells of {where} must be numbers, words or dates. Got complex numbers.")
    if str(column.dtype).startswith("Sparse"):
        raise DataError(f"{where} is sparse. Pass it dense: frame.sparse.to_dense().")
    if column.dtype != object:
        return
    held = (list, tuple, dict, set, bytes, np.ndarray, complex)
    for place, cell in enumerate(column.to_numpy()):
        if isinstance(cell, held) or hasattr(cell, "columns"):
            raise DataError(
                f"The cells of {where} must be numbers, words or dates. Row {place + 1} holds {type(cell).__name__}: "
                "give each value a column of its own."
            )


def _array(X: Any, what: str) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return samples as a two-dimensional array, and the shape of each if they are images."""
    if hasattr(X, "toarray") or hasattr(X, "todense"):
        raise DataError(f"{what} must be dense. Got {type(X).__name__}: pass {what}.toarray().")
    if isinstance(X, np.ma.MaskedArray):
        raise DataError(f"{what} must have no mask. Fill the gaps: {what}.filled(numpy.nan).")
    try:
        rows = np.asarray(X)
    except (ValueError, TypeError) as error:  # rows of different lengths, a tensor elsewhere
        raise DataError(f"{what} must be an array of numbers ({short(error, 100)}).") from error
    if rows.dtype.names or rows.dtype.kind not in "biuf":
        kind = "Python objects" if rows.dtype.kind == "O" else str(rows.dtype)
        raise DataError(
            f"{what} must hold numbers. Got an array of {kind}: pass a pandas data frame for words, dates and gaps, or "
            f"numbers as {what}.astype(float)."
        )
    if rows.ndim == 1:
        raise DataError(
            f"{what} must have shape (samples, features). Got {rows.shape}: one feature is {what}.reshape(-1, 1)."
        )
    if rows.ndim > 4 or rows.ndim == 0 or 0 in rows.shape:
        raise DataError(
            f"{what} must have shape (samples, features), (samples, height, width) or (samples, height, width, 3), "
            f"none of them 0. Got {rows.shape}."
        )
    if rows.ndim == 4 and rows.shape[3] == 1:
        rows = rows[..., 0]
    if rows.ndim == 4 and rows.shape[3] != 3:
        first = f": {what}.transpose(0, 2, 3, 1)" if rows.shape[1] in (1, 3) else ""
        raise DataError(
            f"{what} of images must have its 1 or 3 channels last. Got shape {rows.shape}{first}."
        )
    shape = tuple(map(int, rows.shape[1:])) if rows.ndim > 2 else ()
    kept = rows.dtype.kind in HELD and rows.dtype not in (np.float16, np.longdouble)
    rows = rows.reshape(len(rows), -1)
    return (rows if kept else rows.astype(np.float64)), shape


def _labels(y: Any, n_rows: int, what: str) -> np.ndarray:
    """Return labels as an array of numbers or words."""
    series = _series(y, n_rows, what)
    labels: np.ndarray = series.to_numpy()
    if labels.dtype.kind in "biuf":
        return labels
    return labels.astype(str)


def _series(y: Any, n_rows: int, what: str) -> pd.Series[Any]:
    """Return labels as a series, one a row, none of them missing."""
    import pandas as pd

    if hasattr(y, "toarray"):
        raise DataError(f"y must be dense. Got {type(y).__name__}: pass y.toarray().ravel().")
    if hasattr(y, "to_list") and not isinstance(y, pd.Series | pd.Index):
        y = y.to_list()  # a series of polars
    if hasattr(y, "columns"):
        y = as_pandas(y)
    if not isinstance(y, pd.Series):
        name = str(y.columns[0]) if isinstance(y, pd.DataFrame) and y.shape[1] == 1 else None
        values = np.asarray(y)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            cure = ": one-hot rows become classes by y.argmax(axis=1)" if values.ndim == 2 else ""
            raise DataError(f"y must hold one label for each row of {what}. Got shape {values.shape}{cure}.")
        y = pd.Series(
            list(y) if values.dtype.kind in "US" and not isinstance(y, np.ndarray) else values, name=name
        )
    if len(y) != n_rows:
        raise DataError(f"{what} and y must be of one length. Got {n_rows:,} rows and {len(y):,} labels.")
    labels: pd.Series[Any] = y.reset_index(drop=True)
    _check_labels(labels, "y")
    return labels


def _check_labels(y: pd.Series[Any], where: str) -> None:
    _check_cells(y, where)
    gaps = np.flatnonzero(y.isna().to_numpy())
    if len(gaps):
        raise DataError(
            f"{where} has a missing label (NaN) in row {gaps[0] + 1} ({len(gaps):,} in all). Fill it in, or leave the "
            "row out."
        )


def _check_index(rows: pd.Index[Any], labels: pd.Index[Any], what: str) -> None:
    """Refuse labels that carry the index of the rows in another order: row by row they would be mixed up."""
    if not rows.equals(labels) and len(rows) == len(labels) and rows.is_unique and set(rows) == set(labels):
        raise DataError(f"{what} and y have one index in different orders. Pass y.loc[{what}.index].")


def _names(names: Sequence[str], n_features: int, what: str) -> np.ndarray:
    known = [str(name) for name in names]
    if len(known) != n_features or len(set(known)) < len(known):
        raise DataError(
            f"feature_names must be {n_features:,} different names, one for each column of {what}. Got {len(known):,}: "
            f"{listed(known, 3)}."
        )
    return np.array(known)


def _quantities(y: np.ndarray | None) -> tuple[bool, int]:
    """Return whether labels are fractions, and how many different ones there are of whole numbers."""
    if y is None or y.dtype.kind not in "iuf":
        values = None if y is None else [value for value in y if isinstance(value, int | float)]
        if not values or len(values) < len(y if y is not None else ()) or any(map(_is_bool, values)):
            return False, 0
        y = np.array(values, np.float64)
    if y.dtype.kind == "f" and not (np.isfinite(y) & (y == np.round(y))).all():
        return True, 0
    return False, len(np.unique(y))


def _is_bool(value: object) -> bool:
    return isinstance(value, bool | np.bool_)
