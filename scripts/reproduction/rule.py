"""The rule by which a published figure is judged, stated before any figure is seen.

Runs of ours predict one more run: with n of them, mean x and standard deviation s, it lies in

    x ± ( sqrt( (t s)² (1 + 1/n) + (1.96 e)² ) + h ),        t = t(n − 1) at 0.975

where e is the standard error of a share over the report's test rows, 0 where they are the same rows as ours, and h half
a unit of the last digit that the report prints. That half-width is the band. It is printed beside the mean, rounded up
to two digits, and the verdict follows from what is printed. A figure that no chance touches (a count, an exercise by
hand) has the band h alone. A single run of something random has no band.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import t as student

AGREES, DIFFERS, TOO_WIDE = "agrees", "differs", "too wide to tell"
BY_HAND = {
    "contradicts": "report contradicts itself",
    "misprints": "report misprints",
    "cannot": "cannot be compared",
}
NOT_PUBLISHED, NOT_RUN = "not in the report", "not run yet"
WIDE_SHARE = 0.01  # one point of an accuracy
WIDE_RATIO = 0.1  # of a loss, and of whatever else is no share
SHARES = ("accuracy", "precision", "recall", "f1", "r2", "ari", "share", "difference")


class Printed(float):
    """A number as a report prints it: its last digit says how far it was rounded.

    Examples
    --------
    >>> Printed("0.90").half_unit, Printed("32").half_unit, round(Printed("-1.8074").half_unit, 6)
    (0.005, 0.5, 5e-05)
    >>> Printed("0.13429").places, Printed("1e-4").places, Printed("32").places
    (5, 4, 0)
    """

    text: str

    def __new__(cls, text: str) -> Printed:
        made = super().__new__(cls, text)
        made.text = text
        return made

    @property
    def half_unit(self) -> float:
        """Half a unit of the last printed digit."""
        return 0.5 * 10.0**-self.places

    @property
    def places(self) -> int:
        """Decimal place of the last printed digit; negative before the point."""
        digits, _, power = self.text.lower().partition("e")
        return len(digits.partition(".")[2]) - int(power or 0)


@dataclass(frozen=True)
class Judged:
    """What stands in a row: mean and band as printed, and the verdict that follows from them.

    Attributes
    ----------
    mean, band : rounded to `places`; None where there is none
    places : decimal places of both; None without a band
    verdict : of those above
    """

    mean: float | None
    band: float | None
    places: int | None
    verdict: str


def band(values: Sequence[float], published: Printed, *, rows: int = 0, exact: bool = False) -> float | None:
    """Return the half-width within which one more run lies; None where nothing says so.

    Parameters
    ----------
    values : one a run
    published : what it is to be compared with
    rows : test rows of the report over which the figure is a share, 0 if they are the same as ours or it is no share
    exact : whether no chance touches it

    Examples
    --------
    >>> band([0.25], Printed("0.3"), exact=True), band([0.25], Printed("0.3"))
    (0.05, None)
    """
    if exact:
        return published.half_unit
    n = len(values)
    if n < 2:
        return None
    seeds = float(student.ppf(0.975, n - 1)) * statistics.stdev(values) * math.sqrt(1 + 1 / n)
    share = min(max(statistics.fmean(values), 0.0), 1.0)
    of_rows = 1.96 * math.sqrt(share * (1 - share) / rows) if rows else 0.0
    return math.hypot(seeds, of_rows) + published.half_unit


def judge(
    values: Sequence[float],
    published: Printed | None,
    *,
    rows: int = 0,
    exact: bool = False,
    share: bool = False,
    by_hand: str | None = None,
) -> Judged:
    """Return the row of a figure.

    Parameters
    ----------
    values, published, rows, exact : as for `band`; `published` is None where the report has no such figure
    share : whether one point is 0.01, as of an accuracy
    by_hand : verdict that is not a matter of agreement: a key of `BY_HAND`

    Examples
    --------
    >>> judge([0.962, 0.964, 0.966], Printed("0.965"), share=True).verdict
    'too wide to tell'
    >>> judge([0.9640, 0.9642, 0.9641], Printed("0.965"), share=True).verdict
    'agrees'
    """
    if not values:
        return Judged(None, None, None, NOT_RUN)
    mean = statistics.fmean(values)
    if published is None:
        spread = _of_seeds(values)
        verdict = BY_HAND.get(by_hand or "", NOT_PUBLISHED)
        if not spread:
            return Judged(_alone(mean), None, None, verdict)
        half, places = _rounded(spread)
        return Judged(round(mean, places), half, places, verdict)
    wide = band(values, published, rows=rows, exact=exact)
    if wide is None:
        return Judged(_alone(mean), None, None, BY_HAND.get(by_hand or "", TOO_WIDE))
    half, places = _rounded(wide)
    shown = round(mean, places)
    if by_hand:
        verdict = BY_HAND[by_hand]
    elif round(abs(shown - published), 12) > half:
        verdict = DIFFERS
    elif not exact and half > (WIDE_SHARE if share else WIDE_RATIO * abs(shown)):
        verdict = TOO_WIDE
    else:
        verdict = AGREES
    return Judged(shown, half, places, verdict)


def _of_seeds(values: Sequence[float]) -> float | None:
    """Return the band of one more run where there is nothing to compare it with."""
    n = len(values)
    if n < 2 or statistics.stdev(values) == 0:
        return None
    return float(student.ppf(0.975, n - 1)) * statistics.stdev(values) * math.sqrt(1 + 1 / n)


def _alone(mean: float) -> float:
    """Return a mean without a band as it is shown: two decimal places above 1, all significant digits below."""
    return round(mean, 2) if abs(mean) >= 1 else mean


def _rounded(half: float) -> tuple[float, int]:
    """Return a half-width rounded up to two significant digits, and the places that takes.

    Examples
    --------
    >>> _rounded(0.00401), _rounded(7.61), _rounded(0.005), _rounded(12345.0)
    ((0.0041, 4), (7.7, 1), (0.005, 4), (12345, 0))
    """
    places = max(0, 1 - math.floor(math.log10(half)))
    return math.ceil(round(half * 10**places, 6)) / 10**places if places else math.ceil(half), places


def explains(before: Sequence[str], after: Sequence[str]) -> str:
    """Say whether a cause explains the figures that differ without it.

    It explains them if all of those agree with the cause and no other figure differs because of it; partly if some of
    them agree. Where the bands of all of them are too wide to tell, so is the answer; where none differs without the
    cause there is nothing to explain.

    Parameters
    ----------
    before, after : verdict of each figure the cause was held against, at the protocol and with the cause

    Examples
    --------
    >>> explains([DIFFERS, DIFFERS], [AGREES, AGREES]), explains([DIFFERS, DIFFERS], [AGREES, DIFFERS])
    ('explains', 'partly')
    >>> explains([DIFFERS, AGREES], [AGREES, DIFFERS]), explains([DIFFERS, AGREES], [DIFFERS, AGREES])
    ('partly', 'does not')
    >>> explains([DIFFERS, DIFFERS], [TOO_WIDE, DIFFERS])
    'does not'
    >>> explains([DIFFERS, AGREES], [TOO_WIDE, AGREES]), explains([AGREES, TOO_WIDE], [DIFFERS, AGREES])
    ('too wide to tell', 'nothing to explain')
    """
    if NOT_RUN in (*before, *after) or not after:
        return NOT_RUN
    pairs = list(zip(before, after, strict=True))
    open_ones = [now for then, now in pairs if then == DIFFERS]
    if not open_ones:
        return "nothing to explain"
    if AGREES in open_ones:
        broken = any(now == DIFFERS and then != DIFFERS for then, now in pairs)
        return "partly" if broken or set(open_ones) != {AGREES} else "explains"
    return TOO_WIDE if set(open_ones) == {TOO_WIDE} else "does not"
