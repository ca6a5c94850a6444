"""What a model itself says of its features: the coefficients of linear models, the importances of trees."""

from __future__ import annotations

import numpy as np

from mlexp.data.dataset import Dataset
from mlexp.kinds.fitting import Training
from mlexp.store.result import Columns

INTERCEPT = "(intercept)"


def tables(dataset: Dataset, training: Training) -> dict[str, Columns]:
    """Return the tables ``importances`` or ``coefficients``, the largest first; nothing for other models."""
    names = training.preparation.feature_names
    own = np.asarray(getattr(training.model, "feature_importances_", ()), np.float64)
    if own.shape == (len(names),):
        order = np.argsort(-own, kind="stable")
        return {"importances": {"feature": [names[k] for k in order], "importance": own[order].tolist()}}
    # The coefficients of a support vector machine with another kernel are an error to ask for.
    weights = np.atleast_2d(np.asarray(getattr(training.model, "coef_", np.empty((0, 0))), np.float64))
    if weights.shape == (1, len(names)):
        return {"coefficients": _of_one_output(training, weights[0])}
    pairs = hasattr(training.model, "support_vectors_")  # a row a pair of classes
    if weights.shape == (training.n_classes, len(names)) and not pairs and dataset.image_shape is None:
        return {"coefficients": _by_class(dataset, training, weights)}
    return {}


def _of_one_output(training: Training, weights: np.ndarray) -> Columns:
    """Return a row a feature and one of the intercept.

    coefficient : in the unit of the target (log odds of the second class) for a step of 1 in the unit of the file, or
        of the principal component
    standardised : for a step of one standard deviation of the feature in the training set
    """
    names, preparation = training.preparation.feature_names, training.preparation
    weights = weights * training.spread
    step, shift = np.ones(len(names)), np.zeros(len(names))
    if preparation.pca is None:
        step = step * (1.0 if preparation.scaling.scale is None else preparation.scaling.scale)
        shift = shift + (0.0 if preparation.scaling.shift is None else preparation.scaling.shift)
    standardised = weights * _deviations(training)
    start = np.ravel(np.asarray(getattr(training.model, "intercept_", 0.0), np.float64))[0]
    start = start * training.spread + training.centre + float(weights @ shift)
    order = np.argsort(-np.abs(standardised), kind="stable")
    return {
        "feature": [*(names[k] for k in order), INTERCEPT],
        "coefficient": [*(weights * step)[order].tolist(), float(start)],
        "standardised": [*standardised[order].tolist(), ""],
    }


def _by_class(dataset: Dataset, training: Training, weights: np.ndarray) -> Columns:
    """Return standardised coefficients, a column a class, the features of the largest first."""
    names = training.preparation.feature_names
    standardised = weights * _deviations(training)
    order = np.argsort(-np.abs(standardised).max(axis=0), kind="stable")
    return {"feature": [names[k] for k in order]} | {
        name if name != "feature" else "feature (class)": standardised[code, order].tolist()
        for code, name in enumerate(dataset.classes)
    }


def _deviations(training: Training) -> np.ndarray:
    return np.asarray(np.asarray(training.parts.train.X, np.float64).std(axis=0))
