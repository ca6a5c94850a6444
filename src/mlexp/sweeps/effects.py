"""What each key of a sweep does: its main effect, its interactions, and heat maps of two keys for values of a third."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import matrix, style
from mlexp.drawing.groups import PALETTE
from mlexp.store.sweep_folder import short
from mlexp.sweeps.findings import Findings, limits, ordered

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 3  # panels side by side
MOST_KEYS = 9
MOST_PAIRS = 3
MOST_SLICES = 9
MOST_VALUES = 12  # of a key in a heat map that stands beside others
SHAPES = "os^DvPX"


def main_effects(found: Findings) -> Figure | None:
    """Draw every setting by the value of each key, and the mean over all other keys as a line."""
    if len(found.keys) < 2 or found.only_repeats:
        return None
    keys = range(min(len(found.keys), MOST_KEYS))
    figure, panels = _panels(
        len(keys), 1.75, f"{found.task}: {found.choosing} {found.label} by each key alone"
    )
    means = _means(found)
    for axes, side in zip(panels, keys, strict=True):
        words = ordered([*dict.fromkeys(setting[side] for setting in found.jobs)])
        at = [words.index(setting[side]) for setting in means]
        axes.plot(at, [*means.values()], "o", color=style.GREY, markersize=2.5, alpha=0.5, markeredgewidth=0)
        line = [
            np.mean([value for setting, value in means.items() if setting[side] == word]) for word in words
        ]
        axes.plot(range(len(words)), line, color=style.BLUE, marker="D", markersize=4, linewidth=1.4)
        _name(axes, words, short(found.keys)[side])
        axes.set_ylim(*_span(found, np.array(line)))
        if side % ACROSS == 0:
            axes.set_ylabel(f"{found.choosing.capitalize()} {found.label}")
            style.measured(axes.yaxis, found.measure)
    return figure


def interactions(found: Findings) -> Figure | None:
    """Draw the score by one key with a line for each value of another, for the pairs that interact most."""
    pairs = sorted(interaction_strengths(found).items(), key=lambda pair: -pair[1])[:MOST_PAIRS]
    if not pairs:
        return None
    figure, panels = _panels(
        len(pairs), 2.4, f"{found.task}: {found.choosing} {found.label} by pairs of keys"
    )
    for axes, ((one, other), _) in zip(panels, pairs, strict=True):
        rows, columns, grid = _grid(found, one, other)
        for place, (word, line) in enumerate(zip(columns, grid.T, strict=True)):
            axes.plot(range(len(rows)), line, color=PALETTE[place], marker=SHAPES[place], markersize=3.5,
                      linewidth=1.2, label=style.class_names([word], 0.9)[0])  # fmt: skip
        _name(axes, rows, short(found.keys)[one])
        axes.legend(title=style.escape(short(found.keys)[other]), title_fontsize=style.SMALL, fontsize=6,
                    loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=2)  # fmt: skip
        axes.set_ylim(*_span(found, grid))
    panels[0].set_ylabel(f"{found.choosing.capitalize()} {found.label}")
    style.measured(panels[0].yaxis, found.measure)
    return figure


def interaction_strengths(found: Findings) -> dict[tuple[int, int], float]:
    """Return for each pair of keys with all combinations the sum of squares of its interaction.

    Σ (m_ij − m_i. − m_.j + m_..)² over the cell means m_ij, divided by the number of cells.
    """
    strengths = {}
    for one, other in itertools.permutations(range(len(found.keys)), 2):
        rows, columns, grid = _grid(found, one, other)
        if (
            not (2 <= len(columns) <= len(PALETTE) and len(columns) <= len(rows))
            or not np.isfinite(grid).all()
        ):
            continue
        rest = grid - grid.mean(axis=1, keepdims=True) - grid.mean(axis=0, keepdims=True) + grid.mean()
        if (other, one) not in strengths:
            strengths[one, other] = float((rest**2).mean())
    return strengths


def slices(found: Findings) -> Figure | None:
    """Draw heat maps of the two keys with most values, one for each value of the next; the others at their best."""
    if len(found.keys) < 3 or found.only_repeats:
        return None
    counts = [len({setting[side] for setting in found.jobs}) for side in range(len(found.keys))]
    order = sorted(range(len(counts)), key=lambda side: -counts[side])
    y, x, third, *fixed = order
    if counts[y] > MOST_VALUES:
        return None
    kept = {
        setting: value
        for setting, value in _means(found).items()
        if all(setting[s] == found.best[s] for s in fixed)
    }
    values = ordered([*dict.fromkeys(setting[third] for setting in kept)])[:MOST_SLICES]
    rows, columns = (ordered([*dict.fromkeys(setting[side] for setting in kept)]) for side in (y, x))
    names = short(found.keys)
    best = "".join(f", {names[side]} {found.best[side]}" for side in fixed)
    headline = (
        f"{found.task}: {found.choosing} {found.label} for each {names[third]}{best}; frame: the best setting"
    )
    figure, panels = _panels(len(values), 0.7 + 0.22 * len(rows), headline)
    ends = limits(np.array([*kept.values()]), found.measure)
    size = matrix.text_size(72 * 1.5 / len(columns), 5)
    for axes, value in zip(panels, values, strict=True):
        grid = np.full((len(rows), len(columns)), np.nan)
        for setting, score in kept.items():
            if setting[third] == value:
                grid[rows.index(setting[y]), columns.index(setting[x])] = score
        image = matrix.scores(axes, grid, ends, found.measure, size=size)
        if value == found.best[third]:
            matrix.frame(axes, rows.index(found.best[y]), columns.index(found.best[x]))
        axes.set_title(style.class_names([f"{names[third]} {value}"], 1.8)[0], fontsize=style.SMALL)
        _name(axes, columns, names[x])
        axes.set_yticks(range(len(rows)), style.class_names(rows, 0.6), fontsize=6)
        axes.set_ylabel(names[y] if axes is panels[0] else "")
    style.measured(figure.colorbar(image, ax=panels, aspect=30, shrink=0.8).ax.yaxis, found.measure)
    return figure


def _means(found: Findings) -> dict[tuple[str, ...], float]:
    return {setting: float(found.values(setting, found.choosing).mean()) for setting in found.jobs}


def _grid(found: Findings, one: int, other: int) -> tuple[list[str], list[str], np.ndarray]:
    """Return the values of two keys, and the means over all other keys for each pair; NaN without any."""
    rows, columns = (
        ordered([*dict.fromkeys(setting[side] for setting in found.jobs)]) for side in (one, other)
    )
    total, count = np.zeros((2, len(rows), len(columns)))
    for setting, value in _means(found).items():
        at = rows.index(setting[one]), columns.index(setting[other])
        total[at] += value
        count[at] += 1
    return rows, columns, np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _span(found: Findings, drawn: np.ndarray) -> tuple[float, float]:
    """Return the ends of an axis that holds the means `drawn`; outliers among settings do not compress it."""
    low, high = limits(np.array([*_means(found).values()]), found.measure)
    low, high = min(low, float(drawn.min())), max(high, float(drawn.max()))
    room = 0.06 * (high - low) or 0.01
    return low - room, high + room


def _panels(count: int, height: float, headline: str) -> tuple[Figure, list[Axes]]:
    across = min(count, ACROSS)
    deep = math.ceil(count / across)
    figure = style.new_figure(0.3 + deep * height, headline)
    panels = list(figure.subplots(deep, across, squeeze=False).flat)
    for spare in panels[count:]:
        spare.remove()
    return figure, panels[:count]


def _name(axes: Axes, words: list[str], key: str) -> None:
    """Name the values of a key below a panel, turned where they are long; of very many not all."""
    step = math.ceil(len(words) / MOST_VALUES)
    labels = style.class_names(words, 0.8, 6)
    turned = sum(style.text_width(label, 6) for label in labels) > 1.6
    axes.set_xticks(range(0, len(words), step), labels[::step], rotation=90 if turned else 0, fontsize=6)
    axes.set_xlabel(style.escape(key), fontsize=style.SMALL)
    axes.tick_params(axis="y", labelsize=6)
