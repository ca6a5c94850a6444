"""scikit-learn's networks with the `fit` of the engine: one `partial_fit` is one epoch, each on record."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from mlexp.config.schema import Model
from mlexp.errors import ConfigError, DataError
from mlexp.metrics import correct_rows, label_scores, log_loss_rows, regression_scores
from mlexp.models.guarded import guarded
from mlexp.nn.network import perceptron
from mlexp.nn.state import CALLBACK, DIVERGED, EPOCHS, INTERRUPTED, PATIENCE

CHUNK = 4096  # rows that are reconstructed at a time
ACTIVATIONS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "linear": ("identity", lambda z: z),
    "sigmoid": ("logistic", lambda z: np.asarray(1 / (1 + np.exp(-z)))),
    "tanh": ("tanh", np.tanh),
    "relu": ("relu", lambda z: np.maximum(z, 0)),
}  # name in the configuration -> scikit-learn's name, and the function
SET_ELSEWHERE = {
    "hidden_layer_sizes": "model.hidden",
    "max_iter": "model.epochs",
    "solver": "model.optimizer",
    "early_stopping": "model.patience",
    "n_iter_no_change": "model.patience",
    "tol": "model.patience",
    "validation_fraction": "split.validation",
    "warm_start": "model.epochs",
}  # parameters that have no effect, or a wrong one, where the network is trained epoch by epoch


def settings(model: Model) -> dict[str, Any]:
    """Return the keys of the node that scikit-learn's networks have too, in its words.

    scikit-learn divides its penalty `alpha` by the rows of a batch; `l2` here is not divided.

    Raises
    ------
    ConfigError
        A value that scikit-learn does not know, or a parameter for which the node has its own key.
    """
    for name, cure in SET_ELSEWHERE.items():
        if name in model.params:
            raise ConfigError(f"model.params.{name} is not used by model=sklearn_mlp here: set {cure}.")
    if not isinstance(model.activation, str) or model.activation not in ACTIVATIONS:
        raise ConfigError(
            f"model.activation must be one of {', '.join(ACTIVATIONS)} with model=sklearn_mlp. "
            f"Got {model.activation!r}."
        )
    if model.optimizer not in ("adam", "sgd"):
        raise ConfigError(
            f"model.optimizer must be adam or sgd with model=sklearn_mlp. Got {model.optimizer!r}."
        )
    if model.batch_size == "full":
        raise ConfigError("model.batch_size must be a whole number with model=sklearn_mlp. Got 'full'.")
    return {
        "hidden_layer_sizes": tuple(model.hidden),
        "activation": ACTIVATIONS[model.activation][0],
        "solver": model.optimizer,
        "learning_rate_init": model.learning_rate,
        "momentum": model.momentum,
        "nesterovs_momentum": model.nesterov,
        "epsilon": 1e-8 if model.epsilon is None else model.epsilon,
        "batch_size": model.batch_size,
        "alpha": model.l2 * model.batch_size,
    }


def layers(network: Any, n_features: int, n_outputs: int) -> list[dict[str, Any]]:
    """Return one row for each dense layer of a network of scikit-learn; see `nn.network.Network.summary`."""
    hidden = np.atleast_1d(network.hidden_layer_sizes).tolist()
    rows = perceptron(n_features, hidden, n_outputs).summary()
    return [row for row in rows if row["parameters"]]


class EpochByEpoch:
    """A network of scikit-learn, trained as the engine's estimators are.

    Parameters
    ----------
    network : MLPClassifier or MLPRegressor of scikit-learn, not fitted
    node : the `model` node, whose epochs, patience and restore_best rule the training
    seed : of the order of the rows

    Attributes
    ----------
    history_, best_epoch_, status_, n_parameters_ : as of the engine's estimators
    warnings_ : what scikit-learn said while it trained, each sentence once
    """

    def __init__(self, network: Any, node: Model, seed: int) -> None:
        self.network, self.node, self.seed = network, node, seed
        self.history_: list[dict[str, float]] = []
        self.warnings_: list[str] = []
        self.metrics: tuple[str, ...] = ()
        self.best_epoch_ = 0
        self.status_ = EPOCHS

    def plan(self, n_features: int, n_outputs: int) -> list[dict[str, Any]]:
        """Return one row for each layer."""
        return layers(self.network, n_features, n_outputs)

    @property
    def n_parameters_(self) -> int:
        """Number of trained parameters."""
        return int(sum(array.size for array in (*self.network.coefs_, *self.network.intercepts_)))

    @property
    def n_biases_(self) -> int:
        """Number of them that are biases."""
        return int(sum(array.size for array in self.network.intercepts_))

    def fit(
        self,
        X: Any,
        y: Any = None,
        X_validation: Any = None,
        y_validation: Any = None,
        *,
        n_classes: int | None = None,
        metrics: Sequence[str] = (),
        on_epoch: Callable[[dict[str, float], float], bool | None] | None = None,
        should_stop: Callable[[], bool] | None = None,
        **others: Any,
    ) -> Self:
        """Train; losses are those after each epoch, without the half of scikit-learn's own.

        The parameters are those of the engine's `fit`. There is no state to go on from: of `others`, `on_state` is
        never called, and `resume` starts from the beginning; nor is `on_diagnosis`, for its gradients are not at hand.
        """
        self.metrics = tuple(metrics)
        rows, targets = np.asarray(X), self._targets(X, y)
        held = None if X_validation is None else np.asarray(X_validation)
        seen = None if held is None else self._targets(held, y_validation)
        own = {} if n_classes is None else {"classes": np.arange(n_classes)}
        # With a number for a seed, each partial_fit would draw the same order of the rows again.
        self.network.set_params(**self._of_size(len(rows)), random_state=np.random.RandomState(self.seed))
        best, kept = math.inf, None
        sets = {"train": (rows, targets)} | ({} if held is None else {"validation": (held, seen)})
        for epoch in range(1, self.node.epochs + 1):
            begun = time.perf_counter()
            row = {"epoch": epoch} | self._epoch(sets, own if epoch == 1 else {})
            self.history_.append(row)
            if not math.isfinite(row["train_loss"]):
                self.status_ = DIVERGED
                break
            enough = on_epoch is not None and on_epoch(row, time.perf_counter() - begun)
            loss = row.get("validation_loss", -epoch)
            if loss < best:
                best, self.best_epoch_ = loss, epoch
                if self.node.restore_best:
                    kept = copy.deepcopy((self.network.coefs_, self.network.intercepts_))
            if should_stop is not None and should_stop():
                self.status_ = INTERRUPTED
            elif enough:
                self.status_ = CALLBACK
            elif self.node.patience is not None and epoch - self.best_epoch_ >= self.node.patience:
                self.status_ = PATIENCE
            if self.status_ != EPOCHS:
                break
        if kept is not None:
            self.network.coefs_, self.network.intercepts_ = kept
        self.network.set_params(random_state=self.seed)
        return self

    def losses(self, X: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        """Return the loss of some rows, the accuracy of a classifier, and the further metrics."""
        if not hasattr(self.network, "predict_proba"):
            predicted = self.network.predict(X)
            found = regression_scores(targets, predicted) if self.metrics else {}
            further = {name: found.get(name, math.nan) for name in self.metrics}
            return {"loss": float(np.square(targets - predicted).mean())} | further
        probability = self.network.predict_proba(X)
        classes = probability.argmax(axis=1)
        loss = float(log_loss_rows(targets, probability).mean(dtype=np.float64))
        found = label_scores(targets, classes, probability.shape[1]) if self.metrics else {}
        further = {name: found[f"macro_{name}"] for name in self.metrics}
        return {"loss": loss, "accuracy": float(correct_rows(targets, classes).mean())} | further

    def _targets(self, X: Any, y: Any) -> np.ndarray:
        return np.asarray(y)

    def _of_size(self, n_rows: int) -> dict[str, Any]:
        """Return the parameters that hang on the number of rows: a batch never has more than there are.

        scikit-learn divides its penalty `alpha` by the rows of a batch.
        """
        size = self.node.params.get("batch_size", self.node.batch_size)
        if not isinstance(size, int):
            return {}
        own: dict[str, Any] = {"batch_size": min(size, n_rows)}
        return own if "alpha" in self.node.params else own | {"alpha": self.node.l2 * own["batch_size"]}

    def _epoch(self, sets: dict[str, Any], classes: dict[str, np.ndarray]) -> dict[str, float]:
        """Train once through the rows and return the losses; an infinite one where the weights are not finite."""
        name, params = f"model={self.node.name}", self.node.params
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                with guarded(name, params) as said:
                    self.network.partial_fit(*sets["train"], **classes)
                self.warnings_ = list(dict.fromkeys([*self.warnings_, *said]))
                with guarded(name, params, "predict"):
                    losses = {part: self.losses(*data) for part, data in sets.items()}
        except (ConfigError, DataError) as error:
            if "non-finite" not in str(error):
                raise
            return {"train_loss": math.inf}
        return {
            f"{part}_{metric}": value for part, found in losses.items() for metric, value in found.items()
        }


class SklearnAutoencoder(EpochByEpoch):
    """scikit-learn's MLPRegressor, taught its own input, with the methods of the engine's autoencoder."""

    @property
    def hidden(self) -> list[int]:
        """Widths of the hidden layers."""
        return list(np.atleast_1d(self.network.hidden_layer_sizes))

    def losses(self, X: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        """Return the squared error of the reconstruction."""
        return {"loss": float(reconstruction_errors(self, X).mean())}

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
        """Return the reconstructed input."""
        return self._forward(np.asarray(X), 0)[-1]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return weights and biases."""
        kinds = {"W": self.network.coefs_, "b": self.network.intercepts_}
        return {f"{kind}{k}": array for kind, arrays in kinds.items() for k, array in enumerate(arrays)}

    def restored(self, arrays: Mapping[str, np.ndarray]) -> Self:
        """Take over what `to_arrays` gave."""
        places = range(len(self.hidden) + 1)
        self.network.coefs_ = [arrays[f"W{k}"] for k in places]
        self.network.intercepts_ = [arrays[f"b{k}"] for k in places]
        widths = [self.network.coefs_[0].shape[0], *self.hidden, self.network.coefs_[0].shape[0]]
        for k, (W, b) in enumerate(zip(self.network.coefs_, self.network.intercepts_, strict=True)):
            shapes = ((widths[k], widths[k + 1]), (widths[k + 1],))
            if (W.shape, b.shape) != shapes or {W.dtype.kind, b.dtype.kind} != {"f"}:
                raise ValueError(f"W{k} and b{k} must have shapes {shapes}. Got {W.shape} and {b.shape}.")
        return self

    @property
    def _bottleneck(self) -> int:
        return int(np.argmin(self.hidden))

    def _targets(self, X: Any, y: Any) -> np.ndarray:
        return np.asarray(X)

    def _forward(self, X: np.ndarray, start: int) -> list[np.ndarray]:
        """Return the output of every layer from `start` on; the last one is linear."""
        function = dict(ACTIVATIONS.values())[self.network.activation]
        found = []
        last = len(self.network.coefs_) - 1
        for place in range(start, last + 1):
            X = X @ self.network.coefs_[place] + self.network.intercepts_[place]
            X = X if place == last else function(X)
            found.append(X)
        return found


def reconstruction_errors(autoencoder: Any, X: Any) -> np.ndarray:
    """Return the squared error of each row's reconstruction, the mean over its features, float64."""
    errors = np.empty(len(X))
    for start in range(0, len(X), CHUNK):
        rows = X[start : start + CHUNK]
        errors[start : start + len(rows)] = np.square(autoencoder.predict(rows) - rows).mean(
            axis=1, dtype=np.float64
        )
    return errors
