"""Figures of embeddings in two dimensions, and of the variance that principal components retain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.drawing import groups, style
from mlexp.drawing import tiles as pictures
from mlexp.drawing.figure import Drawing
from mlexp.kinds.embedding.names import called
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 2.75  # inches of a panel
THUMBNAIL = 0.17  # inches of the longer side of an image among others
MARGIN = 1.15  # distance between two images, in their sizes
LINE = "#D55E00"
REACH = 1.0  # of outliers, in widths of the middle 95 % of the points


def by_class(run: Run) -> Figure | None:
    """Draw each method's points in the colours and letters of their classes."""
    return _panels(run, images=False)


def by_image(run: Run) -> Figure | None:
    """Draw each method's points as images; images that would overlap are left out."""
    return _panels(run, images=True) if "shown_image" in run.arrays else None


def variance(run: Run) -> Figure | None:
    """Draw the share of each principal component and their sum, with the requested share marked."""
    from matplotlib.ticker import MaxNLocator

    share = run.arrays.get("pca_share")
    if share is None:
        return None
    facts = run.info["facts"]
    reached = f"{100 * facts['reached']:.1f} % of the variance"
    headline = f"{facts['components']} of {facts['features']} components retain {reached}"
    figure = style.new_figure(2.6, headline)
    left, right = figure.subplots(1, 2)
    shown = min(len(share), 20)
    left.bar(np.arange(1, shown + 1), 100 * share[:shown], color=style.BLUE, width=0.7)
    largest = ", ".join(f"{100 * value:.2f} %" for value in share[:2]) + ", …" * (shown > 2)
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.set(
        xlabel="Principal component",
        ylabel="Share of the variance (%)",
        title=f"The first {shown}: {largest}",
    )
    _draw_sums(right, 100 * np.cumsum(share), facts["components"], 100 * facts["variance"])
    for axes in (left, right):
        axes.grid(axis="y")
    return figure


def _draw_sums(right: Axes, sums: np.ndarray, kept: int, wanted: float) -> None:
    """Draw the sum of the shares in percent, with the requested one and the components that reach it."""
    from matplotlib.ticker import MaxNLocator

    right.plot(np.arange(1, len(sums) + 1), sums, color=style.BLUE)
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.axhline(wanted, color=LINE, linestyle="--", linewidth=1)
    right.axvline(kept, color=LINE, linestyle=":", linewidth=1)
    right.plot(kept, sums[kept - 1], "o", color=LINE, markersize=5)
    right.annotate(
        f"{wanted:g} % with {kept} components",
        (kept, wanted),
        (8, -12),
        textcoords="offset points",
        color=LINE,
    )
    right.set(xlabel="Components kept", ylabel="Sum of the shares (%)", title="All of them, summed up")
    right.set_ylim(min(sums[0], wanted) - 5, 101.5)


def components(run: Run) -> Figure | None:
    """Draw the first components as images: blue lowers a pixel, orange raises it, white leaves it."""
    images, share = run.arrays.get("pca_component"), run.arrays.get("pca_share")
    if images is None or share is None:
        return None
    across, size = 5, 0.95
    deep = math.ceil(len(images) / across)
    figure = style.new_figure(
        deep * (size + 0.3) + 0.15, f"The first {len(images)} principal components as images"
    )
    axes = list(figure.subplots(deep, across, squeeze=False).flat)
    for k, panel in enumerate(axes):
        panel.set_axis_off()
        if k < len(images):
            most = float(np.abs(images[k]).max()) or 1.0
            shown = np.clip(0.5 + images[k] / (2 * most), 0, 1) if images.ndim == 4 else images[k]
            panel.imshow(shown, cmap="PuOr_r", vmin=-most, vmax=most)
            panel.set_title(f"{k + 1}: {100 * share[k]:.1f} %", fontsize=style.SMALL, loc="center", pad=2)
    means = "grey is 0 in each channel" if images.ndim == 4 else "orange raises a pixel, purple lowers it"
    note = f"Share of the variance above each; {means}; each scaled to its own range"
    figure.supxlabel(note, fontsize=style.SMALL, color=style.GREY)
    return figure


def reconstructions(run: Run) -> Figure | None:
    """Draw images and their reconstructions from the retained components."""
    original, rebuilt = run.arrays.get("pca_original"), run.arrays.get("pca_rebuilt")
    if original is None or rebuilt is None:
        return None
    names = run.info["dataset"]["classes"]
    true = run.arrays.get("pca_true")
    facts = run.info["facts"]
    high = float(original.max())
    both = np.concatenate([original, np.clip(rebuilt, 0, high)]) / (high or 1)
    errors = np.sqrt(((original - rebuilt.astype(np.float64)) ** 2).mean(axis=tuple(range(1, original.ndim))))
    labels = style.class_names(names, 0.5) if names else []
    figure = style.new_figure(
        1.75,
        f"{facts['components']} of {facts['features']} components: originals above, reconstructions below",
    )
    axes = figure.subplots(2, len(original), squeeze=False)
    for k, panel in enumerate(axes.flat):
        panel.set(xticks=[], yticks=[])
        panel.imshow(both[k], cmap="gray", vmin=0, vmax=1)
        for spine in panel.spines.values():
            spine.set_visible(False)
    for k in range(len(original)):
        if labels and true is not None:
            axes[0, k].set_title(labels[true[k]], loc="center", pad=2)
        axes[1, k].set_xlabel(f"±{errors[k]:.1f}", fontsize=style.SMALL)
    note = f"Below: root mean square error, in grey levels of 0 to {high:.0f}"
    figure.supxlabel(note, fontsize=style.SMALL, color=style.GREY)
    return figure


def apart(points: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """Return which points keep a box of that size free of the boxes of those before them.

    Parameters
    ----------
    points : float array of shape (n, 2)
    size : width and height of a box, in the units of the points
    """
    kept: list[int] = []
    scaled = points / np.asarray(size)
    for k, point in enumerate(scaled):
        if not kept or (np.abs(scaled[kept] - point).max(axis=1) >= 1).all():
            kept.append(k)
    return np.array(kept, dtype=np.int64)


def _panels(run: Run, *, images: bool) -> Figure | None:
    embedded = run.info.get("facts", {}).get("rows")
    methods = (
        [name for name in embedded if f"shown_{name}" in run.arrays] if isinstance(embedded, dict) else []
    )
    if not methods:
        return None
    names, true = run.info["dataset"]["classes"], run.arrays.get("shown_true")
    across = min(len(methods), 2)
    deep = math.ceil(len(methods) / across)
    below = 0 if images else groups.legend_height(names)
    figure = style.new_figure(
        (HEIGHT + (1.2 if across == 1 else 0)) * deep + below,
        _headline(run, methods, len(run.arrays[f"shown_{methods[0]}"]), images),
    )
    axes = list(figure.subplots(deep, across, squeeze=False).flat)
    for spare in axes[len(methods) :]:
        spare.remove()
    for panel, method in zip(axes, methods, strict=False):
        panel.set(xticks=[], yticks=[])
        if method == "pca":
            x, y = (*100 * run.arrays["pca_share"][:2], 0.0)[:2]
            panel.set(xlabel=f"PC 1 ({x:.1f} % of the variance)", ylabel=f"PC 2 ({y:.1f} %)" if y else "")
        points, beyond = _at_the_rim(panel, _plane(run, method))
        panel.set_title(_title(run, method, beyond, alone=len(methods) == 1))
        if images:
            panel.scatter(points[:, 0], points[:, 1], s=0)
        elif true is None:
            groups.scatter(panel, points, np.zeros(len(points), np.int64))
        elif names:
            groups.scatter(panel, points, true, names)
        else:
            figure.colorbar(groups.values(panel, points, true), ax=panel, label="target")
    if images:
        style.freeze(figure)
        for panel, method in zip(axes, methods, strict=False):
            points, _ = _at_the_rim(panel, _plane(run, method))
            _place_images(panel, points, pictures.unit(run.arrays["shown_image"]))
    else:
        groups.legend(figure, names)
    return figure


def _plane(run: Run, method: str) -> np.ndarray:
    """Return the points of a method in two dimensions; those of one lie on a line."""
    points = run.arrays[f"shown_{method}"]
    return points if points.shape[1] > 1 else np.column_stack([points, np.zeros_like(points)])


def axis_limits(points: np.ndarray) -> np.ndarray:
    """Return limits of the axes that a few outliers do not rule.

    They are those of the points, unless a side reaches beyond the middle 95 % by more than `REACH` times their width:
    then it ends where half of that is reached.

    Parameters
    ----------
    points : float array of shape (n, 2)

    Returns
    -------
    float array of shape (2, 2): lower limits, upper limits
    """
    low, high = points.min(axis=0), points.max(axis=0)
    inner_low, inner_high = np.quantile(points, [0.025, 0.975], axis=0)
    room = REACH * (inner_high - inner_low)
    low = np.where((room > 0) & (inner_low - low > room), inner_low - room / 2, low)
    high = np.where((room > 0) & (high - inner_high > room), inner_high + room / 2, high)
    return np.array([low, high])


def _at_the_rim(panel: Axes, points: np.ndarray) -> tuple[np.ndarray, int]:
    """Set the limits of the axes; return points with outliers moved to the rim, and how many those are."""
    limits = axis_limits(points)
    inside = np.clip(points, *limits)
    margin = np.where(limits[1] > limits[0], 0.04 * (limits[1] - limits[0]), 1.0)
    panel.set_xlim(limits[0, 0] - margin[0], limits[1, 0] + margin[0])
    panel.set_ylim(limits[0, 1] - margin[1], limits[1, 1] + margin[1])
    return inside, int((inside != points).any(axis=1).sum())


def _place_images(panel: Any, points: np.ndarray, images: np.ndarray) -> None:
    """Draw images centred on their points, as large as `THUMBNAIL`, none over another."""
    box = panel.get_window_extent()
    (left, right), (bottom, top) = panel.get_xlim(), panel.get_ylim()
    h, w = images.shape[1:3]
    inch = style.DPI * THUMBNAIL / max(h, w)
    width, height = w * inch * (right - left) / box.width, h * inch * (top - bottom) / box.height
    for k in apart(points, (MARGIN * width, MARGIN * height)):
        x, y = points[k]
        panel.imshow(
            images[k],
            cmap="gray",
            vmin=0,
            vmax=1,
            extent=(x - width / 2, x + width / 2, y - height / 2, y + height / 2),
            aspect="auto",
            interpolation="nearest",
        )
    panel.set(xlim=(left - width / 2, right + width / 2), ylim=(bottom - height / 2, top + height / 2))


def _headline(run: Run, methods: list[str], shown: int, images: bool) -> str:
    what = f"{run.info['dataset']['name']}: {shown:,} samples" + (
        " shown without overlap" if images else " shown"
    )
    if measured := run.info["facts"].get("measured_rows"):
        what += f", measures among {measured:,}"
    if len(methods) == 1:
        return f"{called(methods[0])} of {what}"
    best = max(methods, key=lambda method: run.metrics[method]["trustworthiness"])
    return f"{called(best)} preserves neighbourhoods best ({what})"


def _title(run: Run, method: str, beyond: int, *, alone: bool) -> str:
    scores = run.metrics["all"] if alone else run.metrics[method]
    facts = run.info["facts"]
    return (
        f"{called(method)}: {facts['rows'][method]:,} samples, {facts['seconds'][method]:.1f} s\n"
        f"trustworthiness {scores['trustworthiness']:.3f}, continuity {scores['continuity']:.3f}"
        + (f"\n{beyond:,} outliers drawn at the edge" if beyond else "")
    )


FIGURES = {
    "embedding": Drawing(
        by_class,
        "Scatter plot of the samples in two dimensions, coloured by class",
        "Classes that form islands are easy to separate by these features.",
    ),
    "embedding_images": Drawing(
        by_image,
        "The embedding with the images themselves; those that would overlap are left out",
        "Neighbours should look alike: what changes from left to right, and from top to bottom?",
    ),
    "pca_variance": Drawing(
        variance,
        "Explained variance by number of principal components",
        "Where the curve flattens, further components add little: how many are needed?",
    ),
    "pca_components": Drawing(
        components,
        "Principal components, as images, with the share of the variance of each",
        "The first components are the directions in which images differ most.",
    ),
    "pca_reconstructions": Drawing(
        reconstructions,
        "Images above their reconstructions from the principal components",
        "What is missing lies in the components that were left out.",
    ),
}
