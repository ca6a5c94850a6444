"""How arms learn: curves by epoch and by second, epochs to a stated accuracy; and differences row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.comparisons.figures.arms import ROW, Arms
from mlexp.comparisons.figures.scores import name_arms, strip
from mlexp.config.names import spelled
from mlexp.drawing import style
from mlexp.metrics import metric
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BANDS = 5  # arms; the bands of more would hide one another
SYMBOL = 0.6  # inches of the line of a legend and the space around it
GRID = 200  # points of a curve by second
BINS = 41
CURVES = ("validation_accuracy", "validation_loss", "train_accuracy", "train_loss")


def learning_curves(arms: Arms) -> Figure | None:
    """Draw the mean over runs by epoch and by second, with a band of one standard deviation.

    An arm is drawn as far as half of its runs trained; the mean is over the runs that were still training.
    """
    from matplotlib.ticker import MaxNLocator

    column = _column(arms)
    if column is None:
        return None
    name = spelled(column)
    scale = 100.0 if column.endswith("accuracy") else 1.0  # shares are drawn in percent
    bands = len(arms.names) <= MOST_BANDS
    figure = style.new_figure(
        3.0, f"Learning curves: {name}, mean over runs{' ± one standard deviation' if bands else ''}"
    )
    left, right = figure.subplots(1, 2, sharey=True)
    for arm in arms.names:
        by_epoch = [(run.history["epoch"], scale * run.history[column]) for run in arms.runs[arm]]
        _curve(left, arms, arm, by_epoch, bands)
        if all("seconds" in run.timing for run in arms.runs[arm]):
            timed = [
                (np.cumsum(run.timing["seconds"]), scale * run.history[column]) for run in arms.runs[arm]
            ]
            _curve(right, arms, arm, timed, bands)
    if column.endswith("accuracy"):
        left.axhline(scale * arms.info["target"], color=style.GREY, linewidth=0.7, linestyle=(0, (1, 2)))
        right.axhline(scale * arms.info["target"], color=style.GREY, linewidth=0.7, linestyle=(0, (1, 2)))
    left.set(xlabel="Epoch", ylabel=f"{name[0].upper()}{name[1:]}{' (%)' if scale > 1 else ''}")
    right.set(xlabel="Seconds of training (of a stack, its share)")
    for axes in (left, right):
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(5))
    labels = arms.labels(2.4)
    widest = max(style.text_width(label, style.NORMAL) for label in labels)
    handles, _ = left.get_legend_handles_labels()
    n_columns = max(1, min(len(labels), int(style.WIDTH / (widest + SYMBOL))))
    figure.legend(handles, labels, loc="outside lower center", ncols=n_columns)
    return figure


def _column(arms: Arms) -> str | None:
    """Return the curve that all runs have, of the compared measure where there is one."""
    histories = [run.history for of in arms.runs.values() for run in of]
    measure = str(arms.info["metric"]).partition(".")[2]
    wanted = [f"{part}_{measure}" for part in ("validation", "train")]
    for column in (*wanted, *CURVES):
        if histories and all(column in history and len(history["epoch"]) > 1 for history in histories):
            return column
    return None


def _curve(
    axes: Axes, arms: Arms, arm: str, curves: list[tuple[np.ndarray, np.ndarray]], bands: bool
) -> None:
    """Draw the mean of curves on a grid that ends where half of them end."""
    ends = np.array([x[-1] for x, _ in curves])
    start = max(float(x[0]) for x, _ in curves)
    end = max(float(np.median(ends)), start)
    whole = curves[0][0][0] == 1 and all(float(x[-1]).is_integer() for x, _ in curves)
    grid = np.arange(1, int(end) + 1) if whole and end < 5 * GRID else np.linspace(start, end, GRID)
    each = np.array([np.where(grid <= x[-1], np.interp(grid, x, y), np.nan) for x, y in curves])
    mean, sd = np.nanmean(each, axis=0), np.nanstd(each, axis=0)
    colour = arms.colour(arm)
    axes.plot(grid, mean, color=colour, linestyle=arms.dashes(arm), label=arm)
    if bands and len(curves) > 1:
        axes.fill_between(grid, mean - sd, mean + sd, color=colour, alpha=0.18, linewidth=0)


def epochs_to_target(arms: Arms) -> Figure | None:
    """Draw after how many epochs each run reached the stated accuracy; runs that never did are counted beside."""
    table = arms.comparison.tables.get("epochs_to_target")
    if table is None or not any(table["epochs"]):
        return None
    part = "validation" if _column(arms) in (None, "validation_accuracy", "validation_loss") else "training"
    target = arms.info["target"]
    figure = style.new_figure(
        0.75 + 1.15 * ROW * len(arms.names), f"Epochs until the {part} accuracy was {100 * target:g} %"
    )
    axes = figure.subplots()
    labels = []
    for place, arm in enumerate(arms.names):
        cells = [cell for name, cell in zip(table["arm"], table["epochs"], strict=True) if name == arm]
        reached = np.array([float(cell) for cell in cells if cell])
        if len(reached):
            strip(axes, place, reached, arms.colour(arm))
        labels.append(f"{arm} ({len(reached)} of {len(cells)})" if cells else f"{arm} (no epochs)")
    name_arms(axes, arms, labels)
    axes.set_xlabel("Epoch (in brackets: runs that reached it)")
    axes.set_xlim(left=0)
    return figure


def paired_differences(arms: Arms) -> Figure | None:
    """Draw the differences of the two best arms on what they share: test samples, folds, splits, or data sets."""
    a, b = arms.lead
    found = _by_row(arms, a, b)
    several = arms.info["design"]["datasets"] > 1
    units = "data sets" if several else arms.info.get("units", "splits")
    if found is not None:
        units = f"{arms.part} samples"
    values = _by_unit(arms, a, b) if found is None else found
    if values is None or len(values) < 3:
        return None
    values = arms.scale * values
    figure = style.new_figure(2.5, f"{arms.lead_words}: differences on {len(values):,} {units}")
    axes = figure.subplots()
    edges = _edges(values)
    counts = np.histogram(values, edges)[0]
    axes.bar(
        edges[:-1], counts, np.diff(edges), align="edge", color=style.BLUE, edgecolor="white", linewidth=0.4
    )
    if counts.max() > 30 * max(float(np.median(counts[counts > 0])), 1):
        axes.set_yscale("log")
    axes.axvline(0, color=style.INK, linewidth=0.8)
    axes.axvline(values.mean(), color=style.VERMILION, linewidth=1.4, label=f"mean {values.mean():.3g}")
    words = arms.axis_of_differences
    axes.set(xlabel=f"{a} − {b}: {words[0].lower()}{words[1:]}", ylabel=f"Number of {units}")
    axes.grid(axis="y")
    figure.legend(loc="outside lower right")
    return figure


def _edges(values: np.ndarray) -> np.ndarray:
    """Return the ends of the bars: one for each value where they are steps of one size, as means over seeds are."""
    steps = np.unique(np.round(values, 9))
    size = float(np.diff(steps).min()) if len(steps) > 1 else 1.0
    n_steps = (steps[-1] - steps[0]) / size
    if n_steps < 4 * BINS and np.allclose((steps - steps[0]) / size % 1, 0, atol=1e-3):
        return np.asarray(steps[0] + size * (np.arange(round(n_steps) + 2) - 0.5))
    return np.histogram_bin_edges(values, bins=min(BINS, max(5, len(values) // 2)))


def _by_row(arms: Arms, a: str, b: str) -> np.ndarray | None:
    row = metric(str(arms.info["metric"]).partition(".")[2])
    left, right = (
        arms.rows(arm, row.rows) if row.rows is not None and row.is_mean else None for arm in (a, b)
    )
    if left is None or right is None or left.shape[1] != right.shape[1]:
        return None
    return np.asarray(left.mean(axis=0, dtype=float) - right.mean(axis=0, dtype=float))


def _by_unit(arms: Arms, a: str, b: str) -> np.ndarray | None:
    """Return the differences by data set, or by fold or split where there is one data set."""
    left, right = (_means(arms.runs[arm], str(arms.info["metric"])) for arm in (a, b))
    shared = [unit for unit in left if unit in right]
    return np.array([left[unit] - right[unit] for unit in shared]) if len(shared) > 1 else None


def _means(runs: list[Run], metric: str) -> dict[tuple[str, str], float]:
    part, _, name = metric.partition(".")
    found: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        unit = (str(run.info["dataset"]["fingerprint"]), str(run.info["split"].get("fingerprint", "")))
        found.setdefault(unit, []).append(float(run.metrics[part][name]))
    return {unit: float(np.mean(values)) for unit, values in found.items()}
