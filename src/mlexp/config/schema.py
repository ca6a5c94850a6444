"""Every key of the configuration: its type, default, rule and meaning.

This is the one place where a key is declared. Composition (`compose.py`), the checks, the hints and
the printed reference are all made from it. The words that keys accept stand in `names.py`, the node of a
search in `search.py`. A node that one kind of study reads is declared in the folder of that kind, which its row in
`names.KINDS` gives: nothing here imports a kind.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from mlexp.config.names import (
    ALL_ACTIVATIONS,
    BALANCES,
    COMBINED,
    COMBINED_KEYS,
    DELIMITERS,
    ENGINE_MODELS,
    IMPUTATIONS,
    INITIALIZERS,
    KINDS,
    LOSSES,
    MODEL_NAMES,
    NETWORK_KEYS,
    OPTIMIZERS,
    QUOTES,
    RECORDED,
    SCALES,
    SCHEDULES,
    SELECTIONS,
    SHARED_KEYS,
)
from mlexp.config.readers import READERS
from mlexp.config.rules import (
    boolean,
    character,
    choice,
    choice_of,
    codec,
    conditions,
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
    size_of_image,
    text,
    text_like,
    whole,
)
from mlexp.config.search import Tune
from mlexp.config.together import check_together
from mlexp.errors import ConfigError, shortened

Node = TypeVar("Node")
RATE = number(0, 1, open_high=True)
OF_EPOCHS = tuple(dict.fromkeys(chain(*RECORDED.values())))


@dataclass
class Dataset:
    """The data set and how it is read."""

    name: str = key("digits", text(), "name of the data set in tables and folders")
    reader: str = key("sklearn", choice_of(READERS), "how the data set is read")
    path: str | None = key(None, optional(path_text()), "file or folder with the data")
    test_path: str | None = key(None, optional(path_text()), "file with a separate test set")
    label: Any = key(None, optional(either(text(), whole(-10_000))), "label column, by name or position")
    features: list[Any] = key(
        [], list_of(text(), what="a list of columns"), "tables: feature columns; []: all but the label"
    )
    ignore: list[Any] = key([], list_of(text(), what="a list of columns"), "tables: columns to ignore")
    words: list[Any] = key(
        [],
        list_of(text(), what="a list of columns"),
        "tables: columns to read as text although they look like numbers or dates",
    )
    missing: list[Any] = key(
        [],
        list_of(either(text(), number()), what="a list of words or numbers"),
        "tables: further values that mark a missing cell, such as ['?'] or [-999]; in all columns",
    )
    delimiter: str = key(
        "auto",
        either(choice("auto", *DELIMITERS), character()),
        "csv: delimiter between cells; auto: detected from the file",
    )
    decimal: str = key(
        "auto",
        choice("auto", "point", "comma"),
        "csv: decimal separator; auto: detected from the cells",
    )
    thousands: str = key(
        "auto",
        choice("auto", "none", "point", "comma", "apostrophe", "blank"),
        "csv: thousands separator; auto: detected from the cells",
    )
    quote: str = key(
        "auto",
        either(choice("auto", *QUOTES), character()),
        "csv: quote character around cells that contain a delimiter",
    )
    encoding: str = key(
        "auto",
        either(choice("auto"), codec()),
        "csv: character encoding; auto: UTF-8, UTF-16 or Western European",
    )
    header: Any = key(
        "auto",
        either(choice("auto"), boolean()),
        "csv: whether the first line names the columns; auto: yes, and a line of numbers is refused",
    )
    sheet: str | None = key(None, optional(text()), "Excel: sheet to read; null: the first visible one")
    labels: str | None = key(
        None,
        optional(path_text()),
        "folder: table with the file name and the label of each image; null: one subfolder per class",
    )
    image_shape: list[Any] = key(
        [],
        size_of_image(),
        "height and width; tables and arrays: their features are the pixels of an image, row by row; folder: resize "
        "the images, which else must have one size. A third number, 3: red, green and blue of each pixel",
    )
    channels: str = key(
        "grey", choice("grey", "rgb"), "folder: convert images to grey, or keep red, green and blue"
    )
    class_names: list[Any] = key(
        [],
        list_of(text(), what="a list of names"),
        "names of the classes: of the labels 0, 1, 2 ..., or else in the order of the labels",
    )
    groups: str | None = key(
        None,
        optional(text()),
        "tables: group column, not used as a feature; rows of one group stay in the same set",
    )
    target: str = key(
        "classes",
        choice("classes", "numbers"),
        "type of the label: a class (classification) or a number (regression)",
    )
    points: list[Any] = key(
        [],
        list_of(list_of(number(), what=""), what="a list of [x1, x2, ..., class]"),
        "points: training samples",
    )
    test_points: list[Any] = key(
        [],
        list_of(list_of(number(), what=""), what="a list of [x1, x2, ..., class]"),
        "points: test samples",
    )
    openml_id: int | None = key(None, optional(whole(1)), "ID of the data set on OpenML")
    limit: int | None = key(None, optional(whole(1)), "maximum number of samples of each set")
    label_gaps: str = key(
        "close",
        choice("close", "keep"),
        "close: renumber the classes 0, 1, 2 ...; keep: use the numbers of the file",
    )
    n_samples: int = key(500, whole(1), "number of samples to generate")
    noise: float = key(0.1, number(0), "standard deviation of the noise added to generated samples")
    factor: float = key(
        0.5, number(0, 1, open_low=True, open_high=True), "circles: ratio of the inner to the outer radius"
    )
    n_arms: int = key(3, whole(1), "spirals: number of arms")
    turns: float = key(1.0, number(0, open_low=True), "spirals: number of turns of each arm")
    centers: int = key(3, whole(1), "blobs: number of centres")
    seed: int = key(0, whole(0), "seed of the generator and of the sampling for `limit`")


@dataclass
class Split:
    """How the samples are split into training, validation and test sets."""

    test: Any = key(
        "auto",
        either(choice("auto"), share_or_count(), fold()),
        "test set; auto: the data set's own, or 0.2 where it has none; 0: no test set; 2/5: the second of five folds",
    )
    validation: Any = key(
        0.1,
        either(share_or_count(), fold()),
        "validation set, taken from the samples outside the test set; 0: no validation set; 2/5: the second of five "
        "folds",
    )
    judge: bool = key(
        True, boolean(), "evaluate on the test set; false: hold it out unused, as during a search"
    )
    near: float | None = key(
        None,
        optional(number(0, open_low=True)),
        "near-duplicates: samples within this distance of each other, in the units of the file, stay in the same set",
    )
    stratify: bool = key(True, boolean(), "keep the class proportions equal in all sets")
    seed: int = key(
        0,
        whole(0),
        "seed of the split; separate from `seed`, so that runs with different seeds share one split",
    )


@dataclass
class Prepare:
    """Preparation of the features, in this order; fitted on the training set alone."""

    impute: str | None = key(
        None,
        optional(choice(*IMPUTATIONS)),
        "fill missing cells with this statistic of their column; text columns: always with the most frequent value",
    )
    one_hot: bool = key(False, boolean(), "one-hot encode the text columns")
    polynomial: int | None = key(
        None, optional(whole(2)), "add polynomial features up to this degree: x1^2, x1 x2, x2^2"
    )
    scale: str = key(
        "auto",
        choice(*SCALES),
        "unit: pixels to [0, 1]; signed: pixels to [-1, 1]; standard: mean 0, standard deviation 1; "
        "minmax: each feature to [0, 1]; auto: unit for pixels, standard for other numbers",
    )
    pca: Any = key(
        None,
        optional(either(number(0, 1, open_low=True, open_high=True), whole(1))),
        "number of principal components, or share of variance to retain",
    )
    select: Any = key(
        None,
        optional(either(number(0, 1, open_low=True, open_high=True), whole(1))),
        "number or share of features to keep, those that the label depends on most; before scaling",
    )
    select_by: str = key(
        "f_test",
        choice(*SELECTIONS),
        "what select ranks features by: the F test of each alone (linear), or its mutual information with the label",
    )
    balance: str | None = key(
        None,
        optional(choice(*BALANCES)),
        "sample the training set to classes of equal size, after the split: over repeats samples of the smaller "
        "classes, under leaves out samples of the larger ones; validation and test set stay as they are",
    )


@dataclass
class ScheduleOptions:
    """Options of the learning-rate schedule; null: the default of the schedule."""

    every: int | None = key(None, optional(whole(1)), "step: epochs between two reductions (30)")
    factor: float | None = key(
        None,
        optional(number(0, 1, open_low=True)),
        "step, on_plateau (0.1) and exponential (0.95): factor by which the rate is multiplied",
    )
    patience: int | None = key(
        None, optional(whole(0)), "on_plateau: epochs without improvement of the loss before a reduction (10)"
    )
    threshold: float | None = key(
        None, optional(RATE), "on_plateau: smallest relative improvement of the loss that counts (1e-4)"
    )
    epochs: int | None = key(
        None, optional(whole(1)), "cosine (model.epochs) and warm_up (5): length in epochs"
    )
    floor: float | None = key(
        None, optional(RATE), "cosine: final learning rate as a share of the initial one (0)"
    )


@dataclass
class Model:
    """The model and how it is trained."""

    name: str = key(
        "mlp",
        text_like(*MODEL_NAMES),
        "name of the model, or package.module.Class of an estimator from trusted_packages",
    )
    params: dict[str, Any] = key({}, mapping(), "parameters of a scikit-learn estimator, under its own names")
    base: list[str] = key(
        [],
        list_of(text(), what="a list of names of models"),
        "stacking, voting, bagging, calibrated, thresholded: the models it is made of, by name; []: a usual choice",
    )
    base_params: dict[str, Any] = key(
        {},
        mapping(),
        "parameters of the models of model.base: name -> parameters, such as {knn: {n_neighbors: 3}}",
    )
    hidden: Any = key(
        [64], list_of(whole(1), what="a list of whole numbers from 1"), "widths of the hidden layers"
    )
    activation: Any = key(
        "relu",
        either(
            choice_of(ALL_ACTIVATIONS),
            list_of(choice_of(ALL_ACTIVATIONS), what="a list of them, one per hidden layer"),
        ),
        "activation of the hidden layers: one for all, or one per layer",
    )
    init: str = key(
        "auto",
        choice("auto", *INITIALIZERS),
        "initialisation of the weights; auto: He before ReLU and its variants, Xavier elsewhere",
    )
    bias: bool = key(True, boolean(), "use bias terms")
    bias_init: str = key("zeros", choice(*INITIALIZERS), "initialisation of the biases")
    dropout: float = key(0.0, RATE, "dropout rate of the hidden layers")
    input_dropout: float = key(0.0, RATE, "dropout rate of the inputs")
    batch_norm: bool = key(False, boolean(), "batch normalisation before every hidden activation")
    output: str = key(
        "softmax", choice("softmax", "sigmoid"), "output layer; sigmoid: a single output, for two classes"
    )
    loss: str = key(
        "mse",
        choice(*LOSSES),
        "regression: loss to minimise, with the target in standard deviations; mse: mean squared error, mae: mean "
        "absolute error, huber: squared up to one standard deviation, absolute beyond; classes: always cross-entropy",
    )
    optimizer: str = key("adam", choice(*OPTIMIZERS), "optimizer")
    learning_rate: float = key(0.001, number(0, open_low=True), "step size of the optimizer")
    momentum: float = key(0.0, RATE, "sgd: momentum coefficient")
    nesterov: bool = key(False, boolean(), "sgd: Nesterov momentum")
    decay: float = key(0.01, number(0), "adamw: decoupled weight decay")
    epsilon: float | None = key(
        None,
        optional(number(0, open_low=True)),
        "adam, adamw, rmsprop, adagrad: what is added to the root of the mean square; null: 1e-8, adagrad 1e-10 "
        "(Keras: 1e-7)",
    )
    schedule: str = key("constant", choice(*SCHEDULES), "learning-rate schedule, by epoch")
    schedule_options: ScheduleOptions = field(default_factory=ScheduleOptions)
    batch_size: Any = key(32, either(whole(1), choice("full")), "batch size; full: the whole training set")
    epochs: int = key(200, whole(1), "maximum number of epochs")
    patience: int | None = key(
        10, optional(whole(1)), "early stopping: epochs without improvement of the validation loss; null: off"
    )
    restore_best: bool = key(
        True, boolean(), "restore the weights of the epoch with the lowest validation loss"
    )
    l1: float = key(0.0, number(0), "coefficient of |W| added to the mean loss, weights only")
    l2: float = key(0.0, number(0), "coefficient of W²/2 added to the mean loss, weights only")
    reduction: str = key(
        "mean", choice("mean", "sum"), "reduction of the loss over a batch whose gradient is taken"
    )
    drop_last: bool = key(False, boolean(), "drop the last batch of an epoch if it is smaller")
    clip_norm: float | None = key(
        None, optional(number(0, open_low=True)), "clip the gradient to this norm; null: no clipping"
    )
    max_norm: float | None = key(
        None,
        optional(number(0, open_low=True)),
        "maximum norm of the incoming weights of a unit; null: no limit",
    )
    label_smoothing: float = key(
        0.0, RATE, "label smoothing: share of each target spread evenly over all classes"
    )
    class_weight: str | None = key(
        None,
        optional(choice("balanced")),
        "balanced: weight each class by n / (n_classes n_class)",
    )
    dtype: str = key("float32", choice("float32", "float64"), "precision of weights and arithmetic")


@dataclass
class Record:
    """What a run records besides its scores, and a network by epoch besides loss and accuracy; affects no result."""

    metrics: list[str] = key(
        [],
        list_of(choice(*OF_EPOCHS), what=f"a list of {', '.join(OF_EPOCHS)}"),
        "further metrics of training and validation set in history.csv; macro means over the classes",
    )
    diagnostics: Any = key(
        "auto",
        either(choice("auto"), boolean()),
        "gradient norms, dead and saturated units by layer in diagnostics.csv; auto: for networks of up to 1,000,000 "
        "parameters, but not for the trials of a search",
    )
    importance: Any = key(
        "auto",
        either(choice("auto"), boolean()),
        "permutation importance and partial dependence of the features; auto: for tables, in runs that draw figures; "
        "true: also for jobs of a sweep, and for images by patches",
    )


@dataclass
class Sweep:
    """The jobs of a sweep (-m) and its folder; commas between values make a grid."""

    dir: str | None = key(
        None, optional(path_text()), "folder of the sweep; null: outputs/<task>/<time>-<hash>"
    )
    resume: bool = key(
        False, boolean(), "resume the newest sweep with the same jobs and data; finished jobs are skipped"
    )
    stack: Any = key(
        "auto",
        either(choice("auto"), boolean()),
        "train networks of the same shape together, stacked; auto: only small ones",
    )
    retries: int = key(0, whole(0), "number of retries of a job whose process was killed")
    zip: Any = key(
        [], list_of(text(), what="a list of swept keys"), "keys that vary together instead of forming a grid"
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
        "local: processes on this machine; dask: workers of a Dask cluster; slurm: the queue of a Slurm cluster",
    )
    workers: Any = key(
        "auto",
        either(choice("auto"), whole(1)),
        "number of parallel workers; auto: one per core, all of the Dask cluster, or 16 elements of a Slurm array",
    )
    scheduler: str | None = key(None, optional(line()), "dask: address of the scheduler, tcp://HOST:PORT")
    cluster: str = key(
        "slurm",
        choice("slurm", "local"),
        "slurm: submit to the queue; local: run the same array on this machine",
    )
    partition: str | None = key(None, optional(line()), "slurm: partition; null: the default partition")
    time: int = key(60, whole(1), "slurm: time limit of an array element, in minutes")
    cpus: int = key(1, whole(1), "slurm: CPUs of an array element; it runs cpus/threads jobs in parallel")
    memory: int = key(4, whole(1), "slurm: memory of an array element, in gigabytes")
    options: dict[str, Any] = key(
        {}, options_of_sbatch(), "slurm: further options of sbatch, such as {account: mine}"
    )


@dataclass
class Tracking:
    """Experiment tracker to log the run to, in addition to its folder; does not affect the results."""

    backend: str | None = key(
        None,
        optional(choice("tensorboard", "mlflow")),
        "tensorboard: event files in the run folder; mlflow: a server or a database file",
    )
    uri: str | None = key(
        None, optional(text()), "mlflow: address of the server; null: SQLite database <outputs>/mlflow.db"
    )
    experiment: str | None = key(
        None, optional(text()), "mlflow: name of the experiment; null: name of the task"
    )


@dataclass
class Page:
    """The report of a run, sweep or comparison; does not affect the results."""

    figures: str = key(
        "main",
        choice("main", "all"),
        "main: draw the six most important figures; all: every figure that the results allow",
    )
    format: list[str] = key(
        ["png"],
        list_of(choice("png", "pdf", "svg"), what="a list of png, pdf and svg"),
        "file formats of each figure; pdf and svg are vectors with text as text; png is always drawn for the page",
    )
    title: bool = key(
        True, boolean(), "show the headline of a figure within it; false: leave it to a caption"
    )
    living: Any = key(
        "auto",
        either(choice("auto"), boolean()),
        "the page of a network carries it and computes: its weights and up to 100 training and 100 test samples "
        "travel with the file; auto: for bundled, published and generated data, in runs that draw figures",
    )


@dataclass
class Task:
    """The study: its name and kind."""

    name: str = key("custom", text(), "name of the study; its runs are saved in outputs/<name>")
    kind: str = key("classification", choice_of(KINDS), "kind of the study")


@dataclass
class Experiment:
    """What is run: the seed, where and on what, data, model and task."""

    seed: int = key(0, whole(0), "random seed of the model: initialisation, shuffling, dropout")
    threads: int = key(
        1, whole(1, 4096), "threads for matrix products; changing it changes the last bits of the results"
    )
    device: str = key(
        "cpu",
        choice("cpu", "cuda"),
        "where networks train; cuda: a GPU of NVIDIA, by CuPy. The same experiment, equal to that on the CPU up to "
        "rounding",
    )
    outputs: str = key("outputs", path_text(), "folder in which run folders are created")
    data_dir: str | None = key(
        None, optional(path_text()), "folder with data sets; null: the environment variable MLEXP_DATA_DIR"
    )
    figures: bool = key(
        True,
        boolean(),
        "draw the figures of the run and write its report; for jobs of a sweep only when typed",
    )
    trusted_packages: list[str] = key(
        ["sklearn"],
        list_of(text(), what="a list of package names"),
        "packages from which model.name may import an estimator class",
    )
    checkpoint_seconds: float = key(
        2.0, number(0), "minimum time between two checkpoints, in seconds; 0: a checkpoint after each epoch"
    )
    memory_mb: int = key(
        4000,
        whole(1),
        "memory limit in megabytes: refuse networks, clusterings and embeddings that would need more",
    )
    expect: dict[str, Any] = key(
        {},
        conditions(),
        'conditions that the results must meet, else exit code 7: {test.accuracy: ">= 0.95", seconds: "<= 60"}',
    )
    dataset: Dataset = field(default_factory=Dataset)
    split: Split = field(default_factory=Split)
    prepare: Prepare = field(default_factory=Prepare)
    model: Model = field(default_factory=Model)
    task: Task = field(default_factory=Task)


if TYPE_CHECKING:

    class KindNodes:
        """The node of each kind that has keys of its own; see `Config.of`."""

else:
    KindNodes = dataclasses.make_dataclass(
        "KindNodes",
        [
            (kind.node, kind.settings.KEYS, field(default_factory=kind.settings.KEYS))
            for kind in KINDS.values()
            if kind.node and not kind.package  # a kind of a plugin reads the keys that there are
        ],
    )


@dataclass
class Conduct:
    """How it is run: what is recorded, searched, repeated, drawn and tracked, and where its jobs run."""

    record: Record = field(default_factory=Record)
    tune: Tune = field(default_factory=Tune)
    sweep: Sweep = field(default_factory=Sweep)
    execution: Execution = field(default_factory=Execution)
    page: Page = field(default_factory=Page)
    tracking: Tracking = field(default_factory=Tracking)


@dataclass
class Config(Conduct, KindNodes, Experiment):
    """All keys of one run.

    However it is made, each value is one that its key takes, and they fit together. Its nodes can be written to, since
    OmegaConf fills them; whatever changes a configuration makes another one, by `dataclasses.replace` or
    `compose.with_changes`.

    Raises
    ------
    ConfigError
        The message names the key, what it takes and what it got.
    """  # in this order: Experiment, the nodes of the kinds by their rows, Conduct

    def of(self, node: type[Node]) -> Node:
        """Return the node that a kind of study declares.

        Examples
        --------
        >>> from mlexp.kinds.clustering.settings import Clustering
        >>> Config().of(Clustering).k
        3
        """
        return next(value for value in vars(self).values() if isinstance(value, node))

    def __post_init__(self) -> None:
        """Check every value, and what they allow together."""
        check_nodes(self)
        check_values(flat(self))
        check_together(self)


# Nodes and keys that records made before them lack: they had what is the default now, which enters no hash.
ADDED = ("data_needed", "device", "page", "record", "expect")
ADDED_KEYS = (
    "data_needed.sizes", "data_needed.repeats", "dataset.labels", "dataset.image_shape", "dataset.channels",
    "dataset.class_names", "model.loss", "by_hand.loss", "by_hand.new_points", "by_hand.centres", "by_hand.variance",
    "by_hand.variant", "by_hand.answers", "model.base", "model.base_params", "model.epsilon",
    "prepare.select", "prepare.select_by", "prepare.balance", "device", "page.living",
)  # fmt: skip


def default(entry: dataclasses.Field[Any]) -> Any:
    """Return the default value of a declared key."""
    return entry.default_factory() if callable(entry.default_factory) else entry.default


@functools.cache
def declared(node: type = Config, prefix: str = "") -> dict[str, dataclasses.Field[Any]]:
    """Return every declared key under its full path.

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
    node: type = type(config)
    paths, read = _paths(node)
    return {prefix + path: value for path, value in zip(paths, read(config), strict=True)}


@functools.cache
def _paths(node: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """Return the path of each key of a node, and what reads all of their values at once."""
    paths = tuple(declared(node))
    return paths, operator.attrgetter(*paths)


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
    if key in COMBINED_KEYS:
        return name not in COMBINED
    if name in ENGINE_MODELS:
        return key == "params"
    return key not in SHARED_KEYS + (NETWORK_KEYS if name == "sklearn_mlp" else ())


def check_nodes(node: Any, prefix: str = "") -> None:
    """Refuse what is not a node where a node belongs."""
    for entry in dataclasses.fields(node):
        inner, value = entry.default_factory, getattr(node, entry.name)
        if isinstance(inner, type) and dataclasses.is_dataclass(inner):
            if not isinstance(value, inner):
                raise ConfigError(
                    f"{prefix}{entry.name} must be of the class {inner.__name__}. Got {shortened(repr(value))}."
                )
            check_nodes(value, f"{prefix}{entry.name}.")


def check_values(values: Mapping[str, Any]) -> None:
    """Hold every value against the rule of its key.

    Raises
    ------
    ConfigError
        A key is missing, or does not take its value.
    """
    for path, entry in declared().items():
        rule = entry.metadata["rule"]
        if path not in values:
            raise ConfigError(cannot_be_removed(path))
        if not rule.accepts(values[path]):
            raise ConfigError(rule.complaint(path, values[path]))


def cannot_be_removed(path: str) -> str:
    """Say that a key must have a value, and which."""
    return (
        f"{path} cannot be removed: a run needs it. It must be {declared()[path].metadata['rule'].allowed}."
    )
