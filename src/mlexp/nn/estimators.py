"""The engine as scikit-learn estimators: `MLPClassifier`, `MLPRegressor`, `Autoencoder`.

They are the networks of `learners` with what scikit-learn expects of an estimator: its checks of `X` and `y`, tags,
scores and parameters. `X` may be an array, a data frame, a memory map or lazy rows. This module alone of the package
imports scikit-learn at its top; a run of mlexp does not import it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    RegressorMixin,
    TransformerMixin,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d, validate_data

from mlexp.nn.batches import Rows
from mlexp.nn.learners import PerceptronAutoencoder, PerceptronClassifier, PerceptronRegressor
from mlexp.nn.perceptron import FEATURE_TYPES


class Validated:
    """Features checked by scikit-learn, which also learns their number and names."""

    def _checked_array(self, X: Any, reset: bool) -> np.ndarray:
        return np.asarray(validate_data(self, X, reset=reset, dtype=list(FEATURE_TYPES)))


@dataclass(eq=False, repr=False)
class MLPClassifier(Validated, ClassifierMixin, BaseEstimator, PerceptronClassifier):  # type: ignore[misc]
    """Classify with a multilayer perceptron trained by backpropagation.

    Parameters and attributes are those of `PerceptronClassifier` and `Perceptron`.

    Examples
    --------
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] * 10)
    >>> y = np.array([0, 1, 1, 0] * 10)
    >>> model = MLPClassifier(hidden=[8], learning_rate=0.05, epochs=100).fit(X, y)
    >>> model.score(X, y)
    1.0
    """

    def _read(self, X: Any, y: Any, reset: bool, classes: Any = None) -> tuple[Rows, np.ndarray]:
        if reset and classes is None and y is not None:
            check_classification_targets(y)
        return super()._read(X, y, reset, classes)

    def _checked_labels(self, y: Any) -> np.ndarray:
        return np.asarray(column_or_1d(y, warn=True))


@dataclass(eq=False, repr=False)
class MLPRegressor(Validated, RegressorMixin, BaseEstimator, PerceptronRegressor):  # type: ignore[misc]
    """Predict one or more numbers with a multilayer perceptron trained by backpropagation.

    Parameters and attributes are those of `PerceptronRegressor`, `RealOutputs` and `Perceptron`.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> model = MLPRegressor(hidden=[16], learning_rate=0.01, epochs=300, patience=None).fit(X, X[:, 0] ** 2)
    >>> bool(model.score(X, X[:, 0] ** 2) > 0.95)
    True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _checked_numbers(self, y: Any) -> np.ndarray:
        checked = check_array(y, ensure_2d=False, dtype=["float64", "float32"], input_name="y")
        return np.asarray(checked)


@dataclass(eq=False, repr=False)
class Autoencoder(
    Validated,
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
    PerceptronAutoencoder,
):
    """Learn to reproduce the input through a narrow layer; `transform` gives that layer's outputs.

    Parameters and attributes are those of `PerceptronAutoencoder`, `RealOutputs` and `Perceptron`.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 1)) @ np.ones((1, 4))
    >>> model = Autoencoder(hidden=[1], activation="linear", learning_rate=0.01).fit(X)
    >>> model.transform(X).shape, model.inverse_transform(model.transform(X)).shape
    ((100, 1), (100, 4))
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = [self.dtype]
        return tags

    def transform(self, X: Any) -> Any:
        """Return the outputs of the bottleneck, shape (n_samples, width); a data frame after ``set_output``.

        Defined here, for scikit-learn wraps only the methods of the class itself.
        """
        return super().transform(X)

    def inverse_transform(self, codes: Any) -> np.ndarray:
        """Decode outputs of the bottleneck, shape (n_samples, width); return (n_samples, n_features)."""
        return super().inverse_transform(check_array(codes, dtype=self.dtype))

    @property
    def _n_features_out(self) -> int:
        return self.hidden[self._bottleneck]
