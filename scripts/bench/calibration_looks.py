"""Whole studies with `comparison.seeds=until_settled`, many at a time: tables of 0/1 scores and the looks at them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from mlexp.comparisons.looks import Schedule

PLANNED = Schedule.of(30, arms=2, alpha=0.05)
NOTHING = 1e-12  # variance below which there is nothing but rounding


@dataclass(frozen=True)
class Studies:
    """What became of many studies; every field has one entry a study.

    Attributes
    ----------
    runs : of each arm when the study ended
    settled : whether a boundary was crossed
    fixed : whether the one test of all runs at alpha rejects, had no one looked before
    """

    runs: np.ndarray
    settled: np.ndarray
    fixed: np.ndarray


def followed(a: np.ndarray, b: np.ndarray, planned: Schedule = PLANNED) -> Studies:
    """Follow studies of two arms to their ends.

    Parameters
    ----------
    a, b : 0/1 scores of shape (studies, max_seeds, rows)
    planned : the looks; by default those at 5, 10, 15, 20 and 30 of 30 runs
    """
    runs, settled = np.full(len(a), planned.max_seeds), np.zeros(len(a), bool)
    p = np.ones(len(a))
    for count, level, p in zip(planned.runs, planned.levels, p_by_look(a, b, planned.runs), strict=True):
        crossed = ~settled & (p <= level)
        runs[crossed] = count
        settled |= crossed
    return Studies(runs, settled, p <= planned.alpha)


def p_by_look(a: np.ndarray, b: np.ndarray, counts: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Yield p of the crossed test of each study from the first `counts` runs of each arm, five or more."""
    arms, n = [(arm, arm.mean(axis=-1, dtype=np.float64)) for arm in (a, b)], a.shape[-1]
    sums = [np.zeros((len(a), n)) for _ in arms]
    for before, count in itertools.pairwise((0, *counts)):
        parts = []
        for total, (arm, means) in zip(sums, arms, strict=True):
            total += arm[:, before:count].sum(axis=1)
            parts.append((total / count, *_of_runs(total / count, means[:, :count])))
        (row_a, seed_a, res_a), (row_b, seed_b, res_b) = parts
        gaps = row_a - row_b
        row = gaps.var(axis=-1, ddof=1) / n
        variance = np.maximum(seed_a + seed_b + row - res_a - res_b, (seed_a + seed_b) / 4)
        known = variance > NOTHING
        safe = np.where(known, variance, 1.0)
        spread = (seed_a**2 + seed_b**2) / (count - 1) + row**2 / (n - 1)
        least = min(count, n) - 1.0
        df = np.maximum(
            np.divide(safe**2, spread, out=np.full(len(a), least), where=known & (spread > 0)), least
        )
        yield np.where(known, 2 * stdtr(df, -np.abs(gaps.mean(axis=-1)) / np.sqrt(safe)), 1.0)


def _of_runs(rows: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return s²/S and MS/(S·n) of 0/1 scores, whose squares are the scores, from means of rows and of runs."""
    count, n = means.shape[1], rows.shape[1]
    grand = means.mean(axis=1)
    total = count * n * grand
    explained = n * np.square(means).sum(axis=1) + count * np.square(rows).sum(axis=1) - count * n * grand**2
    residual = np.maximum(total - explained, 0.0) / ((count - 1) * (n - 1))
    return means.var(axis=1, ddof=1) / count, residual / (count * n)
