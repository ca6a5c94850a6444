"""Where data sets come from: one function for each reader, in one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mlexp.config import schema
from mlexp.data import tablefiles as formats
from mlexp.data.dataset import Dataset
from mlexp.data.named_sets import describe, fetch, verify
from mlexp.data.readers import csv as csvfile
from mlexp.data.readers import idx, openml, published
from mlexp.data.readers import npz as npzfile
from mlexp.data.readers import sklearn as bundled
from mlexp.data.readers import synthetic as generators
from mlexp.data.split import choose
from mlexp.errors import ConfigError, did_you_mean

__all__ = ["READERS", "describe", "fetch", "limited", "load", "verify"]


def nothing(wanted: schema.Dataset, data_dir: str | None = None, memory_mb: int = 0) -> Dataset:
    """Return a data set without rows, for tasks that bring their own numbers."""
    return Dataset(wanted.name, np.empty((0, 1)), np.empty(0), (), ("x1",), source="none")


READERS: dict[str, Callable[[schema.Dataset, str | None, int], Dataset]] = {
    "published": published.load,
    "idx": idx.load,
    "csv": formats.load,
    "npz": npzfile.load,
    "sklearn": bundled.load,
    "synthetic": generators.load,
    "openml": openml.load,
    "none": nothing,
    "points": generators.points,
}


def load(data_dir: str | None = None, memory_mb: int = csvfile.MEMORY_MB, **keys: Any) -> Dataset:
    """Load the data set that the configuration's node `dataset` describes.

    Parameters
    ----------
    data_dir : str or None, default None
        Folder with data sets; None: the environment variable MLEXP_DATA_DIR.
    memory_mb : int, default 4000
        Refuse files of one's own that would need more megabytes than this.
    **keys
        The keys of `mlexp.config.schema.Dataset`, with its defaults: name, reader, path, label, target and so on.

    Returns
    -------
    Dataset

    Raises
    ------
    ConfigError
        A key does not fit the reader.
    DataError
        A file is missing, damaged, or holds what cannot be learnt from.
    """
    wanted = schema.Dataset(**keys)
    read = READERS.get(wanted.reader)
    if read is None:
        raise ConfigError(
            f"dataset.reader must be one of {', '.join(READERS)}. "
            f"Got {wanted.reader!r}.{did_you_mean(wanted.reader, READERS)}"
        )
    return limited(read(wanted, data_dir, memory_mb), wanted.limit, seed=wanted.seed)


def limited(dataset: Dataset, limit: int | None, *, seed: int = 0) -> Dataset:
    """Keep at most `limit` rows of each part, drawn with the shares of the classes kept.

    Parameters
    ----------
    dataset : Dataset
        Returned as it is where no part is larger.
    limit : int or None
        Rows of each part at most; None keeps all.
    seed : int, default 0
        Same seed, same rows.
    """
    if limit is None:
        return dataset
    rows = _sample(dataset.y, limit, np.random.default_rng([seed, 0]))
    X, y, groups = (_only(values, rows) for values in (dataset.X, dataset.y, dataset.groups))
    X_test, y_test = dataset.X_test, dataset.y_test
    if y_test is not None:
        rows = _sample(y_test, limit, np.random.default_rng([seed, 1]))
        X_test, y_test = _only(X_test, rows), _only(y_test, rows)
    kept = {"X": X is dataset.X, "X_test": X_test is dataset.X_test}
    digests = {key: value for key, value in dataset.digests.items() if kept[key]}
    return replace(dataset, X=X, y=y, groups=groups, X_test=X_test, y_test=y_test, digests=digests)


def _sample(y: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray | None:
    """Return the rows to keep; None for all."""
    return choose(y, limit, stratify=y.dtype.kind == "i", rng=rng) if len(y) > limit else None


def _only(values: Any, rows: np.ndarray | None) -> Any:
    return values if values is None or rows is None else np.asarray(values)[rows]
