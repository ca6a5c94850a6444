"""What a table holds, as mlexp reads it: found without training anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlexp.config import schema
from mlexp.config.names import DELIMITERS, QUOTES
from mlexp.data.cells import CellTable, TableFeatures, values_of
from mlexp.data.columns import DOUBTS, GAPS, Column, as_number, decided, short
from mlexp.data.roles import NO_LABEL, is_nameless, label_column, naming_rows
from mlexp.data.table import SIGNS, Source, as_texts, typed_words

EXAMPLES = 3
FEW_CLASSES = 20  # numbers with no more different values than this are more likely classes


@dataclass(frozen=True)
class ColumnSummary:
    """One column of a table.

    Attributes
    ----------
    column : what it holds
    role : label, groups, feature or left out
    missing : number of its empty cells
    examples : its first different filled cells
    remark : what a person should know of it, or ""
    """

    column: Column
    role: str
    missing: int
    examples: tuple[str, ...]
    remark: str = ""


@dataclass(frozen=True)
class TableSummary:
    """What was found in a table.

    Attributes
    ----------
    where, written : the file, and how it is written in words
    n_rows : number of rows
    columns : what was seen of each, in order
    target : classes or numbers
    target_words : the label in words
    keys : of the node `dataset`, what says the same for good
    """

    where: str
    written: str
    n_rows: int
    columns: tuple[ColumnSummary, ...]
    target: str
    target_words: str
    keys: dict[str, Any]


def look(wanted: schema.Dataset, source: Source, written: str, typed: Sequence[str] = ()) -> TableSummary:
    """Look at a table.

    Parameters
    ----------
    wanted : schema.Dataset
        What is known of it.
    source : Source
    written : str
        How it is written, in words.
    typed : names of keys that a person set; the label's kind is found unless `target` is among them
    """
    names, missing = list(source.names), [str(word) for word in wanted.missing]
    label = label_column(names, wanted.label, source.where)
    writing = SIGNS.get(wanted.decimal, "auto"), SIGNS.get(wanted.thousands, "auto")
    as_text = as_texts(names, wanted, writing) | (set() if label is None else {label})
    table = source.table(as_text, missing)
    fractions = any((cells[np.isfinite(cells)] % 1 != 0).any() for cells in table.numbers.values())
    as_words = {*wanted.words, *typed_words(table, source, missing)}
    found = decided(
        table.texts, missing=missing, as_words=as_words, has_fractions=fractions, decimal=writing[0],
        thousands=writing[1],
    )  # fmt: skip
    columns = [found.get(name) or Column(name) for name in names]
    role = _roles(names, label, wanted)
    features = [column for column in columns if role[column.name] == "feature"]
    counting, own = naming_rows(TableFeatures(_values(table, features, missing), tuple(features)))
    left = [name for name in counting if is_nameless(name) and name not in wanted.features]
    role |= dict.fromkeys(left, "left out")
    seen = []
    for column in columns:
        cells, gaps = _cells(table, column, missing)
        remark = _remark(column, role[column.name], counting, own, len(cells))
        seen.append(
            ColumnSummary(column, role[column.name], int(gaps.sum()), _examples(cells[~gaps]), remark)
        )
    target, words = wanted.target, "none"
    if label is not None:
        target, words = _target(table, found.get(label) or Column(label), label, wanted, typed)
    return TableSummary(
        source.where,
        written,
        table.n_rows,
        tuple(seen),
        target,
        words,
        _keys(wanted, source, seen, target, fractions),
    )


def _roles(names: Sequence[str], label: str | None, wanted: schema.Dataset) -> dict[str, str]:
    chosen = set(wanted.features) or set(names)
    role = {
        name: "feature" if name in chosen and name not in set(wanted.ignore) else "left out" for name in names
    }
    own = {} if label is None else {label: "label"}
    return role | own | ({wanted.groups: "groups"} if wanted.groups is not None else {})


def _values(table: CellTable, columns: Sequence[Column], missing: Sequence[str]) -> np.ndarray:
    X = np.full((table.n_rows, len(columns)), np.nan)
    for place, column in enumerate(columns):
        X[:, place] = values_of(table, column, missing)[0]
    return X


def _cells(table: CellTable, column: Column, missing: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells of a column, and which of them are empty."""
    if column.name in table.numbers:
        cells = table.numbers[column.name]
        return cells, np.isnan(cells)
    cells = table.texts[column.name]
    return cells, np.isin(cells, [*({""} if column.kind == "word" else GAPS), *missing])


def _examples(filled: np.ndarray) -> tuple[str, ...]:
    first = dict.fromkeys(filled[:1000].tolist())
    return tuple(
        f"{cell:g}" if isinstance(cell, float) else short(cell, 20) for cell in list(first)[:EXAMPLES]
    )


def _remark(column: Column, role: str, counting: Sequence[str], own: Sequence[str], n_rows: int) -> str:
    if role == "left out" and column.name in counting:
        return "counts the rows"
    if role != "feature":
        return ""
    if column.doubt:
        said, _ = DOUBTS[column.doubt]
        return said.format(example=repr(short(column.example)), name=short(column.name))
    if column.name in counting:
        return "counts the rows: an id?"
    if column.name in own or (column.kind == "word" and len(column.words) >= FEW_CLASSES
                              and 2 * len(column.words) > n_rows):  # fmt: skip
        return "a value of its own in nearly every row: an id?"
    if column.kind == "word":
        return "needs prepare.one_hot=true"
    return ""


def _target(
    table: CellTable, column: Column, label: str, wanted: schema.Dataset, typed: Sequence[str]
) -> tuple[str, str]:
    """Return whether the label is a class or a number to predict, and the label in words."""
    cells = table.texts[label]
    counts = Counter(cell for cell in cells.tolist() if cell not in ("", *wanted.missing))
    many = len(counts) > FEW_CLASSES and 10 * len(counts) > table.n_rows
    fraction = any((number := as_number(cell)) is not None and number % 1 != 0 for cell in counts)
    number = column.kind == "number" and (many or fraction or not column.is_plain)
    target = wanted.target if "target" in typed else ("numbers" if number else "classes")
    if target == "numbers":
        return target, f"a number to predict (task=regress), {len(counts):,} different"
    shown = ", ".join(f"{short(name, 20)} ({count:,})" for name, count in counts.most_common(8))
    return target, f"{len(counts):,} classes (task=classify): {shown}{' ...' if len(counts) > 8 else ''}"


def _keys(
    wanted: schema.Dataset, source: Source, seen: Sequence[ColumnSummary], target: str, fractions: bool
) -> dict[str, Any]:
    """Return the keys that say for good what was found, so that nothing is left to be guessed."""
    label = next((one.column.name for one in seen if one.role == "label"), NO_LABEL)
    keys: dict[str, Any] = {"label": label, "target": target}
    dialect = getattr(source, "dialect", None)
    if dialect is not None:
        parts = {sign: word for word, sign in (DELIMITERS | QUOTES).items()}
        keys["delimiter"] = parts.get(dialect.delimiter, dialect.delimiter)
        keys["quote"] = parts.get(dialect.quote, dialect.quote)
        keys |= {"encoding": dialect.encoding, "header": source.has_header}
    numbers = [one.column for one in seen if one.role in ("feature", "label") and one.column.kind == "number"]
    written = {column.decimal for column in numbers if not column.is_plain}
    if wanted.decimal != "auto" or (written == {","} and not fractions):
        keys["decimal"] = "comma" if wanted.decimal == "auto" else wanted.decimal
    between = {column.thousands for column in numbers} - {""}
    if wanted.thousands != "auto" or len(between) == 1:
        words = {sign: word for word, sign in SIGNS.items()}
        keys["thousands"] = words[between.pop()] if wanted.thousands == "auto" else wanted.thousands
    keys |= {key: list(value) for key in ("missing", "words") if (value := getattr(wanted, key))}
    out = [one.column.name for one in seen if one.role == "left out"]
    return keys | ({"ignore": out} if out else {}) | ({"groups": wanted.groups} if wanted.groups else {})


def lines(found: TableSummary) -> Iterator[str]:
    """Yield what was found, as a person reads it."""
    yield f"{found.where}: {found.n_rows:,} rows, {len(found.columns):,} columns; {found.written}"
    label = next((one.column.name for one in found.columns if one.role == "label"), None)
    yield "no label" if label is None else f"label  {short(label)}: {found.target_words}"
    rows = [("column", "role", "holds", "empty", "examples", "")]
    for one in found.columns:
        holds = one.column.meaning
        rows.append(
            (short(one.column.name), one.role, holds, f"{one.missing:,}", ", ".join(one.examples), one.remark)
        )
    widths = [max(len(row[place]) for row in rows) for place in range(5)]
    for row in rows:
        yield "  ".join(
            [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]]
        ).rstrip()
