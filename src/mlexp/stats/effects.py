"""Sizes of differences that do not depend on how many runs there are, and rank correlation."""

from __future__ import annotations

from dataclasses import replace
from math import factorial

import numpy as np

from mlexp.stats.outcome import (
    SMALLEST_P,
    Outcome,
    as_pairs,
    as_scores,
    check_share,
    t_tail,
    untestable,
)
from mlexp.stats.scope import PAIRS, RUNS

OF_THESE_RUNS = replace(RUNS, note="the estimate describes these runs")
OF_PAIRS = replace(PAIRS, shows="how far the two orders agree")


def _z(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(0.5 + check_share(level, "level") / 2))


def interquartile_mean(scores: object) -> float:
    """Return the mean of the middle half: floor(n/4) scores are left out at either end.

    All axes are pooled. R. Agarwal et al., Deep Reinforcement Learning at the Edge of the Statistical Precipice,
    NeurIPS 2021, arXiv:2108.13264.

    Parameters
    ----------
    scores : array of any shape with at least one score

    Examples
    --------
    >>> interquartile_mean([0.0, 2.0, 4.0, 100.0])
    3.0
    """
    ordered = np.sort(as_scores(np.ravel(np.asarray(scores)), "scores"))
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def cliffs_delta(a: object, b: object, *, level: float = 0.95) -> Outcome:
    """Return P(A > B) − P(A < B) for one run of each arm; 0 if neither tends to be higher, ±1 if they never overlap.

    Interval: Feng and Cliff's, from the consistent variance of delta, asymmetric so that it stays in [−1, 1]; at
    ±1 its inner end is (n − z²)/(n + z²) with n the smaller arm. It needs at least two runs an arm.
    N. Cliff, Psychol. Bull. 114 (1993) 494–509, doi:10.1037/0033-2909.114.3.494; D. Feng and N. Cliff,
    J. Mod. Appl. Stat. Methods 3 (2004) 322–332, doi:10.22237/jmasm/1099267560.

    Parameters
    ----------
    a, b : scores of shape (n_A,) and (n_B,)
    level : confidence level of the interval, default 0.95

    Examples
    --------
    >>> cliffs_delta([1.0, 2.0, 3.0], [1.0, 2.0, 2.0]).estimate == 2 / 9
    True
    """
    left, right = as_scores(a, "scores of A"), as_scores(b, "scores of B")
    wins = np.sign(left[:, None] - right[None, :])
    delta = float(wins.mean())
    low, high = _delta_interval(wins, delta, _z(level)) if min(wins.shape) > 1 else (None, None)
    counts = {"runs_a": len(left), "runs_b": len(right)}
    return Outcome("Cliff's delta", OF_THESE_RUNS, delta, low=low, high=high, level=level, n=counts)


def probability_of_improvement(a: object, b: object, *, level: float = 0.95) -> Outcome:
    """Return the probability that a run of A scores above a run of B, ties counted half (A12).

    A12 = P(A > B) + P(A = B)/2 = (1 + delta)/2 with Cliff's delta, whose interval is carried over.
    A. Vargha and H. D. Delaney, J. Educ. Behav. Stat. 25 (2000) 101–132, doi:10.3102/10769986025002101.

    Parameters
    ----------
    a, b : scores of shape (n_A,) and (n_B,)
    level : confidence level of the interval, default 0.95

    Examples
    --------
    >>> probability_of_improvement([2.0, 3.0], [1.0, 2.0]).estimate
    0.875
    """
    effect = cliffs_delta(a, b, level=level)
    low, high = (None if end is None else (1 + end) / 2 for end in (effect.low, effect.high))
    estimate = (1 + effect.estimate) / 2
    return replace(effect, name="probability of improvement (A12)", estimate=estimate, low=low, high=high)


def _delta_interval(wins: np.ndarray, delta: float, z: float) -> tuple[float, float]:
    n_a, n_b = wins.shape
    if abs(delta) == 1.0:
        smaller = min(n_a, n_b)
        inner = (smaller - z**2) / (smaller + z**2)
        return (inner, 1.0) if delta > 0 else (-1.0, -inner)
    rows, columns = wins.mean(axis=1) - delta, wins.mean(axis=0) - delta
    total = n_b**2 * np.square(rows).sum() + n_a**2 * np.square(columns).sum() - np.square(wins - delta).sum()
    floor = (1 - delta**2) / (n_a * n_b - 1)
    variance = max(float(total) / (n_a * n_b * (n_a - 1) * (n_b - 1)), floor)
    half = z * np.sqrt(variance * ((1 - delta**2) ** 2 + z**2 * variance))
    below = 1 - delta**2 + z**2 * variance
    low, high = (delta - delta**3 - half) / below, (delta - delta**3 + half) / below
    return max(float(low), -1.0), min(float(high), 1.0)


def spearman(a: object, b: object, *, level: float = 0.95) -> Outcome:
    """Return Spearman's rank correlation with its interval.

    rho is Pearson's correlation of the mean ranks; p from t = rho·sqrt((n − 2)/(1 − rho²)) with n − 2 degrees of
    freedom, or exactly 2/n! when the orders agree or oppose each other in full. Interval: Fisher's z with
    standard error sqrt((1 + rho²/2)/(n − 3)); none below 4 pairs or at rho = ±1.
    C. Spearman, Am. J. Psychol. 15 (1904) 72–101, doi:10.2307/1412159; D. G. Bonett and T. A. Wright,
    Psychometrika 65 (2000) 23–28, doi:10.1007/BF02294183.

    Parameters
    ----------
    a, b : arrays of shape (n,), matched by position, n >= 3
    level : confidence level of the interval, default 0.95

    Examples
    --------
    >>> outcome = spearman([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 3.0, 2.0, 4.0, 5.0])
    >>> round(outcome.estimate, 4), round(outcome.p, 4)
    (0.9, 0.0374)
    """
    from scipy.stats import spearmanr

    left, right = as_pairs(a, b, least=3)
    n = len(left)
    shell = Outcome("Spearman rho", OF_PAIRS, 0.0, level=level, n={"pairs": n})
    if not (np.ptp(left) and np.ptp(right)):
        return untestable(shell, "one of the two never changes: this cannot be tested")
    found = spearmanr(left, right)
    rho = float(np.clip(found.statistic, -1, 1))
    if 1 - abs(rho) < 1e-12:
        p = max(2 / factorial(min(n, 150)), SMALLEST_P)
        return replace(shell, estimate=float(np.sign(rho)), p=p)
    t = rho * float(np.sqrt((n - 2) / (1 - rho**2)))
    low, high = (None, None) if n < 4 else _rho_interval(rho, n, _z(level))
    return replace(shell, estimate=rho, statistic=t, df=n - 2.0, p=t_tail(t, n - 2), low=low, high=high)


def _rho_interval(rho: float, n: int, z: float) -> tuple[float, float]:
    half = z * np.sqrt((1 + rho**2 / 2) / (n - 3))
    return float(np.tanh(np.arctanh(rho) - half)), float(np.tanh(np.arctanh(rho) + half))
