"""Images as tiles with captions below them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

CAPTION = 6.5  # points
LINE = 0.12  # inches that a line of a caption takes
INNER = style.WIDTH - 0.15  # inches that the tiles share


@dataclass(frozen=True)
class Tile:
    """One image, the lines below it, and whether the model was wrong."""

    image: np.ndarray
    lines: tuple[str, ...]
    wrong: bool


def draw_tiles(tiles: list[Tile], columns: int, headline: str, note: str) -> Figure:
    """Draw all images as one array, with a white band for the lines of text below each row of them."""
    columns = min(columns, max(len(tiles), 4))
    rows = math.ceil(len(tiles) / columns)
    h, w = tiles[0].image.shape[:2]
    gap = max(1, round(0.14 * w))
    inch = columns * (w + gap) / INNER  # pixels of the images to one inch of paper
    band = math.ceil((LINE * len(tiles[0].lines) + 0.14) * inch)
    size = columns * (w + gap) / inch, rows * (h + band) / inch
    figure = style.new_figure(size[1] + 0.22, headline, placed=True)
    axes = style.place(figure, 0.08, 0, *size)
    axes.set_axis_off()
    axes.set_title(note, fontsize=style.SMALL, color=style.GREY)
    images = unit(np.stack([tile.image for tile in tiles]))
    in_rows = [images[first : first + columns] for first in range(0, len(images), columns)]
    axes.imshow(mosaic(in_rows, columns, (h + band, w + gap)), cmap=greys(), vmin=0, vmax=1)
    for k, tile in enumerate(tiles):
        left, top = k % columns * (w + gap) - 0.5, k // columns * (h + band) - 0.5
        for number, line in enumerate(tile.lines):
            colour = style.VERMILION if line.startswith("≠") else style.INK if number == 0 else style.GREY
            y = top + h + (0.045 + LINE * number) * inch
            axes.text(left + w / 2, y, line, ha="center", va="top", fontsize=CAPTION, color=colour)
        if tile.wrong:
            _mark_wrong(axes, left, top, (h, w))
    return figure


def mosaic(rows: Sequence[np.ndarray], columns: int, cell: tuple[int, int]) -> np.ndarray:
    """Return one array with every image at the top left of its cell, rows of images below one another.

    Images are of shape (n, h, w), or (n, h, w, 3) in colour. What no image covers is NaN, or white; rows may hold fewer
    images than there are `columns`.
    """
    channels = next((images[0].shape[2:] for images in rows if len(images)), ())
    blank = 1.0 if channels else np.nan
    whole = np.full((len(rows) * cell[0], columns * cell[1], *channels), blank, dtype=np.float32)
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            h, w = image.shape[:2]
            top, left = row * cell[0], column * cell[1]
            whole[top : top + h, left : left + w] = image
    return whole


def unit(images: np.ndarray) -> np.ndarray:
    """Return pixels in [0, 1] by the range that the images share; whole numbers from 0 upwards start at 0.

    The range is that of the numbers, not of their type: scikit-learn's digits are bytes from 0 to 16.
    """
    pixels = np.nan_to_num(images.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low = 0.0 if images.dtype.kind in "bu" else float(pixels.min())
    high = float(pixels.max())
    scaled: np.ndarray = (pixels - low) / (high - low if high > low else 1.0)
    return scaled.astype(np.float32)


def greys() -> Colormap:
    """Return black to white, with white for what is not an image."""
    import matplotlib

    return matplotlib.colormaps["gray"].with_extremes(bad="white")


def _mark_wrong(axes: Axes, left: float, top: float, size: tuple[int, int]) -> None:
    """Frame an image and put a cross into its corner."""
    from matplotlib.patches import Rectangle

    h, w = size
    axes.add_patch(Rectangle((left, top), w, h, fill=False, edgecolor=style.VERMILION, linewidth=1.6))
    axes.plot(
        left + 0.88 * w,
        top + 0.12 * h,
        "X",
        markersize=6,
        markerfacecolor=style.VERMILION,
        markeredgecolor="white",
        markeredgewidth=0.6,
    )
