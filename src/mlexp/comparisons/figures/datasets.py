"""Arms on several data sets: the difference of each data set with its interval, and the mean over all (forest plot)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlexp.comparisons.figures.arms import ROW, Arms
from mlexp.drawing import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 3  # panels beside one another
MOST_PANELS = 9
LABEL = 1.35  # inches of the name of a data set
ALL = "mean of all data sets"


def datasets(arms: Arms) -> Figure | None:
    """Draw how far the best arm is ahead of each other arm on every data set; None for one data set."""
    found = arms.info.get("benchmark")
    if found is None:
        return None
    best, *others = arms.names
    left_out = len(others) - MOST_PANELS
    others = others[:MOST_PANELS]
    names = [str(one["name"]) for one in found["datasets"]]
    lines = -(-len(others) // ACROSS)
    across = min(len(others), ACROSS)
    headline = f"{best} against {others[0] if len(others) == 1 else 'each other arm'}, data set by data set"
    headline += f" (the {MOST_PANELS} next best of {len(arms.names) - 1})" if left_out > 0 else ""
    figure = style.new_figure(lines * (0.42 + ROW * (len(names) + 1)) + 0.42, headline)
    panels = figure.subplots(lines, across, sharey=True, squeeze=False).ravel()
    for axes in panels[len(others) :]:
        axes.set_axis_off()
    labels = style.class_names([*names, ALL], LABEL)
    for place, (axes, other) in enumerate(zip(panels, others, strict=False)):
        _panel(axes, arms, best, other)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.5, -0.6)
        axes.tick_params(axis="y", length=0, labelleft=place % ACROSS == 0)
    words = arms.info["measure"]["words"]
    unit = f"points of {words}" if arms.scale > 1 else words
    figure.supxlabel(
        f"Right of the line: {best} is better, in {unit}. Filled: significant after Holm",
        fontsize=style.NORMAL,
    )
    return figure


def _panel(axes: Axes, arms: Arms, best: str, other: str) -> None:
    """Draw the differences of the best arm and another one: a line a data set, the mean of all below."""
    found = arms.info["benchmark"]
    axes.axvline(0, color=style.INK, linewidth=0.8)
    margin = arms.info["margin"]
    if margin:
        axes.axvspan(-arms.scale * margin, arms.scale * margin, color=style.PALE, alpha=0.6, linewidth=0)
    for place, one in enumerate(found["datasets"]):
        pairs = [pair for pair in one["pairs"] if {pair["a"], pair["b"]} == {best, other}]
        if pairs:
            _interval(axes, arms, pairs[0], best, place, "o", significant=pairs[0]["separated"])
    pair = next(row for row in found["mean_differences"] if {row["a"], row["b"]} == {best, other})
    place = len(found["datasets"])
    axes.axhline(place - 0.5, color=style.PALE, linewidth=0.8)
    _interval(axes, arms, pair, best, place, "D", significant=pair["significant"])
    (name,) = style.class_names([other], 1.45, style.NORMAL)
    axes.set_title(f"− {name}")
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.margins(x=0.06)


def _interval(
    axes: Axes,
    arms: Arms,
    pair: Mapping[str, Any],
    best: str,
    place: int,
    marker: str,
    *,
    significant: bool,
) -> None:
    """Draw one difference, turned so that more is better for the best arm, with the interval that goes with its p."""
    turn = (
        arms.scale
        * (1 if pair["a"] == best else -1)
        * (1 if arms.info["measure"]["higher_is_better"] else -1)
    )
    ends = [pair[name] for name in ("adjusted_low", "adjusted_high")]
    colour = style.BLUE if significant else style.GREY
    if all(isinstance(end, float) for end in ends):
        axes.plot([turn * end for end in ends], (place, place), color=colour, linewidth=1.6)
    axes.plot(
        turn * pair["difference"],
        place,
        marker,
        color=colour,
        markerfacecolor=colour if significant else "white",
        markersize=5,
    )
