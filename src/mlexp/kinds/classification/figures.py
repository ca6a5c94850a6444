"""Figures of a classification, in the order of importance, and the scores by class."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import style
from mlexp.drawing.figure import Drawing
from mlexp.kinds import importance_figures, network_figures
from mlexp.kinds.boundary_figure import boundary
from mlexp.kinds.classification import gallery, probabilities
from mlexp.kinds.classification.classes import FEW_ROWS
from mlexp.kinds.classification.confusion import CONFUSION, by_set
from mlexp.kinds.classification.examples_figure import examples
from mlexp.kinds.curves import LEARNING_CURVES
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROWS_A_COLUMN = 34
SCORES = {  # score -> colour, marker and place within the row of its class
    "precision": (style.BLUE, "o", -0.24),
    "recall": (style.VERMILION, "s", 0.0),
    "f1": (style.INK, "D", 0.24),
}


def per_class(run: Run) -> Figure | None:
    """Draw precision, recall and F1 of each class as dots; the axis starts where the scores do."""
    table = run.tables.get("per_class", {})
    if len(table.get("class", [])) < 2 or sum(map(float, table["support"])) <= FEW_ROWS:
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


def _scores_headline(names: list[str], f1: np.ndarray) -> str:
    mean = f"Mean F1 over classes {np.nanmean(f1):.3f}"
    worst = int(np.nanargmin(f1))
    name = style.class_names(names, 3.0, style.LARGE)[worst]
    return f"{mean}; lowest for {name} ({f1[worst]:.3f})"


# In the order of importance: the first that apply stand on the page.
FIGURES = {
    "boundary": Drawing(
        boundary,
        "Decision boundary over the points of the plane",
        "Does the boundary follow the classes, or individual points?",
    ),
    "confusion": CONFUSION,
    "learning_curves": LEARNING_CURVES,
    "roc_and_precision": Drawing(
        probabilities.roc_and_precision,
        "ROC curves, and precision against recall, of each class against the rest",
        "Curves near the upper corner rank nearly all samples of the class first. AUC: area under the ROC curve; AP: "
        "average precision; in brackets 95 % intervals over samples.",
    ),
    "mistakes": Drawing(
        gallery.mistakes,
        "Misclassified test images, the most confident errors first",
        "Would a person have classified them correctly? Some labels are wrong.",
    ),
    "calibration": Drawing(
        probabilities.calibration,
        "Share of correct samples by confidence, and confidence of correct and wrong predictions",
        "Points below the diagonal: the model is surer than it is right. The calibration error is the mean distance "
        "from the diagonal, weighted by samples; with few samples in a bin it is above 0 even for a calibrated model.",
    ),
    "examples": Drawing(
        examples,
        "The most typical, most doubtful and most confidently wrong test images of each class",
        "Below each image: probability of the predicted class; ≠ marks a wrong prediction. Doubtful: the two highest "
        "probabilities are nearly equal.",
    ),
    **importance_figures.FIGURES,
    "confusion_by_set": Drawing(
        by_set,
        "Confusion matrices of the test, validation and training set, in percent of each true class",
        "Errors that the training set shows too are not overfitting: the features do not separate these classes.",
    ),
    "per_class": Drawing(
        per_class,
        "Precision, recall and F1 of every class",
        "Classes with the lowest scores need more samples or better features.",
    ),
    "gallery": Drawing(
        gallery.gallery, "Random test images with predicted and true class", "What the images look like."
    ),
    **network_figures.FIGURES,
}
