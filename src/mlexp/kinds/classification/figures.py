"""Figures of a classification: confusion matrix and scores by class."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import matrix, style
from mlexp.drawing.figure import Drawing
from mlexp.errors import DataError
from mlexp.kinds import importance_figures
from mlexp.kinds.boundary_figure import boundary
from mlexp.kinds.classification import gallery
from mlexp.kinds.curves import learning_curves
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE_BY_SIDE = 12  # classes; with more, the two matrices stand one above the other to stay legible
TALL = 4.3  # inches of a side of each of them then; both fit on a page
LONGEST = 1.1  # inches of a class name
ROWS_A_COLUMN = 34
SCORES = {  # score -> colour, marker and place within the row of its class
    "precision": (style.BLUE, "o", -0.24),
    "recall": (style.VERMILION, "s", 0.0),
    "f1": (style.INK, "D", 0.24),
}


def confusion(run: Run) -> Figure | None:
    """Draw the confusion matrix of the test set as counts and as percentages of each true class.

    The colours follow the 0.4th power of the value, so that rare errors are visible beside a dominant diagonal;
    empty cells are white.
    """
    names = run.info.get("dataset", {}).get("classes") or []
    true, predicted = (run.predictions.get(f"test_{what}") for what in ("true", "predicted"))
    if true is None or predicted is None or not true.size or len(names) < 2:
        return None
    counts = count(true, predicted, len(names))
    total = counts.sum(axis=1, keepdims=True)
    percent = np.divide(100 * counts, total, out=np.zeros(counts.shape), where=total > 0)
    return _two_matrices(counts, percent, names)


def count(true: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the matrix of shape (n_classes, n_classes) that counts rows by true and predicted class.

    Raises
    ------
    DataError
        If the arrays are not of one length or name a class that does not exist.
    """
    if true.shape != predicted.shape or min(true.min(), predicted.min()) < 0:
        raise DataError(
            f"predictions.npz: true {true.shape} and predicted {predicted.shape} do not match. "
            "Run the task again."
        )
    if max(true.max(), predicted.max()) >= n_classes:
        raise DataError(
            f"predictions.npz names class {max(true.max(), predicted.max())} of {n_classes}, counted from 0. "
            "Run the task again."
        )
    codes = true.astype(np.int64) * n_classes + predicted  # small integers would overflow
    cells = np.bincount(codes, minlength=n_classes**2)
    return cells.reshape(n_classes, n_classes)


def _two_matrices(counts: np.ndarray, percent: np.ndarray, classes: list[str]) -> Figure:
    """Place both matrices by the inches that their labels take; see `SIDE_BY_SIDE`."""
    stacked = len(classes) > SIDE_BY_SIDE
    names = style.class_names(classes, LONGEST)
    room = max(style.text_width(name, style.SMALL) for name in names)
    left = room + 0.38
    side = min(TALL, style.WIDTH - left - 0.65) if stacked else (style.WIDTH - left - 0.24) / 2
    cell = side / len(classes)
    turned = room > 0.9 * cell
    below = 0.4 + (room if turned else 0.08)
    top = below + (side + 0.4 if stacked else 0)
    figure = style.new_figure(top + side + 0.3, _confusion_headline(counts, classes), placed=True)
    first = style.place(figure, left, top, side, side)
    second = style.place(figure, left if stacked else left + side + 0.14, below, side, side)
    for axes, values, title in (
        (first, counts, "Test samples"),
        (second, percent, "Percent of each true class"),
    ):
        image = matrix.counts(axes, values)
        axes.set(title=title, xlabel="Predicted class", ylabel="True class")
        if stacked:
            figure.colorbar(image, cax=axes.inset_axes((1.03, 0.2, 0.025, 0.6)))
        matrix.name_classes(axes, names, 72 * cell, turned=turned)
        texts = [
            [percent_text(v, stacked) if values is percent else f"{v}" if v else "" for v in row]
            for row in values
        ]
        if size := matrix.text_size(72 * cell, max(len(text) for row in texts for text in row)):
            matrix.write(axes, texts, matrix.is_dark(values), size)
    if stacked:
        first.set(xlabel="", xticklabels=[])
    else:
        second.set(ylabel="", yticklabels=[])
    return figure


def percent_text(value: float, narrow: bool) -> str:
    """Return what stands in a cell: nothing for nothing, and short where cells are narrow."""
    if value == 0:
        return ""
    if value < 0.05:
        return "<.1"
    return f"{value:.0f}" if value == 100 or (narrow and value >= 9.95) else f"{value:.1f}"


def _confusion_headline(counts: np.ndarray, classes: list[str]) -> str:
    right, total = int(np.trace(counts)), int(counts.sum())
    text = f"{right:,} of {total:,} test samples correct ({100 * right / total:.1f} %)"
    mistakes = counts - np.diag(np.diag(counts))
    if not mistakes.any():
        return text
    true, predicted = np.unravel_index(np.argmax(mistakes), mistakes.shape)
    names = [style.class_names(classes, 1.7, style.LARGE)[k] for k in (true, predicted)]
    return f"{text}; most frequent error: {names[1]} predicted for {names[0]} ({mistakes.max():,}×)"


def per_class(run: Run) -> Figure | None:
    """Draw precision, recall and F1 of each class as dots; the axis starts where the scores do."""
    table = run.tables.get("per_class")
    if not table or len(table.get("class", [])) < 2:
        return None
    scores = {name: np.array([float(cell or "nan") for cell in table[name]]) for name in SCORES}
    values = np.concatenate(list(scores.values()))
    if not np.isfinite(values).any():
        return None
    n = len(table["class"])
    n_columns = math.ceil(n / ROWS_A_COLUMN)
    rows = math.ceil(n / n_columns)
    figure = style.new_figure(0.19 * rows + 0.85, _scores_headline(table["class"], scores["f1"]))
    start = axis_start(float(np.nanmin(values)))
    names = style.class_names(table["class"], (2.0, 1.1, 0.75)[min(n_columns, 3) - 1])
    labels = [f"{name} ({support})" for name, support in zip(names, table["support"], strict=True)]
    for column, axes in enumerate(figure.subplots(1, n_columns, squeeze=False)[0]):
        part = slice(column * rows, (column + 1) * rows)
        _draw_scores(axes, {name: score[part] for name, score in scores.items()}, labels[part], rows)
        axes.set_xlim(start - 0.02 * (1 - start), 1 + 0.02 * (1 - start))
    first = figure.axes[0]
    first.set_title(" ")  # keeps a line free for the legend, which is wider than one of many columns
    legend = first.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0, handletextpad=0.1
    )
    legend.set_in_layout(False)
    note = f", axis starts at {start:g}" if start > 0 else ""
    figure.supxlabel(
        f"Score on the test set{note} (in brackets: test samples of the class)", fontsize=style.NORMAL
    )
    return figure


def _draw_scores(axes: Axes, scores: dict[str, np.ndarray], labels: list[str], rows: int) -> None:
    places = np.arange(len(labels))
    for name, (colour, marker, offset) in SCORES.items():
        label = "F1" if name == "f1" else name
        axes.plot(scores[name], places + offset, marker, color=colour, markersize=3.2, label=label)
    axes.set_yticks(places, labels)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.hlines(places[1:] - 0.5, 0, 1, transform=axes.get_yaxis_transform(), color=style.PALE, linewidth=0.4)
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)


def axis_start(lowest: float) -> float:
    """Return the round number at or below the lowest score at which the axis may start."""
    step = 0.01 if lowest >= 0.95 else 0.05 if lowest >= 0.8 else 0.1
    return max(0.0, round(math.floor(lowest / step - 0.2) * step, 2))


def _scores_headline(classes: list[str], f1: np.ndarray) -> str:
    mean = f"Mean F1 over classes {np.nanmean(f1):.3f}"
    worst = int(np.nanargmin(f1))
    name = style.class_names(classes, 3.0, style.LARGE)[worst]
    return f"{mean}; lowest for {name} ({f1[worst]:.3f})"


FIGURES = {
    "confusion": Drawing(
        confusion,
        "Confusion matrix: true classes as rows, predicted classes as columns",
        "Correct predictions lie on the diagonal; the darkest off-diagonal cells are the classes that are confused.",
    ),
    "boundary": Drawing(
        boundary,
        "Decision boundary over the points of the plane",
        "Does the boundary follow the classes, or individual points?",
    ),
    "mistakes": Drawing(
        gallery.mistakes,
        "Misclassified test images, the most confident errors first",
        "Would a person have classified them correctly? Some labels are wrong.",
    ),
    "gallery": Drawing(
        gallery.gallery, "Random test images with predicted and true class", "What the images look like."
    ),
    "per_class": Drawing(
        per_class,
        "Precision, recall and F1 of every class",
        "Classes with the lowest scores need more samples or better features.",
    ),
    "learning_curves": Drawing(
        learning_curves,
        "Loss and accuracy by epoch, training and validation set",
        "Overfitting begins where the validation curve departs from the training curve.",
    ),
} | importance_figures.FIGURES
