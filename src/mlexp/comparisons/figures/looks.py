"""How the difference between arms stood at each look, and how large it had to be to settle the question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.comparisons.figures.arms import Arms
from mlexp.drawing import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mlexp.store.result import Columns

MOST_PAIRS = 4  # of the best arm with the others
ROOM = 1.15  # above what must be seen


def looks(arms: Arms) -> Figure | None:
    """Draw the estimate with its interval at each look, and the boundary that it had to cross."""
    table = arms.comparison.tables.get("looks")
    if table is None or not table["look"]:
        return None
    pairs = list(dict.fromkeys(zip(table["a"], table["b"], strict=True)))
    shown = [pair for pair in pairs if pair[0] == arms.names[0]][:MOST_PAIRS] or pairs[:1]
    known = arms.info["looks"]
    end = f"look {known['taken']} of {len(known['runs'])}"
    said = f"Settled at {end}" if known["settled"] else f"Not settled by {end}"
    figure = style.new_figure(0.45 + 1.75 * len(shown), f"{said}: estimate and boundary by look")
    panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    for axes, pair in zip(panels, shown, strict=True):
        _panel(axes, arms, table, pair)
    panels[-1].set_xlabel("Runs per arm at each planned look, and the level of the look")
    panels[0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderpad=0.2)
    return figure


def _panel(axes: Axes, arms: Arms, table: Columns, pair: tuple[str, str]) -> None:
    rows = [k for k, ab in enumerate(zip(table["a"], table["b"], strict=True)) if ab == pair]
    rows = [k for k in rows if table["low"][k] != ""]
    runs, middle, low, high = (
        np.array([float(table[name][k]) for k in rows]) for name in ("runs", "difference", "low", "high")
    )
    middle, low, high = arms.scale * middle, arms.scale * low, arms.scale * high
    half = (high - low) / 2
    planned = arms.info["looks"]["runs"]
    axes.axhline(0, color=style.INK, linewidth=0.8)
    axes.fill_between(
        runs, -half, half, color=style.PALE, alpha=0.6, linewidth=0, label="inside the boundary"
    )
    for edge in (-half, half):
        axes.plot(runs, edge, color=style.GREY, linewidth=0.9, marker="_", markersize=7)
    axes.plot(runs, middle, color=style.BLUE, linewidth=0.9, alpha=0.6)
    for k, at, value, bottom, top in zip(rows, runs, middle, low, high, strict=True):
        settled = table["settled"][k] == "True"
        axes.plot((at, at), (bottom, top), color=style.BLUE, linewidth=1.4)
        face = style.BLUE if settled else "white"
        axes.plot(at, value, "o", color=style.BLUE, markerfacecolor=face, markersize=5, zorder=3)
    axes.plot([], [], "o", color=style.BLUE, markersize=5, label="difference that is settled")
    if len(rows):
        reach = ROOM * float(np.abs(np.concatenate((middle, half[-1:], low[-1:], high[-1:]))).max())
        axes.set_ylim(-reach, reach)
    axes.set_xlim(0, 1.05 * max(planned))
    levels = arms.info["looks"]["levels"]
    axes.set_xticks(planned, [f"{n}\n{level:.2g}" for n, level in zip(planned, levels, strict=True)])
    axes.grid(axis="y")
    label = style.class_names([f"{pair[0]} − {pair[1]}"], 2.7)[0]
    axes.set_title(label)
    words = arms.info["measure"]["words"]
    axes.set_ylabel(f"{words}{' (points)' if arms.scale > 1 else ''}")
