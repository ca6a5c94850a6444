"""The keys of the node `autoencoder`."""

from __future__ import annotations

from dataclasses import dataclass

from mlexp.config.rules import key, whole


@dataclass
class Autoencoder:
    """Figures of an autoencoder; its layers are set in `model`."""

    pictures: int = key(10, whole(2), "number of test images shown with their reconstructions")
    latent_rows: int = key(2000, whole(2), "maximum number of test samples in the figure of the latent space")
    steps: int = key(9, whole(3), "number of images in a latent interpolation, ends included")


KEYS = Autoencoder
