"""The geometric mean of the recalls of all classes."""

from __future__ import annotations

import numpy as np


def g_mean(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return (r_1 r_2 ... r_k)^(1/k), r_c being the share of the samples of class c that are predicted as c.

    It is 0 as soon as one class is never found. Only classes that `y` holds count. M. Kubat and S. Matwin, ICML 1997.

    Parameters
    ----------
    y, predicted : int arrays of shape (n_samples,)

    Examples
    --------
    >>> round(g_mean(np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1, 0])), 4)  # √(3/4 · 1/2)
    0.6124
    """
    recalls = [np.mean(predicted[y == c] == c) for c in np.unique(y)]
    return float(np.prod(recalls) ** (1 / len(recalls)))
