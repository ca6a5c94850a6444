"""Settings proposed by Optuna's tree-structured Parzen estimator from the trials before them.

What repeats: the same seed, space and `tune.batch` give the same proposals, whatever the number of workers, and a
resumed search equals an uninterrupted one. Every proposal has a random generator of its own, seeded by its
number; a batch is proposed in order, run, and reported in order. What does not: searches that share a journal, because
what they know of each other depends on timing.

Source: Bergstra, Bardenet, Bengio and Kegl (2011), "Algorithms for hyper-parameter optimization", NeurIPS 24; pruning
by the median as in Golovin et al. (2017), "Google Vizier", KDD, doi:10.1145/3097983.3098043.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from filelock import lock_descriptor

from mlexp import metrics
from mlexp.config import recorded
from mlexp.config.rules import is_number
from mlexp.config.schema import Config
from mlexp.config.search import Tune
from mlexp.errors import ConfigError, optional
from mlexp.store import Run, files
from mlexp.tuning.space import Axis, Setting, Space, canonical
from mlexp.tuning.strategies import budget, longest
from mlexp.tuning.trials import Trial, Trials

JOURNAL = "tune.journal"
OWNER = "tune.owner"  # beside a run whose journal lies elsewhere
STARTUP = 5  # trials before anything is pruned, or learnt from
ASKED = 10  # proposals in a row that were tried before, after which one is drawn from what is left
SECONDS_BETWEEN_TRIES = 0.005  # to write in a journal that another process writes in
CHECKPOINTS = (9, 3)  # parts of the epochs after which the median decides


def bayes(space: Space, trials: Trials) -> list[Trial]:
    """Propose and try settings, `tune.batch` at a time, until the budget is used up."""
    config = space.config
    study = JournalStudy(space, trials.metric, trials.rounds.place.parent)
    wanted = budget(space)
    found: list[Trial] = []
    while batch := study.propose(config.tune.batch, wanted):
        limits = _limits(trials.rounds.place.parent, found, config.tune.epochs or config.model.epochs)
        changes: dict[str, Any] = dict(longest(config))
        if config.tune.prune and limits:
            changes["tune.give_up"] = limits
        tried = trials.run([setting for _, setting in batch], changes)
        found += tried
        for (number, _), trial in zip(batch, tried, strict=True):
            study.tell(number, trial)
    return found + study.elsewhere(len(found))


def _limits(place: Path, trials: Sequence[Trial], epochs: int) -> list[list[float]]:
    """Return (epoch, loss): the median validation loss of the trials so far, early and later in their training."""
    limits = []
    for part in CHECKPOINTS:
        epoch = max(1, round(epochs / part))
        losses = []
        for trial in trials:
            history = Run(place / trial.folders[0]).history if trial.folders else {}
            at = np.flatnonzero(history.get("epoch", np.zeros(0)) == epoch)
            if at.size and "validation_loss" in history:
                losses.append(float(history["validation_loss"][at[0]]))
        if len(losses) >= STARTUP:
            limits.append([epoch, float(np.median(losses))])
    return limits


class JournalStudy:
    """Optuna's study in its journal, which other processes may share."""

    def __init__(self, space: Space, metric: str, place: Path) -> None:
        self.optuna = optuna_imported()
        self.space, self.place = space, place
        self.sign = metrics.metric(metric).sign
        path = Path(space.config.tune.journal or place / JOURNAL)
        with _usable(path):
            self.study = self._opened(path, metric)
        self._discard_halves(is_shared=bool(space.config.tune.journal))
        self.batches = self._proposed_before()
        self.n_batches = 0

    def _opened(self, path: Path, metric: str) -> Any:
        """Return the study of this search in a journal, where searches of something else may stand beside it."""
        storages = self.optuna.storages
        return self.optuna.create_study(
            storage=storages.JournalStorage(
                storages.journal.JournalFileBackend(str(path), JournalLock(path))
            ),
            study_name=f"{metric} {self._asked()}",
            direction="maximize",
            load_if_exists=True,
        )

    def n_trials(self) -> int:
        """Return how many trials there are, in this process and in others, settings proposed twice left out."""
        return len(self._kept())

    def propose(self, size: int, wanted: int) -> list[tuple[int, Setting]]:
        """Return the next batch with the numbers of its settings: as a killed process proposed it, or new ones.

        Only its last batch may have been cut short; that one is filled up. Nothing is proposed beyond `wanted`
        trials in all, nor where a finite space is used up.
        """
        batch = self.batches.get(self.n_batches, [])
        is_last = self.n_batches + 1 >= len(self.batches)
        while is_last and len(batch) < size and self.n_trials() < wanted:
            if self._repeats() >= ASKED and not self._suggest_untried():
                break
            number, setting = self._ask()
            if canonical(setting) in self._known(without=number):
                self.study.tell(number, state=self.optuna.trial.TrialState.FAIL)
            else:
                batch.append((number, setting))
        self.n_batches += 1
        return batch

    def _suggest_untried(self) -> bool:
        """Enqueue a random untried setting as the next proposal; return False if there is none."""
        if self.study.get_trials(deepcopy=False, states=(self.optuna.trial.TrialState.WAITING,)):
            return True  # a killed process drew it
        known = self._known()
        left = [one for one in self.space.grid if canonical(one) not in known] if self.space.finite else []
        if left:
            rng = np.random.default_rng([self.space.config.seed, len(self._proposed())])
            setting = left[rng.integers(len(left))]
            axes = {axis.key: axis for axis in self.space.axes}
            self.study.enqueue_trial({key: _code(axes[key], value) for key, value in setting.items()})
        return bool(left)

    def tell(self, number: int, trial: Trial) -> None:
        """Record the outcome of a proposal; one without a score counts as tried and as bad."""
        state = self.optuna.trial.TrialState
        kept = self.study.trials[number]
        if kept.state.is_finished():
            return
        self.optuna.trial.Trial(self.study, kept._trial_id).set_user_attr("best_epochs", trial.best_epochs)
        if math.isfinite(trial.score):
            self.study.tell(number, self.sign * trial.score)
        else:
            self.study.tell(number, state=state.PRUNED)

    def elsewhere(self, n_found: int) -> list[Trial]:
        """Return the trials of other processes that share the journal: their settings and scores."""
        others = [
            one
            for one in self._kept()
            if one.state.name == "COMPLETE" and one.user_attrs["by"][0] != self._name
        ]
        return [
            Trial(
                n_found + place,
                json.loads(one.user_attrs["setting"]),
                "elsewhere",
                self.sign * one.value,
                best_epochs=tuple(one.user_attrs.get("best_epochs", ())),
            )
            for place, one in enumerate(others, 1)
        ]

    def _asked(self) -> str:
        """Return a name for what is searched and how it is scored: what searches share that share a journal.

        The data count by their content, for a file may lie elsewhere on another machine. The varied keys do not
        count: once something is chosen, the configuration of the run folder holds that.
        """
        config = self.space.config
        node = replace(config.tune, budget=None, journal=None, batch=Tune().batch, prune=Tune().prune)
        code = recorded.config_hash(replace(config, seed=0, tune=node), without=self.space.keys)
        info = Run(self.place).info if Run.is_at(self.place) else {}
        return f"{code} {info.get('dataset', {}).get('fingerprint', '')[:8]}".strip()

    @cached_property
    def _name(self) -> str:
        """By what proposals of this run folder are known; in a shared journal two folders may bear one name."""
        if not self.space.config.tune.journal:
            return self.place.name
        path = self.place / OWNER
        if not path.exists():
            files.write_bytes(path, uuid.uuid4().hex.encode())
        return path.read_text()

    def _ask(self) -> tuple[int, Setting]:
        """Propose a setting with a generator that depends on the seed and on its place among the proposals."""
        entropy = [self.space.config.seed, len(self._proposed())]
        seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
        startup = min(10, max(STARTUP - 1, budget(self.space) // 3))
        self.study.sampler = self.optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup)
        trial = self.study.ask()
        setting: Setting = {}
        for axis in self.space.axes:
            if self.space.holds(axis, setting):
                setting[axis.key] = _suggested(trial, axis)
        trial.set_user_attr("by", [self._name, self.n_batches])
        trial.set_user_attr("setting", json.dumps(setting))  # last: with it the proposal counts
        return trial.number, setting

    def _proposed(self) -> list[Any]:
        """Return every proposal that was written down whole, repeats too, of this process and of others."""
        return [one for one in self.study.get_trials(deepcopy=False) if "setting" in one.user_attrs]

    def _kept(self) -> list[Any]:
        """Return the proposals that were taken up, of this process and of others."""
        return [one for one in self._proposed() if one.state.name != "FAIL"]

    def _repeats(self) -> int:
        """Return how many of the last proposals in a row had been tried before."""
        latest = reversed(self._proposed())
        return sum(1 for _ in itertools.takewhile(lambda one: one.state.name == "FAIL", latest))

    def _known(self, without: int | None = None) -> set[str]:
        kept = [one for one in self._kept() if one.number != without]
        return {canonical(json.loads(one.user_attrs["setting"])) for one in kept}

    def _discard_halves(self, *, is_shared: bool) -> None:
        """Give up what a killed process had begun to propose: without a setting yet, or not yet known as a repeat."""
        seen: set[str] = set()
        for one in self.study.get_trials(deepcopy=False):
            owner = one.user_attrs.get("by", [None if is_shared else self._name])[0]
            setting = one.user_attrs.get("setting")
            name = canonical(json.loads(setting)) if setting else None
            if one.state.name == "RUNNING" and owner == self._name and (name is None or name in seen):
                self.study.tell(one.number, state=self.optuna.trial.TrialState.FAIL)
            elif name and one.state.name != "FAIL":
                seen.add(name)

    def _proposed_before(self) -> dict[int, list[tuple[int, Setting]]]:
        """Return the batches that an earlier process proposed in this run folder."""
        batches: dict[int, list[tuple[int, Setting]]] = {}
        for one in self._kept():
            name, batch = one.user_attrs["by"]
            if name == self._name:
                batches.setdefault(batch, []).append((one.number, json.loads(one.user_attrs["setting"])))
        return batches


class JournalLock:
    """Holds the journal while a line is written; unlike Optuna's own locks it does not outlive a killed process."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, -1

    def acquire(self) -> bool:
        """Wait until no one else writes."""
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT)
        lock_descriptor(self._file, poll_interval=SECONDS_BETWEEN_TRIES)
        return True

    def release(self) -> None:
        """Let the others write."""
        os.close(self._file)


def _suggested(trial: Any, axis: Axis) -> Any:
    """Have Optuna propose a value: of numbers it knows the order, of other values nothing but that they differ."""
    if not axis.values:
        if axis.whole:
            return trial.suggest_int(axis.key, int(axis.low), int(axis.high), log=axis.log)
        return axis.rounded(trial.suggest_float(axis.key, axis.low, axis.high, log=axis.log))
    if all(map(is_number, axis.values)):
        return sorted(axis.values)[trial.suggest_int(axis.key, 0, len(axis.values) - 1)]
    return json.loads(trial.suggest_categorical(axis.key, [json.dumps(value) for value in axis.values]))


def _code(axis: Axis, value: Any) -> Any:
    """Return a listed value as Optuna knows it."""
    return sorted(axis.values).index(value) if all(map(is_number, axis.values)) else json.dumps(value)


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    """Make the folder of a journal, look whether it is one, and say so of errors while it is opened."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a+", encoding="utf-8") as file:
            file.seek(0)
            if (first := file.readline()) and '"op_code"' not in first:
                raise ValueError("it is another kind of file")
        yield
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"tune.journal={path} cannot be used as a journal: {error}. Name a new file in a writable folder."
        ) from error


def check_journal(config: Config) -> None:
    """Refuse a shared journal that cannot be one, before a folder is made for the search."""
    if config.tune.strategy == "bayes" and config.tune.journal:
        with _usable(Path(config.tune.journal)):
            pass


def optuna_imported() -> Any:
    """Return Optuna, which is imported here alone.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    optuna = optional("optuna", "tune=bayes", "optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
