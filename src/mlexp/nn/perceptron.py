"""Parameters, prediction and storage that all networks of the engine share."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mlexp.errors import DataError
from mlexp.nn import hyperparameters, stack
from mlexp.nn.batches import Rows, Subset, chunks, read
from mlexp.nn.fit import Data, fit
from mlexp.nn.labels import scaled_weights, set_apart
from mlexp.nn.losses import Loss
from mlexp.nn.network import Network, perceptron
from mlexp.nn.state import RUNNING, State, begin

OnEpoch = Callable[[dict[str, float], float], "bool | None"]
FEATURE_TYPES = ("float32", "float64", "uint8")
STORED = tuple(name for name in stack.LEARNT if name != "feature_names_in_")


@dataclass(eq=False, repr=False)
class Perceptron:
    """What all networks of the engine share; scikit-learn's own part is added in `estimators.py`.

    Parameters
    ----------
    hidden : sequence of int, default (64,)
        Widths of the hidden layers; may be empty.
    activation : str, pair of functions, or a list with one for each hidden layer, default "relu"
    init, bias_init : str or function, default "auto" and "zeros"
        Initial weights and biases; "auto" is he before relu and its kin, xavier elsewhere.
    bias : bool, default True
    dropout, input_dropout : float in [0, 1), default 0
        Share of each hidden layer's outputs, and of the inputs, that is dropped while training.
    batch_norm : bool, default False
        Batch normalisation before each hidden activation.
    optimizer : {"adam", "sgd", "rmsprop", "adagrad", "adamw"}, default "adam"
    learning_rate : float, default 1e-3
    momentum, nesterov : float in [0, 1) and bool, default 0 and False
        For sgd.
    epsilon : float above 0 or None, default None
        What adam, adamw, rmsprop and adagrad add to the root of the mean square; None: 1e-8, adagrad 1e-10.
    decay : float, default 0.01
        Decoupled weight decay of adamw.
    schedule, schedule_options : str and dict, default "constant" and None
        How the learning rate changes by epoch; see `mlexp.nn.schedules`.
    batch_size : int or "full", default 32
    epochs : int, default 200
    patience : int or None, default 10
        Epochs without a better validation loss before training stops; None is never.
    restore_best : bool, default True
        End with the weights of the best validation loss.
    l1, l2 : float, default 0
        Coefficients of |W| and W²/2 added to the loss of a batch, weights only.
    reduction : {"mean", "sum"}, default "mean"
        Of the losses of a batch's rows.
    drop_last : bool, default False
        Leave out the last batch of an epoch if it is smaller than the others.
    clip_norm, max_norm : float or None, default None
        Largest length of the gradient, and of the weights that enter one unit.
    validation_fraction : float in [0, 1), default 0.1
        Rows set apart when `fit` is given no validation part; evenly over the targets, the same for every seed.
    dtype : {"float32", "float64"}, default "float32"
    seed : int, default 0

    Attributes
    ----------
    history_ : list of one record (losses, accuracies, learning rate) for each epoch
    seconds_ : list of the seconds of each epoch
    best_epoch_ : int, counted from 1; the last epoch where there was no validation part
    status_ : why training stopped: patience, epochs, interrupted, diverged or callback
    state_ : State, from which training can go on
    """

    hidden: Sequence[int] = (64,)
    activation: Any = "relu"
    init: Any = "auto"
    bias_init: Any = "zeros"
    bias: bool = True
    dropout: float = 0.0
    input_dropout: float = 0.0
    batch_norm: bool = False
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.0
    nesterov: bool = False
    epsilon: float | None = None
    decay: float = 0.01
    schedule: str = "constant"
    schedule_options: dict[str, Any] | None = None
    batch_size: int | str = 32
    epochs: int = 200
    patience: int | None = 10
    restore_best: bool = True
    l1: float = 0.0
    l2: float = 0.0
    reduction: str = "mean"
    drop_last: bool = False
    clip_norm: float | None = None
    max_norm: float | None = None
    validation_fraction: float = 0.1
    dtype: str = "float32"
    seed: int = 0

    n_outputs_: int = dataclasses.field(init=False)

    def fit(
        self,
        X: Any,
        y: Any = None,
        X_validation: Any = None,
        y_validation: Any = None,
        *,
        sample_weight: Any = None,
        on_epoch: OnEpoch | None = None,
        **options: Any,
    ) -> Self:
        """Train.

        Parameters
        ----------
        X : array-like or rows, shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels of any kind; with `n_classes`, codes 0 .. n_classes - 1. Of a regression numbers, of shape
            (n_samples,) or (n_samples, n_outputs).
        X_validation, y_validation : the same, optional
            Early stopping and the choice of the best epoch look at these. Without them
            `validation_fraction` of the rows is set apart.
        sample_weight : array-like of shape (n_samples,), optional
            Scaled to mean 1; the loss is the mean of weight times loss.
        on_epoch : function (record, seconds) -> bool or None, optional
            Called after each epoch; True stops.
        n_classes : int, optional
            Number of classes where some may have no row; `y` then holds codes.
        metrics : sequence of str, optional
            Further metrics to record by epoch: "precision", "recall", "f1" of a classifier, "r2" of a regression.
        on_diagnosis : function (0, record), optional
            Called after some epochs with gradient norms, dead and saturated units of each layer; see `nn.recording`.
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

        def tell(replica: int, record: dict[str, float], seconds: float) -> bool | None:
            return None if on_epoch is None else on_epoch(record, seconds)

        parts = (X, y, X_validation, y_validation)
        stack.fit_stack([self], *parts, sample_weight=sample_weight, on_epoch=tell, **options)
        return self

    def plan(self, n_features: int, n_outputs: int) -> list[dict[str, Any]]:
        """Check all parameters and return the summary of the network, without any data.

        Parameters
        ----------
        n_features : int
        n_outputs : int
            Number of classes or of targets.

        Returns
        -------
        list of dict
            One row for each layer, as `Network.summary` describes it.

        Examples
        --------
        >>> from mlexp.nn.learners import PerceptronClassifier
        >>> sum(row["parameters"] for row in PerceptronClassifier(hidden=[25]).plan(784, 10))
        19885
        """
        params = self.get_params(deep=False)
        hyperparameters.check(params)
        hyperparameters.optimizer_of([params])
        hyperparameters.schedule_of(params)
        return self._built(n_features, n_outputs).summary()

    def summary(self) -> list[dict[str, Any]]:
        """Return one row for each layer of the fitted network, as `Network.summary` describes it."""
        self._require_fit()
        return self.network_.summary()

    @property
    def n_parameters_(self) -> int:
        """Number of trained parameters."""
        self._require_fit()
        return self.network_.n_parameters

    @property
    def n_biases_(self) -> int:
        """Number of them that are biases of dense layers."""
        return sum(row["biases"] for row in self.summary())

    def hidden_outputs(self, X: Any) -> list[np.ndarray]:
        """Return the outputs of every hidden layer, after its activation.

        Parameters
        ----------
        X : array-like or rows, shape (n_samples, n_features)

        Returns
        -------
        list of ndarray of shape (n_samples, width), one for each hidden layer
        """
        places = self.network_.hidden
        parts = [
            [found[place][0] for place in places]
            for found in (self.network_.outputs(views, piece) for views, piece in self._pieces(X))
        ]
        return [np.concatenate(layer) for layer in zip(*parts, strict=True)]

    def logits(self, X: Any) -> np.ndarray:
        """Return the outputs of the last layer, before softmax or the logistic function.

        Parameters
        ----------
        X : array-like or rows, shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs), dtype of the model
        """
        return np.concatenate([self.network_.forward(views, piece)[0][0] for views, piece in self._pieces(X)])

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return all that prediction needs as plain arrays, for a file without pickle.

        Returns
        -------
        dict of ndarray
            Parameters and running values, settings as JSON text, classes where there are any.
        """
        self._require_fit()
        params = {name: hyperparameters.plain(value) for name, value in self.get_params(deep=False).items()}
        if params["epsilon"] is None:
            del params["epsilon"]  # models stored before there was this setting have the same bytes
        learnt = {
            name: np.array(value.tolist() if isinstance(value, np.ndarray) else value)
            for name in STORED
            if (value := getattr(self, name, None)) is not None
        }
        settings = np.array(json.dumps(params, sort_keys=True))
        return {"theta": self.theta_, "running": self.running_, "settings": settings} | learnt

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return a fitted model made of what `to_arrays` gave; it predicts the same bits.

        Parameters
        ----------
        arrays : mapping of name to ndarray

        Returns
        -------
        fitted estimator

        Raises
        ------
        ConfigError, KeyError, TypeError, ValueError
            The arrays are not what `to_arrays` gives.
        """
        model: Any = cls(**json.loads(str(arrays["settings"])))
        hyperparameters.check(model.get_params(deep=False))
        for name in STORED:
            if name in arrays:
                setattr(model, name, arrays[name] if arrays[name].ndim else arrays[name].item())
        model.network_ = model.network(int(model.n_features_in_))
        for name, count in (("theta", model.network_.n_parameters), ("running", model.network_.n_running)):
            array = arrays[name]
            if array.shape != (count,) or array.dtype != model.dtype or not np.isfinite(array).all():
                raise ValueError(
                    f"{name} must be {count} finite numbers of {model.dtype}. Got {array.dtype} {array.shape}."
                )
            setattr(model, f"{name}_", array)
        model.loss_function()
        fitted: Self = model
        return fitted

    def prepare(
        self, X: Any, y: Any, X_validation: Any, y_validation: Any, options: stack.Options
    ) -> stack.Parts:
        """Check the data, learn what depends on them alone, and return training and validation set."""
        n_classes = options["n_classes"]
        rows, values = self._read(X, y, True, None if n_classes is None else np.arange(n_classes))
        train = Data(rows, self._targets(values, True), self._weights(values, options["sample_weight"]))
        if X_validation is not None:
            others, seen = self._read(X_validation, y_validation, False)
            return train, Data(others, self._targets(seen, False), self._weights(seen, None))
        kept, held = set_apart(values.reshape(len(values), -1)[:, 0], self.validation_fraction)
        if not len(held):
            return train, None

        def some(places: np.ndarray, training: bool) -> Data:
            weights = None if train.weights is None else train.weights[places]
            return Data(Subset(rows, places), self._targets(values[places], training), weights)

        return some(kept, True), some(held, False)

    def _another_epoch(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Self:
        """Make one more pass with the state of the last, or begin; all rows are for training."""
        rows, values = self._read(X, y, not hasattr(self, "state_"), classes)
        data = Data(rows, self._targets(values, True), self._weights(values, sample_weight))
        params = self.get_params(deep=False)
        stack.check_alike([params])
        network, optimizer = self.network(rows.shape[1]), hyperparameters.optimizer_of([params])
        state = getattr(self, "state_", None) or begin([network], optimizer, [self.seed], self.dtype)
        state.status = [RUNNING]
        settings = dataclasses.replace(hyperparameters.settings_of([params]), epochs=state.epoch + 1)
        self.finish(network, fit(network, self.loss_function(), optimizer, settings, state, data), 0)
        return self

    def _read(self, X: Any, y: Any, reset: bool, classes: Any = None) -> tuple[Rows, np.ndarray]:
        """Check features and targets; return rows, and class numbers (n,) or targets (n, n_outputs).

        With `reset` their form is learnt; `classes` are then those of the model, by default those of `y`.
        """
        raise NotImplementedError

    def _matched(
        self, X: Any, y: Any, reset: bool, check: Callable[[Any], np.ndarray]
    ) -> tuple[Rows, np.ndarray]:
        """Check that there is one target for each row; return both."""
        rows = self._rows(X, reset=reset)
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        y = check(y)
        if len(y) != rows.shape[0]:
            raise ValueError(f"X has {rows.shape[0]} rows and y has {len(y)}; they must be equal.")
        return rows, y

    def _targets(self, values: np.ndarray, training: bool) -> Rows | None:
        """Return what the outputs are compared with; None: the features themselves."""
        return values

    def _weights(self, values: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        """Return the weight of each row, or None if all are equal."""
        return None if sample_weight is None else scaled_weights(sample_weight, len(values), self.dtype)

    def loss_function(self) -> Loss:
        """Return what is minimised; each estimator says what."""
        raise NotImplementedError

    def finish(self, network: Network, state: State, replica: int) -> None:
        """Take over the result of training; called by the stack."""
        self.network_ = network
        self.theta_, self.running_ = state.final(replica, self.restore_best)
        self.history_ = state.records(replica)
        self.status_ = state.status[replica]
        validated = "validation_loss" in (self.history_ or [{}])[-1]
        self.best_epoch_ = int(state.best_epoch[replica]) if validated else len(self.history_)
        self.seconds_ = state.seconds[: len(self.history_)]
        self.state_ = state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's parameters; scikit-learn's version takes this one's place."""
        return {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self) if entry.init}

    def network(self, n_features: int) -> Network:
        """Return the network for the data seen; each estimator says how many outputs it needs."""
        return self._built(n_features, self.n_outputs_)

    @property
    def _last(self) -> str:
        """Activation of the last layer."""
        return "linear"

    def _views(self) -> list[list[np.ndarray]]:
        """Return the fitted parameters, bound for the network."""
        self._require_fit()
        return self.network_.bind(self.theta_[None], self.running_[None])

    def _require_fit(self) -> None:
        if not hasattr(self, "theta_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError(f"{type(self).__name__} is not fitted yet. Call fit first.")

    def _built(self, n_features: int, n_outputs: int) -> Network:
        return perceptron(
            n_features,
            self.hidden,
            n_outputs,
            activation=self.activation,
            init=self.init,
            bias=self.bias,
            bias_init=self.bias_init,
            dropout=self.dropout,
            input_dropout=self.input_dropout,
            batch_norm=self.batch_norm,
            output=self._last,
        )

    def _pieces(self, X: Any) -> Iterator[tuple[list[list[np.ndarray]], np.ndarray]]:
        """Check `X` and hand it out in chunks (1, m, n_features), with the bound parameters."""
        views = self._views()
        rows = self._rows(X, reset=False)
        for indices in chunks(rows.shape[0], max(self.network_.widths)):
            yield views, read(rows, indices[None], self.theta_.dtype.name)

    def _rows(self, X: Any, *, reset: bool) -> Rows:
        """Check features and return them as rows; lazy rows are taken as they are."""
        lazy = hasattr(X, "take") and hasattr(X, "shape") and not isinstance(X, np.ndarray | np.generic)
        if not lazy or hasattr(X, "iloc"):
            return self._checked_array(X, reset)
        self._check_width(X.shape[1], reset)
        rows: Rows = X
        return rows

    def _checked_array(self, X: Any, reset: bool) -> np.ndarray:
        """Return features as a finite array of shape (n_samples, n_features)."""
        array = finite(X, FEATURE_TYPES, (2,), "X")
        self._check_width(array.shape[1], reset)
        return array

    def _check_width(self, n_features: int, reset: bool) -> None:
        """Learn the number of features, or refuse another one than that learnt."""
        if reset:
            self.n_features_in_ = n_features
        elif n_features != self.n_features_in_:
            raise DataError(
                f"X has {n_features} features, but the model was fitted with {self.n_features_in_}."
            )


def finite(values: Any, dtypes: Sequence[str], dimensions: Sequence[int], what: str) -> np.ndarray:
    """Return finite numbers as an array of the first of `dtypes`, unless they have one of the others.

    Parameters
    ----------
    values : array-like
    dtypes : allowed types
    dimensions : allowed numbers of axes
    what : name, for messages

    Raises
    ------
    DataError
        No rows, another number of axes, or a value that is not finite.

    Examples
    --------
    >>> finite([1, 2], ("float64",), (1,), "y")
    array([1., 2.])
    """
    array = np.asarray(values)  # rows of a plain view of a memory map are read three times faster
    if array.dtype.name not in dtypes:
        array = array.astype(dtypes[0])
    if array.ndim not in dimensions or not len(array):
        axes = " or ".join(map(str, dimensions))
        raise DataError(f"{what} must have {axes} axes and at least one row. Got shape {array.shape}.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise DataError(f"{what} must hold finite numbers. Got NaN or infinity.")
    return array
