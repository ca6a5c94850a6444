"""Names, as they are cut and drawn."""

from __future__ import annotations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tests.drawing.seen import NASTY, Make, figure_of, shown, words

from mlexp.drawing import style


def test_names_are_drawn_as_they_stand(make_run: Make) -> None:
    figure = figure_of(make_run(classes=["<b>", "$x$", "a & b", "\\alpha"]), "confusion")
    assert {"<b>", "$x$", "a & b", "\\alpha"} <= set(words(figure))
    label = next(text for text in shown(figure) if text.get_text() == r"\$x\$")
    drawn = label.get_window_extent().width / style.DPI
    assert drawn == pytest.approx(style.text_width("$x$", style.SMALL), rel=0.1)  # no formula was read


@pytest.mark.parametrize("width", [0.4, 0.8, 1.2])
@pytest.mark.parametrize(
    "name",
    ["species number {:03} of the north", "Acer pseudoplatanus variety {} leaf", "a" * 30 + "{}" + "b" * 30],
)
def test_names_with_the_same_ends_are_cut_around_what_differs(name: str, width: float) -> None:
    drawn = style.class_names([name.format(k) for k in range(100)], width)
    assert len(set(drawn)) == 100
    assert all(str(k) in text and ":" not in text for k, text in enumerate(drawn))
    assert all(style.text_width(text, style.SMALL) <= width for text in drawn)


def test_cut_names_stay_distinct() -> None:
    names = style.class_names(NASTY, 1.0)
    assert len(set(names)) == len(NASTY)
    assert names[5] == "class 5"  # nothing of it is in the font
    assert all(style.text_width(name.replace(r"\$", "$"), style.SMALL) <= 1.0 for name in names)


def test_text_width_agrees_with_what_is_drawn() -> None:
    figure = Figure(dpi=style.DPI)
    FigureCanvasAgg(figure)
    for bold in (False, True):
        text = figure.text(0, 0, "Ankle boot 0.123", fontsize=9, fontweight="bold" if bold else "normal")
        drawn = text.get_window_extent().width / style.DPI
        assert style.text_width("Ankle boot 0.123", 9, bold) == pytest.approx(drawn, rel=0.04)


def test_a_number_keeps_its_percent_sign() -> None:
    lines = style.wrap("between 10 % and 50 % " * 20, 2.0, style.LARGE)
    assert len(lines) > 5
    assert not any(line.startswith("%") for line in lines)
