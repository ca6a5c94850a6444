"""Which features give the most accurate classifier."""

from __future__ import annotations

from mlexp.page.page import KeyFigure
from mlexp.page.study import RecordedRun, Said
from mlexp.page.words import listed, percent, within


def question(study: RecordedRun) -> str:
    """Return the question."""
    return f"Which features of {study.data} give the most accurate classifier?"


def answer(study: RecordedRun) -> Said:
    """Which features give the most accurate classifier: selected on the validation set, evaluated on the test set."""
    choosing = study.metrics.get("validation") or study.metrics["train"]
    scores, part, rows = study.scores, study.part, study.rows
    names = {key: key.removesuffix("_accuracy") for key in choosing if key.endswith("_accuracy")}
    best, *others = sorted(names, key=lambda key: -choosing[key])
    sentences = [
        f"On the validation set, the classifier on the {names[best]} features is best: it correctly classifies "
        f"{percent(scores[best], rows)} of {rows:,} {part} {study.things} ({within(scores[best], rows)})."
    ]
    if others:
        sentences.append(
            f"On the other features: {listed([f'{names[key]} {percent(scores[key], rows)}' for key in others])}."
        )
    figures = [
        KeyFigure(
            f"{names[key].capitalize()}, {part}",
            percent(scores[key], rows),
            f"validation {percent(choosing[key])}",
        )
        for key in (best, *others[:2])
    ]
    return sentences, figures
