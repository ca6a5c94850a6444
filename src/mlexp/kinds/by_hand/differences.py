"""Central differences, by which each derivative by hand is checked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def central(value: Callable[[np.ndarray], float], at: np.ndarray, step: float) -> np.ndarray:
    """Return (f(x + step e_i) - f(x - step e_i)) / (2 step) for every i, of shape (d,).

    Parameters
    ----------
    value : f, which maps an array of shape (d,) to a number
    at : x, of shape (d,)
    step : distance to either side

    Examples
    --------
    >>> central(lambda x: float(x @ x), np.array([1.0, -2.0]), 0.5).tolist()
    [2.0, -4.0]
    """
    moves = step * np.eye(len(at))
    return np.array([(value(at + move) - value(at - move)) / (2 * step) for move in moves])
