"""Data that were in memory, read from the copy that was kept of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mlexp.config import schema
from mlexp.data.columns import short
from mlexp.data.dataset import Dataset, Raw, assemble
from mlexp.data.readers import csv, npz
from mlexp.data.roles import NO_LABEL
from mlexp.data.rows import MEMORY_MB
from mlexp.data.table import assembled
from mlexp.errors import DataError

SOURCE = "memory"
ARRAYS = ("X", "y", "feature_names")


@dataclass(frozen=True, eq=False)
class Kept(csv.TextFile):
    """The copy of a data frame: a CSV file of our own writing, whose first line names the columns."""

    @property
    def where(self) -> str:
        """What messages call it."""
        return "the data frame"

    @property
    def format(self) -> str:
        """What it is, in words."""
        return "a data frame"

    @property
    def has_header(self) -> bool:
        """Whether the first line may be a row: it never is."""
        return False


def load(wanted: schema.Dataset, data_dir: str | None = None, memory_mb: int = MEMORY_MB) -> Dataset:
    """Load the kept copy that `dataset.path` names, with `dataset.test_path` a second one of the same columns.

    Raises
    ------
    DataError
        No copy was kept, or it is gone.
    """
    path = _kept(wanted.path)
    other = None if wanted.test_path is None else _kept(wanted.test_path)
    if path.suffix == ".csv":
        test = None if other is None else partial(table, other, memory_mb)
        return assembled(wanted, table(path, memory_mb), test, source=SOURCE)
    arrays = _arrays(path, memory_mb, ARRAYS)
    names = arrays.get("feature_names")
    return assemble(
        wanted,
        _part(arrays),
        None if other is None else _part(_arrays(other, memory_mb, ("X", "y"))),
        feature_names=[] if names is None else names.tolist(),
        target="" if wanted.label == NO_LABEL else "target",
        may_be_empty=not wanted.image_shape,
        where="the array",
        source=SOURCE,
    )


def table(path: Path, memory_mb: int = MEMORY_MB) -> Kept:
    """Return the kept copy of a data frame as a source of cells."""
    usual = schema.Dataset(delimiter="comma", quote="double", encoding="utf-8", header=True)
    file = csv.read(path, usual, memory_mb)
    return Kept(file.path, file.text, file.dialect, file.names, encoding_typed=True)


def _kept(path: str | None) -> Path:
    if path is None:
        raise DataError(
            "The data of this run were in memory, and no copy was kept (keep_data=False): it can be neither rerun nor "
            "resumed. Pass the data once more: mlexp.run(X, y, ...)."
        )
    if not Path(path).is_file():
        raise DataError(
            f"The data of this run were in memory, and their copy {short(path, 200)} is gone. Bring it back, or pass "
            "the data once more: mlexp.run(X, y, ...)."
        )
    return Path(path)


def _arrays(path: Path, memory_mb: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    asked = tuple(name for name in names if name == "X" or npz.holds(path, name))
    return npz.read(path, memory_mb, asked)


def _part(arrays: Mapping[str, np.ndarray]) -> Raw:
    return Raw(arrays["X"], arrays.get("y"))
