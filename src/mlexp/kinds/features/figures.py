"""Figures of classifiers on several features of the same samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import style
from mlexp.drawing.figure import Drawing
from mlexp.kinds import network_figures
from mlexp.kinds.autoencoder.figures import error_curves
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEATURES = {"bottleneck": "bottleneck", "penultimate": "last hidden layer", "pca": "PCA", "raw": "raw inputs"}


def features(run: Run) -> Figure | None:
    """Draw the accuracy of the classifiers on each kind of features."""
    table = run.tables.get("features")
    if table is None:
        return None
    parts = {"train": (style.BLUE, "o"), "validation": (style.VERMILION, "s"), "test": (style.INK, "D")}
    accuracy = {part: 100 * np.array(table[f"{part}_accuracy"], float) for part in parts}
    order = np.argsort(accuracy["test"], kind="stable")
    best = FEATURES[table["features"][order[-1]]]
    right = f"{accuracy['test'].max():.2f} % of {run.info['split']['test']:,} samples correct"
    figure = style.new_figure(0.9 + 0.34 * len(order), f"Best on the test set: features '{best}', {right}")
    axes = figure.subplots()
    axes.hlines(range(len(order)), 0, 100, color=style.PALE, linewidth=0.6)
    for shift, (part, (colour, marker)) in zip((0.16, 0, -0.16), parts.items(), strict=True):
        axes.plot(
            accuracy[part][order],
            np.arange(len(order)) + shift,
            marker,
            color=colour,
            markersize=4.5,
            label=part,
        )
    low, high = min(map(np.min, accuracy.values())), max(map(np.max, accuracy.values()))
    margin = max(0.1 * (high - low), 0.5)
    names = [f"{FEATURES[table['features'][k]]} ({table['width'][k]} wide)" for k in order]
    axes.set(
        xlabel="Accuracy (%)",
        xlim=(low - margin, high + margin),
        ylim=(-0.5, len(order) - 0.5),
    )
    axes.set_yticks(range(len(order)), names)
    for place, value in enumerate(accuracy["test"][order]):  # beside the axes, where no marker can be
        edge = axes.get_yaxis_transform()
        axes.text(1.01, place, f"test {value:.2f} %", transform=edge, va="center", fontsize=style.SMALL)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


FIGURES = {
    "features": Drawing(
        features,
        "Accuracy of classifiers on several features of the same samples",
        "Which features retain most information?",
    ),
    "error_curves": Drawing(
        error_curves,
        "Reconstruction error by epoch, with that of principal components of the same width",
        "Below the line, the network has found more than a linear method can.",
    ),
    **network_figures.FIGURES,
}
