"""The keys of the node `clustering`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlexp.config.names import CLUSTERINGS
from mlexp.config.rules import choice, either, key, list_of, number, optional, whole


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


KEYS = Clustering
