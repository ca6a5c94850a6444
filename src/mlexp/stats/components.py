"""How much of a variance lies between groups: components of a one-way layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mlexp.stats.outcome import as_scores, check_share, is_rounding, largest

ALONE = "no group has two values: what lies between groups cannot be separated from what lies within"
ONE_GROUP = "all values are in one group"
FLAT = "no value differs"


@dataclass(frozen=True)
class VarianceShare:
    """The share of a variance that lies between groups.

    Attributes
    ----------
    share : estimate in [0, 1]; None where it cannot be separated
    low, high : interval at confidence `level`, in [0, 1]
    within : mean square within groups, the variance of one value at a fixed group; None where no group has two
    df_within, df_between : degrees of freedom of the mean squares
    reason : why there is no estimate
    """

    share: float | None
    low: float | None
    high: float | None
    level: float
    within: float | None
    df_within: int
    df_between: int
    reason: str = ""


def variance_share(groups: Sequence[ArrayLike], *, level: float = 0.95) -> VarianceShare:
    """Estimate which share of the variance of a value lies between randomly drawn groups (intraclass correlation).

    One-way random effects, k groups of n_g values, N in all::

        MS_b = sum_g n_g·(x̄_g − x̄)²/(k − 1),   MS_w = sum_g sum_i (x_gi − x̄_g)²/(N − k)
        n_0  = (N − sum_g n_g²/N)/(k − 1)
        share = max(MS_b − MS_w, 0) / (MS_b + (n_0 − 1)·MS_w)

    with F = MS_b/MS_w and its quantiles F_q: from (F/F_hi − 1)/(F/F_hi + n_0 − 1) to (F/F_lo − 1)/(F/F_lo + n_0 − 1),
    cut at 0 and 1. Exact for normal values in groups of one size, approximate where sizes differ (R. A. Fisher,
    Statistical Methods for Research Workers (1925), section 38).

    Parameters
    ----------
    groups : for each group its values
    level : confidence level of the interval, default 0.95

    Returns
    -------
    VarianceShare; without an estimate for one group, groups of one value each, or values that do not differ.

    Examples
    --------
    >>> found = variance_share([[1.0, 3.0], [5.0, 7.0]])
    >>> round(found.share, 4), found.within, found.df_within
    (0.7778, 2.0, 2)
    """
    from scipy.stats import f as f_distribution

    check_share(level, "level")
    known = [as_scores(group, "values of a group") for group in groups]
    sizes = np.array([len(group) for group in known])
    k, total = len(known), int(sizes.sum())
    ss_within = sum(float(np.square(group - group.mean()).sum()) for group in known)
    within = ss_within / (total - k) if total > k else None
    grand = np.concatenate(known).mean()
    between = sum(len(group) * (group.mean() - grand) ** 2 for group in known) / max(k - 1, 1)

    def without(reason: str) -> VarianceShare:
        return VarianceShare(None, None, None, level, within, total - k, k - 1, reason)

    if is_rounding(float(np.sqrt(between + ss_within)), largest(*known)):
        return without(FLAT)
    if k < 2:
        return without(ONE_GROUP)
    if within is None:
        return without(ALONE)
    n_0 = (total - float(np.square(sizes).sum()) / total) / (k - 1)
    tail = (1 - level) / 2
    bounds = f_distribution.ppf((tail, 1 - tail), k - 1, total - k)

    def share(scale: float) -> float:
        """Return (F/scale − 1)/(F/scale + n_0 − 1), without dividing by a mean square that may be 0."""
        return float(np.clip((between - scale * within) / (between + (n_0 - 1) * scale * within), 0, 1))

    return VarianceShare(share(1.0), share(bounds[1]), share(bounds[0]), level, within, total - k, k - 1)
