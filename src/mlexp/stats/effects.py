"""Sizes of differences that do not depend on how many runs there are, and rank correlation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import factorial

import numpy as np

from mlexp.stats.outcome import (
    SMALLEST_P,
    Outcome,
    as_pairs,
    as_scores,
    check_share,
    is_rounding,
    largest,
    t_tail,
    untestable,
    why_flat,
)
from mlexp.stats.scope import PAIRS, RUNS, Scope

OF_THESE_RUNS = replace(RUNS, note="the estimate describes these runs")
OF_PAIRS = replace(PAIRS, shows="how far the two orders agree")


@dataclass(frozen=True)
class Effect:
    """The size of a difference.

    Attributes
    ----------
    name, scope : the measure, and what it generalises over
    estimate : the measure; None where it is not defined, then `reason` says why
    low, high : interval at confidence `level`
    n : runs in each arm
    details : related numbers by name
    testable, reason : as in Outcome
    """

    name: str
    scope: Scope
    estimate: float | None
    low: float | None
    high: float | None
    level: float
    n: dict[str, int]
    details: dict[str, float]
    testable: bool = True
    reason: str = ""


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


def cohens_d(a: object, b: object, *, level: float = 0.95) -> Effect:
    """Return the difference of means in units of the pooled standard deviation, with Hedges' correction.

    d = (mean_A − mean_B)/s_p with s_p² = ((n_A − 1)s_A² + (n_B − 1)s_B²)/m, m = n_A + n_B − 2. The estimate is
    g = J·d with the exact J = Γ(m/2)/(sqrt(m/2)·Γ((m − 1)/2)), because d is too large in small samples; d itself
    and J are in `details`. Interval: g ± z·J·sqrt((n_A + n_B)/(n_A·n_B) + d²/(2m)).
    L. V. Hedges, J. Educ. Stat. 6 (1981) 107–128, doi:10.3102/10769986006002107.

    Parameters
    ----------
    a, b : scores of shape (n_A,) and (n_B,), at least 3 in all
    level : confidence level of the interval, default 0.95

    Examples
    --------
    >>> effect = cohens_d([3.0, 4.0, 5.0], [1.0, 2.0, 3.0])
    >>> round(effect.details["d"], 4), round(effect.estimate, 4)
    (2.0, 1.5958)
    """
    left, right = as_scores(a, "scores of A"), as_scores(b, "scores of B")
    counts = {"runs_a": len(left), "runs_b": len(right)}
    m = len(left) + len(right) - 2
    shell = Effect("Cohen's d (Hedges' g)", OF_THESE_RUNS, None, None, None, level, counts, {})
    if m < 2:
        return replace(shell, testable=False, reason="fewer than four runs in all: the spread is unknown")
    pooled = np.sqrt((left.var() * len(left) + right.var() * len(right)) / m)
    if is_rounding(float(pooled), largest(left, right)):
        return replace(shell, testable=False, reason=why_flat(left, right))
    d = float((left.mean() - right.mean()) / pooled)
    j = hedges_factor(m)
    half = _z(level) * j * float(np.sqrt((m + 2) / (len(left) * len(right)) + d**2 / (2 * m)))
    return replace(shell, estimate=j * d, low=j * d - half, high=j * d + half, details={"d": d, "factor": j})


def hedges_factor(df: int) -> float:
    """Return Hedges' exact J = Γ(df/2)/(sqrt(df/2)·Γ((df − 1)/2)), for df >= 2; about 1 − 3/(4·df − 1).

    Examples
    --------
    >>> round(hedges_factor(18), 5)
    0.95765
    """
    from scipy.special import gammaln

    return float(np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / np.sqrt(df / 2))


def cliffs_delta(a: object, b: object, *, level: float = 0.95) -> Effect:
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
    return Effect("Cliff's delta", OF_THESE_RUNS, delta, low, high, level, counts, {})


def probability_of_improvement(a: object, b: object, *, level: float = 0.95) -> Effect:
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
    low, estimate, high = (
        None if x is None else (1 + x) / 2 for x in (effect.low, effect.estimate, effect.high)
    )
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
    from scipy.stats import rankdata

    left, right = as_pairs(a, b, least=3)
    n = len(left)
    ranks = [rankdata(side) - (n + 1) / 2 for side in (left, right)]
    shell = Outcome("Spearman rho", OF_PAIRS, 0.0, level=level, n={"pairs": n})
    if not (ranks[0].any() and ranks[1].any()):
        return untestable(shell, "one of the two never changes: this cannot be tested")
    over = float(np.sqrt(np.square(ranks[0]).sum() * np.square(ranks[1]).sum()))
    rho = float(np.clip((ranks[0] * ranks[1]).sum() / over, -1, 1))
    if 1 - abs(rho) < 1e-12:
        p = max(2 / factorial(min(n, 150)), SMALLEST_P)
        return replace(shell, estimate=float(np.sign(rho)), p=p)
    t = rho * float(np.sqrt((n - 2) / (1 - rho**2)))
    low, high = (None, None) if n < 4 else _rho_interval(rho, n, _z(level))
    return replace(shell, estimate=rho, statistic=t, df=n - 2.0, p=t_tail(t, n - 2), low=low, high=high)


def _rho_interval(rho: float, n: int, z: float) -> tuple[float, float]:
    half = z * np.sqrt((1 + rho**2 / 2) / (n - 3))
    return float(np.tanh(np.arctanh(rho) - half)), float(np.tanh(np.arctanh(rho) + half))
