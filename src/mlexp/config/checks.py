"""Keys that there are, and what was typed for them: a `Config` is checked when it is made (`schema`, `together`).

What depends on the rows is found when they are read: whether a column is there, whether a split leaves enough of each
class, whether a model takes that many features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlexp.config import yamltext
from mlexp.config.messages import Context, unknown_key
from mlexp.config.names import (
    COMBINED,
    COMBINED_KEYS,
    ENGINE_MODELS,
    GROUPS,
    read_elsewhere,
)
from mlexp.config.overrides import Override
from mlexp.config.schema import Config, declared, foreign
from mlexp.errors import ConfigError

OF_NETWORKS = ("record.metrics", "record.diagnostics")
OF_CLASSES = ("model.label_smoothing", "model.class_weight")


def check(config: Config, typed: Sequence[Override]) -> Config:
    """Return the configuration once what was typed for it has been checked against what it became.

    Raises
    ------
    ConfigError
        The message names the key.
    """
    check_typed(config, typed)
    check_searched(config, typed)
    check_used(config, typed)
    return config


def check_keys(values: Mapping[str, Any]) -> None:
    """Refuse keys that no one declared; Hydra lets ``+nosuch=1`` pass."""
    known = declared()
    for path in values:
        if path not in known:
            where = Context((values["task.kind"],), values["model.name"], values["tune.strategy"] is not None)
            raise ConfigError(unknown_key(path, where, str(values[path])))


def check_typed(config: Config, typed: Sequence[Override]) -> None:
    """Refuse typed settings of `model` that the chosen model does not have."""
    name = config.model.name
    for override in typed:
        word, path = override.text, override.key
        key = path.partition(".")[2].partition(".")[0]
        if path == "model.decay" and idle(config, path):
            raise ConfigError(
                f"{word}: model.decay belongs to model.optimizer=adamw. Got model.optimizer={config.model.optimizer}; "
                "model.l2 is the penalty that every optimizer has."
            )
        if not foreign(name, path):
            continue
        if key in COMBINED_KEYS:
            raise ConfigError(
                f"{word}: model.{key} belongs to models made of others (model={', '.join(COMBINED)}), not to "
                f"model={name}. Leave it out."
            )
        if key == "params":
            raise ConfigError(
                f"{word}: model.params belongs to scikit-learn's models. model={name} has its own keys: model.hidden, "
                "model.learning_rate ... (all of them: mlexp --cfg job)."
            )
        raise ConfigError(
            f"{word}: model.{key} belongs to the built-in networks (model={' or '.join(ENGINE_MODELS)}), not to "
            f"model={name}. Its own parameters are typed as model.params.NAME=VALUE."
        )


def idle(config: Config, path: str) -> bool:
    """Return whether a key of `model` has no effect on the model of a configuration."""
    return foreign(config.model.name, path) or (path == "model.decay" and config.model.optimizer != "adamw")


def check_searched(config: Config, typed: Sequence[Override]) -> None:
    """Refuse a typed key that the search varies: the search would set it, and what was typed would be lost."""
    if config.tune.strategy is None:
        return
    leaves = dict(yamltext.leaves(config.tune.space))
    searched = [path for path, value in leaves.items() if value is not None]
    for override in typed:
        word, key = override.text, override.key
        if key in (*GROUPS, "model.params"):  # these hold what is searched, and much else
            continue
        if any(path == key or path.startswith(f"{key}.") for path in searched):
            raise ConfigError(
                f"{word}: the search varies {key} (tune.space). Leave it out, or take the key from the search: "
                f"tune.space.{key}=null. Without any search: tune=none."
            )


def check_used(config: Config, typed: Sequence[Override]) -> None:
    """Refuse typed keys that belong to another kind of study, or to a search that there is not."""
    kind = config.task.kind
    for override in typed:
        word, path = override.text, override.key
        node, dot, _ = path.partition(".")
        if path in OF_NETWORKS and override.value not in ("[]", "auto", "false"):
            _check_recordable(word, path, config)
        if path in OF_CLASSES and kind in ("regression", "autoencoder"):
            raise ConfigError(f"{word}: {path} is for classes, and task.kind={kind} has none. Leave it out.")
        if dot and kind != "comparison" and read_elsewhere(path, kind):
            raise ConfigError(
                f"{word}: the keys of {node} belong to task.kind={node}. Got task.kind={kind}: leave it out, or "
                f"name a task of that kind (mlexp list tasks)."
            )
        if dot and node == "tune" and config.tune.strategy is None and not config.tune.grow:
            raise ConfigError(
                f"{word}: the keys of tune belong to a search, and there is none. Add tune=grid, random, halving or "
                "bayes, or leave it out."
            )


def _check_recordable(word: str, path: str, config: Config) -> None:
    """Refuse to record by epoch what has no epochs, and gradients of what is not a network of the engine."""
    name = config.model.name
    able = ENGINE_MODELS if path == "record.diagnostics" else (*ENGINE_MODELS, "sklearn_mlp")
    if name not in able and config.task.kind != "comparison":
        raise ConfigError(
            f"{word}: {path} is for networks (model={', '.join(able)}). Got model={name}: leave it out."
        )


def check_single(config: Config, typed: Sequence[Override]) -> None:
    """Refuse what only several runs can have; the trials of a search are several too."""
    if config.sweep.list or config.sweep.zip:
        raise ConfigError("sweep.list and sweep.zip describe several runs. Add -m to run them all.")
    searched = config.tune.strategy is not None
    for override in typed:
        word = override.text
        node, _, key = override.key.partition(".")
        if searched and (node == "sweep" and key in ("dir", "resume")):
            raise ConfigError(
                f"{word}: a search goes into the folder of its run, and a killed one is resumed with "
                "mlexp resume FOLDER. Leave it out, or add -m to make it a job of a sweep."
            )
        if not searched and node in ("sweep", "execution") and word != "execution=local":
            raise ConfigError(
                f"{word}: the keys of {node} belong to a sweep, a comparison or a search, and this is a single run in "
                "this process. Add -m, or leave it out."
            )
