"""Data for the decision boundary of a classifier of two raw features: outputs on a grid, points, margins."""

from __future__ import annotations

import numpy as np

from mlexp.data.dataset import Dataset
from mlexp.data.rows import Rows
from mlexp.data.split import Part
from mlexp.kinds.boundary_figure import POINT
from mlexp.kinds.fitting import Training
from mlexp.store.result import Columns

GRID = 201  # points along each side
POINTS = 2000  # points shown of each part, at most
MOST_FEATURES = 10  # of a linear support vector machine whose margin is written out
MOST_ROWS = 200  # points in a table, those nearest to the boundary first
MARGIN = 0.08  # of the range of the points, beyond them


def drawn(dataset: Dataset, training: Training) -> tuple[dict[str, Columns], dict[str, np.ndarray]]:
    """Return tables and arrays of a decision boundary of two features, both numbers, and of a margin of a few."""
    if dataset.n_features > MOST_FEATURES or dataset.categories:
        return {}, {}
    tables, arrays = _margin(dataset, training)
    if dataset.n_features != 2:
        return tables, {}
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
    if training.sampled is not None:  # its support vectors are numbered by another set
        return {}, {}
    w, b = model.coef_[0], float(model.intercept_[0])
    length = float(np.linalg.norm(w))
    numbers = {f"w_{k + 1}": float(value) for k, value in enumerate(w)}
    numbers |= {"b": b, "norm_w": length, "margin": 2 / length}
    features = (
        "raw"
        if training.preparation.record["scale"] == "none" and training.preparation.scales_only
        else "prepared"
    )
    margin: Columns = {
        "quantity": list(numbers),
        "value": list(numbers.values()),
        "features": [features] * len(numbers),
    }
    multiplier = np.zeros(len(training.parts.train))
    multiplier[model.support_] = np.abs(model.dual_coef_[0])
    points = _placed(dataset, training, "train", multiplier)
    support = {name: [cells[row] for row in model.support_] for name, cells in points.items()}
    raw = training.raw.train.X.scaled(None, None, np.float64).take(model.support_)
    of_support = [*list(points)[: dataset.n_features], "class", "multiplier", "score"]
    tables: dict[str, Columns] = {
        "margin": margin,
        "kkt": _conditions(np.array(points["y_score"]), multiplier, training.parts.train.y, float(model.C)),
        "support_vectors": {name: support[name] for name in of_support},
        "points": _listed(points, _placed(dataset, training, "test", None)),
    }
    return tables, {"support_points": raw}


def _placed(dataset: Dataset, training: Training, name: str, multiplier: np.ndarray | None) -> Columns:
    """Return where each point of a set lies: class, w·x + b, y(w·x + b), distance to the boundary, multiplier."""
    raw, ready = getattr(training.raw, name), getattr(training.parts, name)
    if not len(raw):
        return {}
    values = raw.X.scaled(None, None, np.float64).take(np.arange(len(raw)))
    scores = training.model.decision_function(np.asarray(ready.X))
    names = [f"{name}_" if name in POINT else name for name in dataset.feature_names]
    table: Columns = {name: values[:, k].tolist() for k, name in enumerate(names)}
    known = (
        [name] * len(raw),
        [dataset.classes[code] for code in raw.y],
        [dataset.classes[code] for code in (scores > 0).astype(int)],
        scores.tolist(),
        np.where(raw.y == 1, scores, -scores).tolist(),
        (np.abs(scores) / np.linalg.norm(training.model.coef_[0])).tolist(),
        [""] * len(raw) if multiplier is None else multiplier.tolist(),
    )
    return table | dict(zip(POINT, known, strict=True))


def _listed(train: Columns, test: Columns) -> Columns:
    """Return the points of both sets, of more than `MOST_ROWS` of a set those nearest to the boundary."""
    kept: Columns = {name: [] for name in train}
    for table in (train, test):
        if table:
            nearest = np.argsort(table["distance"], kind="stable")[:MOST_ROWS]
            for name, cells in table.items():
                kept[name] += [cells[row] for row in np.sort(nearest)]
    return kept


def _conditions(y_score: np.ndarray, multiplier: np.ndarray, y: np.ndarray, C: float) -> Columns:
    """Return by how much each condition of Karush, Kuhn and Tucker is missed.

    y is 1 for the second class and −1 for the first, slack is max(0, 1 − y(w·x + b)). Minimised is
    ‖w‖²/2 + C·Σξ_i subject to y_i(w·x_i + b) ≥ 1 − ξ_i, ξ_i ≥ 0 (Cortes and Vapnik 1995, doi:10.1007/BF00994018).
    """
    slack = np.maximum(0, 1 - y_score)
    missed = {
        "sum of multiplier × y is 0": abs(float(multiplier @ np.where(y == 1, 1.0, -1.0))),
        "multipliers lie in [0, C]": max(0.0, float(-multiplier.min()), float(multiplier.max()) - C),
        "multiplier × (y(w·x + b) − 1 + slack) is 0": float(np.abs(multiplier * (y_score - 1 + slack)).max()),
        "(C − multiplier) × slack is 0, as a share of C": float(np.abs((1 - multiplier / C) * slack).max()),
    }
    return {"condition": list(missed), "missed_by": list(missed.values())}
