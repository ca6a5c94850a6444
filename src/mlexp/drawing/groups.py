"""Points that belong to groups: colour and marker tell them apart, for readers with any colour vision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.drawing import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = (style.BLUE, style.VERMILION, style.GREEN, "#CC79A7", "#E69F00", "#56B4E9", style.INK)
SHAPES = "o^sDvPX"
NOISE = -1
LEGEND_LINE = 0.19  # inches
SYMBOL = 0.3  # inches of the symbol of a legend and the space around it
PAD = 0.1  # inches


def scatter(axes: Axes, points: np.ndarray, groups: np.ndarray, names: Sequence[str] = ()) -> None:
    """Draw points (n, 2) by the number of their group; −1 is noise.

    More than 7 groups with names of one letter or digit are drawn as that letter; others by shape, in which every
    colour comes with every shape before a pair is used again (49 groups).
    """
    letters = _are_letters(names)
    size = 14 if letters else 11
    for group in np.unique(groups):
        look = marker(int(group), names if letters else ())
        axes.scatter(
            points[groups == group, 0],
            points[groups == group, 1],
            s=size,
            linewidths=0.25 if letters else 0.3,
            **look,
        )


def legend(figure: Figure, names: Sequence[str]) -> None:
    """Name the groups below the axes, unless their letters are drawn."""
    from matplotlib.lines import Line2D

    if _are_letters(names) or not names:
        return
    handles = []
    for group, name in enumerate(style.class_names(names, 1.2)):
        look = marker(group, ())
        handles.append(
            Line2D([], [], linestyle="", marker=look["marker"], color=look["color"], markersize=4, label=name)
        )
    figure.legend(handles=handles, loc="outside lower center", ncols=columns(names), handletextpad=0.1)


def columns(names: Sequence[str]) -> int:
    """Return how many names fit side by side below a figure."""
    widest = max(style.text_width(name, style.NORMAL) for name in style.class_names(names, 1.2))
    return max(1, min(len(names), int(style.WIDTH / (widest + SYMBOL + PAD))))


def legend_height(names: Sequence[str]) -> float:
    """Return the inches that `legend` takes."""
    if _are_letters(names) or not names:
        return 0.0
    return LEGEND_LINE * -(-len(names) // columns(names)) + 0.1


def values(axes: Axes, points: np.ndarray, numbers: np.ndarray) -> Any:
    """Draw points coloured by a number; return what a colour bar needs."""
    return axes.scatter(points[:, 0], points[:, 1], s=9, c=numbers, cmap="viridis", linewidths=0)


def _are_letters(names: Sequence[str]) -> bool:
    return len(names) > len(PALETTE) and all(
        len(name) == 1 and name.isascii() and name.isalnum() for name in names
    )


def marker(group: int, letters: Sequence[str]) -> dict[str, Any]:
    """Return colour and marker of a group, a letter where all groups are named by one; grey crosses for `NOISE`."""
    if group == NOISE:
        return {"color": style.GREY, "marker": "x", "alpha": 0.6}
    colour = PALETTE[group % len(PALETTE)]
    if letters:
        return {"color": colour, "marker": rf"$\mathrm{{{letters[group]}}}$"}
    shape = SHAPES[(group + group // len(PALETTE)) % len(SHAPES)]
    return {"color": colour, "marker": shape, "edgecolor": "white"}
