"""What the metric `g_mean` is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import style
from mlexp.drawing.figure import Drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mlexp.store import Run

MOST = 30  # classes


def recalls(run: Run) -> Figure | None:
    """Draw the recall of each class on the test set as a bar, and their geometric mean as a line."""
    table = run.tables.get("per_class", {})
    mean = run.metrics.get("test", {}).get("g_mean")
    if mean is None or not 2 <= len(table.get("class", [])) <= MOST:
        return None
    values = np.array([float(cell or "nan") for cell in table["recall"]])
    figure = style.new_figure(0.22 * len(values) + 0.9, f"Geometric mean of recalls {mean:.3f}")
    axes = figure.subplots()
    axes.barh(style.class_names(table["class"], 2.0), values, color=style.BLUE, height=0.7)
    axes.axvline(mean, color=style.VERMILION)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="Recall on the test set; line: geometric mean")
    return figure


RECALLS = Drawing(
    recalls,
    "Recall of each class on the test set as bars, and their geometric mean as a line",
    "One short bar pulls the geometric mean far below the ordinary one: that class is hardly found.",
)
