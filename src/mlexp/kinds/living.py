"""What a page needs to compute as the network does: samples, the preparation as arrays, networks by epoch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.data.preparation import Preparation
from mlexp.data.split import Part
from mlexp.kinds.fitting import Training
from mlexp.kinds.sets import some
from mlexp.kinds.snapshots import wanted

MOST_ROWS = 100  # of the training set, and of the set that the page walks through
BLOCK = 10_000  # rows whose ranges are found at a time


def recorded(config: Config, dataset: Dataset, training: Training) -> dict[str, np.ndarray]:
    """Return the arrays of ``living.npz``; nothing where the model is no network of the engine, or none are wanted.

    Returns
    -------
    dict of name to ndarray
        ``part`` names the set whose samples the page walks through; ``part_X``, ``train_X`` hold at most 100 raw
        samples of it and of the training set, ``_y`` their classes or numbers, ``_place`` their places in the set;
        ``low``, ``high`` the range of each feature in the training set; ``steps`` and ``step<k>_<name>`` the
        preparation; ``snapshot_*`` what was recorded of networks by epoch.
    """
    if not (training.is_engine and wanted(config)):
        return {}
    name = next(name for name in ("test", "validation", "train") if len(getattr(training.raw, name)))
    train: Part = training.raw.train
    arrays = (
        {"part": np.array(name)} | _samples("part", getattr(training.raw, name)) | _samples("train", train)
    )
    if dataset.image_shape is None:
        stored = train.X.scaled(None, None, np.float64)
        blocks = (stored[start : start + BLOCK] for start in range(0, len(stored), BLOCK))
        low, high = zip(*((np.fmin.reduce(rows), np.fmax.reduce(rows)) for rows in blocks), strict=True)
        arrays |= {"low": np.fmin.reduce(low), "high": np.fmax.reduce(high)}
    return arrays | _steps(training.preparation) | dict(training.snapshots)


def _samples(name: str, part: Part) -> dict[str, np.ndarray]:
    places = np.sort(some(part, MOST_ROWS, seed=0))
    return {f"{name}_X": part.X.raw(places), f"{name}_y": part.y[places], f"{name}_place": places}


def _steps(preparation: Preparation) -> dict[str, np.ndarray]:
    """Return the steps of a preparation as names and arrays, so that a page needs no library to take them."""
    steps = [_arrays_of(name, step) for name, step in preparation.early]
    scaling, pca = preparation.scaling, preparation.pca
    if scaling.scale is not None or scaling.shift is not None:
        steps.append(("scale", {"scale": scaling.scale, "shift": scaling.shift}))
    if pca is not None:
        steps.append(("pca", {"components": pca.components_, "mean": pca.mean_}))
    arrays = {
        f"step{k}_{name}": np.asarray(value)
        for k, (_, found) in enumerate(steps)
        for name, value in found.items()
        if value is not None
    }
    return arrays | {"steps": np.array(json.dumps([name for name, _ in steps]))}


def _arrays_of(name: str, step: Any) -> tuple[str, Mapping[str, Any]]:
    """Return what a fitted transformer of `preparation` does, as arrays."""
    if name == "impute":
        return name, {"values": step.statistics_}
    if name == "polynomial":
        return name, {"powers": step.powers_}
    parts = {title: (inner, columns) for title, inner, columns in step.transformers_}
    if name == "select":
        return name, {"places": np.array(parts["selected"][1])}
    numbers, text = parts["numbers"], parts["text"]
    words, filled = text[0].named_steps["indicators"], text[0].named_steps.get("impute")
    return name, {
        "numbers": np.array(numbers[1], np.int64),
        "text": np.array(text[1], np.int64),
        "fill": getattr(numbers[0], "statistics_", None) if len(numbers[1]) else None,
        "fill_text": None if filled is None else filled.statistics_,
        "codes": np.concatenate(words.categories_),
        "sizes": np.array([len(codes) for codes in words.categories_]),
    }
