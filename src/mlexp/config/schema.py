"""Every key of the configuration: its type, default, rule and meaning.

This is the one place where a key is declared. Composition (`compose.py`), the checks, the hints and
the printed reference are all made from it. The words that keys accept stand in `names.py`, the nodes
that belong to one kind of study in `studies.py`.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field
from typing import Any

from mlexp.config.names import (
    ACTIVATIONS,
    DELIMITERS,
    ENGINE_MODELS,
    IMPUTATIONS,
    INITIALIZERS,
    KINDS,
    MODEL_NAMES,
    NETWORK_KEYS,
    OPTIMIZERS,
    QUOTES,
    READERS,
    SCALES,
    SCHEDULES,
    SHARED_KEYS,
)
from mlexp.config.rules import (
    boolean,
    character,
    choice,
    choice_of,
    codec,
    either,
    fold,
    key,
    line,
    list_of,
    mapping,
    number,
    optional,
    options_of_sbatch,
    path_text,
    share_or_count,
    text,
    text_like,
    whole,
)
from mlexp.config.studies import (
    Autoencoder,
    ByHand,
    Clustering,
    Comparison,
    Embedding,
    Explore,
    Features,
    Layers,
    Tune,
)

RATE = number(0, 1, open_high=True)


@dataclass
class Dataset:
    """Which rows to learn from."""

    name: str = key("digits", text(), "name of the data set, as tables and folders call it")
    reader: str = key("sklearn", choice(*READERS), "how the data set is read")
    path: str | None = key(None, optional(path_text()), "file or folder that holds the data")
    test_path: str | None = key(None, optional(path_text()), "file with a test part of its own")
    label: Any = key(None, optional(either(text(), whole(-10_000))), "label column, by name or by position")
    features: list[Any] = key(
        [], list_of(text(), what="a list of columns"), "tables: columns to learn from; []: all but the label"
    )
    ignore: list[Any] = key([], list_of(text(), what="a list of columns"), "tables: columns to leave out")
    words: list[Any] = key(
        [],
        list_of(text(), what="a list of columns"),
        "tables: columns whose cells are words, though they look like numbers or dates",
    )
    missing: list[Any] = key(
        [],
        list_of(either(text(), number()), what="a list of words or numbers"),
        "tables: what else stands for an empty cell, such as ['?'] or [-999]; in all columns",
    )
    delimiter: str = key(
        "auto",
        either(choice("auto", *DELIMITERS), character()),
        "csv: what stands between two cells; auto finds it in the file",
    )
    decimal: str = key(
        "auto",
        choice("auto", "point", "comma"),
        "csv: sign before the fraction of a number; auto finds it in the cells",
    )
    thousands: str = key(
        "auto",
        choice("auto", "none", "point", "comma", "apostrophe", "blank"),
        "csv: sign between the thousands of a number; auto finds it in the cells",
    )
    quote: str = key(
        "auto",
        either(choice("auto", *QUOTES), character()),
        "csv: what stands around a cell with a delimiter in it",
    )
    encoding: str = key(
        "auto",
        either(choice("auto"), codec()),
        "csv: how letters are written; auto: UTF-8, UTF-16, or Western European",
    )
    header: Any = key(
        "auto",
        either(choice("auto"), boolean()),
        "csv: whether the first line names the columns; auto: it does, and a line of numbers is refused",
    )
    sheet: str | None = key(
        None, optional(text()), "Excel: sheet to read; null: the first that is not hidden"
    )
    groups: str | None = key(
        None, optional(text()), "tables: column that is no feature; rows with the same entry stay in one part"
    )
    target: str = key(
        "classes",
        choice("classes", "numbers"),
        "what the label is: a class, or a number to predict (regression)",
    )
    points: list[Any] = key(
        [],
        list_of(list_of(number(), what=""), what="a list of [x1, x2, ..., class]"),
        "points: rows to learn from",
    )
    test_points: list[Any] = key(
        [],
        list_of(list_of(number(), what=""), what="a list of [x1, x2, ..., class]"),
        "points: rows that judge",
    )
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
        either(choice("auto"), share_or_count(), fold()),
        "test part: auto is the data set's own, or 0.2 where it has none; 0: no test part; 2/5: the second of five "
        "folds of the rows",
    )
    validation: Any = key(
        0.1,
        either(share_or_count(), fold()),
        "validation part, taken from what the test part leaves; 0: no validation part; 2/5: a fold of it",
    )
    judge: bool = key(
        True, boolean(), "score the test part; false keeps it aside unread, as while settings are chosen"
    )
    near: float | None = key(
        None,
        optional(number(0, open_low=True)),
        "keep rows in one part that are nearer to each other than this, in the units of the file: near copies",
    )
    stratify: bool = key(True, boolean(), "keep the shares of the classes equal in all parts")
    seed: int = key(0, whole(0), "seed of the split; apart from `seed`, so that seeds share their rows")


@dataclass
class Prepare:
    """What is done to the features, in this order; fitted on the training part alone."""

    impute: str | None = key(
        None,
        optional(choice(*IMPUTATIONS)),
        "fill empty cells of a column with what its other cells hold; text columns always with the most frequent",
    )
    one_hot: bool = key(
        False, boolean(), "turn each text column into one indicator column for each of its values"
    )
    polynomial: int | None = key(
        None, optional(whole(2)), "add all products of features up to this degree: x1^2, x1 x2, x2^2"
    )
    scale: str = key(
        "auto",
        choice(*SCALES),
        "unit: pixels to [0, 1]; signed: pixels to [-1, 1]; standard: mean 0, deviation 1; "
        "minmax: each feature to [0, 1]; auto: unit for pixels, standard for other numbers",
    )
    pca: Any = key(
        None,
        optional(either(number(0, 1, open_low=True, open_high=True), whole(1))),
        "principal components to keep: so many, or as many as hold this share of the variance",
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
        "mlp",
        text_like(*MODEL_NAMES),
        "name of the model, or package.module.Class of an estimator from trusted_packages",
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
    input_dropout: float = key(0.0, RATE, "share of the inputs that is dropped while training")
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
class Sweep:
    """What -m runs and where it is kept; commas between values make a grid."""

    dir: str | None = key(
        None, optional(path_text()), "folder of the sweep; null: outputs/<task>/<time>-<hash>"
    )
    resume: bool = key(
        False, boolean(), "resume the newest sweep of the same jobs and data; finished jobs are skipped"
    )
    stack: Any = key(
        "auto",
        either(choice("auto"), boolean()),
        "train networks of one shape side by side; auto: the small ones",
    )
    retries: int = key(0, whole(0), "times that a job is tried again after its process was killed")
    zip: Any = key(
        [], list_of(text(), what="a list of swept keys"), "keys that advance together instead of in a grid"
    )
    list: Any = key(
        [],
        list_of(mapping(), what="a list of mappings key: value"),
        "sets of values, one job each (times the grid)",
    )


@dataclass
class Execution:
    """Where the jobs of a sweep run."""

    backend: str = key(
        "local",
        choice("local", "dask", "slurm"),
        "processes of this machine, workers of a Dask cluster, or the queue of a Slurm cluster",
    )
    workers: Any = key(
        "auto",
        either(choice("auto"), whole(1)),
        "processes at once; auto: one a core, all of the Dask cluster, 16 elements of a Slurm array",
    )
    scheduler: str | None = key(None, optional(line()), "dask: address of the scheduler, tcp://HOST:PORT")
    cluster: str = key("slurm", choice("slurm", "local"), "slurm: its queue, or the same on this machine")
    partition: str | None = key(None, optional(line()), "slurm: partition; null: the default one")
    time: int = key(60, whole(1), "slurm: minutes that an element of an array may take")
    cpus: int = key(1, whole(1), "slurm: processors of an element; it runs cpus/threads jobs at once")
    memory: int = key(4, whole(1), "slurm: gigabytes of an element")
    options: dict[str, Any] = key(
        {}, options_of_sbatch(), "slurm: more options of sbatch, such as {account: mine}"
    )


@dataclass
class Tracking:
    """Which other program follows the run, beside its folder; results do not depend on it."""

    backend: str | None = key(
        None,
        optional(choice("tensorboard", "mlflow")),
        "tensorboard: event files in the run folder; mlflow: a server or a file",
    )
    uri: str | None = key(None, optional(text()), "mlflow: server; null: sqlite in <outputs>/mlflow.db")
    experiment: str | None = key(
        None, optional(text()), "mlflow: name of the experiment; null: that of the task"
    )


@dataclass
class Task:
    """The study: its name and what kind of question it asks."""

    name: str = key("custom", text(), "name of the study; its runs land in outputs/<name>")
    kind: str = key("classification", choice_of(KINDS), "kind of the study")


@dataclass
class Config:
    """All keys of one run."""

    seed: int = key(0, whole(0), "seed of everything that is random in the model")
    threads: int = key(1, whole(1), "threads of the matrix products; other numbers give other last bits")
    outputs: str = key("outputs", path_text(), "folder in which run folders are made")
    data_dir: str | None = key(None, optional(path_text()), "folder with data sets; MLEXP_DATA_DIR if null")
    figures: bool = key(
        True, boolean(), "draw the figures of the run and write its page; jobs of a sweep only when typed"
    )
    trusted_packages: list[str] = key(
        ["sklearn"],
        list_of(text(), what="a list of package names"),
        "packages from which model.name may take a class of its own",
    )
    checkpoint_seconds: float = key(
        2.0, number(0), "seconds between two checkpoints of a training, at least; 0: one after each epoch"
    )
    memory_mb: int = key(
        4000,
        whole(1),
        "refuse networks, clustering and embedding methods that would need more megabytes than this",
    )
    dataset: Dataset = field(default_factory=Dataset)
    split: Split = field(default_factory=Split)
    prepare: Prepare = field(default_factory=Prepare)
    model: Model = field(default_factory=Model)
    task: Task = field(default_factory=Task)
    autoencoder: Autoencoder = field(default_factory=Autoencoder)
    features: Features = field(default_factory=Features)
    layers: Layers = field(default_factory=Layers)
    explore: Explore = field(default_factory=Explore)
    by_hand: ByHand = field(default_factory=ByHand)
    clustering: Clustering = field(default_factory=Clustering)
    embedding: Embedding = field(default_factory=Embedding)
    comparison: Comparison = field(default_factory=Comparison)
    tune: Tune = field(default_factory=Tune)
    sweep: Sweep = field(default_factory=Sweep)
    execution: Execution = field(default_factory=Execution)
    tracking: Tracking = field(default_factory=Tracking)


def default(entry: dataclasses.Field[Any]) -> Any:
    """Return the value that a declared key has where no one sets it."""
    return entry.default_factory() if callable(entry.default_factory) else entry.default


@functools.cache
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


def flat(config: Any, prefix: str = "") -> dict[str, Any]:
    """Return every key of a configuration, or of a node, with its full path, and its value."""
    found: dict[str, Any] = {}
    for name, value in vars(config).items():
        found |= (
            flat(value, f"{prefix}{name}.") if dataclasses.is_dataclass(value) else {prefix + name: value}
        )
    return found


def foreign(name: str, path: str) -> bool:
    """Return whether a key belongs to other models than that of this name.

    Examples
    --------
    >>> foreign("knn", "model.hidden"), foreign("mlp", "model.hidden"), foreign("mlp", "model.params.C")
    (True, False, True)
    """
    parent, _, rest = path.partition(".")
    key = rest.partition(".")[0]
    if parent != "model" or not key:
        return False
    if name in ENGINE_MODELS:
        return key == "params"
    return key not in SHARED_KEYS + (NETWORK_KEYS if name == "sklearn_mlp" else ())
