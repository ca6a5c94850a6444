"""The closed table of models: a name in the configuration, an estimator in the program."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from mlexp.schema import Model


def _mlp(model: Model, seed: int) -> Any:
    from mlexp.nn.estimators import MLPClassifier

    settings = {entry.name: getattr(model, entry.name) for entry in dataclasses.fields(model)}
    del settings["name"]
    options = dataclasses.asdict(model.schedule_options)
    settings["schedule_options"] = {name: value for name, value in options.items() if value is not None}
    return MLPClassifier(**settings, seed=seed)


MODELS: dict[str, Callable[[Model, int], Any]] = {"mlp": _mlp}


def build(model: Model, *, seed: int) -> Any:
    """Return an unfitted estimator for the `model` node of a configuration.

    Examples
    --------
    >>> build(Model(hidden=[5]), seed=1).hidden
    [5]
    """
    return MODELS[model.name](model, seed)
