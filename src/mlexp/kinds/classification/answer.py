"""Accuracy, compared with the majority class, and the most frequent confusion."""

from __future__ import annotations

import numpy as np

from mlexp.kinds.classification import margin
from mlexp.kinds.classification.classes import FEW_ROWS, confusions
from mlexp.kinds.classification.tables import tables as tables  # what the page shows
from mlexp.kinds.importance_answer import relied_on
from mlexp.page.page import KeyFigure
from mlexp.page.study import SEEN, RecordedRun, Said
from mlexp.page.words import percent, within


def question(study: RecordedRun) -> str:
    """Return the question."""
    if margin.is_geometry(study):
        return margin.question(study)
    return f"How well does a {study.model} classify {study.data}?"


def answer(study: RecordedRun) -> Said:
    """Accuracy, compared with the majority class, and the most frequent confusion."""
    if margin.is_geometry(study):
        return margin.answer(study)
    part, rows = study.part, study.rows
    if 0 < rows <= FEW_ROWS:
        right = f"{round(rows * study.scores['accuracy'])} of {rows}"
        verb = "are" if rows > 1 else "is"
        sentence = f"{right} {part} {study.things} {verb} classified correctly: too few to estimate a rate."
        return [sentence, *study.untested()], [KeyFigure(f"Correct, {part}", right)]
    sure = f" ({within(study.scores['accuracy'], rows)})" if part != "train" and rows else ""
    first = (
        f"The {study.model} correctly classifies {percent(study.scores['accuracy'], rows)} of {rows:,} "
        f"{part} {study.things} {SEEN[part]}{sure}."
    )
    labels = {"accuracy": "Accuracy", "loss": "Log loss", "macro_f1": "Macro F1"}
    test = confusions(study.run).get("test")
    more = [] if test is None or not test.any() else [*_baseline(test), *_mixed_up(study, test)]
    return [first, *study.untested(), *more, *relied_on(study)], study.figures(labels)


def _baseline(counts: np.ndarray) -> list[str]:
    """Give the accuracy of always predicting the majority class on the same samples."""
    support = counts.sum(axis=1)
    return [
        f"Always predicting the majority class would be correct for {percent(support.max() / support.sum())}."
    ]


def _mixed_up(study: RecordedRun, counts: np.ndarray) -> list[str]:
    """Name the most frequent confusion."""
    names = study.info["dataset"]["classes"]
    wrong = counts - np.diag(np.diag(counts))
    actual, named = np.unravel_index(wrong.argmax(), wrong.shape)
    times = int(wrong[actual, named])
    if not times:
        return []
    often = {1: "once", 2: "twice"}.get(times, f"{times:,} times")
    return [f"The most frequent error is predicting {names[named]} for {names[actual]} ({often})."]
