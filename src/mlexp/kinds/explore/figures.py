"""Figures of a data set before any training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import style
from mlexp.drawing import tiles as pictures
from mlexp.drawing.figure import Drawing
from mlexp.drawing.strips import strips
from mlexp.kinds.explore import table_figures
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARTS = {"train": style.BLUE, "validation": style.VERMILION, "test": style.INK}
ROWS_AT_MOST = 30  # classes with several images each; of more, one image each
TILES_AT_MOST = 120
MARKS = dict(zip(PARTS, "osD", strict=True))


def random_images(run: Run) -> Figure | None:
    """Draw random test images with the names of their classes."""
    images = run.arrays.get("random_image")
    if images is None:
        return None
    names = run.info["dataset"]["classes"]
    labels = style.class_names(names, 1.1, pictures.CAPTION)
    tiles = [
        pictures.Tile(image, (labels[int(code)] if labels else f"{code:.4g}",), wrong=False)
        for image, code in zip(images, run.arrays["random_class"], strict=True)
    ]
    headline = f"{len(tiles)} random test images of {run.info['dataset']['name']}"
    return pictures.draw_tiles(tiles, 5, headline, "Below each image: its class")


def by_class(run: Run) -> Figure | None:
    """Draw some training images of each class."""
    images, codes = run.arrays.get("sample_image"), run.arrays.get("sample_class")
    names = run.info.get("dataset", {}).get("classes") or []
    if images is None or codes is None or not len(images):
        return None
    unit = pictures.unit(images)
    labels = style.class_names(names, 1.0)
    rows = [(label, unit[codes == code]) for code, label in enumerate(labels) if (codes == code).any()]
    if len(rows) > ROWS_AT_MOST:
        labels = style.class_names([names[code] for code in np.unique(codes)], 0.55, pictures.CAPTION)
        tiles = [
            pictures.Tile(images[0], (label,), False) for label, (_, images) in zip(labels, rows, strict=True)
        ]
        shown = f"the first {TILES_AT_MOST} of " if len(tiles) > TILES_AT_MOST else ""
        headline = f"A random training image of each of {shown}{len(rows)} classes"
        return pictures.draw_tiles(tiles[:TILES_AT_MOST], 10, headline, "Below each image: its class")
    return strips(f"Random training images of each of {len(rows)} classes", rows)


def balance(run: Run) -> Figure | None:
    """Draw the share of each class in each set."""
    table = run.tables.get("class_balance")
    if table is None:
        return None
    names = style.class_names(table["class"], 1.3)
    train = np.array(table["train"], float)
    ratio = train.max() / max(train.min(), 1)
    figure = style.new_figure(
        0.75 + 0.17 * len(names),
        f"The majority class has {ratio:.2g} times as many training samples as the rarest"
        if ratio > 1.05
        else f"Balanced: about {train.mean():,.0f} training samples per class",
    )
    axes = figure.subplots()
    places = np.arange(len(names))[::-1]
    axes.hlines(places, 0, 100, color=style.PALE, linewidth=0.5)
    for shift, (part, colour) in zip((0.2, 0, -0.2), PARTS.items(), strict=True):
        share = 100 * np.array(table[f"{part}_share"], float)
        total = sum(int(n) for n in table[part])
        axes.plot(
            share,
            places + shift,
            MARKS[part],
            color=colour,
            markersize=3.5,
            label=f"{part} ({total:,} samples)",
        )
    most = max(100 * float(value) for part in PARTS for value in table[f"{part}_share"])
    axes.set(
        xlabel="Share of the samples of the set (%)", xlim=(0, 1.08 * most), ylim=(-0.7, len(names) - 0.3)
    )
    axes.set_yticks(places, names)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def distances(run: Run) -> Figure | None:
    """Draw the distances of validation and test samples to their nearest training sample."""
    found = {part: run.predictions.get(f"{part}_nearest_distance") for part in ("validation", "test")}
    facts = run.info.get("facts", {})
    if found["validation"] is None or found["test"] is None:
        return None
    share = 100 * facts["validation_rows_nearer_than_nearest_5_percent_of_test"]
    figure = style.new_figure(
        2.6,
        f"{share:.1f} % of the validation samples lie closer to the training set than the closest 5 % of the test "
        "samples",
    )
    axes = figure.subplots()
    for part, values in found.items():
        assert values is not None
        ordered = np.sort(values)
        axes.plot(
            ordered,
            100 * np.arange(1, len(ordered) + 1) / len(ordered),
            color=PARTS[part],
            linestyle="--" if part == "validation" else "-",
            label=f"{part}: {len(values):,} samples, median {np.median(values):.4g}",
        )
    line = float(np.quantile(found["test"], 0.05))
    axes.axvline(
        line, color=style.GREY, linestyle=":", linewidth=1, label=f"closest 5 % of test: up to {line:.4g}"
    )
    axes.set(
        xlabel=f"Distance to the nearest training sample ({facts['distance']})",
        ylabel="Share of samples (%)",
        ylim=(0, 101),
    )
    axes.set_xlim(0)
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def pixels(run: Run) -> Figure | None:
    """Draw mean and standard deviation of every pixel, and the histogram of the values."""
    from matplotlib.ticker import LogLocator, NullLocator

    arrays = run.arrays
    if "pixel_mean" not in arrays:
        return None
    figure = style.new_figure(2.0, "Pixels of the training set")
    axes = figure.subplots(1, 3, width_ratios=(1, 1, 1.1))
    top = float(arrays["pixel_edges"][-1])
    for panel, what in zip(axes, ("mean", "deviation"), strict=False):
        values = arrays[f"pixel_{what}"]
        if values.ndim == 3:
            values = values.mean(axis=-1)  # of the colours
        shown = panel.imshow(values, cmap="viridis", vmin=0, vmax=top if what == "mean" else None)
        panel.set(xticks=[], yticks=[], title=f"{what.capitalize()} of each pixel")
        figure.colorbar(shown, ax=panel, shrink=0.75, label=f"Grey level (0 to {top:g})")
    counts, edges = arrays["pixel_counts"], arrays["pixel_edges"]
    axes[2].bar(edges[:-1], 100 * counts / counts.sum(), np.diff(edges), align="edge", color=style.BLUE)
    axes[2].set(title="Histogram of the values", xlabel="Grey level", yscale="log")
    axes[2].set_ylabel("Share of pixels (%), log")
    axes[2].yaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes[2].yaxis.set_major_formatter("{x:g}")
    axes[2].yaxis.set_minor_locator(NullLocator())
    return figure


FIGURES = {
    "images_by_class": Drawing(
        by_class,
        "Random images of each class",
        "Do the images of a class look alike, and unlike those of others?",
    ),
    "histograms": Drawing(
        table_figures.histograms,
        "Histogram of each feature in the training set, stacked by class where there are few",
        "Features whose classes lie apart are easy to learn from; long tails may need a logarithm.",
    ),
    "class_balance": Drawing(
        balance,
        "Samples of each class in each set",
        "Rare classes have few samples to learn from and few to be scored on.",
    ),
    "correlations": Drawing(
        table_figures.correlations,
        "Correlation of each pair of features in the training set",
        "Features that are nearly copies of each other share their importance and add little.",
    ),
    "scatter_matrix": Drawing(
        table_figures.scatter_matrix,
        "Scatter plots of pairs of features, coloured by class where there are few",
        "Do the classes lie apart in some plane, and would a line separate them?",
    ),
    "missing_values": Drawing(
        table_figures.missing,
        "Share of missing values of each feature",
        "A feature that is mostly missing can be left out; the others are filled (prepare.impute).",
    ),
    "outliers": Drawing(
        table_figures.outliers,
        "Box of each feature: quartiles, whiskers and outliers",
        "Single points far out may be errors in the file; many suggest a skewed distribution.",
    ),
    "nearest_distances": Drawing(
        distances,
        "Distances of validation and test samples to their nearest training sample",
        "Two clearly different curves mean that one set contains near-duplicates of the training set.",
    ),
    "random_images": Drawing(
        random_images,
        "Random test images with their classes",
        "Are they as expected: upright, of one scale, and rightly labelled?",
    ),
    "pixels": Drawing(
        pixels,
        "Mean and standard deviation of each pixel in the training set, and the histogram of the values",
        "Pixels that never change carry no information; a range that is not used suggests another scaling.",
    ),
}
