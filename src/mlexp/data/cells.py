"""The cells of a table with named columns, as numbers, labels and groups."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlexp.data.columns import (
    GAPS,
    Column,
    as_number,
    decided,
    doubtful,
    emptied,
    short,
    value_of,
    values,
)
from mlexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class CellTable:
    """The cells of some columns.

    Attributes
    ----------
    n_rows : number of rows
    numbers : name -> float64 array; every cell is a plain number or empty (NaN)
    texts : name -> object array of str without blanks around them; an empty cell is ""
    """

    n_rows: int
    numbers: dict[str, np.ndarray]
    texts: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class TableFeatures:
    """The features of a table.

    Attributes
    ----------
    X : float64 array of shape (n_rows, n_features); words by their number, -1 for a word that was not there when
        the columns were decided, NaN for an empty cell
    columns : what each holds
    """

    X: np.ndarray
    columns: tuple[Column, ...]

    @property
    def categories(self) -> dict[int, tuple[str, ...]]:
        """Position of each column of words -> its words."""
        return {place: column.words for place, column in enumerate(self.columns) if column.kind == "word"}


def from_frame(frame: pd.DataFrame, as_text: Collection[str] = ()) -> CellTable:
    """Return the cells of a data frame whose columns have types: numbers as such, all else as text.

    A whole number is written without a fraction in the columns `as_text`, though pandas keep it as 1.0 beside a gap.
    """
    import pandas as pd

    numbers, texts = {}, {}
    for name in map(str, frame.columns):
        column = frame[name]
        is_number = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(
            column.dtype
        )
        if is_number and name not in as_text:
            numbers[name] = column.to_numpy(np.float64, na_value=np.nan)
        else:
            cells = column.astype(object).where(column.notna(), "").to_numpy()
            texts[name] = stripped(np.array([*map(_written, cells), ""], object)[:-1])
    return CellTable(len(frame), numbers, texts)


def _written(cell: object) -> object:
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def stripped(cells: np.ndarray) -> np.ndarray:
    """Return cells as text without blanks around them."""
    import pandas as pd

    codes, distinct = pd.factorize(cells, use_na_sentinel=False)
    plain = ["" if cell is None or cell != cell else str(cell).strip() for cell in distinct]
    return np.array([*plain, ""], object)[codes]


def features(
    table: CellTable,
    names: Sequence[str],
    where: str,
    *,
    known: Sequence[Column] = (),
    missing: Sequence[str] = (),
    writing: tuple[str, str] = ("auto", "auto"),
    as_words: Collection[str] = (),
) -> TableFeatures:
    """Return the features of a table as numbers.

    Parameters
    ----------
    table : CellTable
    names : sequence of str
        The features, in order.
    where : str
        The file, for messages.
    known : sequence of Column, default ()
        What the columns hold, where it was decided on an earlier file.
    missing, as_words
        As in `decided`.
    writing : (str, str)
        Its decimal and thousands.

    Raises
    ------
    DataError
        A cell that is nothing of the kind of its column.
    """
    columns = list(known) or _decided(table, names, missing, writing, as_words)
    X = np.empty((table.n_rows, len(names)), np.float64)
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        if column.doubt:
            raise doubtful(column, table.texts[name], where)
        X[:, place], faults = values_of(table, column, missing)
        if len(faults):
            cells = table.texts[name]
            raise DataError(
                f"{where} has text in column '{short(name)}': row {faults[0] + 1} holds {short(cells[faults[0]])!r} "
                f"({_cells(len(faults))} in that column), where the model was given {_given(column)}. Correct it, or "
                "leave the row out."
            )
    return TableFeatures(X, tuple(columns))


def values_of(table: CellTable, column: Column, missing: Sequence[str] = ()) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of one column of a table as `values` gives them."""
    if column.name in table.numbers and column.is_plain:
        return emptied(table.numbers[column.name], missing), np.empty(0, np.int64)
    return values(column, table.texts[column.name], missing)


def _cells(count: int) -> str:
    return "1 such cell" if count == 1 else f"{count:,} such cells"


def _given(column: Column) -> str:
    return f"{column.meaning.replace(', as days since 1970-01-01', '')}s" if column.kind == "date" else (
        f"cells of the kind '{column.meaning}'")  # fmt: skip


def _decided(
    table: CellTable,
    names: Sequence[str],
    missing: Sequence[str],
    writing: tuple[str, str],
    as_words: Collection[str],
) -> list[Column]:
    known = set(names)
    found = decided(
        {name: cells for name, cells in table.texts.items() if name in known},
        missing=missing,
        decimal=writing[0],
        thousands=writing[1],
        as_words=as_words,
        has_fractions=any(_has_fractions(table.numbers[name]) for name in names if name in table.numbers),
    )
    return [found.get(name) or Column(name) for name in names]


def _has_fractions(numbers: np.ndarray) -> bool:
    known = numbers[np.isfinite(numbers)]
    return bool((known != np.round(known)).any())


def group_codes(table: CellTable, column: str | None, where: str) -> np.ndarray | None:
    """Return a number for each entry of the column that names the group of a row; None without such a column."""
    if column is None:
        return None
    cells = table.texts[column]
    check_filled(column, cells == "", where)
    return np.unique(cells.astype(str), return_inverse=True)[1].astype(np.int64)


def labels(
    table: CellTable,
    name: str,
    where: str,
    *,
    as_numbers: bool,
    column: Column | None = None,
    missing: Sequence[str] = (),
) -> tuple[np.ndarray, Column | None]:
    """Return the labels of a table: the text of each cell, or the numbers to predict.

    Parameters
    ----------
    table : CellTable
    name : str
        The label column.
    where : str
        The file, for messages.
    as_numbers : bool
        Whether the label is a number to predict.
    column : Column or None, default None
        How its numbers are written, where that was decided on an earlier file.
    missing : sequence of str, default ()
        Further words for an empty cell.

    Returns
    -------
    array of shape (n_rows,), Column or None
        The column of numbers; None for classes.

    Raises
    ------
    DataError
        An empty cell, or a target that is not a number.
    """
    if name in table.numbers:
        numbers = emptied(table.numbers[name], missing)
        check_filled(name, np.isnan(numbers), where)
        return numbers, Column(name)
    cells = table.texts[name]
    if as_numbers:
        return _target(name, cells, where, column, missing)
    check_filled(name, np.isin(cells, ["", *missing]), where)
    distinct = set(cells.tolist())
    gaps = distinct & GAPS
    if gaps and len(distinct) > len(gaps) and all(as_number(word) is not None for word in distinct - GAPS):
        check_filled(name, np.isin(cells, list(gaps)), where)
    return cells.astype(str), None


def _target(
    name: str, cells: np.ndarray, where: str, column: Column | None, missing: Sequence[str]
) -> tuple[np.ndarray, Column]:
    if column is None:
        column = decided({name: cells}, missing=missing)[name]
    if column.kind in ("word", "empty"):
        filled = ~np.isin(cells, [*GAPS, *missing])
        check_filled(name, ~filled, where) if not filled.any() else None
        wrong = [place for place in np.flatnonzero(filled) if value_of(Column(name), cells[place]) is None]
        raise no_number(name, cells, int(wrong[0]) if wrong else 0, where)
    numbers, faults = values(column, cells, missing)
    if len(faults):
        raise no_number(name, cells, int(faults[0]), where)
    check_filled(name, np.isnan(numbers), where)
    return numbers, column


def no_number(name: str, cells: np.ndarray, wrong: int, where: str) -> DataError:
    """Return the error for a target that is not a number."""
    return DataError(
        f"Targets of {where} must be numbers (dataset.target=numbers). Row {wrong + 1} of column '{short(name)}' "
        f"holds {short(cells[wrong])!r}: correct it, name another column with dataset.label, or set "
        "dataset.target=classes (task=classify)."
    )


def check_filled(name: str, empty: np.ndarray, where: str) -> None:
    """Refuse empty cells in a column that must have none."""
    (places,) = np.nonzero(empty)
    if len(places):
        raise DataError(
            f"{where} has an empty cell (or NaN) in column '{short(name)}', row {places[0] + 1} "
            f"({len(places)} in that column). Fill it in, or leave the row or the column out."
        )
