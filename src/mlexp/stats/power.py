"""How many runs a question needs, and whether any number of them can answer it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from mlexp.errors import ConfigError
from mlexp.stats.outcome import (
    Outcome,
    as_scores,
    check_count,
    check_positive,
    check_share,
    is_rounding,
    largest,
    middle_and_df,
    t_quantile,
    why_flat,
)

POWER_LICENCE = (
    "a forecast from these runs; to follow it take fresh seeds, or test each look at alpha 0.025: looking and then "
    "adding seeds inflates the error"
)


@dataclass(frozen=True)
class SeedsNeeded:
    """How many runs an arm are needed to see a difference.

    Attributes
    ----------
    name, licence : the procedure and what it licenses
    delta : the difference to be seen, in the units of the scores
    seeds_same_rows : runs an arm to see it on these test rows (Welch); None if it cannot be said
    seeds : runs an arm to see it over new test rows too (crossed); None if no number settles it
    settles : whether some number of seeds settles it over new test rows
    rows_needed : test rows without which no number of seeds settles it; None where the rows are enough
    s, s_upper : standard deviation between runs and its upper limit, which is the one used
    alpha, power : error rate of the test and wanted chance to see `delta`
    sentence : the answer in words
    testable, reason : as in Outcome
    """

    name: str
    licence: str
    delta: float
    alpha: float
    power: float
    sentence: str
    seeds_same_rows: int | None = None
    seeds: int | None = None
    settles: bool = True
    rows_needed: int | None = None
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


def seeds_needed(
    a: object,
    b: object,
    delta: float,
    *,
    v_row: float = 0.0,
    v_res: float = 0.0,
    rows: int | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
) -> SeedsNeeded:
    """Return how many runs an arm would be needed to see a difference of `delta`.

    On the same test rows n = 2·(z_{1−alpha/2} + z_power)²·s²/delta², about 2·(1.96 + 0.84)²·s²/delta², with s the
    pooled standard deviation between runs at its upper 80 % limit. Over new test rows their own variance
    R = max(v_row − v_res, 0) remains however many runs there are: delta must exceed (1.96 + 0.84)·sqrt(R), and
    then n = 2·s²/((delta/2.8)² − R), which is the first formula when R = 0. If it does not, only more test rows
    help: at least rows·R·(2.8/delta)² of them.

    Parameters
    ----------
    a, b : scores of the runs so far (means over the rows), shape (S_A,) and (S_B,)
    delta : the difference that matters, above 0, in the units of the scores
    v_row, v_res : from `crossed_t(...).details`; default 0: the rows are not in question
    rows : number of test rows that v_row comes from
    alpha, power : default 0.05 and 0.8

    Examples
    --------
    >>> a, b = [0.970, 0.972, 0.974, 0.971], [0.971, 0.973, 0.970, 0.972]
    >>> answer = seeds_needed(a, b, 0.001)
    >>> answer.seeds, answer.sentence
    (71, 'About 71 seeds an arm would be needed to see a difference of 0.001.')
    >>> seeds_needed(a, b, 0.001, v_row=4e-7, v_res=1e-7, rows=10_000).rows_needed
    23547
    """
    left, right = as_scores(a, "scores of A"), as_scores(b, "scores of B")
    check_positive(delta, "delta")
    factor = _factor(alpha, power)
    name = "seeds needed (normal, upper 80 % limit of s)"
    df = len(left) + len(right) - 2
    s = float(np.sqrt((left.var() * len(left) + right.var() * len(right)) / max(df, 1)))
    if df < 1 or is_rounding(s, largest(left, right)):
        why = why_flat(left, right) if df > 0 else "one run an arm: the spread between runs is unknown"
        words = f"How many seeds are needed cannot be said: {why}."
        return SeedsNeeded(name, POWER_LICENCE, delta, alpha, power, words, testable=False, reason=why)
    upper = upper_limit_of_sd(s, df)
    same = _at_least_two(2 * (upper * factor / delta) ** 2)
    stays = max(v_row - v_res, 0.0)
    room = (delta / factor) ** 2 - stays
    settles = room > 0
    seeds = _at_least_two(2 * upper**2 / room) if settles else None
    wanted = None if settles or rows is None else ceil(rows * stays * (factor / delta) ** 2)
    words = _sentence(delta, seeds, wanted)
    return SeedsNeeded(
        name, POWER_LICENCE, delta, alpha, power, words, same, seeds, settles, wanted, s, upper
    )


def _at_least_two(n: float) -> int:
    return max(2, ceil(min(n, 1e15)))


def _factor(alpha: float, power: float) -> float:
    from scipy.special import ndtri

    if check_share(power, "power") <= 0.5:
        raise ConfigError(f"'power' must be in (0.5, 1). Got {power}.")
    return float(ndtri(1 - check_share(alpha, "alpha") / 2) + ndtri(power))


def _sentence(delta: float, seeds: int | None, rows: int | None) -> str:
    if seeds is not None:
        return f"About {seeds} seeds an arm would be needed to see a difference of {delta:g}."
    words = f"No number of seeds settles a difference of {delta:g}, only more test rows"
    return f"{words} (more than {rows})." if rows is not None else f"{words}."


def minimum_detectable(outcome: Outcome, *, power: float = 0.8) -> float | None:
    """Return the true difference that a t test with this standard error would show with the given chance.

    (t_{(1+level)/2, df} + t_{power, df})·se, an approximation to the noncentral t that is good to about 1 % from
    10 degrees of freedom on; about 2.8·se when df is large.

    Parameters
    ----------
    outcome : of a t test, its se, df and level are used; or of McNemar's, with the normal distribution
    power : in (0.5, 1), default 0.8

    Returns
    -------
    float in the units of the scores, or None where the outcome has no standard error.

    Examples
    --------
    >>> from mlexp.stats import welch_t
    >>> round(minimum_detectable(welch_t([3.0, 4.0, 5.0], [1.0, 2.0, 3.0])), 3)
    3.035
    """
    if check_share(power, "power") <= 0.5:
        raise ConfigError(f"'power' must be in (0.5, 1). Got {power}.")
    _, df = middle_and_df(outcome)
    if outcome.se is None or df is None:
        return None
    return (t_quantile(0.5 + outcome.level / 2, df) + t_quantile(power, df)) * outcome.se


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
    from scipy.special import nctdtr

    check_count(n_a, "n_a")
    df = check_count(n_b, "n_b") + n_a - 2
    if df < 1:
        raise ConfigError(f"'n_a' and 'n_b' must be at least 3 in all. Got {n_a} and {n_b}.")
    critical = t_quantile(1 - check_share(alpha, "alpha") / 2, df)
    shift = abs(effect) * float(np.sqrt(n_a * n_b / (n_a + n_b)))
    inside = float(nctdtr(df, shift, critical) - nctdtr(df, shift, -critical))
    return float(np.clip(1 - inside, 0, 1))
