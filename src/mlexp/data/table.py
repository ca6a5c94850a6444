"""From a table with named columns to a data set: the same for text files and for data frames."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mlexp.config import schema
from mlexp.data.cells import CellTable, TableFeatures, features, from_frame, group_codes, labels
from mlexp.data.columns import Column, decided, listed, short, values
from mlexp.data.dataset import Dataset, Raw, assemble
from mlexp.data.roles import LABEL_NAMES, feature_columns, label_column, without_row_numbers
from mlexp.data.sniff import headerless
from mlexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

DIALECT = ("delimiter", "quote", "encoding", "header", "sheet")
SIGNS = {"point": ".", "comma": ",", "blank": " ", "apostrophe": "'", "none": ""}


class Source(Protocol):
    """A table whose columns are known and whose cells can be read."""

    @property
    def where(self) -> str:
        """The file, for messages."""

    @property
    def names(self) -> Sequence[str]:
        """All columns, in order."""

    @property
    def words(self) -> Collection[str]:
        """Columns that are words by their type, though they look like numbers."""

    @property
    def format(self) -> str:
        """What the file is, in words."""

    @property
    def written(self) -> str:
        """What the file is and how it is written, in words."""

    @property
    def has_header(self) -> bool:
        """Whether the names of the columns stand in the first line of a text, which may be a row."""

    @property
    def notes(self) -> Sequence[str]:
        """How the file is written, where that is not the usual way."""

    @property
    def warnings(self) -> Sequence[str]:
        """What may be wrong with how the file was read."""

    def table(self, as_text: Collection[str] = (), missing: Sequence[str] = ()) -> CellTable:
        """Return the cells; those of the columns `as_text` as text, whatever they hold."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A data frame as a source: its columns have types already."""

    where: str
    frame: pd.DataFrame
    has_header: bool = False
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    words: Collection[str] = ()
    format: str = "a data frame"

    @property
    def written(self) -> str:
        """What the file is and how it is written, in words."""
        return "; ".join([self.format, *self.notes])

    @property
    def names(self) -> Sequence[str]:
        """All columns, in order."""
        return [str(name) for name in self.frame.columns]

    def table(self, as_text: Collection[str] = (), missing: Sequence[str] = ()) -> CellTable:
        """Return the cells; those of the columns `as_text` as text, whatever they hold."""
        if not len(self.frame):
            raise DataError(f"{self.where} holds no rows.")
        return from_frame(self.frame, as_text)


def assembled(
    wanted: schema.Dataset,
    main: Source,
    test: Callable[[], Source] | None = None,
    *,
    label: str | int | None = None,
    source: str,
) -> Dataset:
    """Make a data set of a table.

    Parameters
    ----------
    wanted : schema.Dataset
        Which column is the label, which are features, and how cells are meant.
    main : Source
        What each column holds is decided on this one.
    test : function that returns a Source, or None
        A test part of its own; opened when the main part is no longer in memory.
    label : str, int or None
        The label where the configuration names none.
    source : str
        Where the rows came from, for the record.

    Raises
    ------
    ConfigError
        A key names a column that is not there.
    DataError
        A cell that cannot be read, an empty label, or no header line.
    """
    main_part = read(wanted, main, label)
    columns = main_part.found.columns
    own_test = None if test is None else _test_part(test(), main_part)
    dataset = assemble(
        wanted,
        Raw(main_part.found.X, main_part.y, main_part.found.categories),
        own_test,
        feature_names=[column.name for column in columns],
        target=main_part.label or "",
        may_be_empty=True,
        where=main.where,
        source=source,
    )
    in_test = [] if own_test is None else unseen(own_test.X, columns, "the test part")
    used = {main_part.label, wanted.groups, *dataset.feature_names}
    return replace(
        dataset,
        groups=main_part.groups,
        table={
            "columns": [column.record() for column in columns],
            "left_out": [name for name in main.names if name not in used],
            "groups": wanted.groups,
            "target": None if main_part.target is None else main_part.target.record(),
            "missing": main_part.missing,
            "dialect": {
                key: getattr(wanted, key) for key in DIALECT if getattr(wanted, key) not in ("auto", None)
            },
        },
        notes=(*main.notes, *noted(columns, main_part.target)),
        warnings=(*dataset.warnings, *main.warnings, *main_part.warnings, *in_test),
    )


@dataclass(frozen=True, eq=False)
class Read:
    """The main part of a table, read.

    Attributes
    ----------
    label : name of the label column; None for a table without one
    found : the features
    y : labels, as `labels` gives them; None without a label
    target : how the numbers to predict are written; None for classes
    groups : number of each row's group, or None
    missing : further words for an empty cell
    warnings : what may be wrong with the columns
    """

    label: str | None
    found: TableFeatures
    y: np.ndarray | None
    target: Column | None
    groups: np.ndarray | None
    missing: list[str]
    warnings: list[str]


def read(wanted: schema.Dataset, main: Source, label: str | int | None = None) -> Read:
    """Read the cells of a table and decide what each column holds; the parameters are those of `assembled`."""
    where, names = main.where, main.names
    name = label_column(names, label if wanted.label is None else wanted.label, where)
    missing = [str(word) for word in wanted.missing]
    roles = {"only": wanted.features, "ignored": wanted.ignore, "words": wanted.words}
    chosen = feature_columns(names, name, wanted.groups, **roles, where=where)
    as_numbers = wanted.target == "numbers"
    writing = SIGNS.get(wanted.decimal, "auto"), SIGNS.get(wanted.thousands, "auto")
    as_text = set() if as_numbers or name is None else {name}
    table = main.table(as_texts(names, wanted, writing) | as_text, missing)
    as_words = {*wanted.words, *typed_words(table, main, missing)}
    if (
        main.has_header and wanted.header == "auto" and not isinstance(wanted.label, str)
    ):  # else a person said so
        check_header(table, name, chosen, where)
    y, target = None, None
    if name is not None:
        y, target = labels(table, name, where, as_numbers=as_numbers, missing=missing)
    found = features(table, chosen, where, missing=missing, writing=writing, as_words=as_words)
    found = _in_one_writing(found, main, missing) if writing == ("auto", "auto") else found
    found, warned = without_row_numbers(found, wanted.features)
    warned += _like_labels(found) if name is None else []
    return Read(name, found, y, target, group_codes(table, wanted.groups, where), missing, warned)


def _like_labels(found: TableFeatures) -> list[str]:
    """Warn of features that are called as labels are, in a table without a label."""
    names = [column.name for column in found.columns if column.name.lower() in LABEL_NAMES]
    return [
        f"Column '{name}' is a feature like any other here. If it is the label: dataset.label={name}."
        for name in names
    ]


def typed_words(table: CellTable, source: Source, missing: Sequence[str]) -> list[str]:
    """Return the columns that are text by their type in the file: words though they look like numbers, unless dates."""
    found = decided(
        {name: table.texts[name] for name in source.words if name in table.texts}, missing=missing
    )
    return [name for name, column in found.items() if column.kind != "date" and column.doubt != "day_month"]


def as_texts(names: Sequence[str], wanted: schema.Dataset, writing: tuple[str, str]) -> set[str]:
    """Return the columns that are read as text though they look like plain numbers."""
    if writing[0] == "," or writing[1] == ".":  # 1.234 may be a thousand
        return set(names)
    return {*wanted.words, *([] if wanted.groups is None else [wanted.groups])}


def check_header(table: CellTable, label: str | None, names: Sequence[str], where: str) -> None:
    """Refuse a first line of which the label, or two other names, stand among the cells below: it is a row."""
    own = [] if label is None else [label]
    again = [name for name in (*own, *names) if name in table.texts and (table.texts[name] == name).any()]
    if again and (again[0] == label or len(again) > 1):
        raise headerless(where, f"'{short(again[0])}' of its first line stands below it, too")


def _in_one_writing(found: TableFeatures, main: Source, missing: Sequence[str]) -> TableFeatures:
    """Return the features with 1.234 as a thousand where other columns of the file have a decimal comma.

    A column of nothing but such numbers was read as fractions.
    """
    if not any(column.decimal == "," for column in found.columns):
        return found
    open_ = [
        column.name
        for place, column in enumerate(found.columns)
        if column.is_plain and (found.X[:, place] % 1 != 0).any()
    ]
    if not open_:
        return found
    table = main.table(open_, missing)
    kinds = decided({name: table.texts[name] for name in open_}, missing=missing, decimal=",", thousands=".")
    X, columns = found.X.copy(), list(found.columns)
    for place, column in enumerate(columns):
        other = kinds.get(column.name)
        if other is not None and other.kind == "number" and not other.doubt:
            X[:, place], columns[place] = values(other, table.texts[column.name], missing)[0], other
    return TableFeatures(X, tuple(columns))


def _test_part(source: Source, main: Read) -> Raw:
    where, columns, label, target, missing = (
        source.where,
        main.found.columns,
        main.label,
        main.target,
        main.missing,
    )
    own = [] if label is None else [label]
    lacking = [name for name in (*(column.name for column in columns), *own) if name not in source.names]
    if lacking:
        raise DataError(f"{where} must have the columns of the training file. Missing: {listed(lacking)}.")
    as_text = {column.name for column in columns if not column.is_plain}
    as_text |= set(own) if target is None or not target.is_plain else set()
    table = source.table(as_text, missing)
    y = None
    if label is not None:
        y, _ = labels(table, label, where, as_numbers=target is not None, column=target, missing=missing)
    found = features(table, [column.name for column in columns], where, known=columns, missing=missing)
    return Raw(found.X, y, found.categories)


def without_words(dataset: Dataset) -> Dataset:
    """Return a table without its columns of words; its notes say which columns are used, and which are left out."""
    out = [dataset.feature_names[place] for place in sorted(dataset.categories)]
    kept = [place for place, name in enumerate(dataset.feature_names) if name not in out]
    if not kept:
        raise DataError(
            f"Data set '{dataset.name}' has columns of words only ({listed(out)}), and distances need numbers. Set "
            "prepare.one_hot=true."
        )
    names = [dataset.feature_names[place] for place in kept]
    notes = [*dataset.notes, f"columns used: {listed(names, 100)}"]
    if not out:
        return replace(dataset, notes=tuple(notes))
    notes.append(f"left out, as they hold words: {listed(out, 100)} (prepare.one_hot=true takes them in)")
    columns = [dataset.table["columns"][place] for place in kept]
    table = dataset.table | {"columns": columns, "left_out": [*dataset.table["left_out"], *out]}
    X_test = None if dataset.X_test is None else dataset.X_test[:, kept]
    return replace(
        dataset,
        X=dataset.X[:, kept],
        X_test=X_test,
        feature_names=tuple(names),
        categories={},
        table=table,
        notes=tuple(notes),
        digests={},
    )


def unseen(X: np.ndarray, columns: Sequence[Column], where: str) -> list[str]:
    """Return a warning where rows hold words that the model was not trained on; they are none of the words."""
    counts = {
        column.name: int((X[:, place] == -1).sum())
        for place, column in enumerate(columns)
        if column.kind == "word"
    }
    found = {name: count for name, count in counts.items() if count}
    if not found:
        return []
    shown = listed(f"{name} ({count:,})" for name, count in found.items())
    total = sum(found.values())
    return [
        f"{total:,} {'cell holds a word' if total == 1 else 'cells hold words'} that the training file does not have, "
        f"in {where}: {shown}. It is taken for none of the known words."
    ]


def noted(columns: Sequence[Column], target: Column | None = None) -> list[str]:
    """Return how columns were read that are neither plain numbers nor words."""
    by_meaning: dict[str, list[str]] = {}
    for column in (*columns, *([target] if target else [])):
        if not column.is_plain and column.kind != "word":
            by_meaning.setdefault(column.meaning, []).append(column.name)
    return [f"read as {meaning}: {listed(names)}" for meaning, names in by_meaning.items()]
