"""What a model of these data must beat."""

from __future__ import annotations

from mlexp.page.study import RecordedRun, Said


def question(study: RecordedRun) -> str:
    """Return the question."""
    return f"How accurate is it to always predict the majority class of {study.data}?"


def answer(study: RecordedRun) -> Said:
    """Give the accuracy of the majority class."""
    accuracy = study.shown("accuracy", study.scores["accuracy"])
    said = f"Always predicting {study.info['facts']['majority']} is correct for {accuracy} of the {study.part} samples."
    return [said, *study.untested()], study.figures({"accuracy": "Accuracy"})
