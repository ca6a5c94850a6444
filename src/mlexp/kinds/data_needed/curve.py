"""The learning curve by number of training samples: nested subsets, the gain of a doubling, a power law."""

from __future__ import annotations

import warnings

import numpy as np

from mlexp.page.words import Z
from mlexp.stats.outcome import t_quantile

MISFIT = 0.1
FEWEST_SIZES = 4  # that a power law of three parameters is fitted to
LEVEL = 0.95


def nested_order(y: np.ndarray, stratify: bool, *, rng: np.random.Generator) -> np.ndarray:
    """Return an order of samples whose every beginning is a random subset, stratified by class.

    Row k of the n_c of a class, in random order, comes at (k + u)/n_c with u uniform in [0, 1); the first of each class
    comes before all others, so that no subset lacks a class.

    Parameters
    ----------
    y : class codes of shape (n,)
    stratify : whether they are classes
    rng : source of randomness

    Examples
    --------
    >>> order = nested_order(np.repeat([0, 1], [90, 10]), True, rng=np.random.default_rng(0))
    >>> int((order[:20] >= 90).sum())
    2
    """
    order = rng.permutation(len(y))
    if not stratify:
        return order
    place = np.empty(len(y))
    for code in np.unique(y):
        members = order[y[order] == code]
        place[members] = (np.arange(len(members)) + rng.random(len(members))) / len(members)
        place[members[0]] -= 1
    return np.argsort(place, kind="stable")


def last_doubling(before: np.ndarray, after: np.ndarray) -> dict[str, float]:
    """Return the mean gain of a score from a doubling of the training set, with its 95 % interval.

    gain = mean(after − before); se² = s_r²/R + s_i²/n with s_r over the means of repeats and s_i over the means of
    validation samples, so that the interval is over new subsets and new samples; the noise of single cells is in both
    terms, which makes it a little too wide. Degrees of freedom by Satterthwaite. Where no sample is classified in
    another way, Wilson's upper limit of 0 of n stands in for the half width.

    Parameters
    ----------
    before, after : scores of shape (R, n) of the same repeats and validation samples

    Examples
    --------
    >>> last_doubling(np.zeros((3, 4)), np.array([[0, 1, 0, 1], [1, 1, 0, 0], [0, 1, 1, 0]]))["gain"]
    0.5
    """
    d = np.asarray(after, np.float64) - before
    parts = [
        (means.var(ddof=1) / len(means), len(means) - 1)
        for means in (d.mean(axis=1), d.mean(axis=0))
        if len(means) > 1
    ]
    total = float(sum(variance for variance, _ in parts))
    gain = float(d.mean())
    if total <= 0:
        labels = np.isin(after, (0, 1)).all()
        half = Z**2 / (d.shape[1] + Z**2) if labels and gain == 0 else 0.0
        return {"gain": gain, "low": gain - half, "high": gain + half}
    df = total**2 / float(sum(variance**2 / free for variance, free in parts))
    half = float(t_quantile(1 - (1 - LEVEL) / 2, df)) * total**0.5
    return {"gain": gain, "low": gain - half, "high": gain + half}


def power_law(sizes: np.ndarray, errors: np.ndarray) -> dict[str, float] | None:
    """Return a, b, c of error(n) = a + b·n^(−c), fitted by least squares; None where the curve is none.

    C. Cortes, L. D. Jackel, S. A. Solla, V. Vapnik, J. S. Denker, NIPS 6 (1993) 327–334. Bounds: a ≥ 0, b ≥ 0,
    0.05 ≤ c ≤ 2. A curve that does not fall has no law, nor has one that the law misses at its end, where it is
    extrapolated from, by more than `MISFIT` of its fall.

    Parameters
    ----------
    sizes : array of shape (n_sizes,), ascending
    errors : array of shape (n_sizes,), 1 − score
    """
    from scipy.optimize import OptimizeWarning, curve_fit

    if len(sizes) < FEWEST_SIZES or not np.isfinite(errors).all() or not errors[-1] < errors[0]:
        return None
    unit = sizes[-1]  # of the samples, so that b is the error that all of them leave above a

    def law(n: np.ndarray, a: float, b: float, c: float) -> np.ndarray:
        return np.asarray(a + b * (n / unit) ** -c)

    start = (max(errors[-1] / 2, 0), max(errors[-1] / 2, 1e-3), 0.5)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)  # of the covariance, which nobody asks for
            (a, b, c), _ = curve_fit(
                law, sizes, errors, p0=start, bounds=((0, 0, 0.05), (np.inf, np.inf, 2)), max_nfev=2000
            )
    except (RuntimeError, ValueError):
        return None
    if abs(law(sizes[-1], a, b, c) - errors[-1]) > MISFIT * (errors[0] - errors[-1]):
        return None
    rest = float(np.sqrt(np.mean((law(sizes, a, b, c) - errors) ** 2)))
    return {"a": float(a), "b": float(b * unit**c), "c": float(c), "residual": rest}
