"""Rows of images, each row with a name on its left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import style
from mlexp.drawing import tiles as pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAP = 0.06  # inches between two images
LARGEST = 0.62  # inches of an image
TALLEST = 8.0  # inches of all rows together


def strips(
    headline: str, rows: Sequence[tuple[str, np.ndarray]], *, above: Sequence[str] = (), note: str = ""
) -> Figure:
    """Draw rows of images with values in [0, 1]; names `above` the columns, a `note` below all.

    Parameters
    ----------
    headline : the statement above the figure
    rows : name of each row and its images (n, h, w) or (n, h, w, 3); rows may differ in length
    """
    longest = max(len(images) for _, images in rows)
    left = 0.2 + max(style.text_width(line, style.SMALL) for name, _ in rows for line in name.split("\n"))
    pitch = min(LARGEST + GAP, (style.WIDTH - left - 0.08) / longest, TALLEST / len(rows))
    labels = style.repeated_names(above, pitch + GAP / 2, pictures.CAPTION)
    h, w = next(images.shape[1:3] for _, images in rows if len(images))
    gap = max(1, round(w * GAP / (pitch - GAP)))
    high = (h + gap) / (w + gap) * pitch * len(rows)
    head, foot = (0.17 if labels else 0.02), (0.22 if note else 0.05)
    figure = style.new_figure(high + head + foot, headline, placed=True)
    axes = style.place(figure, left, foot, longest * pitch, high)
    axes.set_axis_off()
    for row, (name, _) in enumerate(rows):
        axes.text(
            -gap, row * (h + gap) + h / 2, style.escape(name), ha="right", va="center", fontsize=style.SMALL
        )
    for column, label in enumerate(labels):
        axes.text(
            column * (w + gap) + w / 2, -gap, label, ha="center", va="bottom", fontsize=pictures.CAPTION
        )
    mosaic = pictures.mosaic([np.clip(images, 0, 1) for _, images in rows], longest, (h + gap, w + gap))
    axes.imshow(mosaic, cmap=pictures.greys(), vmin=0, vmax=1, aspect="auto")
    figure.text(0.01, 0.05 / figure.get_figheight(), note, fontsize=style.SMALL, color=style.GREY)
    return figure
