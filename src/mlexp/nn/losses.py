"""Losses: the loss of every row, and the gradient of their sum.

A row's loss is the mean over its outputs; the loss of a batch is the mean (or the sum) over its
rows, and the gradient is the gradient of exactly that number. Classification losses take logits,
the numbers before softmax or the logistic function: value and gradient are then stable and simple.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlexp.nn.activations import logistic, logistic_of_negative, row_max, row_sum, softmax_of

RowFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Loss:
    """One loss.

    Attributes
    ----------
    rows : output and target, both (..., n, m), give the loss of each row, (..., n)
    gradient : the same give the gradient of the sum of the row losses, (..., n, m)
    hits : the same give whether each row is classified rightly, (..., n); None for regression
    link : logits give probabilities; for regression the identity
    ceiling : a mean training loss above this counts as diverged. A mean cross-entropy of 10,000 gives
        the true class a probability of exp(-10000); no run comes back from there, but clipped or
        bounded steps can keep it finite for ever.
    """

    rows: RowFunction
    gradient: RowFunction
    hits: RowFunction | None = None
    link: Callable[[np.ndarray], np.ndarray] = lambda Z: Z
    ceiling: float = math.inf

    def __call__(
        self, output: np.ndarray, target: np.ndarray, reduction: str = "mean"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the loss of the whole batch and its gradient.

        Parameters
        ----------
        output, target : ndarray of shape (..., n, m)
        reduction : {"mean", "sum"}, default "mean"
            Over the rows; over the outputs of one row it is always the mean.

        Returns
        -------
        value : ndarray of shape (...)
        gradient : ndarray of shape (..., n, m)
        """
        scale = 1.0 if reduction == "sum" else 1.0 / output.shape[-2]
        value = self.rows(output, target).sum(axis=-1) * scale
        return value, self.gradient(output, target) * scale


def classes_of(Z: np.ndarray) -> np.ndarray:
    """Return the index of the largest value along the last axis, the first of equal ones.

    Parameters
    ----------
    Z : ndarray of shape (..., n, n_classes)

    Returns
    -------
    ndarray of shape (..., n), int64

    Examples
    --------
    >>> classes_of(np.array([[0.0, 2.0], [1.0, 1.0]])).tolist()
    [1, 0]
    """
    if Z.shape[-1] > 4:
        places: np.ndarray = _first_largest(Z) if _lies_across(Z) else Z.argmax(axis=-1)
        return places
    index, best = np.zeros(Z.shape[:-1], dtype=np.int64, like=Z), Z[..., 0]
    for place in range(1, Z.shape[-1]):  # many times faster than argmax() along rows of two or three
        better = Z[..., place] > best
        np.copyto(index, place, where=better)
        best = np.maximum(best, Z[..., place])
    return index


def _lies_across(Z: np.ndarray) -> bool:
    """Return whether outputs of a row are far apart in memory, and can be counted down by a byte."""
    return type(Z) is np.ndarray and Z.strides[-1] > Z.strides[-2] and Z.shape[-1] < 256


def _first_largest(Z: np.ndarray) -> np.ndarray:
    """Return what `argmax` along the last axis does, which is slow on short rows across memory.

    Outputs equal to the largest are marked by bytes that count down from the first: the largest byte is its place.
    """
    width = Z.shape[-1]
    marks = np.equal(Z, row_max(Z)).view(np.uint8)
    np.multiply(marks, np.arange(width, 0, -1, dtype=np.uint8), out=marks)
    largest = marks.max(axis=-1)
    places: np.ndarray = width - largest.astype(np.int64)
    return places if largest.all() else Z.argmax(axis=-1)  # nothing is equal to NaN


def _same_class(Z: np.ndarray, T: np.ndarray) -> np.ndarray:
    two = Z.shape[-1] == 2
    right: np.ndarray = np.equal(*((A[..., 1] > A[..., 0]) if two else classes_of(A) for A in (Z, T)))
    return right


def _softmax_rows(Z: np.ndarray, T: np.ndarray) -> np.ndarray:
    shifted = Z - row_max(Z)
    log_total = np.log(row_sum(np.exp(shifted)))
    np.subtract(log_total, shifted, out=shifted)
    return row_sum(T * shifted)[..., 0]


def _softmax_gradient(Z: np.ndarray, T: np.ndarray) -> np.ndarray:
    if Z.shape[-1] == 2:
        return _gradient_of_two(Z, T)
    P = softmax_of(Z)
    np.subtract(P, T, out=P)
    return P


def _gradient_of_two(Z: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Return the softmax gradient of two classes: p1 is logistic in z1 - z0, and the two parts are opposite."""
    dZ = np.empty_like(Z)
    P = logistic_of_negative(np.subtract(Z[..., 0], Z[..., 1]))
    second = np.subtract(P, T[..., 1], out=dZ[..., 1])
    np.negative(second, out=dZ[..., 0])
    return dZ


def _same_sides(Z: np.ndarray, T: np.ndarray) -> np.ndarray:
    right: np.ndarray = ((Z > 0) == (T > 0.5)).all(axis=-1)
    return right


def _logistic_rows(Z: np.ndarray, T: np.ndarray) -> np.ndarray:
    losses = np.maximum(Z, 0) - Z * T + np.log1p(np.exp(-np.abs(Z)))
    means: np.ndarray = row_sum(losses)[..., 0] / Z.shape[-1]
    return means


def _logistic_gradient(Z: np.ndarray, T: np.ndarray) -> np.ndarray:
    dZ = logistic(Z)
    np.subtract(dZ, T, out=dZ)
    return dZ if Z.shape[-1] == 1 else np.divide(dZ, Z.shape[-1], out=dZ)


def _squared_rows(Y: np.ndarray, T: np.ndarray) -> np.ndarray:
    losses: np.ndarray = row_sum(np.square(Y - T))[..., 0] / Y.shape[-1]
    return losses


def _squared_gradient(Y: np.ndarray, T: np.ndarray) -> np.ndarray:
    dY: np.ndarray = np.subtract(Y, T)
    np.multiply(dY, 2 / Y.shape[-1], out=dY)
    return dY


def _absolute_rows(Y: np.ndarray, T: np.ndarray) -> np.ndarray:
    losses: np.ndarray = row_sum(np.abs(Y - T))[..., 0] / Y.shape[-1]
    return losses


def _absolute_gradient(Y: np.ndarray, T: np.ndarray) -> np.ndarray:
    dY: np.ndarray = np.subtract(Y, T)
    np.sign(dY, out=dY)
    np.divide(dY, Y.shape[-1], out=dY)
    return dY


def _huber_rows(Y: np.ndarray, T: np.ndarray) -> np.ndarray:
    distance = np.abs(Y - T)
    near = np.minimum(distance, 1)
    losses: np.ndarray = row_sum(near * (distance - 0.5 * near))[..., 0] / Y.shape[-1]
    return losses


def _huber_gradient(Y: np.ndarray, T: np.ndarray) -> np.ndarray:
    dY: np.ndarray = np.subtract(Y, T)
    np.minimum(np.maximum(dY, -1, out=dY), 1, out=dY)
    np.divide(dY, Y.shape[-1], out=dY)
    return dY


cross_entropy = Loss(_softmax_rows, _softmax_gradient, _same_class, softmax_of, ceiling=1e4)
"""-sum_k t_k log softmax(z)_k, from logits; targets are rows that sum to 1.

Examples
--------
>>> value, gradient = cross_entropy(np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]))
>>> round(float(value), 6), gradient.tolist()
(0.693147, [[-0.5, 0.5]])
"""

binary_cross_entropy = Loss(_logistic_rows, _logistic_gradient, _same_sides, logistic, ceiling=1e4)
"""Mean over outputs of -t log s(z) - (1 - t) log(1 - s(z)), s the logistic function; targets in [0, 1].

Examples
--------
>>> value, gradient = binary_cross_entropy(np.array([[0.0]]), np.array([[1.0]]))
>>> round(float(value), 6), gradient.tolist()
(0.693147, [[-0.5]])
"""

squared_error = Loss(_squared_rows, _squared_gradient)
"""Mean over outputs of (y - t)², without a half.

Examples
--------
>>> value, gradient = squared_error(np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]]))
>>> float(value), gradient.tolist()
(2.0, [[2.0, 0.0]])
"""

absolute_error = Loss(_absolute_rows, _absolute_gradient)
"""Mean over outputs of |y - t|; the slope at 0 is taken as 0.

Examples
--------
>>> float(absolute_error(np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]]))[0])
1.0
"""

huber = Loss(_huber_rows, _huber_gradient)
"""Mean over outputs of e²/2 for |e| <= 1 and |e| - 1/2 beyond (Huber 1964, doi:10.1214/aoms/1177703732).

Examples
--------
>>> float(huber(np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]]))[0])
0.75
"""

LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "mse": squared_error,
    "mae": absolute_error,
    "huber": huber,
}
