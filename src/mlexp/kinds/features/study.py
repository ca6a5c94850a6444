"""Train classifiers on the features of an autoencoder and on other features of the same samples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mlexp import metrics
from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.data.split import Split
from mlexp.errors import ConfigError, DataError
from mlexp.kinds.autoencoder.study import fitted_pca, train
from mlexp.kinds.features.settings import Features
from mlexp.kinds.fitting import Training, unfinished
from mlexp.kinds.observer import Observer
from mlexp.kinds.sets import NAMES, columns
from mlexp.nn.learners import PerceptronClassifier
from mlexp.store.result import Result


def study(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Train an autoencoder, then an identical classifier for each entry of `features.of`."""
    _check(config, dataset)
    training = train(config, dataset, observer)
    if early := unfinished(config, training):
        return early
    rows, history, predictions = [], [], {}
    scores: dict[str, dict[str, float]] = {name: {} for name in NAMES}
    for kind in config.of(Features).of:
        inputs = _inputs(kind, training)
        model = _fitted(config, inputs, training.parts, dataset.n_classes, observer)
        if model.status_ == "interrupted":
            return replace(training, status="interrupted").result()
        found = {name: model.predict_proba(inputs[name]) for name in NAMES}
        row: dict[str, Any] = {
            "features": kind,
            "width": model.n_features_in_,
            "parameters": model.n_parameters_,
        }
        for name, probability in found.items():
            values = metrics.classification_scores(
                getattr(training.parts, name).y, probability.argmax(axis=1), probability.shape[1], probability
            )
            scores[name][f"{kind}_accuracy"] = values["accuracy"]
            row |= {f"{name}_accuracy": values["accuracy"], f"{name}_loss": values["loss"]}
        rows.append(row | {"best_epoch": model.best_epoch_})
        history += [{"features": kind, **record} for record in model.history_]
        y = training.parts.test.y
        predictions[f"test_{kind}_correct"] = metrics.correct_rows(y, found["test"].argmax(axis=1))
        predictions[f"test_{kind}_log_loss"] = metrics.log_loss_rows(y, found["test"])
    return training.result(
        metrics=scores,
        predictions={"test_row": training.parts.test.index, "test_true": training.parts.test.y} | predictions,
        model=training.model.to_arrays(),
        pipeline=None,
        tables={"features": columns(rows), "classifier_history": columns(history)},
    )


def _check(config: Config, dataset: Dataset) -> None:
    if dataset.n_classes < 2:
        raise DataError(
            f"Data set '{dataset.name}' has no classes; a task of kind features needs at least two."
        )
    if not config.of(Features).of:
        raise ConfigError("features.of must name at least one kind of features. Got [].")


def _inputs(kind: str, training: Training) -> dict[str, Any]:
    """Return the features of one kind for all sets."""
    parts = {name: getattr(training.parts, name).X for name in NAMES}
    if kind == "raw":
        return parts
    if kind == "pca":
        pca = fitted_pca(parts["train"], training.facts["width"])
        return {name: pca.transform(np.asarray(X)) for name, X in parts.items()}
    if kind == "bottleneck":
        return {name: training.model.transform(X) for name, X in parts.items()}
    return {name: training.model.hidden_outputs(X)[-1] for name, X in parts.items()}


def _fitted(
    config: Config, inputs: dict[str, Any], parts: Split, n_classes: int, observer: Observer
) -> PerceptronClassifier:
    node = config.of(Features)
    model = PerceptronClassifier(
        hidden=node.hidden,
        activation=node.activation,
        learning_rate=node.learning_rate,
        batch_size=node.batch_size,
        epochs=node.epochs,
        patience=None,
        seed=config.seed,
    )
    return model.fit(
        inputs["train"],
        parts.train.y,
        inputs["validation"],
        parts.validation.y,
        n_classes=n_classes,
        should_stop=observer.stop_requested,
    )
