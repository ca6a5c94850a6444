"""Mish."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def mish(X: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Return x·tanh(ln(1 + e^x)) and its backward. D. Misra, BMVC 2020, arXiv:1908.08681.

    Parameters
    ----------
    X : float array of any shape

    Examples
    --------
    >>> Y, backward = mish(np.array([0.0]))
    >>> Y.tolist(), backward(np.ones(1)).tolist()  # at 0 the slope is tanh(ln 2)
    ([0.0], [0.6])
    """
    t = np.tanh(np.logaddexp(X, X.dtype.type(0)))
    sigmoid = (1 + np.tanh(X / 2)) / 2

    def backward(dY: np.ndarray) -> np.ndarray:
        return dY * (t + X * (1 - t**2) * sigmoid)

    return X * t, backward
