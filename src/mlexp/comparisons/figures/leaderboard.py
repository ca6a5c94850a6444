"""The leaderboard of a comparison that chooses: arms in the order of the validation set, judged on the test set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlexp.comparisons.figures.arms import MOST, ROW, Arms
from mlexp.comparisons.figures.scores import name_arms
from mlexp.drawing import style
from mlexp.page.words import level_in_percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def leaderboard(arms: Arms) -> Figure | None:
    """Draw the test mean of each arm with its interval, and the validation mean that orders the arms."""
    rows = {str(arm["name"]): arm for arm in arms.info["arms"]}
    order = [
        str(name) for name in arms.choice.get("order", ()) if rows.get(str(name), {}).get("mean", "") != ""
    ]
    if len(order) < 2:
        return None
    shown, scale = order[:MOST], arms.scale
    may = arms.with_best.get("may_be_best") if arms.with_best else None
    more = f", the {len(shown)} best of {len(order)}" if len(order) > len(shown) else ""
    figure = style.new_figure(
        1.0 + ROW * len(shown), f"Arms in the order of the validation set, the choice on top{more}"
    )
    axes = figure.subplots()
    for place, name in enumerate(shown):
        row = rows[name]
        colour = style.BLUE if may is None or name in may else style.GREY
        if row["low"] != "":
            axes.plot((scale * row["low"], scale * row["high"]), (place, place), color=colour, linewidth=1.6)
        face = "white" if colour == style.GREY else colour
        axes.plot(scale * row["mean"], place, "o", color=colour, markerfacecolor=face, markersize=5.5)
        axes.plot(scale * float(arms.choice["validation"][name]), place, "D", color=style.INK, markersize=4,
                  markerfacecolor="none", zorder=3)  # fmt: skip
    name_arms(axes, arms, shown)
    level = f"{level_in_percent(1 - arms.info['alpha'])} %"
    marks = "" if may is None else "; filled: may be best"
    axes.set_xlabel(
        f"{arms.axis}, mean with its {level} interval{marks}\ndiamond: mean on the validation set"
    )
    return figure
