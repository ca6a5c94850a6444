"""How many samples each class has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlexp.drawing import style
from mlexp.drawing.figure import Drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mlexp.store import Run


def class_sizes(run: Run) -> Figure | None:
    """Draw the training samples of each class as bars."""
    table = run.tables.get("classes", {})
    if not table:
        return None
    figure = style.new_figure(
        0.22 * len(table["class"]) + 0.9, f"Majority class: {run.info['facts']['majority']}"
    )
    axes = figure.subplots()
    counts = [int(cell) for cell in table["training samples"]]
    axes.barh(style.class_names(table["class"], 2.0), counts, color=style.BLUE, height=0.7)
    axes.invert_yaxis()
    axes.set_xlabel("Training samples")
    return figure


FIGURES = {
    "class_sizes": Drawing(
        class_sizes,
        "Training samples of each class as bars",
        "One bar far longer than the others: accuracy alone says little about a model of these classes.",
    )
}
