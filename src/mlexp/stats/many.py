"""More than two arms: analysis of variance, adjusted probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlexp.errors import DataError
from mlexp.stats.outcome import SMALLEST_P, Outcome, as_scores, check_share, is_rounding, untestable, why_flat
from mlexp.stats.scope import RUNS

ANY_ARM = replace(RUNS, shows="whether any arm differs, not which one")


def one_way_anova(arms: Sequence[object]) -> Outcome:
    """Test whether several independent groups of runs have one mean (one-way analysis of variance).

    F = (SS_between/(k − 1)) / (SS_within/(N − k)), R² = SS_between/(SS_between + SS_within), residual sd =
    sqrt(SS_within/(N − k)). Supposes one variance in all arms. R. A. Fisher, Statistical Methods for Research
    Workers (1925), chapter 7.

    Parameters
    ----------
    arms : k >= 2 arrays of scores, of any lengths, more than k scores in all

    Returns
    -------
    Outcome whose estimate is R² (a share); residual_sd, ss_between and ss_within in `details`.

    Examples
    --------
    >>> outcome = one_way_anova([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0], [5.0, 6.0, 7.0]])
    >>> round(outcome.statistic, 4), outcome.df, outcome.df2, round(outcome.p, 4)
    (13.0, 2.0, 6.0, 0.0066)
    """
    from scipy.special import fdtrc

    groups = [as_scores(arm, f"scores of arm {place}") for place, arm in enumerate(arms)]
    if len(groups) < 2:
        raise DataError(f"Analysis of variance needs at least 2 arms. Got {len(groups)}.")
    pool = np.concatenate(groups)
    centre = pool.mean()
    between = float(sum(len(g) * (g.mean() - centre) ** 2 for g in groups))
    within = float(sum(np.square(g - g.mean()).sum() for g in groups))
    df, df2 = len(groups) - 1, len(pool) - len(groups)
    shell = Outcome("one-way ANOVA", ANY_ARM, 0.0, n={"arms": len(groups), "runs": len(pool)})
    if df2 < 1:
        return untestable(shell, "every arm has one run only: the spread between runs is unknown")
    residual = float(np.sqrt(within / df2))
    if is_rounding(residual, float(np.abs(pool).max())):
        return untestable(shell, why_flat(*groups))
    f = between / df / (within / df2)  # as SciPy's f_oneway, which has no answer for scores near 1e-200
    details = {"residual_sd": residual, "ss_between": between, "ss_within": within}
    shell = replace(shell, estimate=between / (between + within), details=details)
    p = max(float(fdtrc(df, df2, f)), SMALLEST_P)
    return replace(shell, statistic=f, df=float(df), df2=float(df2), p=p)


@dataclass(frozen=True)
class Adjusted:
    """A family of probabilities after adjustment for its size.

    Attributes
    ----------
    name : the procedure
    p : as they came; None for what could not be tested, which still counts in the family
    adjusted : to be compared with alpha, in the same order
    rejected : adjusted <= alpha
    alpha : error rate of the family
    """

    name: str
    p: tuple[float | None, ...]
    adjusted: tuple[float | None, ...]
    rejected: tuple[bool, ...]
    alpha: float


def holm(p: Sequence[float | None], *, alpha: float = 0.05) -> Adjusted:
    """Adjust probabilities so that the chance of any false alarm in the family is at most alpha (Holm).

    With p_(1) <= ... <= p_(m): adjusted_(i) = max_{j <= i} min(1, (m − j + 1)·p_(j)). Holds for any dependence.
    S. Holm, Scand. J. Stat. 6 (1979) 65–70, https://www.jstor.org/stable/4615733.

    Parameters
    ----------
    p : probabilities in [0, 1]; None for a comparison that could not be tested
    alpha : default 0.05

    Examples
    --------
    >>> [round(value, 3) for value in holm([0.01, 0.04, 0.03]).adjusted]
    [0.03, 0.06, 0.06]
    """
    check_share(alpha, "alpha")
    values = np.array([1.0 if value is None else value for value in p], dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise DataError(f"Probabilities must be in [0, 1]. Got {values.tolist()}.")
    order = np.argsort(values, kind="stable")
    adjusted = np.empty(len(values))
    stepped = np.maximum.accumulate((len(values) - np.arange(len(values))) * values[order])
    adjusted[order] = np.minimum(stepped, 1.0)
    shown = tuple(None if raw is None else float(x) for raw, x in zip(p, adjusted, strict=True))
    rejected = tuple(value is not None and value <= alpha for value in shown)
    return Adjusted("Holm", tuple(p), shown, rejected, alpha)
