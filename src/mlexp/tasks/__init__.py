"""Kinds of study: each is a function of the configuration and the data set that returns a `Result`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.errors import ConfigError
from mlexp.kinds.autoencoder.study import autoencoder
from mlexp.kinds.by_hand.study import by_hand
from mlexp.kinds.classification.study import classification, classifications
from mlexp.kinds.clustering.study import clustering
from mlexp.kinds.embedding.study import embedding
from mlexp.kinds.explore.study import explore
from mlexp.kinds.features.study import features
from mlexp.kinds.fitting import built
from mlexp.kinds.layers.study import layers
from mlexp.kinds.observer import Observer
from mlexp.kinds.regression.study import regression
from mlexp.kinds.result import Result
from mlexp.models import MODELS, build_autoencoder, class_path


def comparison(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Refuse: a comparison is many runs, which `mlexp.comparisons` makes."""
    raise ConfigError(
        f"task={config.task.name} is a comparison of many runs, and no run of its own. Start it on the command "
        "line without -m, or type task.kind=classification (or the kind that an arm runs) for a single run."
    )


def check(config: Config) -> None:
    """Check the model of a configuration as far as that goes without rows.

    Raises
    ------
    ConfigError
        The model does not serve this kind of study, or a parameter is unknown or out of range.
    """
    if config.task.kind in ("classification", "regression"):
        built(config)
    elif config.task.kind == "autoencoder":
        build_autoencoder(config.model, seed=config.seed, trusted=config.trusted_packages)
    elif config.task.kind in MODELS:
        class_path(config.model.name, config.task.kind, config.trusted_packages)


TASKS: dict[str, Callable[[Config, Dataset, Observer], Result]] = {
    "classification": classification,
    "regression": regression,
    "clustering": clustering,
    "embedding": embedding,
    "autoencoder": autoencoder,
    "features": features,
    "layers": layers,
    "explore": explore,
    "by_hand": by_hand,
    "comparison": comparison,
}

# Kinds whose networks can train side by side; the same result for each as from `TASKS`.
STACKS: dict[str, Callable[[Sequence[Config], Dataset, Sequence[Observer]], Iterator[Result]]] = {
    "classification": classifications,
}
