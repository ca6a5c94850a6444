"""The keys of the node `embedding`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlexp.config.names import EMBEDDINGS
from mlexp.config.rules import choice, either, key, list_of, number, whole


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


KEYS = Embedding
