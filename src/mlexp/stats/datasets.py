"""Data sets as a random effect: the mean difference of two arms over data sets, and how few can show anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlexp.errors import DataError
from mlexp.stats.outcome import Outcome, as_pairs, as_scores, check_count, check_share, untestable
from mlexp.stats.scope import DATASETS
from mlexp.stats.ttests import paired_t

MEAN_OF_DATASETS = replace(DATASETS, shows="the mean difference, each data set counted once")


def over_datasets(a: object, b: object, variances: object | None = None, *, level: float = 0.95) -> Outcome:
    """Estimate the mean difference of two arms with the data sets as a random sample (t over data sets).

    With d_j the difference A − B of the means on data set j of k, measured with variance V_j over new runs and rows::

        d_j = mu + u_j + e_j,    u_j ~ (0, tau²) between data sets,    e_j ~ (0, V_j) within data set j
        D = mean_j d_j,    s² = sum_j (d_j − D)²/(k − 1),    E[s²] = tau² + mean_j V_j
        D ± t_{k−1}·s/sqrt(k)

    Both levels are in s² already, so that the interval needs no V_j; it is exact for normal d_j of equal variance, and
    wider than needed where the V_j differ much. The V_j only divide s² into its two parts, by moments:
    tau² = max(s² − mean_j V_j, 0). Each data set counts once, whatever its number of rows (no weights by V_j: weighting
    would change what is estimated). The hierarchical model is that of G. Corani, A. Benavoli, J. Demšar, F. Mangili and
    M. Zaffalon, Machine Learning 106 (2017) 1817–1837, doi:10.1007/s10994-017-5641-9, without its prior; the mean of a
    random effect: J. P. T. Higgins, S. G. Thompson and D. J. Spiegelhalter, J. R. Stat. Soc. A 172 (2009) 137–159,
    doi:10.1111/j.1467-985X.2008.00552.x.

    Parameters
    ----------
    a, b : means of the two arms on each data set, shape (k,); d = a − b
    variances : V_j, squared standard errors of d_j, shape (k,); default None: not known
    level : confidence level of the interval, default 0.95

    Returns
    -------
    Outcome with between_sd = tau and within_sd = sqrt(mean_j V_j) in `details` where the V_j are known. Not testable
    with one data set, or where every difference is the same.

    Examples
    --------
    >>> outcome = over_datasets([0.81, 0.93, 0.72, 0.96], [0.8, 0.9, 0.7, 0.9], [0.0001] * 4)
    >>> round(outcome.estimate, 3), round(outcome.low, 3), round(outcome.high, 3), outcome.df
    (0.03, -0.004, 0.064, 3.0)
    >>> round(outcome.details["between_sd"], 4), round(outcome.details["within_sd"], 4)
    (0.0191, 0.01)
    """
    left, right = as_pairs(a, b)
    d = left - right
    details: dict[str, float] = {}
    if variances is not None:
        within = as_scores(variances, "variances within data sets")
        if within.shape != d.shape or (within < 0).any():
            raise DataError(
                f"Variances within data sets must be one a difference and not negative. Got {within.tolist()} for "
                f"{len(d)} differences."
            )
        details["within_sd"] = float(np.sqrt(within.mean()))
        if len(d) > 1:
            details["between_sd"] = float(np.sqrt(max(d.var(ddof=1) - within.mean(), 0.0)))
    found = replace(
        paired_t(left, right, level=level),
        name="t over data sets",
        scope=MEAN_OF_DATASETS,
        n={"datasets": len(d)},
        details=details,
    )
    if len(d) < 2:
        return untestable(found, "one data set only: the spread between data sets is unknown")
    return found


def datasets_needed(pairs: int = 1, *, alpha: float = 0.05) -> int:
    """Return how many data sets Wilcoxon's signed-rank test needs before Holm can find any of `pairs` differences.

    The smallest two-sided p of n pairs without ties is 2^(1 − n), reached where every data set agrees; Holm's first
    step multiplies it by the number of pairs. With fewer data sets no result whatever is significant.

    Parameters
    ----------
    pairs : comparisons that are adjusted together, default 1
    alpha : default 0.05

    Examples
    --------
    >>> datasets_needed(), datasets_needed(6), datasets_needed(6, alpha=0.2)
    (6, 8, 6)
    """
    check_share(alpha, "alpha")
    n = 1
    while check_count(pairs, "pairs") * 2.0 ** (1 - n) > alpha:
        n += 1
    return n
