"""Data sets drawn from a formula, with a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlexp.config import schema
from mlexp.data.dataset import Dataset, Raw, assemble
from mlexp.errors import ConfigError, did_you_mean

INNER_RADIUS = 0.1


def load(wanted: schema.Dataset, data_dir: str | None = None, memory_mb: int = 0) -> Dataset:
    """Draw the synthetic data set that `wanted.name` names: two features, labelled classes."""
    draw = GENERATORS.get(wanted.name)
    if draw is None:
        raise ConfigError(
            f"dataset.name must be one of {', '.join(GENERATORS)} with dataset.reader=synthetic. "
            f"Got {wanted.name!r}.{did_you_mean(wanted.name, GENERATORS)}"
        )
    X, y = draw(wanted)
    return assemble(
        wanted,
        Raw(X.astype(np.float64), y),
        where=f"data set '{wanted.name}' ({wanted.n_samples} rows)",
        source="generated",
    )


def spirals(
    n_samples: int, *, n_arms: int, turns: float, noise: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw points on spiral arms that start near the centre and end on the unit circle.

    Point of arm a at radius r: angle 2 pi (turns r + a / n_arms), plus normal noise in both coordinates.
    The squared radius is uniform, so points are equally dense along and across the picture; the arms start
    at radius 0.1, since they would all meet in the centre.

    Parameters
    ----------
    n_samples : int
        Number of points, shared among the arms to within one.
    n_arms : int
        Number of arms; the arm is the label.
    turns : float
        Turns that an arm makes around the centre from radius 0 to 1.
    noise : float
        Standard deviation of the noise; the outer radius is 1.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    X : float64 array of shape (n_samples, 2)
    y : int64 array of shape (n_samples,), in random order

    Examples
    --------
    >>> X, y = spirals(6, n_arms=3, turns=1.0, noise=0.0, rng=np.random.default_rng(0))
    >>> X.shape, np.bincount(y)
    ((6, 2), array([2, 2, 2]))
    """
    y = rng.permutation(np.arange(n_samples) % n_arms)
    radius = np.sqrt(rng.uniform(INNER_RADIUS**2, 1, n_samples))
    angle = 2 * np.pi * (turns * radius + y / n_arms)
    X = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return X + noise * rng.standard_normal(X.shape), y


def _spirals(wanted: schema.Dataset) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(wanted.seed)
    return spirals(wanted.n_samples, n_arms=wanted.n_arms, turns=wanted.turns, noise=wanted.noise, rng=rng)


def _moons(wanted: schema.Dataset) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import make_moons

    X, y = make_moons(wanted.n_samples, noise=wanted.noise, random_state=wanted.seed)
    return X, y


def _circles(wanted: schema.Dataset) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import make_circles

    X, y = make_circles(wanted.n_samples, noise=wanted.noise, factor=wanted.factor, random_state=wanted.seed)
    return X, y


def _blobs(wanted: schema.Dataset) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import make_blobs

    X, y = make_blobs(
        wanted.n_samples, centers=wanted.centers, cluster_std=wanted.noise, random_state=wanted.seed
    )
    return X, y


GENERATORS: dict[str, Callable[[schema.Dataset], tuple[np.ndarray, np.ndarray]]] = {
    "moons": _moons,
    "circles": _circles,
    "blobs": _blobs,
    "spirals": _spirals,
}
