"""Accuracy, compared with the majority class, and the most frequent confusion."""

from __future__ import annotations

from mlexp.page.study import SEEN, Said, Study
from mlexp.page.words import percent, within


def question(study: Study) -> str:
    """Return the question."""
    return f"How well does a {study.model} classify {study.data}?"


def answer(study: Study) -> Said:
    """Accuracy, compared with the majority class, and the most frequent confusion."""
    part, rows = study.part, study.rows
    sure = f" ({within(study.scores['accuracy'], rows)})" if part != "train" and rows else ""
    first = (
        f"The {study.model} correctly classifies {percent(study.scores['accuracy'], rows)} of {rows:,} "
        f"{part} {study.things} {SEEN[part]}{sure}."
    )
    labels = {"accuracy": "Accuracy", "loss": "Log loss", "macro_f1": "Macro F1"}
    return [first, *study.untested(), *_baseline(study), *_mixed_up(study)], study.figures(labels)


def _baseline(study: Study) -> list[str]:
    """Give the accuracy of always predicting the majority class on the same samples."""
    support = [float(n) for n in study.run.tables.get("per_class", {}).get("support", [])]
    if study.part != "test" or not sum(support):
        return []
    return [
        f"Always predicting the majority class would be correct for {percent(max(support) / sum(support))}."
    ]


def _mixed_up(study: Study) -> list[str]:
    """Name the most frequent confusion."""
    true, *predicted = study.run.tables.get("confusion", {"true": []}).values()
    wrong = [
        (int(cell), actual, named)
        for actual, cells in enumerate(zip(*predicted, strict=True))
        for named, cell in enumerate(cells)
        if actual != named
    ]
    times, actual, named = max(wrong, key=lambda one: one[0], default=(0, 0, 0))
    if study.part != "test" or not times:
        return []
    often = {1: "once", 2: "twice"}.get(times, f"{times:,} times")
    return [f"The most frequent error is predicting {true[named]} for {true[actual]} ({often})."]
