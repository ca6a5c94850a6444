"""What a column of a table holds: decided once, on the training file, and applied to every later file.

A column of numbers holds nothing but numbers and the usual words for an empty cell; a column of words is the
exact text of its cells, without the blanks around it. Reading a later file infers nothing: the same cell gives
the same value whatever stands in the other rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np

from mlexp.errors import DataError

# What pandas takes for an empty cell; here in columns of numbers, dates and truth values alone.
GAPS = frozenset((
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
))  # fmt: skip
BLANKS = " \u00a0\u2009\u202f"
SIGNS = {".": "point", ",": "comma", "'": "apostrophe", " ": "blank", "": "none"}
WRITINGS = (
    (".", ""),
    (",", ""),
    (",", "."),
    (",", " "),
    (".", ","),
    (".", "'"),
    (".", " "),
)  # decimal, thousands
TRUTH = {"true": 1.0, "false": 0.0}
ORDERS = {"ymd": "year, month, day", "dmy": "day, month, year", "mdy": "month, day, year"}
MOSTLY = 0.5  # share of the filled cells of one kind from which the others count as mistakes
SHOWN = 40  # characters of a cell in a message
FEW = 10  # different words that may look like anything
DAY_ONE = date(1970, 1, 1).toordinal()
_CLOCK = r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?(?: ?([+-])(\d{2}):?(\d{2})?)?)?Z?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_CLOCK}", re.ASCII)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}){_CLOCK}", re.ASCII)
_WITH_UNIT = re.compile(
    r"(?P<before>[$€£¥]?)\s*[+-]?\d[\d.,']*(?P<after>\s*[$€£¥°]\w?|\s*[^\W\d_]{2,5}|\s[^\W\d_])?"
)


@dataclass(frozen=True)
class Column:
    """What one column holds.

    Attributes
    ----------
    name : its name, without blanks around it
    kind : number, boolean, date, word, or empty (no filled cell)
    decimal, thousands : how its numbers are written; "" for no sign between thousands
    percent : whether its numbers are followed by %
    order : of year, month and day in a column of dates: ymd, dmy or mdy
    words : what a column of words holds, sorted; the positions are the values
    doubt : why its cells cannot be features as they are, a key of `DOUBTS`; "" where they can
    example : a cell that shows the doubt
    """

    name: str
    kind: str = "number"
    decimal: str = "."
    thousands: str = ""
    percent: bool = False
    order: str = ""
    words: tuple[str, ...] = ()
    doubt: str = ""
    example: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether its cells are numbers as every program writes them."""
        special = self.decimal != "." or self.thousands or self.percent
        return self.kind in ("number", "empty") and not special

    @property
    def meaning(self) -> str:
        """The kind, and how it is written, in words."""
        if self.kind == "word":
            return f"word, {len(self.words):,} different"
        if self.kind == "date":
            return f"date ({ORDERS[self.order]}), as days since 1970-01-01"
        signs = [f"decimal {SIGNS[self.decimal]}"] if self.decimal != "." else []
        signs += [f"thousands {SIGNS[self.thousands]}"] if self.thousands else []
        return ", ".join([self.kind, *signs, *(["percent"] if self.percent else [])])

    def record(self) -> dict[str, Any]:
        """Return what the record of a run keeps: what differs from a plain number, without the words."""
        kept = (entry for entry in fields(self) if entry.name not in ("name", "words"))
        own = {entry.name: getattr(self, entry.name) for entry in kept}
        return {"name": self.name} | {
            key: value for key, value in own.items() if value != getattr(Column, key)
        }


# What is wrong, and the cure; `{example}` is a cell, `{name}` the column.
DOUBTS = {
    "number": ("most of its cells are numbers, {example} is none", "Correct it, set dataset.missing=[{example}] if it "
               "stands for an empty cell, or read all of them as words: dataset.words=[{name}]"),
    "boolean": ("most of its cells are true or false, {example} is neither", "Correct it, set dataset.missing="
                "[{example}] if it stands for an empty cell, or read all of them as words: dataset.words=[{name}]"),
    "date": ("most of its cells are dates, {example} is none", "Correct it, set dataset.missing=[{example}] if it "
             "stands for an empty cell, or read all of them as words: dataset.words=[{name}]"),
    "comma": ("its numbers, such as {example}, have a comma before three digits: a fraction or thousands",
              "Say which: dataset.decimal=comma or dataset.thousands=comma"),
    "day_month": ("its dates, such as {example}, are day/month or month/day",
                  "Write them as year-month-day, such as 2024-12-31"),
    "unit": ("its cells are numbers with a unit, such as {example}", "Write the numbers alone, or read them as words: "
             "dataset.words=[{name}]"),
}  # fmt: skip


def doubtful(column: Column, cells: np.ndarray, where: str) -> DataError:
    """Return the error for a feature column whose cells may mean several things."""
    (places,) = np.nonzero(cells == column.example)
    words = {"example": repr(short(column.example)), "name": short(column.name)}
    said, cure = (words_of.format(**words) for words_of in DOUBTS[column.doubt])
    return DataError(
        f"{where} has text in column '{short(column.name)}': row {places[0] + 1} holds {words['example']}; {said}. "
        f"{cure}, or leave the column out: dataset.ignore=[{short(column.name)}]."
    )


def short(text: Any, most: int = SHOWN) -> str:
    """Return a text as a message shows it: on one line, cut where it is long."""
    line = " ".join(str(text).split())
    return line if len(line) <= most else f"{line[:most]}..."


def listed(names: Iterable[str], most: int = 10) -> str:
    """Return names as a message shows them: the first few of them, each cut where it is long."""
    known = list(names)
    return ", ".join(short(name) for name in known[:most]) + (" ..." if len(known) > most else "")


@lru_cache(maxsize=64)
def _number(decimal: str, thousands: str) -> re.Pattern[str]:
    point = re.escape(decimal)
    between = f"[{BLANKS}]" if thousands == " " else re.escape(thousands)
    whole = rf"(?:\d+|[1-9]\d{{0,2}}(?:{between}\d{{3}})+)" if thousands else r"\d+"
    return re.compile(
        rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?|[+-]?inf(?:inity)?",
        re.ASCII | re.IGNORECASE,
    )


def as_number(text: str, decimal: str = ".", thousands: str = "") -> float | None:
    """Return the float64 nearest to the number that a text is, or None where it is none.

    Examples
    --------
    >>> as_number("1.234,5", ",", "."), as_number("1e3"), as_number("1_0")
    (1234.5, 1000.0, None)
    """
    text = text.replace("\u2212", "-")  # the minus sign of typesetters
    if not _number(decimal, thousands).fullmatch(text):
        return None
    for sign in BLANKS if thousands == " " else thousands:
        text = text.replace(sign, "")
    return float(text.replace(decimal, "."))


def as_days(text: str, order: str) -> float | None:
    """Return a date as days since 1970-01-01, the time of day as a fraction; None where it is no such date.

    A time with an offset from UTC, as ISO 8601 writes it, is converted to UTC; without one it is taken as UTC.

    Examples
    --------
    >>> as_days("1970-01-02T02:00+02:00", "ymd"), as_days("1970-01-01 18:00:00-0600", "ymd")
    (1.0, 1.0)
    >>> as_days("1970-01-02 12:00", "ymd"), as_days("31.12.1969", "dmy"), as_days("31/12/1969", "mdy")
    (1.5, -1.0, None)
    """
    found = _YEAR_FIRST.fullmatch(text)
    if found is not None:
        order = "ymd"
    elif order == "ymd" or not (found := _YEAR_LAST.fullmatch(text)):
        return None
    one, _, two, three, *clock = found.groups()
    year, month, day = {"ymd": (one, two, three), "dmy": (three, two, one), "mdy": (three, one, two)}[order]
    sign = -1 if clock.pop(3) == "-" else 1
    hours, minutes, seconds, hours_ahead, minutes_ahead = (float(part or 0) for part in clock)
    if hours > 24 or minutes > 59 or seconds >= 61 or hours_ahead > 14 or minutes_ahead > 59:
        return None
    try:
        days = date(int(year), int(month), int(day)).toordinal() - DAY_ONE
    except ValueError:
        return None
    in_utc = (hours - sign * hours_ahead) * 3600 + (minutes - sign * minutes_ahead) * 60 + seconds
    return days + in_utc / 86400


def value_of(column: Column, text: str) -> float | None:
    """Return the value of a filled cell of numbers, dates or truth values; None where it is nothing of the kind."""
    if column.kind == "date":
        return as_days(text, column.order)
    if column.kind == "boolean":
        return TRUTH.get(text.casefold())
    if column.percent:
        if not text.endswith("%"):
            return None
        text = text[:-1].rstrip(BLANKS)
    return as_number(text, column.decimal, column.thousands)


def values(column: Column, cells: np.ndarray, missing: Sequence[str] = ()) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of text cells, and the positions of those that are nothing of the column's kind.

    Parameters
    ----------
    column : Column
    cells : array of str, without blanks around them
    missing : sequence of str, default ()
        Further words for an empty cell.

    Returns
    -------
    float64 array of shape (n,), int64 array
        Empty cells are NaN. A word that is not one of ``column.words`` is -1, which is no fault; a fault is NaN.
    """
    import pandas as pd

    codes, distinct = pd.factorize(cells)
    numbers, faults = np.full(len(distinct), np.nan), np.zeros(len(distinct), bool)
    gaps = {"", *missing} if column.kind == "word" else GAPS | set(missing)
    known = {word: float(code) for code, word in enumerate(column.words)}
    for place, text in enumerate(distinct):
        if text in gaps:
            continue
        value = known.get(text, -1.0) if column.kind == "word" else value_of(column, text)
        faults[place] = value is None
        numbers[place] = np.nan if value is None else value
    found = numbers[codes]
    return found if column.kind == "word" else emptied(found, missing), np.flatnonzero(faults[codes])


def emptied(numbers: np.ndarray, missing: Sequence[str]) -> np.ndarray:
    """Return numbers with NaN for those that stand for an empty cell, such as -999."""
    for word in missing:
        if (value := as_number(word)) is not None:
            numbers = np.where(numbers == value, np.nan, numbers)
    return numbers


def decided(
    texts: Mapping[str, np.ndarray],
    *,
    missing: Sequence[str] = (),
    decimal: str = "auto",
    thousands: str = "auto",
    as_words: Iterable[str] = (),
    has_fractions: bool = False,
) -> dict[str, Column]:
    """Decide what columns of text cells hold.

    Parameters
    ----------
    texts : name -> text cells without blanks around them
    missing : further words for an empty cell
    decimal, thousands : sign, "" for none, or "auto" to find it in the cells
    as_words : columns whose cells are words, whatever they look like
    has_fractions : whether other columns of the file hold plain numbers such as 1.5
    """
    typed = None if decimal == thousands == "auto" else (decimal, thousands)
    counted = {name: _counted(cells) for name, cells in texts.items()}
    own = set(as_words)
    found = {
        name: _as_words(name, counts, missing) if name in own else _kind(name, counts, missing, typed)
        for name, counts in counted.items()
    }
    # A file writes all of its numbers in one way: what one column leaves open, the others show.
    signs = {column.decimal for column in found.values() if not column.doubt and not column.is_plain
             and column.kind == "number"}  # fmt: skip
    signs |= {"."} if has_fractions else set()
    if len(signs) == 1:
        (sign,) = signs
        for name in [name for name, column in found.items() if column.doubt == "comma"]:
            found[name] = _kind(name, counted[name], missing, (sign, "auto"))
    return found


def _counted(cells: np.ndarray) -> dict[str, int]:
    import pandas as pd

    codes, distinct = pd.factorize(cells)
    return dict(zip(distinct.tolist(), np.bincount(codes, minlength=len(distinct)).tolist(), strict=True))


def _as_words(name: str, counts: Mapping[str, int], missing: Sequence[str]) -> Column:
    words = sorted(set(counts) - {"", *missing})
    return Column(name, "word", words=tuple(words)) if words else Column(name, "empty")


def _kind(
    name: str, counts: Mapping[str, int], missing: Sequence[str], typed: tuple[str, str] | None
) -> Column:
    words = _as_words(name, counts, missing)
    filled = {text: count for text, count in counts.items() if text not in GAPS and text not in missing}
    if not filled:  # NA is a word where nothing shows that the other cells are numbers
        return words
    nearest, most = words, 0
    total = sum(filled.values())
    for candidate in _candidates(name, filled, typed):
        fit = sum(count for text, count in filled.items() if value_of(candidate, text) is not None)
        if fit == total:
            return _or_doubt(candidate, words, filled, typed)
        if fit > most:
            nearest, most = candidate, fit
    if most >= MOSTLY * total:
        wrong = next(text for text in filled if value_of(nearest, text) is None)
        return replace(words, doubt=nearest.kind, example=wrong)
    if _have_unit(filled):
        return replace(words, doubt="unit", example=next(iter(filled)))
    return words


def _candidates(name: str, filled: Mapping[str, int], typed: tuple[str, str] | None) -> list[Column]:
    """Return what a column may hold, the likeliest first."""
    decimal, thousands = typed or ("auto", "auto")
    writings = [
        (point, between)
        for point, between in WRITINGS
        if decimal in ("auto", point) and thousands in ("auto", between)
    ]
    numbers = [Column(name, "number", *writing) for writing in writings]
    if any("%" in text for text in filled):
        numbers += [replace(column, percent=True) for column in numbers]
    return [*numbers, Column(name, "boolean"), *(Column(name, "date", order=order) for order in ORDERS)]


def _or_doubt(
    column: Column, words: Column, filled: Mapping[str, int], typed: tuple[str, str] | None
) -> Column:
    """Return a column that fits all of its cells, or the doubt that another reading fits them as well."""
    if column.order == "dmy" and not all("." in text for text in filled):
        american = replace(column, order="mdy")
        if all(value_of(american, text) is not None for text in filled):
            return replace(words, doubt="day_month", example=next(iter(filled)))
    if column.kind == "number" and (column.decimal, column.thousands) == (",", "") and typed is None:
        english = replace(column, decimal=".", thousands=",")
        if all(value_of(english, text) is not None for text in filled):
            return replace(words, doubt="comma", example=next(text for text in filled if "," in text))
    return column


def _have_unit(filled: Mapping[str, int]) -> bool:
    """Return whether all words are numbers with the same unit before or after them, such as $ 12.50."""
    found = [_WITH_UNIT.fullmatch(text) for text in filled]
    units = {(match["before"], (match["after"] or "").strip()) for match in found if match}
    return len(filled) >= FEW and all(found) and len(units) == 1 and units != {("", "")}
