"""Score a forest at several sizes from one fit: its first trees are exactly the forest of that size."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from mlexp.data.split import Part
from mlexp.kinds.fitting import Training
from mlexp.store.result import Columns

Scores = Callable[[Part, np.ndarray], dict[str, float]]
RowScores = Callable[[Part, np.ndarray], dict[str, np.ndarray]]


def scored(
    training: Training, sizes: Sequence[int], scores: Scores, row_scores: RowScores
) -> tuple[dict[str, Columns], dict[str, np.ndarray]]:
    """Score the training and validation set at each size of a fitted forest or of boosted trees.

    Parameters
    ----------
    training : a fitted model with trees; the largest size is that of the model
    sizes : numbers of trees, ascending; none: nothing is scored
    scores : set and outputs -> metric -> value
    row_scores : set and outputs -> name -> one value per sample

    Returns
    -------
    tables : ``grown``: size, and part_metric for both sets
    arrays : ``grown_<name>`` of shape (n_sizes, n_validation_rows)
    """
    if not sizes:
        return {}, {}
    rows: list[dict[str, Any]] = [{"size": size} for size in sizes]
    kept: list[dict[str, np.ndarray]] = [{} for _ in sizes]
    for name in ("train", "validation"):
        part: Part = getattr(training.parts, name)
        if not len(part):
            continue
        for place, outputs in enumerate(outputs_at(training, np.asarray(part.X), sizes)):
            rows[place] |= {f"{name}_{metric}": value for metric, value in scores(part, outputs).items()}
            if name == "validation":
                kept[place] = row_scores(part, outputs)
    arrays = {f"grown_{name}": np.stack([one[name] for one in kept]) for name in kept[0]}
    return {"grown": {name: [row[name] for row in rows] for name in rows[0]}}, arrays


def outputs_at(training: Training, X: np.ndarray, sizes: Sequence[int]) -> Iterator[np.ndarray]:
    """Yield the predictions of the model of each size: probabilities (n, n_classes), or numbers (n,)."""
    model = training.model
    name = "predict_proba" if training.n_classes else "predict"
    if hasattr(model, f"staged_{name}"):
        stages = enumerate(getattr(model, f"staged_{name}")(X), 1)
        last = None
        wanted = iter(sizes)
        size = next(wanted)
        for stage, last in stages:
            while stage == size:
                yield _whole(training, last)
                size = next(wanted, 0)
        assert last is not None
        if size:  # boosting stopped early: the larger sizes are what it stopped at
            yield from itertools.repeat(_whole(training, last), 1 + len(list(wanted)))
        return
    total, done = np.zeros(()), 0
    for size in sizes:
        for tree in model.estimators_[done:size]:
            total = total + getattr(tree, name)(X)
        done = size
        yield _whole(training, total / size)


def _whole(training: Training, outputs: np.ndarray) -> np.ndarray:
    """Return probabilities with a column for every class of the data set, numbers in the unit of the target."""
    if not training.n_classes:
        return np.asarray(outputs * training.spread + training.centre)
    whole = np.zeros((len(outputs), training.n_classes), outputs.dtype)
    whole[:, training.model.classes_] = outputs
    return whole
