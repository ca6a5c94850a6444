"""The keys of `dataset`: which rows to learn from, and how their file is meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlexp.config.names import DELIMITERS, QUOTES, READERS
from mlexp.config.rules import (
    boolean,
    character,
    choice,
    codec,
    either,
    key,
    list_of,
    number,
    optional,
    path_text,
    text,
    whole,
)


@dataclass
class Dataset:
    """Which rows to learn from."""

    name: str = key("digits", text(), "name of the data set, as tables and folders call it")
    reader: str = key("sklearn", choice(*READERS), "how the data set is read")
    path: str | None = key(None, optional(path_text()), "file or folder that holds the data")
    test_path: str | None = key(None, optional(path_text()), "file with a test part of its own")
    label: Any = key(None, optional(either(text(), whole(-10_000))), "label column, by name or by position")
    features: list[Any] = key(
        [], list_of(text(), what="a list of columns"), "tables: columns to learn from; []: all but the label"
    )
    ignore: list[Any] = key([], list_of(text(), what="a list of columns"), "tables: columns to leave out")
    words: list[Any] = key(
        [],
        list_of(text(), what="a list of columns"),
        "tables: columns whose cells are words, though they look like numbers or dates",
    )
    missing: list[Any] = key(
        [],
        list_of(either(text(), number()), what="a list of words or numbers"),
        "tables: what else stands for an empty cell, such as ['?'] or [-999]; in all columns",
    )
    delimiter: str = key(
        "auto",
        either(choice("auto", *DELIMITERS), character()),
        "csv: what stands between two cells; auto finds it in the file",
    )
    decimal: str = key(
        "auto",
        choice("auto", "point", "comma"),
        "csv: sign before the fraction of a number; auto finds it in the cells",
    )
    thousands: str = key(
        "auto",
        choice("auto", "none", "point", "comma", "apostrophe", "blank"),
        "csv: sign between the thousands of a number; auto finds it in the cells",
    )
    quote: str = key(
        "auto",
        either(choice("auto", *QUOTES), character()),
        "csv: what stands around a cell with a delimiter in it",
    )
    encoding: str = key(
        "auto",
        either(choice("auto"), codec()),
        "csv: how letters are written; auto: UTF-8, UTF-16, or Western European",
    )
    header: Any = key(
        "auto",
        either(choice("auto"), boolean()),
        "csv: whether the first line names the columns; auto: it does, and a line of numbers is refused",
    )
    sheet: str | None = key(
        None, optional(text()), "Excel: sheet to read; null: the first that is not hidden"
    )
    groups: str | None = key(
        None, optional(text()), "tables: column that is no feature; rows with the same entry stay in one part"
    )
    target: str = key(
        "classes",
        choice("classes", "numbers"),
        "what the label is: a class, or a number to predict (regression)",
    )
    points: list[Any] = key(
        [],
        list_of(list_of(number(), what=""), what="a list of [x1, x2, ..., class]"),
        "points: rows to learn from",
    )
    test_points: list[Any] = key(
        [],
        list_of(list_of(number(), what=""), what="a list of [x1, x2, ..., class]"),
        "points: rows that judge",
    )
    openml_id: int | None = key(None, optional(whole(1)), "number of the data set at OpenML")
    limit: int | None = key(None, optional(whole(1)), "keep at most this many rows of each part")
    label_gaps: str = key(
        "close", choice("close", "keep"), "number the classes 0, 1, 2 ... or keep the numbers of the file"
    )
    n_samples: int = key(500, whole(1), "rows that a generator draws")
    noise: float = key(0.1, number(0), "standard deviation of the noise that a generator adds")
    factor: float = key(0.5, number(0, 1, open_low=True, open_high=True), "circles: inner over outer radius")
    n_arms: int = key(3, whole(1), "spirals: number of arms")
    turns: float = key(1.0, number(0, open_low=True), "spirals: turns of each arm")
    centers: int = key(3, whole(1), "blobs: number of centres")
    seed: int = key(0, whole(0), "seed of a generator and of `limit`")
