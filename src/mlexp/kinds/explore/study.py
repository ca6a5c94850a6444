"""Explore a data set before any training, and check the independence of its sets."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from mlexp.config.schema import Config
from mlexp.data import preparation as chain
from mlexp.data.dataset import Dataset
from mlexp.data.near import nearest
from mlexp.data.split import Part, Split
from mlexp.kinds.explore import table
from mlexp.kinds.explore.settings import Explore
from mlexp.kinds.observer import Observer, RunPlan
from mlexp.kinds.sets import NAMES, columns, described, divided, sizes, some
from mlexp.store.result import Columns, Result

ROWS_AT_A_TIME = 2048
NEAR = 0.05  # the quantile of the test rows' distances below which a row counts as near
SUSPICIOUS = 0.2  # share of validation rows that may be near; 0.05 is expected of a fair split
QUANTILES = {"p5": NEAR, "median": 0.5, "p95": 0.95}
BINS = 32


def study(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Count classes, missing values and duplicates, and compare validation and test set with the training set.

    A validation set with near-duplicates of training samples lies much closer to the training set than new
    data will; the distances to the nearest training sample show it.
    """
    parts = divided(config, dataset)
    observer.started(RunPlan(dataset=described(dataset), split=sizes(parts)))
    copies, copied = duplicates(parts)
    distances = _distances(config, dataset, parts)
    compared, leak = _compared(distances)
    missing = _missing(dataset, parts)
    balance = {"class_balance": _balance(dataset, parts)} if dataset.n_classes else {}
    warnings = [*leak_warning(compared, leak, own_test=parts.test.source == "test"), *_copy_warning(copied)]
    if missing["missing"]:
        warnings.append(
            f"{sum(missing['missing'])} values are missing in {len(missing['feature'])} features: see "
            "tables/missing.csv."
        )
    found, arrays = _features(config, dataset, parts)
    return Result(
        metrics={
            name: {f"distance_{quantile}": value for quantile, value in values.items()}
            for name, values in compared.items()
        },
        predictions={f"{name}_nearest_distance": values for name, values in distances.items()},
        arrays=arrays,
        tables={
            "head": table.head(dataset),
            **found,
            **balance,
            "duplicates": copies,
            "missing": missing,
            "values": columns([{"part": name, **_values(getattr(parts, name))} for name in NAMES]),
            "distances": columns([{"part": name, **values} for name, values in compared.items()]),
        },
        facts={
            "validation_rows_nearer_than_nearest_5_percent_of_test": leak,
            "queries": {name: len(values) for name, values in distances.items()},
            "distance": "Euclidean, stored pixel values" if dataset.pixel_max else "Euclidean, standardised",
            "missing_values": sum(missing["missing"]),
        },
        warnings=warnings,
    )


def _features(
    config: Config, dataset: Dataset, parts: Split
) -> tuple[dict[str, Columns], dict[str, np.ndarray]]:
    """Return tables and arrays of the features: images, or the columns of a table."""
    if dataset.image_shape is None:
        return table.explored(dataset, parts.train, np.random.default_rng(config.split.seed))
    return {}, _pictures(config, dataset, parts) | _pixels(dataset, parts.train)


def duplicates(parts: Split) -> tuple[Columns, dict[str, int]]:
    """Count rows that equal another row, within each set and across to the training set.

    Returns
    -------
    table with one row per pair of sets, and the number of copies of training samples in validation and test set
    """
    keys = {name: _keys(getattr(parts, name)) for name in NAMES}
    rows = [
        {
            "rows_of": name,
            "that_occur_in": f"{name}, earlier",
            "rows": len(found),
            "copies": len(found) - len(set(found)),
        }
        for name, found in keys.items()
    ]
    copied = {}
    for name, other in (("validation", "train"), ("test", "train"), ("test", "validation")):
        known = set(keys[other])
        count = sum(key in known for key in keys[name])
        rows.append({"rows_of": name, "that_occur_in": other, "rows": len(keys[name]), "copies": count})
        if other == "train":
            copied[name] = count
    return columns(rows), copied


def _keys(part: Part) -> list[bytes]:
    """Return a digest of every row as stored."""
    return [
        hashlib.blake2b(row.tobytes(), digest_size=16).digest()
        for start in range(0, len(part), ROWS_AT_A_TIME)
        for row in part.X.raw(np.arange(start, min(start + ROWS_AT_A_TIME, len(part))))
    ]


def _distances(config: Config, dataset: Dataset, parts: Split) -> dict[str, np.ndarray]:
    """Return the distance to the nearest training sample for some validation and test samples."""
    if dataset.pixel_max is None:
        wanted = replace(config.prepare, scale="standard", pca=None)
        parts, _ = chain.prepared(parts, dataset, wanted, memory_mb=config.memory_mb)
    return {
        name: nearest(
            part.X.take(some(part, config.of(Explore).queries, seed=config.split.seed)), parts.train.X
        )
        for name, part in (("validation", parts.validation), ("test", parts.test))
    }


def _compared(distances: dict[str, np.ndarray]) -> tuple[dict[str, dict[str, float]], float]:
    """Return quantiles of the distances, and the share of validation samples closer than the closest test samples."""
    quantiles = {
        name: {label: float(np.quantile(values, q)) for label, q in QUANTILES.items()}
        for name, values in distances.items()
    }
    leak = float(np.mean(distances["validation"] < quantiles["test"]["p5"]))
    return quantiles, leak


def leak_warning(compared: dict[str, dict[str, float]], leak: float, *, own_test: bool) -> list[str]:
    """Warn when the validation set probably contains near-duplicates of the training set."""
    if leak <= SUSPICIOUS or not own_test:
        return []
    near, far = compared["validation"]["median"], compared["test"]["median"]
    return [
        f"The validation set contains near-duplicates of the training set: {100 * leak:.0f} % of its samples lie "
        "closer to a "
        f"training sample than the closest 5 % of the test samples (5 % would be expected; median distance {near:.0f} "
        f"against {far:.0f}). Validation scores will be optimistic; rely on the test set, or keep near-"
        "duplicates in one set with split.near=DISTANCE."
    ]


def _copy_warning(copied: dict[str, int]) -> list[str]:
    return [
        f"{count:,} samples of the {name} set are exact copies of training samples."
        for name, count in copied.items()
        if count
    ]


def _balance(dataset: Dataset, parts: Split) -> Columns:
    counts = {name: np.bincount(getattr(parts, name).y, minlength=dataset.n_classes) for name in NAMES}
    return {"class": list(dataset.classes)} | {
        column: values.tolist()
        for name, count in counts.items()
        for column, values in ((name, count), (f"{name}_share", count / count.sum()))
    }


def _missing(dataset: Dataset, parts: Split) -> Columns:
    """Return the features with missing values, over all sets."""
    count = np.zeros(dataset.n_features, np.int64)
    for name in NAMES:
        X = getattr(parts, name).X
        for chunk in X.chunks():
            count += np.isnan(X[chunk]).sum(axis=0)
    (where,) = np.nonzero(count)
    return {"feature": [dataset.feature_names[i] for i in where], "missing": count[where].tolist()}


def _values(part: Part) -> dict[str, float]:
    """Return statistics over all values of a set as stored, without the missing ones."""
    X = part.X.scaled(None, None, np.float64)
    total = squares = zeros = count = 0.0
    low, high = np.full(X.shape[1], np.inf), np.full(X.shape[1], -np.inf)
    for chunk in X.chunks():
        rows = X[chunk]
        known = rows[~np.isnan(rows)]
        total, squares, count = total + known.sum(), squares + np.square(known).sum(), count + known.size
        zeros += float((known == 0).sum())
        low, high = np.fmin(low, np.fmin.reduce(rows)), np.fmax(high, np.fmax.reduce(rows))
    mean = total / count
    return {
        "mean": float(mean),
        "deviation": float(np.sqrt(max(squares / count - mean**2, 0))),
        "min": float(low.min()),
        "max": float(high.max()),
        "share_of_zeros": zeros / count,
        "constant_features": int((low == high).sum()),
    }


def _pictures(config: Config, dataset: Dataset, parts: Split) -> dict[str, np.ndarray]:
    """Keep random test images, and some training images of each class."""
    if dataset.image_shape is None:
        return {}
    rng = np.random.default_rng(config.split.seed)
    drawn = rng.permutation(len(parts.test))[: config.of(Explore).pictures]
    of_class = [np.flatnonzero(parts.train.y == code) for code in range(dataset.n_classes)]
    chosen = [rng.permutation(found)[: config.of(Explore).per_class] for found in of_class]
    sample = np.concatenate([*chosen, np.empty(0, np.intp)])
    return {
        f"{name}_{what}": values
        for name, part, rows in (("random", parts.test, drawn), ("sample", parts.train, sample))
        for what, values in (
            ("image", part.X.raw(rows).reshape(-1, *dataset.image_shape)),
            ("class", part.y[rows]),
        )
    }


def _pixels(dataset: Dataset, train: Part) -> dict[str, np.ndarray]:
    """Keep mean and standard deviation of every pixel, and the histogram of values, of the training set."""
    if dataset.image_shape is None or dataset.pixel_max is None:
        return {}
    X = train.X.scaled(None, None, np.float64)
    edges = np.linspace(0, dataset.pixel_max, BINS + 1)
    total, squares, counts = np.zeros(X.shape[1]), np.zeros(X.shape[1]), np.zeros(BINS)
    for chunk in X.chunks():
        rows = X[chunk]
        total, squares = total + rows.sum(axis=0), squares + np.square(rows).sum(axis=0)
        counts += np.histogram(rows, edges)[0]
    mean = total / len(X)
    deviation = np.sqrt(np.maximum(squares / len(X) - mean**2, 0))
    return {
        "pixel_mean": mean.reshape(dataset.image_shape),
        "pixel_deviation": deviation.reshape(dataset.image_shape),
        "pixel_counts": counts,
        "pixel_edges": edges,
    }
