"""The most typical, most doubtful and most confidently wrong images of each class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import style, tiles
from mlexp.kinds.classification.gallery import chosen
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = ("Most typical", "Most doubtful", "Most confidently wrong")  # kinds, in the order of their numbers
EACH = 3  # images of a class and kind
MOST = 200
LONGEST = 1.0  # inches of a class name
LARGEST = 0.62  # inches of a side of an image
GAP, BETWEEN, CAPTION, HEAD = (
    0.07,
    0.14,
    0.15,
    0.2,
)  # inches between images and kinds, below an image, above all
LETTERS = 5.5  # points of a caption


@dataclass(frozen=True)
class Placed:
    """One image: its number, row, column, class and kind."""

    number: int
    row: int
    column: int
    code: int
    kind: int


def examples(run: Run) -> Figure | None:
    """Draw images with the probability of the predicted class below each, a row a class.

    Where it is another than the true one, it is named after the sign ≠.
    """
    found, kinds = chosen(run, "example", MOST), run.arrays.get("example_kind")
    probability = run.predictions.get("test_probability")
    if found is None or kinds is None or probability is None or len(kinds) < len(found[0]):
        return None
    images, positions = found
    true, names = run.predictions["test_true"][positions], run.info["dataset"]["classes"]
    classes, (h, w) = np.unique(true), images.shape[1:3]
    rows = style.class_names(names, LONGEST)
    left = 0.12 + max(style.text_width(rows[code], style.SMALL) for code in classes)
    pitch = (style.WIDTH - left - 0.05 - (len(TITLES) - 1) * BETWEEN) / (EACH * len(TITLES))
    inch = min((pitch - GAP) / w, LARGEST / max(h, w))  # of a pixel
    high = h * inch + CAPTION
    figure = style.new_figure(high * len(classes) + HEAD, _headline(run, classes), placed=True)
    axes = style.place(figure, 0, 0, style.WIDTH, high * len(classes) + HEAD)
    pixels, short = tiles.unit(images), style.class_names(names, pitch - 0.35, LETTERS)
    for one in _placed(true, kinds, classes):
        x = left + one.kind * (EACH * pitch + BETWEEN) + one.column * pitch
        y = HEAD + high * one.row
        extent = (x, x + w * inch, y + h * inch, y)
        axes.imshow(pixels[one.number], cmap=tiles.greys(), vmin=0, vmax=1, extent=extent, aspect="auto")
        _caption(axes, x + w * inch / 2, y + h * inch, probability[positions[one.number]], one.code, short)
    for kind, title in enumerate(TITLES):
        axes.text(left + kind * (EACH * pitch + BETWEEN), 0.13, title, fontsize=style.NORMAL)
    for row, code in enumerate(classes):
        y = HEAD + high * row + h * inch / 2
        axes.text(left - 0.07, y, rows[code], ha="right", va="center", fontsize=style.SMALL)
    axes.set_axis_off()
    axes.set(xlim=(0, style.WIDTH), ylim=(high * len(classes) + HEAD, 0))
    return figure


def _placed(true: np.ndarray, kinds: np.ndarray, classes: np.ndarray) -> Iterator[Placed]:
    seen: dict[tuple[int, int], int] = {}
    for number, (code, kind) in enumerate(zip(true.tolist(), kinds.tolist(), strict=False)):
        column = seen.get((kind, code), 0)
        if 0 <= kind < len(TITLES) and column < EACH:
            seen[kind, code] = column + 1
            yield Placed(number, int(np.searchsorted(classes, code)), column, code, kind)


def _caption(
    axes: Axes, x: float, y: float, probability: np.ndarray, code: int, short: Sequence[str]
) -> None:
    named = int(probability.argmax())
    sure = f"{100 * probability[named]:.0f} %"
    text, colour = (sure, style.GREY) if named == code else (f"≠ {short[named]} {sure}", style.VERMILION)
    axes.text(x, y + 0.02, text, ha="center", va="top", fontsize=LETTERS, color=colour)


def _headline(run: Run, classes: np.ndarray) -> str:
    n = len(run.info["dataset"]["classes"])
    which = f"the {len(classes)} classes with the lowest recall of {n}" if len(classes) < n else "each class"
    return f"Most typical, most doubtful and most confidently wrong test images of {which}"
