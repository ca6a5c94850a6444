"""Look at a study several times while it runs, and still raise a false alarm in no more than a share alpha of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlexp.errors import ConfigError
from mlexp.stats.outcome import check_share

FARTHEST = 38.0  # standard errors; beyond them the normal tail underflows
NODES = 12  # of the quadrature on each piece
FEWEST = 16  # pieces, at least; no piece is wider than two standard deviations of the steps beside it
WHOLE = 1e-9  # rounding of the information at the end of a study


def alpha_spent(information: object, *, alpha: float = 0.05) -> np.ndarray:
    """Return how much of alpha may be spent by the time that a share of the information is there.

    alpha(t) = 2 − 2·Phi(z_{1−alpha/2}/sqrt(t)), the spending function of O'Brien and Fleming's type: next to nothing
    early, all of it at t = 1 (K. K. G. Lan and D. L. DeMets, Biometrika 70 (1983) 659–663,
    doi:10.1093/biomet/70.3.659; two-sided).

    Parameters
    ----------
    information : share of the information in (0, 1], of any shape
    alpha : chance of any false alarm in the whole study, default 0.05

    Returns
    -------
    float64 array of the same shape

    Examples
    --------
    >>> alpha_spent([0.5, 1.0]).round(5).tolist()
    [0.00557, 0.05]
    """
    from scipy.special import ndtr, ndtri

    z = -ndtri(check_share(alpha, "alpha") / 2)
    return np.asarray(2 * ndtr(-z / np.sqrt(np.asarray(information, dtype=np.float64))))


def nominal_levels(information: Sequence[float], *, alpha: float = 0.05) -> tuple[float, ...]:
    """Return the level that each look of a study is tested at, so that all looks together spend alpha.

    At look k the boundary z_k solves P(|Z_1| < z_1, ..., |Z_{k−1}| < z_{k−1}, |Z_k| >= z_k) =
    alpha(t_k) − alpha(t_{k−1}), with `alpha_spent` and corr(Z_j, Z_k) = sqrt(t_j/t_k); its nominal level is
    2·Phi(−z_k). Computed by the recursion of P. Armitage, C. K. McPherson and B. C. Rowe, J. R. Stat. Soc. A 132
    (1969) 235–244, doi:10.2307/2343787, with Gauss–Legendre quadrature.

    Parameters
    ----------
    information : share of the information at each look, increasing, in (0, 1]
    alpha : chance of any false alarm in all looks, default 0.05

    Returns
    -------
    tuple of float, one level a look; for a single look at the end alpha itself

    Raises
    ------
    ConfigError
        If the shares do not increase within (0, 1].

    Examples
    --------
    >>> [f"{level:.2g}" for level in nominal_levels([5 / 30, 10 / 30, 15 / 30, 20 / 30, 1.0])]
    ['1.6e-06', '0.00069', '0.0053', '0.014', '0.044']
    """
    from scipy.special import ndtr

    times = np.asarray(information, dtype=np.float64)
    if times.ndim != 1 or not len(times) or not (times[0] > 0 and times[-1] <= 1 + WHOLE):
        raise ConfigError(f"'information' must hold shares in (0, 1]. Got {list(information)}.")
    if (np.diff(times) <= 0).any():
        raise ConfigError(f"'information' must increase from look to look. Got {list(information)}.")
    spent = np.diff(alpha_spent(np.minimum(times, 1.0), alpha=alpha), prepend=0.0)
    steps = np.diff(times, prepend=0.0)
    place, weight = (
        np.zeros(1),
        np.ones(1),
    )  # of a path that has crossed no boundary yet, in units of z·sqrt(t)
    levels = []
    for k, (time, step, share) in enumerate(zip(times, steps, spent, strict=True)):
        unit, spread = float(np.sqrt(time)), float(np.sqrt(step))
        z = _boundary(place, weight, unit, spread, float(share))
        levels.append(float(2 * ndtr(-z)))
        if k + 1 < len(times):
            place, weight = _continued(place, weight, spread, z * unit, float(np.sqrt(steps[k + 1])))
    return tuple(levels)


def family_levels(information: Sequence[float], tests: int, *, alpha: float = 0.05) -> tuple[float, ...]:
    """Return the level at which Holm's procedure over several tests is applied at each look.

    l_k = min over j = 1 .. m of j·c_k(alpha/j), c_k(a) the nominal level of look k where all looks spend a: no step of
    Holm at level l_k, which rejects p <= l_k/j, goes beyond what spending alpha/j over the looks allows, so that the
    chance of any false alarm among all tests and looks is at most alpha (W. Maurer and F. Bretz, Stat. Biopharm. Res. 5
    (2013) 311–320, doi:10.1080/19466315.2013.807748). Holm at the nominal levels of one test would spend more.
    The minimum lies at j = 1 (late looks) or j = m (early ones).

    Parameters
    ----------
    information : as in `nominal_levels`
    tests : number m of tests in the family, such as pairs of arms
    alpha : chance of any false alarm in all looks, default 0.05

    Examples
    --------
    >>> [f"{level:.2g}" for level in family_levels([1 / 3, 2 / 3, 1.0], 3)]
    ['0.0001', '0.01', '0.044']
    """
    alone = nominal_levels(information, alpha=alpha)
    shared = nominal_levels(information, alpha=alpha / tests)
    return tuple(min(one, tests * each) for one, each in zip(alone, shared, strict=True))


def _boundary(place: np.ndarray, weight: np.ndarray, unit: float, spread: float, share: float) -> float:
    """Return the z that the next step carries the paths beyond with probability `share`."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    def excess(z: float) -> float:
        beyond = ndtr((place - z * unit) / spread) + ndtr((-z * unit - place) / spread)
        return float(weight @ beyond) - share

    return float(brentq(excess, 0.0, FARTHEST, xtol=1e-12)) if excess(FARTHEST) < 0 else FARTHEST


def _continued(
    place: np.ndarray, weight: np.ndarray, spread: float, end: float, next_spread: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return where paths are that lie within ±`end` after a step: points fine enough for the step that follows."""
    pieces = max(FEWEST, int(end / min(spread, next_spread)))
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    half = end / pieces
    middles = -end + half * (2 * np.arange(pieces) + 1)
    points = (middles[:, None] + half * nodes).ravel()
    density = np.exp(-0.5 * ((points[:, None] - place) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
    return points, np.tile(half * weights, pieces) * (density @ weight)
