"""The answer of a guess."""

from __future__ import annotations

from mlexp.page.study import RecordedRun, Said


def question(study: RecordedRun) -> str:
    """Return what was asked."""
    return f"How well can the classes of {study.data} be guessed?"


def answer(study: RecordedRun) -> Said:
    """Say how many guesses were right."""
    return [f"{study.shown('accuracy', study.scores['accuracy'])} of the guesses are right."], study.figures(
        {"accuracy": "Accuracy"}
    )
