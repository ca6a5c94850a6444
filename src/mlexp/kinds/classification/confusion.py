"""Confusion matrices: percent of each true class in the cells, counts below where they can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.drawing import matrix, style
from mlexp.drawing.figure import Drawing
from mlexp.kinds.classification.classes import FEW_ROWS, matrices
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TOGETHER = 5  # classes up to which all sets stand in one figure
LONGEST = 1.1  # inches of a class name
TALLEST, WIDEST_CELL = 4.6, 1.2  # inches of a side of a matrix alone, and of a cell
GAP = 0.16  # inches between two matrices
BAR = 0.75  # inches of the colour bar and its label
COUNT = 0.8  # size of the letters of a count to those of a percentage
TITLES = {"test": "Test set", "validation": "Validation set", "train": "Training set"}


def confusion(run: Run) -> Figure | None:
    """Draw the confusion matrix of the test set, of few classes beside those of the other sets.

    The colours follow the 0.4th power of the percentage, so that rare errors are visible beside a dominant diagonal;
    empty cells are white.
    """
    found = shown(run)
    if not found:
        return None
    names = run.info["dataset"]["classes"]
    chosen = found if len(names) <= TOGETHER else dict(list(found.items())[:1])
    return _side_by_side(chosen, names, _headline(next(iter(found.items())), names))


def by_set(run: Run) -> Figure | None:
    """Draw the confusion matrices of all sets side by side, unless `confusion` does."""
    found = shown(run)
    if len(found) < 2 or len(run.info["dataset"]["classes"]) <= TOGETHER:
        return None
    right = {name: 100 * np.trace(counts) / counts.sum() for name, counts in found.items()}
    words = ", ".join(f"{share:.1f} % of the {TITLES[name].lower()}" for name, share in right.items())
    return _side_by_side(found, run.info["dataset"]["classes"], f"Correct: {words}")


def shown(run: Run) -> dict[str, np.ndarray]:
    """Return the matrices of the sets with more than `FEW_ROWS` rows; not that of the points that define a margin."""
    names = run.info.get("dataset", {}).get("classes") or []
    found = {name: counts for name, counts in matrices(run).items() if counts.sum() > FEW_ROWS}
    if len(names) < 2 or (list(found) == ["train"] and "margin" in run.tables):
        return {}
    return found


def _side_by_side(found: Mapping[str, np.ndarray], classes: Sequence[str], headline: str) -> Figure:
    """Place the matrices by the inches that their labels take."""
    names = style.class_names(classes, LONGEST)
    room = max(style.text_width(name, style.SMALL) for name in names)
    left = room + 0.38
    alone = len(found) == 1
    space = style.WIDTH - left - BAR - GAP * (len(found) - 1)
    side = min(space / len(found), TALLEST, WIDEST_CELL * len(names))
    cell = side / len(names)
    turned = room > 0.9 * cell * matrix.step(72 * cell)
    below = 0.4 + (room if turned else 0.08)
    figure = style.new_figure(below + side + (0.1 if alone else 0.3), headline, placed=True)
    for place, (name, counts) in enumerate(found.items()):
        axes = style.place(figure, left + place * (side + GAP), below, side, side)
        image = _draw(axes, counts, 72 * cell)
        matrix.name_classes(axes, names, 72 * cell, turned=turned)
        axes.set(title="" if alone else TITLES[name], xlabel="Predicted class", ylabel="True class")
        if place:
            axes.set(ylabel="", yticklabels=[])
    bar = figure.colorbar(
        image, cax=style.place(figure, left + (side + GAP) * len(found), below, 0.1, min(side, 2.2))
    )
    bar.set_label("Percent of the true class", fontsize=style.SMALL)
    bar.set_ticks([0, 1, 10, 50, 100])
    return figure


def _draw(axes: Axes, counts: np.ndarray, pitch: float) -> Any:
    """Draw one matrix with cells of `pitch` points; return what a colour bar needs."""
    total = counts.sum(axis=1, keepdims=True)
    percent = np.divide(100 * counts, total, out=np.zeros(counts.shape), where=total > 0)
    image = matrix.counts(axes, percent)
    image.set_clim(0, 100)
    dark = (percent / 100) ** matrix.CONTRAST > matrix.DARK
    narrow = pitch < 28
    texts = [[percent_text(value, narrow) for value in row] for row in percent]
    size = matrix.text_size(pitch, max(len(text) for row in texts for text in row))
    numbers = [[f"{value:,}" if value else "" for value in row] for row in counts]
    small = min(COUNT * size, matrix.text_size(pitch, max(len(text) for row in numbers for text in row)))
    both = small >= matrix.LEGIBLE and pitch > 1.3 * (size + small)
    if size:
        matrix.write(axes, texts, dark, size, -0.65 * small / pitch if both else 0.0)
    if both:
        matrix.write(axes, numbers, dark, small, 0.65 * size / pitch)
    return image


def percent_text(value: float, narrow: bool) -> str:
    """Return what stands in a cell: nothing for nothing, and short where cells are narrow."""
    if value == 0:
        return ""
    if value < 0.05:
        return "<.1"
    return f"{value:.0f}" if value == 100 or (narrow and value >= 9.95) else f"{value:.1f}"


def _headline(largest: tuple[str, np.ndarray], classes: Sequence[str]) -> str:
    name, counts = largest
    right, total = int(np.trace(counts)), int(counts.sum())
    what = {"test": "test", "validation": "validation", "train": "training"}[name]
    text = f"{right:,} of {total:,} {what} samples correct ({100 * right / total:.1f} %)"
    mistakes = counts - np.diag(np.diag(counts))
    if not mistakes.any():
        return text
    true, predicted = np.unravel_index(np.argmax(mistakes), mistakes.shape)
    names = [style.class_names(classes, 1.7, style.LARGE)[k] for k in (true, predicted)]
    return f"{text}; most frequent error: {names[1]} predicted for {names[0]} ({mistakes.max():,}×)"


CONFUSION = Drawing(
    confusion,
    "Confusion matrix: true classes as rows, predicted classes as columns, percent of each true class, counts",
    "Correct predictions lie on the diagonal; the darkest cells beside it are the classes that are confused.",
)
