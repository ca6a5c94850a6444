"""Which of several arms may be the best, and how far behind it the others are: comparisons with the best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlexp.errors import DataError
from mlexp.stats.outcome import as_scores, check_share

POINTS = 2000  # of the lattice that the normal probability is integrated over: right to about 1e-4


@dataclass(frozen=True)
class WithBest:
    """How far each arm is from the best of the others.

    Attributes
    ----------
    name : the procedure
    low, high : simultaneous interval of theta_i − max_{j != i} theta_j of each arm, larger theta being better, with
        low <= 0 <= high; None for an end without limit, where too little could be tested
    may_be_best : arms that are not shown to be worse than another
    tails : one-sided error at which each arm, were it the best, is compared with every other
    alpha : chance that any interval misses
    """

    name: str
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    may_be_best: tuple[bool, ...]
    tails: tuple[float, ...]
    alpha: float


def compared_with_best(
    n_arms: int,
    upper: Callable[[int, int, float], float],
    *,
    variances: object | None = None,
    alpha: float = 0.05,
) -> WithBest:
    """Return simultaneous intervals of each arm minus the best of the others (multiple comparisons with the best).

    With theta_i the mean of arm i and U_ij(a) an upper limit of theta_i − theta_j that is too low with chance a, each
    arm is compared with all others as if it were the best (Hsu's constrained intervals, in the form of Edwards and
    Hsu for any variances and correlations)::

        high_i = max(0, min_{j != i} U_ij(a_i))                       may be best: B = {i : all U_ij(a_i) >= 0}
        low_i  = 0 if B = {i}, else min(0, min_{j in B, j != i} −U_ji(a_j))

    P(low_i <= theta_i − max_{j != i} theta_j <= high_i for all i) >= 1 − alpha if for every i the chance that any of
    its k − 1 limits is too low is at most alpha. One family is enough, that of the arm which is the best: hence
    fewer comparisons count than among all pairs, and they are one-sided. a_i = 1 − Phi(z_i) solves
    P(Z_j <= z_i for all j != i) = 1 − alpha for normal Z with the correlations of the differences to arm i,
    (V_ij + V_il − V_jl)/(2·sqrt(V_ij·V_il)); without `variances` it is Bonferroni's alpha/(k − 1). Limits of Student's
    t at these a_i are up to 4 % wider than the joint t of a pooled variance (Dunnett's) asks for; with normal ones this
    is Hsu's procedure. Two arms: the one-sided limits of their difference.

    Of several arms that are equally good and the best, each is left out with chance at most alpha: "not best" means
    that another arm is at least as good.

    J. C. Hsu, Ann. Stat. 12 (1984) 1136–1144, doi:10.1214/aos/1176346732; D. G. Edwards and J. C. Hsu, J. Am. Stat.
    Assoc. 78 (1983) 965–971, doi:10.1080/01621459.1983.10477047.

    Parameters
    ----------
    n_arms : k >= 2
    upper : function of i, j and a to U_ij(a); inf where the two cannot be tested
    variances : symmetric, shape (k, k): V_ij, variance of the estimate of theta_i − theta_j, 0 where the two do not
        differ in anything (their limit is 0); its diagonal is not used
    alpha : default 0.05

    Examples
    --------
    Five means with standard error 1 and known variance: Dunnett's one-sided 2.16·sqrt(2) = 3.06.

    >>> from scipy.special import ndtri
    >>> means = np.array([10.0, 9.0, 5.0, 4.0, 2.0])
    >>> upper = lambda i, j, a: means[i] - means[j] - np.sqrt(2) * ndtri(a)
    >>> found = compared_with_best(5, upper, variances=np.full((5, 5), 2.0))
    >>> found.may_be_best
    (True, True, False, False, False)
    >>> [round(float(end), 1) for end in (*found.low, *found.high)]
    [-2.1, -4.1, -8.1, -9.1, -11.1, 4.1, 2.1, 0.0, 0.0, 0.0]
    """
    if n_arms < 2:
        raise DataError(f"Comparisons with the best need at least 2 arms. Got {n_arms}.")
    check_share(alpha, "alpha")
    if variances is None:
        name, tails = "comparisons with the best (Bonferroni)", np.full(n_arms, alpha / (n_arms - 1))
    else:
        name, tails = "comparisons with the best (Hsu)", _tails(variances, n_arms, alpha)
    limit = np.full((n_arms, n_arms), np.inf)
    for i in range(n_arms):
        for j in range(n_arms):
            if i != j:
                limit[i, j] = upper(i, j, float(tails[i]))
    high = np.maximum(limit.min(axis=1), 0.0)
    best = limit.min(axis=1) >= 0
    # limits of a median of differences can run in a circle: then each arm is worse than another
    rivals = best if best.any() else np.ones(n_arms, bool)
    low = np.empty(n_arms)
    for i in range(n_arms):
        others = [-limit[j, i] for j in np.flatnonzero(rivals) if j != i]
        low[i] = min([0.0, *others])
    ends = [tuple(float(end) if np.isfinite(end) else None for end in one) for one in (low, high)]
    return WithBest(name, ends[0], ends[1], tuple(best.tolist()), tuple(tails.tolist()), alpha)


def _tails(variances: object, n_arms: int, alpha: float) -> np.ndarray:
    """Return 1 − Phi(z_i) for each arm as the best."""
    from scipy.special import ndtr

    v = as_scores(variances, "variances of differences", ndim=2)
    if v.shape != (n_arms, n_arms):
        raise DataError(f"'variances' must have shape ({n_arms}, {n_arms}). Got {v.shape}.")
    points = _lattice(n_arms - 2)
    found: list[float] = []
    start = None
    for i in range(n_arms):
        others = np.flatnonzero((v[i] > 0) & (np.arange(n_arms) != i))
        if not len(others):
            found.append(alpha)
            continue
        to_i = v[i, others]
        covariance = (to_i[:, None] + to_i - v[np.ix_(others, others)] * (1 - np.eye(len(others)))) / 2
        start = _equal_limits(_root(covariance), alpha, points, start)
        found.append(float(ndtr(-start)))
    # Bonferroni holds whatever the correlations are
    return np.maximum(found, alpha / (n_arms - 1))


def _root(covariance: np.ndarray) -> np.ndarray:
    """Return the Cholesky factor of the nearest correlations: estimated variances may not belong together."""
    scale = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / scale / scale[:, None])
    nearest = (vectors * np.maximum(values, 1e-8)) @ vectors.T
    scale = np.sqrt(np.diag(nearest))
    return np.asarray(np.linalg.cholesky(nearest / scale / scale[:, None]))


def _equal_limits(root: np.ndarray, alpha: float, points: np.ndarray, start: float | None) -> float:
    """Return z with P(Z_j <= z for all j) = 1 − alpha, by secants: the probit of that chance is nearly linear in z."""
    from scipy.special import ndtri

    wanted = float(ndtri(1 - alpha))
    z = float(-ndtri(alpha / len(root))) if start is None else start
    slope, last = 1.0, None
    for _ in range(20):
        miss = float(ndtri(_chance_below(z, root, points))) - wanted
        if abs(miss) < 1e-4:
            break
        if last is not None and abs(z - last[0]) > 1e-9:
            slope = (miss - last[1]) / (z - last[0])
        last = (z, miss)
        z -= miss / slope
    return z


def _chance_below(z: float, root: np.ndarray, points: np.ndarray) -> float:
    """Return P(Z_j <= z for all j) for Z = root·(independent normals).

    One variable after the other, each given those before (A. Genz, J. Comput. Graph. Stat. 1 (1992) 141–149,
    doi:10.1080/10618600.1992.10477010), over a lattice.
    """
    from scipy.special import ndtr, ndtri

    m = len(root)
    before = np.empty((m, points.shape[1]))
    chance = np.ones(points.shape[1])
    for j in range(m):
        below = ndtr((z - root[j, :j] @ before[:j]) / root[j, j])
        chance *= below
        if j + 1 < m:
            before[j] = ndtri(np.maximum(points[j] * below, 1e-300))
    return float(chance.mean())


def _lattice(n_axes: int) -> np.ndarray:
    """Return points that fill the cube evenly, shape (n_axes, POINTS): multiples of the roots of primes, folded."""
    sieve = np.arange(2, 20 + 12 * max(n_axes, 1))
    primes = sieve[[all(number % d for d in range(2, int(number**0.5) + 1)) for number in sieve]]
    steps = np.sqrt(primes[: max(n_axes, 1)])[:, None] * (np.arange(POINTS) + 0.5)
    return np.asarray(np.abs(2 * (steps % 1.0) - 1))
