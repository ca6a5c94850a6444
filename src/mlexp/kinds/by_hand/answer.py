"""What the calculation comes to."""

from __future__ import annotations

from mlexp.page.page import KeyFigure
from mlexp.page.study import Said, Study
from mlexp.page.words import listed, number


def question(study: Study) -> str:
    """Return what was asked."""
    return f"What does the calculation of {study.info['task']['name']} come to?"


def answer(study: Study) -> Said:
    """What the calculation comes to."""
    if "before" in study.metrics:
        before, after = (study.metrics[when]["mse"] for when in ("before", "after"))
        sentence = f"One step of gradient descent takes the mean squared error from {number(before)} to "
        sentence += f"{number(after)}."
        return [sentence], [
            KeyFigure("Error before", number(before)),
            KeyFigure("Error after", number(after)),
        ]
    what, values = next(iter(study.metrics.items()))
    what = what.replace("_", " ")
    found = listed([f"{number(value)} for {name}" for name, value in values.items()])
    figures = [KeyFigure(name.capitalize(), number(value), what) for name, value in values.items()]
    return [f"Against the formula worked out by hand, the {what} is {found}."], figures
