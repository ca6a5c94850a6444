"""The interval of a difference by resampling seeds and rows at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mlexp.errors import ConfigError, DataError
from mlexp.stats.outcome import Outcome, check_count, check_share, is_rounding, untestable
from mlexp.stats.scope import RUNS_AND_ROWS

BY_RESAMPLING = replace(
    RUNS_AND_ROWS,
    note="with few runs it rejects between 0.4 and 8 % of true nulls where 5 % is claimed, so no equal of the crossed "
    "test",
)


DEFINED = 0.95  # share of resamples on which a metric must be defined; the others are left out
NOTHING_VARIES = "the statistic is the same in every resample: it has no interval"


def _positions(labels: np.ndarray, n: int) -> list[np.ndarray]:
    if labels.shape != (n,):
        raise DataError(
            f"'strata' and 'groups' must have one label for each of {n} rows. Got shape {labels.shape}."
        )
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


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
) -> Outcome:
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

    Returns
    -------
    Outcome without statistic and p; `se` is the standard deviation over the resamples.

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
    shell = Outcome(name, BY_RESAMPLING, estimate, level=level, n=counts)
    if min(len(arm) for arm in arms) < 2:
        why = "an arm has one run only: its spread between runs is unknown"
        return untestable(shell, why)
    draws = np.empty(n_resamples)
    for i in range(n_resamples):
        drawn = [rng.integers(len(arm), size=len(arm)) for arm in arms]
        draws[i] = _metric_gap(arms, y, statistic, drawn, draw_rows())
    defined = np.isfinite(draws)
    if defined.mean() < DEFINED:
        why = "on many samples of so few rows the metric is not defined"
        return untestable(shell, why)
    draws = draws[defined]
    if is_rounding(float(np.ptp(draws)), 1.0):
        return untestable(shell, NOTHING_VARIES)
    low, high = (float(end) for end in np.quantile(draws, [(1 - level) / 2, (1 + level) / 2]))
    return replace(shell, low=low, high=high, se=float(draws.std(ddof=1)))


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
