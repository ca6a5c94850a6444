"""Which features serve a classifier best."""

from __future__ import annotations

from mlexp.page.page import KeyFigure
from mlexp.page.study import Said, Study
from mlexp.page.words import listed, percent, within


def question(study: Study) -> str:
    """Return what was asked."""
    return f"Which features of {study.data} serve a classifier best?"


def answer(study: Study) -> Said:
    """Which features serve a classifier best; the validation part chooses, the test part judges."""
    choosing = study.metrics.get("validation") or study.metrics["train"]
    scores, part, rows = study.scores, study.part, study.rows
    names = {key: key.removesuffix("_accuracy") for key in choosing if key.endswith("_accuracy")}
    best, *others = sorted(names, key=lambda key: -choosing[key])
    sentences = [
        f"A classifier does best on the {names[best]} features, as the validation part has it: it recognises "
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
