"""Cells that come with types of their own: which columns are numbers, which are words, and which are open."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from datetime import date, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlexp.data.columns import short
from mlexp.data.sniff import named
from mlexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

CELL_BYTES = 120  # of a Python object, its place in a list, and the arrays that are made of it
LARGEST = 2**63


def typed_frame(
    names: Sequence[str], columns: Sequence[Sequence[Any]], path: Path
) -> tuple[pd.DataFrame, frozenset[str]]:
    """Make a data frame of cells that are numbers, truth values, dates, text or None.

    Parameters
    ----------
    names : name of each column
    columns : cells of each
    path : the file, for messages

    Returns
    -------
    pandas.DataFrame, names of the columns that hold nothing but text: they are words though they look like numbers

    Raises
    ------
    DataError
        No column, or two of one name.
    """
    import pandas as pd

    if not columns:
        raise DataError(f"{path} holds no table.")
    known = named(names, path)
    series = [_series(cells, name, path) for name, cells in zip(known, columns, strict=True)]
    frame = pd.concat(series, axis=1, keys=known)
    words = frozenset(name for name, cells in zip(known, columns, strict=True) if _is_text(cells))
    return frame, words


def _series(cells: Sequence[Any], name: str, path: Path) -> pd.Series[Any]:
    import pandas as pd

    filled = [cell for cell in cells if cell is not None]
    if filled and all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in filled):
        if all(isinstance(cell, int) for cell in filled) and all(abs(cell) < LARGEST for cell in filled):
            return pd.Series(pd.array(list(cells), dtype="Int64"))
        return pd.Series([None if cell is None else _number(cell) for cell in cells], dtype="float64")
    for cell in filled:
        if (
            isinstance(cell, str)
            and not cell.isascii()
            and any("\ud800" <= letter <= "\udfff" for letter in cell)
        ):
            raise DataError(
                f"{path} holds half a letter (a surrogate) in column '{short(name)}'. Correct it."
            )
    return pd.Series([_plain(cell) for cell in cells], dtype=object)


def _number(cell: float) -> float:
    try:
        return float(cell)
    except OverflowError:
        return float("inf")


def _plain(cell: Any) -> Any:
    """Return text for dates and times, everything else as it is."""
    return str(cell) if isinstance(cell, date | time | timedelta) else cell


def _is_text(cells: Sequence[Any]) -> bool:
    filled = [cell for cell in cells if cell is not None and cell != ""]
    return bool(filled) and all(isinstance(cell, str) for cell in filled)


def library(module: str, package: str, path: Path) -> Any:
    """Return an optional library, or say how to get it.

    Raises
    ------
    DataError
        It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DataError(
            f"{path} needs the library {package}, which is not installed: pip install {package}"
        ) from error
