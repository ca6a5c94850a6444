"""Regularisation of weights and gradients: L1 and L2 penalties, gradient clipping, max-norm. All work in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlexp.nn.activations import column_sum
from mlexp.nn.layers import Dense, Views
from mlexp.nn.network import Network
from mlexp.nn.optimizers import Rate


def add_l2(grad: np.ndarray, weights: np.ndarray, l2: Rate) -> None:
    """Add the gradient of l2 W²/2 in place.

    Examples
    --------
    >>> grad = np.zeros((1, 2))
    >>> add_l2(grad, np.array([[1.0, -2.0]]), 0.5)
    >>> grad.tolist()
    [[0.5, -1.0]]
    """
    np.add(grad, weights * l2, out=grad)


def add_l1(grad: np.ndarray, weights: np.ndarray, l1: Rate) -> None:
    """Add the gradient of l1 |W| in place; the slope at 0 is taken as 0.

    Examples
    --------
    >>> grad = np.zeros((1, 2))
    >>> add_l1(grad, np.array([[1.0, -2.0]]), 0.5)
    >>> grad.tolist()
    [[0.5, -0.5]]
    """
    np.add(grad, np.sign(weights) * l1, out=grad)


def clip(grad: np.ndarray, longest: float) -> None:
    """Shorten each replica's gradient to at most `longest`, in place (Pascanu et al. 2013, arXiv:1211.5063).

    g longest / (‖g‖ + 1e-6) where that is shorter, as PyTorch does.

    Parameters
    ----------
    grad : ndarray of shape (R, P)
    longest : float

    Examples
    --------
    >>> grad = np.array([[3.0, 4.0], [0.3, 0.4]])
    >>> clip(grad, 1.0)
    >>> grad.round(3).tolist()
    [[0.6, 0.8], [0.3, 0.4]]
    """
    length = np.sqrt(np.matmul(grad[:, None, :], grad[:, :, None]))[..., 0]
    np.multiply(grad, np.minimum(longest / (length + 1e-6), 1), out=grad)


def limit_norms(network: Network, views: Sequence[Views], longest: float) -> None:
    """Shorten the weights that enter each unit of a dense layer to at most `longest`, in place.

    Srivastava et al. 2014 (JMLR 15:1929-1958), section 5.1; biases are not touched.
    """
    for layer, mine in zip(network.layers, views, strict=True):
        if isinstance(layer, Dense):
            length = np.sqrt(column_sum(np.square(mine[0])))
            np.multiply(mine[0], np.minimum(longest / np.maximum(length, 1e-12), 1), out=mine[0])
