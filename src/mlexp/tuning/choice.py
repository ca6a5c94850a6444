"""Selection of a trial, and warnings about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlexp import metrics
from mlexp.config.rules import is_number
from mlexp.config.schema import Config, declared
from mlexp.tuning.space import Axis, Space, shown
from mlexp.tuning.trials import Trial

TIE_RULE = (
    "best validation score; among ties the smaller model (fewer parameters, fewer trees, shallower trees, fewer "
    "components), then the first one tried"
)
SAME = 1e-12  # scores that differ by less are equal
SIZES = ("model.params.n_estimators", "model.params.max_iter", "model.params.max_depth")


def ranked(trials: Sequence[Trial], metric: str) -> list[Trial]:
    """Return the trials that have a score, the best first, ties broken by `TIE_RULE`.

    Trials with a larger resource (halving) come before those that were given up earlier; pruned ones come last.
    """
    sign = -metrics.metric(metric).sign
    scored = [trial for trial in trials if math.isfinite(trial.score)]
    return sorted(
        scored,
        key=lambda one: (
            one.status == "pruned",
            -(one.resource or 0),
            round(sign * one.score / SAME),
            _size(one),
            one.number,
        ),
    )


def tied(best: Trial, trials: Sequence[Trial]) -> int:
    """Return how many trials have the score of the best one, itself included."""
    same = [one for one in trials if one.resource == best.resource and abs(one.score - best.score) < SAME]
    return len([one for one in same if one.status == best.status])


def _size(trial: Trial) -> tuple[float, ...]:
    """Return the sizes of a model for comparison: null means no limit, and an unknown size counts as large."""

    def number(key: str) -> float:
        if key not in trial.setting:
            return 0.0
        value: Any = trial.setting[key]
        return float(value) if is_number(value) else math.inf

    parameters = math.inf if trial.n_parameters is None else float(trial.n_parameters)
    components = math.inf if trial.components is None else float(trial.components)
    return (parameters, *map(number, SIZES), components)


@dataclass(frozen=True)
class Edge:
    """A selected number at the edge of its space, beyond which there may be a better one.

    Attributes
    ----------
    key, value : the selected value
    end : smallest or largest
    """

    key: str
    value: float
    end: str

    @property
    def words(self) -> str:
        """Return a warning."""
        way = "smaller" if self.end == "smallest" else "larger"
        chosen = f"{self.key}={shown(self.value)}"
        return (
            f"The selected {chosen} is the {self.end} value of the search space: a {way} one may be better."
        )


def edges(space: Space, best: Trial) -> list[Edge]:
    """Return the selected numbers at an edge of the space, except natural bounds.

    A momentum of 0, a count of 1 and whatever else its key allows nothing beyond is not an edge.
    """
    found = []
    for axis in space.axes:
        value = best.setting.get(axis.key)
        ends = _ends(axis)
        if ends and is_number(value) and value in ends:
            end = "smallest" if value == ends[0] else "largest"
            if _allowed_beyond(axis.key, value, -1 if end == "smallest" else 1):
                found.append(Edge(axis.key, value, end))
    return found


def _allowed_beyond(key: str, value: float, way: int) -> bool:
    whole = isinstance(value, int)
    beyond = value + way if whole else value + way * max(1e-6 * abs(value), 1e-12)
    if key in declared():
        return bool(declared()[key].metadata["rule"].accepts(beyond))
    return not (whole and beyond < 1)  # scikit-learn's counts begin at 1


def _ends(axis: Axis) -> tuple[float, float] | None:
    numbers = [value for value in axis.values if is_number(value)] if axis.values else [axis.low, axis.high]
    if len(numbers) < max(3, len(axis.values)):
        return None if axis.values else (axis.low, axis.high)
    if axis.key == "prepare.pca" and min(numbers) < 1 <= max(numbers):  # shares of the variance, and counts
        return None
    return min(numbers), max(numbers)


def overtaken(config: Config, trials: Sequence[Trial]) -> list[str]:
    """Return a warning if trials have no score."""
    lost = [trial for trial in trials if not math.isfinite(trial.score)]
    if not lost:
        return []
    words = lost[0].problem or lost[0].status
    return [f"{len(lost)} of {len(trials)} trials have no score; trial {lost[0].number}: {words}"]
