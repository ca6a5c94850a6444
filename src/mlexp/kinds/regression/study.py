"""Regression: train on the training set, choose on the validation set, evaluate once on the test set."""

from __future__ import annotations

import numpy as np

from mlexp import metrics
from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.data.split import Part
from mlexp.errors import DataError
from mlexp.kinds import coefficients, importance, living, prediction_cost, score_warnings, warm_started
from mlexp.kinds.fitting import built, check_labels, train, unfinished
from mlexp.kinds.observer import Observer
from mlexp.kinds.regression import errors
from mlexp.kinds.sets import filled, identified
from mlexp.store.result import Result


def check(config: Config) -> None:
    """Check the model as far as possible without data."""
    built(config)


def study(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Fit a regressor and score it on the training, validation and test set.

    The target is standardised for the fit, by the mean and standard deviation of the training set; scores and
    predictions are in its original unit.
    """
    check_labels(config, dataset)
    if dataset.n_classes:
        raise DataError(
            f"Data set '{dataset.name}' has classes; regression needs numbers to predict. Set "
            "dataset.target=numbers, or task.kind=classification (task=classify)."
        )
    training = train(config, dataset, observer)
    if early := unfinished(config, training):
        return early
    parts = dict(filled(training.parts))
    predicted = {name: training.predicted(part.X) for name, part in parts.items()}
    scores = {name: _scores(part, predicted[name]) for name, part in parts.items()}
    tables, arrays = warm_started.scored(training, config.tune.grow, _scores, _errors)
    last = next(name for name in ("test", "validation", "train") if name in parts)
    tables |= {
        "score_intervals": errors.score_intervals(parts[last].y, predicted[last]),
        "worst_predictions": errors.worst(dataset, parts[last], getattr(training.raw, last), predicted[last]),
    }
    used = importance.recorded(config, dataset, training)
    return training.result(
        metrics=scores,
        living=living.recorded(config, dataset, training),
        tables=tables | coefficients.tables(dataset, training) | used.tables,
        arrays=arrays | used.arrays,
        facts=used.facts | (prediction_cost.measured(training) if config.split.judge else {}),
        predictions={
            f"{name}_{what}": values
            for name, part in parts.items()
            for what, values in (
                *identified(part).items(),
                ("predicted", predicted[name]),
                *_errors(part, predicted[name]).items(),
            )
        },
        warnings=[
            *used.warnings,
            *score_warnings.of_no_test_set(config, training.parts),
            *score_warnings.of_numbers(config, training.parts, scores, training.preparation.record),
        ],
    )


def _errors(part: Part, predicted: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "absolute_error": np.abs(part.y - predicted),
        "squared_error": np.square(part.y - predicted),
    }


def _scores(part: Part, predicted: np.ndarray) -> dict[str, float]:
    return metrics.with_further("regression", metrics.regression_scores(part.y, predicted), part.y, predicted)
