"""How many runs a question needs, and whether any number of them can answer it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from mlexp.errors import ConfigError
from mlexp.stats.crossed import FEW
from mlexp.stats.outcome import (
    as_scores,
    check_count,
    check_positive,
    check_share,
    is_rounding,
    largest,
    t_quantile,
    why_flat,
)

MOST_SEEDS = 10**9


@dataclass(frozen=True)
class SeedsNeeded:
    """How many runs an arm are needed to see a difference, or to show that there is none that matters: a forecast.

    To follow it take new seeds: looking and then adding seeds inflates the error.

    Attributes
    ----------
    name : the procedure
    delta : the difference to be seen, in the units of the scores
    alpha, power : error rate of the test and wanted chance to see `delta`
    pairs : pairs of arms that are tested together, among which alpha is divided
    seeds_same_rows : runs an arm to see it on these test rows (Welch); None if it cannot be said
    seeds : runs an arm to see it over new test rows too (crossed, five at least); None if no number settles it
    settles : whether some number of seeds settles it over new test rows
    rows_needed : test rows without which no number of seeds settles it; None where the rows are enough
    equal_same_rows, equal : runs an arm to show that arms that are equal differ by less than `delta`, on these test
        rows and over new ones; None if no number does
    s, s_upper : standard deviation between runs and its upper limit, which is the one used
    testable, reason : as in Outcome
    """

    name: str
    delta: float
    alpha: float
    power: float
    pairs: int = 1
    seeds_same_rows: int | None = None
    seeds: int | None = None
    settles: bool = True
    rows_needed: int | None = None
    equal_same_rows: int | None = None
    equal: int | None = None
    s: float | None = None
    s_upper: float | None = None
    testable: bool = True
    reason: str = ""


def upper_limit_of_sd(sd: float, df: float, *, share: float = 0.8) -> float:
    """Return the upper confidence limit of a standard deviation: sd·sqrt(df/chi2 quantile of 1 − share).

    Parameters
    ----------
    sd : estimated with `df` degrees of freedom
    share : confidence of the one-sided limit, default 0.8

    Examples
    --------
    >>> round(upper_limit_of_sd(1.0, 18), 4)
    1.1832
    """
    from scipy.special import chdtri

    return float(sd * np.sqrt(df / chdtri(df, share)))


def upper_limit_of_share(count: int, n: int, *, level: float = 0.95) -> float:
    """Return the exact one-sided upper confidence limit of a share: the p with P(X <= count) = 1 − level.

    C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404–413, doi:10.1093/biomet/26.4.404.

    Parameters
    ----------
    count, n : what was counted, of how many
    level : confidence of the limit, default 0.95

    Examples
    --------
    None of ten still allows 26 %:

    >>> round(upper_limit_of_share(0, 10), 3), upper_limit_of_share(10, 10)
    (0.259, 1.0)
    """
    from scipy.stats import beta

    check_share(level, "level")
    return 1.0 if count >= n else float(beta.ppf(level, count + 1, n - count))


def seeds_needed(
    a: object,
    b: object,
    delta: float,
    *,
    v_row: float = 0.0,
    v_res: float = 0.0,
    rows: int | None = None,
    pairs: int = 1,
    alpha: float = 0.05,
    power: float = 0.8,
) -> SeedsNeeded:
    """Return how many runs an arm would be needed to see a difference of `delta`, or to show arms equal to within it.

    With n runs an arm the difference has the variance V(n) = 2·s²/n + R, s the pooled standard deviation between runs
    at its upper 80 % limit. R = 0 on the same test rows; over new ones R = max(v_row − v_res, 0) remains however many
    runs there are. The answer is the smallest n with

        P(|T| > t_{1 − alpha/(2·pairs)}) >= power,  T noncentral t about delta/sqrt(V(n))

    with 2·(n − 1) degrees of freedom, or Satterthwaite's where R counts. Dividing alpha by the number of pairs is
    Bonferroni's share, of which Holm's test gives at least as much. If delta is not far enough above sqrt(R), only more
    test rows help: at least rows·R·((z_{1 − alpha/(2·pairs)} + z_power)/delta)² of them. Equal to within delta (two
    one-sided tests): delta/sqrt(V(n)) >= t_{1 − alpha/pairs} + t_{(1 + power)/2}.

    Parameters
    ----------
    a, b : scores of the runs so far (means over the rows), shape (S_A,) and (S_B,)
    delta : the difference that matters, above 0, in the units of the scores
    v_row, v_res : from `crossed_t(...).details`; default 0: the rows are not in question
    rows : number of test rows that v_row comes from; None where the rows are not in question
    pairs : pairs of arms that are tested together, default 1
    alpha, power : default 0.05 and 0.8

    Examples
    --------
    >>> a, b = [0.970, 0.972, 0.974, 0.971], [0.971, 0.973, 0.970, 0.972]
    >>> seeds_needed(a, b, 0.001).seeds
    72
    >>> seeds_needed(a, b, 0.001, v_row=4e-7, v_res=1e-7, rows=10_000).rows_needed
    23547
    """
    left, right = as_scores(a, "scores of A"), as_scores(b, "scores of B")
    check_positive(delta, "delta")
    factor = _factor(alpha / check_count(pairs, "pairs"), power)
    name = "seeds needed (noncentral t, upper 80 % limit of s)"
    df = len(left) + len(right) - 2
    s = float(np.sqrt((left.var() * len(left) + right.var() * len(right)) / max(df, 1)))
    shell = SeedsNeeded(name, delta, alpha, power, pairs)
    if df < 1 or is_rounding(s, largest(left, right)):
        why = why_flat(left, right) if df > 0 else "one run per arm: the spread between runs is unknown"
        return replace(shell, testable=False, reason=why)
    upper = upper_limit_of_sd(s, df)
    stays = max(v_row - v_res, 0.0)
    share = alpha / pairs

    def sees(n: int, remains: float) -> bool:
        se, nu = _se_and_df(n, upper, remains, rows)
        return _noncentral_power(delta / se, nu, share) >= power

    def shows_equal(n: int, remains: float) -> bool:
        se, nu = _se_and_df(n, upper, remains, rows)
        return delta / se >= t_quantile(1 - share, nu) + t_quantile((1 + power) / 2, nu)

    settles = (delta / factor) ** 2 > stays
    least = 2 if rows is None else FEW  # below five runs the crossed test is timid
    return replace(
        shell,
        seeds_same_rows=_smallest(lambda n: sees(n, 0.0), 2),
        seeds=_smallest(lambda n: sees(n, stays), least) if settles else None,
        settles=settles,
        rows_needed=None if settles or rows is None else ceil(rows * stays * (factor / delta) ** 2),
        equal_same_rows=_smallest(lambda n: shows_equal(n, 0.0), 2),
        equal=_smallest(lambda n: shows_equal(n, stays), least),
        s=s,
        s_upper=upper,
    )


def _se_and_df(n: int, s: float, remains: float, rows: int | None) -> tuple[float, float]:
    """Return the standard error of a difference of two arms of n runs, and its degrees of freedom."""
    of_seeds = s**2 / n
    variance = 2 * of_seeds + remains
    spread = 2 * (of_seeds / variance) ** 2 / (n - 1)
    if rows is not None and rows > 1:
        spread += (remains / variance) ** 2 / (rows - 1)
    return float(np.sqrt(variance)), float(1 / spread)


def _smallest(holds: Callable[[int], bool], least: int) -> int | None:
    """Return the smallest count from `least` upwards for which a condition holds that stays true; None if none does."""
    low, high = least - 1, least
    while not holds(high):
        low, high = high, 2 * high
        if high > MOST_SEEDS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _factor(alpha: float, power: float) -> float:
    from scipy.special import ndtri

    if check_share(power, "power") <= 0.5:
        raise ConfigError(f"'power' must be in (0.5, 1). Got {power}.")
    return float(ndtri(1 - check_share(alpha, "alpha") / 2) + ndtri(power))


def _noncentral_power(shift: float, df: float, alpha: float) -> float:
    """Return P(|T| > t_{1 − alpha/2, df}), T noncentral t; beyond 1e5 degrees of freedom the normal distribution."""
    from scipy.special import nctdtr, ndtr, ndtri

    if df > 1e5 or shift > 30:
        critical = float(ndtri(1 - alpha / 2)) if df > 1e5 else t_quantile(1 - alpha / 2, df)
        return float(ndtr(shift - critical) + ndtr(-shift - critical))
    critical = t_quantile(1 - alpha / 2, df)
    return float(np.clip(1 - (nctdtr(df, shift, critical) - nctdtr(df, shift, -critical)), 0, 1))


def power_of_t(effect: float, n_a: int, n_b: int, *, alpha: float = 0.05) -> float:
    """Return the chance that a two-sided two-sample t test rejects, for a true difference in standard deviations.

    1 − P(|T'| <= t_{1−alpha/2, m}), T' noncentral t with m = n_A + n_B − 2 and noncentrality
    effect·sqrt(n_A·n_B/(n_A + n_B)). J. Cohen, Statistical Power Analysis (1988), section 2.

    Parameters
    ----------
    effect : (mu_A − mu_B)/sigma
    n_a, n_b : runs in each arm, at least 3 in all
    alpha : default 0.05

    Examples
    --------
    >>> round(power_of_t(1.0, 10, 10), 3), round(power_of_t(0.0, 10, 10), 3)
    (0.562, 0.05)
    """
    df = check_count(n_a, "n_a") + check_count(n_b, "n_b") - 2
    if df < 1:
        raise ConfigError(f"'n_a' and 'n_b' must be at least 3 in all. Got {n_a} and {n_b}.")
    shift = abs(effect) * float(np.sqrt(n_a * n_b / (n_a + n_b)))
    return _noncentral_power(shift, df, check_share(alpha, "alpha"))
