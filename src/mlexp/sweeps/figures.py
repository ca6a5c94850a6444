"""Figures of a sweep by the number of swept keys: line, heat map or parallel coordinates; and all loss curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp import metrics
from mlexp.drawing import matrix, style
from mlexp.drawing.figure import Drawing
from mlexp.drawing.groups import PALETTE
from mlexp.drawing.wanted import ALL, Wanted
from mlexp.page.scores import score
from mlexp.store import Run, Sweep
from mlexp.store.sweep_folder import short
from mlexp.sweeps import effects
from mlexp.sweeps.findings import (
    Findings,
    findings,
    half_width,
    limits,
    ordered,
    places,
    thinned,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW_LINES = len(PALETTE)
BEHIND: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8}
TITLES = {"train": "Training loss", "validation": "Validation loss"}
WIDE = 30.0  # ratio of losses from which the axis is logarithmic
MOST_CELLS = 20  # along one side of a heat map; more would not be readable
LOOKS = {"test": (style.BLUE, "-", "o"), "validation": (style.VERMILION, (0, (4, 1.2)), "s")}


def draw(sweep: Sweep, wanted: Wanted = ALL, into: Path | None = None) -> list[Path]:
    """Draw what the folder of a sweep allows, as `wanted`, into its ``figures/`` or those of `into`."""
    found = shown(sweep)
    return [] if found is None else style.draw(into or sweep.path, FIGURES, found, wanted)


def shown(sweep: Sweep) -> tuple[Findings, Sweep] | None:
    """Return what the figures are drawn from; None as long as no job has completed."""
    found = findings(sweep)
    return None if found is None else (found, sweep)


def by_settings(found: Findings) -> Figure | None:
    """Draw the measure by setting: line for one key, heat map for two, parallel coordinates for more."""
    if len(found.keys) == 1:
        return line(found)
    sides = [{setting[side] for setting in found.jobs} for side in (0, 1)]
    if len(found.keys) == 2 and max(map(len, sides)) <= MOST_CELLS:
        return heat_map(found)
    return parallel(found)


def line(found: Findings) -> Figure:
    """Draw the mean over seeds or folds by the value of the key, with its 95 % t interval."""
    figure = style.new_figure(2.9, found.headline())
    axes = figure.subplots()
    words = [setting[0] for setting in found.jobs]
    x, numeric = places(words)
    order = np.argsort(x)
    runs = max(len(rows) for rows in found.jobs.values())
    for place, part in enumerate(found.parts):
        colour, dashes, marker = LOOKS[part]
        values = [found.values(setting, part) for setting in found.jobs]
        mean = np.array([one.mean() for one in values])[order]
        half = np.array([half_width(one) for one in values])[order]
        low, high = mean - half, mean + half
        low, high = np.clip((low, high), *metrics.metric(found.measure).limits)
        at = x[order] + (0 if numeric else 0.12 * (place - (len(found.parts) - 1) / 2))
        axes.plot(
            at,
            mean,
            color=colour,
            linestyle=dashes if numeric and not found.only_repeats else "",
            marker=marker,
            markersize=4,
            label=part,
        )
        if runs > 1 and numeric:
            axes.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)
        elif runs > 1:
            axes.errorbar(at, mean, (mean - low, high - mean), color=colour, linestyle="", capsize=3)
    _name_places(axes, found.keys[0], words, x, numeric)
    band = f"; mean and 95 % t interval over {found.repeats}" if runs > 1 else ""
    axes.set_ylabel(found.label.capitalize())
    style.measured(axes.yaxis, found.measure)
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=2, title=f"Set{band}", title_fontsize=style.NORMAL)
    return figure


def heat_map(found: Findings) -> Figure:
    """Draw the mean over seeds or folds for each pair of values; the best is framed."""
    rows, columns = (ordered([*dict.fromkeys(setting[side] for setting in found.jobs)]) for side in (0, 1))
    grid = np.full((len(rows), len(columns)), np.nan)
    for setting in found.jobs:
        grid[rows.index(setting[0]), columns.index(setting[1])] = found.values(setting, found.choosing).mean()
    figure = style.new_figure(0.9 + 0.3 * len(rows), found.headline())
    axes = figure.subplots()
    ends = limits(grid[np.isfinite(grid)], found.measure)
    image = matrix.scores(axes, grid, ends, found.measure, size=_cell_size(len(columns)))
    if not found.only_repeats:
        matrix.frame(axes, rows.index(found.best[0]), columns.index(found.best[1]))
    names = short(found.keys)
    axes.set_xticks(range(len(columns)), style.class_names(columns, 4.5 / len(columns)))
    axes.set_yticks(range(len(rows)), style.class_names(rows, 1.2))
    axes.set(xlabel=names[1], ylabel=names[0])
    bar = figure.colorbar(image, ax=axes, label=f"{found.choosing.capitalize()} {found.label}", aspect=30)
    style.measured(bar.ax.yaxis, found.measure)
    return figure


def parallel(found: Findings) -> Figure:
    """Draw each setting as a line across one axis per key, coloured by the measure; the best on top."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    means = {setting: float(found.values(setting, found.choosing).mean()) for setting in found.drawn}
    norm = Normalize(*(ends := limits(np.array([*means.values()]), found.measure)), clip=True)
    cmap = "cividis" if metrics.metric(found.measure).higher_is_better else "cividis_r"
    colours = ScalarMappable(norm, cmap)
    figure = style.new_figure(3.2, found.headline())
    axes = figure.subplots()
    heights = []
    for side in range(len(found.keys)):
        words = ordered([*dict.fromkeys(setting[side] for setting in found.jobs)])
        spots, numeric = places(words)
        order = np.argsort(spots, kind="stable")
        spread = np.arange(len(words)) / max(len(words) - 1, 1)
        heights.append({words[k]: float(spread[rank]) for rank, k in enumerate(order)})
        for word in thinned([words[k] for k in order] if numeric else words):
            axes.text(side - 0.03, heights[-1][word], style.escape(style.fit(style.clean(word), 0.8, style.SMALL)),
                      ha="right", va="center", fontsize=style.SMALL, zorder=1000, bbox=BEHIND)  # fmt: skip
        axes.axvline(side, color=style.GREY, linewidth=0.8, zorder=1)
    fans = [min(0.3 / max(len(spots) - 1, 1), 0.12) for spots in heights]
    last = len(found.keys)
    axes.axvline(last, color=style.GREY, linewidth=0.8, zorder=1)
    sign = 1 if cmap == "cividis" else -1
    for rank, setting in enumerate(sorted(means, key=lambda one: (one == found.best, sign * means[one]))):
        fan = float(norm(means[setting])) - 0.5  # lines of one value lie side by side, the better ones above
        height = [heights[side][word] + fans[side] * fan for side, word in enumerate(setting)] + [fan + 0.5]
        best = setting == found.best
        axes.plot(range(last + 1), height, color=style.VERMILION if best else colours.to_rgba(np.array(means[setting])),
                  linewidth=2.4 if best else 0.9, alpha=1 if best else 0.8, zorder=2 + rank)  # fmt: skip
    for value, end in zip(ends, (min(means.values()), max(means.values())), strict=True):
        name = f"{'' if value == end else '≤' if value > end else '≥'}{score(found.measure, value)}"
        axes.text(last + 0.03, float(norm(value)), name, ha="left", va="center", fontsize=style.SMALL)
    axes.set_xticks(range(last + 1), [*short(found.keys), f"{found.choosing}\n{found.label}"])
    axes.set_xlim(-0.45, last + 0.3)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


def losses(found: Findings, sweep: Sweep) -> Figure | None:
    """Draw the loss of all jobs by epoch, training beside validation; of many settings the best alone in colour."""
    from matplotlib.ticker import MaxNLocator

    shown = found.drawn
    histories = {
        setting: [Run(sweep.path / row["folder"]).history for row in found.jobs[setting]] for setting in shown
    }
    every = [history for of in histories.values() for history in of]
    parts = [part for part in ("train", "validation") if all(f"{part}_loss" in history for history in every)]
    if not parts:
        return None
    choice = "" if len(shown) == len(found.jobs) else f", {len(shown)} of {len(found.jobs)} settings"
    figure = style.new_figure(3.1, f"{found.task}: loss by epoch, one line per job{choice}")
    few = len(found.jobs) <= FEW_LINES
    panels = figure.subplots(1, len(parts), squeeze=False, sharey=True)[0]
    for axes, part in zip(panels, parts, strict=True):
        for rank, (setting, of) in enumerate(histories.items()):
            best = setting == found.best
            look: dict[str, Any] = {
                "zorder": 3 if best else 2,
                "color": PALETTE[rank] if few else style.VERMILION if best else style.GREY,
            }
            look |= {"linewidth": 1.2, "alpha": 0.9} if few or best else {"linewidth": 0.5, "alpha": 0.4}
            for place, history in enumerate(of):
                label = ", ".join(setting) if (few or best) and place == 0 else None
                axes.plot(history["epoch"], history[f"{part}_loss"], label=label, **look)
        axes.set(xlabel="Epoch", title=TITLES[part])
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    _log_scale_if_wide(panels[0], [history[f"{part}_loss"] for history in every for part in parts])
    panels[0].set_ylabel("Loss (mean over samples)")
    title = style.escape(", ".join(short(found.keys)) + ("" if few else " (best; all others in grey)"))
    handles, labels = panels[0].get_legend_handles_labels()
    names = style.class_names(labels, 1.5, style.NORMAL)
    figure.legend(
        handles, names, loc="outside lower center", ncols=3, title=title, title_fontsize=style.NORMAL
    )
    return figure


def _log_scale_if_wide(axes: Axes, curves: Sequence[np.ndarray]) -> None:
    values = np.concatenate(curves)
    drawn = values[np.isfinite(values)]
    if len(drawn) and drawn.min() > 0 and drawn.max() / drawn.min() > WIDE:
        axes.set_yscale("log")


def _name_places(axes: Axes, key: str, words: Sequence[str], x: np.ndarray, numeric: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel(key)
    if not numeric:
        axes.set_xticks(x, style.class_names(words, 5.0 / len(words)))
        axes.set_xlim(-0.5, len(words) - 0.5)
    elif (x > 0).all() and x.max() / x.min() >= 50:
        axes.set_xscale("log")
        axes.set_xlabel(f"{key}, log scale")
    elif (x == np.round(x)).all():
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _cell_size(n_columns: int) -> float:
    return style.NORMAL if n_columns <= 8 else 5.5 if n_columns <= 14 else 4.5


FIGURES = {
    "sweep": Drawing(
        lambda shown: by_settings(shown[0]),
        "The score by the swept settings",
        "How much does each key affect the score, and is the best setting at an edge of the grid?",
    ),
    "losses": Drawing(
        lambda shown: losses(*shown),
        "Training and validation loss by epoch, one line per job",
        "Curves that still fall at the end need more epochs; curves that jump need a smaller learning rate.",
    ),
    "main_effects": Drawing(
        lambda shown: effects.main_effects(shown[0]),
        "The score by each key alone: every setting as a dot, and the mean over the other keys as a line",
        "A flat line: the key does not matter on average. Dots far from the line: it depends on the other keys.",
    ),
    "interactions": Drawing(
        lambda shown: effects.interactions(shown[0]),
        "The score by one key, a line for each value of another, for the pairs that interact most",
        "Parallel lines: no interaction. Lines that cross: the best value of one key depends on the other.",
    ),
    "slices": Drawing(
        lambda shown: effects.slices(shown[0]),
        "Heat maps of two keys, one for each value of a third",
        "Does the bright region stay where it is from panel to panel?",
    ),
}
