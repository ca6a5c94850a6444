"""One run an arm: McNemar's test of two fitted models on the same rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlexp.errors import ConfigError, DataError
from mlexp.stats.outcome import SMALLEST_P, Outcome, as_pairs, check_share, untestable

MCNEMAR_LICENCE = (
    "for these two fitted models only (nothing is said about training again), over new test images"
)
EXACT_BELOW = 25  # disagreeing rows; with fewer the chi-squared approximation is poor
METHODS = ("auto", "exact", "chi2", "chi2_corrected")


def mcnemar(correct_a: object, correct_b: object, *, method: str = "auto", level: float = 0.95) -> Outcome:
    """Compare two fitted models by the test rows on which just one of them is right (McNemar's test).

    With b rows that only A gets right and c that only B gets right::

        exact           p = min(1, 2·P(X <= min(b, c))), X binomial(b + c, 1/2)
        chi2            (b − c)²/(b + c), 1 degree of freedom
        chi2_corrected  (|b − c| − 1)²/(b + c), not below 0 (Edwards)
        auto            exact when b + c < 25, else chi2_corrected

    The interval is that of Bonett and Price for (b − c)/n: with one row added to b, one to c and two to n,
    d ± z·sqrt((p_b + p_c − d²)/(n + 2)). Q. McNemar, Psychometrika 12 (1947) 153–157, doi:10.1007/BF02295996;
    A. L. Edwards, Psychometrika 13 (1948) 185–187, doi:10.1007/BF02289261; D. G. Bonett and R. M. Price,
    J. Educ. Behav. Stat. 37 (2012) 479–488, doi:10.3102/1076998611411915.

    Parameters
    ----------
    correct_a, correct_b : arrays of shape (n,) of 0 and 1 (or booleans), 1 where the model is right
    method : auto, exact, chi2 or chi2_corrected
    level : confidence level of the interval, default 0.95

    Returns
    -------
    Outcome whose estimate is the difference in accuracy, (b − c)/n; b and c are in `n`. `se` and `centre` (d above)
    are those of the interval, `df` that of chi-squared. Not testable where the models are right and wrong on the same
    rows.

    Examples
    --------
    >>> outcome = mcnemar([1, 1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 1, 1])
    >>> outcome.name, outcome.n["only_a"], outcome.n["only_b"], round(outcome.p, 5)
    ('McNemar (exact)', 5, 1, 0.21875)
    """
    left, right = as_pairs(correct_a, correct_b)
    if not (np.isin(left, (0, 1)).all() and np.isin(right, (0, 1)).all()):
        raise DataError("McNemar's test needs rows that are right (1) or wrong (0). Got other values.")
    only_a, only_b = int((left > right).sum()), int((left < right).sum())
    return mcnemar_counts(only_a, only_b, len(left), method=method, level=level)


def mcnemar_counts(
    only_a: int, only_b: int, rows: int, *, method: str = "auto", level: float = 0.95
) -> Outcome:
    """Do McNemar's test from the two counts of disagreement; see `mcnemar`.

    Parameters
    ----------
    only_a, only_b : rows that only A, only B gets right
    rows : rows in all
    method, level : as in `mcnemar`

    Examples
    --------
    >>> outcome = mcnemar_counts(25, 15, 10_000)
    >>> outcome.name, outcome.statistic, round(outcome.p, 6)
    ('McNemar (chi2, corrected)', 2.025, 0.154729)
    """
    if method not in METHODS:
        raise ConfigError(f"'method' of mcnemar must be one of {', '.join(METHODS)}. Got {method!r}.")
    if min(only_a, only_b) < 0 or only_a + only_b > rows or rows < 1:
        raise DataError(f"Disagreements must fit into the rows. Got {only_a} + {only_b} of {rows} rows.")
    disagree = only_a + only_b
    if method == "auto":
        method = "exact" if disagree < EXACT_BELOW else "chi2_corrected"
    name = {"exact": "exact", "chi2": "chi2", "chi2_corrected": "chi2, corrected"}[method]
    counts = {"rows": rows, "only_a": only_a, "only_b": only_b}
    shell = Outcome(
        f"McNemar ({name})",
        MCNEMAR_LICENCE,
        (only_a - only_b) / rows,
        level=check_share(level, "level"),
        n=counts,
    )
    if disagree == 0:
        return untestable(shell, "both models are right and wrong on the same rows: this cannot be tested")
    statistic, p = _exact(only_a, only_b) if method == "exact" else _chi2(only_a, only_b, method)
    low, high, se, centre = _interval(only_a, only_b, rows, level)
    shell = replace(shell, low=low, high=high, se=se, centre=centre, df=None if method == "exact" else 1.0)
    return replace(shell, statistic=statistic, p=max(p, SMALLEST_P))


def _exact(only_a: int, only_b: int) -> tuple[float, float]:
    from scipy.special import bdtr

    fewer = min(only_a, only_b)
    return float(fewer), min(1.0, 2 * float(bdtr(fewer, only_a + only_b, 0.5)))


def _chi2(only_a: int, only_b: int, method: str) -> tuple[float, float]:
    from scipy.special import chdtrc

    gap = abs(only_a - only_b)
    gap = max(gap - 1, 0) if method == "chi2_corrected" else gap
    statistic = gap**2 / (only_a + only_b)
    return statistic, float(chdtrc(1, statistic))


def _interval(only_a: int, only_b: int, rows: int, level: float) -> tuple[float, float, float, float]:
    from scipy.special import ndtri

    share_a, share_b = (only_a + 1) / (rows + 2), (only_b + 1) / (rows + 2)
    middle = share_a - share_b
    se = float(np.sqrt((share_a + share_b - middle**2) / (rows + 2)))
    half = float(ndtri(0.5 + level / 2)) * se
    return max(middle - half, -1.0), min(middle + half, 1.0), se, middle
