"""Every test of two arms, from their runs: what it takes of them, and how it is called in `mlexp.stats`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np

from mlexp import stats
from mlexp.comparisons.evidence import Evidence
from mlexp.errors import DataError
from mlexp.stats import Outcome
from mlexp.stats.choice import SCOPES
from mlexp.stats.outcome import t_quantile

RESAMPLES = 1000
BEYOND = 20  # resamples beyond either end of an interval, at least: fewer leave its place to chance


def halves(evidence: Evidence) -> list[int]:
    """Return the order of ten splits in which each is followed by its other half; empty if they are none."""
    if len(evidence.blocks) != 10 or len(evidence.datasets) > 1:
        return []
    runs = evidence.used[evidence.arms[0]]
    first = [next(entry for entry in runs if entry.block == block) for block in evidence.blocks]
    parts = [entry.run.info["split"] for entry in first if entry.run]
    rows = [known for entry in first if (known := entry.kept("row")) is not None]
    level = all(part.get("train", 0) >= 0.75 * part.get("test", np.inf) for part in parts)
    if len(rows) != 10 or not level:
        return []
    total = sum(count for count in parts[0].values() if isinstance(count, int))
    whole = [
        (one, other)
        for one, other in combinations(range(10), 2)
        if len(rows[one]) + len(rows[other]) == total == len(np.union1d(rows[one], rows[other]))
    ]
    order = [place for pair in whole for place in pair]
    return order if sorted(order) == list(range(10)) else []


def values(evidence: Evidence, arm: str) -> np.ndarray:
    """Return the metric of each run of an arm, as tests of how runs vary take it."""
    return spread(evidence, arm, evidence.values(arm))


def spread(evidence: Evidence, arm: str, runs: np.ndarray) -> np.ndarray:
    """Return one entry a run; two equal ones for an arm known to give the same result whatever the seed.

    That its variance over seeds is 0 is what two equal runs say, and no test here asks how many they were.
    """
    return np.repeat(runs, 2, axis=0) if evidence.is_deterministic(arm) else np.asarray(runs)


def _rows(evidence: Evidence, arm: str) -> np.ndarray:
    table = evidence.table(arm)
    if table is None:
        raise DataError(f"{evidence.metric} of every row was not kept for '{arm}', or not on the same rows")
    return spread(evidence, arm, table)


def blocked(evidence: Evidence, a: str, b: str, level: float, *, by_row: bool = True) -> Outcome:
    """Return the test within strata; where a stratum holds one run of an arm, of the fitted models alone."""
    left, right = evidence.cells(a), evidence.cells(b)
    rows = by_row and evidence.table(a) is not None and evidence.table(b) is not None
    scores = [
        [one.scores if rows or one.scores.ndim == 1 else one.scores.mean(axis=1) for one in arm]
        for arm in (left, right)
    ]
    return stats.blocked_t(
        *scores,
        seeds=([one.seeds for one in left], [one.seeds for one in right]),
        groups=evidence.groups if rows else None,
        fitted=rows and min(len(one.seeds) for one in (*left, *right)) < 2,
        level=level,
    )


def _crossed(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    if len(evidence.strata) > 1:
        return blocked(evidence, a, b, level)
    fixed = (evidence.is_deterministic(a), evidence.is_deterministic(b))
    left, right = _rows(evidence, a), _rows(evidence, b)
    return stats.crossed_t(left, right, groups=evidence.groups, deterministic=fixed, level=level)


def _welch(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    if len(evidence.strata) > 1:
        return blocked(evidence, a, b, level, by_row=False)
    return stats.welch_t(values(evidence, a), values(evidence, b), level=level)


def _permutation(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    outcome = stats.permutation_test(values(evidence, a), values(evidence, b), rng=np.random.default_rng(0))
    return replace(outcome, level=level)


def _mcnemar(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    return stats.mcnemar(_rows(evidence, a)[0], _rows(evidence, b)[0], level=level)


def _units(evidence: Evidence, arm: str) -> np.ndarray:
    """Return what is paired between arms: data sets, folds or splits, or else runs by their place."""
    return evidence.by_unit(arm) if len(evidence.blocks) > 1 else evidence.values(arm)


def _paired(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    outcome = stats.paired_t(_units(evidence, a), _units(evidence, b), level=level)
    return replace(outcome, scope=SCOPES["paired"]) if evidence.generated else outcome


def _wilcoxon(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    outcome = stats.wilcoxon_signed_rank(_units(evidence, a), _units(evidence, b), level=level)
    return replace(outcome, scope=SCOPES["wilcoxon"]) if len(evidence.datasets) > 1 else outcome


def _differences(evidence: Evidence, a: str, b: str) -> np.ndarray:
    return np.asarray(evidence.by_unit(a) - evidence.by_unit(b))


def split_sizes(evidence: Evidence) -> dict[str, float]:
    """Return how many samples one split trains and tests on, the mean over splits."""
    if evidence.sizes is None:
        raise DataError("the runs do not record the sizes of their training and evaluation sets")
    return dict(zip(("n_train", "n_test"), evidence.sizes, strict=True))


def _corrected(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    return stats.corrected_t(_differences(evidence, a, b), level=level, **split_sizes(evidence))


def _bayesian(evidence: Evidence, a: str, b: str, level: float, n_pairs: int) -> Outcome:
    """Return the Bayesian correlated t; without p, its level is raised so that it holds for all pairs at once."""
    wanted = 1 - (1 - level) / n_pairs
    return stats.bayesian_correlated_t(_differences(evidence, a, b), level=wanted, **split_sizes(evidence))


def _five_by_two(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    d = _differences(evidence, a, b)
    if len(d) != 10:
        raise DataError(f"5x2cv needs 5 repeats of 2 folds, 10 folds in all. Got {len(d)}")
    outcome = stats.five_by_two_f(d[halves(evidence) or range(10)].reshape(5, 2))
    return replace(outcome, estimate=float(d.mean()), level=level)


def _bootstrap(evidence: Evidence, a: str, b: str, level: float, n_pairs: int) -> Outcome:
    """Return the seeds × rows bootstrap; without p, its level is raised so that it holds for all pairs at once."""
    statistic = evidence.metric.row.score
    if evidence.metric.of_row is not None:
        left, right = _rows(evidence, a), _rows(evidence, b)
        truth = np.zeros(left.shape[1])

        def statistic(y: np.ndarray, scores: np.ndarray) -> float:
            return float(scores.mean())
    else:
        one_part = len(evidence.blocks) == 1
        found = [evidence.predictions(arm, "predicted") if one_part else None for arm in (a, b)]
        known = evidence.used[a][0].kept("true")
        if statistic is None or known is None or found[0] is None or found[1] is None:
            raise DataError(f"{evidence.metric} cannot be computed again from what was kept of every row")
        left, right, truth = found[0], found[1], known
    wanted = 1 - (1 - level) / n_pairs
    done = stats.bootstrap_seeds_rows(
        left,
        right,
        truth,
        statistic,
        rng=np.random.default_rng(0),
        strata=truth if truth.dtype.kind in "iu" and evidence.groups is None else None,
        groups=evidence.groups,
        level=wanted,
        n_resamples=RESAMPLES,
    )
    if done.se is None or RESAMPLES * (1 - wanted) >= 2 * BEYOND:
        return done
    # too few resamples lie beyond the ends: the normal interval of the same spread
    half = t_quantile((1 + wanted) / 2, np.inf) * done.se
    name = "seeds × rows bootstrap (normal)"
    return replace(done, name=name, low=done.estimate - half, high=done.estimate + half)


def _none(evidence: Evidence, a: str, b: str, level: float, _: int) -> Outcome:
    estimate = evidence.mean(a) - evidence.mean(b)
    reason = "one run per arm does not show how runs vary; two seeds per arm would"
    return Outcome("none", SCOPES["none"], estimate, level=level, testable=False, reason=reason)


PAIRED: dict[str, Callable[[Evidence, str, str, float, int], Outcome]] = {
    "crossed": _crossed,
    "welch": _welch,
    "permutation": _permutation,
    "mcnemar": _mcnemar,
    "paired": _paired,
    "wilcoxon": _wilcoxon,
    "friedman": _wilcoxon,
    "corrected": _corrected,
    "bayesian": _bayesian,
    "five_by_two": _five_by_two,
    "bootstrap_seeds_rows": _bootstrap,
    "anova": _welch,
    "none": _none,
}
