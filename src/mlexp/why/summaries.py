"""What is held against a run: each published figure, and a few summaries of each published curve.

Epochs of a run depend on one another, so a curve counts by few numbers: its mean over the early, middle and late
epochs, cut at equal ratios of their numbers, and, with ten points or more, its roughness, the logarithm of the root
mean square of successive differences (von Neumann 1941, doi:10.1214/aoms/1177731677). Losses are taken as logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlexp import metrics
from mlexp.store import Run
from mlexp.why.case import Case, Published

SEGMENTS = 3
ROUGH = 10  # points from which the roughness of a curve counts
ERRORS = ("loss", "mse", "rmse", "mae")  # taken as logarithms


@dataclass(frozen=True)
class Summary:
    """One number that a report and our runs have in common.

    Attributes
    ----------
    run : of the report
    quantity : in words
    of : the published figure or curve
    places : of a curve, the points that it is made of
    rough : whether it is the roughness of these points, else their mean
    log : whether its points are taken as logarithms
    value : the published number, a logarithm if `log` or `rough`
    more : variance of what rounding took away, of that number
    """

    run: str
    quantity: str
    of: Published
    places: tuple[int, ...]
    rough: bool
    log: bool
    value: float
    more: float

    def observed(self, run: Run) -> float:
        """Return the number of a run; NaN where it does not hold it."""
        if self.of.kind == "metric":
            part, _, name = self.of.source.partition(".")
            found = run.metrics.get(part, {}).get(name)
            points = np.array([math.nan if found is None else found])
        elif self.of.kind == "fact":
            found = run.info.get("facts", {}).get(self.of.source)
            known = isinstance(found, int | float) and not isinstance(found, bool)
            points = np.array([float(found) if known else math.nan])
        else:
            return self._of_curve(run)
        return _number(points, self.of.half, rough=False, log=self.log)

    def _of_curve(self, run: Run) -> float:
        """Return the number of the points that a run holds, as if it held all; NaN for less than half of them.

        What it is away from the published points that it holds is added to the published number, so a run that had
        stopped before some of them is compared by the others.
        """
        published = np.array([self.of.values[k] for k in self.places])
        points = _points(run, self.of, self.places)
        held = np.isfinite(points)
        if held.sum() < max(len(points) / 2, 2 if self.rough else 1):
            return math.nan
        ours, theirs = (
            _number(one[held], self.of.half, rough=self.rough, log=self.log) for one in (points, published)
        )
        return self.value + ours - theirs

    def of_rows(self, run: Run) -> float:
        """Return the variance of the number over other test rows, as many as the report had; 0 where they are ours."""
        if not self.of.n_rows:
            return 0.0
        part, _, name = self.of.source.partition(".")
        row = metrics.metric(name)
        kept = run.predictions.get(f"{part}_{row.rows}") if row.is_mean else None
        if kept is None or kept.size < 2:
            return math.nan
        variance = float(np.var(kept.astype(np.float64), ddof=1)) / self.of.n_rows
        return variance / max(float(np.mean(kept)), self.of.half) ** 2 if self.log else variance

    def shown(self, value: float) -> float:
        """Return a number of this summary in the unit of the report; roughness of losses is relative."""
        return math.exp(min(value, 700.0)) if self.log or self.rough else value


def summaries(case: Case, epochs: int | None) -> list[Summary]:
    """Return what runs of a stage are held against: at full length all, else what curves say of the first epochs."""
    found: list[Summary] = []
    for run, (_, published) in case.runs.items():
        for one in published:
            if one.kind == "column":
                found += _of_curve(run, one, epochs)
            elif epochs is None:
                log = one.source.rpartition(".")[2] in ERRORS and one.values[0] > 0
                found.append(_summary(run, one.quantity, one, (), log=log))
    return found


def _of_curve(run: str, one: Published, epochs: int | None) -> list[Summary]:
    log = one.source.rpartition("_")[2] in ERRORS and min(one.values) > 0
    within = [k for k, epoch in enumerate(one.epochs) if epochs is None or 0 < epoch <= epochs]
    parts = [part for part in _segments([one.epochs[k] for k in within]) if part]
    found = []
    for part in parts:
        places = tuple(within[k] for k in part)
        first, last = one.epochs[places[0]], one.epochs[places[-1]]
        found.append(_summary(run, f"{one.quantity}, {_span(first, last)}", one, places, log=log))
    if len(within) >= ROUGH:
        found.append(_summary(run, f"{one.quantity}, roughness", one, tuple(within), rough=True, log=log))
    return found


def _segments(epochs: Sequence[int]) -> list[list[int]]:
    """Return the places of early, middle and late epochs, cut at equal ratios of their numbers; few, one by one."""
    if not epochs or epochs[0] < 0 or epochs[-1] < 2 * epochs[0]:
        return [list(range(len(epochs)))]
    if len(epochs) <= SEGMENTS:
        return [[place] for place in range(len(epochs))]
    edges = np.geomspace(epochs[0], epochs[-1], SEGMENTS + 1)
    which = np.clip(
        np.searchsorted(edges, np.asarray(epochs, dtype=float), side="right") - 1, 0, SEGMENTS - 1
    )
    return [np.flatnonzero(which == k).tolist() for k in range(SEGMENTS)]


def _span(first: int, last: int) -> str:
    if last < 0:
        return f"last {-first} epochs" if first != last else f"epoch {last} from the end"
    return f"epoch {first:,}" if first == last else f"epochs {first:,} to {last:,}"


def _summary(
    run: str, quantity: str, of: Published, places: tuple[int, ...], *, rough: bool = False, log: bool = False
) -> Summary:
    points = np.array([of.values[k] for k in places] or of.values)
    value = _number(points, of.half, rough=rough, log=log)
    one = of.half**2 / 3 / len(points) / (float(np.exp(np.mean(np.log(points)))) ** 2 if log else 1.0)
    more = 2 * one / math.exp(2 * value) if rough else one
    return Summary(run, quantity, of, places, rough, log, value, more)


def _number(points: np.ndarray, half: float, *, rough: bool, log: bool) -> float:
    """Return the mean of points, or the logarithm of the root mean square of their differences; NaN if one is none."""
    if not np.isfinite(points).all():
        return math.nan
    values = np.log(np.maximum(points, half)) if log else points
    if not rough:
        return float(np.mean(values))
    least = half / float(np.mean(np.maximum(points, half))) if log else half
    return 0.5 * math.log(max(float(np.mean(np.diff(values) ** 2)), least**2))


def _points(run: Run, of: Published, places: Sequence[int]) -> np.ndarray:
    """Return the values of a run at the epochs of a curve; NaN where it had stopped before."""
    history = run.history
    column, epoch = history.get(of.source), history.get("epoch")
    if column is None or epoch is None or not len(column):
        return np.full(len(places), math.nan)
    wanted = np.array([of.epochs[k] for k in places])
    wanted = np.where(wanted < 0, len(column) + wanted, wanted - 1)
    inside = (wanted >= 0) & (wanted < len(column))
    return np.where(inside, column[np.clip(wanted, 0, len(column) - 1)], math.nan)
