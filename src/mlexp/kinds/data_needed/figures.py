"""Figures of a learning curve by number of training samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import style
from mlexp.drawing.figure import Drawing
from mlexp.kinds.curves import LINES, learning_curves
from mlexp.kinds.data_needed.answer import TITLES, gained, verdict
from mlexp.stats.outcome import t_quantile
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def by_size(run: Run) -> Figure | None:
    """Draw the score of training and validation set by number of training samples, with 95 % intervals over subsets."""
    facts, table = run.info["facts"].get("data_needed"), run.tables.get("data_needed")
    if not facts or not table or f"validation_{facts['metric']}" not in table:
        return None
    metric = facts["metric"]
    size = np.array([int(cell) for cell in table["size"]])
    figure = style.new_figure(3.2, _headline(facts))
    axes = figure.subplots()
    for part, look in LINES.items():
        values = np.array([float(cell or "nan") for cell in table[f"{part}_{metric}"]])
        axes.plot(size, values, look["marker"], color=look["color"], markersize=2.5, alpha=0.35, linewidth=0)
        sizes = np.unique(size)
        means, halves = _means(size, values)
        axes.errorbar(
            sizes, means, yerr=halves, label=f"{part} set", capsize=2, elinewidth=1, markersize=4, **look
        )
    if law := facts.get("power_law"):
        n = np.geomspace(size.min(), 2 * size.max(), 100)
        axes.plot(
            n, 1 - law["a"] - law["b"] * n ** -law["c"], color=style.GREY, linewidth=1, linestyle=(0, (1, 1.5)),
            label="power law, extrapolated to twice the samples",
        )  # fmt: skip
    if (test := run.metrics.get("test", {}).get(metric)) is not None:
        axes.plot(
            size.max(), test, "D", color=style.GREEN, markersize=5, label="test set, all samples", zorder=5
        )
    _sizes_axis(axes, np.unique(size))
    title = TITLES[metric]
    axes.set(xlabel="Training samples (log scale)", ylabel=title[0].upper() + title[1:])
    axes.grid(axis="y")
    axes.set_ylim(top=min(axes.get_ylim()[1], 1.02))
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _headline(facts: dict[str, dict[str, float]]) -> str:
    doubling, metric = facts.get("doubling"), str(facts["metric"])
    if not doubling:
        return "Scores by number of training samples"
    unit = " points" if metric == "accuracy" else ""
    low, high = (gained(doubling[name], metric) for name in ("low", "high"))
    return (
        f"{verdict(doubling)}: the last doubling changed the validation {TITLES[metric]} by "
        f"{gained(doubling['gain'], metric)}{unit} (95 % interval {low} to {high})"
    )


def _means(size: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and half the t interval of the finite values of each size."""
    means, halves = [], []
    for one in np.unique(size):
        known = values[(size == one) & np.isfinite(values)]
        means.append(known.mean() if len(known) else np.nan)
        spread = known.std(ddof=1) if len(known) > 1 else 0.0
        halves.append(
            t_quantile(0.975, len(known) - 1) * spread / len(known) ** 0.5 if len(known) > 1 else 0.0
        )
    return np.array(means), np.array(halves, dtype=np.float64)


def _sizes_axis(axes: Axes, sizes: np.ndarray) -> None:
    """Mark the sizes themselves; of sizes that lie close together those that have room."""
    from matplotlib.ticker import NullFormatter, NullLocator

    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    shown = [sizes[-1]]
    span = max(np.log(sizes[-1] * 2 / sizes[0]), 1e-9)
    for size in sizes[-2::-1]:
        if np.log(shown[-1] / size) / span * (style.WIDTH - 1) > 0.5:
            shown.append(size)
    axes.set_xticks(shown, [f"{size:,}" for size in shown])


FIGURES = {
    "data_needed": Drawing(
        by_size,
        "Scores of training and validation set by number of training samples",
        "A validation curve that still rises at its right end gains from more samples; where the two curves have met, "
        "a richer model may gain more. Bars: 95 % intervals over random subsets; dots: single subsets.",
    ),
    "learning_curves": Drawing(
        learning_curves,
        "Training and validation set by epoch, with all training samples",
        "Overfitting begins where the validation curve departs from the training curve.",
    ),
}
