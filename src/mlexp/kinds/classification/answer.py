"""How many unseen rows are recognised, against the majority class, and what is mixed up."""

from __future__ import annotations

from mlexp.page.study import SEEN, Said, Study
from mlexp.page.words import percent, within


def question(study: Study) -> str:
    """Return what was asked."""
    return f"How well does a {study.model} recognise the classes of {study.data}?"


def answer(study: Study) -> Said:
    """How many unseen rows are recognised, against the commonest class, and what is mixed up."""
    part, rows = study.part, study.rows
    sure = f" ({within(study.scores['accuracy'], rows)})" if part != "train" and rows else ""
    first = (
        f"The {study.model} recognises {percent(study.scores['accuracy'], rows)} of {rows:,} {part} {study.things} "
        f"{SEEN[part]}{sure}."
    )
    labels = {"accuracy": "Accuracy", "loss": "Log loss", "macro_f1": "Macro F1"}
    return [first, *study.untested(), *_baseline(study), *_mixed_up(study)], study.figures(labels)


def _baseline(study: Study) -> list[str]:
    """Say what naming the commonest class would reach on the same rows."""
    support = [float(n) for n in study.run.tables.get("per_class", {}).get("support", [])]
    if study.part != "test" or not sum(support):
        return []
    return [f"Always naming the commonest class would be right for {percent(max(support) / sum(support))}."]


def _mixed_up(study: Study) -> list[str]:
    """Name the commonest mistake."""
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
    return [f"The commonest mistake is to take {true[actual]} for {true[named]} ({often})."]
