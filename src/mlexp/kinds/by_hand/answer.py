"""The result of the calculation."""

from __future__ import annotations

from mlexp.page.page import KeyFigure
from mlexp.page.study import Said, Study
from mlexp.page.words import listed, number


def question(study: Study) -> str:
    """Return the question."""
    return f"What is the result of the calculation {study.info['task']['name']}?"


def answer(study: Study) -> Said:
    """The result of the calculation."""
    if "before" in study.metrics:
        before, after = (study.metrics[when]["mse"] for when in ("before", "after"))
        sentence = f"One step of gradient descent changes the mean squared error from {number(before)} to "
        sentence += f"{number(after)}."
        return [sentence], [
            KeyFigure("Error before", number(before)),
            KeyFigure("Error after", number(after)),
        ]
    what, values = next(iter(study.metrics.items()))
    what = what.replace("_", " ")
    found = listed([f"{number(value)} for {name}" for name, value in values.items()])
    figures = [KeyFigure(name.capitalize(), number(value), what) for name, value in values.items()]
    return [f"Compared with the formula derived by hand, the {what} is {found}."], figures
