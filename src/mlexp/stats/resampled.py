"""Scores over splits of one data set: training sets overlap, so the plain t alarms falsely."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlexp.errors import DataError
from mlexp.stats.outcome import (
    SAME_DIFFERENCES,
    SMALLEST_P,
    Outcome,
    as_scores,
    check_positive,
    check_share,
    from_t,
    is_rounding,
    largest,
    t_quantile,
    t_tail,
    untestable,
)
from mlexp.stats.scope import HALVES, SPLITS


def _corrected_se(d: np.ndarray, n_train: float, n_test: float) -> float:
    ratio = check_positive(n_test, "n_test") / check_positive(n_train, "n_train")
    return float(np.sqrt((1 / len(d) + ratio) * d.var(ddof=1)))


def corrected_t(differences: object, *, n_train: float, n_test: float, level: float = 0.95) -> Outcome:
    """Test paired differences over train/test splits of one data set (Nadeau and Bengio's corrected t).

    t = d̄ / sqrt((1/J + n_test/n_train)·s²), df = J − 1, for J splits (folds × repeats, or random splits); s²
    with J − 1. The second term stands for the correlation of overlapping training sets.
    C. Nadeau and Y. Bengio, Machine Learning 52 (2003) 239–281, doi:10.1023/A:1024068626366.

    Parameters
    ----------
    differences : score of A minus score of B on each split, shape (J,)
    n_train, n_test : rows that one split trains and tests on
    level : confidence level of the interval, default 0.95

    Returns
    -------
    Outcome; `details` holds the uncorrected t and p, which must not be used.

    Examples
    --------
    >>> outcome = corrected_t([0.02, 0.01, 0.03, 0.0, 0.04], n_train=80, n_test=20)
    >>> round(outcome.statistic, 4), outcome.df, round(outcome.p, 4)
    (1.8856, 4.0, 0.1324)
    """
    d = as_scores(differences, "differences")
    name = "corrected t (Nadeau and Bengio)"
    shell = Outcome(name, SPLITS, float(d.mean()), level=check_share(level, "level"), n={"splits": len(d)})
    if len(d) < 2:
        return untestable(shell, "one split only: the spread between splits is unknown")
    se, df = _corrected_se(d, n_train, n_test), len(d) - 1.0
    outcome = from_t(shell, se=se, df=df, scale=largest(d), flat=SAME_DIFFERENCES)
    if not outcome.testable:
        return outcome
    plain = shell.estimate / float(d.std(ddof=1) / np.sqrt(len(d)))
    return replace(outcome, details={"uncorrected_t": plain, "uncorrected_p": t_tail(plain, df)})


def bayesian_correlated_t(
    differences: object, *, n_train: float, n_test: float, rope: float = 0.0, level: float = 0.95
) -> Outcome:
    """Return how probable it is that A is worse than, practically equal to, or better than B.

    Posterior of the mean difference under the prior 1/sigma²: Student's t with J − 1 degrees of freedom,
    location d̄ and scale sqrt((1/J + n_test/n_train)·s²). G. Corani and A. Benavoli, Machine Learning 100 (2015)
    285–304, doi:10.1007/s10994-015-5486-z.

    Parameters
    ----------
    differences : score of A minus score of B on each split, shape (J,)
    n_train, n_test : rows that one split trains and tests on
    rope : half width of the region of practical equivalence, in the units of the scores, default 0 (none)
    level : probability of the credible interval, default 0.95

    Returns
    -------
    Outcome without statistic and p: `se` and `df` are scale and degrees of freedom of the posterior, `low` and `high`
    the central credible interval; in `details` p_worse, p_equivalent and p_better, the posterior probabilities of A − B
    below −rope, inside, and above rope, with the sum 1.

    Examples
    --------
    >>> belief = bayesian_correlated_t([0.02, 0.01, 0.03, 0.0, 0.04], n_train=80, n_test=20, rope=0.01)
    >>> {name: round(share, 3) for name, share in belief.details.items()}
    {'p_worse': 0.024, 'p_equivalent': 0.176, 'p_better': 0.8}
    """
    from scipy.special import stdtr

    d = as_scores(differences, "differences")
    if rope != 0:
        check_positive(rope, "rope")
    name, mean = "Bayesian correlated t (Corani and Benavoli)", float(d.mean())
    shell = Outcome(name, SPLITS, mean, level=check_share(level, "level"), n={"splits": len(d)})
    if len(d) < 2:
        return untestable(shell, "one split only: the spread between splits is unknown")
    scale, df = _corrected_se(d, n_train, n_test), len(d) - 1.0
    if is_rounding(scale, largest(d)):
        return untestable(shell, SAME_DIFFERENCES)
    below, above = float(stdtr(df, (-rope - mean) / scale)), float(stdtr(df, (mean - rope) / scale))
    half = t_quantile(0.5 + level / 2, df) * scale
    details = {"p_worse": below, "p_equivalent": max(1 - below - above, 0.0), "p_better": above}
    return replace(shell, df=df, se=scale, low=mean - half, high=mean + half, details=details)


def _five_by_two(differences: object) -> tuple[np.ndarray, float]:
    d = as_scores(differences, "differences (5 repeats × 2 folds)", ndim=2, least=2)
    if d.shape != (5, 2):
        raise DataError(f"5x2cv needs differences of shape (5, 2): 5 repeats of 2 folds. Got {d.shape}.")
    return d, float(d.var(axis=1).sum() * 2)  # s_i² = sum of the two squared deviations


FLAT_FOLDS = "the two folds of every repeat agree exactly: this cannot be tested"


def five_by_two_f(differences: object) -> Outcome:
    """Test differences over five repeats of two-fold cross-validation (Alpaydin's combined F test).

    F = sum_ij d_ij² / (2·sum_i s_i²) with 10 and 5 degrees of freedom, s_i² the sum of the two squared
    deviations of repeat i from its mean (T. G. Dietterich, Neural Computation 10 (1998) 1895–1923).
    E. Alpaydin, Neural Computation 11 (1999) 1885–1892, doi:10.1162/089976699300016007.

    Parameters
    ----------
    differences : score of A minus score of B, shape (5, 2): repeats × folds

    Returns
    -------
    Outcome whose estimate is the mean of the ten differences; F gives no interval.

    Examples
    --------
    >>> d = [[0.1, 0.2], [0.1, 0.3], [0.2, 0.2], [0.0, 0.2], [0.1, 0.1]]
    >>> outcome = five_by_two_f(d)
    >>> round(outcome.statistic, 4), outcome.df, outcome.df2, round(outcome.p, 4)
    (3.2222, 10.0, 5.0, 0.1043)
    """
    from scipy.special import fdtrc

    d, total = _five_by_two(differences)
    shell = Outcome("5x2cv F (Alpaydin)", HALVES, float(d.mean()), n={"repeats": 5, "folds": 2})
    if is_rounding(np.sqrt(total), largest(d)):
        return untestable(shell, FLAT_FOLDS)
    f = float(np.square(d).sum() / (2 * total))
    p = max(float(fdtrc(10, 5, f)), SMALLEST_P)
    return replace(shell, statistic=f, df=10.0, df2=5.0, p=p)
