"""What guesses look like."""

from __future__ import annotations

from matplotlib.figure import Figure

from mlexp.drawing import style
from mlexp.drawing.figure import Drawing
from mlexp.store import Run


def guesses(run: Run) -> Figure:
    """Draw how many guesses are right and wrong."""
    figure = style.new_figure(2.0, "Guesses, right and wrong")
    right = run.predictions["test_correct"]
    figure.subplots().barh(["right", "wrong"], [right.sum(), (1 - right).sum()])
    return figure


FIGURES = {"guesses": Drawing(guesses, "Bars of right and wrong guesses", "Is the upper bar the longer one?")}
