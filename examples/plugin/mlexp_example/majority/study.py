"""Predict the majority class."""

from __future__ import annotations

import numpy as np

from mlexp import metrics
from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.errors import DataError
from mlexp.kinds.observer import Observer, RunPlan
from mlexp.kinds.sets import described, divided, filled, identified, sizes
from mlexp.store.result import Result


def study(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Count the classes of the training set, and score their most frequent one on each set."""
    if not dataset.n_classes:
        raise DataError(f"Data set '{dataset.name}' has no classes. Set dataset.target=classes.")
    parts = divided(config, dataset)
    observer.started(RunPlan(dataset=described(dataset), split=sizes(parts)))
    counts = np.bincount(parts.train.y, minlength=dataset.n_classes)
    majority = int(counts.argmax())
    scores, kept = {}, {}
    for name, part in filled(parts):
        predicted = np.full(len(part), majority)
        scores[name] = metrics.label_scores(part.y, predicted, dataset.n_classes)
        found = identified(part) | {
            "predicted": predicted,
            "correct": metrics.correct_rows(part.y, predicted),
        }
        kept |= {f"{name}_{what}": values for what, values in found.items()}
    table = {"class": list(dataset.classes), "training samples": counts.tolist()}
    facts = {"majority": dataset.classes[majority]}
    return Result(metrics=scores, predictions=kept, tables={"classes": table}, facts=facts)
