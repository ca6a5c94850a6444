"""Quality of a reconstruction: squared error and R² of a set, computed in chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlexp.models.sklearn_networks import CHUNK


def reconstruction_scores(X: Any, rebuild: Callable[[np.ndarray], np.ndarray]) -> dict[str, float]:
    """Score the reconstruction of samples, in chunks.

    mse is the mean over rows and features. R² of a feature is 1 - SSE / SST with the mean of these samples;
    r2 is the plain average over features (scikit-learn's "uniform_average", where a constant feature counts
    1 if it is exact and 0 if not), r2_weighted is 1 - (sum of SSE) / (sum of SST).
    """
    centre = np.asarray(X[:CHUNK], np.float64).mean(axis=0)  # keeps the digits of features far from zero
    error, total, squares = (np.zeros_like(centre) for _ in range(3))
    for start in range(0, len(X), CHUNK):
        rows = X[start : start + CHUNK]
        error += np.square(np.asarray(rebuild(rows), np.float64) - rows).sum(axis=0)
        total += (rows - centre).sum(axis=0)
        squares += np.square(rows - centre).sum(axis=0)
    spread = squares - total**2 / len(X)
    spread[spread <= 1e-12 * squares] = 0
    share = np.divide(error, spread, out=np.where(error > 0, 1.0, 0.0), where=spread > 0)
    return {
        "mse": float(error.sum() / error.size / len(X)),
        "r2": float(1 - share.mean()),
        "r2_weighted": float(1 - error.sum() / spread.sum()) if spread.any() else 0.0,
    }
