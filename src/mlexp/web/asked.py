"""What of a table an address asks for: which rows, in which order, and how many of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

ONLY = "is."  # in front of the name of a column whose value is asked for
FIRST_SHOWN = 100  # rows
MOST_SHOWN = 10_000
Row = TypeVar("Row")
Columns = Mapping[str, Callable[[Row], str]]


@dataclass(frozen=True)
class Asked:
    """What the query of an address asks for.

    Attributes
    ----------
    words : all of them occur in a row that is shown; in lower case
    only : column -> the value of it that is shown
    sort : column to sort by; with a minus in front the largest value first; empty for the order as it is
    shown : rows at most
    """

    words: Sequence[str] = ()
    only: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    shown: int = FIRST_SHOWN

    @classmethod
    def of(cls, query: Iterable[tuple[str, str]]) -> Asked:
        """Return what a query asks for; what it holds besides is passed over."""
        given = dict(query)
        number = given.get("shown", "")
        shown = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else FIRST_SHOWN
        only = {
            name.removeprefix(ONLY): value for name, value in given.items() if name.startswith(ONLY) and value
        }
        words = given.get("q", "").lower().split()
        return cls(words, only, given.get("sort", ""), min(max(shown, 1), MOST_SHOWN))

    def chosen(self, rows: Iterable[Row], columns: Columns[Row], text: Callable[[Row], str]) -> list[Row]:
        """Return the rows that are asked for; of columns that there are not, nothing is asked.

        Parameters
        ----------
        columns : name -> the cell of a row
        text : what the words are searched in
        """
        only = {columns[name]: value for name, value in self.only.items() if name in columns}
        return [
            row
            for row in rows
            if all(cell(row) == value for cell, value in only.items())
            and all(word in text(row) for word in self.words)
        ]

    def ordered(self, rows: Sequence[Row], columns: Columns[Row]) -> list[Row]:
        """Return the rows in the order that is asked for: numbers before words, empty cells last either way."""
        cell = columns.get(self.sort.removeprefix("-"))
        if cell is None:
            return list(rows)
        filled = sorted(
            (row for row in rows if cell(row)), key=lambda row: rank(cell(row)), reverse=self.sort[0] == "-"
        )
        return filled + [row for row in rows if not cell(row)]


def rank(cell: str) -> tuple[bool, float, list[tuple[int, str]]]:
    """Return by what a cell is sorted: a number by its value, words with the numbers in them by their values.

    Examples
    --------
    >>> sorted(["width 10", "9", "1e1", "width 9"], key=rank)
    ['9', '1e1', 'width 9', 'width 10']
    """
    try:
        value = float(cell)
    except ValueError:
        parts = re.split(r"(\d+)", cell.lower())
        return (
            True,
            0.0,
            [(len(p.lstrip("0")) * (i % 2), p.lstrip("0") if i % 2 else p) for i, p in enumerate(parts)],
        )
    return value != value, value if value == value else 0.0, []
