"""Agreement of predicted and true classes beyond chance: Cohen's kappa and Matthews' correlation.

With shares of rows, p_o = P(y = p) and the marginals a_k = P(y = k), b_k = P(p = k)::

    kappa = (p_o − Σ a_k b_k) / (1 − Σ a_k b_k)
    MCC   = (p_o − Σ a_k b_k) / sqrt((1 − Σ a_k²)(1 − Σ b_k²))

Both are 1 for perfect agreement and 0 for chance. J. Cohen, Educ. Psychol. Meas. 20 (1960) 37–46,
doi:10.1177/001316446002000104; J. Gorodkin, Comput. Biol. Chem. 28 (2004) 367–374,
doi:10.1016/j.compbiolchem.2004.09.006.
"""

from __future__ import annotations

import numpy as np


def kappa_scores(y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the scores of rows for Cohen's kappa: kappa plus the influence of each row.

    IF_i = IF(p_o)/(1 − p_e) + (p_o − 1)·IF(p_e)/(1 − p_e)², IF(p_o) = [y_i = p_i] − p_o,
    IF(p_e) = b_{y_i} + a_{p_i} − 2·p_e, p_e = Σ a_k b_k.

    Parameters
    ----------
    y : int array of shape (n,)
    predicted : int array of shape (..., n)

    Returns
    -------
    float64 array of shape (..., n), whose mean over the last axis is kappa; NaN where all rows are of one class and
    predicted as it

    Examples
    --------
    >>> kappa_scores(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])).mean()
    np.float64(0.5)
    """
    agreed, chance, of_agreed, of_chance = _moments(y, predicted)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = (agreed - chance) / (1 - chance)
        return np.asarray(value + of_agreed / (1 - chance) + (agreed - 1) * of_chance / (1 - chance) ** 2)


def mcc_scores(y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return the scores of rows for Matthews' correlation coefficient: the coefficient plus each row's influence.

    With c = p_o − Σ a_k b_k, u = 1 − Σ a_k² and v = 1 − Σ b_k²,
    IF_i = IF(c)/sqrt(u·v) − MCC/2·(IF(u)/u + IF(v)/v), IF(u) = −2·(a_{y_i} − Σ a_k²), IF(v) likewise.

    Parameters
    ----------
    y : int array of shape (n,)
    predicted : int array of shape (..., n)

    Returns
    -------
    float64 array of shape (..., n), whose mean over the last axis is the coefficient; 0 where truth or prediction is
    constant, as in scikit-learn

    Examples
    --------
    >>> mcc_scores(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])).mean().round(4)
    np.float64(0.5774)
    """
    agreed, chance, of_agreed, of_chance = _moments(y, predicted)
    spread_y, of_spread_y = _spread(_share_of_own(y))
    spread_p, of_spread_p = _spread(_share_of_own(predicted))
    below = np.sqrt(spread_y * spread_p)
    some = below > 0
    safe = np.where(some, below, 1.0)
    value = (agreed - chance) / safe
    bend = of_spread_y / np.where(spread_y > 0, spread_y, 1) + of_spread_p / np.where(
        spread_p > 0, spread_p, 1
    )
    return np.where(some, value + (of_agreed - of_chance) / safe - value / 2 * bend, 0.0)


def _moments(y: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return p_o and p_e of shape (..., 1), and the influence of each row on them of shape (..., n)."""
    right = (y == predicted).astype(np.float64)
    agreed = right.mean(axis=-1, keepdims=True)
    n_classes = int(max(y.max(), predicted.max())) + 1
    true_share = np.bincount(y, minlength=n_classes) / len(y)
    a_p, b_y = true_share[predicted], _shares(predicted, n_classes)[..., y]
    chance = b_y.mean(axis=-1, keepdims=True)
    return agreed, chance, right - agreed, b_y + a_p - 2 * chance


def _shares(predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the share of each predicted class, shape (..., n_classes)."""
    rows = predicted.reshape(-1, predicted.shape[-1])
    counts = np.stack([np.bincount(row, minlength=n_classes) for row in rows])
    return np.asarray((counts / predicted.shape[-1]).reshape(*predicted.shape[:-1], n_classes))


def _share_of_own(codes: np.ndarray) -> np.ndarray:
    """Return the share of the class of each row, shape (..., n)."""
    return np.take_along_axis(_shares(codes, int(codes.max()) + 1), codes, axis=-1)


def _spread(share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return 1 − Σ a_k², and the influence of each row on it."""
    squares = share.mean(axis=-1, keepdims=True)
    return 1 - squares, -2 * (share - squares)
