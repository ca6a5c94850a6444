"""Run settings as jobs of a sweep, and read their run folders as trials with a score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlexp.config.combinations import Combination
from mlexp.config.schema import Config
from mlexp.config.search import Tune
from mlexp.errors import Interrupted
from mlexp.store import Run
from mlexp.sweeps.rounds import Rounds
from mlexp.tuning.space import Setting, Space, canonical, shown
from mlexp.tuning.warm_start import counted

FOLDER = "trials"
SETS = ("train", "validation")
READ_BY = (
    "accuracy", "macro_precision", "macro_recall", "macro_f1", "weighted_precision", "weighted_recall", "weighted_f1",
    "r2", "mse", "mae",
)  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """The outcome of one setting.

    Attributes
    ----------
    number : place in the search, from 1
    status : completed, pruned (stopped as hopeless), diverged or failed
    score, train : metric on the validation and the training set, mean over folds; NaN if there is none
    folds : the score of each fold
    epochs : epochs trained, summed over folds and over earlier rungs; None for models without
    best_epochs : the best epoch of each fold
    resource, first_score : halving: epochs (or trees) at most in its last rung; the score after its first
    seconds : of all its jobs; the time of a warm-started forest is shared out by size
    n_parameters : of a network
    components : principal components that the preparation kept, most of all folds; None without
    folders : run folders of its jobs, within the run folder
    scores : set_metric -> value, mean over folds, of the metrics that a grid of settings is read by
    grown : position among the sizes of a warm-started forest
    """

    number: int
    setting: Setting
    status: str
    score: float = math.nan
    train: float = math.nan
    folds: tuple[float, ...] = ()
    epochs: int | None = None
    best_epochs: tuple[int, ...] = ()
    resource: int | None = None
    first_score: float = math.nan
    seconds: float = 0.0
    n_parameters: int | None = None
    components: int | None = None
    folders: tuple[str, ...] = ()
    grown: int | None = None
    problem: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)


class Trials:
    """Runs settings, each on every fold, with the test set held out."""

    def __init__(self, space: Space, metric: str, rounds: Rounds) -> None:
        self.space, self.metric, self.rounds = space, metric, rounds
        self.n_trials = 0

    def run(
        self, settings: Sequence[Setting], changes: Mapping[str, Any] | None = None, *, grow: bool = True
    ) -> list[Trial]:
        """Run settings, with some more keys changed in all of them, and return a trial for each.

        Raises
        ------
        Interrupted
            If the search was asked to stop; finished jobs are kept.
        """
        groups = _grouped(self.space, settings) if grow else [[place] for place in range(len(settings))]
        jobs = [
            (group, self._job([settings[place] for place in group], fold, changes or {}))
            for group in groups
            for fold in _folds(self.space.config)
        ]
        rows = self.rounds.run([job for _, job in jobs])
        if any(row["status"] in ("left", "interrupted") for row in rows):
            raise Interrupted("Stopped in the middle of the search.")
        of_each: dict[int, list[Mapping[str, Any]]] = {}
        for (group, _), row in zip(jobs, rows, strict=True):
            for place in group:
                of_each.setdefault(place, []).append(row | {"group": group})
        self.n_trials += len(settings)
        return [
            self._trial(self.n_trials - len(settings) + place + 1, setting, of_each[place])
            for place, setting in enumerate(settings)
        ]

    def _job(self, settings: Sequence[Setting], fold: str | None, changes: Mapping[str, Any]) -> Combination:
        """Return the job of a setting; one for several that differ in the size of their forest alone."""
        own = dict(settings[-1])
        config = self.space.config
        tune = Tune(give_up=changes.get("tune.give_up", []))
        if len(settings) > 1:
            count = counted(config, own)
            assert count is not None
            sizes = sorted(setting[count] for setting in settings)
            own, tune = own | {count: sizes[-1]}, replace(tune, grow=sizes)
        held = {"split.judge": False} | ({"split.validation": fold} if fold else {})
        configured = self.space.configured(own, dict(changes) | held)
        swept = {key: shown(own[key]) if key in own else "" for key in self.space.keys}
        if config.tune.strategy == "halving":
            swept |= {key: shown(value) for key, value in changes.items()}
        swept |= {"fold": fold} if fold else {}
        return Combination(swept, replace(configured, tune=tune, figures=False))

    def _trial(self, number: int, setting: Setting, rows: Sequence[Mapping[str, Any]]) -> Trial:
        """Return the trial of a setting from its jobs, one per fold."""
        folders = tuple(f"{FOLDER}/{row['folder']}" for row in rows if row["folder"])
        group = rows[0]["group"]
        count = counted(self.space.config, setting) if len(group) > 1 else None
        found = [
            _measured(self.rounds.place, row, self.metric, setting[count] if count else None) for row in rows
        ]
        bad = next((row for row in rows if row["status"] != "completed"), None)
        facts = [one["facts"] for one in found if "facts" in one]
        epochs = [one["epochs"] for one in facts if "epochs" in one]
        trial = Trial(
            number,
            setting,
            str(bad["status"]) if bad else "completed",
            epochs=sum(epochs) if epochs else None,
            best_epochs=tuple(one["best_epoch"] for one in facts if "best_epoch" in one),
            seconds=sum(float(row["seconds"] or 0) for row in rows) * _share(setting, count, found),
            n_parameters=next((one["n_parameters"] for one in facts if "n_parameters" in one), None),
            components=max((one["components"] for one in found if "components" in one), default=None),
            folders=folders,
            grown=found[0].get("grown") if count else None,
            problem=str(bad["problem"]) if bad else "",
        )
        if bad:
            return trial
        scores = tuple(one["score"] for one in found)
        if not np.isfinite(scores).all():
            return replace(trial, status="failed", problem=f"it records no validation {self.metric}")
        pruned = any(one.get("stopped") == "hopeless" for one in facts)
        return replace(
            trial,
            status="pruned" if pruned else "completed",
            score=float(np.mean(scores)),
            train=float(np.mean([one["train"] for one in found])),
            folds=scores,
            scores={
                name: float(np.mean([one["scores"][name] for one in found]))
                for name in found[0]["scores"]
                if all(name in one["scores"] for one in found)
            },
        )


def carried(trial: Trial, earlier: Trial) -> Trial:
    """Return a trial of a later rung under the number of the setting, with the epochs of its earlier rungs."""
    both = [one.epochs for one in (trial, earlier) if one.epochs is not None]
    return replace(
        trial,
        number=earlier.number,
        first_score=earlier.first_score,
        epochs=sum(both) if both else None,
        seconds=trial.seconds + earlier.seconds,
    )


def _folds(config: Config) -> list[str | None]:
    folds = config.tune.folds
    return [f"{fold}/{folds}" for fold in range(1, folds + 1)] if folds else [None]


def _grouped(space: Space, settings: Sequence[Setting]) -> list[list[int]]:
    """Return the places of settings that differ in nothing but the size of a forest together."""
    groups: dict[str, list[int]] = {}
    for place, setting in enumerate(settings):
        count = counted(space.config, setting)
        rest = {key: value for key, value in setting.items() if key != count}
        name = canonical(rest) if count else canonical(setting | {"place": place})
        groups.setdefault(name, []).append(place)
    return list(groups.values())


def _measured(place: Path, row: Mapping[str, Any], metric: str, size: int | None) -> dict[str, Any]:
    """Return the results of a job for a setting: score, training score, facts."""
    if not row["folder"]:
        return {}
    run = Run(place / row["folder"])
    found: dict[str, Any] = {"facts": run.info["facts"]}
    if kept := run.info["preparation"].get("pca"):
        found["components"] = kept["components"]
    if size is None or "grown" not in run.tables:
        scores = {
            f"{part}_{name}": value for part in SETS for name, value in run.metrics.get(part, {}).items()
        }
        return found | _scored(scores, metric)
    table = run.tables["grown"]
    sizes = [int(cell) for cell in table["size"]]
    at = sizes.index(size)
    scores = {name: float(cells[at]) for name, cells in table.items() if name != "size" and cells[at]}
    return found | _scored(scores, metric) | {"grown": at, "sizes": sizes}


def _scored(scores: Mapping[str, float | None], metric: str) -> dict[str, Any]:
    """Return the score that selects, that on the training set, and those of `READ_BY` on both."""
    known = {name: value for name, value in scores.items() if value is not None}
    return {
        "score": known.get(f"validation_{metric}", math.nan),
        "train": known.get(f"train_{metric}", math.nan),
        "scores": {
            name: float(known[name]) for part in SETS for one in READ_BY if (name := f"{part}_{one}") in known
        },
    }


def _share(setting: Setting, count: str | None, found: Sequence[Mapping[str, Any]]) -> float:
    """Return which share of the seconds of a shared job a setting bears: that of its size."""
    sizes = found[0].get("sizes")
    return float(setting[count] / sum(sizes)) if count and sizes else 1.0


def rows_of(trials: Sequence[Trial], space: Space, metric: str) -> dict[str, list[Any]]:
    """Return `tuning.csv`: one row a trial; empty cells are keys that do not apply, and scores there are none of."""

    def cells(values: Sequence[float]) -> list[Any]:
        return [value if math.isfinite(value) else "" for value in values]

    columns: dict[str, list[Any]] = {"number": [trial.number for trial in trials]}
    for key in space.keys:
        columns[key] = [shown(one.setting[key]) if key in one.setting else "" for one in trials]
    columns[f"train_{metric}"] = cells([trial.train for trial in trials])
    columns[f"validation_{metric}"] = cells([trial.score for trial in trials])
    if space.config.tune.folds:
        spread = [float(np.std(one.folds, ddof=1)) if one.folds else math.nan for one in trials]
        columns["sd_over_folds"] = cells(spread)
    if any(trial.resource is not None for trial in trials):
        columns["rung"] = [trial.resource for trial in trials]
    columns["epochs"] = ["" if trial.epochs is None else trial.epochs for trial in trials]
    columns["seconds"] = [round(trial.seconds, 3) for trial in trials]
    columns["status"] = [trial.status for trial in trials]
    columns["folder"] = [trial.folders[0] if trial.folders else "" for trial in trials]
    columns["problem"] = [trial.problem for trial in trials]
    for name in dict.fromkeys(name for trial in trials for name in trial.scores):
        if name not in columns:
            columns[name] = cells([trial.scores.get(name, math.nan) for trial in trials])
    return columns


def plain(trial: Trial) -> dict[str, Any]:
    """Return a trial as JSON holds it."""
    return {name: value for name, value in asdict(trial).items() if value is not None}
