"""Classification: train on the training set, choose on the validation set, evaluate once on the test set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mlexp import metrics
from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.data.split import Part
from mlexp.errors import DataError
from mlexp.kinds import (
    boundary,
    coefficients,
    importance,
    living,
    prediction_cost,
    score_warnings,
    warm_started,
)
from mlexp.kinds.classification import classes, examples
from mlexp.kinds.fitting import Training, built, check_labels, train_together, unfinished
from mlexp.kinds.observer import Observer
from mlexp.kinds.sets import filled, identified
from mlexp.store.result import Result

GALLERY_IMAGES = 24
Outputs = tuple[np.ndarray, np.ndarray | None]


def check(config: Config) -> None:
    """Check the model as far as possible without data."""
    built(config)


def study(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Fit a classifier and score it on the training, validation and test set.

    The test set is used only after training has completed; a diverged or interrupted run leaves it
    untouched.
    """
    return next(studies([config], dataset, [observer]))


def studies(configs: Sequence[Config], dataset: Dataset, observers: Sequence[Observer]) -> Iterator[Result]:
    """Fit classifiers that `train_together` can fit, then yield the result of each."""
    check_labels(configs[0], dataset)
    if dataset.n_classes < 2:
        raise DataError(
            f"Data set '{dataset.name}' has {'numbers to predict' if not dataset.n_classes else 'one class'}; "
            "classification needs at least two classes. Set dataset.target=classes, or task.kind=regression "
            "(task=regress; task=which_regressor compares models), or name another dataset.label."
        )
    for config, training in zip(configs, train_together(configs, dataset, observers), strict=True):
        yield unfinished(config, training) or _evaluated(config, dataset, training)


def _evaluated(config: Config, dataset: Dataset, training: Training) -> Result:
    """Predict every set, the test set for the first and only time."""
    outputs = {name: training.classified(part.X) for name, part in filled(training.parts)}
    scores = {name: _scores(part, outputs[name], dataset.n_classes) for name, part in filled(training.parts)}
    evaluated = {name: part for name, part in filled(training.parts) if name != "train"}
    kept = [_predictions(name, part, *outputs[name]) for name, part in evaluated.items()]
    tables, arrays = boundary.drawn(dataset, training)
    more_tables, more_arrays = warm_started.scored(training, config.tune.grow, _probable, _right)
    tables, arrays = tables | more_tables, arrays | more_arrays
    counts = {
        name: metrics.confusion_matrix(part.y, outputs[name][0], dataset.n_classes)
        for name, part in filled(training.parts)
    }
    tables |= classes.kept(counts, dataset.classes)
    if "test" in evaluated:
        arrays |= _pictures(dataset, training.raw.test, *outputs["test"])
    used = importance.recorded(config, dataset, training)
    if "test" in evaluated:
        important = used.tables.get("permutation_importance", {}).get("feature", [])
        shown, images = examples.recorded(dataset, training.raw.test, outputs["test"][1], important)
        tables, arrays = tables | shown, arrays | images
    return training.result(
        metrics=scores,
        living=living.recorded(config, dataset, training),
        predictions={name: array for arrays in kept for name, array in arrays.items()},
        arrays=arrays | used.arrays,
        tables=tables | coefficients.tables(dataset, training) | used.tables,
        facts=used.facts | (prediction_cost.measured(training) if config.split.judge else {}),
        warnings=[
            *used.warnings,
            *score_warnings.of_no_test_set(config, training.parts),
            *score_warnings.of_classes(config, training.parts, scores, training.preparation.record),
        ],
    )


def _probable(part: Part, probability: np.ndarray) -> dict[str, float]:
    return _scores(part, (probability.argmax(axis=1), probability), probability.shape[1])


def _right(part: Part, probability: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "correct": metrics.correct_rows(part.y, probability.argmax(axis=1)),
        "log_loss": metrics.log_loss_rows(part.y, probability),
    }


def _scores(part: Part, outputs: Outputs, n_classes: int) -> dict[str, float]:
    predicted, probability = outputs
    scores = metrics.classification_scores(part.y, predicted, n_classes, probability)
    return metrics.with_further("classification", scores, part.y, predicted, probability)


def _predictions(
    name: str, part: Part, predicted: np.ndarray, probability: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Keep what later comparisons need of every sample: one byte, one float32, and the probabilities."""
    kept = {f"{name}_{what}": values for what, values in identified(part).items()} | {
        f"{name}_predicted": predicted,
        f"{name}_correct": metrics.correct_rows(part.y, predicted),
    }
    if probability is None:
        return kept
    return kept | {
        f"{name}_probability": probability.astype(np.float32),
        f"{name}_log_loss": metrics.log_loss_rows(part.y, probability),
    }


def _pictures(
    dataset: Dataset, test: Part, predicted: np.ndarray, probability: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Keep the images of a few test samples, and of errors: the most confident ones, else the first."""
    if dataset.image_shape is None:
        return {}
    shown = {"gallery": np.random.default_rng(0).permutation(len(test))[:GALLERY_IMAGES]}
    wrong = np.flatnonzero(predicted != test.y)
    if probability is not None:
        wrong = wrong[np.argsort(-probability[wrong, predicted[wrong]], kind="stable")]
    shown["mistake"] = wrong[:GALLERY_IMAGES]
    return {
        f"{name}_{what}": values
        for name, rows in shown.items()
        for what, values in (
            ("position", rows),
            ("image", test.X.raw(rows).reshape(-1, *dataset.image_shape)),
        )
    }
