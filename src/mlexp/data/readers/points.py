"""Rows that stand in the configuration itself."""

from __future__ import annotations

import numpy as np

from mlexp.config import schema
from mlexp.data.dataset import Dataset, Raw, assemble
from mlexp.errors import ConfigError


def load(wanted: schema.Dataset, data_dir: str | None = None, memory_mb: int = 0) -> Dataset:
    """Take the rows that the configuration itself holds: features, then the class, a whole number.

    Classes are named as they are written, with a sign where one of them is negative: -1 and +1.
    """
    train = _rows(wanted.points)
    test = _rows(wanted.test_points) if wanted.test_points else None
    values = np.unique(train[1])
    sign = "+" if values[0] < 0 else ""

    def coded(X: np.ndarray, labels: np.ndarray) -> Raw:
        return Raw(X, labels if wanted.target == "numbers" else np.searchsorted(values, labels))

    if test is not None and not np.isin(test[1], values).all():
        raise ConfigError(f"dataset.test_points must be of the classes of dataset.points, {values.tolist()}.")
    return assemble(
        wanted,
        coded(*train),
        None if test is None else coded(*test),
        names=[f"{value:{sign}g}" for value in values],
        where=f"data set '{wanted.name}'",
        source="typed in the configuration",
    )


def _rows(rows: list[list[float]]) -> tuple[np.ndarray, np.ndarray]:
    if len({len(row) for row in rows}) > 1 or len(rows[0]) < 2:
        raise ConfigError("dataset.points must hold rows of one length, [x1, x2, ..., class], all of them.")
    table = np.array(rows, np.float64)
    return table[:, :-1], table[:, -1]
