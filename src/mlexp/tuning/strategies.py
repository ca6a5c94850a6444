"""Which settings are tried, and for how long: all of them, some at random, or the best of each round for longer."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mlexp.config.names import ENGINE_MODELS
from mlexp.config.schema import Config
from mlexp.errors import ConfigError
from mlexp.tuning.choice import ranked
from mlexp.tuning.space import Setting, Space, canonical
from mlexp.tuning.trials import Trial, Trials, carried
from mlexp.tuning.warm_start import counted

DEFAULT_BUDGET = 24  # trials
MOST_DRAWS = 200  # for each trial wanted, before a space is taken to be used up
Search = Callable[[Space, Trials], list[Trial]]


def settings(space: Space) -> list[Setting]:
    """Return the settings that a grid, a random search or the first rung of halving tries.

    Raises
    ------
    ConfigError
        If a grid holds more settings than `tune.budget` allows.
    """
    tune = space.config.tune
    if tune.strategy == "grid":
        every = space.grid
        if tune.budget is not None and tune.budget < len(every):
            raise ConfigError(
                f"tune=grid tries all {len(every)} settings of the space, tune.budget allows {tune.budget}. Set "
                "tune=random, or tune.budget=null."
            )
        return every
    wanted = budget(space)
    if space.finite and wanted >= len(space.grid):
        return space.grid
    draws = space.draws(np.random.default_rng(space.config.seed))
    found: dict[str, Setting] = {}
    for setting in itertools.islice(draws, wanted * MOST_DRAWS):
        found.setdefault(canonical(setting), setting)
        if len(found) == wanted:
            break
    return list(found.values())


def budget(space: Space) -> int:
    """Return the number of settings to try."""
    tune = space.config.tune
    if not space.finite:
        return tune.budget or DEFAULT_BUDGET
    whole = len(space.grid)
    if tune.budget is not None:
        return min(tune.budget, whole)
    return whole if tune.strategy in ("grid", "halving") else max(2, math.ceil(whole / 2))


def all_at_once(space: Space, trials: Trials) -> list[Trial]:
    """Try every setting for as long as it takes: grid and random search."""
    return trials.run(settings(space), longest(space.config))


def halving(space: Space, trials: Trials) -> list[Trial]:
    """Try all settings for a few epochs, the best ``1 / eta`` of them for eta times as many, and so on.

    Rung i of s, from 0, trains ``n / eta^i`` settings for ``R / eta^(s-1-i)`` epochs, each from scratch; R is the
    maximum number of epochs of a trial. A setting that stopped early, before the end of its rung, is not trained
    again. The resource of forests is their number of trees.

    Sources: Jamieson and Talwalkar (2016), "Non-stochastic best arm identification and hyperparameter
    optimization", AISTATS, arXiv:1502.07943. Their budget is n R; here R is given and the rungs follow from it.
    """
    config, eta = space.config, space.config.tune.eta
    key, most = resource(config)
    trying = settings(space)
    n_rungs = 1 + min(_whole_log(len(trying), eta), _whole_log(most, eta))
    found: dict[int, Trial] = {}
    left: list[Trial] = []
    for rung in range(n_rungs):
        share = max(1, round(most / eta ** (n_rungs - 1 - rung)))
        if rung == 0:
            begun = trials.run(trying, {key: share}, grow=False)
            done = [replace(one, first_score=one.score) for one in begun]
        else:
            kept = max(1, len(trying) // eta**rung)
            going = sorted(ranked(left, trials.metric)[:kept], key=lambda trial: trial.number)
            before = round(most / eta ** (n_rungs - rung))
            ended = [one for one in going if _stopped_by_itself(one, before, config)]
            again = [one for one in going if one not in ended]
            new = trials.run([one.setting for one in again], {key: share}, grow=False) if again else []
            done = [*ended, *(carried(one, earlier) for one, earlier in zip(new, again, strict=True))]
        left = [replace(one, resource=share) for one in done]
        found |= {one.number: one for one in left}
    return [found[number] for number in sorted(found)]


def resource(config: Config) -> tuple[str, int]:
    """Return the key of the resource of halving, and its largest value.

    Raises
    ------
    ConfigError
        If the model has neither epochs nor trees.
    """
    if config.model.name in (*ENGINE_MODELS, "sklearn_mlp"):
        return "model.epochs", config.tune.epochs or config.model.epochs
    key = counted(config)
    if key is None:
        raise ConfigError(
            f"tune=halving needs epochs or trees as its resource, but model={config.model.name} has neither. Set "
            "tune=random or "
            "tune=grid."
        )
    return key, int(config.model.params.get(key.rpartition(".")[2], 100))


def longest(config: Config) -> dict[str, int]:
    """Return the change that limits the epochs of a trial."""
    return {"model.epochs": config.tune.epochs} if config.tune.epochs else {}


def _stopped_by_itself(trial: Trial, epochs: int, config: Config) -> bool:
    """Return whether early stopping ended a trial: more epochs would give the same numbers."""
    if not trial.best_epochs or config.model.patience is None:
        return False
    if config.model.schedule == "cosine" and config.model.schedule_options.epochs is None:
        return False  # the rate falls over the epochs of a trial: with more of them it falls more slowly
    return trial.status == "completed" and max(trial.best_epochs) + config.model.patience <= epochs


def _whole_log(number: int, base: int) -> int:
    """Return the largest power of the base that the number holds.

    Examples
    --------
    >>> _whole_log(24, 3), _whole_log(27, 3), _whole_log(2, 3)
    (2, 3, 0)
    """
    power = 0
    while number >= base ** (power + 1):
        power += 1
    return power
