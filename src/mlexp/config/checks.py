"""What a configuration may hold: keys that there are, values that they take, and what fits together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from mlexp.config import yamltext
from mlexp.config.messages import Context, unknown_key
from mlexp.config.names import ENGINE_MODELS, GROUPS, SCHEDULES, TABLE_READERS, TASK_KINDS
from mlexp.config.rules import key_of
from mlexp.config.schema import Config, declared, foreign
from mlexp.errors import ConfigError

OF_TABLES = (
    "groups", "features", "ignore", "words", "missing", "delimiter", "decimal", "thousands", "quote", "encoding",
    "header",
)  # fmt: skip
OF_CLASSES = ("model.label_smoothing", "model.class_weight")


def check_keys(flat: Mapping[str, Any]) -> None:
    """Refuse keys that no one declared; Hydra lets ``+nosuch=1`` pass."""
    known = declared()
    for path in flat:
        if path not in known:
            where = Context((flat["task.kind"],), flat["model.name"], flat["tune.strategy"] is not None)
            raise ConfigError(unknown_key(path, where, str(flat[path])))


def check_values(flat: Mapping[str, Any]) -> None:
    """Hold every value against the rule of its key."""
    for path, entry in declared().items():
        rule = entry.metadata["rule"]
        if path not in flat:
            raise ConfigError(cannot_be_removed(path))
        if not rule.accepts(flat[path]):
            raise ConfigError(rule.complaint(path, flat[path]))


def check_together(config: Config) -> None:
    """Refuse values that are fine alone and impossible together."""
    model = config.model
    if isinstance(model.activation, list) and len(model.activation) != len(model.hidden):
        raise ConfigError(
            f"model.activation must name one activation, or one for each of the {len(model.hidden)} hidden "
            f"layers of model.hidden={model.hidden}. Got {len(model.activation)}: {model.activation}."
        )
    if model.nesterov and (model.optimizer != "sgd" or model.momentum == 0):
        raise ConfigError(
            "model.nesterov=true needs model.optimizer=sgd and model.momentum above 0. Got "
            f"model.optimizer={model.optimizer}, model.momentum={model.momentum:g}."
        )
    if model.batch_norm and model.batch_size == 1 and model.name in ENGINE_MODELS:
        raise ConfigError(
            "model.batch_size must be at least 2 with model.batch_norm=true: one sample has no variance to normalise "
            "by. Got 1: set model.batch_size=32, or model.batch_norm=false."
        )
    options = {name: value for name, value in asdict(model.schedule_options).items() if value is not None}
    if strange := sorted(set(options) - set(SCHEDULES[model.schedule])):
        known = ", ".join(SCHEDULES[model.schedule]) or "none"
        raise ConfigError(
            f"model.schedule_options.{strange[0]} does not belong to model.schedule={model.schedule}. "
            f"Options of that schedule: {known}."
        )
    if model.momentum and model.optimizer != "sgd":
        raise ConfigError(
            f"model.momentum belongs to model.optimizer=sgd. Got {model.momentum:g} with "
            f"model.optimizer={model.optimizer}: set model.momentum=0 or model.optimizer=sgd."
        )
    if config.split.validation == 0 and model.patience and model.name in (*ENGINE_MODELS, "sklearn_mlp"):
        raise ConfigError(
            "split.validation=0 leaves nothing to stop by. Set model.patience=null, or split.validation=0.1."
        )
    if config.dataset.reader not in TABLE_READERS:
        for entry in fields(config.dataset):
            value = getattr(config.dataset, entry.name)
            if entry.name in OF_TABLES and value not in (None, [], "auto"):
                raise ConfigError(
                    f"dataset.{entry.name} belongs to a table with named columns (dataset=csv), and dataset="
                    f"{config.dataset.name} is none. Got {value!r}: leave it out, or use dataset=csv."
                )


def check_words(config: Config, typed: Sequence[str]) -> None:
    """Refuse typed settings that would be lost: no part of the model, the search or the study reads them."""
    check_typed(config, typed)
    check_searched(config, typed)
    check_used(config, typed)


def check_typed(config: Config, typed: Sequence[str]) -> None:
    """Refuse typed settings of `model` that the chosen model does not have."""
    name = config.model.name
    for word in typed:
        path = word.lstrip("+").partition("=")[0]
        key = path.partition(".")[2].partition(".")[0]
        if path == "model.decay" and idle(config, path):
            raise ConfigError(
                f"{word}: model.decay belongs to model.optimizer=adamw. Got model.optimizer={config.model.optimizer}; "
                "model.l2 is the penalty that every optimizer has."
            )
        if not foreign(name, path):
            continue
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


def check_searched(config: Config, typed: Sequence[str]) -> None:
    """Refuse a typed key that the search varies: the search would set it, and what was typed would be lost."""
    if config.tune.strategy is None:
        return
    leaves = dict(yamltext.leaves(config.tune.space))
    searched = [path for path, value in leaves.items() if value is not None]
    for word in typed:
        key = key_of(word)
        if key in (*GROUPS, "model.params"):  # these hold what is searched, and much else
            continue
        if any(path == key or path.startswith(f"{key}.") for path in searched):
            raise ConfigError(
                f"{word}: the search varies {key} (tune.space). Leave the word out, or take the key from the search: "
                f"tune.space.{key}=null. Without any search: tune=none."
            )


def check_used(config: Config, typed: Sequence[str]) -> None:
    """Refuse typed keys that belong to another kind of study, or to a search that there is not."""
    kind = config.task.kind
    for word in typed:
        path = key_of(word)
        node, dot, _ = path.partition(".")
        if path in OF_CLASSES and kind in ("regression", "autoencoder"):
            raise ConfigError(
                f"{word}: {path} is for classes, and task.kind={kind} has none. Leave the word out."
            )
        if dot and node in TASK_KINDS and kind not in (node, "comparison"):
            raise ConfigError(
                f"{word}: the keys of {node} belong to task.kind={node}. Got task.kind={kind}: leave the word out, or "
                f"name a task of that kind (mlexp list tasks)."
            )
        if dot and node == "tune" and config.tune.strategy is None and not config.tune.grow:
            raise ConfigError(
                f"{word}: the keys of tune belong to a search, and there is none. Add tune=grid, random, halving or "
                "bayes, or leave the word out."
            )


def check_single(config: Config, typed: Sequence[str]) -> None:
    """Refuse what only several runs can have; the trials of a search are several too."""
    if config.sweep.list or config.sweep.zip:
        raise ConfigError("sweep.list and sweep.zip describe several runs. Add -m to run them all.")
    searched = config.tune.strategy is not None
    for word in typed:
        node, _, key = key_of(word).partition(".")
        if searched and (node == "sweep" and key in ("dir", "resume")):
            raise ConfigError(
                f"{word}: a search goes into the folder of its run, and a killed one goes on with mlexp resume FOLDER. "
                "Leave the word out, or add -m to make it a job of a sweep."
            )
        if not searched and node in ("sweep", "execution") and word != "execution=local":
            raise ConfigError(
                f"{word}: the keys of {node} belong to a sweep, a comparison or a search, and this is a single run in "
                "this process. Add -m, or leave the word out."
            )


def cannot_be_removed(path: str) -> str:
    """Say that a key must have a value, and which."""
    return (
        f"{path} cannot be removed: a run needs it. It must be {declared()[path].metadata['rule'].allowed}."
    )
