"""Hyperparameters of the estimators: their checks, and the optimizer, schedule and settings made of them.

Several models of one shape train as one stack. They must agree in everything but `OWN`: seed and
initialisers, and the numbers in `NUMBERS`, which may differ from replica to replica.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from mlexp.errors import ConfigError, did_you_mean
from mlexp.nn.fit import Settings
from mlexp.nn.losses import LOSSES, Loss
from mlexp.nn.optimizers import OPTIMIZERS, Number, Optimizer
from mlexp.nn.schedules import SCHEDULES, Schedule

Params = dict[str, Any]

OWN = ("seed", "init", "bias_init")
NUMBERS = ("learning_rate", "momentum", "l1", "l2", "decay")
ABOVE_ZERO = ("learning_rate", "epochs")
AT_LEAST_ZERO = ("l1", "l2", "decay", "seed")


def chosen(what: str, name: Any, table: dict[str, Any]) -> Any:
    """Return the entry of a table, or say which entries there are.

    Examples
    --------
    >>> chosen("loss", "mse", {"mse": 1})
    1
    """
    if name not in table:
        near = did_you_mean(str(name), table)
        raise ConfigError(f"'{what}' must be one of {', '.join(table)}. Got {name!r}.{near}")
    return table[name]


def check(params: Params) -> None:
    """Refuse values that cannot be meant, by name.

    Raises
    ------
    ConfigError
        What is allowed and what came.
    """
    for name in ABOVE_ZERO:
        _require(params[name] > 0, name, "above 0", params[name])
    for name in AT_LEAST_ZERO:
        _require(params[name] >= 0, name, "at least 0", params[name])
    epsilon = params.get("epsilon")
    _require(epsilon is None or epsilon > 0, "epsilon", "above 0 or None", epsilon)
    _require(0 <= params["momentum"] < 1, "momentum", "in [0, 1)", params["momentum"])
    _require(params["dtype"] in ("float32", "float64"), "dtype", "float32 or float64", params["dtype"])
    _require(params["reduction"] in ("mean", "sum"), "reduction", "mean or sum", params["reduction"])
    size = params["batch_size"]
    _require(
        size == "full" or (not isinstance(size, str) and size >= 1), "batch_size", "at least 1, or full", size
    )
    if params["batch_norm"] and size == 1:
        raise ConfigError(
            "'batch_size' must be at least 2 with batch normalisation: one sample has no variance. Got 1: set "
            "batch_size=32, or batch_norm=false."
        )
    for name in ("clip_norm", "max_norm", "patience"):
        value = params[name]
        _require(value is None or value > 0, name, "None or above 0", value)


def _require(holds: bool, name: str, allowed: str, value: Any) -> None:
    if not holds:
        raise ConfigError(f"'{name}' must be {allowed}. Got {value!r}.")


def stack_key(params: Params) -> str:
    """Return a text that is equal for models that may train as one stack.

    Whether a number is zero belongs to the shape of the arithmetic, so it enters the key.

    Examples
    --------
    >>> stack_key({"l2": 0.1, "seed": 1}) == stack_key({"l2": 0.2, "seed": 2})
    True
    """
    shape = {name: value for name, value in params.items() if name not in OWN + NUMBERS}
    shape |= {name: params[name] != 0 for name in NUMBERS if name in params}
    return json.dumps(shape, sort_keys=True, default=repr)


def _together(models: Sequence[Params], name: str) -> Number:
    values = [float(params[name]) for params in models]
    return values[0] if len(set(values)) == 1 else values


def optimizer_of(models: Sequence[Params]) -> Optimizer:
    """Return the optimizer of a stack; it takes those of the parameters that it knows."""
    kind = chosen("optimizer", models[0]["optimizer"], OPTIMIZERS)
    options: dict[str, Any] = {}
    for entry in dataclasses.fields(kind):
        if entry.name in ("momentum", "decay") and entry.name in NUMBERS and kind.__name__ != "RMSprop":
            options[entry.name] = _together(models, entry.name)
        elif entry.name == "nesterov":
            options[entry.name] = models[0]["nesterov"]
        elif entry.name == "eps" and models[0].get("epsilon") is not None:
            options[entry.name] = float(models[0]["epsilon"])
    optimizer: Optimizer = kind(**options)
    return optimizer


def schedule_of(params: Params) -> Schedule | None:
    """Return the learning-rate schedule."""
    make = chosen("schedule", params["schedule"], SCHEDULES)
    if params["schedule"] == "constant":
        return None
    options = dict(params["schedule_options"] or {})
    if params["schedule"] == "cosine":
        options.setdefault("epochs", params["epochs"])
    try:
        schedule: Schedule = make(**options)
    except TypeError as problem:
        raise ConfigError(
            f"'schedule_options' do not fit schedule {params['schedule']}: {problem}."
        ) from None
    return schedule


def settings_of(models: Sequence[Params]) -> Settings:
    """Return how a stack is trained."""
    params = models[0]
    return Settings(
        learning_rate=_together(models, "learning_rate"),
        schedule=schedule_of(params),
        batch_size=None if params["batch_size"] == "full" else int(params["batch_size"]),
        epochs=params["epochs"],
        patience=params["patience"],
        l1=_together(models, "l1"),
        l2=_together(models, "l2"),
        reduction=params["reduction"],
        drop_last=params["drop_last"],
        clip_norm=params["clip_norm"],
        max_norm=params["max_norm"],
    )


def number_loss(name: str) -> Loss:
    """Return a loss between numbers, by name.

    Examples
    --------
    >>> number_loss("mse").hits is None
    True
    """
    found: Loss = chosen("loss", name, {key: loss for key, loss in LOSSES.items() if key != "cross_entropy"})
    return found


def narrowest(hidden: Sequence[int]) -> int:
    """Return the place of the first of the narrowest hidden layers.

    Examples
    --------
    >>> narrowest([64, 16, 64])
    1
    """
    if not len(hidden):
        raise ConfigError("'hidden' of Autoencoder must have at least one layer, the bottleneck. Got none.")
    widths = [int(width) for width in hidden]
    return widths.index(min(widths))


def plain(value: Any) -> Any:
    """Return a parameter as JSON can hold it.

    Examples
    --------
    >>> plain((64, 32))
    [64, 32]
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if callable(value):
        raise ConfigError("A model with a user's own functions cannot be saved: files hold no code.")
    return value
