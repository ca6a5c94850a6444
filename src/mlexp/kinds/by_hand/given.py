"""The numbers that a calculation by hand begins with: typed, of a small data set, or drawn for an exercise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.errors import ConfigError
from mlexp.kinds.by_hand.settings import ByHand
from mlexp.kinds.observer import RunPlan

MOST_ROWS, MOST_COLUMNS = 50, 10  # of what anybody would follow by hand
LARGEST = 1_000_000  # number, without its sign


def table(values: Any, key: str) -> np.ndarray:
    """Return a list of numbers, or of rows of one length, as an array of shape (n, d).

    Raises
    ------
    ConfigError
        If it is empty, too large, or its rows differ in length.
    """
    rows = [value if isinstance(value, list | tuple) else [value] for value in values]
    if len({len(row) for row in rows}) != 1 or not rows[0]:
        got = f"lengths {sorted({len(row) for row in rows})}" if rows else "none"
        raise ConfigError(
            f"{key} must be a list of numbers, or of rows of one length, at least 1. Got {got}."
        )
    found = np.array(rows, float)
    _bounded(found, key)
    return found


def _bounded(found: np.ndarray, key: str) -> None:
    """Refuse what nobody would follow by hand."""
    if len(found) > MOST_ROWS or found.shape[1] > MOST_COLUMNS:
        raise ConfigError(
            f"{key} must have at most {MOST_ROWS} rows of {MOST_COLUMNS} numbers, to be followed by hand. "
            f"Got {len(found):,} rows of {found.shape[1]:,}."
        )
    within(found, key)


def within(found: np.ndarray, key: str) -> None:
    """Refuse numbers that are too large, and empty cells."""
    if not (np.abs(found) <= LARGEST).all():
        raise ConfigError(
            f"{key} must hold numbers from -{LARGEST:,} to {LARGEST:,}. Got others, or empty cells."
        )


def points(config: Config, dataset: Dataset, default: Sequence[Any]) -> np.ndarray:
    """Return `by_hand.x`, else the rows of the data set if it has any, else `default`, of shape (n, d)."""
    if config.of(ByHand).x is not None:
        return table(config.of(ByHand).x, "by_hand.x")
    if len(dataset.X) and config.of(ByHand).variant is None:
        _bounded(dataset.X, f"The rows of data set '{dataset.name}'")
        return dataset.X.astype(float)
    return table(default, "by_hand.x")


def generator(config: Config) -> np.random.Generator | None:
    """Return what draws the numbers of an exercise, `by_hand.variant`; None without one."""
    variant = config.of(ByHand).variant
    return None if variant is None else np.random.default_rng([variant, 77])


def tenths(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Draw an array of `shape` of multiples of 0.1 from −0.9 to 0.9 that are not zero."""
    found: np.ndarray = rng.integers(1, 10, shape) * rng.choice([-1, 1], shape) / 10
    return found


def plan(dataset: Dataset, n_rows: int, n_features: int, summary: Sequence[dict[str, Any]] = ()) -> RunPlan:
    """Return what a calculation reports before it begins."""
    return RunPlan(
        dataset={
            "name": "by hand" if not len(dataset.X) else dataset.name,
            "n_features": n_features,
            "classes": [],
            "fingerprint": dataset.fingerprint,
        },
        split={"given": n_rows, "fingerprint": dataset.fingerprint},
        model=list(summary),
        n_parameters=sum(row["parameters"] for row in summary),
    )
