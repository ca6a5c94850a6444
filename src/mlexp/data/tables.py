"""Tables with named columns: which one is the label, and what may stand in the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.data.assemble import Raw
from mlexp.errors import ConfigError, DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

LABEL_NAMES = ("label", "target", "class")


def separate(frame: pd.DataFrame, label: str, where: str) -> Raw:
    """Separate a table into features (float64) and labels.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a sample.
    label : str
        Name of the label column; all others are features.
    where : str
        The file, for messages.

    Raises
    ------
    DataError
        Text or an empty cell in a feature column, or an empty label.
    """
    features = frame.drop(columns=label)
    if features.shape[1] == 0:
        raise DataError(f"{where} holds no feature columns, only the label '{label}'.")
    if len(frame) == 0:
        raise DataError(f"{where} holds a header line but no rows.")
    X = np.empty(features.shape, np.float64)
    for position, column in enumerate(features.columns):
        _check_numbers(features[column], where)
        X[:, position] = features[column].to_numpy(np.float64)
    labels = frame[label]
    _check_filled(labels, where)
    return Raw(X, _label_array(labels))


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


def _check_numbers(column: pd.Series, where: str) -> None:
    import pandas as pd

    if not pd.api.types.is_numeric_dtype(column.dtype) or isinstance(column.dtype, pd.CategoricalDtype):
        numbers = pd.to_numeric(column.astype(object), errors="coerce")
        text = np.flatnonzero(numbers.isna() & column.notna())
        if len(text):
            raise DataError(
                f"{where} has text in column '{column.name}': row {text[0] + 1} holds {str(column.iloc[text[0]])!r}. "
                "Features must be numbers: correct it, leave the column out, or name it as dataset.label."
            )
    _check_filled(column, where)


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
