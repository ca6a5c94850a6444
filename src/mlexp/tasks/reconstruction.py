"""Autoencoders with one face: the engine's own, and scikit-learn's MLPRegressor taught its own input."""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from mlexp import models
from mlexp.config.schema import Config, Model
from mlexp.errors import ConfigError, DataError
from mlexp.guarded import guarded
from mlexp.schema import Config, Model

CHUNK = 4096  # rows that are rebuilt at a time
THEIR_FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda z: z,
    "logistic": lambda z: np.asarray(1 / (1 + np.exp(-z))),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}


def build(config: Config) -> Any:
    """Return the unfitted autoencoder of the configuration."""
    node = config.model
    path = models.class_path(node.name, "autoencoder", config.trusted_packages)
    engine = path.startswith(models.ENGINE)
    if not engine and not path.endswith(".MLPRegressor"):
        raise ConfigError(
            f"model.name={node.name} is no autoencoder. Models for it: autoencoder, sklearn_mlp."
        )
    own: dict[str, Any] = {"output": "sigmoid" if node.output == "sigmoid" else "linear"} if engine else {}
    own |= {} if engine else models.by_passes(node, None)
    model = models.build(node, "autoencoder", seed=config.seed, trusted=config.trusted_packages, **own)
    return model if engine else TheirCoder(model, node, config.seed)


class TheirCoder:
    """scikit-learn's MLPRegressor as an autoencoder, one pass at a time, so that every epoch is on record."""

    def __init__(self, regressor: Any, node: Model, seed: int) -> None:
        # With a number for a seed, each partial_fit would draw the same order of the rows again.
        self.regressor = regressor.set_params(random_state=np.random.RandomState(seed))
        self.node = node
        self.history_: list[dict[str, float]] = []
        self.best_epoch_ = 0
        self.status_ = "epochs"

    @property
    def hidden(self) -> list[int]:
        """Widths of the hidden layers."""
        return list(np.atleast_1d(self.regressor.hidden_layer_sizes))

    def plan(self, n_features: int, n_outputs: int) -> list[dict[str, Any]]:
        """Return one row (layer, outputs, parameters) for each layer."""
        widths = [n_features, *self.hidden, n_outputs]
        return [
            {"layer": f"Dense({n})", "outputs": int(n), "parameters": int((m + 1) * n)}
            for m, n in itertools.pairwise(widths)
        ]

    def fit(
        self,
        X: Any,
        X_validation: Any,
        on_epoch: Callable[[dict[str, float], float], None],
        should_stop: Callable[[], bool],
        **hooks: Any,
    ) -> Self:
        """Train; losses are those after each epoch, without the half of scikit-learn's own."""
        whole, best, kept = np.asarray(X), math.inf, None
        self.regressor.set_params(**models.by_passes(self.node, len(whole)))
        for epoch in range(1, self.node.epochs + 1):
            begun = time.perf_counter()
            if not self._another_pass(whole):
                self.status_ = "diverged"
                break
            loss = squared_error(self, X_validation)
            row = {"epoch": epoch, "train_loss": squared_error(self, X), "validation_loss": loss}
            self.history_.append(row)
            on_epoch(row, time.perf_counter() - begun)
            if loss < best:
                best, self.best_epoch_ = loss, epoch
                kept = copy.deepcopy((self.regressor.coefs_, self.regressor.intercepts_))
            if should_stop():
                self.status_ = "interrupted"
                break
            if self.node.patience is not None and epoch - self.best_epoch_ >= self.node.patience:
                self.status_ = "patience"
                break
        if kept is not None and self.node.restore_best:
            self.regressor.coefs_, self.regressor.intercepts_ = kept
        return self

    def _another_pass(self, X: np.ndarray) -> bool:
        """Return whether the weights are still finite after one more pass."""
        try:
            with guarded(f"model={self.node.name}", self.node.params):
                self.regressor.partial_fit(X, X)
        except (ConfigError, DataError) as error:
            if "non-finite" not in str(error):
                raise
            return False
        return True

    @property
    def n_parameters_(self) -> int:
        """Number of trained parameters."""
        return int(sum(array.size for array in (*self.regressor.coefs_, *self.regressor.intercepts_)))

    def hidden_outputs(self, X: Any) -> list[np.ndarray]:
        """Return the outputs of every hidden layer."""
        return self._forward(np.asarray(X), 0)[:-1]

    def transform(self, X: Any) -> np.ndarray:
        """Return the outputs of the narrowest layer."""
        return self.hidden_outputs(X)[self._bottleneck]

    def inverse_transform(self, codes: Any) -> np.ndarray:
        """Decode outputs of the narrowest layer."""
        return self._forward(np.asarray(codes), self._bottleneck + 1)[-1]

    def predict(self, X: Any) -> np.ndarray:
        """Return the reproduced input."""
        return self._forward(np.asarray(X), 0)[-1]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return weights and biases."""
        kinds = {"W": self.regressor.coefs_, "b": self.regressor.intercepts_}
        return {f"{kind}{k}": array for kind, arrays in kinds.items() for k, array in enumerate(arrays)}

    def restored(self, arrays: Mapping[str, np.ndarray]) -> Self:
        """Take over what `to_arrays` gave."""
        layers = range(len(self.hidden) + 1)
        self.regressor.coefs_ = [arrays[f"W{k}"] for k in layers]
        self.regressor.intercepts_ = [arrays[f"b{k}"] for k in layers]
        widths = [self.regressor.coefs_[0].shape[0], *self.hidden, self.regressor.coefs_[0].shape[0]]
        for k, (W, b) in enumerate(zip(self.regressor.coefs_, self.regressor.intercepts_, strict=True)):
            shapes = ((widths[k], widths[k + 1]), (widths[k + 1],))
            if (W.shape, b.shape) != shapes or {W.dtype.kind, b.dtype.kind} != {"f"}:
                raise ValueError(f"W{k} and b{k} must have shapes {shapes}. Got {W.shape} and {b.shape}.")
        return self

    @property
    def _bottleneck(self) -> int:
        return int(np.argmin(self.hidden))

    def _forward(self, X: np.ndarray, start: int) -> list[np.ndarray]:
        """Return the output of every layer from `start` on; the last one is linear."""
        function = THEIR_FUNCTIONS[self.regressor.activation]
        found = []
        layers = list(zip(self.regressor.coefs_, self.regressor.intercepts_, strict=True))
        for place, (W, b) in enumerate(layers[start:], start):
            X = X @ W + b
            X = X if place == len(layers) - 1 else function(X)
            found.append(X)
        return found


def squared_error(coder: Any, X: Any) -> float:
    """Return the mean over rows and features of the squared error of the reproduction."""
    return float(row_errors(coder, X).mean())


def row_errors(coder: Any, X: Any) -> np.ndarray:
    """Return the squared error of each row, the mean over its features, float64."""
    errors = np.empty(len(X))
    for start in range(0, len(X), CHUNK):
        rows = X[start : start + CHUNK]
        errors[start : start + len(rows)] = np.square(coder.predict(rows) - rows).mean(
            axis=1, dtype=np.float64
        )
    return errors


def reconstruction_scores(X: Any, rebuild: Callable[[np.ndarray], np.ndarray]) -> dict[str, float]:
    """Score the reproduction of rows, a chunk at a time.

    mse is the mean over rows and features. R² of a feature is 1 - SSE / SST with the mean of these rows;
    r2 is the plain average over features (scikit-learn's "uniform_average", where a constant feature counts
    1 if it is exact and 0 if not), r2_weighted is 1 - (sum of SSE) / (sum of SST).
    """
    centre = np.asarray(X[:CHUNK], np.float64).mean(axis=0)  # keeps the digits of features far from zero
    error, total, squares = (np.zeros_like(centre) for _ in range(3))
    for start in range(0, len(X), CHUNK):
        rows = X[start : start + CHUNK]
        error += np.square(np.asarray(rebuild(rows), np.float64) - rows).sum(axis=0)
        total += (rows - centre).sum(axis=0)
        squares += np.square(rows - centre).sum(axis=0)
    spread = squares - total**2 / len(X)
    spread[spread <= 1e-12 * squares] = 0
    share = np.divide(error, spread, out=np.where(error > 0, 1.0, 0.0), where=spread > 0)
    return {
        "mse": float(error.sum() / error.size / len(X)),
        "r2": float(1 - share.mean()),
        "r2_weighted": float(1 - error.sum() / spread.sum()) if spread.any() else 0.0,
    }
