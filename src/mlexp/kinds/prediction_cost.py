"""What it costs a fitted model to predict a row: counted from its size to plan by, and measured to report it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from mlexp.kinds.fitting import Training

UNKNOWN = 300_000.0  # nanoseconds a row, for estimators of other packages
ROWS = 1000  # the time is measured and reported for so many
PATIENCE = 0.1  # seconds that one measurement may take; of a slower model fewer rows are predicted
TIMES = 3  # the fastest counts: what else the machine does makes the others longer


def measured(training: Training) -> dict[str, float]:
    """Return the fact `prediction_seconds`: seconds to predict 1,000 prepared samples in one batch.

    Measured on the training set, the fastest of three times after one unmeasured; of a model that takes longer than a
    tenth of a second by `nanoseconds_a_row` on fewer samples, and scaled up. Nothing of the test set is used.
    """
    rows = training.parts.train.X
    n_rows = int(min(ROWS, len(rows), max(10, 1e9 * PATIENCE / nanoseconds_a_row(training))))
    batch = rows.select(np.arange(n_rows))
    ask = training.labels if training.n_classes else training.predicted
    ask(batch)
    taken = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        ask(batch)
        taken.append(time.perf_counter() - begun)
    return {"prediction_seconds": round(min(taken) * ROWS / n_rows, 6)}


def nanoseconds_a_row(training: Training) -> float:
    """Return the nanoseconds that predicting a row costs on one core, preparation included, to within a factor of 3.

    Counted from the arrays of the fitted model, so that it is the same wherever and whenever the model is asked.
    """
    n_features = len(training.preparation.feature_names)
    per_cell = 4.0 if training.preparation.scales_only else 60.0
    if training.is_engine:
        return per_cell * n_features + 100 + 0.15 * float(training.model.n_parameters_)
    return per_cell * n_features + _of_model(training.model, n_features)


def _of_model(model: Any, n_features: int) -> float:
    if bases := _bases(model):
        return sum(_of_model(base, n_features) for base in bases)
    if hasattr(model, "support_vectors_"):
        return 2.0 * float(model.support_vectors_.size) + 10.0 * len(model.support_vectors_)
    if hasattr(model, "n_samples_fit_"):
        return 2000 + float(model.n_samples_fit_) * (2.0 + 0.2 * n_features)
    if hasattr(model, "estimators_"):
        return 10.0 * sum(_depth(tree) for tree in np.ravel(model.estimators_))
    if hasattr(model, "_predictors"):
        return 10.0 * float(sum(tree.get_max_depth() for stage in model._predictors for tree in stage))
    if hasattr(model, "tree_"):
        return 20.0 * _depth(model)
    if hasattr(model, "coefs_"):
        return 100 + 0.15 * float(sum(weights.size for weights in model.coefs_))
    if hasattr(model, "coef_"):
        return 50 + 0.15 * float(np.size(model.coef_))
    if hasattr(model, "theta_"):
        return 10.0 * float(model.theta_.size)
    return UNKNOWN


def _bases(model: Any) -> list[Any]:
    """Return the fitted models that a combined one asks; none of any other."""
    if hasattr(model, "calibrated_classifiers_"):
        return [fold.estimator for fold in model.calibrated_classifiers_]
    if hasattr(model, "estimator_") and not hasattr(model, "estimators_"):
        return [model.estimator_]
    found = getattr(model, "estimators_", [])  # an array of trees for each output, or a list of any models
    found = list(found.ravel()) if isinstance(found, np.ndarray) else list(found)
    return [] if all(hasattr(base, "get_depth") for base in found) else found


def _depth(tree: Any) -> float:
    return float(tree.get_depth()) + 1 if hasattr(tree, "get_depth") else UNKNOWN
