"""The keys of the node `features`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlexp.config.names import ACTIVATIONS, FEATURES
from mlexp.config.rules import choice, key, list_of, number, whole


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


KEYS = Features
