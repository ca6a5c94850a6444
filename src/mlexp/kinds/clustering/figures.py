"""Figures of a clustering: clusters in two dimensions, scores by k, and images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.drawing import groups, style
from mlexp.drawing import tiles as pictures
from mlexp.drawing.figure import Drawing
from mlexp.drawing.strips import strips
from mlexp.kinds.clustering.answer import CLEAR, MIXED
from mlexp.kinds.clustering.names import called
from mlexp.page.words import fixed
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = {  # title -> scores in it, name and colour; all panels have k on the horizontal axis
    "Silhouette (−1 to 1, higher is better)": {"silhouette": ("silhouette", style.BLUE, "o")},
    "Inertia (sum of squared distances)": {"inertia": ("inertia", style.BLUE, "o")},
    "AIC (lower is better)": {"aic": ("AIC", style.BLUE, "o")},
    "BIC (lower is better)": {"bic": ("BIC", style.BLUE, "o")},
    "Davies-Bouldin (lower is better)": {"davies_bouldin": ("", style.BLUE, "o")},
    "Agreement with the classes (1 is best)": {
        "ari": ("ARI", style.BLUE, "o"),
        "nmi": ("NMI", style.VERMILION, "s"),
        "purity": ("purity", style.GREEN, "^"),
        "accuracy": ("matched", style.INK, "D"),
    },
}
HISTOGRAM_BINS = 40
DECIMALS = 3  # of a score
CHI_SQUARED = 5.991  # 95 % quantile of its distribution with two degrees of freedom
BARS_AT_MOST = 60  # clusters in one figure of bars
TWO_LINES = 20  # rows of a gallery up to which their names have two lines
ROWS_AT_MOST = 40  # clusters in one gallery
LABEL = 1.15  # inches beside a row of images
HEIGHT = 2.35  # inches of a panel


def clusters(run: Run) -> Figure | None:
    """Draw the classes and the clusters of each method side by side, by PCA if there are more than two features."""
    points, methods = run.arrays.get("scatter_point"), _methods(run)
    if points is None or not methods:
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
        _draw(axes[0], points, true[rows], names)
        axes[0].set_title(f"True classes ({len(names)})")
        groups.legend(figure, names)
    for panel, method in zip(axes[n_panels - len(methods) :], methods, strict=True):
        labels = run.predictions[f"{method}_cluster"]
        shown = labels if true is None else recoloured(labels, true)
        _draw(panel, points, shown[rows])
        _draw_ellipses(panel, run, method)
        panel.set_title(_title(run, method))
    for panel in axes[:n_panels]:
        _name_axes(panel, run)
    return figure


def _draw(panel: Axes, points: np.ndarray, labels: np.ndarray, names: Sequence[str] = ()) -> None:
    """Draw points of two features, or the histogram of one, by group."""
    if points.shape[1] > 1:
        groups.scatter(panel, points, labels, names)
        return
    found = np.unique(labels)
    colours = [style.GREY if name < 0 else groups.PALETTE[name % len(groups.PALETTE)] for name in found]
    panel.hist([points[labels == name, 0] for name in found], HISTOGRAM_BINS, stacked=True, color=colours)


def _draw_ellipses(panel: Axes, run: Run, method: str) -> None:
    """Draw of each component of a mixture the ellipse that holds 95 % of its samples in the plane."""
    from matplotlib.patches import Ellipse

    means, covariances = (run.arrays.get(f"{method}_mixture_{name}") for name in ("mean", "covariance"))
    if means is None or covariances is None:
        return
    for mean, covariance in zip(means, covariances, strict=True):
        values, vectors = np.linalg.eigh(covariance)
        wide, high = 2 * np.sqrt(CHI_SQUARED * np.maximum(values[::-1], 0))
        turn = float(np.degrees(np.arctan2(vectors[1, -1], vectors[0, -1])))
        panel.add_patch(
            Ellipse(mean, wide, high, angle=turn, fill=False, edgecolor=style.INK, linewidth=0.9, zorder=5)
        )
        panel.plot(*mean, "+", color=style.INK, markersize=6, zorder=6)


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
        (f"cluster {name}", f"{size:,} samples", common) for name, size, common, _ in _described(run, method)
    ]
    tiles = [pictures.Tile(image, words, False) for image, words in zip(images, lines, strict=True)]
    headline = f"Centres of the {len(tiles)} clusters ({called(method)})"
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
    h, w = images.shape[1:3]
    gap = max(1, round(0.08 * w))
    inch = across * (w + gap) / (style.WIDTH - LABEL - 0.1)
    size = across * (w + gap) / inch, len(described) * (h + gap) / inch
    figure = style.new_figure(size[1] + 0.3, _gallery_headline(run, method, len(described)), placed=True)
    panel = style.place(figure, LABEL, 0.05, *size)
    panel.set_axis_off()
    unit = pictures.unit(images)
    mosaic = pictures.mosaic([unit[origin == name] for name, *_ in described], across, (h + gap, w + gap))
    for row, (name, count, common, _) in enumerate(described):
        words = f"{name}: {count:,} samples" + (f"\n{common}" if common else "")
        panel.text(
            -gap, row * (h + gap) + h / 2, words, ha="right", va="center", fontsize=6, linespacing=1.05
        )
    panel.imshow(mosaic, cmap=pictures.greys(), vmin=0, vmax=1)
    panel.set_title(_note(run), fontsize=style.SMALL, color=style.GREY, x=-LABEL / size[0] + 0.015)
    return figure


def purities(run: Run) -> Figure | None:
    """Draw for each cluster the share of its most frequent class, the purest cluster at the top."""
    table = run.tables.get("clusters", {})
    if "purity" not in table:
        return None
    rows = list(
        zip(
            table["method"],
            table["cluster"],
            map(float, table["purity"]),
            table["most_frequent_class"],
            map(int, table["samples"]),
            strict=True,
        )
    )
    methods = list(dict.fromkeys(row[0] for row in rows))
    by_method = {name: sorted((r for r in rows if r[0] == name), key=lambda r: -r[2]) for name in methods}
    deep = math.ceil(len(methods) / 2)
    tallest = min(max(map(len, by_method.values())), BARS_AT_MOST)
    figure = style.new_figure((0.6 + 0.155 * tallest) * deep, _purity_headline(rows))
    axes = list(figure.subplots(deep, min(len(methods), 2), squeeze=False).flat)
    for spare in axes[len(methods) :]:
        spare.remove()
    for panel, (method, found) in zip(axes, by_method.items(), strict=False):
        _draw_purities(panel, found[:BARS_AT_MOST], 1.0 if len(methods) > 1 else 2.0)
        panel.set_title(called(method) if len(methods) > 1 else "Cluster: its most frequent class")
    return figure


def _draw_purities(panel: Axes, rows: Sequence[Any], width: float) -> None:
    """Draw a bar for each cluster, its class (at most `width` inches) on the left and its size on the right."""
    names = style.repeated_names([row[3] for row in rows], width)
    shares = [100 * row[2] for row in rows]
    colours = [
        style.BLUE if share >= 100 * CLEAR else style.VERMILION if share < 100 * MIXED else style.GREY
        for share in shares
    ]
    panel.barh(range(len(rows)), shares, 0.75, color=colours)
    labels = [f"{row[1]}: {name}" for row, name in zip(rows, names, strict=True)]
    panel.set_yticks(range(len(rows)), labels)
    for place, row in enumerate(rows):
        panel.text(101, place, f"{row[4]:,}", va="center", fontsize=style.SMALL, color=style.GREY)
    panel.set(xlim=(0, 100), ylim=(len(rows) - 0.5, -0.5))
    panel.set_xlabel("Share of the most frequent class (%)")
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x")


def _purity_headline(rows: list[Any]) -> str:
    rows = [row for row in rows if row[1] != "noise"]
    clear, mixed = sum(row[2] >= CLEAR for row in rows), sum(row[2] < MIXED for row in rows)
    return (
        f"Clear clusters (blue, at least {CLEAR:.0%} from one class): {clear} of {len(rows)}; mixed (orange, below "
        f"{MIXED:.0%}): {mixed}; on the right: samples"
    ).replace("%", " %")


def silhouettes(run: Run) -> Figure | None:
    """Draw the silhouette of each sample, by cluster and in descending order, with the mean as a line."""
    methods = [name for name in _methods(run) if f"{name}_silhouette" in run.arrays]
    methods = [name for name in methods if np.isfinite(run.arrays[f"{name}_silhouette"]).any()]
    if not methods:
        return None
    deep = math.ceil(len(methods) / 2)
    means = {name: float(np.nanmean(run.arrays[f"{name}_silhouette"])) for name in methods}
    best = max(means, key=lambda name: means[name])
    n = len(run.arrays["measured_row"])
    figure = style.new_figure(
        (2.6 + (1.2 if len(methods) == 1 else 0)) * deep,
        f"Mean silhouette {fixed(means[best], DECIMALS)} ({called(best)}), over {n:,} samples",
    )
    axes = list(figure.subplots(deep, min(len(methods), 2), squeeze=False).flat)
    for spare in axes[len(methods) :]:
        spare.remove()
    for panel, method in zip(axes, methods, strict=False):
        _draw_silhouette(panel, run, method)
        panel.axvline(means[method], color=style.INK, linestyle="--", linewidth=1)
        panel.set(xlabel="Silhouette of each sample", ylabel="Cluster")
        panel.set_title(f"{called(method)}: mean {fixed(means[method], DECIMALS)}")
    return figure


def _draw_silhouette(panel: Axes, run: Run, method: str) -> None:
    values, rows = run.arrays[f"{method}_silhouette"], run.arrays["measured_row"]
    labels = run.predictions[f"{method}_cluster"][rows]
    known = np.isfinite(values)
    names, base, middles = np.unique(labels[known]), 0, []
    gap = max(1, round(0.15 * known.sum() / len(names)))
    for place, name in enumerate(names):
        own = np.sort(values[known & (labels == name)])
        at = base + np.arange(len(own))
        panel.fill_betweenx(
            np.append(at, base + len(own)), 0, np.append(own, own[-1]), step="post",
            color=groups.PALETTE[place % len(groups.PALETTE)], linewidth=0,
        )  # fmt: skip
        middles.append(base + len(own) / 2)
        base += len(own) + gap
    step = math.ceil(len(names) / 20)
    panel.set_yticks(middles[::step], [str(name) for name in names[::step]])
    panel.tick_params(axis="y", length=0)
    panel.set_ylim(-gap, base)
    panel.axvline(0, color=style.GREY, linewidth=0.6)


def dendrogram(run: Run) -> Figure | None:
    """Draw the last merges of an agglomerative clustering, coloured by cluster."""
    method = next((name for name in _methods(run) if f"{name}_linkage" in run.arrays), None)
    if method is None:
        return None
    from scipy.cluster import hierarchy

    linkage, sizes, owner = (
        run.arrays[f"{method}_{name}"] for name in ("linkage", "leaf_size", "leaf_cluster")
    )
    k = run.info["facts"]["k"][method]
    cut = f"cut at {k} clusters" if k <= len(linkage) else f"all of them above the cut at {k} clusters"
    tree = hierarchy.dendrogram(linkage, no_plot=True)
    figure = style.new_figure(3.2, f"The last {len(linkage)} merges of {sizes.sum():,} samples, {cut}")
    axes = figure.subplots()
    order = [owner[leaf] for leaf in tree["leaves"]]
    for across, up in zip(tree["icoord"], tree["dcoord"], strict=True):
        inside = {
            order[place] for place in range(len(order)) if across[0] - 1 <= 10 * place + 5 <= across[3] + 1
        }
        one = inside.pop() if len(inside) == 1 else -1
        colour = style.INK if one < 0 else groups.PALETTE[one % len(groups.PALETTE)]
        axes.plot(across, up, color=colour, linewidth=1.1)
    if 1 < k <= len(linkage):
        height = (linkage[-k, 2] + linkage[1 - k, 2]) / 2
        axes.axhline(height, color=style.GREY, linestyle="--", linewidth=0.9)
    axes.set_xticks(
        [10 * place + 5 for place in range(len(order))],
        [f"{sizes[leaf]:,}" for leaf in tree["leaves"]],
        rotation=90,
        fontsize=6,
    )
    axes.set(
        xlabel="Samples of each branch (colours: clusters)", ylabel="Distance of the merge", ylim=(0, None)
    )
    return figure


def typical(run: Run) -> Figure | None:
    """Draw the images nearest to the mean of each cluster, one row a cluster, the purest first."""
    method = run.info.get("facts", {}).get("pictured", "")
    images, origin = (run.arrays.get(f"{method}_typical_{name}") for name in ("image", "cluster"))
    if images is None or origin is None or not len(images):
        return None
    unit, described = pictures.unit(images), _described(run, method)
    if "true" in run.predictions:
        described.sort(key=lambda row: -row[3])
    between = "\n" if len(described) <= TWO_LINES else ", "
    rows = [
        (f"{name}: {size:,} samples" + (f"{between}{common}" if common else ""), unit[origin == name])
        for name, size, common, _ in described
        if name >= 0
    ]
    shown = f"the first {ROWS_AT_MOST} of " if len(rows) > ROWS_AT_MOST else ""
    note = "Nearest to the mean of their cluster; left: number and size" + (
        ", most frequent class and its share, the purest first" if "true" in run.predictions else ""
    )
    return strips(
        f"Most typical members of {shown}{len(rows)} clusters ({called(method)})",
        rows[:ROWS_AT_MOST],
        note=note,
    )


def _methods(run: Run) -> list[str]:
    """Return the methods of a clustering run; none for runs of other kinds."""
    return list(run.info.get("facts", {}).get("why", {})) if "clusterings" in run.tables else []


def _described(run: Run, method: str) -> list[tuple[int, int, str, float]]:
    """Return number, size, most frequent class in words and its share of each cluster."""
    labels, true = run.predictions[f"{method}_cluster"], run.predictions.get("true")
    names = style.class_names(run.info["dataset"]["classes"], 0.5, pictures.CAPTION)
    described = []
    for name in np.unique(labels):
        inside = labels == name
        common, share = "", 0.0
        if true is not None:
            counts = np.bincount(true[inside], minlength=len(names))
            share = float(counts.max() / inside.sum())
            common = f"{names[counts.argmax()]}: {100 * share:.0f} %"
        described.append((int(name), int(inside.sum()), common, share))
    return described


def _note(run: Run) -> str:
    classes = "true" in run.predictions
    return "Number and size of the cluster" + (", most frequent class and its share" if classes else "")


def _gallery_headline(run: Run, method: str, shown: int) -> str:
    total = run.info["facts"]["k"][method]
    first = f"the first {shown} of " if shown < total else ""
    return f"Random members of {first}{total} clusters ({called(method)})"


def _headline(run: Run, methods: list[str]) -> str:
    scores = {method: _scores(run, method) for method in methods}
    if "ari" not in scores[methods[0]]:
        best = max(methods, key=lambda method: scores[method]["silhouette"] or -1)
        return f"{called(best)}: {run.info['facts']['k'][best]} clusters"
    best = max(methods, key=lambda method: scores[method]["ari"])
    agrees = "agrees best with the classes" if len(methods) > 1 else "and the classes"
    return f"{called(best)} {agrees}: adjusted Rand index {fixed(scores[best]['ari'], DECIMALS)}"


def _title(run: Run, method: str) -> str:
    scores = _scores(run, method)
    words = f"{called(method)}{', 95 % ellipses' if f'{method}_mixture_mean' in run.arrays else ''}\n"
    words += f"k = {run.info['facts']['k'][method]}"
    if "ari" in scores:
        ari, nmi, matched = (fixed(scores[name], DECIMALS) for name in ("ari", "nmi", "accuracy"))
        return f"{words}, ARI {ari}, NMI {nmi}, matched {matched}"
    return (
        f"{words}, silhouette {fixed(scores['silhouette'], DECIMALS)}"
        if scores["silhouette"] is not None
        else words
    )


def _scores(run: Run, method: str) -> dict[str, Any]:
    return run.metrics.get(method) or run.metrics["all"]


def _choice(run: Run, methods: list[str]) -> str:
    facts = run.info["facts"]
    return "; ".join(
        f"{called(method)}: k = {facts['k'][method]}, {facts['why'][method]}"
        if facts["chosen"][method]
        else f"{called(method)}: no k selected ({facts['why'][method]}); k = {facts['k'][method]} is shown"
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
            label=called(method) if colour else label,
        )
    panel.xaxis.set_major_locator(MaxNLocator(8, integer=True))


def _name_axes(panel: Axes, run: Run) -> None:
    share = run.arrays.get("scatter_share", np.empty(0))
    names = [f"PC {k + 1} ({100 * part:.1f} % of the variance)" for k, part in enumerate(share)]
    features = run.info["dataset"].get("features") or ["x1", "x2"]
    names = names or [style.escape(style.clean(name)) for name in features]
    if run.arrays["scatter_point"].shape[1] == 1:
        panel.set(xlabel=names[0], ylabel="Samples")
        return
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
    "purities": Drawing(
        purities,
        "Share of the most frequent class in each cluster",
        "A clear cluster stands for one class; a mixed one joins classes that look alike to the method.",
    ),
    "typical_members": Drawing(
        typical,
        "The images nearest to the mean of each cluster",
        "Does each row show one kind of image? Mixed clusters stand at the bottom.",
    ),
    "silhouettes": Drawing(
        silhouettes,
        "Silhouette of each sample, by cluster",
        "Blocks that reach far to the right are well-separated clusters; samples below 0 lie nearer to another one.",
    ),
    "dendrogram": Drawing(
        dendrogram,
        "Tree of the last merges of an agglomerative clustering",
        "A long vertical gap between two merges suggests a natural number of clusters.",
    ),
    "cluster_gallery": Drawing(
        cluster_gallery,
        "Random members of each cluster, one row of images per cluster",
        "Does each row show one kind of image, or several?",
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
