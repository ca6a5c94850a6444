"""Tables with named columns: which one is the label, and what may stand in the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mlexp.data.assemble import Raw
from mlexp.errors import ConfigError, DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

LABEL_NAMES = ("label", "target", "class")


def separate(
    frame: pd.DataFrame, label: str, where: str, known: Mapping[int, tuple[str, ...]] | None = None
) -> Raw:
    """Separate a table into features (float64) and labels.

    Text columns hold the number of each word in sorted order; an empty cell is NaN.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a sample.
    label : str
        Name of the label column; all others are features.
    where : str
        The file, for messages.
    known : mapping of column position to words, or None
        The text columns of the training table, for a test table; words that are not there become -1.

    Raises
    ------
    DataError
        Text in a column of numbers, or an empty label.
    """
    features = frame.drop(columns=label)
    if features.shape[1] == 0:
        raise DataError(f"{where} holds no feature columns, only the label '{label}'.")
    if len(frame) == 0:
        raise DataError(f"{where} holds a header line but no rows.")
    labels = frame[label]
    _check_filled(labels, where)
    X, words = coded(features, where, known)
    return Raw(X, _label_array(labels), words)


def coded(
    features: pd.DataFrame, where: str, known: Mapping[int, tuple[str, ...]] | None = None
) -> tuple[np.ndarray, dict[int, tuple[str, ...]]]:
    """Return features as float64 of shape (n_rows, n_columns), and the words of each text column.

    Parameters are those of `separate`.
    """
    X = np.empty(features.shape, np.float64)
    found = dict(known or {})
    for position, name in enumerate(features.columns):
        column = features[name]
        if position in found or (known is None and _is_text(column)):
            given = column.dropna().astype(str)
            words = found.setdefault(position, tuple(sorted(set(given))))
            codes = {word: number for number, word in enumerate(words)}
            X[:, position] = column.astype(object).map(lambda cell, codes=codes: codes.get(str(cell), -1))
            X[column.isna().to_numpy(), position] = np.nan
        else:
            X[:, position] = _numbers(column, where)
    return X, found


def label_column(columns: list[str], wanted: str | int | None, where: str) -> str:
    """Return the name of the label column.

    Parameters
    ----------
    columns : list of str
        All columns in order.
    wanted : str, int or None
        A name, or a position (from 0; negative ones count from the end). None: the column named label,
        target or class (in any case of letters; the first of these words that occurs), else the last one.
    where : str
        The file, for messages.

    Examples
    --------
    >>> label_column(["species", "length", "width"], 0, "a.csv")
    'species'
    >>> label_column(["Label", "pixel1"], None, "a.csv")
    'Label'
    """
    if wanted is None:
        lower = {name.lower(): name for name in reversed(columns)}
        return next((lower[word] for word in LABEL_NAMES if word in lower), columns[-1])
    if str(wanted) in columns:
        return str(wanted)
    shown = ", ".join(columns[:10]) + (" ..." if len(columns) > 10 else "")
    if isinstance(wanted, int):
        if -len(columns) <= wanted < len(columns):
            return columns[wanted]
        allowed = f"a position from {-len(columns)} to {len(columns) - 1}"
    else:
        allowed = "a column"
    near = did_you_mean(str(wanted), columns)
    raise ConfigError(f"dataset.label must be {allowed} of {where} ({shown}). Got {wanted!r}.{near}")


def group_codes(frame: pd.DataFrame, column: str | None, label: str, where: str) -> np.ndarray | None:
    """Return a number for each entry of the column that names the group of a row; None without such a column."""
    if column is None:
        return None
    if column not in frame.columns or column == label:
        near = did_you_mean(column, [name for name in frame.columns if name != label])
        raise ConfigError(
            f"dataset.groups must be a column of {where} other than the label '{label}'. Got {column!r}.{near}"
        )
    _check_filled(frame[column], where)
    return np.unique(frame[column].astype(str).to_numpy(dtype=str), return_inverse=True)[1].astype(np.int64)


def _is_text(column: pd.Series) -> bool:
    """Return whether fewer than half of the filled cells are numbers; a stray word does not make a text column."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        return False
    filled = column.dropna().astype(object)
    return bool(2 * pd.to_numeric(filled, errors="coerce").notna().sum() < len(filled))


def _numbers(column: pd.Series, where: str) -> np.ndarray:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(np.float64, na_value=np.nan)
    numbers = pd.to_numeric(column.astype(object), errors="coerce")
    text = np.flatnonzero(numbers.isna() & column.notna())
    if len(text):
        raise DataError(
            f"{where} has text in column '{column.name}': row {text[0] + 1} holds {str(column.iloc[text[0]])!r}. "
            "Most of its cells are numbers: correct it, leave the column out, or name it as dataset.label."
        )
    return numbers.to_numpy(np.float64)


def _check_filled(column: pd.Series, where: str) -> None:
    empty = np.flatnonzero(column.isna())
    if len(empty):
        raise DataError(
            f"{where} has an empty cell (or NaN) in column '{column.name}', row {empty[0] + 1} "
            f"({len(empty)} in that column). Fill it in, or leave the row or the column out."
        )


def _label_array(labels: pd.Series) -> np.ndarray:
    if labels.dtype.kind in "iuf":
        return labels.to_numpy()
    return labels.astype(str).to_numpy(dtype=str)
