"""What a training records by epoch besides loss and accuracy: further metrics, and the state of its layers.

None of it changes a bit of the training: metrics count what the epoch computed anyway, and the state of the layers is
looked at on a fixed sample of the training rows, in prediction mode, after the updates of the epoch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from mlexp.nn.batches import Rows, read
from mlexp.nn.device import host
from mlexp.nn.layers import PREDICT, Activation, Dense, Views
from mlexp.nn.losses import Loss, classes_of
from mlexp.nn.network import Network
from mlexp.nn.sequential import backward_all

SAMPLE = 256  # training rows on which the layers are looked at
SHARE = 40  # looks make one step, and read one row, for so many of the training
FLAT = (
    0.05  # a sigmoid or tanh is saturated where its slope is below this share of the largest that it can have
)
SIGMOIDS = {"sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}  # -> limits of the output


class Counter(Protocol):
    """Gathers outputs and targets of an epoch, batch by batch, and returns its metrics."""

    def add(self, Z: np.ndarray, T: np.ndarray) -> None:
        """Take outputs and targets, each of shape (..., R, n, m)."""

    def values(self, names: Sequence[str]) -> np.ndarray:
        """Return the metrics of these names for each replica, shape (R, len(names))."""
        ...


class Confusion:
    """Counts true and predicted classes; macro precision, recall and F1.

    A mean is over the classes that have rows; precision of a class that is never predicted is 0.

    Parameters
    ----------
    n_replicas : int
    n_outputs : int
        1 for one output with the logistic function, else the number of classes.
    """

    def __init__(self, n_replicas: int, n_outputs: int) -> None:
        self.n_classes = max(n_outputs, 2)
        self.counts = np.zeros((n_replicas, self.n_classes**2), np.int64)

    def add(self, Z: np.ndarray, T: np.ndarray) -> None:
        """Count the rows of a batch, or of several."""
        cells = np.moveaxis(host(_codes(T, 0.5) * self.n_classes + _codes(Z, 0.0)), -2, 0)
        for mine, found in zip(self.counts, cells, strict=True):
            mine += np.bincount(found.ravel(), minlength=self.n_classes**2)

    def values(self, names: Sequence[str]) -> np.ndarray:
        """Return macro means, shape (R, len(names))."""
        counts = self.counts.reshape(-1, self.n_classes, self.n_classes)
        hits = np.diagonal(counts, axis1=1, axis2=2)
        true, named = counts.sum(axis=2), counts.sum(axis=1)
        shares = {
            "precision": hits / np.maximum(named, 1),
            "recall": hits / np.maximum(true, 1),
            "f1": 2 * hits / np.maximum(true + named, 1),
        }
        present = true > 0
        return np.stack(
            [np.where(present, shares[name], 0).sum(axis=1) / present.sum(axis=1) for name in names], axis=1
        )


def _codes(Z: np.ndarray, threshold: float) -> np.ndarray:
    """Return the class of each row, (..., n); of one output 1 where it is above a threshold."""
    return classes_of(Z) if Z.shape[-1] > 1 else (Z[..., 0] > threshold).astype(np.int64)


class Squares:
    """Sums squares; R² = 1 - sum (t - y)² / sum (t - mean t)².

    Parameters
    ----------
    n_replicas, n_outputs : int
    """

    def __init__(self, n_replicas: int, n_outputs: int) -> None:
        self.sums: list[np.ndarray] = []
        self.n_numbers = 0

    def add(self, Z: np.ndarray, T: np.ndarray) -> None:
        """Add the rows of a batch, or of several."""
        Z, T = host(Z), host(T)
        Z = Z.reshape(-1, *Z.shape[-3:]).astype(np.float64)
        T = np.broadcast_to(T.reshape(-1, *T.shape[-3:]), Z.shape)
        terms = np.stack([np.square(T - Z), T, np.square(T)])
        # Batch by batch, so that the bits do not depend on how many batches come at a time.
        self.sums.append(np.add.reduce(terms.reshape(*terms.shape[:3], -1), axis=-1))
        self.n_numbers += Z.shape[0] * Z.shape[2] * Z.shape[3]

    def values(self, names: Sequence[str]) -> np.ndarray:
        """Return R², shape (R, len(names)); NaN where all targets are equal."""
        batches = np.ascontiguousarray(np.concatenate(self.sums, axis=1).swapaxes(1, 2))
        errors, total, squares = np.add.reduce(batches, axis=-1)
        spread = squares - np.square(total) / self.n_numbers
        with np.errstate(all="ignore"):
            r2 = np.where(spread > 0, 1 - errors / spread, np.nan)
        return np.repeat(r2[:, None], len(names), axis=1)


def counter(loss: Loss, n_replicas: int, n_outputs: int) -> Counter:
    """Return what gathers the metrics that belong to a loss."""
    return (Squares if loss.hits is None else Confusion)(n_replicas, n_outputs)


def sample(n_rows: int) -> np.ndarray:
    """Return the places of at most `SAMPLE` rows, evenly over the training part.

    Examples
    --------
    >>> sample(3).tolist(), len(sample(60_000)), int(sample(60_000)[-1])
    ([0, 1, 2], 256, 59765)
    """
    n = min(n_rows, SAMPLE)
    return np.arange(n) * n_rows // n


def due(epoch: int, n_rows: int, batch_size: int | None) -> bool:
    """Return whether the layers are looked at after an epoch.

    A look costs about one step and the rows of the sample. It is taken so often that the looks have a fortieth of the
    steps and rows of the training, and after the epochs 1, 2, 4, 8 ...; measured, that is below 5 % of its time.

    Examples
    --------
    >>> [epoch for epoch in range(1, 40) if due(epoch, 54_000, 128)] == list(range(1, 40))
    True
    >>> [epoch for epoch in range(1, 60) if due(epoch, 400, None)]
    [1, 2, 4, 8, 16, 32, 40]
    """
    steps = math.ceil(n_rows / min(batch_size or n_rows, n_rows))
    every = math.ceil(SHARE * max(1 / steps, min(SAMPLE, n_rows) / n_rows))
    return epoch % every == 0 or epoch & (epoch - 1) == 0


def look(network: Network, loss: Loss, views: Sequence[Views], grads: Sequence[Views], data: Sequence[Rows | None]
         ) -> list[dict[str, float]]:  # fmt: skip
    """Return for each replica the state of its dense layers on the sample of the training rows.

    Parameters
    ----------
    network, loss : the network and its loss
    views : from `network.bind` of vectors with a replica axis
    grads : the same of a gradient vector, which is overwritten
    data : features and targets of the training part

    Returns
    -------
    list of dict
        ``gradient_norm_k``: length of the gradient of the mean loss of the sample, without penalties, with respect to
        the weights and biases of dense layer k, counted from 1. ``dead_k``: share of its units whose ReLU is 0 on all
        rows. ``saturated_k``: share of its outputs where the sigmoid or tanh has less than a twentieth of its largest
        slope, the hard sigmoid none.
    """
    X, targets = data
    like = next(view for mine in views for view in mine)
    places = np.asarray(sample(X.shape[0])[None], like=like)  # type: ignore[union-attr]
    dtype = like.dtype.name
    H = inputs = read(X, places, dtype)  # type: ignore[arg-type]
    backs, k = [], 0
    found: dict[str, np.ndarray] = {}
    for layer, mine in zip(network.layers, views, strict=True):
        H, back = layer.forward(mine, H, PREDICT)
        backs.append(back)
        k += isinstance(layer, Dense)
        if isinstance(layer, Activation):
            found |= {f"{what}_{k}": share for what, share in _idle(layer.kind, H).items()}
    T = inputs if targets is None else read(targets, places, dtype)
    dY = loss.gradient(H, T) / H.shape[-2]
    backward_all(backs, grads, dY, False)
    dense = [mine for layer, mine in zip(network.layers, grads, strict=True) if isinstance(layer, Dense)]
    norms = {f"gradient_norm_{k}": _lengths(mine) for k, mine in enumerate(dense, 1)}
    columns = norms | {name: host(values) for name, values in sorted(found.items())}
    return [{name: float(values[replica]) for name, values in columns.items()} for replica in range(len(dY))]


def _lengths(grads: Views) -> np.ndarray:
    """Return the length of several arrays (R, ...) taken together, shape (R,), float64."""
    squares = [np.square(np.ascontiguousarray(host(one), np.float64)).reshape(len(one), -1) for one in grads]
    lengths: np.ndarray = np.sqrt(np.sum([np.add.reduce(one, axis=-1) for one in squares], axis=0))
    return lengths


def _idle(kind: object, H: np.ndarray) -> dict[str, np.ndarray]:
    """Return the share of dead units or of saturated outputs (R, n, d), shape (R,); nothing for other functions."""
    if kind == "relu":
        return {"dead": (H <= 0).all(axis=-2).mean(axis=-1)}
    if kind not in SIGMOIDS:
        return {}
    low, high = SIGMOIDS[str(kind)]
    if kind == "hard_sigmoid":
        return {"saturated": ((low >= H) | (high <= H)).mean(axis=(-2, -1))}
    # The slope of a sigmoid between these limits is 4 (y - low) (high - y) / (high - low)² of its largest.
    slope = 4 * (H - low) * (high - H) / (high - low) ** 2
    return {"saturated": (slope < FLAT).mean(axis=(-2, -1))}
