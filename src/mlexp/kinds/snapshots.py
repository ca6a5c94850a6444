"""The networks of a training after some of its epochs, for a page that shows how a boundary came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlexp.config.schema import Config
from mlexp.nn.device import host
from mlexp.nn.optimizers import SGD
from mlexp.nn.state import State, begin

MOST = 20  # epochs of a training that reaches its maximum
MOST_NUMBERS = 200_000  # of all networks together, had a training reached its maximum
NAMES = ("epoch", "theta", "running")
BUNDLED = ("published", "sklearn", "synthetic", "points")  # readers of data sets that anybody may have


def wanted(config: Config) -> bool:
    """Return whether a run records what a living page needs: `page.living`.

    By default runs that draw figures, of bundled, published and generated data: their samples travel with the page.
    """
    asked = config.page.living
    if asked == "auto":
        return config.figures and config.split.judge and config.dataset.reader in BUNDLED
    return bool(asked)


def due(epochs: int) -> list[int]:
    """Return the epochs after which the network is kept: about twenty, close together at the beginning.

    The maximum of the configuration alone decides, so that a resumed training keeps the same ones.

    Examples
    --------
    >>> due(5)
    [1, 2, 3, 4, 5]
    >>> due(100)
    [1, 2, 3, 4, 5, 6, 7, 9, 11, 14, 17, 22, 27, 33, 42, 52, 64, 80, 100]
    """
    if epochs <= MOST:
        return list(range(1, epochs + 1))
    return sorted({round(epoch) for epoch in np.geomspace(1, epochs, MOST + 2).tolist()})


@dataclass(frozen=True)
class Snapshots:
    """Parameters and running values of networks that train side by side, by epoch.

    Attributes
    ----------
    epochs : after which they are kept
    kept : for each network, epoch -> parameters and running values
    """

    epochs: list[int]
    kept: list[dict[int, tuple[np.ndarray, np.ndarray]]]

    def resume(self, replica: int, checkpoint: Mapping[str, np.ndarray]) -> None:
        """Take over those that an interrupted training had kept."""
        found = [checkpoint.get(f"snapshot_{name}") for name in NAMES]
        if all(array is not None for array in found):
            for epoch, *arrays in zip(*found, strict=True):
                self.kept[replica][int(epoch)] = (arrays[0], arrays[1])

    def look(self, replica: int, state: State) -> None:
        """Keep the network of a replica if its epoch is one of them; one that has stopped stays as it is.

        Of networks so large that few would fit a page none is kept: how many come is known before the first one, so
        that a resumed training decides as an uninterrupted one does.
        """
        epoch = len(state.history[replica])
        if (1 + len(self.epochs)) * state.theta.shape[1] > MOST_NUMBERS:
            return
        if epoch in self.epochs and epoch not in self.kept[replica]:
            theta, running = host(state.theta[replica]), host(state.running[replica])
            self.kept[replica][epoch] = theta.copy(), running.copy()

    def to_arrays(self, replica: int, model: Any = None) -> dict[str, np.ndarray]:
        """Return those of a replica by epoch; with its fitted `model` also that before training, as epoch 0.

        Returns
        -------
        dict of ndarray
            ``snapshot_epoch`` (n,), ``snapshot_theta`` (n, n_parameters), ``snapshot_running`` (n, n_running); empty
            if there are none.
        """
        kept = dict(self.kept[replica])
        if not kept:
            return {}
        if model is not None:
            state = begin([model.network_], SGD(), [model.seed], model.dtype)
            kept[0] = state.theta[0], state.running[0]
        epochs = sorted(kept)
        return {
            "snapshot_epoch": np.array(epochs),
            "snapshot_theta": np.stack([kept[epoch][0] for epoch in epochs]),
            "snapshot_running": np.stack([kept[epoch][1] for epoch in epochs]),
        }


def watched(config: Config, n_features: int, n_networks: int) -> Snapshots | None:
    """Return where classifiers of two features are kept while they train; None for others, and if not wanted."""
    if config.task.kind != "classification" or n_features != 2 or not wanted(config):
        return None
    return Snapshots(due(config.model.epochs), [{} for _ in range(n_networks)])
