"""The nodes of the configuration that belong to one kind of study each; see `schema.py`."""

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


@dataclass
class Autoencoder:
    """What is shown of an autoencoder; its layers stand in `model`."""

    pictures: int = key(10, whole(2), "test images beside their reconstructions")
    latent_rows: int = key(2000, whole(2), "test rows in the picture of the latent space, at most")
    steps: int = key(9, whole(3), "images from one end of the interpolation to the other")


@dataclass
class Features:
    """Classifiers on what an autoencoder has learnt, and on other features of the same rows."""

    of: Any = key(
        list(FEATURES),
        list_of(choice(*FEATURES), what=f"a list of {', '.join(FEATURES)}"),
        "features: narrowest layer and last hidden layer of the autoencoder; PCA as wide as the narrowest; the rows",
    )
    hidden: Any = key([16, 16], list_of(whole(1), what="a list of whole numbers from 1"), "hidden widths")
    activation: str = key("relu", choice(*ACTIVATIONS), "activation of the hidden layers")
    learning_rate: float = key(0.001, number(0, open_low=True), "step size of Adam")
    batch_size: int = key(128, whole(1), "rows a step")
    epochs: int = key(50, whole(1), "passes over the training part")


@dataclass
class Layers:
    """Maps of what the hidden layers of a classifier see."""

    rows: int = key(1000, whole(4), "rows of each part that are drawn, with the shares of the classes kept")
    perplexity: float = key(30.0, number(1), "t-SNE: number of neighbours that a row attends to")
    run: str | None = key(None, optional(text()), "run folder of a trained mlp, used instead of training one")


@dataclass
class Explore:
    """What is looked at before anything is learnt."""

    pictures: int = key(10, whole(1), "random test images with the names of their classes")
    per_class: int = key(10, whole(1), "training images of each class")
    queries: int = key(2000, whole(2), "rows of each part whose nearest training row is sought, at most")


@dataclass
class ByHand:
    """A calculation small enough to follow with a pencil."""

    calculation: str = key("backprop", choice(*CALCULATIONS), "which one")
    x: Any = key([1, 2, 3], list_of(number(), what="a list of numbers"), "backprop: inputs")
    y: Any = key([3, 4, 5], list_of(number(), what="a list of numbers"), "backprop: targets")
    weights: Any = key(
        [0.1, 0, 0.2, 0], list_of(number(), what="a list of numbers"), "backprop: w1, b1, w2, b2 at the start"
    )
    width: int = key(5, whole(1), "residual: length of x")
    hidden: int = key(7, whole(1), "residual: length of h")


@dataclass
class Clustering:
    """How rows are grouped without their labels, and how the number of groups is chosen."""

    k: Any = key(
        3,
        either(whole(1), list_of(whole(1), what="a list of them")),
        "number of clusters, one or several; dbscan finds its own",
    )
    methods: list[str] = key(
        [],
        list_of(choice(*CLUSTERINGS), what=f"a list of {', '.join(CLUSTERINGS)}"),
        "methods to compare; empty: the model of the run alone. model.params go to the method of that model",
    )
    first: int | None = key(None, optional(whole(1)), "try the first so many of several k alone")
    choose: str | None = key(
        None,
        optional(choice("silhouette", "knee", "bic")),
        "rule that chooses k: highest silhouette, knee of the inertia, lowest BIC; null: the first k is shown",
    )
    neighbors: int = key(10, whole(1), "spectral_neighbors: nearest neighbours that a row is joined to")
    width: float | None = key(
        None,
        optional(number(0, open_low=True)),
        "spectral_gaussian: standard deviation of the Gaussian; null: that of the pairwise distances",
    )
    silhouette_rows: int = key(2000, whole(3), "rows among which the silhouette is taken, at most")
    pictures: int = key(20, whole(1), "images shown of each cluster")
    samples: int = key(20, whole(1), "new images drawn from a mixture")


@dataclass
class Embedding:
    """How rows are laid out in two dimensions."""

    methods: list[str] = key(
        [],
        list_of(choice(*EMBEDDINGS), what=f"a list of {', '.join(EMBEDDINGS)}"),
        "methods to compare; empty: the model of the run alone. model.params go to the method of that model",
    )
    rows: Any = key(
        1.0,
        either(whole(1), number(0, 1, open_low=True)),
        "rows that are embedded: a share, or at most so many",
    )
    quadratic_rows: int = key(5000, whole(4), "rows for mds and isomap, whose memory grows with their square")
    neighbors: int = key(10, whole(1), "lle, isomap, umap: neighbours of a row; also in the two measures")
    perplexity: float = key(30.0, number(1), "tsne, opentsne: number of neighbours that a row attends to")
    measured: int = key(2000, whole(4), "rows among which trustworthiness and continuity are taken, at most")
    shown: int = key(1000, whole(1), "rows that are drawn, at most")
    variance: float = key(
        0.95,
        number(0, 1, open_low=True, open_high=True),
        "pca: share of the variance that is marked and kept",
    )
    pictures: int = key(10, whole(1), "pca: images beside their reconstructions")


@dataclass
class Comparison:
    """Which settings are held against each other, and how often each is run."""

    of: str | None = key(
        None,
        optional(choice_of(KINDS, lambda kind: kind.compares)),
        "kind of the study that each arm runs; null: what its model is for",
    )
    arms: dict[str, Any] = key(
        {}, mapping(), "name of an arm -> its settings; null in their place leaves it out"
    )
    grid: dict[str, Any] = key({}, mapping(), "key -> list of values: one arm for each combination")
    first: int | None = key(None, optional(whole(2)), "run only the first arms, this many")
    datasets: list[Any] = key(
        [],
        list_of(either(text(), mapping()), what="a list of data sets"),
        "data sets that every arm runs on: names of dataset=, files, openml:NUMBER, or settings such as "
        "{dataset: moons, dataset.noise: 0.3}; []: that of the task alone",
    )
    seeds: Any = key(
        "auto",
        either(choice("auto", "until_settled"), whole(1), list_of(whole(0), what="a list of seeds")),
        "number of seeds of an arm, or the seeds; auto: 10, or 1 where folds, repeats or draws vary; until_settled: "
        "looks along the way, at levels stated beforehand, and stops where every difference is settled",
    )
    max_seeds: int | None = key(
        None,
        optional(whole(2)),
        "until_settled: seeds of an arm at most; null: 30, with looks at 5, 10, 15, 20 and 30",
    )
    folds: int | None = key(None, optional(whole(2)), "folds of cross-validation, the same for every arm")
    repeats: int = key(
        1, whole(1), "splits drawn anew (split.seed), or cross-validations with folds; the same for every arm"
    )
    draws: int = key(1, whole(1), "data sets that a generator draws (dataset.seed), the same for every arm")
    metric: str | None = key(
        None,
        optional(lower_text()),
        "what is compared, part.name such as test.accuracy; null: that of the kind of study",
    )
    test: str = key("auto", choice("auto", *TESTS), "test of a difference; auto: what the design asks for")
    alpha: float = key(0.05, number(0, 0.5, open_low=True, open_high=True), "false alarms among all pairs")
    margin: float | None = key(
        None,
        optional(number(0, open_low=True)),
        "largest difference that counts as equal, in units of the metric, stated before looking; null: not asked",
    )
    target: float = key(0.97, number(0, 1), "accuracy whose epoch is looked for: epochs to reach it")
    epochwise: bool = key(
        False, boolean(), "also give the test over the epochs of one run that reports print, named not valid"
    )
    tune_arms: Any = key(
        False,
        either(boolean(), choice("none", "once", "each")),
        "tune arms on the validation set, within one budget (node tune): once per arm, with settings then fixed, or "
        "anew in each run; true: once, false: none",
    )


@dataclass
class Tune:
    """Which settings are tried on the validation part before one of them is trained and judged."""

    strategy: str | None = key(
        None, optional(choice(*STRATEGIES)), "how settings are proposed; null: no search"
    )
    space: dict[str, Any] = key(
        {}, mapping(), "key of model or prepare -> list of values, or {low, high, log}; null leaves a key out"
    )
    metric: str | None = key(
        None,
        optional(lower_text()),
        "score on the validation part; null: accuracy for classes, r2 for numbers, mse for autoencoders",
    )
    budget: int | None = key(
        None,
        optional(whole(2)),
        "settings to try; null: all of a finite space (half of it for random and bayes), else 24",
    )
    first: int | None = key(None, optional(whole(1)), "try the first so many values of each listed key alone")
    folds: int | None = key(
        None, optional(whole(2)), "score by cross-validation with so many folds; null: on the validation part"
    )
    epochs: int | None = key(None, optional(whole(1)), "epochs of a trial at most; null: model.epochs")
    refit: str = key(
        "train",
        choice("train", "all"),
        "the chosen setting is trained on the training part, or on all but the test part for the epochs found",
    )
    eta: int = key(3, whole(2), "halving: one in so many settings goes on to so many times the epochs")
    batch: int = key(
        4, whole(1), "bayes: settings proposed at a time; each batch learns from those before it"
    )
    prune: bool = key(
        True, boolean(), "bayes: stop a trial whose loss is worse than the median of earlier ones"
    )
    journal: str | None = key(
        None,
        optional(path_text()),
        "bayes: file through which searches on several machines share their trials",
    )
    give_up: list[Any] = key(
        [],
        list_of(list_of(number(), what=""), what="a list of [epoch, loss]"),
        "training ends if the validation loss after that epoch is above that; filled in by bayes",
    )
    grow: list[Any] = key(
        [],
        list_of(whole(1), what="a list of whole numbers from 1"),
        "sizes at which a growing forest is scored",
    )
