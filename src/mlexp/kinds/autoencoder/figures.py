"""Figures of an autoencoder: error curves, reconstructions, latent space and interpolation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import groups, style
from mlexp.drawing.figure import Drawing
from mlexp.drawing.strips import strips
from mlexp.kinds import curves, network_figures
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEATURES = {"bottleneck": "bottleneck", "penultimate": "last hidden layer", "pca": "PCA", "raw": "raw inputs"}


def error_curves(run: Run) -> Figure | None:
    """Draw the error on both sets by epoch, with that of PCA of the same width, the bound of linear autoencoders."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    facts, history = run.info.get("facts", {}), run.history
    floor = facts.get("pca_validation_mse")
    if floor is None or "train_loss" not in history:
        return None
    reached = run.metrics["validation"]["mse"]
    side = "below" if reached < floor else "above"
    figure = style.new_figure(
        2.75,
        f"Validation error {reached:.5f}, {side} that of PCA with {facts['width']} components ({floor:.5f}); "
        f"R² {run.metrics['validation']['r2']:.3f} (mean over features)",
    )
    axes = figure.subplots()
    for part, look in curves.LINES.items():
        axes.plot(history["epoch"], history[f"{part}_loss"], label=part, **look | {"marker": ""})
        axes.axhline(
            facts[f"pca_{part}_mse"],
            color=look["color"],
            linestyle=(0, (1, 1.5)),
            linewidth=1,
            label=f"PCA, {part}: {facts[f'pca_{part}_mse']:.4f}",
        )
    axes.set(xlabel="Epoch", ylabel="Mean squared error, log scale", yscale="log")
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter("{x:.3g}")
    axes.yaxis.set_minor_locator(LogLocator(subs=(2, 3, 5)))
    axes.yaxis.set_minor_formatter("{x:.3g}")
    axes.grid(axis="y", which="both")
    figure.legend(loc="outside lower center", ncols=4)
    return figure


def reconstructions(run: Run) -> Figure | None:
    """Draw test images and their reconstructions by the autoencoder and by PCA of the same width."""
    arrays = run.arrays
    if "picture_rebuilt" not in arrays:
        return None
    error = run.metrics["test"]["mse"]
    rows = [
        (name, _unit(run, arrays[f"picture_{what}"]))
        for name, what in (("original", "original"), ("autoencoder", "rebuilt"), ("PCA", "pca"))
    ]
    width = run.info["facts"]["width"]
    headline = f"Test images reconstructed from {width} numbers: mean squared error {error:.4f}"
    return strips(headline, rows, above=_classes(run, arrays["picture_position"]))


def between(run: Run) -> Figure | None:
    """Draw an interpolation between two images through the latent space, and by blending pixels."""
    arrays = run.arrays
    if "between_latent" not in arrays:
        return None
    rows = [
        (f"{name}", _unit(run, arrays[f"between_{what}"]))
        for name, what in (("latent space", "latent"), ("pixels", "pixels"))
    ]
    note = (
        "Equal steps between two test images: first through the latent space, then by blending their pixels"
    )
    return strips("Interpolation between two images", rows, note=note)


def latent(run: Run) -> Figure | None:
    """Draw test samples in the first two principal directions of the latent space."""
    points = run.arrays.get("latent_xy")
    if points is None:
        return None
    names, ratio = run.info["dataset"]["classes"], 100 * run.arrays["latent_ratio"]
    figure = style.new_figure(
        4.2 + groups.legend_height(names), f"{len(points):,} test samples in the latent space, by class"
    )
    axes = figure.subplots()
    if names:
        groups.scatter(axes, points, run.arrays["latent_class"], names)
        groups.legend(figure, names)
    else:
        figure.colorbar(groups.values(axes, points, run.arrays["latent_class"]), label="Target")
    axes.set(
        xlabel=f"First principal direction of the latent space ({ratio[0]:.0f} % of its variance)",
        ylabel=f"Second ({ratio[1]:.0f} %)",
    )
    return figure


def _unit(run: Run, images: np.ndarray) -> np.ndarray:
    low, high = run.arrays["pixel_range"]
    scaled: np.ndarray = (images - low) / ((high - low) or 1)
    return scaled


def _classes(run: Run, positions: np.ndarray) -> list[str]:
    names = run.info["dataset"]["classes"]
    return [names[code] for code in run.predictions["test_true"][positions]] if names else []


FIGURES = {
    "reconstructions": Drawing(
        reconstructions,
        "Test images above their reconstructions",
        "Fine patterns and edges are lost first.",
    ),
    "error_curves": Drawing(
        error_curves,
        "Reconstruction error by epoch, with that of principal components of the same width",
        "Below the line, the network has found more than a linear method can.",
    ),
    "latent": Drawing(
        latent,
        "Scatter of the codes in two dimensions, coloured by class",
        "Classes that form islands are separable from the code alone.",
    ),
    "between": Drawing(
        between,
        "Images decoded from the interpolation between two codes",
        "Intermediate images that look like the data show a smooth latent space.",
    ),
    **network_figures.FIGURES,
}
