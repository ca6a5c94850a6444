"""Activations: each takes `X` and returns the output and the function that pulls a gradient back.

Every function works elementwise on arrays of any shape, except `softmax`, which works along the
last axis. None changes its input. A backward function takes `dY`, the gradient of some number with
respect to the output, and returns the gradient with respect to the input.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from mlexp.nn.device import ndtr

Backward = Callable[[np.ndarray], np.ndarray]
Forward = Callable[[np.ndarray], tuple[np.ndarray, Backward]]

LEAK = 0.01
ZEROS_KEPT = 1 << 16
ONES_KEPT = 64


@lru_cache(maxsize=64)
def _ones(length: int, dtype: str) -> np.ndarray:
    ones = np.ones((length, 1), dtype=dtype)
    ones.setflags(write=False)
    return ones


@lru_cache(maxsize=64)
def _row_of_ones(length: int, dtype: str) -> np.ndarray:
    return _ones(length, dtype).T


_ON_DEVICE: dict[tuple[type, int, str], np.ndarray] = {}


def _ones_on_device(X: np.ndarray, length: int) -> np.ndarray:
    """Return a column of ones of the kind of `X`, kept like those of the host."""
    key = type(X), length, X.dtype.char
    if key not in _ON_DEVICE:
        if len(_ON_DEVICE) >= ONES_KEPT:
            _ON_DEVICE.clear()
        _ON_DEVICE[key] = np.ones_like(X, shape=(length, 1))
    return _ON_DEVICE[key]


@lru_cache(maxsize=32)
def _zeros(shape: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> np.ndarray:
    """Return zeros in a given layout: the larger of two arrays is found faster than that of array and number."""
    zeros = np.zeros_like(np.lib.stride_tricks.as_strided(np.empty(1, dtype), shape, strides))
    zeros.setflags(write=False)
    return zeros


def row_sum(X: np.ndarray) -> np.ndarray:
    """Sum along the last axis and keep it.

    By a matrix product with ones, or column by column: for short rows both are several times faster
    than `np.add.reduce`, and each leading item gets the same bits whatever the number of items.

    Parameters
    ----------
    X : ndarray of shape (..., n, d), floating

    Returns
    -------
    ndarray of shape (..., n, 1), dtype of `X`

    Examples
    --------
    >>> row_sum(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[3.0], [7.0]]
    """
    width = X.shape[-1]
    if width > 4:
        ones = _ones(width, X.dtype.char) if type(X) is np.ndarray else _ones_on_device(X, width)
        sums: np.ndarray = np.matmul(X, ones)
        return sums
    total = X[..., 0:1]
    for place in range(1, width):
        total = np.add(total, X[..., place : place + 1])
    return total


def column_sum(X: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Sum over the rows, the last axis but one, and keep that axis.

    Parameters
    ----------
    X : ndarray of shape (..., n, d), floating
    out : ndarray of shape (..., 1, d), optional
        Where to put the sums.

    Returns
    -------
    ndarray of shape (..., 1, d), dtype of `X`

    Examples
    --------
    >>> column_sum(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[4.0, 6.0]]
    """
    if type(X) is np.ndarray:
        return np.matmul(_row_of_ones(X.shape[-2], X.dtype.char), X, out=out)
    return np.matmul(_ones_on_device(X, X.shape[-2]).T, X, out=out)


def row_max(X: np.ndarray) -> np.ndarray:
    """Return the largest value along the last axis and keep that axis.

    Parameters
    ----------
    X : ndarray of shape (..., n, d)

    Returns
    -------
    ndarray of shape (..., n, 1), dtype of `X`

    Examples
    --------
    >>> row_max(np.array([[1.0, 2.0], [5.0, 4.0]])).tolist()
    [[2.0], [5.0]]
    """
    width = X.shape[-1]
    if width > 4:
        values: np.ndarray = X.max(axis=-1, keepdims=True)
        return values
    largest = X[..., 0:1]
    for column in range(1, width):
        largest = np.maximum(largest, X[..., column : column + 1])
    return largest


def logistic(X: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-X)) without overflow.

    Parameters
    ----------
    X : ndarray of any shape, float32 or float64

    Returns
    -------
    ndarray of the shape and dtype of `X`, in [0, 1]

    Examples
    --------
    >>> logistic(np.array([-1e4, 0.0, 1e4])).round(3).tolist()
    [0.0, 0.5, 1.0]
    """
    return logistic_of_negative(np.negative(X))


def logistic_of_negative(Y: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(Y)) without overflow, in the memory of `Y`.

    Examples
    --------
    >>> logistic_of_negative(np.array([-1e4, 0.0, 1e4])).round(3).tolist()
    [1.0, 0.5, 0.0]
    """
    np.minimum(Y, 87.0 if Y.dtype == np.float32 else 708.0, out=Y)  # exp() of more is infinite
    np.exp(Y, out=Y)
    np.add(Y, 1, out=Y)
    np.divide(1, Y, out=Y)
    return Y


def softmax_of(Z: np.ndarray) -> np.ndarray:
    """Return exp(z_j) / sum_k exp(z_k) along the last axis, computed from z - max z.

    Parameters
    ----------
    Z : ndarray of shape (..., n, n_classes)

    Returns
    -------
    ndarray of the shape and dtype of `Z`; rows sum to 1

    Examples
    --------
    >>> softmax_of(np.array([[1000.0, 1000.0]])).tolist()
    [[0.5, 0.5]]
    """
    P: np.ndarray = np.subtract(Z, row_max(Z))
    np.exp(P, out=P)
    np.divide(P, row_sum(P), out=P)
    return P


def linear(X: np.ndarray) -> tuple[np.ndarray, Backward]:
    """Return `X` itself.

    Examples
    --------
    >>> Y, backward = linear(np.array([-1.0, 2.0]))
    >>> backward(np.ones(2)).tolist()
    [1.0, 1.0]
    """
    return X, lambda dY: dY


def relu(X: np.ndarray) -> tuple[np.ndarray, Backward]:
    """Return max(x, 0); the slope at 0 is taken as 0.

    Examples
    --------
    >>> Y, backward = relu(np.array([-1.0, 2.0]))
    >>> Y.tolist(), backward(np.ones(2)).tolist()
    ([0.0, 2.0], [0.0, 1.0])
    """
    kept = 0 < X.size < ZEROS_KEPT and type(X) is np.ndarray
    Y = np.maximum(X, _zeros(X.shape, X.strides, X.dtype.char) if kept else 0)

    def backward(dY: np.ndarray) -> np.ndarray:
        # Equal bits both ways: sign() spares small arrays a cast, the comparison is faster on large ones.
        dX: np.ndarray = np.multiply(dY, np.sign(Y) if Y.size < 2048 else np.greater(Y, 0))
        return dX

    return Y, backward


def leaky_relu(X: np.ndarray) -> tuple[np.ndarray, Backward]:
    """Return max(x, 0.01 x); the slope at 0 is taken as 0.01.

    Examples
    --------
    >>> Y, backward = leaky_relu(np.array([-1.0, 2.0]))
    >>> Y.tolist(), backward(np.ones(2)).tolist()
    ([-0.01, 2.0], [0.01, 1.0])
    """
    Y = np.multiply(X, LEAK)
    np.maximum(Y, X, out=Y)

    def backward(dY: np.ndarray) -> np.ndarray:
        slope: np.ndarray = np.sign(Y)
        np.maximum(slope, LEAK, out=slope)
        np.multiply(dY, slope, out=slope)
        return slope

    return Y, backward


def sigmoid(X: np.ndarray) -> tuple[np.ndarray, Backward]:
    """Return 1 / (1 + exp(-x)), which never overflows; its slope is y (1 - y).

    Examples
    --------
    >>> Y, backward = sigmoid(np.array([0.0]))
    >>> Y.tolist(), backward(np.ones(1)).tolist()
    ([0.5], [0.25])
    """
    Y = logistic(X)

    def backward(dY: np.ndarray) -> np.ndarray:
        slope: np.ndarray = np.subtract(1, Y)
        np.multiply(slope, Y, out=slope)
        np.multiply(slope, dY, out=slope)
        return slope

    return Y, backward


def tanh(X: np.ndarray) -> tuple[np.ndarray, Backward]:
    """Return the hyperbolic tangent; its slope is 1 - y².

    Examples
    --------
    >>> Y, backward = tanh(np.array([0.0]))
    >>> Y.tolist(), backward(np.ones(1)).tolist()
    ([0.0], [1.0])
    """
    Y = np.tanh(X)

    def backward(dY: np.ndarray) -> np.ndarray:
        slope: np.ndarray = np.multiply(Y, Y)
        np.subtract(1, slope, out=slope)
        np.multiply(slope, dY, out=slope)
        return slope

    return Y, backward


def hard_sigmoid(X: np.ndarray) -> tuple[np.ndarray, Backward]:
    """Return 0.2 x + 0.5 clipped to [0, 1]; the slope is 0.2 inside, 0 where clipped.

    Examples
    --------
    >>> Y, backward = hard_sigmoid(np.array([-3.0, 0.0, 3.0]))
    >>> Y.tolist(), backward(np.ones(3)).tolist()
    ([0.0, 0.5, 1.0], [0.0, 0.2, 0.0])
    """
    Y = np.multiply(X, 0.2)
    np.add(Y, 0.5, out=Y)
    np.minimum(np.maximum(Y, 0, out=Y), 1, out=Y)

    def backward(dY: np.ndarray) -> np.ndarray:
        dX: np.ndarray = np.multiply(dY, 0.2)
        np.multiply(dX, (Y > 0) & (Y < 1), out=dX)
        return dX

    return Y, backward


def softmax(X: np.ndarray) -> tuple[np.ndarray, Backward]:
    """Return softmax along the last axis; backward is the full Jacobian product y (dy - <dy, y>).

    Examples
    --------
    >>> Y, backward = softmax(np.array([[0.0, 0.0]]))
    >>> Y.tolist(), backward(np.array([[1.0, 0.0]])).tolist()
    ([[0.5, 0.5]], [[0.25, -0.25]])
    """
    Y = softmax_of(X)

    def backward(dY: np.ndarray) -> np.ndarray:
        dX: np.ndarray = Y * (dY - row_sum(dY * Y))
        return dX

    return Y, backward


def elu(X: np.ndarray) -> tuple[np.ndarray, Backward]:
    """Return x above 0 and exp(x) - 1 below (alpha = 1; Clevert et al. 2015, arXiv:1511.07289).

    Examples
    --------
    >>> Y, backward = elu(np.array([-50.0, 2.0]))
    >>> Y.tolist(), backward(np.ones(2)).round(3).tolist()
    ([-1.0, 2.0], [0.0, 1.0])
    """
    below = np.expm1(np.minimum(X, 0))
    Y = np.add(np.maximum(X, 0), below)
    return Y, lambda dY: np.multiply(dY, np.add(below, 1))


def softplus(X: np.ndarray) -> tuple[np.ndarray, Backward]:
    """Return log(1 + exp(x)) without overflow; its slope is the logistic function.

    Examples
    --------
    >>> Y, backward = softplus(np.array([-1e4, 1e4]))
    >>> Y.tolist(), backward(np.ones(2)).round(3).tolist()
    ([0.0, 10000.0], [0.0, 1.0])
    """
    Y = np.maximum(X, 0) + np.log1p(np.exp(-np.abs(X)))
    return Y, lambda dY: np.multiply(dY, logistic(X))


def silu(X: np.ndarray) -> tuple[np.ndarray, Backward]:
    """Return x / (1 + exp(-x)), also called swish (Elfwing et al. 2017, arXiv:1702.03118).

    Examples
    --------
    >>> Y, backward = silu(np.array([0.0, 1e4]))
    >>> Y.tolist(), backward(np.ones(2)).tolist()
    ([0.0, 10000.0], [0.5, 1.0])
    """
    gate = logistic(X)
    Y = np.multiply(X, gate)
    return Y, lambda dY: dY * (gate + Y * (1 - gate))


def gelu(X: np.ndarray) -> tuple[np.ndarray, Backward]:
    """Return x Phi(x), Phi the normal distribution function (Hendrycks and Gimpel 2016, arXiv:1606.08415).

    The exact form, not the one with tanh.

    Examples
    --------
    >>> Y, backward = gelu(np.array([0.0, 10.0]))
    >>> Y.tolist(), backward(np.ones(2)).tolist()
    ([0.0, 10.0], [0.5, 1.0])
    """
    share = ndtr(X)
    density = np.exp(-0.5 * np.square(np.minimum(np.abs(X), 40))) * float(1 / np.sqrt(2 * np.pi))
    return np.multiply(X, share), lambda dY: dY * (share + X * density)


def from_pair(
    value: Callable[[np.ndarray], np.ndarray], slope: Callable[[np.ndarray], np.ndarray]
) -> Forward:
    """Make an activation of a user's own elementwise function and its derivative.

    Parameters
    ----------
    value : function of `X`, giving an array of the same shape
    slope : function of `X`, giving the derivative at each element

    Returns
    -------
    function of `X`, giving the output and its backward function

    Examples
    --------
    >>> square = from_pair(np.square, lambda X: 2 * X)
    >>> Y, backward = square(np.array([3.0]))
    >>> Y.tolist(), backward(np.ones(1)).tolist()
    ([9.0], [6.0])
    """

    def forward(X: np.ndarray) -> tuple[np.ndarray, Backward]:
        return value(X), lambda dY: np.multiply(dY, slope(X))

    return forward


ACTIVATIONS: dict[str, Forward] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "linear": linear,
    "hard_sigmoid": hard_sigmoid,
    "softmax": softmax,
    "elu": elu,
    "gelu": gelu,
    "silu": silu,
    "softplus": softplus,
}

RECTIFIERS = frozenset({"relu", "leaky_relu", "elu", "gelu", "silu"})
"""Activations before which `auto` initialisation means `he`."""
