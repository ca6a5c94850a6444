"""Initial values of weights and biases: a shape, fans and a generator give an array.

Every function takes the shape, the number of inputs of a unit (`fan_in`), the number of units
(`fan_out`) and a seeded generator, and returns float64; the network casts to its own precision, so
that both precisions start from the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Shape = tuple[int, ...]
Initializer = Callable[[Shape, int, int, np.random.Generator], np.ndarray]


def zeros(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Return zeros; units of a layer then stay equal for ever.

    Examples
    --------
    >>> zeros((2,), 1, 2, np.random.default_rng(0)).tolist()
    [0.0, 0.0]
    """
    return np.zeros(shape)


def ones(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Return ones.

    Examples
    --------
    >>> ones((2,), 1, 2, np.random.default_rng(0)).tolist()
    [1.0, 1.0]
    """
    return np.ones(shape)


def random(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Draw from 0.01 N(0, 1).

    Examples
    --------
    >>> random((2, 2), 2, 2, np.random.default_rng(0)).shape
    (2, 2)
    """
    return 0.01 * rng.standard_normal(shape)


def standard_normal(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Draw from N(0, 1), whatever the width: the sums of a wide layer are then large, and its sigmoids saturate.

    Examples
    --------
    >>> standard_normal((2, 2), 2, 2, np.random.default_rng(0)).shape
    (2, 2)
    """
    return rng.standard_normal(shape)


def uniform(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Draw evenly from [-1, 1).

    Examples
    --------
    >>> bool(abs(uniform((9,), 9, 1, np.random.default_rng(0))).max() <= 1)
    True
    """
    return rng.uniform(-1, 1, shape)


def lecun_normal(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Draw from N(0, 1) / sqrt(fan_in) (LeCun et al. 1998, doi:10.1007/3-540-49430-8_2).

    Examples
    --------
    >>> lecun_normal((2, 2), 2, 2, np.random.default_rng(0)).shape
    (2, 2)
    """
    return rng.standard_normal(shape) / math.sqrt(fan_in)


def lecun_uniform(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Draw evenly from ±sqrt(3 / fan_in), which has variance 1 / fan_in.

    Examples
    --------
    >>> bool(abs(lecun_uniform((9,), 3, 9, np.random.default_rng(0))).max() <= 1)
    True
    """
    limit = math.sqrt(3 / fan_in)
    return rng.uniform(-limit, limit, shape)


def xavier_normal(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Draw with variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010, PMLR 9:249-256).

    Examples
    --------
    >>> xavier_normal((2, 2), 2, 2, np.random.default_rng(0)).shape
    (2, 2)
    """
    return rng.standard_normal(shape) * math.sqrt(2 / (fan_in + fan_out))


def xavier_uniform(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Draw evenly from ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, PMLR 9:249-256).

    Examples
    --------
    >>> bool(abs(xavier_uniform((9,), 3, 3, np.random.default_rng(0))).max() <= 1)
    True
    """
    limit = math.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, shape)


def he_normal(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Draw with variance 2 / fan_in (He et al. 2015, doi:10.1109/ICCV.2015.123).

    Examples
    --------
    >>> he_normal((2, 2), 2, 2, np.random.default_rng(0)).shape
    (2, 2)
    """
    return rng.standard_normal(shape) * math.sqrt(2 / fan_in)


def he_uniform(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Draw evenly from ±sqrt(6 / fan_in), which has variance 2 / fan_in (He et al. 2015).

    Examples
    --------
    >>> bool(abs(he_uniform((9,), 6, 9, np.random.default_rng(0))).max() <= 1)
    True
    """
    limit = math.sqrt(6 / fan_in)
    return rng.uniform(-limit, limit, shape)


def orthogonal(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2014, arXiv:1312.6120).

    Examples
    --------
    >>> W = orthogonal((4, 2), 4, 2, np.random.default_rng(0))
    >>> bool(np.allclose(W.T @ W, np.eye(2)))
    True
    """
    n_rows, n_columns = shape[0], math.prod(shape[1:])
    tall = rng.standard_normal((max(n_rows, n_columns), min(n_rows, n_columns)))
    Q, triangle = np.linalg.qr(tall)
    Q = Q * np.sign(np.diag(triangle))  # makes the draw uniform over all such matrices (Mezzadri 2007)
    return (Q if n_rows >= n_columns else Q.T).reshape(shape)


INITIALIZERS: dict[str, Initializer] = {
    "zeros": zeros,
    "ones": ones,
    "random": random,
    "standard_normal": standard_normal,
    "normal": lecun_normal,
    "uniform": uniform,
    "xavier": xavier_uniform,
    "xavier_uniform": xavier_uniform,
    "xavier_normal": xavier_normal,
    "he": he_normal,
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "lecun": lecun_normal,
    "lecun_normal": lecun_normal,
    "lecun_uniform": lecun_uniform,
    "orthogonal": orthogonal,
}
