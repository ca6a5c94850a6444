"""Student's t in its plain forms: Welch for two groups of runs, paired, and equivalence to a margin."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from mlexp.stats.outcome import (
    SAME_DIFFERENCES,
    Outcome,
    as_pairs,
    as_scores,
    check_positive,
    check_share,
    from_t,
    largest,
    spread_of,
    untestable,
    why_flat,
)
from mlexp.stats.scope import PAIRS, RUNS


def welch_parts(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return difference, standard error and degrees of freedom of Welch's test along the last axis.

    Leading axes are separate comparisons. Where there is no variance the degrees of freedom are those of
    pooled samples, n_A + n_B − 2.

    Parameters
    ----------
    a, b : float64 arrays of shape (..., n_A) and (..., n_B), at least 2 each

    Returns
    -------
    three float64 arrays of shape (...)
    """
    difference = a.mean(axis=-1) - b.mean(axis=-1)
    part_a, part_b = a.var(axis=-1, ddof=1) / a.shape[-1], b.var(axis=-1, ddof=1) / b.shape[-1]
    variance = np.asarray(part_a + part_b)
    pooled = a.shape[-1] + b.shape[-1] - 2
    # in shares of the sum, so that nothing under- or overflows when squared
    share_a = np.divide(part_a, variance, out=np.full(variance.shape, 0.5), where=variance > 0)
    spread = share_a**2 / (a.shape[-1] - 1) + (1 - share_a) ** 2 / (b.shape[-1] - 1)
    df = np.where(variance > 0, 1 / spread, pooled)
    return difference, np.sqrt(variance), df


def welch_t(a: object, b: object, *, level: float = 0.95) -> Outcome:
    """Compare the means of two independent groups that may differ in variance (Welch's t test).

    t = (mean_A − mean_B) / sqrt(s_A²/n_A + s_B²/n_B) with the Welch–Satterthwaite degrees of freedom; s² is
    the variance with n − 1. For scores of runs on one fixed test set it speaks of new training runs on *these*
    test rows alone. B. L. Welch, Biometrika 34 (1947) 28–35, doi:10.1093/biomet/34.1-2.28.

    Parameters
    ----------
    a, b : scores of shape (n_A,) and (n_B,), one a run
    level : confidence level of the interval, default 0.95

    Returns
    -------
    Outcome; not testable with fewer than two runs in an arm or without any variance.

    Examples
    --------
    >>> outcome = welch_t([3.0, 4.0, 5.0], [1.0, 2.0, 3.0])
    >>> round(outcome.statistic, 4), outcome.df, round(outcome.p, 4)
    (2.4495, 4.0, 0.0705)
    """
    left, right = as_scores(a, "scores of A"), as_scores(b, "scores of B")
    counts = {"runs_a": len(left), "runs_b": len(right)}
    estimate = float(left.mean() - right.mean())
    shell = Outcome("Welch t", RUNS, estimate, level=check_share(level, "level"), n=counts)
    if min(counts.values()) < 2:
        return untestable(shell, "an arm has one run only: its spread between runs is unknown")
    _, se, df = welch_parts(left, right)
    flat = why_flat(left, right)
    return from_t(shell, se=float(se), df=float(df), scale=largest(left, right), flat=flat)


def paired_t(a: object, b: object, *, level: float = 0.95) -> Outcome:
    """Compare two arms measured on the same independent units (paired t test).

    t = d̄ / (s_d / sqrt(n)) with df = n − 1, d_i = A_i − B_i. A shared seed number on one split does not make
    a pair: use it for units that are the same thing in both arms, such as data sets.
    Student, Biometrika 6 (1908) 1–25, doi:10.1093/biomet/6.1.1.

    Parameters
    ----------
    a, b : scores of shape (n,), matched by position
    level : confidence level of the interval, default 0.95

    Returns
    -------
    Outcome; not testable with one pair or when every difference is the same.

    Examples
    --------
    >>> outcome = paired_t([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    >>> round(outcome.estimate, 4), round(outcome.statistic, 4), outcome.df
    (2.0, 3.4641, 2.0)
    """
    left, right = as_pairs(a, b)
    d = left - right
    shell = Outcome(
        "paired t", PAIRS, float(d.mean()), level=check_share(level, "level"), n={"pairs": len(d)}
    )
    if len(d) < 2:
        return untestable(shell, "one pair only: the spread between pairs is unknown")
    se = float(d.std(ddof=1) / np.sqrt(len(d)))
    return from_t(shell, se=se, df=len(d) - 1.0, scale=largest(left, right), flat=SAME_DIFFERENCES)


def geometric_ratio(a: object, b: object, *, paired: bool = False, level: float = 0.95) -> Outcome:
    """Return by what factor A is above B: the ratio of the geometric means, with its interval.

    exp(D) with D the difference of the means of the logarithms, and the ends of D's interval likewise: Welch's for
    independent runs, Student's for units that are the same in both arms. Right for times and counts, whose spread
    grows with their size.

    Parameters
    ----------
    a, b : positive values of shape (n_A,) and (n_B,); matched by position if `paired`
    level : confidence level of the interval, default 0.95

    Returns
    -------
    Outcome; its p is that of ratio 1, its statistic that of D.

    Examples
    --------
    >>> outcome = geometric_ratio([2.0, 4.0, 8.0], [1.0, 2.0, 4.0])
    >>> round(outcome.estimate, 4), round(outcome.low, 4), round(outcome.high, 4)
    (2.0, 0.4155, 9.6261)
    """
    logs = [np.log(as_scores(one, name)) for one, name in ((a, "values of A"), (b, "values of B"))]
    found = paired_t(*logs, level=level) if paired else welch_t(*logs, level=level)
    low, high = (None if end is None else math.exp(end) for end in (found.low, found.high))
    return replace(
        found, name="ratio of geometric means", estimate=math.exp(found.estimate), low=low, high=high
    )


@dataclass(frozen=True)
class Equivalence:
    """Whether a difference is shown to lie inside a margin.

    Attributes
    ----------
    name : the procedure
    estimate : the difference A − B
    margin : the largest difference that counts as none, in the units of the scores
    p : the larger of the two one-sided probabilities (below −margin, above +margin)
    low, high : interval at confidence `level` = 1 − 2·alpha
    equivalent : True when the whole interval lies inside (−margin, margin)
    testable, reason : as in Outcome
    """

    name: str
    estimate: float
    margin: float
    p: float | None
    low: float | None
    high: float | None
    level: float
    equivalent: bool
    testable: bool = True
    reason: str = ""


def equivalence(outcome: Outcome, margin: float, *, alpha: float = 0.05) -> Equivalence:
    """Test that a difference is smaller than a margin stated beforehand (two one-sided t tests, TOST).

    The 1 − 2·alpha interval of the difference must lie inside ±margin, which is the same as
    p = max(P(T >= (D + margin)/se), P(T <= (D − margin)/se)) < alpha. There is no default margin: it is part
    of the question. D. J. Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987) 657–680, doi:10.1007/BF01068419.

    Parameters
    ----------
    outcome : of a t test (crossed, Welch, paired, corrected), its estimate, se and df are used; or of McNemar's,
        with the normal distribution about the centre of its interval
    margin : above 0, in the units of the scores
    alpha : error rate of each one-sided test, default 0.05 (hence the 90 % interval)

    Returns
    -------
    Equivalence; "not shown to be equivalent" does not mean different.

    Examples
    --------
    >>> outcome = paired_t([1.0, 1.2, 0.9, 1.1], [1.1, 1.0, 1.0, 1.1])
    >>> equivalence(outcome, 0.5).equivalent, equivalence(outcome, 0.05).equivalent
    (True, False)
    """
    check_positive(margin, "margin")
    level = 1 - check_share(2 * alpha, "2·alpha")
    name = f"two one-sided tests on {outcome.name}"
    known = spread_of(outcome)
    if known is None:
        why = outcome.reason or f"{outcome.name} has no standard error with degrees of freedom"
        return Equivalence(
            name,
            outcome.estimate,
            margin,
            None,
            None,
            None,
            level,
            False,
            testable=False,
            reason=why,
        )
    centre = known.centre
    p = max(known.above(centre + margin), known.above(margin - centre))
    half = known.half(2 * alpha)
    low, high = centre - half, centre + half
    inside = -margin < low and high < margin
    return Equivalence(name, outcome.estimate, margin, p, low, high, level, inside)
