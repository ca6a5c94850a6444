"""Multilayer perceptrons that classify, predict numbers or reproduce their input; what a run of mlexp trains.

They need NumPy alone: `estimators` makes scikit-learn estimators of them. Constructors only store; everything is
checked in `fit`. `X` may be an array or any object with `.shape` and `.take(indices, axis=0)`, which is then read a few
batches at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from mlexp.errors import ConfigError, DataError
from mlexp.nn import hyperparameters
from mlexp.nn.batches import Coded, Rows, one_hot
from mlexp.nn.fit import Data, measure
from mlexp.nn.labels import class_weights, codes_of, scaled_weights
from mlexp.nn.losses import LOSSES, Loss
from mlexp.nn.network import Network
from mlexp.nn.perceptron import Perceptron, finite


@dataclass(eq=False, repr=False)
class PerceptronClassifier(Perceptron):
    """Classify with a multilayer perceptron trained by backpropagation.

    Parameters
    ----------
    output : {"softmax", "sigmoid"}, default "softmax"
        "sigmoid" is one output with the logistic function, for two classes.
    label_smoothing : float in [0, 1), default 0
    class_weight : None, "balanced" or dict, default None
        Weights of the classes; balanced is n / (n_classes n_class).
    others : see `Perceptron`

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    others : see `Perceptron`

    Examples
    --------
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] * 10)
    >>> y = np.array([0, 1, 1, 0] * 10)
    >>> model = PerceptronClassifier(hidden=[8], learning_rate=0.05, epochs=100).fit(X, y)
    >>> bool((model.predict(X) == y).all())
    True
    """

    output: str = "softmax"
    label_smoothing: float = 0.0
    class_weight: Any = None

    classes_: np.ndarray = field(init=False)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Make one more pass over some rows; the first call needs all `classes`, if `y` lacks some.

        Nothing is set apart for validation, and the weights of the last pass are kept.
        """
        return self._another_epoch(X, y, sample_weight, classes)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like or rows, shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), dtype of the model
        """
        P = self.loss_function().link(self.logits(X))
        return np.concatenate([1 - P, P], axis=1) if self.output == "sigmoid" else P

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row, shape (n_samples,), of the type of the labels."""
        codes = self.predict_proba(X).argmax(axis=1)
        labels: np.ndarray = self.classes_[codes]
        return labels

    def network(self, n_features: int) -> Network:
        """Return the network for the classes seen by `prepare`."""
        return self._built(n_features, len(self.classes_))

    def loss_function(self) -> Loss:
        """Return cross-entropy, of classes or of the one output."""
        return LOSSES["binary_cross_entropy" if self.output == "sigmoid" else "cross_entropy"]

    def _built(self, n_features: int, n_outputs: int) -> Network:
        hyperparameters.chosen("output", self.output, {"softmax": 0, "sigmoid": 0})
        if self.output == "softmax":
            return super()._built(n_features, n_outputs)
        if n_outputs != 2:
            raise ConfigError(f"'output' of a classifier may be sigmoid for 2 classes only. Got {n_outputs}.")
        return super()._built(n_features, 1)

    def _read(self, X: Any, y: Any, reset: bool, classes: Any = None) -> tuple[Rows, np.ndarray]:
        rows, labels = self._matched(X, y, reset, self._checked_labels)
        if reset:
            self.classes_ = np.unique(labels if classes is None else classes)
        return rows, codes_of(labels, self.classes_)

    def _checked_labels(self, y: Any) -> np.ndarray:
        """Return labels as an array of shape (n_samples,)."""
        labels = np.asarray(y)
        if labels.ndim != 1:
            raise DataError(f"Labels must be one for each row. Got an array of shape {labels.shape}.")
        return labels

    def _targets(self, values: np.ndarray, training: bool) -> Rows:
        smoothing = self.label_smoothing if training else 0.0
        table = one_hot(len(self.classes_), self.dtype, smoothing)
        return Coded(values, table[:, 1:] if self.output == "sigmoid" else table)

    def _weights(self, values: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        if self.class_weight is None:
            return super()._weights(values, sample_weight)
        weights = np.ones(len(values)) if sample_weight is None else np.asarray(sample_weight, np.float64)
        weights = weights * class_weights(self.class_weight, values, self.classes_)
        return scaled_weights(weights, len(values), self.dtype)


@dataclass(eq=False, repr=False)
class RealOutputs(Perceptron):
    """What the estimators share whose outputs are real numbers: the regressor and the autoencoder.

    Parameters
    ----------
    loss : {"mse", "mae", "huber", "binary_cross_entropy"}, default "mse"
        Means over rows and outputs; "mse" has no half: mean (y - t)².
    output : str, default "linear"
        Activation of the last layer; binary_cross_entropy takes logits and wants "linear".
    """

    loss: str = "mse"
    output: str = "linear"

    def predict(self, X: Any) -> np.ndarray:
        """Return the outputs of the network.

        Parameters
        ----------
        X : array-like or rows, shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs); of shape (n_samples,) if the targets were
        """
        Y = self.loss_function().link(self.logits(X))
        return Y[:, 0] if getattr(self, "flat_", False) else Y

    def loss_function(self) -> Loss:
        """Return the loss of that name."""
        return hyperparameters.number_loss(self.loss)

    @property
    def _last(self) -> str:
        return self.output


@dataclass(eq=False, repr=False)
class PerceptronRegressor(RealOutputs):
    """Predict one or more numbers with a multilayer perceptron trained by backpropagation.

    Parameters
    ----------
    dtype : {"float32", "float64"}, default "float64"
    others : see `RealOutputs` and `Perceptron`

    Attributes
    ----------
    n_outputs_ : int
    others : see `Perceptron`

    Examples
    --------
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> model = PerceptronRegressor(hidden=[16], learning_rate=0.01, epochs=300, patience=None).fit(X, X[:, 0] ** 2)
    >>> bool(np.abs(model.predict(X) - X[:, 0] ** 2).mean() < 0.05)
    True
    """

    dtype: str = "float64"

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Make one more pass over some rows, all for training; the weights of the last pass are kept."""
        return self._another_epoch(X, y, sample_weight)

    def _read(self, X: Any, y: Any, reset: bool, classes: Any = None) -> tuple[Rows, np.ndarray]:
        rows, T = self._matched(X, y, reset, self._checked_numbers)
        if reset:
            self.flat_, self.n_outputs_ = T.ndim == 1, 1 if T.ndim == 1 else T.shape[1]
        return rows, T.reshape(len(T), -1)

    def _checked_numbers(self, y: Any) -> np.ndarray:
        """Return targets of shape (n_samples,) or (n_samples, n_outputs) as floats."""
        return finite(y, ("float64", "float32"), (1, 2), "The target")


@dataclass(eq=False, repr=False)
class PerceptronAutoencoder(RealOutputs):
    """Learn to reproduce the input through a narrow layer; `transform` gives that layer's outputs.

    Parameters
    ----------
    hidden : sequence of int, default (64,)
        Widths from encoder to decoder; the first of the narrowest is the bottleneck.
    others : see `RealOutputs` and `Perceptron`

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 1)) @ np.ones((1, 4))
    >>> model = PerceptronAutoencoder(hidden=[1], activation="linear", learning_rate=0.01).fit(X)
    >>> model.transform(X).shape, model.inverse_transform(model.transform(X)).shape
    ((100, 1), (100, 4))
    """

    def fit(self, X: Any, y: Any = None, X_validation: Any = None, **hooks: Any) -> Self:  # type: ignore[override]
        """Train; `y` is ignored, the other parameters are those of `Perceptron.fit`."""
        return super().fit(X, None, X_validation, None, **hooks)

    def transform(self, X: Any) -> np.ndarray:
        """Return the outputs of the bottleneck.

        Parameters
        ----------
        X : array-like or rows, shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, width of the bottleneck)
        """
        return self.hidden_outputs(X)[self._bottleneck]

    def inverse_transform(self, codes: Any) -> np.ndarray:
        """Decode outputs of the bottleneck, shape (n_samples, width); return (n_samples, n_features)."""
        views = self._views()
        H = finite(codes, (self.dtype,), (2,), "The code")[None]
        start = self.network_.hidden[self._bottleneck] + 1
        return self.loss_function().link(self.network_.outputs(views, H, start)[-1][0])

    def score(self, X: Any, y: Any = None) -> float:
        """Return minus the mean loss of the reproduction: higher is better."""
        data = Data(self._rows(X, reset=False), None)
        return -float(measure(self.network_, self.loss_function(), self._views(), data).loss[0])

    @property
    def _bottleneck(self) -> int:
        return hyperparameters.narrowest(self.hidden)

    def _read(self, X: Any, y: Any, reset: bool, classes: Any = None) -> tuple[Rows, np.ndarray]:
        rows = self._rows(X, reset=reset)
        if reset:
            self.n_outputs_ = rows.shape[1]
            hyperparameters.narrowest(self.hidden)
        return rows, np.zeros(rows.shape[0])

    def _targets(self, values: np.ndarray, training: bool) -> None:
        return None
