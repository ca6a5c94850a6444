"""Training, validation and test set of a study: split, prepared, and described for the record."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from mlexp.config.schema import Config
from mlexp.data import preparation as chain
from mlexp.data.dataset import Dataset
from mlexp.data.pixels import profile
from mlexp.data.preparation import Preparation
from mlexp.data.split import Part, Split, sample, split
from mlexp.errors import ConfigError
from mlexp.kinds.observer import RunPlan
from mlexp.store.result import Columns

NAMES = ("train", "validation", "test")
COPIES = 5  # of all parameters while a network trains: itself, gradient, two moments, the best so far
DRAWN = 8  # bytes of a parameter when it is drawn


def prepared(config: Config, dataset: Dataset) -> tuple[Split, Preparation]:
    """Return the three prepared sets, and the preparation fitted on the training set."""
    parts = divided(config, dataset)
    return chain.prepared(parts, dataset, config.prepare, config.model.dtype, config.memory_mb)


def divided(config: Config, dataset: Dataset) -> Split:
    """Return the three sets with their values as stored; none may be empty."""
    node = config.split
    if not dataset.n_samples:
        raise ConfigError(
            f"dataset={dataset.name} has no samples, but a task of kind {config.task.kind} needs some. Choose "
            "another data set."
        )
    parts = split(dataset, **asdict(node))
    for name in NAMES:
        if not len(getattr(parts, name)) and (node.judge or name != "test"):
            raise ConfigError(
                f"split.{name}=0 leaves no {name} set, which a task of kind {config.task.kind} needs. Give it a "
                "share, such as 0.2."
            )
    return parts


def filled(parts: Split) -> list[tuple[str, Part]]:
    """Return name and samples of the sets that are not empty."""
    return [(name, part) for name in NAMES if len(part := getattr(parts, name))]


def identified(part: Part) -> dict[str, np.ndarray]:
    """Return what identifies the samples of a set: number, true label, and group if there are groups."""
    groups = {} if part.groups is None else {"group": part.groups}
    return {"row": part.index, "true": part.y} | groups


def described(dataset: Dataset) -> dict[str, Any]:
    """Return the entry of the record about the data set."""
    return {
        "name": dataset.name,
        "n_samples": dataset.n_samples,
        "n_features": dataset.n_features,
        "classes": list(dataset.classes),
        "features": list(dataset.feature_names) if dataset.image_shape is None else None,
        "categories": {str(column): list(words) for column, words in dataset.categories.items()},
        "table": dataset.table,
        "target": dataset.target,
        "image_shape": list(dataset.image_shape) if dataset.image_shape else None,
        "pixel_max": dataset.pixel_max,
        "pixels": profile(dataset.X, dataset.image_shape) if dataset.image_shape else None,
        **({"reading": dataset.reading} if dataset.reading else {}),
        "source": dataset.source,
        "notes": list(dataset.notes),
        "warnings": list(dataset.warnings),
        "fingerprint": dataset.fingerprint,
    }


def sizes(parts: Split) -> dict[str, Any]:
    """Return the entry of the record about the split."""
    return {name: len(getattr(parts, name)) for name in NAMES} | {"fingerprint": parts.fingerprint}


def plan(
    dataset: Dataset,
    parts: Split,
    preparation: Preparation,
    summary: list[dict[str, Any]],
    epochs: int | None = None,
) -> RunPlan:
    """Return what is about to run; `summary` has the layers of a network."""
    return RunPlan(
        dataset=described(dataset),
        split=sizes(parts),
        preparation=preparation.record,
        model=summary,
        n_parameters=sum(row["parameters"] for row in summary) if summary else None,
        n_biases=sum(row["biases"] for row in summary) if summary else None,
        epochs=epochs,
    )


def check_memory(config: Config, summary: list[dict[str, Any]]) -> None:
    """Refuse a network that needs more than `memory_mb` to train; `summary` has its layers."""
    n_parameters = sum(row["parameters"] for row in summary)
    megabytes = n_parameters * (COPIES * np.dtype(config.model.dtype).itemsize + DRAWN) / 1e6
    if megabytes > config.memory_mb:
        raise ConfigError(
            f"model.hidden={list(config.model.hidden)} makes {n_parameters:,} parameters, whose training needs about "
            f"{megabytes:,.0f} MB; more than memory_mb={config.memory_mb}. "
            "Set model.hidden lower, or raise memory_mb."
        )


def some(part: Part, at_most: int, *, seed: int) -> np.ndarray:
    """Return the positions of a stratified sample of a set; all if there are fewer."""
    if len(part) <= at_most:
        return np.arange(len(part))
    rng = np.random.default_rng(seed)
    return sample(part.y, at_most, stratify=part.y.dtype.kind == "i", rng=rng)


def columns(rows: list[dict[str, Any]]) -> Columns:
    """Turn a list of rows into a table."""
    return {name: [row[name] for row in rows] for name in rows[0]}
