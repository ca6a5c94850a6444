"""Figures of the features of a table: histograms, correlations, scatter matrix, missing values, outliers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import groups, matrix, style
from mlexp.kinds.explore.table import FENCE
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HISTOGRAMS = 12  # features
ACROSS = 3
BINS = 30
SCATTERED = 4  # features of the scatter matrix
POINTS = 500
BOXES = 30
WRITTEN = 12  # features up to which the correlations are written into the cells


def histograms(run: Run) -> Figure | None:
    """Draw the histogram of each feature, those most associated with the label, by class where there are few."""
    sample, names = _sample(run)
    if sample is None:
        return None
    chosen = _strongest(run, HISTOGRAMS)
    codes, classes = _classes(run)
    columns = [(names[place], sample[:, place]) for place in chosen]
    target = run.arrays.get("table_target")
    if target is not None and not run.info["dataset"]["classes"]:
        columns.insert(0, (f"Target: {style.class_names([run.info['dataset']['target']], 1.2)[0]}", target))
    across = min(ACROSS, len(columns))
    deep = math.ceil(len(columns) / across)
    which = "the features most associated with the label, " if len(chosen) < sample.shape[1] else ""
    figure = style.new_figure(
        1.45 * deep + 0.1 + groups.legend_height(classes),
        f"Histograms of {which}{len(sample):,} training samples" + (", by class" if classes else ""),
    )
    axes = list(figure.subplots(deep, across, squeeze=False).flat)
    for spare in axes[len(columns) :]:
        spare.remove()
    for panel, (name, values) in zip(axes, columns, strict=False):
        _histogram(panel, values, codes)
        panel.set_title(name, fontsize=style.SMALL)
    for panel in axes[::across][:deep]:
        panel.set_ylabel("Samples", fontsize=style.SMALL)
    _legend(figure, classes)
    return figure


def _histogram(panel: Axes, values: np.ndarray, codes: np.ndarray | None) -> None:
    """Draw how often values occur, stacked by class."""
    known = np.isfinite(values)
    shown = values[known].astype(np.float64)
    if not len(shown) or np.ptp(shown) == 0:
        panel.text(
            0.5,
            0.5,
            f"always {shown[0]:g}" if len(shown) else "empty",
            ha="center",
            transform=panel.transAxes,
        )
        panel.set(xticks=[], yticks=[])
        return
    edges = np.histogram_bin_edges(shown, min(BINS, max(len(np.unique(shown)), 2))).tolist()
    if codes is None:
        panel.hist(shown, edges, color=style.BLUE)
    else:
        found = np.unique(codes)
        panel.hist(
            [shown[codes[known] == code] for code in found],
            edges,
            stacked=True,
            color=[groups.PALETTE[code] for code in found],
        )
    panel.locator_params(nbins=4)


def correlations(run: Run) -> Figure | None:
    """Draw the correlation of each pair of features, with the target where it is a number."""
    values = run.arrays.get("table_correlation")
    sample, names = _sample(run)
    if values is None or sample is None or len(values) < 2:
        return None
    if len(values) > len(names):
        names = [*names, "target"]
    off = np.abs(np.where(np.eye(len(values), dtype=bool), np.nan, values))
    if np.isfinite(off).any():
        a, b = np.unravel_index(np.nanargmax(off), off.shape)
        headline = f"Strongest correlation: {names[a]} and {names[b]}, {values[a, b]:.2f}".replace(" -", " −")
    else:
        headline = "No two features vary together"
    side = min(4.4, 1.2 + 0.35 * len(values))
    figure = style.new_figure(side + 0.6, headline)
    axes = figure.subplots()
    shown = matrix.differences(axes, np.nan_to_num(values))
    shown.set_clim(-1, 1)
    matrix.name_classes(axes, names, 72 * side / len(values), turned=True)
    if len(values) <= WRITTEN:
        texts = [["" if np.isnan(v) else f"{v:.2f}".replace("-", "−") for v in line] for line in values]
        matrix.write(axes, texts, np.abs(np.nan_to_num(values)) > 0.75, style.SMALL - 1)
    figure.colorbar(shown, ax=axes, shrink=0.8, label="Correlation (Pearson)")
    return figure


def scatter_matrix(run: Run) -> Figure | None:
    """Draw each pair of the features most associated with the label, by class."""
    sample, names = _sample(run)
    if sample is None or sample.shape[1] < 2:
        return None
    chosen = _strongest(run, SCATTERED)
    codes, classes = _classes(run)
    rows = slice(None, POINTS)
    which = (
        f"the {len(chosen)} features most associated with the label"
        if "table_target" in run.arrays
        else "features"
    )
    n = min(len(sample), POINTS)
    figure = style.new_figure(
        1.4 * len(chosen) + groups.legend_height(classes), f"Pairs of {which}, {n:,} training samples"
    )
    grid = figure.subplots(len(chosen), len(chosen), squeeze=False)
    for down, line in zip(chosen, grid, strict=True):
        for across, panel in zip(chosen, line, strict=True):
            if down == across:
                _histogram(panel, sample[:, across], codes)
            else:
                points = sample[rows][:, [across, down]]
                known = np.isfinite(points).all(axis=1)
                own = np.zeros(len(points), np.int64) if codes is None else codes[rows]
                groups.scatter(panel, points[known], own[known])
            panel.tick_params(labelsize=5.5)
            panel.locator_params(nbins=3)
            if panel.get_subplotspec().is_last_row():
                panel.set_xlabel(names[across], fontsize=style.SMALL)
            if panel.get_subplotspec().is_first_col():
                panel.set_ylabel(names[down], fontsize=style.SMALL)
    _legend(figure, classes)
    return figure


def missing(run: Run) -> Figure | None:
    """Draw the share of missing values of each feature that has any."""
    table = run.tables.get("missing", {})
    counts = np.array([int(cell) for cell in table.get("missing", [])])
    if not len(counts):
        return None
    total = sum(n for n in run.info["split"].values() if isinstance(n, int))
    order = np.argsort(-counts, kind="stable")[:BOXES]
    names = style.class_names([table["feature"][k] for k in order], 1.5)
    figure = style.new_figure(
        0.6 + 0.17 * len(order),
        f"{counts.sum():,} missing values in {len(counts)} features of {total:,} samples",
    )
    axes = figure.subplots()
    shares = 100 * counts[order] / total
    axes.barh(range(len(order)), shares, color=style.BLUE)
    axes.set_yticks(range(len(order)), names)
    for place, count in enumerate(counts[order]):
        axes.annotate(
            f"{count:,}",
            (shares[place], place),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=6.5,
        )
    axes.set(ylim=(len(order) - 0.5, -0.5), xlabel="Missing (% of the samples)")
    axes.set_xlim(0, 1.12 * shares.max())
    axes.grid(axis="x")
    return figure


def outliers(run: Run) -> Figure | None:
    """Draw each feature as a box, in units of its interquartile range about its median, outliers as points."""
    sample, names = _sample(run)
    if sample is None:
        return None
    low, middle, high = np.nanquantile(sample.astype(np.float64), [0.25, 0.5, 0.75], axis=0)
    spread = high - low
    kept = [place for place in range(sample.shape[1]) if spread[place] > 0][:BOXES]
    if not kept:
        return None
    scaled = [(sample[:, k].astype(np.float64) - middle[k]) / spread[k] for k in kept]
    scaled = [values[np.isfinite(values)] for values in scaled]
    far = sum(
        int(((v < np.quantile(v, 0.25) - FENCE) | (v > np.quantile(v, 0.75) + FENCE)).sum()) for v in scaled
    )
    total = sum(len(v) for v in scaled)
    figure = style.new_figure(
        0.7 + 0.19 * len(kept),
        f"{far:,} of {total:,} values lie more than {FENCE:g} interquartile ranges beyond the quartiles",
    )
    axes = figure.subplots()
    for place, values in enumerate(scaled):
        _box(axes, place, values)
    axes.set_yticks(range(len(kept)), [names[k] for k in kept])
    axes.set(ylim=(len(kept) - 0.5, -0.5), xlabel="Distance from the median, in interquartile ranges")
    if max(np.abs(v).max() for v in scaled) > 20:
        axes.set_xscale("symlog", linthresh=3)
        axes.set_xlabel("Distance from the median, in interquartile ranges (logarithmic beyond 3)")
        axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(axis="x")
    return figure


def _box(axes: Axes, place: int, values: np.ndarray) -> None:
    """Draw quartiles, median, whiskers to the last value within `FENCE` box lengths, and the outliers."""
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    inside = (values >= low - FENCE * (high - low)) & (values <= high + FENCE * (high - low))
    axes.hlines(place, values[inside].min(), values[inside].max(), color=style.INK, linewidth=0.8)
    axes.barh(place, high - low, 0.6, low, facecolor="white", edgecolor=style.INK, linewidth=0.8, zorder=2)
    axes.vlines(middle, place - 0.3, place + 0.3, color=style.BLUE, linewidth=1.6, zorder=3)
    axes.plot(values[~inside], np.full((~inside).sum(), place), ".", color=style.VERMILION, markersize=3)


def _sample(run: Run) -> tuple[np.ndarray | None, list[str]]:
    """Return the recorded sample of the numeric features, and their names ready to draw."""
    sample, places = run.arrays.get("table_sample"), run.arrays.get("table_place")
    if sample is None or places is None:
        return None, []
    features = run.info["dataset"]["features"]
    return sample, style.class_names([features[place] for place in places], 1.2)


def _strongest(run: Run, most: int) -> list[int]:
    """Return the positions of the features most associated with the label, in the order of the file."""
    related = np.nan_to_num(run.arrays["table_association"], nan=-1.0)
    return sorted(np.argsort(-related, kind="stable")[:most].tolist())


def _classes(run: Run) -> tuple[np.ndarray | None, list[str]]:
    """Return class numbers and names where colours can tell them apart; else None and no names."""
    names, target = run.info["dataset"]["classes"], run.arrays.get("table_target")
    if not names or target is None or len(names) > len(groups.PALETTE):
        return None, []
    return target.astype(np.int64), names


def _legend(figure: Figure, classes: list[str]) -> None:
    if classes:
        groups.legend(figure, classes)
