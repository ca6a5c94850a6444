"""The engine in scikit-learn's clothes: `MLPClassifier`, `MLPRegressor`, `Autoencoder`.

Constructors only store; everything is checked in `fit`. `X` may be an array, a data frame, a memory
map or any object with `.shape` and `.take(indices, axis=0)`, which is then read a few batches at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    RegressorMixin,
    TransformerMixin,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d

from mlexp.nn import hyperparameters
from mlexp.nn.batches import Rows
from mlexp.nn.fit import Data, measure
from mlexp.nn.kinds import ToClasses, ToNumbers
from mlexp.nn.labels import codes_of, scaled_weights, set_apart
from mlexp.nn.stack import Options, Parts, fit_stack, need_targets, subset
from mlexp.nn.state import State

Fitted = TypeVar("Fitted", bound="MLPClassifier | MLPRegressor | Autoencoder")
OnEpoch = Callable[[dict[str, float], float], "bool | None"]


@dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, BaseEstimator, ToClasses):  # type: ignore[misc]
    """Classify with a multilayer perceptron trained by backpropagation.

    Parameters
    ----------
    all : see `ToClasses` and `Perceptron`

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    others : see `Perceptron`

    Examples
    --------
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] * 10)
    >>> y = np.array([0, 1, 1, 0] * 10)
    >>> model = MLPClassifier(hidden=[8], learning_rate=0.05, epochs=100).fit(X, y)
    >>> model.score(X, y)
    1.0
    """

    def fit(
        self,
        X: Any,
        y: Any,
        X_validation: Any = None,
        y_validation: Any = None,
        *,
        sample_weight: Any = None,
        n_classes: int | None = None,
        on_epoch: OnEpoch | None = None,
        should_stop: Callable[[], bool] | None = None,
        on_state: Callable[[State], None] | None = None,
        resume: Mapping[str, np.ndarray] | None = None,
    ) -> Self:
        """Train.

        Parameters
        ----------
        X : array-like or rows, shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels of any kind; with `n_classes`, codes 0 .. n_classes - 1.
        X_validation, y_validation : the same, optional
            Early stopping and the choice of the best epoch look at these. Without them
            `validation_fraction` of the rows is set apart.
        sample_weight : array-like of shape (n_samples,), optional
            Scaled to mean 1; the loss is the mean of weight times loss.
        n_classes : int, optional
            Number of classes where some may have no row; `y` then holds codes.
        on_epoch : function (record, seconds) -> bool or None, optional
            Called after each epoch; True stops.
        should_stop : function () -> bool, optional
            Asked after each epoch; True interrupts.
        on_state : function (state) -> None, optional
            Called after each epoch with the complete state, for a checkpoint.
        resume : mapping of name to ndarray, optional
            `State.to_arrays` of an earlier, unfinished fit on the same data: go on from there.

        Returns
        -------
        the fitted model
        """
        return _fit(
            self,
            X,
            y,
            X_validation,
            y_validation,
            sample_weight=sample_weight,
            n_classes=n_classes,
            on_epoch=on_epoch,
            should_stop=should_stop,
            on_state=on_state,
            resume=resume,
        )

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Make one more pass over some rows; the first call needs all `classes`, if `y` lacks some.

        Nothing is set apart for validation, and the weights of the last pass are kept.
        """
        first = not hasattr(self, "state_")
        rows = self._rows(X, reset=first)
        labels = column_or_1d(y, warn=True)
        if first:
            check_classification_targets(labels)
            self.classes_ = np.unique(labels if classes is None else classes)
        codes = codes_of(labels, self.classes_)
        self._another_epoch(Data(rows, self._targets(codes, True), self._weights(codes, sample_weight)))
        return self

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
        """Return the most probable class of each row.

        Parameters
        ----------
        X : array-like or rows, shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), of the type of the labels
        """
        codes = self.predict_proba(X).argmax(axis=1)
        labels: np.ndarray = self.classes_[codes]
        return labels

    def prepare(self, X: Any, y: Any, X_validation: Any, y_validation: Any, options: Options) -> Parts:
        """Check the data, learn the classes, and return training and validation part."""
        rows, codes = self._read(X, y, options["n_classes"])
        train = Data(rows, self._targets(codes, True), self._weights(codes, options["sample_weight"]))
        if X_validation is not None:
            others, seen = self._rows(X_validation, reset=False), codes_of(y_validation, self.classes_)
            return train, Data(others, self._targets(seen, False), self._weights(seen, None))
        kept, held = set_apart(codes, self.validation_fraction)
        if not len(held):
            return train, None
        return (
            subset(train, kept, self._targets(codes[kept], True)),
            subset(train, held, self._targets(codes[held], False)),
        )

    def _read(self, X: Any, y: Any, n_classes: int | None) -> tuple[Rows, np.ndarray]:
        """Check the training part, learn the classes, and return rows and class numbers."""
        rows = self._rows(X, reset=True)
        need_targets(self, y)
        y = column_or_1d(y, warn=True)
        if len(y) != rows.shape[0]:
            raise ValueError(f"X has {rows.shape[0]} rows and y has {len(y)}; they must be equal.")
        if n_classes is None:
            check_classification_targets(y)
            self.classes_, codes = np.unique(y, return_inverse=True)
            return rows, codes
        self.classes_ = np.arange(n_classes)
        return rows, codes_of(y, self.classes_)


@dataclass(eq=False, repr=False)
class MLPRegressor(RegressorMixin, BaseEstimator, ToNumbers):  # type: ignore[misc]
    """Predict one or more numbers with a multilayer perceptron trained by backpropagation.

    Parameters
    ----------
    dtype : {"float32", "float64"}, default "float64"
    others : see `ToNumbers` and `Perceptron`

    Attributes
    ----------
    n_outputs_ : int
    others : see `Perceptron`

    Examples
    --------
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> model = MLPRegressor(hidden=[16], learning_rate=0.01, epochs=300, patience=None).fit(X, X[:, 0] ** 2)
    >>> bool(model.score(X, X[:, 0] ** 2) > 0.95)
    True
    """

    dtype: str = "float64"

    def fit(
        self,
        X: Any,
        y: Any,
        X_validation: Any = None,
        y_validation: Any = None,
        *,
        sample_weight: Any = None,
        **hooks: Any,
    ) -> Self:
        """Train; `y` has shape (n_samples,) or (n_samples, n_outputs).

        The other parameters are those of `MLPClassifier.fit` (on_epoch, should_stop, on_state, resume).
        """
        return _fit(self, X, y, X_validation, y_validation, sample_weight=sample_weight, **hooks)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Make one more pass over some rows, all for training; the weights of the last pass are kept."""
        rows, T = self._read(X, y, reset=not hasattr(self, "state_"))
        weights = None if sample_weight is None else scaled_weights(sample_weight, len(T), self.dtype)
        self._another_epoch(Data(rows, T, weights))
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X: Any) -> np.ndarray:
        """Return the predicted numbers.

        Parameters
        ----------
        X : array-like or rows, shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs), as `y` was
        """
        Y = self.loss_function().link(self.logits(X))
        return Y[:, 0] if self.flat_ else Y

    def prepare(self, X: Any, y: Any, X_validation: Any, y_validation: Any, options: Options) -> Parts:
        """Check the data and return training and validation part."""
        rows, T = self._read(X, y, reset=True)
        weights = options["sample_weight"]
        train = Data(rows, T, None if weights is None else scaled_weights(weights, len(T), self.dtype))
        if X_validation is not None:
            others = check_array(y_validation, ensure_2d=False, input_name="y_validation")
            return train, Data(self._rows(X_validation, reset=False), others.reshape(len(others), -1))
        kept, held = set_apart(T[:, 0], self.validation_fraction)
        return subset(train, kept, T[kept]), subset(train, held, T[held]) if len(held) else None

    def _read(self, X: Any, y: Any, reset: bool) -> tuple[Rows, np.ndarray]:
        """Check features and targets; return rows and targets (n, n_outputs)."""
        rows = self._rows(X, reset=reset)
        need_targets(self, y)
        T = check_array(y, ensure_2d=False, dtype=["float64", "float32"], input_name="y")
        if len(T) != rows.shape[0]:
            raise ValueError(f"X has {rows.shape[0]} rows and y has {len(T)}; they must be equal.")
        if reset:
            self.flat_, self.n_outputs_ = T.ndim == 1, 1 if T.ndim == 1 else T.shape[1]
        return rows, T.reshape(len(T), -1)


@dataclass(eq=False, repr=False)
class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ToNumbers):  # type: ignore[misc]
    """Learn to reproduce the input through a narrow layer; `transform` gives that layer's outputs.

    Parameters
    ----------
    hidden : sequence of int, default (64,)
        Widths from encoder to decoder; the first of the narrowest is the bottleneck.
    others : see `ToNumbers` and `Perceptron`

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 1)) @ np.ones((1, 4))
    >>> model = Autoencoder(hidden=[1], activation="linear", learning_rate=0.01).fit(X)
    >>> model.transform(X).shape, model.inverse_transform(model.transform(X)).shape
    ((100, 1), (100, 4))
    """

    def fit(self, X: Any, y: Any = None, X_validation: Any = None, **hooks: Any) -> Self:
        """Train; `y` is ignored, the other parameters are those of `MLPClassifier.fit`."""
        return _fit(self, X, None, X_validation, None, **hooks)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = [self.dtype]
        return tags

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
        """Decode outputs of the bottleneck.

        Parameters
        ----------
        codes : array-like of shape (n_samples, width of the bottleneck)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        views = self._views()
        H = check_array(codes, dtype=self.dtype)[None]
        start = self.network_.hidden[self._bottleneck] + 1
        return self.loss_function().link(self.network_.outputs(views, H, start)[-1][0])

    def predict(self, X: Any) -> np.ndarray:
        """Return the reproduced input.

        Parameters
        ----------
        X : array-like or rows, shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        return self.loss_function().link(self.logits(X))

    def score(self, X: Any, y: Any = None) -> float:
        """Return minus the mean loss of the reproduction: higher is better.

        Parameters
        ----------
        X : array-like or rows, shape (n_samples, n_features)
        """
        views = self._views()
        data = Data(self._rows(X, reset=False), None)
        return -float(measure(self.network_, self.loss_function(), views, data).loss[0])

    def prepare(self, X: Any, y: Any, X_validation: Any, y_validation: Any, options: Options) -> Parts:
        """Check the data and return training and validation part."""
        rows = self._rows(X, reset=True)
        self.n_outputs_ = rows.shape[1]
        hyperparameters.narrowest(self.hidden)
        if X_validation is not None:
            return Data(rows, None), Data(self._rows(X_validation, reset=False), None)
        kept, held = set_apart(np.zeros(rows.shape[0]), self.validation_fraction)
        train = Data(rows, None)
        return subset(train, kept, None), subset(train, held, None) if len(held) else None

    @property
    def _bottleneck(self) -> int:
        return hyperparameters.narrowest(self.hidden)

    @property
    def _n_features_out(self) -> int:
        return self.hidden[self._bottleneck]


def _fit(model: Fitted, *data: Any, on_epoch: OnEpoch | None = None, **hooks: Any) -> Fitted:
    """Train one model as a stack of one."""

    def tell(replica: int, record: dict[str, float], seconds: float) -> bool | None:
        return None if on_epoch is None else on_epoch(record, seconds)

    fit_stack([model], *data, on_epoch=tell, **hooks)
    return model
