"""Importance of the hyperparameters: the share of the variance between trials that each explains."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mlexp import metrics
from mlexp.config.rules import is_number
from mlexp.stats.outliers import without_outliers
from mlexp.store.result import Columns
from mlexp.tuning.space import Axis, Setting, Space, canonical, shown
from mlexp.tuning.trials import Trial

LEVELS = 16  # equal parts of a range, each by its middle
BACKGROUND = 512  # settings that a surrogate is averaged over


def importance(space: Space, trials: Sequence[Trial], metric: str) -> Columns:
    """Return the share of the variance of the score that each key explains by itself, the largest first.

    For key k with values v, ``Var_v( E[score | k = v] ) / Var(score)``: the first-order term of the functional
    analysis of variance (Sobol's index). The remainder to 1 is due to interactions. Where every
    setting of a finite space has a score, E is the plain mean over its trials; elsewhere a random forest fitted to
    the trials stands in for the score, and E is its mean over the space. Scores far worse than the rest (a training
    that blew up) are clipped at Tukey's fence; otherwise they would dominate the variance.

    Parameters
    ----------
    space : what was searched
    trials : with a score; halving is taken at its first rung, where all settings have trained equally long
    metric : name of the score

    Returns
    -------
    Columns
        key, importance (in [0, 1]), best_value (of the best mean score), best_mean, worst_mean, method (exact or
        forest). Empty if there are fewer than two trials or all scores are equal.

    Sources: Sobol (1993), Mathematical Modelling and Computational Experiments 1, 407-414; Hutter, Hoos and
    Leyton-Brown (2014), "An efficient approach for assessing hyperparameter importance", ICML, who fit a forest too.
    """
    if len(trials) < 2 or len({trial.score for trial in trials}) < 2:
        return {}
    scores = without_outliers(
        np.array([trial.score for trial in trials]), low=metrics.metric(metric).higher_is_better
    )
    rows = [encoded(space, trial.setting) for trial in trials]
    settings = space.grid if space.finite else []
    exact = len(settings) == len(trials) and {canonical(one) for one in settings} == {
        canonical(trial.setting) for trial in trials
    }
    if exact:
        background, predicted, ask = np.array(rows), scores, None
    else:
        background = np.array([encoded(space, setting) for setting in _background(space, settings)])
        ask = _surrogate(np.array(rows), scores)
        predicted = ask(background)
    found: list[dict[str, Any]] = []
    for place, axis in enumerate(space.axes):
        levels = _levels(axis) if ask else sorted(set(background[:, place]))
        means, weights = _means(background, predicted, place, levels, ask)
        share = float(np.average(np.square(means - np.average(means, weights=weights)), weights=weights))
        best = int(np.argmax(metrics.metric(metric).sign * np.array(means)))
        worst = int(np.argmin(metrics.metric(metric).sign * np.array(means)))
        found.append(
            {
                "key": axis.key,
                "importance": share,
                "best_value": _decoded(axis, levels[best]),
                "best_mean": float(means[best]),
                "worst_mean": float(means[worst]),
                "method": "forest" if ask else "exact",
            }
        )
    # a forest's means are over even levels, its variance over random settings: the parts never exceed the whole
    whole = max(float(predicted.var()), sum(row["importance"] for row in found)) or 1.0
    found = sorted(
        (row | {"importance": row["importance"] / whole} for row in found), key=lambda row: -row["importance"]
    )
    return {name: [row[name] for row in found] for name in found[0]}


def encoded(space: Space, setting: Setting) -> list[float]:
    """Return a setting as numbers: the place of a listed value, the share of the way in a range, -1 where idle."""
    return [_code(axis, setting[axis.key]) if axis.key in setting else -1.0 for axis in space.axes]


def _code(axis: Axis, value: Any) -> float:
    if axis.values:
        return float(_ordered(axis).index(value))
    if axis.log:
        return math.log(value / axis.low) / math.log(axis.high / axis.low)
    return float((value - axis.low) / (axis.high - axis.low))


def _ordered(axis: Axis) -> list[Any]:
    """Return the values of a key in a meaningful order: numbers by size."""
    values = list(axis.values)
    return sorted(values) if all(map(is_number, values)) else values


def _levels(axis: Axis) -> list[float]:
    """Return where a key is looked at: every listed value, or places spread evenly over a range."""
    if axis.values:
        return [float(k) for k in range(len(axis.values))]
    if not axis.whole:
        return list((np.arange(LEVELS) + 0.5) / LEVELS)
    n_levels = min(LEVELS, round(axis.high - axis.low) + 1)
    spread = np.geomspace if axis.log else np.linspace
    return [_code(axis, value) for value in np.unique(np.round(spread(axis.low, axis.high, n_levels)))]


def _decoded(axis: Axis, level: float) -> str:
    if level < 0:
        return ""
    if axis.values:
        return shown(_ordered(axis)[int(level)])
    if not axis.whole:
        return shown(axis.at(level))
    return shown(
        round(
            axis.low * (axis.high / axis.low) ** level
            if axis.log
            else axis.low + level * (axis.high - axis.low)
        )
    )


def _means(
    background: np.ndarray, predicted: np.ndarray, place: int, levels: Sequence[float], ask: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean score with a key at each of its levels, and what each counts for."""
    if ask is None:
        at = [background[:, place] == level for level in levels]
        return np.array([predicted[one].mean() for one in at]), np.array([float(one.sum()) for one in at])
    means = []
    for level in levels:
        held = background.copy()
        held[:, place] = np.where(held[:, place] < 0, -1, level)
        means.append(float(ask(held).mean()))
    return np.array(means), np.ones(len(means))


def _background(space: Space, settings: Sequence[Setting]) -> list[Setting]:
    if settings and len(settings) <= BACKGROUND:
        return list(settings)
    return list(itertools.islice(space.draws(np.random.default_rng(0)), BACKGROUND))


def _surrogate(rows: np.ndarray, scores: np.ndarray) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(n_estimators=100, min_samples_leaf=1, random_state=0)
    return forest.fit(rows, scores).predict
