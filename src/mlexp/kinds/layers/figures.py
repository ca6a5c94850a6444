"""Figures of the layers of a classifier: t-SNE maps and class separation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import groups, style
from mlexp.drawing.figure import Drawing
from mlexp.kinds import network_figures
from mlexp.kinds.classification.confusion import CONFUSION
from mlexp.kinds.curves import LEARNING_CURVES
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = {
    "train": (style.BLUE, "o", "-"),
    "validation": (style.VERMILION, "s", "--"),
    "test": (style.INK, "D", ":"),
}
SIDE = 2.0  # inches of a map


def maps(run: Run) -> Figure | None:
    """Draw the t-SNE map of every layer, one row per layer and one column per set, coloured by class."""
    table = run.tables.get("separation")
    if table is None:
        return None
    layers = [layer for layer in dict.fromkeys(table["layer"]) if layer != "input"]
    scores = dict(zip(zip(table["layer"], table["part"], strict=True), table["silhouette"], strict=True))
    names, rows = run.info["dataset"]["classes"], run.info["facts"]["rows"]
    figure = style.new_figure(
        SIDE * len(layers) + groups.legend_height(names) + 0.15,
        f"t-SNE of each layer's outputs, by class (test accuracy {100 * run.metrics['test']['accuracy']:.2f} %)",
    )
    grid = figure.subplots(len(layers), len(PARTS), squeeze=False)
    for layer, line in zip(layers, grid, strict=True):
        for part, axes in zip(PARTS, line, strict=True):
            groups.scatter(axes, run.arrays[f"map_{layer}_{part}"], run.arrays[f"map_class_{part}"], names)
            _name(axes, run, layer, part)
            axes.set(xticks=[], yticks=[])
            axes.set_title(
                f"{layer.replace('_', ' ')}, {part} ({rows[part]:,} samples)\nsilhouette "
                f"{float(scores[layer, part]):.3f}",
                fontsize=style.SMALL,
            )
    groups.legend(figure, names)
    return figure


def _name(axes: Axes, run: Run, layer: str, part: str) -> None:
    """Write the name of each class where its samples are densest, because dense groups hide their letters."""
    from matplotlib.patheffects import withStroke

    points, codes = run.arrays[f"map_{layer}_{part}"], run.arrays[f"map_class_{part}"]
    names = style.class_names(run.info["dataset"]["classes"], 0.5)
    for code in np.unique(codes):
        x, y = np.median(points[codes == code], axis=0)
        axes.text(
            x,
            y,
            names[code],
            ha="center",
            va="center",
            fontsize=style.LARGE if len(names[code]) < 3 else style.SMALL,
            fontweight="bold",
            path_effects=[withStroke(linewidth=2.2, foreground="white")],
        )


def separation(run: Run) -> Figure | None:
    """Draw the separation of the classes, layer by layer."""
    table = run.tables.get("separation")
    if table is None:
        return None
    layers = list(dict.fromkeys(table["layer"]))
    figure = style.new_figure(2.4, "Separation of the classes, layer by layer")
    axes = figure.subplots()
    for part, (colour, marker, line) in PARTS.items():
        values = [float(v) for v, p in zip(table["silhouette"], table["part"], strict=True) if p == part]
        axes.plot(range(len(layers)), values, line, marker=marker, color=colour, markersize=4, label=part)
    widths = dict(zip(table["layer"], table["width"], strict=True))
    axes.set_xticks(
        range(len(layers)), [f"{layer.replace('_', ' ')}\n({widths[layer]} wide)" for layer in layers]
    )
    axes.set(ylabel="Silhouette by class (−1 to 1)")
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


FIGURES = {
    "separation": Drawing(
        separation,
        "Silhouette of the classes by layer",
        "A rising curve shows that the network separates the classes step by step.",
    ),
    "hidden_layers": Drawing(
        maps,
        "t-SNE maps of the outputs of each layer, coloured by class",
        "Are colours mixed at the input and separated towards the output?",
    ),
    "confusion": CONFUSION,
    "learning_curves": LEARNING_CURVES,
    **network_figures.FIGURES,
}
