"""Separation of the classes, layer by layer."""

from __future__ import annotations

from mlexp.page.page import KeyFigure
from mlexp.page.study import RecordedRun, Said


def question(study: RecordedRun) -> str:
    """Return the question."""
    return f"How well do the layers of a network separate the classes of {study.data}?"


def answer(study: RecordedRun) -> Said:
    """Separation of the classes, layer by layer."""
    named = {
        key: key.removeprefix("silhouette_").replace("_", " ")
        for key in study.scores
        if key.startswith("silhouette")
    }
    values = {name: study.scores[key] for key, name in named.items()}
    first, last = next(iter(values)), list(values)[-1]
    best = max(values, key=lambda name: values[name])
    sentence = (
        f"The classes are best separated in layer '{best}': the silhouette on the {study.part} set goes from "
        f"{values[first]:.3f} at the {first} to {values[last]:.3f} at the {last} (1: well separated, 0: mixed)."
    )
    figures = [KeyFigure(f"Silhouette, {name}", f"{values[name]:.3f}", study.part) for name in (first, last)]
    return [sentence], [*figures, *study.figures({"accuracy": "Accuracy"})]
