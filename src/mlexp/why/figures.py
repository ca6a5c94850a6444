"""Pictures of a case, drawn from its folder: curves, published numbers, candidates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.drawing import style
from mlexp.drawing.figure import Drawing
from mlexp.drawing.groups import PALETTE
from mlexp.drawing.wanted import ALL, Wanted
from mlexp.page.words import as_number
from mlexp.store import Run, Why
from mlexp.store.result import Columns
from mlexp.why import case as cases
from mlexp.why.case import APART, Published

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS = 12
MOST_ROWS = 30
FARTHEST = 4.0  # half widths of an interval; beyond, a number is drawn at the edge
WIDE = 10.0  # ratio of losses from which their axis is logarithmic
LINE = 0.2  # inches of a row
MARKERS = "osD^"


def draw(why: Why, wanted: Wanted = ALL, into: Path | None = None) -> list[Path]:
    """Draw what the folder of a case allows, as `wanted`, into its ``figures/`` or those of `into`."""
    return style.draw(into or why.path, FIGURES, why, wanted) if shown(why) else []


def shown(why: Why) -> Why | None:
    """Return what the figures are drawn from; None as long as there is no answer."""
    return why if "answer" in why.question else None


def curves(why: Why) -> Figure | None:
    """Draw each published curve over those of the likeliest candidates: mean over seeds, band from least to largest."""
    asked = cases.of(why.question["name"], why.question["case"])
    published = [(run, one) for run, (_, of) in asked.runs.items() for one in of if one.epochs][:MOST_PANELS]
    runs = _runs(why)
    if not published or not runs:
        return None
    across = min(2, len(published))
    down = math.ceil(len(published) / across)
    figure = style.new_figure(
        0.4 + LINE * len(runs) + 1.75 * down, "The published curves over those of the likeliest candidates"
    )
    grid = figure.subplots(down, across, squeeze=False)
    for axes in grid.flat[len(published) :]:
        axes.remove()
    for axes, (run, one) in zip(grid.flat, published, strict=False):
        _panel(axes, one, [of.get(run, []) for of in runs.values()])
        title = f"{run}: {one.quantity}" if len(asked.runs) > 1 else one.quantity
        axes.set_title(
            style.escape(style.fit(style.clean(title), style.WIDTH / across - 0.6, style.SMALL)),
            fontsize=style.SMALL,
        )
    handles = [_handle("published", style.INK, "x", "")]
    handles += [_handle(_label(why, n), *_look(k), "-") for k, n in enumerate(runs)]
    figure.legend(handles=handles, loc="outside lower left", ncols=1, fontsize=style.SMALL)
    return figure


def _panel(axes: Axes, one: Published, candidates: Sequence[Sequence[Run]]) -> None:
    from matplotlib.ticker import MaxNLocator

    for k, of in enumerate(candidates):
        x, values = _values(one, of)
        if not len(x):
            continue
        colour, _ = _look(k)
        axes.plot(x, np.nanmean(values, axis=0), color=colour, linewidth=1.2, zorder=3)
        axes.fill_between(
            x, np.nanmin(values, axis=0), np.nanmax(values, axis=0), color=colour, alpha=0.15, linewidth=0
        )
    few = len(one.epochs) <= 30
    axes.plot(
        one.epochs, one.values, color=style.INK, linestyle="", marker="x" if few else ".", markersize=4 if few else 2.5,
        markeredgewidth=0.9, zorder=5,
    )  # fmt: skip
    positive = min(one.values) > 0
    if one.source.endswith("loss") and positive and max(one.values) > WIDE * min(one.values):
        axes.set_yscale("log")
    axes.grid(axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axes.set_xlabel("Epoch, from the end of the run" if one.epochs[0] < 0 else "Epoch", fontsize=style.SMALL)


def _values(one: Published, runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """Return epochs, and the values of runs there; epochs that less than half of them reached are left out."""
    first, last = one.epochs[0], one.epochs[-1]
    epochs = np.arange(first, last + 1)
    rows = []
    for run in runs:
        column = run.history.get(one.source, np.array([]))
        places = len(column) + epochs if first < 0 else epochs - 1
        inside = (places >= 0) & (places < len(column))
        row = np.full(len(epochs), np.nan)
        row[inside] = column[places[inside]]
        rows.append(np.where(np.isfinite(row), row, np.nan))
    if not rows:
        return epochs[:0], np.empty((0, 0))
    values = np.array(rows)
    seen = 2 * np.isfinite(values).sum(axis=0) >= len(values)
    return epochs[seen], values[:, seen]


def numbers(why: Why) -> Figure | None:
    """Draw where each published number lies in the prediction interval of each of the likeliest candidates."""
    table = why.tables.get("published_figures", {})
    if not table or not table["candidate"]:
        return None
    named = list(dict.fromkeys(zip(table["run"], table["figure"], strict=True)))[:MOST_ROWS]
    rows = {name: place for place, name in enumerate(named)}
    candidates = list(dict.fromkeys(table["candidate"]))
    several = len(set(table["run"])) > 1
    words = [f"{run}: {figure}" if several else figure for run, figure in named]
    figure = style.new_figure(
        0.75 + LINE * (len(named) + len(candidates)),
        "Where the published numbers lie in the prediction intervals of the likeliest candidates",
    )
    axes = figure.subplots()
    axes.axvspan(-1, 1, color=style.PALE, linewidth=0)
    axes.axvline(0, color=style.GREY, linewidth=0.6)
    for k, n in enumerate(candidates):
        _numbers_of(axes, table, n, rows, k, 0.16 * (k - (len(candidates) - 1) / 2))
    axes.set_yticks(range(len(named)), style.repeated_names(words, 2.6))
    axes.set_ylim(len(named) - 0.5, -0.5)
    axes.set_xlim(-FARTHEST, FARTHEST)
    axes.set_xlabel(
        "Published − mean, in half widths of the 95 % prediction interval",
        fontsize=style.SMALL,
    )
    handles = [_handle(_label(why, n), *_look(k), "") for k, n in enumerate(candidates)]
    figure.legend(handles=handles, loc="outside lower left", ncols=1, fontsize=style.SMALL)
    return figure


def _numbers_of(
    axes: Axes, table: Columns, candidate: str, rows: Mapping[tuple[str, str], int], look: int, shift: float
) -> None:
    """Draw the numbers of one candidate, those beyond the edge as triangles that point there."""
    colour, marker = _look(look)
    columns = (table[name] for name in ("candidate", "run", "figure", "deviation"))
    for n, run, figure, deviation in zip(*columns, strict=True):
        value = as_number(deviation)
        if n != candidate or (run, figure) not in rows or value is None or not math.isfinite(value):
            continue
        beyond = ">" if value > 0 else "<"
        at = float(np.clip(value, -FARTHEST, FARTHEST)), rows[run, figure] + shift
        axes.plot(*at, beyond if abs(value) > FARTHEST else marker, color=colour, markersize=4, clip_on=False)


def candidates(why: Why) -> Figure | None:
    """Draw how far each candidate at full length is behind the best, with its 95 % interval."""
    from matplotlib.ticker import FuncFormatter

    table = why.tables.get("candidates", {})
    if not table or not table["candidate"]:
        return None
    kept = [k for k, stage in enumerate(table["stage"]) if stage == table["stage"][0]][:MOST_ROWS]
    gap, error = (
        np.array([as_number(table[name][k]) or 0.0 for k in kept]) for name in ("behind", "half_width")
    )
    names = [_label(why, table["candidate"][k]) for k in kept]
    figure = style.new_figure(0.75 + LINE * len(kept), "How far each candidate is behind the best one")
    axes = figure.subplots()
    apart = np.array([table["told_apart"][k] == "True" for k in kept])
    for place in range(len(kept)):
        colour = style.VERMILION if apart[place] else style.BLUE
        ends = np.maximum(gap[place] + error[place] * np.array([-1, 1]), 0)
        axes.plot(ends, [place, place], color=colour, linewidth=1.0)
        axes.plot(gap[place], place, "s" if apart[place] else "o", color=colour, markersize=4, clip_on=False)
    axes.axvline(APART, color=style.GREY, linewidth=0.8, linestyle=(0, (4, 2)))
    axes.set_xscale("symlog", linthresh=2 * APART)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlim(left=0)
    axes.set_yticks(range(len(kept)), style.repeated_names(names, 3.0))
    axes.set_ylim(len(kept) - 0.5, -0.5)
    axes.set_xlabel(
        f"Difference of log-likelihood with its 95 % interval over seeds; dashed: {APART:g}",
        fontsize=style.SMALL,
    )
    return figure


def _runs(why: Why) -> dict[str, dict[str, list[Run]]]:
    """Return candidate -> run of the report -> its runs, those that are still there."""
    table = why.tables.get("candidate_runs", {})
    found: dict[str, dict[str, list[Run]]] = {}
    for n, run, folder in zip(*(table.get(name, ()) for name in ("candidate", "run", "folder")), strict=True):
        opened = why.run(Path(folder).name)
        if opened is not None:
            found.setdefault(n, {}).setdefault(run, []).append(opened)
    return found


def _label(why: Why, number: str) -> str:
    """Return a candidate in words, without the settings that have one value."""
    values = why.question["candidates"]
    place = int(number) - 1
    if not 0 <= place < len(values):
        return f"candidate {number}"
    own: dict[str, str] = values[place]["values"]
    varied = [name for name in own if len({str(one["values"].get(name)) for one in values}) > 1]
    return ", ".join(f"{cases.called(name)} {own[name]}" for name in varied) or f"candidate {number}"


def _look(place: int) -> tuple[str, str]:
    return PALETTE[place % len(PALETTE)], MARKERS[place % len(MARKERS)]


def _handle(label: str, colour: str, marker: str, line: Any) -> Any:
    from matplotlib.lines import Line2D

    words = style.escape(style.fit(style.clean(label), style.WIDTH - 0.8, style.SMALL))
    return Line2D(
        [], [], color=colour, marker="" if line else marker, linestyle=line, markersize=4, label=words
    )


FIGURES = {
    "curves": Drawing(
        curves,
        "The published curves as crosses over the curves of the likeliest candidates, mean and range over seeds",
        "A candidate whose band holds the crosses explains the curve; where all miss them, something else differs.",
    ),
    "numbers": Drawing(
        numbers,
        "Each published number in the prediction interval of each of the likeliest candidates",
        "Outside the grey band: a number that the candidate does not explain. Triangles lie beyond the edge.",
    ),
    "candidates": Drawing(
        candidates,
        "How far each candidate is behind the best in log-likelihood, with its 95 % interval over seeds",
        "Squares, whose line lies right of the dashed one, are distinguished from the best; dots are not.",
    ),
}
