"""What a test hands back, and how a t statistic becomes one.

Every probability is two-sided and every difference is "A minus B" unless a docstring says otherwise.
A number that does not exist is None, never NaN; a comparison that cannot be tested says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from mlexp.errors import ConfigError, DataError
from mlexp.stats.mixture import Mixture, interval_half, two_sided
from mlexp.stats.scope import Scope

LARGEST = 1e100  # squares and their sums stay finite
ROUNDING = 1e-13  # a standard error below this share of the largest score is rounding, not spread
RANKED_ALIKE = 1e-12  # differences below this share of the largest score are ties
SMALLEST_P = float(np.finfo(np.float64).tiny)  # an underflow must not read as "impossible"


@dataclass(frozen=True)
class Outcome:
    """The outcome of one test.

    Attributes
    ----------
    name : the test, with the variant that was used
    scope : what the result generalises over
    estimate : what is estimated, usually the difference A − B in the units of the scores
    statistic : the test statistic, None where there is none
    df, df2 : degrees of freedom; `df2` is the denominator's of an F statistic
    p : two-sided probability of a statistic at least as far out if there is no difference
    se : standard error of the estimate
    low, high : interval of the estimate at confidence `level`
    level : confidence level of the interval, in (0, 1)
    centre : middle of an interval that is normal about another place than the estimate; None for all others
    mixture : distribution of the estimate where it is not t; then `df` is None
    n : what was counted (seeds_a, seeds_b, rows, pairs, splits ...)
    details : further numbers of the test by name
    testable : False where the data hold no variance to test against; then `reason` says so
    valid : False for a procedure that is shown only because others use it; then `reason` says why
    reason : why it cannot be tested, or why it is not valid
    second_line : a narrower test of the same data to show below this one
    """

    name: str
    scope: Scope
    estimate: float
    statistic: float | None = None
    df: float | None = None
    p: float | None = None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    se: float | None = None
    df2: float | None = None
    centre: float | None = None
    mixture: Mixture | None = None
    n: dict[str, int] = field(default_factory=dict)
    details: dict[str, float] = field(default_factory=dict)
    testable: bool = True
    valid: bool = True
    reason: str = ""
    second_line: Outcome | None = None


SAME_SCORES = "every score is the same: this cannot be tested"
FLAT_ARMS = "no score varies within an arm: this cannot be tested"
SAME_DIFFERENCES = "every difference is the same: this cannot be tested"


def as_scores(values: object, name: str, *, ndim: int = 1, least: int = 1) -> np.ndarray:
    """Return finite scores as float64, or refuse them.

    Parameters
    ----------
    values : array-like of numbers or booleans
    name : how an error message calls them
    ndim : number of axes wanted
    least : the smallest length allowed for the last axis

    Raises
    ------
    DataError
        When the shape does not fit or a value is not finite or is larger than 1e100.
    """
    try:
        scores = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise DataError(
            f"{name} must be numbers in a full table. Got something else: {problem}."
        ) from problem
    if scores.ndim != ndim or 0 in scores.shape or scores.shape[-1] < least:
        raise DataError(
            f"{name} must have {ndim} axes and at least {least} values on the last. Got shape {scores.shape}."
        )
    bad = ~(np.abs(scores) <= LARGEST)
    if bad.any():
        raise DataError(
            f"{name} must be finite and at most {LARGEST:g} in size. Got {scores[bad][0]} in {int(bad.sum())}"
            f" of {bad.size} places; leave failed runs out and say so."
        )
    return scores


def as_pairs(a: object, b: object, *, least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return two score arrays of one length, or refuse them."""
    left, right = as_scores(a, "scores of A", least=least), as_scores(b, "scores of B", least=least)
    if left.shape != right.shape:
        raise DataError(f"Paired scores must have one length. Got {len(left)} for A and {len(right)} for B.")
    return left, right


def check_share(value: float, name: str) -> float:
    """Return a share such as a confidence level, or refuse what is not inside (0, 1)."""
    if not 0 < value < 1:
        raise ConfigError(f"'{name}' must be in (0, 1). Got {value}.")
    return float(value)


def check_positive(value: float, name: str) -> float:
    """Return a finite number above zero, or refuse it."""
    if not 0 < value <= LARGEST:
        raise ConfigError(f"'{name}' must be a finite number above 0. Got {value}.")
    return float(value)


def check_count(value: int, name: str) -> int:
    """Return a whole number of at least 1, or refuse it."""
    if isinstance(value, bool) or int(value) != value or value < 1:
        raise ConfigError(f"'{name}' must be a whole number of at least 1. Got {value}.")
    return int(value)


def largest(*arrays: np.ndarray) -> float:
    """Return the largest absolute value, the yardstick for rounding."""
    return max(float(np.abs(array).max()) for array in arrays)


def is_rounding(se: float, scale: float) -> bool:
    """Return whether a standard error is nothing but rounding of scores of size `scale`."""
    return bool(se <= ROUNDING * scale)


def without_rounding(values: np.ndarray, scale: float) -> np.ndarray:
    """Return values in which those that differ by rounding alone are equal.

    Values within 1e-12 of `scale` of the next lower one take its place, and zero takes that of what is so close to it:
    what ought to be tied is tied.

    Parameters
    ----------
    values : array of shape (n,)
    scale : size of the scores that the values were computed from

    Examples
    --------
    >>> without_rounding(np.array([0.3, 0.1 + 0.2, 1e-17, -0.1]), 1.0).tolist()
    [0.3, 0.3, 0.0, -0.1]
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.concatenate(([True], np.diff(ordered) > RANKED_ALIKE * scale))
    firsts = ordered[starts]
    firsts = np.where(np.abs(firsts) <= RANKED_ALIKE * scale, 0.0, firsts)
    found = np.empty(len(values))
    found[order] = firsts[np.cumsum(starts) - 1]
    return found


def t_tail(statistic: float, df: float) -> float:
    """Return the two-sided tail P(|T| >= |statistic|) of Student's t, never below the smallest float."""
    from scipy.special import stdtr

    return max(float(2 * stdtr(df, -abs(statistic))), SMALLEST_P)


def t_quantile(share: float, df: float) -> float:
    """Return the quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(df, share))


@dataclass(frozen=True)
class Spread:
    """How an estimate is distributed about the truth: Student's t (normal for infinite `df`), or a mixture."""

    centre: float
    se: float
    df: float
    mixture: Mixture | None = None

    def above(self, distance: float) -> float:
        """Return the chance that the estimate exceeds the truth by more than `distance`."""
        half = (
            t_tail(distance / self.se, self.df) if self.mixture is None else two_sided(self.mixture, distance)
        ) / 2
        return half if distance > 0 else 1 - half

    def half(self, alpha: float) -> float:
        """Return the distance that the estimate exceeds, on either side, with chance `alpha`."""
        if self.mixture is not None:
            return interval_half(self.mixture, alpha)
        return t_quantile(1 - alpha / 2, self.df) * self.se


def spread_of(outcome: Outcome) -> Spread | None:
    """Return how the estimate of a test is distributed; None where it has no standard error."""
    if outcome.se is None:
        return None
    if outcome.centre is not None:
        return Spread(outcome.centre, outcome.se, np.inf)
    if outcome.df is None and outcome.mixture is None:
        return None
    return Spread(outcome.estimate, outcome.se, outcome.df or np.inf, outcome.mixture)


def why_flat(*arms: np.ndarray) -> str:
    """Say why arms without variance cannot be tested."""
    low, high = min(float(arm.min()) for arm in arms), max(float(arm.max()) for arm in arms)
    return SAME_SCORES if is_rounding(high - low, largest(*arms)) else FLAT_ARMS


def untestable(shell: Outcome, reason: str) -> Outcome:
    """Return the outcome marked as one that cannot be tested, with the reason."""
    return replace(shell, testable=False, reason=reason)


def from_t(shell: Outcome, *, se: float, df: float, scale: float, flat: str) -> Outcome:
    """Fill an outcome that has name, scope, estimate and level with its t statistic, p and interval.

    Parameters
    ----------
    shell : outcome without a statistic
    se : standard error of the estimate
    df : degrees of freedom
    scale : largest absolute score; a standard error that is only rounding of it counts as zero
    flat : the reason to give when the standard error is zero
    """
    if is_rounding(se, scale):
        return untestable(shell, flat)
    statistic = shell.estimate / se
    half = t_quantile(0.5 + shell.level / 2, df) * se
    return replace(
        shell,
        statistic=statistic,
        df=df,
        p=t_tail(statistic, df),
        se=se,
        low=shell.estimate - half,
        high=shell.estimate + half,
    )
