"""Intervals by resampling: percentile and BCa, in strata, and over seeds and rows at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlexp.errors import ConfigError, DataError
from mlexp.stats.outcome import as_scores, check_count, check_share, is_rounding, largest

BOOTSTRAP_LICENCE = (
    "over new draws of what was resampled; too short in small samples (10 against 10 runs: it covers about 92 % "
    "where 95 % is claimed), so no equal of the t interval"
)
TWO_WAY_LICENCE = (
    "over new training runs and new test images, for this training set and these settings; with few runs it rejects "
    "between 0.4 and 8 % of true nulls where 5 % is claimed, so no equal of the crossed test"
)


@dataclass(frozen=True)
class Interval:
    """An interval found by resampling.

    Attributes
    ----------
    name, licence : the procedure and what it licenses
    estimate : the statistic of the data as they are
    low, high : interval at confidence `level`; None where nothing varies, then `reason` says so
    level, n_resamples : confidence level; resamples drawn
    se : standard deviation over the resamples
    n : what was resampled
    testable, reason : as in Outcome
    """

    name: str
    licence: str
    estimate: float
    low: float | None
    high: float | None
    level: float
    n_resamples: int
    se: float | None
    n: dict[str, int]
    testable: bool = True
    reason: str = ""


Statistic = Callable[[np.ndarray], float]
METHODS = ("percentile", "bca")
DEFINED = 0.95  # share of resamples on which a metric must be defined; the others are left out
NOTHING_VARIES = "the statistic is the same in every resample: it has no interval"


def bootstrap_interval(
    scores: object,
    *,
    rng: np.random.Generator,
    statistic: Statistic = np.mean,
    method: str = "bca",
    strata: object | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
) -> Interval:
    """Return the bootstrap interval of a statistic of one sample.

    percentile: the quantiles (1 ∓ level)/2 of the statistic over resamples with replacement. bca: the same
    quantiles moved for bias (z0, the share of resamples below the estimate, ties half) and for acceleration
    (jackknife, within strata). B. Efron, J. Am. Stat. Assoc. 82 (1987) 171–185,
    doi:10.1080/01621459.1987.10478410.

    Parameters
    ----------
    scores : array of shape (n,)
    rng : generator of the resamples
    statistic : function of an array of shape (n,), default the mean
    method : bca (default) or percentile
    strata : labels of shape (n,); resampling keeps the number in each. Default None
    level : confidence level, default 0.95
    n_resamples : default 2000

    Examples
    --------
    >>> found = bootstrap_interval([1.0, 2.0, 3.0, 4.0, 5.0], rng=np.random.default_rng(0), method="percentile")
    >>> found.estimate, 1.5 < found.low < 2.1, 3.9 < found.high < 4.5
    (3.0, True, True)
    """
    data = as_scores(scores, "scores")
    parts = _positions(np.zeros(len(data)) if strata is None else np.asarray(strata), len(data))
    plan = _Plan(lambda index: float(statistic(data[index])), parts, method, level, n_resamples, rng)
    return plan.run("bootstrap", {"runs": len(data), "strata": len(parts)}, largest(data))


def bootstrap_difference(
    a: object,
    b: object,
    *,
    rng: np.random.Generator,
    statistic: Statistic = np.mean,
    method: str = "bca",
    level: float = 0.95,
    n_resamples: int = 2000,
) -> Interval:
    """Return the bootstrap interval of statistic(A) − statistic(B) for two independent groups of runs.

    Both arms are resampled, each within itself; see `bootstrap_interval`.

    Parameters
    ----------
    a, b : scores of shape (n_A,) and (n_B,)
    rng, statistic, method, level, n_resamples : as in `bootstrap_interval`

    Examples
    --------
    >>> found = bootstrap_difference([5.0, 6.0, 7.0], [1.0, 2.0, 3.0], rng=np.random.default_rng(0))
    >>> found.estimate, found.low > 2
    (4.0, True)
    """
    left, right = as_scores(a, "scores of A"), as_scores(b, "scores of B")
    pool, cut = np.concatenate((left, right)), len(left)

    def difference(index: np.ndarray) -> float:
        of_a = index < cut
        return float(statistic(pool[index[of_a]])) - float(statistic(pool[index[~of_a]]))

    parts = [np.arange(cut), np.arange(cut, len(pool))]
    plan = _Plan(difference, parts, method, level, n_resamples, rng)
    return plan.run("bootstrap of the difference", {"runs_a": cut, "runs_b": len(right)}, largest(pool))


def _positions(labels: np.ndarray, n: int) -> list[np.ndarray]:
    if labels.shape != (n,):
        raise DataError(
            f"'strata' and 'groups' must have one label for each of {n} rows. Got shape {labels.shape}."
        )
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


@dataclass(frozen=True)
class _Plan:
    """A statistic of positions, the strata that positions are drawn in, and how to make an interval of it."""

    of: Callable[[np.ndarray], float]
    strata: list[np.ndarray]
    method: str
    level: float
    n_resamples: int
    rng: np.random.Generator

    def run(self, name: str, n: dict[str, int], scale: float) -> Interval:
        if self.method not in METHODS:
            raise ConfigError(f"'method' must be one of {', '.join(METHODS)}. Got {self.method!r}.")
        check_share(self.level, "level")
        check_count(self.n_resamples, "n_resamples")
        estimate = self.of(np.concatenate(self.strata))
        draws = np.array([self.of(self._resample()) for _ in range(self.n_resamples)])
        tails: np.ndarray | None = np.array([(1 - self.level) / 2, (1 + self.level) / 2])
        if is_rounding(float(np.ptp(draws)), scale):
            tails = None
        elif self.method == "bca":
            tails = self._moved(np.asarray(tails), estimate, draws)
        return _interval(f"{name} ({self.method})", BOOTSTRAP_LICENCE, estimate, draws, tails, self.level, n)

    def _resample(self) -> np.ndarray:
        return np.concatenate([rows[self.rng.integers(len(rows), size=len(rows))] for rows in self.strata])

    def _moved(self, tails: np.ndarray, estimate: float, draws: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr, ndtri

        below = ((draws < estimate).mean() + (draws <= estimate).mean()) / 2
        # an estimate outside all resamples would send z0 to infinity
        edge = 0.5 / len(draws)
        z0, z = ndtri(np.clip(below, edge, 1 - edge)), ndtri(tails)
        # a strong acceleration must not turn the tails round
        slowed = np.maximum(1 - self._acceleration() * (z0 + z), 0.1)
        return np.asarray(ndtr(z0 + (z0 + z) / slowed))

    def _acceleration(self) -> float:
        """Return Efron's a from the jackknife, summed over strata."""
        cubes = squares = 0.0
        scale = abs(self.of(np.concatenate(self.strata))) or 1.0
        for place, rows in enumerate(self.strata):
            if len(rows) < 2:
                continue
            left_out = [self.of(self._without(place, i)) for i in range(len(rows))]
            push = (len(rows) - 1) * (np.mean(left_out) - np.array(left_out)) / scale
            cubes += float((push**3).sum()) / len(rows) ** 3
            squares += float((push**2).sum()) / len(rows) ** 2
        return cubes / (6 * squares**1.5) if squares > 0 else 0.0

    def _without(self, place: int, i: int) -> np.ndarray:
        return np.concatenate(
            [np.delete(rows, i) if j == place else rows for j, rows in enumerate(self.strata)]
        )


def _interval(
    name: str,
    licence: str,
    estimate: float,
    draws: np.ndarray,
    tails: np.ndarray | None,
    level: float,
    n: dict[str, int],
) -> Interval:
    count = len(draws)
    if tails is None:
        return Interval(
            name, licence, estimate, None, None, level, count, None, n, testable=False, reason=NOTHING_VARIES
        )
    low, high = (float(x) for x in np.quantile(draws, tails))
    return Interval(name, licence, estimate, low, high, level, count, float(draws.std(ddof=1)), n)


def bootstrap_seeds_rows(
    a: np.ndarray,
    b: np.ndarray,
    y: np.ndarray,
    statistic: Callable[[np.ndarray, np.ndarray], float],
    *,
    rng: np.random.Generator,
    strata: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    level: float = 0.95,
    n_resamples: int = 1000,
) -> Interval:
    """Return the interval of a difference in a metric that does not average over rows (macro F1, AUC).

    D = mean_s metric(A_s) − mean_s metric(B_s). A resample draws the seeds of each arm and, once for both arms,
    the test rows; the interval is the percentile one. The residual variance enters both draws and the finite
    sample a third time, so it is wider than it need be. A. B. Owen, Ann. Appl. Stat. 1 (2007) 386–411,
    doi:10.1214/07-AOAS122 (the pigeonhole bootstrap).

    Parameters
    ----------
    a, b : predictions of shape (S_A, n, ...) and (S_B, n, ...): labels, or one column a class
    y : truth of shape (n,)
    statistic : function of (truth, predictions) of the drawn rows
    rng : generator of the resamples
    strata : labels of shape (n,); rows are drawn within each (give `y` itself to keep the class sizes)
    groups : labels of shape (n,); whole groups are drawn. Not together with `strata`
    level, n_resamples : confidence level, default 0.95; default 1000

    Examples
    --------
    >>> y = np.array([0, 1] * 20)
    >>> a, b = np.stack([y, y]), np.stack([y, 1 - y])
    >>> right = lambda truth, predicted: float((truth == predicted).mean())
    >>> bootstrap_seeds_rows(a, b, y, right, rng=np.random.default_rng(0)).estimate
    0.5
    """
    check_share(level, "level")
    check_count(n_resamples, "n_resamples")
    arms = (np.asarray(a), np.asarray(b))
    if any(arm.ndim < 2 or arm.shape[1] != len(y) or len(y) == 0 for arm in arms):
        raise DataError(
            f"Predictions must have shape (seeds, {len(y)}, ...). Got {arms[0].shape} and {arms[1].shape}."
        )
    draw_rows = _row_drawer(len(y), strata, groups, rng)
    name = "seeds × rows bootstrap (percentile)"
    counts = {"seeds_a": len(arms[0]), "seeds_b": len(arms[1]), "rows": len(y)}
    seeds = [np.arange(len(arm)) for arm in arms]
    rows = np.arange(len(y))
    estimate = _metric_gap(arms, y, statistic, seeds, rows)
    if not np.isfinite(estimate):
        raise DataError(
            "The metric is not defined on these rows: all truths may be equal, or a class missing."
        )
    if min(len(arm) for arm in arms) < 2:
        why = "an arm has one run only: its spread between runs is unknown"
        return Interval(
            name, TWO_WAY_LICENCE, estimate, None, None, level, 0, None, counts, testable=False, reason=why
        )
    draws = np.empty(n_resamples)
    for i in range(n_resamples):
        drawn = [rng.integers(len(arm), size=len(arm)) for arm in arms]
        draws[i] = _metric_gap(arms, y, statistic, drawn, draw_rows())
    defined = np.isfinite(draws)
    if defined.mean() < DEFINED:
        why = "on many samples of so few rows the metric is not defined"
        return Interval(
            name, TWO_WAY_LICENCE, estimate, None, None, level, 0, None, counts, testable=False, reason=why
        )
    draws = draws[defined]
    tails = None if is_rounding(float(np.ptp(draws)), 1.0) else np.array([(1 - level) / 2, (1 + level) / 2])
    return _interval(name, TWO_WAY_LICENCE, estimate, draws, tails, level, counts)


def _row_drawer(
    n: int, strata: np.ndarray | None, groups: np.ndarray | None, rng: np.random.Generator
) -> Callable[[], np.ndarray]:
    """Return a function that draws rows: within strata, or whole groups at a time."""
    if strata is not None and groups is not None:
        raise ConfigError("'strata' and 'groups' cannot be given together. Got both; leave one out.")
    parts = _positions(np.zeros(n) if strata is None else np.asarray(strata), n)
    blocks = None if groups is None else _positions(np.asarray(groups), n)

    def draw() -> np.ndarray:
        if blocks is not None:
            return np.concatenate([blocks[i] for i in rng.integers(len(blocks), size=len(blocks))])
        return np.concatenate([rows[rng.integers(len(rows), size=len(rows))] for rows in parts])

    return draw


def _metric_gap(
    arms: tuple[np.ndarray, ...],
    y: np.ndarray,
    statistic: Callable[[np.ndarray, np.ndarray], float],
    seeds: list[np.ndarray],
    rows: np.ndarray,
) -> float:
    truth, means = y[rows], []
    for arm, drawn in zip(arms, seeds, strict=True):
        chosen, times = np.unique(drawn, return_counts=True)
        scores = [float(statistic(truth, arm[seed][rows])) for seed in chosen]
        means.append(float(np.average(scores, weights=times)))
    return means[0] - means[1]
