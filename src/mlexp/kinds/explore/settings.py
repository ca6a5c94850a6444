"""The keys of the node `explore`."""

from __future__ import annotations

from dataclasses import dataclass

from mlexp.config.rules import key, whole


@dataclass
class Explore:
    """Exploration of a data set before any training."""

    pictures: int = key(10, whole(1), "number of random test images shown with their class names")
    per_class: int = key(10, whole(1), "number of training images shown per class")
    queries: int = key(
        2000, whole(2), "maximum number of samples per set whose nearest training sample is searched for"
    )


KEYS = Explore
