"""How well runs of one setting explain figures that somebody else published: the predictive density of one more run.

A published figure v is one run that nobody can repeat. If n runs of the right setting gave x_1 ... x_n, normal with
unknown mean and variance, one more run of it has Student's t distribution,

    (v − x̄) / sqrt( s̃² (1 + 1/n) + h²/3 + r ) ~ t(d0 + n − 1),      s̃² = (d0 s0² + (n − 1) s²) / (d0 + n − 1)

(Geisser 1993, Predictive Inference, section 2.2). h²/3 is the variance of what rounding to ± h took away; r is that
of a mean over other test rows, 0 where the rows are the same. s0² and d0 are what the variances of all settings have in
common, and how many degrees of freedom that is worth (Smyth 2004, doi:10.2202/1544-6115.1027); d0 = 0 is the variance
of the setting alone. Both are estimated, so the tails are a little too light.

Figures of one run depend on one another over seeds. Their densities p_j are joined by a Gaussian copula with the
correlation matrix R (Song 2000, doi:10.1111/1467-9469.00191),

    log L = sum_j log p_j − ½ log det R − ½ zᵀ(R⁻¹ − I) z,      z_j = Φ⁻¹(F_j(v_j))

R is estimated from the residuals of all settings together and shrunk towards the identity (Schäfer and Strimmer 2005,
doi:10.2202/1544-6115.1175), by a fifth at least: directions in which runs hardly vary shall not decide. One matrix for
all settings and normal dependence are assumptions, so differences of log L rank settings and are no exact odds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special, stats

LEAST = 2  # runs with a value, below which a setting predicts nothing
FEW_SETTINGS = 2  # below which their variances say nothing of one another
LEAST_SHRUNK = 0.2  # of correlations
FARTHEST = 8.0  # standard deviations; beyond, a normal quantile is not a number


class Prior(NamedTuple):
    """What the variances of all settings have in common, by figure: (n_figures,) each.

    Attributes
    ----------
    variance : s0²
    degrees : d0, 0 where they have nothing in common
    """

    variance: np.ndarray
    degrees: np.ndarray


class Predictive(NamedTuple):
    """The t distribution of one more run, by figure; NaN where nothing is predicted.

    Attributes
    ----------
    mean, scale, degrees : of the t distribution, (n_figures,) each
    held : (n_figures,) share of the runs that hold the figure, (m + ½) / (n + 1) for m of n, 1 for all
    """

    mean: np.ndarray
    scale: np.ndarray
    degrees: np.ndarray
    held: np.ndarray


def prior(groups: Sequence[np.ndarray]) -> Prior:
    """Return what the variances of all settings have in common, from their spread (Smyth 2004, section 6.2).

    With e = log s² − ψ(d/2) + log(d/2), d0 solves ψ'(d0/2) = var(e) − mean ψ'(d/2), and
    s0² = exp(mean(e) + ψ(d0/2) − log(d0/2)).

    Parameters
    ----------
    groups : for each setting (n_runs, n_figures), NaN where a run does not hold the figure

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> alike = prior([rng.normal(0, 2, (5, 1)) for _ in range(2000)])
    >>> float(alike.variance[0].round()), float(alike.degrees[0]) > 30
    (4.0, True)
    """
    n_figures = groups[0].shape[1]
    variance, degrees = np.zeros(n_figures), np.zeros(n_figures)
    for j in range(n_figures):
        of = [x[~np.isnan(x)] for x in (group[:, j] for group in groups)]
        of = list({x.tobytes(): x for x in of}.values())  # settings that train alike count once
        of = [x for x in of if len(x) >= LEAST and np.ptp(x) > 0]
        if len(of) < FEW_SETTINGS:
            continue
        half = np.array([(len(x) - 1) / 2 for x in of])
        e = np.log([np.var(x, ddof=1) for x in of]) - special.digamma(half) + np.log(half)
        left = float(np.var(e, ddof=1) - np.mean(special.polygamma(1, half)))
        most = 2 * float(half.sum())  # s0² is known no better than from all runs together
        d0 = min(most, 2 * _inverse_trigamma(left)) if left > 0 else most
        degrees[j] = d0
        variance[j] = math.exp(float(np.mean(e)) + float(special.digamma(d0 / 2)) - math.log(d0 / 2))
    return Prior(variance, degrees)


def _inverse_trigamma(value: float) -> float:
    """Return y with ψ'(y) = value, by Newton's method on 1/ψ' (Smyth 2004, appendix)."""
    y = 0.5 + 1 / value
    for _ in range(50):
        first = float(special.polygamma(1, y))
        step = first * (1 - first / value) / float(special.polygamma(2, y))
        y += step
        if -step / y < 1e-8:
            break
    return y


def predicted(
    values: np.ndarray, more: np.ndarray, known: Prior | None = None, n_seeds: int | None = None
) -> Predictive:
    """Return the distribution of one more run of a setting.

    Parameters
    ----------
    values : (n_runs, n_figures), NaN where a run does not hold the figure
    more : (n_figures,) variance that is not between seeds: of rounding and of other rows
    known : what the variances of all settings have in common
    n_seeds : pretend that so many seeds gave this mean and variance; for planning

    Examples
    --------
    >>> one = predicted(np.array([[1.0], [3.0]]), np.zeros(1))
    >>> float(one.mean[0]), float(one.scale[0].round(4)), float(one.degrees[0])  # sqrt(2 * 1.5)
    (2.0, 1.7321, 1.0)
    """
    n_runs, n_figures = values.shape
    n = np.sum(~np.isnan(values), axis=0)
    enough = n >= LEAST
    mean, variance = np.full(n_figures, np.nan), np.full(n_figures, np.nan)
    mean[enough] = np.nanmean(values[:, enough], axis=0)
    variance[enough] = np.nanvar(values[:, enough], axis=0, ddof=1)
    s0, d0 = known if known is not None else (np.zeros(n_figures), np.zeros(n_figures))
    many = np.maximum(n if n_seeds is None else n_seeds, LEAST)
    degrees = d0 + many - 1
    scale = np.sqrt((d0 * s0 + (many - 1) * variance) / degrees * (1 + 1 / many) + more)
    held = np.where(n == n_runs, 1.0, (n + 0.5) / (n_runs + 1))
    return Predictive(mean, np.where(scale > 0, scale, np.nan), degrees, held)


def log_density(of: Predictive, published: np.ndarray) -> np.ndarray:
    """Return the log density of each published figure, (n_figures,); NaN where nothing is predicted.

    Runs without the figure (they had stopped before that epoch, or diverged) cost the logarithm of `held`.

    Examples
    --------
    >>> one = predicted(np.array([[0.0], [1.0], [2.0]]), np.zeros(1))
    >>> float(log_density(one, np.array([1.0]))[0].round(4))  # t(2) at 0, scale sqrt(4/3)
    -1.1836
    """
    found: np.ndarray = stats.t.logpdf(published, of.degrees, loc=of.mean, scale=of.scale) + np.log(of.held)
    return found


def interval(of: Predictive, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the prediction interval of one more run, (n_figures,) each; NaN where nothing is predicted.

    Examples
    --------
    >>> low, high = interval(predicted(np.array([[0.0], [1.0], [2.0]]), np.zeros(1)))
    >>> float(low[0].round(3)), float(high[0].round(3))
    (-3.968, 5.968)
    """
    half = stats.t.ppf((1 + level) / 2, of.degrees) * of.scale
    return of.mean - half, of.mean + half


def correlation(residuals: np.ndarray, degrees: int) -> np.ndarray:
    """Return the shrunk correlations of figures over seeds, (n_figures, n_figures).

    (1 − λ) R + λ I with λ = sum var(r_ij) / sum r_ij², from `LEAST_SHRUNK` to 1, and var(r) = (1 − r²)² / `degrees`.

    Parameters
    ----------
    residuals : (n, n_figures), deviations from the mean of their setting in its standard deviations; no NaN
    degrees : of freedom: runs less settings

    Examples
    --------
    >>> same = np.repeat(np.random.default_rng(0).normal(size=(200, 1)), 2, axis=1)
    >>> correlation(same, 199).round(2).tolist()
    [[1.0, 0.8], [0.8, 1.0]]
    >>> correlation(same, 1).round(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    n_figures = residuals.shape[1]
    if degrees < LEAST:
        return np.eye(n_figures)
    lengths = np.sqrt(np.sum(residuals**2, axis=0))
    scaled = residuals / np.where(lengths > 0, lengths, 1.0)
    R: np.ndarray = scaled.T @ scaled
    off = R[~np.eye(n_figures, dtype=bool)]
    squares = float(np.sum(off**2))
    shrunk = float(np.sum((1 - off**2) ** 2)) / degrees / squares if squares > 0 else 1.0
    R = R * (1 - min(1.0, max(LEAST_SHRUNK, shrunk)))
    np.fill_diagonal(R, 1.0)
    return R


def log_copula(of: Predictive, published: np.ndarray, R: np.ndarray) -> float:
    """Return what the dependence of figures adds to the sum of their log densities, a Gaussian copula.

    Figures of which nothing is predicted are left out.

    Examples
    --------
    >>> one = predicted(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), np.zeros(2))
    >>> R = np.array([[1.0, 0.8], [0.8, 1.0]])
    >>> apart = log_copula(one, np.array([0.0, 2.0]), R) < log_copula(one, np.array([0.0, 0.0]), R)
    >>> apart, log_copula(one, np.array([0.0, 2.0]), np.eye(2))
    (True, 0.0)
    """
    known = ~np.isnan(of.scale)
    if known.sum() < 2:
        return 0.0
    away = (published - of.mean)[known] / of.scale[known]
    z = np.sign(away) * np.minimum(stats.norm.isf(stats.t.sf(np.abs(away), of.degrees[known])), FARTHEST)
    own = R[np.ix_(known, known)]
    _, log_det = np.linalg.slogdet(own)
    return 0.0 - 0.5 * float(log_det + z @ (np.linalg.solve(own, z) - z))


def jackknife_error(without: np.ndarray) -> float:
    """Return the standard error of a statistic from its values without each run in turn (Tukey 1958).

    sqrt( (n − 1)/n * sum (t_i − mean)² ); `without` is (n,).

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 6.0])  # of a mean it is s / sqrt(n)
    >>> round(jackknife_error((x.sum() - x) / 2), 4), round(float(x.std(ddof=1) / np.sqrt(3)), 4)
    (1.5275, 1.5275)
    """
    n_runs = len(without)
    return float(np.sqrt((n_runs - 1) / n_runs * np.sum((without - np.mean(without)) ** 2)))
