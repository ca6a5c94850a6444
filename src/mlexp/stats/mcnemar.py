"""One run an arm: McNemar's test of two fitted models on the same rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlexp.errors import ConfigError, DataError
from mlexp.stats.outcome import SMALLEST_P, Outcome, as_pairs, check_share, untestable
from mlexp.stats.scope import ROWS_ALONE

METHODS = {"mid_p": "mid-p", "exact": "exact", "chi2": "chi2", "chi2_corrected": "chi2, corrected"}


def mcnemar(correct_a: object, correct_b: object, *, method: str = "mid_p", level: float = 0.95) -> Outcome:
    """Compare two fitted models by the test rows on which just one of them is right (McNemar's test).

    With b rows that only A gets right and c that only B gets right, X binomial(b + c, 1/2) and m = min(b, c)::

        mid_p           p = 2·P(X < m) + P(X = m), and 1 where b = c (the default)
        exact           p = min(1, 2·P(X <= m)), timid: it rejects about half as often as it claims
        chi2            (b − c)²/(b + c), 1 degree of freedom
        chi2_corrected  (|b − c| − 1)²/(b + c), not below 0 (Edwards), timid as well

    The interval of d = (b − c)/n is Tango's score interval, the d with |z(d)| <= z_{(1+level)/2}·z(0)/z_p, where
    z(d) = (b − c − n·d)/sqrt(n·(2q + d·(1 − d))), q the likeliest share of c under d, and z_p is the normal deviate of
    p: scaled so, it excludes 0 exactly where p < 1 − level. Q. McNemar, Psychometrika 12 (1947) 153–157,
    doi:10.1007/BF02295996; A. L. Edwards, Psychometrika 13 (1948) 185–187, doi:10.1007/BF02289261; T. Tango,
    Stat. Med. 17 (1998) 891–908; M. W. Fagerland, S. Lydersen and P. Laake, BMC Med. Res. Methodol. 13 (2013) 91,
    doi:10.1186/1471-2288-13-91 (mid-p).

    Parameters
    ----------
    correct_a, correct_b : arrays of shape (n,) of 0 and 1 (or booleans), 1 where the model is right
    method : mid_p, exact, chi2 or chi2_corrected
    level : confidence level of the interval, default 0.95

    Returns
    -------
    Outcome whose estimate is the difference in accuracy, (b − c)/n; b and c are in `n`. `df` is that of chi-squared;
    `se` and `centre` are for tests of equivalence, with one row added to b, one to c and two to n (D. G. Bonett and
    R. M. Price, J. Educ. Behav. Stat. 37 (2012) 479–488, doi:10.3102/1076998611411915). Not testable where the models
    are right and wrong on the same rows.

    Examples
    --------
    >>> outcome = mcnemar([1, 1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 1, 1])
    >>> outcome.name, outcome.n["only_a"], outcome.n["only_b"], round(outcome.p, 5)
    ('McNemar (mid-p)', 5, 1, 0.125)
    """
    left, right = as_pairs(correct_a, correct_b)
    if not (np.isin(left, (0, 1)).all() and np.isin(right, (0, 1)).all()):
        raise DataError("McNemar's test needs rows that are right (1) or wrong (0). Got other values.")
    only_a, only_b = int((left > right).sum()), int((left < right).sum())
    return mcnemar_counts(only_a, only_b, len(left), method=method, level=level)


def mcnemar_counts(
    only_a: int, only_b: int, rows: int, *, method: str = "mid_p", level: float = 0.95
) -> Outcome:
    """Do McNemar's test from the two counts of disagreement; see `mcnemar`.

    Parameters
    ----------
    only_a, only_b : rows that only A, only B gets right
    rows : rows in all
    method, level : as in `mcnemar`

    Examples
    --------
    >>> outcome = mcnemar_counts(25, 15, 10_000, method="chi2_corrected")
    >>> outcome.name, outcome.statistic, round(outcome.p, 6)
    ('McNemar (chi2, corrected)', 2.025, 0.154729)
    """
    if method not in METHODS:
        raise ConfigError(f"'method' of mcnemar must be one of {', '.join(METHODS)}. Got {method!r}.")
    if min(only_a, only_b) < 0 or only_a + only_b > rows or rows < 1:
        raise DataError(f"Disagreements must fit into the rows. Got {only_a} + {only_b} of {rows} rows.")
    counts = {"rows": rows, "only_a": only_a, "only_b": only_b}
    shell = Outcome(
        f"McNemar ({METHODS[method]})",
        ROWS_ALONE,
        (only_a - only_b) / rows,
        level=check_share(level, "level"),
        n=counts,
    )
    if only_a + only_b == 0:
        return untestable(shell, "both models are right and wrong on the same rows: this cannot be tested")
    by_chi2 = method.startswith("chi2")
    statistic, p = _chi2(only_a, only_b, method) if by_chi2 else _binomial(only_a, only_b, method)
    p = max(p, SMALLEST_P)
    low, high = _interval(only_a, only_b, rows, p, level)
    share_a, share_b = (only_a + 1) / (rows + 2), (only_b + 1) / (rows + 2)
    centre = share_a - share_b
    se = float(np.sqrt((share_a + share_b - centre**2) / (rows + 2)))
    shell = replace(shell, low=low, high=high, se=se, centre=centre, df=1.0 if by_chi2 else None)
    return replace(shell, statistic=statistic, p=p)


def _binomial(only_a: int, only_b: int, method: str) -> tuple[float, float]:
    from scipy.stats import binom

    fewer, disagree = min(only_a, only_b), only_a + only_b
    p = 2 * float(binom.cdf(fewer, disagree, 0.5))
    if method == "mid_p":
        p -= float(binom.pmf(fewer, disagree, 0.5))
    return float(fewer), 1.0 if only_a == only_b else min(1.0, p)


def _chi2(only_a: int, only_b: int, method: str) -> tuple[float, float]:
    from scipy.special import chdtrc

    gap = abs(only_a - only_b)
    gap = max(gap - 1, 0) if method == "chi2_corrected" else gap
    statistic = gap**2 / (only_a + only_b)
    return statistic, float(chdtrc(1, statistic))


def _interval(only_a: int, only_b: int, rows: int, p: float, level: float) -> tuple[float, float]:
    from scipy.optimize import brentq
    from scipy.special import ndtri

    def z(d: float) -> float:
        middle = (2 * rows - only_a + only_b) * d - only_a - only_b
        last = -only_b * d * (1 - d)
        share = (np.sqrt(middle**2 - 8 * rows * last) - middle) / (4 * rows)
        variance = rows * (2 * share + d * (1 - d))
        return float((only_a - only_b - rows * d) / np.sqrt(variance))

    critical = float(ndtri(0.5 + level / 2))
    if only_a != only_b:  # one half where the test is so timid that p is 1: no interval is that wide
        critical /= max(float(-ndtri(p / 2)) / abs(z(0.0)), 0.5)
    edge = 1 - 1e-9
    low = brentq(lambda d: z(d) - critical, -edge, edge) if z(-edge) > critical else -1.0
    high = brentq(lambda d: z(d) + critical, -edge, edge) if z(edge) < -critical else 1.0
    return float(low), float(high)
