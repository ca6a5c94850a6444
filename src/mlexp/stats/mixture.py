"""A normal difference whose variance is partly estimated from few runs: Behrens and Fisher's distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STEP = 0.5  # of the trapezoidal rule in log q, for one degree of freedom
TAIL = 1e-9  # probability of q that is left out below; far below the smallest p that Holm needs


@dataclass(frozen=True)
class Mixture:
    """The distribution of a difference D with Var D = sum_a v_a/q_a + fixed, q_a ~ chi²_{df_a}/df_a.

    Attributes
    ----------
    variances : v_a, the estimated variances
    dfs : df_a, their degrees of freedom
    fixed : variance that counts as known
    """

    variances: tuple[float, ...]
    dfs: tuple[float, ...]
    fixed: float = 0.0

    @property
    def plain(self) -> float:
        """Return the variance with every q_a at 1."""
        return float(sum(self.variances)) + self.fixed


def two_sided(mixture: Mixture, distance: float) -> float:
    """Return P(|D| >= |distance|) = E[2·Phi(−|distance|/sqrt(sum_a v_a/q_a + fixed))].

    The trapezoidal rule over log q_a, whose error falls exponentially with the step for so smooth a function
    (L. N. Trefethen and J. A. C. Weideman, SIAM Review 56 (2014) 385–458, doi:10.1137/130932132): right to 1e-8.

    Examples
    --------
    One variance is Student's t, P(|T_4| >= 2.776445) = 0.05:

    >>> round(two_sided(Mixture((1.0,), (4.0,)), 2.776445), 6)
    0.05
    """
    from scipy.special import ndtr

    variance, weight = np.array([mixture.fixed]), np.ones(1)
    for v, df in zip(mixture.variances, mixture.dfs, strict=True):
        inverse, share = _nodes(df)
        variance = (variance[:, None] + v * inverse).ravel()
        weight = (weight[:, None] * share).ravel()
    with np.errstate(divide="ignore"):
        z = np.abs(distance) / np.sqrt(variance)
    tail = float(2 * weight @ ndtr(-z))  # rounded weights can add up to more than 1
    return min(max(tail, float(np.finfo(np.float64).tiny)), 1.0)


def interval_half(mixture: Mixture, alpha: float) -> float:
    """Return the distance w with P(|D| >= w) = alpha, by bisection in log w."""
    from scipy.optimize import brentq

    unit = float(np.sqrt(mixture.plain))
    high = 1.0
    while two_sided(mixture, high * unit) > alpha:
        high *= 2
    low = high / 2
    while two_sided(mixture, low * unit) < alpha:
        low /= 2
    return (
        float(brentq(lambda w: two_sided(mixture, w * unit) - alpha, low, high, xtol=1e-12, rtol=1e-10))
        * unit
    )


def _nodes(df: float) -> tuple[np.ndarray, np.ndarray]:
    """Return 1/q and its probability at points equally far apart in log q.

    The density of t = log q is proportional to exp(df/2·(t − e^t)), with the standard deviation sqrt(2/df) for many df.
    """
    step = min(STEP, 0.95 * float(np.sqrt(2 / df)))
    lowest = 2 / df * np.log(TAIL) - 2
    t = np.arange(lowest, min(4.0, 12 * np.sqrt(2 / df)) + step, step)
    weight = np.exp(df / 2 * (t - np.exp(t) + 1))
    return np.exp(-t), weight / weight.sum()
