"""What a study hands back: plain arrays and numbers, nothing that knows about files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Columns = dict[str, list[Any]]


def by_row(columns: Columns) -> list[dict[str, Any]]:
    """Return a table as one mapping a row.

    Examples
    --------
    >>> by_row({"seed": [0, 1], "accuracy": [0.5, 0.75]})
    [{'seed': 0, 'accuracy': 0.5}, {'seed': 1, 'accuracy': 0.75}]
    """
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def by_column(rows: Sequence[Mapping[str, Any]], names: Iterable[str] = ()) -> Columns:
    """Return rows as a table; a cell that a row lacks, or that is None, is empty.

    Parameters
    ----------
    rows : column -> cell
    names : the columns, default all that a row has

    Examples
    --------
    >>> by_column([{"arm": "a", "p": None}, {"arm": "b", "seconds": 1.5}])
    {'arm': ['a', 'b'], 'p': ['', ''], 'seconds': ['', 1.5]}
    """
    names = names or dict.fromkeys(name for row in rows for name in row)
    return {name: ["" if row.get(name) is None else row[name] for row in rows] for name in names}


def attributes(record: Any, *names: str, prefix: str = "") -> dict[str, Any]:
    """Return attributes of a record as cells of a row; None where there is no record."""
    return {f"{prefix}{name}": getattr(record, name, None) for name in names}


@dataclass(frozen=True)
class Result:
    """All that one run found out.

    Attributes
    ----------
    status : completed, diverged or interrupted
    problem : what went wrong and what to try, if it did not complete
    metrics : part (train, validation, test) -> metric -> value
    predictions : arrays with one entry a row, named ``<part>_<what>``
    arrays : everything else worth keeping (images of a gallery, for one)
    model : the fitted parameters and what is needed to build the model again
    pipeline : fitted scikit-learn pipeline of raw rows: preparation and model, or the preparation alone beside `model`
    living : arrays with which a page computes as the network does, its samples among them
    tables : table -> column -> values
    facts : single numbers and words for the record (best epoch, number of parameters)
    warnings : sentences that a reader of the figures must know
    """

    status: str = "completed"
    problem: str = ""
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    predictions: dict[str, np.ndarray] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    model: dict[str, np.ndarray] = field(default_factory=dict)
    pipeline: Any = None
    living: dict[str, np.ndarray] = field(default_factory=dict)
    tables: dict[str, Columns] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
