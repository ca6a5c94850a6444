"""Train several models of one shape side by side; one model is a stack of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from mlexp.errors import ConfigError
from mlexp.nn import hyperparameters
from mlexp.nn.fit import Data, OnDiagnosis, fit
from mlexp.nn.losses import Loss
from mlexp.nn.network import Network
from mlexp.nn.state import State, begin, from_arrays

OnReplica = Callable[[int, dict[str, float], float], "bool | None"]


class Stackable(Protocol):
    """What a stack asks of an estimator."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's parameters."""

    def prepare(self, X: Any, y: Any, X_validation: Any, y_validation: Any, options: Options) -> Parts:
        """Check the data, learn what depends on them alone, and return the parts."""

    def network(self, n_features: int) -> Network:
        """Return the network for the data seen by `prepare`."""

    def loss_function(self) -> Loss:
        """Return what is minimised."""

    def finish(self, network: Network, state: State, replica: int) -> None:
        """Take over the result of training."""


Options = Mapping[str, Any]
Parts = tuple[Data, Data | None]
LEARNT = ("n_features_in_", "feature_names_in_", "classes_", "n_outputs_", "flat_")
"""What an estimator learns from the form of the data, besides its parameters."""


def fit_stack(
    models: Sequence[Stackable],
    X: Any,
    y: Any,
    X_validation: Any = None,
    y_validation: Any = None,
    *,
    sample_weight: Any = None,
    n_classes: int | None = None,
    metrics: Sequence[str] = (),
    on_epoch: OnReplica | None = None,
    on_diagnosis: OnDiagnosis | None = None,
    should_stop: Callable[[], bool] | None = None,
    on_state: Callable[[State], None] | None = None,
    resume: Mapping[str, np.ndarray] | None = None,
    like: np.ndarray | None = None,
) -> State:
    """Train models side by side; each ends with the bits that it gets alone.

    They may differ in seed, initialisers, learning rate, momentum, penalties and decay:
    `hyperparameters.stack_key` of their parameters is equal for those that may train together.

    Parameters
    ----------
    models : sequence of estimators of one class
    X, y, X_validation, y_validation, sample_weight, n_classes, should_stop, on_state, resume
        As in `Perceptron.fit`.
    metrics, on_diagnosis, like
        As in `fit.fit`.
    on_epoch : function (number of the model, record, seconds) -> bool or None, optional

    Returns
    -------
    State
        Complete; its `to_arrays` is a checkpoint, which `resume` takes.
    """
    params = [model.get_params(deep=False) for model in models]
    check_alike(params)
    train, validation = models[0].prepare(
        X, y, X_validation, y_validation, {"sample_weight": sample_weight, "n_classes": n_classes}
    )
    copy_learnt(models)
    networks = [model.network(train.X.shape[1]) for model in models]
    optimizer = hyperparameters.optimizer_of(params)
    if resume is None:
        state = begin(networks, optimizer, [one["seed"] for one in params], params[0]["dtype"])
    else:
        state = from_arrays(resume)
    fit(
        networks[0],
        models[0].loss_function(),
        optimizer,
        hyperparameters.settings_of(params),
        state,
        train,
        validation,
        metrics=metrics,
        on_diagnosis=on_diagnosis,
        on_epoch=on_epoch and (lambda replica, record: on_epoch(replica, record, state.seconds[-1])),
        should_stop=should_stop,
        on_state=on_state,
        like=like,
    )
    state.move()
    for replica, (model, network) in enumerate(zip(models, networks, strict=True)):
        model.finish(network, state, replica)
    return state


def check_alike(params: Sequence[hyperparameters.Params]) -> None:
    """Refuse parameters that cannot be meant, and models that cannot share a stack."""
    for one in params:
        hyperparameters.check(one)
    if len({hyperparameters.stack_key(one) for one in params}) > 1:
        raise ConfigError(
            "Models of one stack must agree in everything but seed, initialisers and the sizes of "
            "learning rate, momentum, penalties and decay. Group them by stack_key()."
        )


def copy_learnt(models: Sequence[Any]) -> None:
    """Give all models what the first learnt from the data alone."""
    for model in models[1:]:
        for name in LEARNT:
            if hasattr(models[0], name):
                setattr(model, name, getattr(models[0], name))
