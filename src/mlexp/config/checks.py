"""What a configuration may hold: keys that there are, values that they take, and what fits together.

Whatever makes a `Config` ends with `check`: one that was composed, read or changed needs no further one. What
depends on the rows is found when they are read: whether a column is there, whether a split leaves enough of each class,
whether a model takes that many features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from mlexp.config import yamltext
from mlexp.config.messages import Context, unknown_key
from mlexp.config.names import (
    COMBINED,
    COMBINED_KEYS,
    ENGINE_MODELS,
    GROUPS,
    KINDS,
    RECORDED,
    SCHEDULES,
    UNTRAINED_KINDS,
)
from mlexp.config.overrides import Override
from mlexp.config.readers import READERS
from mlexp.config.schema import Config, declared, flat, foreign
from mlexp.errors import ConfigError

OF_TABLES = (
    "groups", "features", "ignore", "words", "missing", "delimiter", "decimal", "thousands", "quote", "encoding",
    "header",
)  # fmt: skip
OF_NETWORKS = ("record.metrics", "record.diagnostics")
SELECTS = ("classification", "regression", "data_needed")
BALANCED = ("classification", "data_needed")
DIVIDES = ("stacking", "calibrated", "thresholded")
OF_CLASSES = ("model.label_smoothing", "model.class_weight")


def check(config: Config, typed: Sequence[Override] = ()) -> Config:
    """Return the configuration once its values, their combinations and what was typed for it have been checked.

    Raises
    ------
    ConfigError
        The message names the key.
    """
    check_values(flat(config))
    check_together(config)
    check_measures(config)
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


def check_values(values: Mapping[str, Any]) -> None:
    """Hold every value against the rule of its key."""
    for path, entry in declared().items():
        rule = entry.metadata["rule"]
        if path not in values:
            raise ConfigError(cannot_be_removed(path))
        if not rule.accepts(values[path]):
            raise ConfigError(rule.complaint(path, values[path]))


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
    if model.epsilon is not None and model.optimizer == "sgd":
        raise ConfigError(
            "model.epsilon belongs to model.optimizer=adam, adamw, rmsprop or adagrad. Got "
            f"model.optimizer=sgd, model.epsilon={model.epsilon:g}."
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
    _check_device(config)
    _check_supervised(config)
    _check_reader(config)


def _check_device(config: Config) -> None:
    """Refuse a device for what trains no network of the engine."""
    if config.device != "cpu" and (
        config.task.kind in UNTRAINED_KINDS or config.model.name not in ENGINE_MODELS
    ):
        raise ConfigError(
            f"device={config.device} trains the networks of model=mlp and model=autoencoder. Got "
            f"model={config.model.name} in a study of kind {config.task.kind}: set device=cpu."
        )


def _check_supervised(config: Config) -> None:
    """Refuse steps that need a label, or classes, in studies that have none, and copies where a model divides them."""
    kind, node, name = config.task.kind, config.prepare, config.model.name
    if kind == "comparison":
        return
    for key, value, kinds in (("select", node.select, SELECTS), ("balance", node.balance, BALANCED)):
        if value is not None and kind not in kinds:
            raise ConfigError(
                f"prepare.{key} is for task.kind={' or '.join(kinds)}. Got {value} with task.kind={kind}: leave it out."
            )
    if node.balance == "over" and name in DIVIDES:
        raise ConfigError(
            f"prepare.balance=over repeats samples, and model={name} divides them into folds of its own: copies of one "
            "sample would stand on both sides. Set prepare.balance=under."
        )


def _check_reader(config: Config) -> None:
    """Refuse the keys of a table or of a folder of images for another data set."""
    data = config.dataset
    for name, value, default in (("labels", data.labels, None), ("channels", data.channels, "grey")):
        if data.reader != "folder" and value != default:
            raise ConfigError(
                f"dataset.{name} belongs to a folder of images (dataset=folder). Got {value!r} with "
                f"dataset={data.name}: leave it out."
            )
    if not READERS[config.dataset.reader].has_columns:
        for entry in fields(config.dataset):
            value = getattr(config.dataset, entry.name)
            if entry.name in OF_TABLES and value not in (None, [], "auto"):
                raise ConfigError(
                    f"dataset.{entry.name} belongs to a table with named columns (dataset=csv), and dataset="
                    f"{config.dataset.name} is none. Got {value!r}: leave it out, or use dataset=csv."
                )


def check_measures(config: Config) -> None:
    """Refuse a loss, and metrics by epoch, that the kind of study does not have."""
    kind, loss, metrics = config.task.kind, config.model.loss, config.record.metrics
    if kind == "comparison":
        return
    if loss != "mse" and kind != "regression":
        raise ConfigError(
            f"model.loss={loss} belongs to task.kind=regression. Got task.kind={kind}, whose loss is "
            f"{'the squared error' if kind == 'autoencoder' else 'cross-entropy'}: leave model.loss out."
        )
    known = RECORDED.get(kind, ())
    if strange := [name for name in metrics if name not in known]:
        raise ConfigError(
            f"record.metrics={metrics}: a task of kind {kind} has no {strange[0]} by epoch, only "
            f"{', '.join(known) or 'its loss'}. Leave the others out."
        )


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
        if dot and node in KINDS and kind not in (node, "comparison"):
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


def cannot_be_removed(path: str) -> str:
    """Say that a key must have a value, and which."""
    return (
        f"{path} cannot be removed: a run needs it. It must be {declared()[path].metadata['rule'].allowed}."
    )
