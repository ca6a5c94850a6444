"""Every key of the configuration: its type, default, rule and meaning.

This is the one place where a key is declared. Composition (`config.py`), the checks, the hints and
the printed reference are all made from it. Which words a key accepts is written out here, so that
checking a configuration imports no numerical code; a test compares them with the tables they name.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from mlexp.rules import (
    Rule,
    boolean,
    choice,
    either,
    list_of,
    mapping,
    number,
    optional,
    share_or_count,
    text,
    whole,
)

ACTIVATIONS = (
    "sigmoid", "tanh", "relu", "leaky_relu", "linear", "hard_sigmoid", "softmax", "elu", "gelu", "silu", "softplus",
)  # fmt: skip
INITIALIZERS = (
    "zeros", "ones", "random", "normal", "uniform", "xavier", "xavier_uniform", "xavier_normal", "he", "he_uniform",
    "he_normal", "lecun", "lecun_uniform", "lecun_normal", "orthogonal",
)  # fmt: skip
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad")
SCHEDULES = {
    "constant": (),
    "step": ("every", "factor"),
    "exponential": ("factor",),
    "cosine": ("epochs", "floor"),
    "warm_up": ("epochs",),
    "on_plateau": ("factor", "patience", "threshold"),
}
READERS = ("published", "idx", "csv", "npz", "sklearn", "synthetic", "openml")
TASK_KINDS = ("classification",)
SCALES = ("auto", "none", "unit", "signed", "standard", "minmax")

RATE = number(0, 1, open_high=True)


def key(default: Any, rule: Rule, meaning: str) -> Any:
    """Declare one key of the configuration: its default, what it accepts and what it means."""
    metadata = {"rule": rule, "meaning": meaning}
    if isinstance(default, list | dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class Dataset:
    """Which rows to learn from."""

    name: str = key("digits", text(), "name of the data set, as tables and folders call it")
    reader: str = key("sklearn", choice(*READERS), "how the data set is read")
    path: str | None = key(None, optional(text()), "file or folder that holds the data")
    test_path: str | None = key(None, optional(text()), "file with a test part of its own")
    label: Any = key(None, optional(either(text(), whole(-10_000))), "label column, by name or by position")
    openml_id: int | None = key(None, optional(whole(1)), "number of the data set at OpenML")
    limit: int | None = key(None, optional(whole(1)), "keep at most this many rows of each part")
    label_gaps: str = key(
        "close", choice("close", "keep"), "number the classes 0, 1, 2 ... or keep the numbers of the file"
    )
    n_samples: int = key(500, whole(1), "rows that a generator draws")
    noise: float = key(0.1, number(0), "standard deviation of the noise that a generator adds")
    factor: float = key(0.5, number(0, 1, open_low=True, open_high=True), "circles: inner over outer radius")
    n_arms: int = key(3, whole(1), "spirals: number of arms")
    turns: float = key(1.0, number(0, open_low=True), "spirals: turns of each arm")
    centers: int = key(3, whole(1), "blobs: number of centres")
    seed: int = key(0, whole(0), "seed of a generator and of `limit`")


@dataclass
class Split:
    """Which rows train, which choose, which judge."""

    test: Any = key(
        "auto",
        either(choice("auto"), share_or_count()),
        "test part: auto is the data set's own, or 0.2 where it has none",
    )
    validation: Any = key(0.1, share_or_count(), "validation part, taken from what the test part leaves")
    stratify: bool = key(True, boolean(), "keep the shares of the classes equal in all parts")
    seed: int = key(0, whole(0), "seed of the split; apart from `seed`, so that seeds share their rows")


@dataclass
class Prepare:
    """What is done to the features; fitted on the training part alone."""

    scale: str = key(
        "auto",
        choice(*SCALES),
        "unit: pixels to [0, 1]; signed: pixels to [-1, 1]; standard: mean 0, deviation 1; "
        "minmax: each feature to [0, 1]; auto: unit for pixels, standard for other numbers",
    )


@dataclass
class ScheduleOptions:
    """How the learning rate changes by epoch; null is the default of the schedule."""

    every: int | None = key(None, optional(whole(1)), "step: epochs between two changes (30)")
    factor: float | None = key(
        None,
        optional(number(0, 1, open_low=True)),
        "step, on_plateau (0.1) and exponential (0.95): what the rate is multiplied by",
    )
    patience: int | None = key(None, optional(whole(0)), "on_plateau: epochs without a better loss (10)")
    threshold: float | None = key(None, optional(RATE), "on_plateau: share by which a loss is better (1e-4)")
    epochs: int | None = key(
        None, optional(whole(1)), "cosine (model.epochs) and warm_up (5): how long it takes"
    )
    floor: float | None = key(None, optional(RATE), "cosine: share of the rate that is left at the end (0)")


@dataclass
class Model:
    """Which model learns, and how."""

    name: str = key(
        "mlp", text(), "name of the model, or package.module.Class of an estimator from trusted_packages"
    )
    params: dict[str, Any] = key({}, mapping(), "parameters of a scikit-learn estimator, as it names them")
    hidden: Any = key(
        [64], list_of(whole(1), what="a list of whole numbers from 1"), "widths of hidden layers"
    )
    activation: Any = key(
        "relu",
        either(
            choice(*ACTIVATIONS),
            list_of(choice(*ACTIVATIONS), what="a list of them, one for each hidden layer"),
        ),
        "activation of the hidden layers, one for all or one for each",
    )
    init: str = key(
        "auto",
        choice("auto", *INITIALIZERS),
        "initial weights; auto is he before relu and its kin, xavier elsewhere",
    )
    bias: bool = key(True, boolean(), "give every unit a bias")
    bias_init: str = key("zeros", choice(*INITIALIZERS), "initial biases")
    dropout: float = key(0.0, RATE, "share of each hidden layer's outputs that is dropped while training")
    batch_norm: bool = key(False, boolean(), "normalise each batch before every hidden activation")
    output: str = key(
        "softmax", choice("softmax", "sigmoid"), "last layer; sigmoid is one output, for two classes"
    )
    optimizer: str = key("adam", choice(*OPTIMIZERS), "rule of the weight updates")
    learning_rate: float = key(0.001, number(0, open_low=True), "step size of the optimizer")
    momentum: float = key(0.0, RATE, "sgd: share of the last step that is kept")
    nesterov: bool = key(False, boolean(), "sgd: take the gradient ahead of the momentum step")
    decay: float = key(0.01, number(0), "adamw: decoupled decay of the weights")
    schedule: str = key("constant", choice(*SCHEDULES), "how the learning rate changes by epoch")
    schedule_options: ScheduleOptions = field(default_factory=ScheduleOptions)
    batch_size: Any = key(
        32, either(whole(1), choice("full")), "rows a step; full is the whole training part"
    )
    epochs: int = key(200, whole(1), "passes over the training part at most")
    patience: int | None = key(
        10, optional(whole(1)), "epochs without a better validation loss before training stops; null: never"
    )
    restore_best: bool = key(True, boolean(), "end with the weights of the best validation loss")
    l1: float = key(0.0, number(0), "coefficient of |W| added to the mean loss, weights only")
    l2: float = key(0.0, number(0), "coefficient of W²/2 added to the mean loss, weights only")
    reduction: str = key(
        "mean", choice("mean", "sum"), "gradient of the mean of a batch's losses, or of their sum"
    )
    drop_last: bool = key(False, boolean(), "leave out the last batch of an epoch if it is smaller")
    clip_norm: float | None = key(
        None, optional(number(0, open_low=True)), "largest length of the gradient; longer ones are shortened"
    )
    max_norm: float | None = key(
        None, optional(number(0, open_low=True)), "largest length of the weights that enter one unit"
    )
    label_smoothing: float = key(0.0, RATE, "share of each target spread evenly over all classes")
    class_weight: str | None = key(
        None,
        optional(choice("balanced")),
        "balanced: rows of rare classes weigh more, n / (n_classes n_class)",
    )
    dtype: str = key("float32", choice("float32", "float64"), "precision of weights and arithmetic")


@dataclass
class Task:
    """The study: its name and what kind of question it asks."""

    name: str = key("custom", text(), "name of the study; its runs land in outputs/<name>")
    kind: str = key("classification", choice(*TASK_KINDS), "kind of the study")


@dataclass
class Config:
    """All keys of one run."""

    seed: int = key(0, whole(0), "seed of everything that is random in the model")
    threads: int = key(1, whole(1), "threads of the matrix products; other numbers give other last bits")
    outputs: str = key("outputs", text(), "folder in which run folders are made")
    data_dir: str | None = key(None, optional(text()), "folder with data sets; MLEXP_DATA_DIR if null")
    figures: bool = key(True, boolean(), "draw the figures of the run; jobs of a sweep only when typed")
    trusted_packages: list[str] = key(
        ["sklearn"],
        list_of(text(), what="a list of package names"),
        "packages from which model.name may take a class of its own",
    )
    checkpoint_seconds: float = key(
        2.0, number(0), "seconds between two checkpoints of a training, at least; 0: one after each epoch"
    )
    dataset: Dataset = field(default_factory=Dataset)
    split: Split = field(default_factory=Split)
    prepare: Prepare = field(default_factory=Prepare)
    model: Model = field(default_factory=Model)
    task: Task = field(default_factory=Task)


def declared(node: type = Config, prefix: str = "") -> dict[str, dataclasses.Field[Any]]:
    """Return every declared key with its full path.

    Examples
    --------
    >>> declared()["model.momentum"].metadata["rule"].allowed
    'a number in [0, 1)'
    """
    keys: dict[str, dataclasses.Field[Any]] = {}
    for entry in dataclasses.fields(node):
        inner = entry.default_factory
        if isinstance(inner, type) and dataclasses.is_dataclass(inner):
            keys |= declared(inner, f"{prefix}{entry.name}.")
        else:
            keys[prefix + entry.name] = entry
    return keys
