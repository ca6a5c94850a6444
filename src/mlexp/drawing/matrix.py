"""Matrices as heat maps with their values written into the cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.drawing import style
from mlexp.metrics.table import metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

LABEL_PITCH = 6.5  # points between two names at least
LEGIBLE = 4.5  # points; cells that cannot hold text of this size stay without
CONTRAST = 0.4  # power of the value that the colour follows
DARK = 0.55  # of the colours, from which text on them must be white


def counts(axes: Axes, values: np.ndarray) -> Any:
    """Draw values from 0 upwards by the power `CONTRAST` of them, 0 as white; return what a colour bar needs."""
    from matplotlib.colors import PowerNorm

    seen = np.where(values > 0, values, np.nan)
    norm = PowerNorm(CONTRAST, 0, max(values.max(), 1))
    axes.spines[:].set_visible(True)
    return axes.imshow(seen, cmap=_colours(), norm=norm, interpolation="nearest")


def differences(axes: Axes, values: np.ndarray) -> Any:
    """Draw values about 0: orange above, purple below, white for 0."""
    reach = max(float(np.abs(values).max()), 1e-9)
    axes.spines[:].set_visible(True)
    return axes.imshow(values, cmap="PuOr_r", vmin=-reach, vmax=reach, interpolation="nearest")


def scores(
    axes: Axes, grid: np.ndarray, ends: tuple[float, float], measure: str, *, size: float | None = None
) -> Any:
    """Draw a grid of scores with their values, shares in percent, the better the brighter; NaN stays white.

    Parameters
    ----------
    grid : of shape (rows, columns)
    ends : of the colours
    measure : the metric that they are values of
    size : of the values in points; None: that of the figure, 0: none
    """
    low, high = ends
    row = metric(measure)
    higher, scale, digits = row.higher_is_better, *((100, 1) if row.share else (1, 3))
    image = axes.imshow(grid, cmap="cividis" if higher else "cividis_r", aspect="auto", vmin=low, vmax=high)
    if size != 0:
        texts = [
            [f"{scale * value:.{digits}f}" if np.isfinite(value) else "" for value in line] for line in grid
        ]
        is_low = (np.clip(grid, low, high) - low) / ((high - low) or 1) < 0.5
        write(axes, texts, is_low == higher, size)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return image


def frame(axes: Axes, row: int, column: int) -> None:
    """Frame a cell of a grid, such as the best setting."""
    from matplotlib.patches import Rectangle

    at = (column - 0.5, row - 0.5)
    axes.add_patch(Rectangle(at, 1, 1, fill=False, edgecolor=style.VERMILION, linewidth=2))


def name_classes(axes: Axes, names: Sequence[str], pitch: float, *, turned: bool) -> None:
    """Write the class names beside rows and columns `pitch` points apart; not all where they are too close."""
    apart = step(pitch)
    shown = range(0, len(names), apart)
    size = min(style.SMALL, 0.85 * pitch * apart)
    axes.set_xticks(shown, [names[k] for k in shown], rotation=90 if turned else 0, fontsize=size)
    axes.set_yticks(shown, [names[k] for k in shown], fontsize=size)
    axes.tick_params(length=0 if apart == 1 else 2)


def step(pitch: float) -> int:
    """Return of how many rows `pitch` points apart one has its name beside it."""
    return math.ceil(LABEL_PITCH / pitch)


def text_size(pitch: float, longest: int) -> float:
    """Return the points at which `longest` letters fit into a cell of `pitch` points; 0 where none could read them."""
    size = min(style.SMALL, 0.88 * pitch / (0.64 * longest))
    return size if size >= LEGIBLE else 0.0


def is_dark(values: np.ndarray) -> np.ndarray:
    """Return which cells of `counts` are so dark that text on them must be white."""
    return np.asarray((values / max(values.max(), 1)) ** CONTRAST > DARK)


def write(
    axes: Axes,
    texts: Sequence[Sequence[str]],
    dark: np.ndarray,
    size: float | None = None,
    below: float = 0.0,
) -> None:
    """Write into each cell its text, white where the cell is `dark`; "" leaves it empty.

    `below` is how much of a cell the text stands below its centre.
    """
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            if text:
                colour = "white" if dark[row, column] else style.INK
                axes.text(column, row + below, text, ha="center", va="center", fontsize=size, color=colour)


def _colours() -> Colormap:
    """Return a perceptually uniform map from near white to dark, without its last, almost black part."""
    import matplotlib
    from matplotlib.colors import ListedColormap

    colours = matplotlib.colormaps["magma_r"](np.linspace(0.02, 0.8, 256))
    return ListedColormap(colours).with_extremes(bad="white")
