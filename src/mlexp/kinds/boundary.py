"""Data for the decision boundary of a classifier of two raw features: outputs on a grid, points, margins."""

from __future__ import annotations

import numpy as np

from mlexp.data.dataset import Dataset
from mlexp.data.rows import Rows
from mlexp.data.split import Part
from mlexp.kinds.fitting import Training
from mlexp.store.result import Columns

GRID = 201  # points along each side
POINTS = 2000  # points shown of each part, at most
MARGIN = 0.08  # of the range of the points, beyond them


def drawn(dataset: Dataset, training: Training) -> tuple[dict[str, Columns], dict[str, np.ndarray]]:
    """Return tables and arrays of a decision boundary; nothing unless there are two features, both numbers."""
    if dataset.n_features != 2 or dataset.categories:
        return {}, {}
    tables, arrays = _margin(dataset, training)
    return tables, _grid(training) | _points("train", training.raw.train) | _points(
        "test", training.raw.test
    ) | arrays


def _grid(training: Training) -> dict[str, np.ndarray]:
    """Return class, probability and (for two classes of a model without probabilities) score of each grid point."""
    seen = [
        np.asarray(part.X.scaled(None, None, np.float64)) for part in (training.raw.train, training.raw.test)
    ]
    points = np.concatenate(seen)
    low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    room = MARGIN * np.where(high > low, high - low, 1.0)
    x, y = (np.linspace(a, b, GRID) for a, b in zip(low - room, high + room, strict=True))
    plane = np.column_stack([axis.ravel() for axis in np.meshgrid(x, y)])
    rows = training.preparation.rows(Rows(plane))
    classes, probability = training.classified(rows)
    found = {
        "boundary_x": x,
        "boundary_y": y,
        "boundary_class": classes.astype(np.uint16).reshape(GRID, GRID),
    }
    if probability is not None:
        values = probability[:, 1] if probability.shape[1] == 2 else probability.max(axis=1)
        return found | {"boundary_probability": values.astype(np.float32).reshape(GRID, GRID)}
    scores = np.asarray(training.model.decision_function(np.asarray(rows)), np.float32)
    return found | ({"boundary_score": scores.reshape(GRID, GRID)} if scores.ndim == 1 else {})


def _points(name: str, part: Part) -> dict[str, np.ndarray]:
    """Return points of a set in raw features: a sample if there are many, otherwise all."""
    rows = np.sort(np.random.default_rng(0).permutation(len(part))[:POINTS])
    points = part.X.scaled(None, None, np.float64).take(rows)
    whole = np.isfinite(points).all(axis=1)  # a row with an empty cell has no place in the plane
    return {f"{name}_points": points[whole], f"{name}_class": part.y[rows][whole]}


def _margin(dataset: Dataset, training: Training) -> tuple[dict[str, Columns], dict[str, np.ndarray]]:
    """Return w, b, margin and support vectors of a linear support vector machine for two classes.

    The class is the sign of w·x + b, + for the second class. The margin is 2/‖w‖, the distance between the lines
    w·x + b = ±1, between which no point lies if the classes are linearly separable.
    """
    model = training.model
    if getattr(model, "kernel", None) != "linear" or dataset.n_classes != 2 or not hasattr(model, "support_"):
        return {}, {}
    w, b = model.coef_[0], float(model.intercept_[0])
    length = float(np.linalg.norm(w))
    numbers = {f"w_{k + 1}": float(value) for k, value in enumerate(w)}
    numbers |= {"b": b, "norm_w": length, "margin": 2 / length}
    raw = training.raw.train.X.scaled(None, None, np.float64).take(model.support_)
    ready = training.parts.train.X.take(model.support_)
    table = {name: raw[:, k].tolist() for k, name in enumerate(dataset.feature_names)}
    table |= {
        "class": [dataset.classes[code] for code in training.parts.train.y[model.support_]],
        "multiplier": np.abs(model.dual_coef_[0]).tolist(),
        "score": model.decision_function(ready).tolist(),
    }
    features = (
        "raw"
        if training.preparation.record["scale"] == "none" and training.preparation.scales_only
        else "prepared"
    )
    margin = {
        "quantity": list(numbers),
        "value": list(numbers.values()),
        "features": [features] * len(numbers),
    }
    return {"margin": margin, "support_vectors": table}, {"support_points": raw}
