"""Several arms over several data sets: Friedman's test of their ranks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlexp.stats.outcome import (
    SMALLEST_P,
    Outcome,
    as_scores,
    largest,
    untestable,
    without_rounding,
)
from mlexp.stats.scope import DATASETS

ANY_RANK = replace(DATASETS, shows="whether any arm ranks differently, not which one")


def average_ranks(table: object, *, higher_is_better: bool = True) -> np.ndarray:
    """Return the mean rank of every arm; 1 is best and ties share their mean rank.

    Parameters
    ----------
    table : scores of shape (n_datasets, n_arms)
    higher_is_better : False for losses and errors

    Returns
    -------
    float64 array of shape (n_arms,)

    Examples
    --------
    >>> average_ranks([[0.9, 0.8, 0.8], [0.7, 0.6, 0.5]]).tolist()
    [1.0, 2.25, 2.75]
    """
    return np.asarray(_ranks(table, higher_is_better).mean(axis=0))


def _ranks(table: object, higher_is_better: bool) -> np.ndarray:
    from scipy.stats import rankdata

    scores = as_scores(table, "the table of data sets × arms", ndim=2, least=2)
    scores = np.stack([without_rounding(row, largest(row)) for row in scores])
    return np.asarray(rankdata(-scores if higher_is_better else scores, axis=1))


def friedman(table: object, *, higher_is_better: bool = True, correct_ties: bool = False) -> Outcome:
    """Test whether arms rank alike over data sets (Friedman's chi-squared, Iman and Davenport's F).

    With mean ranks R_j of k arms over N data sets::

        chi2 = 12N/(k(k + 1))·(sum_j R_j² − k(k + 1)²/4)
        F    = (N − 1)·chi2/(N(k − 1) − chi2), with k − 1 and (k − 1)(N − 1) degrees of freedom

    F is the test (chi2 alone is too timid); chi2 and its p are in `details`. Ties share their mean rank and by
    default nothing else is done about them, as in Demšar's paper, which errs on the timid side;
    `correct_ties` divides chi2 by 1 − sum(t³ − t)/(N·k(k² − 1)), t the sizes of the ties, as SciPy does.
    Where all data sets rank alike F is infinite and the p of chi2 is given.
    M. Friedman, J. Am. Stat. Assoc. 32 (1937) 675–701, doi:10.1080/01621459.1937.10503522; R. L. Iman and
    J. M. Davenport, Commun. Stat. A 9 (1980) 571–595, doi:10.1080/03610928008827904; J. Demšar, J. Mach. Learn.
    Res. 7 (2006) 1–30, https://jmlr.org/papers/v7/demsar06a.html.

    Parameters
    ----------
    table : scores of shape (N, k), N >= 2 data sets and k >= 2 arms
    higher_is_better : False for losses and errors
    correct_ties : default False

    Returns
    -------
    Outcome whose estimate is Kendall's W = chi2/(N(k − 1)), 0 for no agreement and 1 for full agreement.

    Examples
    --------
    >>> outcome = friedman([[9.0, 8.0, 7.0], [6.0, 5.0, 4.0], [3.0, 1.0, 2.0], [9.0, 8.0, 7.0]])
    >>> round(outcome.details["chi2"], 4), round(outcome.statistic, 4), round(outcome.p, 4)
    (6.5, 13.0, 0.0066)
    """
    from scipy.special import chdtrc

    ranks = _ranks(table, higher_is_better)
    n, k = ranks.shape
    shell = Outcome("Friedman (Iman–Davenport F)", ANY_RANK, 0.0, n={"datasets": n, "arms": k})
    if n < 2:
        return untestable(shell, "one data set only: how arms vary between data sets is unknown")
    ties = _tie_factor(ranks)
    if ties <= 0:
        return untestable(shell, "all arms are tied on every data set: this cannot be tested")
    chi2 = 12 * n / (k * (k + 1)) * float(np.square(ranks.mean(axis=0) - (k + 1) / 2).sum())
    chi2 = min(chi2 / (ties if correct_ties else 1.0), n * (k - 1.0))
    p_chi2 = max(float(chdtrc(k - 1, chi2)), SMALLEST_P)
    details = {"chi2": chi2, "chi2_p": p_chi2, "chi2_df": k - 1.0}
    details |= {f"rank_{arm}": float(rank) for arm, rank in enumerate(ranks.mean(axis=0))}
    shell = replace(shell, estimate=chi2 / (n * (k - 1)), details=details)
    return _iman_davenport(shell, chi2, p_chi2, n, k)


def _iman_davenport(shell: Outcome, chi2: float, p_chi2: float, n: int, k: int) -> Outcome:
    from scipy.special import fdtrc

    room = n * (k - 1) - chi2
    if room <= 1e-9 * n * k:
        return replace(shell, name="Friedman (chi-squared)", statistic=chi2, df=k - 1.0, p=p_chi2)
    f = (n - 1) * chi2 / room
    df, df2 = k - 1.0, (k - 1.0) * (n - 1)
    return replace(shell, statistic=f, df=df, df2=df2, p=max(float(fdtrc(df, df2, f)), SMALLEST_P))


def _tie_factor(ranks: np.ndarray) -> float:
    n, k = ranks.shape
    lost = 0.0
    for row in ranks:
        _, sizes = np.unique(row, return_counts=True)
        lost += float((sizes**3 - sizes).sum())
    return float(1 - lost / (n * k * (k**2 - 1)))
