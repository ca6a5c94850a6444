"""What a sweep found: its completed jobs by setting, and the values of its keys in the order of an axis."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mlexp import metrics
from mlexp.page.scores import score, spread
from mlexp.stats.outliers import without_outliers
from mlexp.store import Sweep
from mlexp.store.result import by_row
from mlexp.store.sweep_folder import short

SEEDS = ("seed", "split.seed", "dataset.seed")  # repetitions of a setting, not settings
PARTS = ("split.test", "split.validation")  # so are these where they name folds, such as 2/5
MOST_LINES = 500  # more would take minutes to draw and be a grey wall
Setting = tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """The completed jobs of a sweep, grouped by setting; the jobs of a setting differ only in seeds and folds.

    Attributes
    ----------
    keys : swept keys, seeds and folds left out unless nothing else was swept
    repeated : the swept seeds and folds
    jobs : setting (one word per key) -> its rows of the summary
    measure : what is shown, such as accuracy
    parts : sets with a value of the measure, test first
    """

    task: str
    keys: tuple[str, ...]
    repeated: tuple[str, ...]
    jobs: Mapping[Setting, list[dict[str, str]]]
    measure: str
    parts: tuple[str, ...]

    def values(self, setting: Setting, part: str) -> np.ndarray:
        """Return the measure of each job of a setting."""
        return np.array([float(row[f"{part}_{self.measure}"]) for row in self.jobs[setting]])

    @property
    def choosing(self) -> str:
        """The set used for selection: validation if there is one."""
        return self.parts[-1]

    @property
    def label(self) -> str:
        """The measure in words."""
        return self.measure.replace("_", " ")

    @cached_property
    def best(self) -> Setting:
        """The setting of the best mean."""
        sign = metrics.metric(self.measure).sign
        return max(self.jobs, key=lambda setting: sign * float(self.values(setting, self.choosing).mean()))

    @property
    def drawn(self) -> list[Setting]:
        """The settings drawn as separate lines: all, or an even selection with the best."""
        step = -(-len(self.jobs) // MOST_LINES)
        return [one for place, one in enumerate(self.jobs) if place % step == 0 or one == self.best]

    @property
    def only_repeats(self) -> bool:
        """Whether nothing was swept that one would choose among."""
        return set(self.keys) <= set(self.repeated)

    @property
    def repeats(self) -> str:
        """What the runs of one setting are called."""
        folds = [key in PARTS for key in self.repeated]
        return "seeds" if not any(folds) else "folds" if all(folds) else "runs"

    def headline(self) -> str:
        """Name the best setting and its number of repeats; seeds and folds have no best."""
        if self.only_repeats:
            all_ = np.concatenate([self.values(setting, self.choosing) for setting in self.jobs])
            mean, half = score(self.measure, float(all_.mean())), spread(self.measure, half_width(all_))
            words = f"{self.choosing} {self.label} {mean} ± {half}"
            return f"{self.task}: {words} (mean and 95 % t interval of {len(all_)} {self.repeats})"
        best = self.values(self.best, self.choosing)
        named = ", ".join(f"{name} {value}" for name, value in zip(short(self.keys), self.best, strict=True))
        repeats = f", mean of {len(best)} {self.repeats}" if len(best) > 1 else ""
        value = score(self.measure, float(best.mean()))
        return f"{self.task}: best {self.choosing} {self.label} {value}{repeats}, at {named}"


def findings(sweep: Sweep) -> Findings | None:
    """Return what a sweep found; None if there is nothing to compare."""
    rows = [row for row in by_row(sweep.summary) if row["status"] == "completed"]
    swept = sweep.info["keys"]
    folds = [key for key in PARTS if key in swept and _are_folds(row[key] for row in rows)]
    repeated = tuple(key for key in swept if key in (*SEEDS, *folds))
    keys = tuple(key for key in swept if key not in repeated) or tuple(swept)
    for measure in metrics.METRICS:
        parts = tuple(
            part for part in ("test", "validation") if all(row.get(f"{part}_{measure}") for row in rows)
        )
        if parts:
            break
    jobs: dict[Setting, list[dict[str, str]]] = {}
    for row in rows:
        jobs.setdefault(tuple(row[key] for key in keys), []).append(row)
    found = Findings(sweep.info["task"], keys, repeated, jobs, measure, parts)
    return found if parts and len(jobs) > 1 else None


def _are_folds(values: Iterable[str]) -> bool:
    return all(re.fullmatch(r"\d+/\d+", value) for value in values)


def limits(values: np.ndarray, measure: str) -> tuple[float, float]:
    """Return the ends of the colours: outliers, such as a diverged training, do not compress the colour scale."""
    kept = without_outliers(values, low=metrics.metric(measure).higher_is_better)
    return float(kept.min()), float(kept.max())


def places(words: Sequence[str]) -> tuple[np.ndarray, bool]:
    """Return where values stand on an axis: numbers at themselves, words one after another."""
    try:
        return np.array([float(word) for word in words]), True
    except ValueError:
        return np.arange(len(words), dtype=float), False


def ordered(words: Sequence[str]) -> list[str]:
    """Return the values of a key in the order of an axis: numbers by size, then words as they were given."""

    def rank(word: str) -> tuple[bool, float]:
        try:
            return False, float(word)
        except ValueError:
            return True, 0.0

    return sorted(words, key=rank)


def half_width(values: np.ndarray) -> float:
    """Return half the width of the 95 % t interval of the mean; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    from scipy.special import stdtrit

    return float(stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / np.sqrt(len(values)))


def thinned(words: Sequence[Any], most: int = 12) -> Sequence[Any]:
    """Leave out names of an axis that would lie on one another."""
    step = -(-len(words) // most)
    return words[::step]
