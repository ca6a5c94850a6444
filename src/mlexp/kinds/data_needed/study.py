"""Fit a model to nested subsets of the training set, to see whether more data would help."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlexp import metrics
from mlexp.config.schema import Config, Record
from mlexp.data.dataset import Dataset
from mlexp.data.split import Part, Split
from mlexp.errors import ConfigError, DataError, Interrupted
from mlexp.kinds import score_warnings
from mlexp.kinds.data_needed.curve import last_doubling, nested_order, power_law
from mlexp.kinds.data_needed.settings import DataNeeded
from mlexp.kinds.fitting import Training, built, check_labels, fitted_to, train, unfinished
from mlexp.kinds.observer import Observer, RunPlan
from mlexp.kinds.sets import columns, filled, identified
from mlexp.metrics.regression import r2_scores
from mlexp.nn.state import DIVERGED
from mlexp.store.result import Result

MOST_SIZES = 6
FEWEST_ROWS = 10


def check(config: Config) -> None:
    """Check the model as far as possible without data."""
    _check_validation(config)
    built(_inner(config, config.dataset.target == "classes"))


def study(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Fit the model to all training samples, then to subsets of each size, and score training and validation set.

    The subsets of a repeat are nested and stratified. The test set is evaluated once, by the model of all training
    samples. A resumed run resumes the first fit and repeats the others.
    """
    check_labels(config, dataset)
    _check_validation(config)
    if dataset.n_classes == 1:
        raise DataError(f"Data set '{dataset.name}' has one class; classification needs at least two.")
    config = _inner(config, dataset.n_classes > 0)
    training = train(config, dataset, observer)
    if early := unfinished(config, training):
        return early
    sizes = chosen_sizes(config, training)
    rows: list[dict[str, Any]] = []
    found: dict[tuple[int, int], np.ndarray] = {}
    warnings: list[str] = []
    for repeat in range(config.of(DataNeeded).repeats):
        order = nested_order(
            training.raw.train.y,
            bool(training.n_classes),
            rng=np.random.default_rng([config.split.seed, repeat]),
        )
        for size in sizes:
            one = _fitted(config, dataset, training, order[:size], repeat, observer)
            if observer.stop_requested():
                raise Interrupted(
                    f"Stopped after {len(rows):,} of {len(sizes) * config.of(DataNeeded).repeats:,} fits, which "
                    "are not kept: mlexp resume repeats them."
                )
            if isinstance(one, str):
                warnings.append(f"{size:,} training samples, repeat {repeat + 1}: left out. {one}")
                continue
            scores = {name: _scores(one, getattr(one.parts, name)) for name in ("train", "validation")}
            found[size, repeat] = _validation_scores(one)
            rows.append(_row(size, repeat, scores))
    return _result(config, training, rows, found, warnings)


def chosen_sizes(config: Config, training: Training) -> list[int]:
    """Return the sizes of the training sets, ascending; the last one is all samples.

    Raises
    ------
    ConfigError
        A size is larger than the training set, or smaller than the number of classes.
    """
    n, least = len(training.raw.train), max(2, training.n_classes)
    asked = config.of(DataNeeded).sizes
    if asked == "auto":
        pca = config.prepare.pca if isinstance(config.prepare.pca, int) else 0
        floor = max(
            FEWEST_ROWS, 2 * training.n_classes, pca, int(getattr(training.model, "n_neighbors", 0) or 0)
        )
        halved = [n >> k for k in range(MOST_SIZES) if n >> k >= floor]
        return sorted({*halved, n, max(n // 2, least)})
    sizes = sorted({max(1, round(size * n)) if isinstance(size, float) else size for size in asked})
    if sizes and not least <= sizes[0] <= sizes[-1] <= n:
        raise ConfigError(
            f"data_needed.sizes must lie between {least} and {n:,}, the number of training samples. Got {asked}."
        )
    return sorted({*sizes, n})


def _check_validation(config: Config) -> None:
    if config.split.validation == 0:
        raise ConfigError(
            "split.validation=0 leaves no validation set, on which a task of kind data_needed scores the subsets. Give "
            "it a share, such as 0.2."
        )


def _inner(config: Config, classes: bool) -> Config:
    return replace(config, task=replace(config.task, kind="classification" if classes else "regression"))


def _fitted(
    config: Config, dataset: Dataset, whole: Training, positions: np.ndarray, repeat: int, observer: Observer
) -> Training | str:
    """Return the model fitted to some training samples, preparation included, or why that was not possible."""
    every = len(positions) == len(whole.raw.train)
    if every and (repeat == 0 or not (whole.is_engine or hasattr(whole.model, "random_state"))):
        return whole
    raw = Split(
        _some(whole.raw.train, np.sort(positions)), whole.raw.validation, _some(whole.raw.test, positions[:0])
    )
    try:
        quiet = replace(config, seed=config.seed + repeat, record=Record(diagnostics=False))
        training = fitted_to(quiet, dataset, raw, Quiet(observer))
    except (ConfigError, DataError) as error:
        return str(error)
    return (
        score_warnings.of_divergence(config, training.facts["epochs"], {})
        if training.status == DIVERGED
        else training
    )


def _some(part: Part, positions: np.ndarray) -> Part:
    groups = None if part.groups is None else part.groups[positions]
    return replace(
        part, X=part.X.select(positions), y=part.y[positions], index=part.index[positions], groups=groups
    )


@dataclass(frozen=True)
class Quiet:
    """Passes on a request to stop, and reports nothing."""

    observer: Observer

    def started(self, plan: RunPlan) -> None:
        """Report nothing."""

    def epoch(self, row: Mapping[str, float], seconds: float) -> None:
        """Report nothing."""

    def diagnosis(self, row: Mapping[str, float]) -> None:
        """Report nothing."""

    def stop_requested(self) -> bool:
        """Return whether the run should end."""
        return self.observer.stop_requested()

    def checkpoint(self, arrays: Callable[[], dict[str, np.ndarray]]) -> None:
        """Keep nothing."""

    def checkpointed(self) -> None:
        """Start from the beginning."""


def _scores(training: Training, part: Part) -> dict[str, float]:
    if not training.n_classes:
        return metrics.regression_scores(part.y, training.predicted(part.X))
    labels, probability = training.classified(part.X)
    scores = metrics.classification_scores(part.y, labels, training.n_classes, probability)
    return metrics.with_further("classification", scores, part.y, labels, probability)


def _validation_scores(training: Training) -> np.ndarray:
    """Return what is averaged over validation samples: right or wrong, or predicted numbers."""
    part = training.parts.validation
    if training.n_classes:
        return metrics.correct_rows(part.y, training.labels(part.X)).astype(np.float64)
    return training.predicted(part.X)


def _row(size: int, repeat: int, scores: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    kept = ("accuracy", "loss", "r2", "rmse")
    row: dict[str, Any] = {"size": size, "repeat": repeat}
    for name in kept:
        if name in scores["validation"] or name in scores["train"]:
            row |= {f"{part}_{name}": scores[part].get(name, float("nan")) for part in scores}
    return row


def _result(
    config: Config,
    training: Training,
    rows: list[dict[str, Any]],
    found: Mapping[tuple[int, int], np.ndarray],
    warnings: list[str],
) -> Result:
    metric = "accuracy" if training.n_classes else "r2"
    evaluated = dict(filled(training.parts))
    scores = {name: _scores(training, part) for name, part in evaluated.items()}
    sizes = sorted({row["size"] for row in rows})
    facts: dict[str, Any] = {"metric": metric, "sizes": sizes, "repeats": config.of(DataNeeded).repeats}
    if f"validation_{metric}" in rows[0]:
        facts |= _facts(training, rows, found, metric)
    return training.result(
        metrics=scores,
        predictions={
            f"{name}_{what}": values
            for name, part in evaluated.items()
            if name != "train"
            for what, values in _predictions(training, part).items()
        },
        tables={"data_needed": columns([{name: row[name] for name in rows[0]} for row in rows])},
        facts={"data_needed": facts},
        warnings=[*warnings, *score_warnings.of_no_test_set(config, training.parts)],
    )


def _facts(
    training: Training,
    rows: Sequence[Mapping[str, Any]],
    found: Mapping[tuple[int, int], np.ndarray],
    metric: str,
) -> dict[str, Any]:
    """Return the gain of the last doubling with its interval, and the power law, where there are enough sizes."""
    n = len(training.raw.train)
    smaller = [size for size in {row["size"] for row in rows} if size <= max(n // 2, 1)]
    facts: dict[str, Any] = {}
    if smaller:
        half = max(smaller)
        paired = [repeat for size, repeat in found if size == n and (half, repeat) in found]
        both = [np.stack([found[size, repeat] for repeat in paired]) for size in (half, n)] if paired else []
        if both:
            y = training.parts.validation.y
            first, last = both if training.n_classes else [r2_scores(y, predicted) for predicted in both]
            facts["doubling"] = {"from": half, "to": n} | last_doubling(first, last)
    sizes = sorted({row["size"] for row in rows})
    errors = [
        np.mean([1 - row[f"validation_{metric}"] for row in rows if row["size"] == size]) for size in sizes
    ]
    fit = power_law(np.array(sizes, np.float64), np.array(errors))
    return facts | ({"power_law": fit} if fit else {})


def _predictions(training: Training, part: Part) -> dict[str, np.ndarray]:
    kept = identified(part)
    if not training.n_classes:
        predicted = training.predicted(part.X)
        return kept | {"predicted": predicted, "absolute_error": np.abs(part.y - predicted)}
    labels = training.labels(part.X)
    return kept | {"predicted": labels, "correct": metrics.correct_rows(part.y, labels)}
