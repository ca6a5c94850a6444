"""Two kinds of answer: classes and numbers, with their losses, last layers and targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlexp.errors import ConfigError
from mlexp.nn import hyperparameters
from mlexp.nn.batches import Coded, Rows, one_hot
from mlexp.nn.labels import class_weights, scaled_weights
from mlexp.nn.losses import LOSSES, Loss
from mlexp.nn.network import Network
from mlexp.nn.perceptron import Perceptron


@dataclass(eq=False, repr=False)
class ToClasses(Perceptron):
    """What a classifier adds.

    Parameters
    ----------
    output : {"softmax", "sigmoid"}, default "softmax"
        "sigmoid" is one output with the logistic function, for two classes.
    label_smoothing : float in [0, 1), default 0
    class_weight : None, "balanced" or dict, default None
        Weights of the classes; balanced is n / (n_classes n_class).
    """

    output: str = "softmax"
    label_smoothing: float = 0.0
    class_weight: Any = None

    classes_: np.ndarray = field(init=False)

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
            raise ConfigError(
                f"'output' of MLPClassifier may be sigmoid for 2 classes only. Got {n_outputs}."
            )
        return super()._built(n_features, 1)

    def _weights(self, codes: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        """Return the weight of each row, or None if all are equal."""
        if sample_weight is None and self.class_weight is None:
            return None
        weights = np.ones(len(codes)) if sample_weight is None else np.asarray(sample_weight, np.float64)
        if self.class_weight is not None:
            weights = weights * class_weights(self.class_weight, codes, self.classes_)
        return scaled_weights(weights, len(codes), self.dtype)

    def _targets(self, codes: np.ndarray, training: bool) -> Rows:
        smoothing = self.label_smoothing if training else 0.0
        if self.output == "sigmoid":
            return Coded(codes, one_hot(2, self.dtype, smoothing)[:, 1:])
        return Coded(codes, one_hot(len(self.classes_), self.dtype, smoothing))


@dataclass(eq=False, repr=False)
class ToNumbers(Perceptron):
    """What the estimators share that give numbers and not classes.

    Parameters
    ----------
    loss : {"mse", "mae", "huber", "binary_cross_entropy"}, default "mse"
        Means over rows and outputs; "mse" has no half: mean (y - t)².
    output : str, default "linear"
        Activation of the last layer; binary_cross_entropy takes logits and wants "linear".
    """

    loss: str = "mse"
    output: str = "linear"

    def loss_function(self) -> Loss:
        """Return the loss of that name."""
        return hyperparameters.number_loss(self.loss)

    @property
    def _last(self) -> str:
        return self.output
