"""The nodes of the configuration that apply to one kind of study each; see `schema.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlexp.config.names import (
    ACTIVATIONS,
    CALCULATIONS,
    CLUSTERINGS,
    EMBEDDINGS,
    FEATURES,
    KINDS,
    LOSSES,
    STRATEGIES,
    TESTS,
)
from mlexp.config.rules import (
    boolean,
    choice,
    choice_of,
    either,
    key,
    list_of,
    lower_text,
    mapping,
    number,
    optional,
    path_text,
    text,
    whole,
)

NUMBERS = list_of(number(), what="a list of numbers")


@dataclass
class Autoencoder:
    """Figures of an autoencoder; its layers are set in `model`."""

    pictures: int = key(10, whole(2), "number of test images shown with their reconstructions")
    latent_rows: int = key(2000, whole(2), "maximum number of test samples in the figure of the latent space")
    steps: int = key(9, whole(3), "number of images in a latent interpolation, ends included")


@dataclass
class Features:
    """Classifiers on the features of an autoencoder, compared with other features of the same samples."""

    of: Any = key(
        list(FEATURES),
        list_of(choice(*FEATURES), what=f"a list of {', '.join(FEATURES)}"),
        "features to compare: bottleneck and last hidden layer of the autoencoder, PCA with the width of the "
        "bottleneck, raw inputs",
    )
    hidden: Any = key(
        [16, 16], list_of(whole(1), what="a list of whole numbers from 1"), "widths of the hidden layers"
    )
    activation: str = key("relu", choice(*ACTIVATIONS), "activation of the hidden layers")
    learning_rate: float = key(0.001, number(0, open_low=True), "learning rate of Adam")
    batch_size: int = key(128, whole(1), "batch size")
    epochs: int = key(50, whole(1), "number of epochs")


@dataclass
class Layers:
    """t-SNE maps of the hidden layers of a classifier."""

    rows: int = key(1000, whole(4), "number of samples mapped from each set, stratified by class")
    perplexity: float = key(30.0, number(1), "t-SNE: effective number of neighbours of a sample")
    run: str | None = key(
        None, optional(text()), "run folder of a trained MLP to use instead of training one"
    )


@dataclass
class DataNeeded:
    """Learning curve by number of training samples."""

    sizes: Any = key(
        "auto",
        either(
            choice("auto"),
            list_of(
                either(whole(1), number(0, 1, open_low=True)), what="a list of numbers of samples or shares"
            ),
        ),
        "sizes of the training set, as numbers of samples or shares of all; auto: six, each half of the next",
    )
    repeats: int = key(5, whole(2), "number of random subsets of each size")


@dataclass
class Explore:
    """Exploration of a data set before any training."""

    pictures: int = key(10, whole(1), "number of random test images shown with their class names")
    per_class: int = key(10, whole(1), "number of training images shown per class")
    queries: int = key(
        2000, whole(2), "maximum number of samples per set whose nearest training sample is searched for"
    )


@dataclass
class ByHand:
    """A calculation small enough to follow by hand."""

    calculation: str = key("backprop", choice(*CALCULATIONS), "calculation to carry out")
    x: Any = key(
        None,
        optional(list_of(either(number(), NUMBERS), what="a list of numbers, or of rows of them")),
        "rows: a list of numbers, or of lists of them; null: those of the data set, else an example",
    )
    y: Any = key(
        None,
        optional(list_of(either(number(), NUMBERS), what="a list of numbers, or of rows of them")),
        "backprop, softmax: targets, or classes from 0; svm: classes -1 and 1; null: of the data set, else an example",
    )
    weights: Any = key(
        None,
        optional(NUMBERS),
        "backprop, softmax: initial parameters, layer by layer the weights row by row, then the biases; null: "
        "0.1, 0, 0.2, 0 for a network of one unit and one input, else drawn from seed",
    )
    loss: str = key(
        "mse", choice(*LOSSES, "cross_entropy", "binary_cross_entropy"), "backprop: loss of the network"
    )
    new_points: Any = key([], list_of(NUMBERS, what="a list of rows of numbers"), "svm: points to classify")
    centres: Any = key(
        None,
        optional(list_of(either(number(), NUMBERS), what="a list of numbers, or of rows of them")),
        "kmeans, em: initial centres or means, one per row; null: the first and the last sample",
    )
    variance: float = key(
        1.0, number(0, open_low=True), "em: initial variance of every component in every direction"
    )
    width: int = key(5, whole(1), "residual: length of x")
    hidden: int = key(7, whole(1), "residual: length of h")
    variant: int | None = key(
        None,
        optional(whole(0)),
        "exercise: draw other numbers from this seed, in place of those that are not typed",
    )
    answers: str = key(
        "auto",
        choice("auto", "shown", "folded"),
        "solution on the page; auto: folded for an exercise (by_hand.variant), else shown",
    )


@dataclass
class Clustering:
    """Clustering without labels, and how the number of clusters is selected."""

    k: Any = key(
        3,
        either(whole(1), list_of(whole(1), what="a list of them")),
        "number of clusters, one value or several; DBSCAN determines its own",
    )
    methods: list[str] = key(
        [],
        list_of(choice(*CLUSTERINGS), what=f"a list of {', '.join(CLUSTERINGS)}"),
        "methods to compare; empty: only the model of the run. model.params apply to the method of that model",
    )
    first: int | None = key(
        None, optional(whole(1)), "use only this many of the listed values of k, the first ones"
    )
    choose: str | None = key(
        None,
        optional(choice("silhouette", "knee", "bic")),
        "rule that selects k: highest silhouette, knee of the inertia or lowest BIC; null: the first k",
    )
    neighbors: int = key(10, whole(1), "spectral_neighbors: number of nearest neighbours in the graph")
    width: float | None = key(
        None,
        optional(number(0, open_low=True)),
        "spectral_gaussian: standard deviation of the Gaussian; null: standard deviation of the pairwise distances",
    )
    silhouette_rows: int = key(2000, whole(3), "maximum number of samples for the silhouette")
    pictures: int = key(20, whole(1), "number of images shown per cluster")
    samples: int = key(20, whole(1), "number of new images sampled from a mixture")


@dataclass
class Embedding:
    """Embedding of the samples in two dimensions."""

    methods: list[str] = key(
        [],
        list_of(choice(*EMBEDDINGS), what=f"a list of {', '.join(EMBEDDINGS)}"),
        "methods to compare; empty: only the model of the run. model.params apply to the method of that model",
    )
    rows: Any = key(
        1.0,
        either(whole(1), number(0, 1, open_low=True)),
        "samples to embed: a share in (0, 1], or a maximum number",
    )
    quadratic_rows: int = key(
        5000, whole(4), "maximum number of samples for MDS and Isomap, whose memory grows quadratically"
    )
    neighbors: Any = key(
        10,
        either(whole(1), list_of(whole(1), what="a list of them")),
        "LLE, Isomap, UMAP: number of neighbours; with several, one embedding each. The first is also that of "
        "trustworthiness and continuity",
    )
    perplexity: Any = key(
        30.0,
        either(number(1), list_of(number(1), what="a list of them")),
        "t-SNE, openTSNE: effective number of neighbours of a sample; with several, one embedding each",
    )
    measured: int = key(2000, whole(4), "maximum number of samples for trustworthiness and continuity")
    shown: int = key(1000, whole(1), "maximum number of samples shown in the figures")
    variance: float = key(
        0.95,
        number(0, 1, open_low=True, open_high=True),
        "PCA: share of variance to retain, marked in the figure",
    )
    pictures: int = key(10, whole(1), "PCA: number of images shown with their reconstructions")


@dataclass
class Comparison:
    """The settings to compare, and how often each is run."""

    of: str | None = key(
        None,
        optional(choice_of(KINDS, lambda kind: kind.compares)),
        "kind of study that each arm runs; null: determined by the model",
    )
    arms: dict[str, Any] = key({}, mapping(), "name of an arm -> its settings; null removes the arm")
    grid: dict[str, Any] = key({}, mapping(), "key -> list of values: one arm per combination")
    first: int | None = key(None, optional(whole(2)), "run only this many arms, the first ones")
    datasets: list[Any] = key(
        [],
        list_of(either(text(), mapping()), what="a list of data sets"),
        "data sets that every arm is run on: names as in dataset=, files, openml:NUMBER, or settings such as "
        "{dataset: moons, dataset.noise: 0.3}; []: only the data set of the task",
    )
    seeds: Any = key(
        "auto",
        either(choice("auto", "until_settled"), whole(1), list_of(whole(0), what="a list of seeds")),
        "seeds per arm, as a number or a list; auto: 10, or 1 with folds, repeats or draws; until_settled: "
        "interim analyses at prespecified levels, stopping once every difference is settled",
    )
    max_seeds: int | None = key(
        None,
        optional(whole(2)),
        "until_settled: maximum number of seeds per arm; null: 30, with interim analyses at 5, 10, 15, 20 and 30",
    )
    folds: int | None = key(
        None, optional(whole(2)), "number of folds of cross-validation, the same for every arm"
    )
    repeats: int = key(
        1,
        whole(1),
        "number of random splits (split.seed), or of repetitions of the cross-validation; the same for every arm",
    )
    draws: int = key(1, whole(1), "number of generated data sets (dataset.seed), the same for every arm")
    metric: str | None = key(
        None,
        optional(lower_text()),
        "metric to compare, written SET.NAME, such as test.accuracy; null: the default of the kind of study",
    )
    choose: bool = key(
        False,
        boolean(),
        "name the arm with the best mean on the validation set as the choice, order the arms by that, and let the test "
        "set judge; for the arms of one data set",
    )
    test: str = key(
        "auto", choice("auto", *TESTS), "statistical test of a difference; auto: determined by the design"
    )
    alpha: float = key(
        0.05,
        number(0, 0.5, open_low=True, open_high=True),
        "significance level: family-wise error rate over all pairs",
    )
    margin: float | None = key(
        None,
        optional(number(0, open_low=True)),
        "equivalence margin: largest difference that counts as equal, in units of the metric, fixed in advance; "
        "null: no equivalence test",
    )
    target: float = key(
        0.97,
        number(0, 1),
        "target accuracy for the number of epochs to reach it; where no arm does, a level that two arms reach",
    )
    epochwise: bool = key(
        False,
        boolean(),
        "also give the test over the epochs of a single run that some reports print, marked as not valid",
    )
    tune_arms: Any = key(
        False,
        either(boolean(), choice("none", "once", "each")),
        "tune the arms on the validation set, with equal budgets (node tune); once: once per arm, settings then fixed; "
        "each: again in each run; true: once, false: none",
    )


@dataclass
class Tune:
    """Hyperparameter search: settings are compared on the validation set; the best one is trained and tested."""

    strategy: str | None = key(None, optional(choice(*STRATEGIES)), "search strategy; null: no search")
    space: dict[str, Any] = key(
        {}, mapping(), "key of model or prepare -> list of values, or {low, high, log}; null removes a key"
    )
    metric: str | None = key(
        None,
        optional(lower_text()),
        "metric on the validation set; null: accuracy for classification, R² for regression, MSE for autoencoders",
    )
    budget: int | None = key(
        None,
        optional(whole(2)),
        "number of settings to try; null: all of a finite space (half of it for random and bayes), otherwise 24",
    )
    first: int | None = key(
        None, optional(whole(1)), "use only this many values of each listed key, the first ones"
    )
    folds: int | None = key(
        None, optional(whole(2)), "number of folds for cross-validation; null: use the validation set"
    )
    epochs: int | None = key(
        None, optional(whole(1)), "maximum number of epochs of a trial; null: model.epochs"
    )
    refit: str = key(
        "train",
        choice("train", "all"),
        "train the selected setting on the training set, or on all samples outside the test set for the number of "
        "epochs found",
    )
    eta: int = key(3, whole(2), "halving: keep 1/eta of the settings each round, with eta times the epochs")
    batch: int = key(
        4, whole(1), "bayes: number of settings proposed at a time, each batch based on the earlier ones"
    )
    prune: bool = key(
        True, boolean(), "bayes: stop a trial whose loss is worse than the median of earlier ones"
    )
    journal: str | None = key(
        None,
        optional(path_text()),
        "bayes: file to share trials between searches on several machines",
    )
    give_up: list[Any] = key(
        [],
        list_of(list_of(number(), what=""), what="a list of [epoch, loss]"),
        "stop training if the validation loss after that epoch is above that value; set by bayes",
    )
    grow: list[Any] = key(
        [],
        list_of(whole(1), what="a list of whole numbers from 1"),
        "sizes at which a warm-started forest is scored",
    )
