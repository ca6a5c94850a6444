"""Figures of a clustering: clusters in two dimensions, scores by k, and images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.drawing import groups, style
from mlexp.drawing import tiles as pictures
from mlexp.drawing.figure import Drawing
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = {  # title -> scores in it, name and colour; all panels have k on the horizontal axis
    "Silhouette (−1 to 1, higher is better)": {"silhouette": ("silhouette", style.BLUE, "o")},
    "Inertia (sum of squared distances)": {"inertia": ("inertia", style.BLUE, "o")},
    "Information criterion (lower is better)": {
        "aic": ("AIC", style.BLUE, "o"),
        "bic": ("BIC", style.VERMILION, "s"),
    },
    "Davies-Bouldin (lower is better)": {"davies_bouldin": ("", style.BLUE, "o")},
    "Agreement with the classes (1 is best)": {
        "ari": ("ARI", style.BLUE, "o"),
        "nmi": ("NMI", style.VERMILION, "s"),
        "purity": ("purity", style.GREEN, "^"),
        "accuracy": ("matched", style.INK, "D"),
    },
}
ROWS_AT_MOST = 40  # clusters in one gallery
LABEL = 1.15  # inches beside a row of images
HEIGHT = 2.35  # inches of a panel


def clusters(run: Run) -> Figure | None:
    """Draw the classes and the clusters of each method side by side, by PCA if there are more than two features."""
    points, methods = run.arrays.get("scatter_point"), _methods(run)
    if points is None or points.shape[1] != 2 or not methods:
        return None
    rows, names = run.arrays["scatter_row"], run.info["dataset"]["classes"]
    true = run.predictions.get("true")
    n_panels = len(methods) + (true is not None)
    across = min(n_panels, 2)
    height = (HEIGHT + 0.35) * math.ceil(n_panels / across) + groups.legend_height(names)
    figure = style.new_figure(height, _headline(run, methods))
    axes = list(figure.subplots(math.ceil(n_panels / across), across, squeeze=False).flat)
    for spare in axes[n_panels:]:
        spare.remove()
    if true is not None:
        groups.scatter(axes[0], points, true[rows], names)
        axes[0].set_title(f"True classes ({len(names)})")
        groups.legend(figure, names)
    for panel, method in zip(axes[n_panels - len(methods) :], methods, strict=True):
        labels = run.predictions[f"{method}_cluster"]
        shown = labels if true is None else recoloured(labels, true)
        groups.scatter(panel, points, shown[rows])
        panel.set_title(_title(run, method))
    for panel in axes[:n_panels]:
        _name_axes(panel, run)
    return figure


def recoloured(labels: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Number clusters by the class they overlap most with, the largest overlap first; noise stays −1.

    Clusters whose class is already taken get the numbers after the classes.
    """
    found, where = np.unique(labels[labels >= 0], return_inverse=True)
    overlap = np.zeros((len(found), int(true.max()) + 1), np.int64)
    np.add.at(overlap, (where, true[labels >= 0]), 1)
    number = {}
    free = overlap.copy()
    for _ in range(min(overlap.shape)):
        cluster, group = np.unravel_index(free.argmax(), free.shape)
        number[found[cluster]] = int(group)
        free[cluster, :] = free[:, group] = -1
    spare = overlap.shape[1]
    for cluster in found:
        if cluster not in number:
            number[cluster], spare = spare, spare + 1
    return np.array([number.get(label, groups.NOISE) for label in labels])


def clusters_by_k(run: Run) -> Figure | None:
    """Draw every score by the number of clusters, with the selected k marked."""
    table = run.tables.get("clusterings", {})
    methods = [method for method in _methods(run) if table.get("method", []).count(method) > 1]
    panels = {title: lines for title, lines in PANELS.items() if _any(table, lines)}
    if not methods or not panels:
        return None
    deep = math.ceil(len(panels) / 2)
    figure = style.new_figure(2.0 * deep + 0.3 * (len(methods) > 1), _choice(run, methods))
    axes = list(figure.subplots(deep, 2, squeeze=False).flat)
    for spare in axes[len(panels) :]:
        spare.remove()
    for panel, (title, lines) in zip(axes, panels.items(), strict=False):
        kept = lines if len(methods) == 1 else dict([next(iter(lines.items()))])
        for number, method in enumerate(methods):
            _curve(panel, table, method, kept, groups.PALETTE[number] if len(methods) > 1 else None)
            panel.axvline(run.info["facts"]["k"][method], color=style.GREY, linestyle=":", zorder=1)
        panel.set(title=title)
        panel.grid(axis="y")
        if len(methods) == 1 and len(kept) > 1:
            panel.legend(
                ncols=len(kept),
                loc="upper center",
                bbox_to_anchor=(0.5, -0.14),
                columnspacing=0.8,
                handlelength=1.4,
                handletextpad=0.3,
                borderaxespad=0,
            )
    figure.supxlabel("k, number of clusters", fontsize=style.NORMAL)
    if len(methods) > 1:
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(methods))
    return figure


def centres(run: Run) -> Figure | None:
    """Draw the centre of each cluster as an image, with its size and most frequent class."""
    images = run.arrays.get("centre_image")
    if images is None:
        return None
    method = run.info["facts"]["pictured"]
    lines = [
        (f"cluster {name}", f"{size:,} samples", common) for name, size, common in _described(run, method)
    ]
    tiles = [pictures.Tile(image, words, False) for image, words in zip(images, lines, strict=True)]
    headline = f"Centres of the {len(tiles)} clusters of {method}"
    return pictures.draw_tiles(tiles, 10, headline, _note(run))


def samples(run: Run) -> Figure | None:
    """Draw new images sampled from a mixture."""
    images, origin = run.arrays.get("sample_image"), run.arrays.get("sample_cluster")
    if images is None or origin is None:
        return None
    tiles = [pictures.Tile(image, (f"comp. {k}",), False) for image, k in zip(images, origin, strict=True)]
    headline = (
        f"{len(tiles)} new images sampled from the mixture of {run.info['facts']['k']['gmm']} Gaussians"
    )
    note = "Sampled in the prepared space and mapped back to pixels; below each: its component"
    return pictures.draw_tiles(tiles, 10, headline, note)


def cluster_gallery(run: Run) -> Figure | None:
    """Draw members of each cluster, one row of images per cluster."""
    images, origin = run.arrays.get("member_image"), run.arrays.get("member_cluster")
    if images is None or origin is None:
        return None
    method = run.info["facts"]["pictured"]
    described = _described(run, method)[:ROWS_AT_MOST]
    across = int(np.bincount(origin - origin.min()).max())
    h, w = images.shape[1:]
    gap = max(1, round(0.08 * w))
    inch = across * (w + gap) / (style.WIDTH - LABEL - 0.1)
    size = across * (w + gap) / inch, len(described) * (h + gap) / inch
    figure = style.new_figure(size[1] + 0.3, _gallery_headline(run, method, len(described)), placed=True)
    panel = style.place(figure, LABEL, 0.05, *size)
    panel.set_axis_off()
    unit = pictures.unit(images)
    mosaic = pictures.mosaic([unit[origin == name] for name, _, _ in described], across, (h + gap, w + gap))
    for row, (name, count, common) in enumerate(described):
        words = f"{name}: {count:,} samples" + (f"\n{common}" if common else "")
        panel.text(
            -gap, row * (h + gap) + h / 2, words, ha="right", va="center", fontsize=6, linespacing=1.05
        )
    panel.imshow(mosaic, cmap=pictures.greys(), vmin=0, vmax=1)
    panel.set_title(_note(run), fontsize=style.SMALL, color=style.GREY, x=-LABEL / size[0] + 0.015)
    return figure


def _methods(run: Run) -> list[str]:
    """Return the methods of a clustering run; none for runs of other kinds."""
    return list(run.info.get("facts", {}).get("why", {})) if "clusterings" in run.tables else []


def _described(run: Run, method: str) -> list[tuple[int, int, str]]:
    """Return number, size and most frequent class of each cluster."""
    labels, true = run.predictions[f"{method}_cluster"], run.predictions.get("true")
    names = style.class_names(run.info["dataset"]["classes"], 0.5, pictures.CAPTION)
    described = []
    for name in np.unique(labels):
        inside = labels == name
        common = ""
        if true is not None:
            counts = np.bincount(true[inside], minlength=len(names))
            common = f"{names[counts.argmax()]}: {100 * counts.max() / inside.sum():.0f} %"
        described.append((int(name), int(inside.sum()), common))
    return described


def _note(run: Run) -> str:
    classes = "true" in run.predictions
    return "Number and size of the cluster" + (", most frequent class and its share" if classes else "")


def _gallery_headline(run: Run, method: str, shown: int) -> str:
    total = run.info["facts"]["k"][method]
    first = f"the first {shown} of " if shown < total else ""
    return f"Random members of {first}{total} clusters ({method})"


def _headline(run: Run, methods: list[str]) -> str:
    scores = {method: _scores(run, method) for method in methods}
    if "ari" not in scores[methods[0]]:
        best = max(methods, key=lambda method: scores[method]["silhouette"] or -1)
        return f"{best}: {run.info['facts']['k'][best]} clusters"
    best = max(methods, key=lambda method: scores[method]["ari"])
    return (
        f"{best} agrees best with the classes: adjusted Rand index {scores[best]['ari']:.3f}"
        if (len(methods) > 1)
        else f"{best} and the classes: adjusted Rand index {scores[best]['ari']:.3f}"
    )


def _title(run: Run, method: str) -> str:
    scores = _scores(run, method)
    words = f"{method}, k = {run.info['facts']['k'][method]}"
    if "ari" in scores:
        return f"{words}\nARI {scores['ari']:.3f}, NMI {scores['nmi']:.3f}, matched {scores['accuracy']:.3f}"
    return f"{words}\nsilhouette {scores['silhouette']:.3f}" if scores["silhouette"] is not None else words


def _scores(run: Run, method: str) -> dict[str, Any]:
    return run.metrics.get(method) or run.metrics["all"]


def _choice(run: Run, methods: list[str]) -> str:
    facts = run.info["facts"]
    return "; ".join(
        f"{method}: k = {facts['k'][method]}, {facts['why'][method]}"
        if facts["chosen"][method]
        else f"{method}: no k selected ({facts['why'][method]}); k = {facts['k'][method]} is shown"
        for method in methods
    )


def _any(table: dict[str, list[Any]], lines: dict[str, Any]) -> bool:
    return any(cell not in ("", "nan") for name in lines for cell in table.get(name, []))


def _curve(
    panel: Axes, table: dict[str, list[Any]], method: str, lines: dict[str, Any], colour: str | None
) -> None:
    from matplotlib.ticker import MaxNLocator

    mine = [row for row, name in enumerate(table["method"]) if name == method]
    ks = [int(table["k"][row]) for row in mine]
    for name, (label, own, marker) in lines.items():
        cells = [table[name][row] if name in table else "" for row in mine]
        panel.plot(
            ks,
            [float(cell) if cell else np.nan for cell in cells],
            color=colour or own,
            marker=marker,
            markersize=3.5,
            label=method if colour else label,
        )
    panel.xaxis.set_major_locator(MaxNLocator(8, integer=True))


def _name_axes(panel: Axes, run: Run) -> None:
    share = run.arrays.get("scatter_share", np.empty(0))
    names = [f"PC {k + 1} ({100 * part:.1f} % of the variance)" for k, part in enumerate(share)]
    names = names or ["x1", "x2"]
    panel.set(xlabel=names[0], ylabel=names[1])
    panel.set_aspect("equal", adjustable="datalim")
    panel.locator_params(nbins=6)


FIGURES = {
    "clusters": Drawing(
        clusters,
        "Scatter plot of the samples in two dimensions, coloured by cluster",
        "Do the colours follow the visible groups?",
    ),
    "clusters_by_k": Drawing(
        clusters_by_k,
        "Quality of the clustering by number of clusters",
        "A peak or a knee indicates a number of clusters; a smooth curve indicates none.",
    ),
    "cluster_gallery": Drawing(
        cluster_gallery, "Images of each cluster", "Does each row show one kind of image, or several?"
    ),
    "centres": Drawing(
        centres,
        "Centres of the clusters, as images",
        "A sharp centre stands for one kind of image, a blurred one for several.",
    ),
    "samples": Drawing(
        samples,
        "Images sampled from the fitted mixture",
        "If they look like the data, the mixture is a good model of them.",
    ),
}
