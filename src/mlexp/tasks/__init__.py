"""Kinds of study: each is a function of the configuration and the data set that returns a `Result`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mlexp.data.dataset import Dataset
from mlexp.errors import ConfigError
from mlexp.observer import Observer
from mlexp.result import Result
from mlexp.schema import Config
from mlexp.tasks.autoencoder import autoencoder
from mlexp.tasks.by_hand import by_hand
from mlexp.tasks.clustering import clustering
from mlexp.tasks.embedding import embedding
from mlexp.tasks.explore import explore
from mlexp.tasks.features import features
from mlexp.tasks.layers import layers
from mlexp.tasks.supervised import classification, classifications, regression


def comparison(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Refuse: a comparison is many runs, which `mlexp.comparisons` makes."""
    raise ConfigError(
        f"task={config.task.name} is a comparison of many runs, and no run of its own. Start it on the command "
        "line without -m, or type task.kind=classification (or the kind that an arm runs) for a single run."
    )


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
