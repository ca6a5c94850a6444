"""What a reader sees of a figure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text

from mlexp.drawing import style
from mlexp.report.run import figures
from mlexp.store import Run
from mlexp.store.files import write_npz

Make = Callable[..., Run]

GARMENTS = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
]  # fmt: skip
NASTY = [
    "<b>",
    "$x$",
    "W" * 60,
    "W" * 59 + "V",
    "W" * 30 + "1" + "W" * 29,
    "日本語",
    "two\nlines",
    "\\frac{a}{b",
    "50 %",
]


def figure_of(run: Run, name: str) -> Figure:
    figure = figures(run.info["task"]["kind"])[name].draw(run)
    assert figure is not None
    style.freeze(figure)
    return figure


def shown(figure: Figure) -> list[Text]:
    """Return all texts that can be seen: not the labels of ticks beyond the ends of an axis."""
    figure.draw_without_rendering()
    unseen = {
        id(label)
        for axis in figure.findobj(Axis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for label in (tick.label1, tick.label2)
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        or not axis.axes.axison
    }
    texts = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())
    return [text for text in texts if text.get_text().strip() and id(text) not in unseen]


def words(figure: Figure) -> list[str]:
    return [text.get_text().replace(r"\$", "$") for text in shown(figure)]


def with_predictions(run: Run, true: list[int], predicted: list[int]) -> Run:
    """Replace what the run predicted."""
    arrays = {"test_true": np.array(true), "test_predicted": np.array(predicted)}
    write_npz(run.path / "predictions.npz", arrays)
    return Run.open(run.path)
