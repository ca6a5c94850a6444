"""The keys of the node `layers`."""

from __future__ import annotations

from dataclasses import dataclass

from mlexp.config.rules import key, number, optional, text, whole


@dataclass
class Layers:
    """t-SNE maps of the hidden layers of a classifier."""

    rows: int = key(1000, whole(4), "number of samples mapped from each set, stratified by class")
    perplexity: float = key(30.0, number(1), "t-SNE: effective number of neighbours of a sample")
    run: str | None = key(
        None, optional(text()), "run folder of a trained MLP to use instead of training one"
    )


KEYS = Layers
