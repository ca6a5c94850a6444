"""Guess classes."""

from __future__ import annotations

import numpy as np

from mlexp import metrics
from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.kinds.observer import Observer, RunPlan
from mlexp.kinds.sets import described, divided, filled, sizes
from mlexp.store.result import Result


def study(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Guess the class of every row, right with the chance `model.learning_rate`."""
    parts = divided(config, dataset)
    observer.started(RunPlan(dataset=described(dataset), split=sizes(parts)))
    rng = np.random.default_rng(config.seed)
    scores, kept = {}, {}
    for name, part in filled(parts):
        known = rng.random(len(part.y)) < config.model.learning_rate
        predicted = np.where(known, part.y, rng.integers(0, dataset.n_classes, len(part.y)))
        scores[name] = metrics.label_scores(part.y, predicted, dataset.n_classes)
        kept |= {
            f"{name}_row": part.index,
            f"{name}_true": part.y,
            f"{name}_predicted": predicted,
            f"{name}_correct": metrics.correct_rows(part.y, predicted),
        }
    return Result(metrics=scores, predictions=kept, facts={"guesses": int(sum(map(len, kept.values())))})
