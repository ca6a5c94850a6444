"""How arms learn: loss and accuracy of both sets by epoch, arm by arm and all in one; epochs to a stated accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.comparisons.figures.arms import ROW, Arms
from mlexp.comparisons.figures.scores import name_arms, strip
from mlexp.drawing import style
from mlexp.kinds.curves import LINES, TWO_DECADES
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BANDS = 5  # arms; the bands of more would hide one another
ACROSS = 4  # panels side by side
GRID = 200  # points of a long curve
TITLES = {"train": "Training", "validation": "Validation"}
MEASURES = {"loss": "Loss", "accuracy": "Accuracy (%)"}
FEW_EPOCHS = 4.0  # ratio of the epochs of two arms from which each has an axis of its own
OTHERS: dict[str, Any] = {"color": style.GREY, "linewidth": 0.6, "alpha": 0.25, "zorder": 1}
Curve = tuple[np.ndarray, np.ndarray, np.ndarray]  # epoch, mean, standard deviation
Curves = dict[tuple[str, str], Curve]  # by part and measure


def curves_by_arm(arms: Arms) -> Figure | None:
    """Draw loss and accuracy of training and validation by epoch, each arm in panels of its own on shared scales."""
    from matplotlib.ticker import MaxNLocator

    found = {arm: curves for arm in arms.shown if (curves := _curves(arms.runs[arm]))}
    measures = [what for what in MEASURES if any(name[1] == what for of in found.values() for name in of)]
    if not measures:
        return None
    across = max(2, min(len(found), ACROSS))
    blocks = math.ceil(len(found) / across)
    height = 1.35 if blocks == 1 else 0.92
    figure = style.new_figure(
        0.55 + blocks * (0.3 + height * len(measures)),
        f"{_title(measures)} of each arm{arms.which}; {_mean(arms)}",
    )
    grid = figure.subplots(blocks * len(measures), across, squeeze=False)
    titles = arms.titles(0.93 * style.WIDTH / across - 0.2, list(found))
    for place, (row, what) in product(range(blocks * across), enumerate(measures)):
        axes = grid[place // across * len(measures) + row, place % across]
        if place >= len(found):
            axes.remove()
            continue
        axes.sharey(grid[row, 0])
        arm = list(found)[place]
        for part, look in LINES.items():
            if (part, what) in found[arm]:
                _draw(axes, found[arm][part, what], look["color"], look["linestyle"], band=True)
        if row == 0:
            axes.set_title(titles[place], fontsize=style.SMALL)
        _frame(axes, what, place, across, last=row == len(measures) - 1)
        if row == len(measures) - 1 and place + across >= len(found):
            axes.set_xlabel("Epoch", fontsize=style.SMALL)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
    _share(grid, found, measures)
    arms.legend(figure, [_handle(look) for look in LINES.values()], [TITLES[part].lower() for part in LINES])
    return figure


def _share(grid: np.ndarray, found: dict[str, Curves], measures: Sequence[str]) -> None:
    """Give all panels of a measure one scale, and all panels one axis of epochs unless arms differ much in these."""
    for row, what in enumerate(measures):
        shared = grid[row, 0]
        _scale(shared, what, [of[name] for of in found.values() for name in of if name[1] == what])
        for axes in grid[row :: len(measures), 0]:
            axes.set_ylabel(shared.get_ylabel(), fontsize=style.SMALL)
    ends = [max(float(curve[0][-1]) for curve in of.values()) for of in found.values()]
    if max(ends) < FEW_EPOCHS * min(ends):
        first = min(float(curve[0][0]) for of in found.values() for curve in of.values())
        space = max(0.25, 0.03 * max(ends))
        for place, row in product(range(len(found)), range(len(measures))):
            axes = grid[place // grid.shape[1] * len(measures) + row, place % grid.shape[1]]
            axes.set_xlim(first - space, max(ends) + space)


def learning_curves(arms: Arms) -> Figure | None:
    """Draw all arms in one panel a measure: training loss beside validation loss, accuracies below.

    An arm is drawn as far as half of its runs trained; the mean is over the runs that were still training.
    """
    from matplotlib.ticker import MaxNLocator

    found = {arm: curves for arm in arms.names if (curves := _curves(arms.runs[arm]))}
    known = {name for of in found.values() for name in of}
    measures = [what for what in MEASURES if any(name[1] == what for name in known)]
    parts = [part for part in LINES if any(name[0] == part for name in known)]
    if len(found) < 2:
        return None
    bands = len(found) <= MOST_BANDS
    key = f" ({arms.key})" if arms.key else ""
    headline = (
        f"{_title(measures)} of all arms in one view{key}; {_mean(arms) if bands else 'means over runs'}"
    )
    figure = style.new_figure(0.5 + 2.0 * len(measures), headline)
    grid = figure.subplots(len(measures), len(parts), squeeze=False, sharey="row", sharex=True)
    handles: dict[str, Any] = {}
    for (row, what), (column, part) in product(enumerate(measures), enumerate(parts)):
        axes = grid[row, column]
        for arm, of in found.items():
            if (part, what) not in of:
                continue
            if arm in arms.others:
                (line,) = axes.plot(*of[part, what][:2], **OTHERS)
                handles[f"{len(arms.others)} others"] = line
            else:
                handles[arm] = _draw(axes, of[part, what], arms.colour(arm), arms.dashes(arm), band=bands)
        axes.set(title=f"{TITLES[part]} {what}", ylabel="" if column else MEASURES[what])
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        _mark(axes, arms, what)
        if row == len(measures) - 1:
            axes.set_xlabel("Epoch")
    for row, what in enumerate(measures):
        _scale(grid[row, 0], what, [of[name] for of in found.values() for name in of if name[1] == what])
    order = [name for name in (*arms.shown, *handles) if name in handles]
    arms.legend(figure, [handles[name] for name in dict.fromkeys(order)], list(dict.fromkeys(order)))
    return figure


def _mark(axes: Axes, arms: Arms, what: str) -> None:
    """Draw the level whose first epochs are compared."""
    if (level := arms.info.get("level")) and level["column"].endswith(what):
        axes.axhline(
            100 * level["value"] if what == "accuracy" else level["value"],
            color=style.GREY,
            linewidth=0.7,
            linestyle=(0, (1, 2)),
        )


def _title(measures: Sequence[str]) -> str:
    return " and ".join(measures).capitalize()


def _mean(arms: Arms) -> str:
    """Return what a line and its band are."""
    most = max(map(len, arms.runs.values()))
    return "mean over runs, band: one standard deviation" if most > 1 else "one run per arm"


def _curves(runs: Sequence[Run]) -> Curves:
    """Return the curves that all runs of an arm have, by part and measure; accuracies in percent."""
    found: Curves = {}
    for part, what in product(LINES, MEASURES):
        name = f"{part}_{what}"
        histories = [run.history for run in runs]
        if not histories or not all(len(history.get(name, ())) for history in histories):
            continue
        scale = 100.0 if what == "accuracy" else 1.0
        curve = _averaged([(history["epoch"], scale * history[name]) for history in histories])
        if np.isfinite(curve[1]).any():
            found[part, what] = curve
    return found


def _averaged(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> Curve:
    """Return mean and standard deviation over runs, up to the epoch at which half of the runs have ended."""
    end = max(float(np.median([x[-1] for x, _ in curves])), max(float(x[0]) for x, _ in curves))
    grid = np.arange(1, int(end) + 1)
    grid = grid if len(grid) <= 5 * GRID else np.unique(np.linspace(1, end, GRID).astype(int))
    each = np.array([np.where(grid <= x[-1], np.interp(grid, x, y), np.nan) for x, y in curves])
    each[~np.isfinite(each)] = np.nan
    known = np.isfinite(each).any(axis=0)
    mean, sd = np.full(len(grid), np.nan), np.full(len(grid), np.nan)
    mean[known], sd[known] = np.nanmean(each[:, known], axis=0), np.nanstd(each[:, known], axis=0)
    return grid, mean, sd


def _draw(axes: Axes, curve: Curve, colour: str, dashes: Any, *, band: bool) -> Any:
    grid, mean, sd = curve
    marker = "o" if len(grid) == 1 else ""
    (line,) = axes.plot(
        grid, mean, color=colour, linestyle=dashes, linewidth=1.2, marker=marker, markersize=3
    )
    if band and np.nanmax(sd) > 0:
        axes.fill_between(grid, mean - sd, mean + sd, color=colour, alpha=0.18, linewidth=0)
    return line


def _handle(look: dict[str, Any]) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=look["color"], linestyle=look["linestyle"], linewidth=1.2)


def _frame(axes: Axes, what: str, place: int, across: int, *, last: bool) -> None:
    """Name what stands at the edges of a block of panels, and nothing between them."""
    axes.grid(axis="y")
    axes.tick_params(labelleft=place % across == 0, labelbottom=last, labelsize=6)
    if place % across == 0:
        axes.set_ylabel(MEASURES[what], fontsize=style.SMALL)


def _scale(axes: Axes, what: str, curves: Sequence[Curve]) -> None:
    """Choose the scale that panels share: logarithmic for a wide loss, and never above 100 %."""
    values = np.concatenate([mean[np.isfinite(mean)] for _, mean, _ in curves])
    low, high = float(values.min()), float(values.max())
    if what == "loss" and low > 0 and high > TWO_DECADES * low:
        axes.set_yscale("log")
        axes.set_ylim(0.8 * low, 1.25 * high)
        axes.set_ylabel(f"{MEASURES[what]}, log scale")
        return
    margin = max(0.06 * (high - low), 0.5 if what == "accuracy" else 0.005 * abs(high) or 0.005)
    axes.set_ylim(low - margin, min(high + margin, 101.0) if what == "accuracy" else high + margin)


def epochs_to_target(arms: Arms) -> Figure | None:
    """Draw after how many epochs each run reached the stated level; runs that never did are counted beside."""
    from matplotlib.ticker import MaxNLocator

    table = arms.comparison.tables.get("epochs_to_target")
    if table is None or not any(table["epochs"]):
        return None
    figure = style.new_figure(0.75 + 1.15 * ROW * len(arms.shown), f"{_until(arms)}{arms.which}")
    axes = figure.subplots()
    labels = []
    for place, arm in enumerate(arms.shown):
        cells = [cell for name, cell in zip(table["arm"], table["epochs"], strict=True) if name == arm]
        reached = np.array([float(cell) for cell in cells if cell])
        if len(reached):
            strip(axes, place, reached, arms.colour(arm))
        labels.append(
            f"{arms.short(arm)} ({len(reached)} of {len(cells)})"
            if cells
            else f"{arms.short(arm)} (no epochs)"
        )
    name_arms(axes, arms, labels)
    axes.set_xlabel("Epoch (in brackets: runs that reached it)")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    return figure


def _until(arms: Arms) -> str:
    if level := arms.info.get("level"):
        return f"Epochs until {level['words']} was reached"
    part = (
        "validation"
        if any("validation_accuracy" in run.history for run in arms.runs[arms.names[0]])
        else "training"
    )
    return f"Epochs until the {part} accuracy was {100 * arms.info['target']:g} %"
