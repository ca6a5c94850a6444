"""What the values of a configuration allow together, whoever put them there; `schema.Config` asks when it is made."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from mlexp.config.names import ENGINE_MODELS, RECORDED, SCHEDULES, UNTRAINED_KINDS
from mlexp.config.readers import READERS
from mlexp.errors import ConfigError

if TYPE_CHECKING:
    from mlexp.config.schema import Config, Model

OF_TABLES = (
    "groups", "features", "ignore", "words", "missing", "delimiter", "decimal", "thousands", "quote", "encoding",
    "header",
)  # fmt: skip
SELECTS = ("classification", "regression", "data_needed")
BALANCED = ("classification", "data_needed")
DIVIDES = ("stacking", "calibrated", "thresholded")


def check_together(config: Config) -> None:
    """Refuse values that are fine alone and impossible together."""
    model = config.model
    if isinstance(model.activation, list) and len(model.activation) != len(model.hidden):
        raise ConfigError(
            f"model.activation must name one activation, or one for each of the {len(model.hidden)} hidden "
            f"layers of model.hidden={model.hidden}. Got {len(model.activation)}: {model.activation}."
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
    if config.split.validation == 0 and model.patience and model.name in (*ENGINE_MODELS, "sklearn_mlp"):
        raise ConfigError(
            "split.validation=0 leaves nothing to stop by. Set model.patience=null, or split.validation=0.1."
        )
    _check_optimizer(model)
    _check_device(config)
    _check_supervised(config)
    _check_reader(config)
    _check_measures(config)


def _check_optimizer(model: Model) -> None:
    """Refuse settings of another optimizer."""
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
    if model.momentum and model.optimizer != "sgd":
        raise ConfigError(
            f"model.momentum belongs to model.optimizer=sgd. Got {model.momentum:g} with "
            f"model.optimizer={model.optimizer}: set model.momentum=0 or model.optimizer=sgd."
        )


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


def _check_measures(config: Config) -> None:
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
