"""Learn from labelled rows: choose on the validation part, judge once on the test part."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlexp import metrics, models
from mlexp.data.dataset import Dataset, Part, Split, split
from mlexp.data.prepare import Scaling, prepare
from mlexp.errors import DataError
from mlexp.observer import Observer, Plan
from mlexp.result import Columns, Result
from mlexp.schema import Config

GALLERY_IMAGES = 24


def classification(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Fit a classifier and score it on the training, validation and test part.

    The test part is read only after training has ended by itself; a run that diverged or was stopped
    by its user leaves it untouched.
    """
    if dataset.n_classes < 2:
        raise DataError(
            f"Data set '{dataset.name}' has the classes {list(dataset.classes)}; classification needs two or "
            "more. Choose another dataset.label or a data set with classes."
        )
    parts = split(
        dataset,
        test=config.split.test,
        validation=config.split.validation,
        stratify=config.split.stratify,
        seed=config.split.seed,
    )
    parts, scaling = prepare(parts, config.prepare.scale, dataset.pixel_max, dtype=config.model.dtype)
    model = models.build(
        config.model,
        "classification",
        seed=config.seed,
        threads=config.threads,
        trusted=config.trusted_packages,
    )
    summary = model.plan(dataset.n_features, dataset.n_classes)
    observer.started(_plan(config, dataset, parts, scaling, summary))
    model.fit(
        parts.train.X,
        parts.train.y,
        X_validation=parts.validation.X,
        y_validation=parts.validation.y,
        n_classes=dataset.n_classes,
        on_epoch=observer.epoch,
        should_stop=observer.stop_requested,
        on_state=lambda state: observer.checkpoint(state.to_arrays),
        resume=observer.checkpointed(),
    )
    facts = {
        "epochs": len(model.history_),
        "best_epoch": model.best_epoch_,
        "stopped": model.status_,
        "n_parameters": model.n_parameters_,
    }
    tables = {"layers": _columns(summary)}
    if model.status_ == "diverged":
        return Result(status="diverged", problem=_diverged(config, facts), facts=facts, tables=tables)
    if model.status_ == "interrupted":
        return Result(status="interrupted", model=model.to_arrays(), facts=facts, tables=tables)
    return _judged(dataset, parts, model, facts, tables)


def _judged(
    dataset: Dataset, parts: Split, model: Any, facts: dict[str, Any], tables: dict[str, Columns]
) -> Result:
    """Predict every part, the test part for the first and only time."""
    probability = {
        name: model.predict_proba(part.X)
        for name, part in (("train", parts.train), ("validation", parts.validation), ("test", parts.test))
    }
    confusion = metrics.confusion_matrix(parts.test.y, probability["test"].argmax(axis=1), dataset.n_classes)
    scores = {
        name: metrics.classification_scores(getattr(parts, name).y, values)
        for name, values in probability.items()
    }
    return Result(
        metrics=scores,
        predictions={
            **_predictions("validation", parts.validation, probability["validation"]),
            **_predictions("test", parts.test, probability["test"]),
        },
        arrays=_pictures(dataset, parts.test, probability["test"]),
        model=model.to_arrays(),
        tables={
            **tables,
            "confusion": _confusion_table(confusion, dataset.classes),
            "per_class": _class_table(confusion, dataset.classes),
        },
        facts=facts,
        warnings=_warnings(parts, scores),
    )


def _plan(
    config: Config, dataset: Dataset, parts: Split, scaling: Scaling, summary: list[dict[str, Any]]
) -> Plan:
    return Plan(
        dataset={
            "name": dataset.name,
            "n_samples": dataset.n_samples,
            "n_features": dataset.n_features,
            "classes": list(dataset.classes),
            "image_shape": list(dataset.image_shape) if dataset.image_shape else None,
            "source": dataset.source,
            "fingerprint": dataset.fingerprint,
        },
        split={
            "train": len(parts.train.y),
            "validation": len(parts.validation.y),
            "test": len(parts.test.y),
            "fingerprint": parts.fingerprint,
        },
        preparation={"scale": scaling.how, "fitted_on_rows": scaling.n_rows},
        model=summary,
        n_parameters=sum(row["parameters"] for row in summary),
        epochs=config.model.epochs,
    )


def _predictions(name: str, part: Part, probability: np.ndarray) -> dict[str, np.ndarray]:
    """Keep what later comparisons need of every row: one byte and one float32 a row, and the probabilities."""
    predicted = probability.argmax(axis=1)
    return {
        f"{name}_row": part.index,
        f"{name}_true": part.y,
        f"{name}_predicted": predicted,
        f"{name}_probability": probability.astype(np.float32),
        f"{name}_correct": metrics.correct_rows(part.y, predicted),
        f"{name}_log_loss": metrics.log_loss_rows(part.y, probability),
    }


def _pictures(dataset: Dataset, test: Part, probability: np.ndarray) -> dict[str, np.ndarray]:
    """Keep the images of a few test rows, and of the mistakes that the model was surest of."""
    if dataset.image_shape is None:
        return {}
    drawn = np.random.default_rng(0).permutation(len(test.y))[:GALLERY_IMAGES]
    predicted = probability.argmax(axis=1)
    wrong = np.flatnonzero(predicted != test.y)
    surest = wrong[np.argsort(-probability[wrong, predicted[wrong]], kind="stable")][:GALLERY_IMAGES]
    return {
        f"{name}_{what}": values
        for name, rows in (("gallery", drawn), ("mistake", surest))
        for what, values in (
            ("position", rows),
            ("image", test.X.raw(rows).reshape(-1, *dataset.image_shape)),
        )
    }


def _confusion_table(confusion: np.ndarray, classes: tuple[str, ...]) -> Columns:
    return {"true": list(classes)} | {name: confusion[:, code].tolist() for code, name in enumerate(classes)}


def _class_table(confusion: np.ndarray, classes: tuple[str, ...]) -> Columns:
    precision, recall, f1 = metrics.precision_recall_f1(confusion)
    return {
        "class": list(classes),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": confusion.sum(axis=1).tolist(),
    }


def _columns(rows: list[dict[str, Any]]) -> Columns:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _diverged(config: Config, facts: dict[str, Any]) -> str:
    rate = config.model.learning_rate
    return (
        f"Training diverged: the loss was not finite in epoch {facts['epochs']} with "
        f"model.learning_rate={rate:g}. Try model.learning_rate={min(rate / 10, 0.01):g} or less, "
        "prepare.scale=standard, or model.clip_norm=1."
    )


def _warnings(parts: Split, scores: dict[str, dict[str, float]]) -> list[str]:
    """Say so when nothing was learnt: the model is no better than naming the commonest class."""
    commonest = float(np.bincount(parts.validation.y).max() / len(parts.validation.y))
    reached = scores["validation"]["accuracy"]
    if reached > commonest:
        return []
    return [
        f"Nothing was learnt: validation accuracy {reached:.4f} is no better than always naming the commonest "
        f"class ({commonest:.4f}). Try a smaller model.learning_rate, model.init=auto or prepare.scale=standard."
    ]
