"""How arms score: strip and box by arm, intervals of differences, and which arms do not differ significantly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.comparisons.figures.arms import ROW, Arms
from mlexp.drawing import style
from mlexp.page.words import level_in_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ROWS = 20  # arms held against the best of the others
MOST_PAIRS = 10  # with more, the best arm alone is held against the others
GOLDEN = 0.6180339887  # spreads the points of an arm evenly, the same each time
LABEL = 1.9  # inches of the name of an arm


def scores(arms: Arms) -> Figure:
    """Draw every run as a point over the box of its arm: quartiles, median, and the mean as a diamond."""
    lines = {arm: arms.values[arm] for arm in arms.shown}
    if arms.others:
        lines[f"{len(arms.others)} others"] = np.concatenate([arms.values[arm] for arm in arms.others])
    figure = style.new_figure(0.75 + 1.15 * ROW * len(lines), arms.headline)
    axes = figure.subplots()
    for place, (arm, values) in enumerate(lines.items()):
        strip(axes, place, values, arms.colour(arm) if arm in arms.shown else style.GREY)
    name_arms(axes, arms, list(lines))
    axes.set_xlabel(f"{arms.axis}: runs, quartiles with median, mean (diamond)")
    return figure


def strip(axes: Axes, place: int, values: np.ndarray, colour: str) -> None:
    """Draw the values of an arm on its line."""
    from matplotlib.patches import Rectangle

    if len(values) > 2:
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
        box = Rectangle((low, place - 0.28), high - low, 0.56, facecolor=colour, alpha=0.16, edgecolor=colour)
        axes.add_patch(box)
        axes.plot((middle, middle), (place - 0.28, place + 0.28), color=colour, linewidth=1.4)
    spread = ((np.arange(len(values)) * GOLDEN) % 1 - 0.5) * 0.42
    axes.plot(values, place + spread, "o", color=colour, markersize=3.2, alpha=0.75, markeredgewidth=0)
    axes.plot(values.mean(), place, "D", color=colour, markersize=4.5, markeredgecolor="white")


def name_arms(axes: Axes, arms: Arms, names: Sequence[str] = (), width: float = LABEL) -> None:
    """Write the arms beside their lines, the first on top."""
    labels = arms.labels(width, names)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    if arms.key:
        axes.set_ylabel(style.escape(style.clean(arms.key)), fontsize=style.SMALL)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.margins(x=0.04)


def differences(arms: Arms) -> Figure | None:
    """Draw the interval of each difference against zero and the margin; filled where it is significant.

    Where there are many arms it is the difference of each arm from the best of the others.
    """
    if arms.with_best:
        return _from_best(arms)
    pairs = [
        pair
        for pair in arms.info["pairs"]
        if pair["low"] is not None and pair.get("adjusted_low", pair["low"]) is not None
    ]
    best_only = len(pairs) > MOST_PAIRS
    if best_only:
        pairs = [pair for pair in pairs if pair["a"] == arms.names[0]]
    if not pairs:
        return None
    adjusted = len(arms.info["pairs"]) > 1 and "adjusted_low" in pairs[0]
    level = "adjusted" if adjusted else f"{level_in_percent(pairs[0]['level'])} %"
    headline = f"Differences with their {level} interval: " + (
        f"{arms.names[0]} against each other arm" if best_only else "every pair of arms"
    )
    ends = ("adjusted_low", "adjusted_high") if adjusted else ("low", "high")
    figure = style.new_figure(0.95 + ROW * len(pairs), f"{headline}; {pairs[0]['test']}")
    axes = figure.subplots()
    margin = arms.info["margin"]
    if margin:
        axes.axvspan(-arms.scale * margin, arms.scale * margin, color=style.PALE, alpha=0.6, linewidth=0)
    axes.axvline(0, color=style.INK, linewidth=0.8)
    for place, pair in enumerate(pairs):
        low, middle, high = (arms.scale * pair[name] for name in (ends[0], "difference", ends[1]))
        colour = style.BLUE if pair["separated"] else style.GREY
        axes.plot((low, high), (place, place), color=colour, linewidth=1.6)
        face = colour if pair["separated"] else "white"
        axes.plot(middle, place, "o", color=colour, markerfacecolor=face, markersize=5)
    name_arms(axes, arms, [f"{pair['a']} − {pair['b']}" for pair in pairs], 2.7)
    shade = "; grey band: the margin" if margin else ""
    axes.set_xlabel(f"{arms.axis_of_differences}\nfilled: significant after adjustment{shade}")
    return figure


def _from_best(arms: Arms) -> Figure:
    """Draw how far each arm is ahead of the best of the others; those that may be best are filled."""
    best, scale, names = arms.with_best, arms.scale, arms.names[:MOST_ROWS]
    means = arms.direction * np.array([arms.means[name] for name in arms.names])
    level = f"{level_in_percent(best['level'])} % simultaneous intervals"
    figure = style.new_figure(
        0.95 + ROW * len(names), f"Each arm against the best of the others, with {level}{_left_out(arms)}"
    )
    axes = figure.subplots()
    margin = arms.info["margin"]
    if margin:
        axes.axvspan(-scale * margin, 0, color=style.PALE, alpha=0.6, linewidth=0)
    axes.axvline(0, color=style.INK, linewidth=0.8)
    gaps = [mean - np.delete(means, place).max() for place, mean in enumerate(means[:MOST_ROWS])]
    ends = {name: [None if end is None else scale * end for end in best["ahead"][name]] for name in names}
    axes.plot(gaps, range(len(gaps)), linestyle="none")  # an end without limit is drawn to the edge of these
    known = [end for pair in ends.values() for end in pair if end is not None]
    edges = (min([*gaps, *known]), max([*gaps, *known]))
    for place, name in enumerate(names):
        low, high = (edge if end is None else end for end, edge in zip(ends[name], edges, strict=True))
        may = name in best["may_be_best"]
        colour = style.BLUE if may else style.GREY
        axes.plot((low, high), (place, place), color=colour, linewidth=1.6)
        axes.plot(
            gaps[place], place, "o", color=colour, markerfacecolor=colour if may else "white", markersize=5
        )
    name_arms(axes, arms, names)
    shade = "; grey band: the margin" if margin else ""
    axes.set_xlabel(f"{arms.axis_of_differences}, better to the right\nfilled: may be best{shade}")
    return figure


def _left_out(arms: Arms) -> str:
    """Say how many arms are not drawn, and whether any of them may be best."""
    rest = arms.names[MOST_ROWS:]
    n_best = sum(name in arms.with_best["may_be_best"] for name in rest)
    return (
        f"; not drawn: {len(rest)} arms with lower ranks, {n_best or 'none'} of which may be best"
        if rest
        else ""
    )


def ranking(arms: Arms) -> Figure | None:
    """Draw the means of the arms along one axis, with bars over those of which no pair differs significantly.

    Where there are many arms the bars are over those that may be best.
    """
    if len(arms.names) < 3:
        return None
    means = np.array([arms.means[name] for name in arms.names])
    if arms.with_best:
        may = arms.with_best["may_be_best"]
        headline = f"{len(may)} of {len(arms.names)} arms may be best: bar and full dots" if may else (
            "None of the arms is best: each is worse than another one")  # fmt: skip
        return _diagram(arms, arms.names, means, _stretches(arms, may), headline, arms.axis)
    return _diagram(
        arms,
        arms.names,
        means,
        _together(arms),
        "Bars join arms that do not differ significantly, after adjustment for all pairs",
        arms.axis,
    )


def _together(arms: Arms) -> list[list[int]]:
    """Return the longest stretches of the ranking in which no pair differs significantly."""
    apart = {frozenset((pair["a"], pair["b"])) for pair in arms.info["pairs"] if pair["separated"]}
    found: list[list[int]] = []
    for start in range(len(arms.names)):
        end = start
        while end + 1 < len(arms.names) and not any(
            frozenset((arms.names[k], arms.names[end + 1])) in apart for k in range(start, end + 1)
        ):
            end += 1
        if end > start and (not found or end > found[-1][-1]):
            found.append(list(range(start, end + 1)))
    return found


def _stretches(arms: Arms, may: Sequence[str]) -> list[list[int]]:
    """Return the stretches of the ranking, longer than one arm, in which every arm may be best."""
    found: list[list[int]] = [[]]
    for place, name in enumerate(arms.names):
        if name in may:
            found[-1].append(place)
        elif found[-1]:
            found.append([])
    return [stretch for stretch in found if len(stretch) > 1]


def _diagram(
    arms: Arms,
    names: Sequence[str],
    values: np.ndarray,
    groups: Sequence[Sequence[int]],
    headline: str,
    axis: str,
) -> Figure:
    """Draw the axis on top, bars below it, and a line from each arm to its name at the nearer end."""
    half = -(-len(names) // 2)
    bars, row = 0.09 * len(groups) + 0.12, 0.22
    figure = style.new_figure(0.62 + bars + row * half, headline, placed=True)
    left = 1.75
    height = bars + row * half
    axes = style.place(figure, left, 0.05, style.WIDTH - 2 * left, height)
    axes.set(xlim=_limits(values), ylim=(height, 0))
    axes.xaxis.set_ticks_position("top")
    axes.xaxis.set_label_position("top")
    axes.set_xlabel(axis)
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.spines["top"].set_visible(True)
    order = np.argsort(values, kind="stable")
    for place, at in enumerate(order):
        on_left = place < half
        depth = bars + row * ((place if on_left else len(order) - 1 - place) + 0.5)
        _leader(axes, arms, names[at], float(values[at]), depth, on_left)
    for place, group in enumerate(groups):
        span = [float(values[k]) for k in group]
        depth = 0.09 * (place + 1)
        axes.plot(
            (min(span), max(span)), (depth, depth), color=style.INK, linewidth=3, solid_capstyle="round"
        )
    return figure


def _limits(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    room = 0.04 * ((high - low) or 1.0)
    return low - room, high + room


def _leader(axes: Axes, arms: Arms, name: str, value: float, depth: float, on_left: bool) -> None:
    end = axes.get_xlim()[0 if on_left else 1]
    axes.plot((value, value, end), (0, depth, depth), color=style.GREY, linewidth=0.7, clip_on=False)
    ink = style.INK
    if arms.with_best:
        may = name in arms.with_best["may_be_best"]
        ink = style.BLUE if may else style.GREY
        face = ink if may else "white"
        axes.plot(value, 0, "o", color=ink, markerfacecolor=face, markersize=4, clip_on=False, zorder=3)
    width = 1.65 - style.text_width(" 100.00", style.SMALL)
    label = f"{arms.labels(width, [name])[0]} {_short(value)}"
    gap: dict[str, Any] = {"xytext": (-3 if on_left else 3, 0), "textcoords": "offset points"}
    axes.annotate(label, (end, depth), ha="right" if on_left else "left", va="center", color=ink,
                  fontsize=style.SMALL, annotation_clip=False, **gap)  # fmt: skip


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"
