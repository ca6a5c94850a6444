"""Differences one by one: between the two best arms on each fold, split or data set, else between each two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.comparisons.figures.arms import Arms
from mlexp.drawing import style
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEWEST = 3  # differences worth a histogram
FEWEST_PAIRS = 9  # of runs


def paired_differences(arms: Arms) -> Figure | None:
    """Draw a histogram of the differences between the two best arms, and say in how many the first one is ahead."""
    from matplotlib.ticker import MaxNLocator

    a, b = arms.lead
    values, units = _by_unit(arms, a, b)
    if values is None:
        values, units = _of_runs(arms, a, b), "pairs of runs"
    if len(values) < (FEWEST_PAIRS if units == "pairs of runs" else FEWEST):
        return None
    values = arms.scale * values
    ahead = int((arms.direction * values > 0).sum())
    figure = style.new_figure(2.5, f"{arms.lead_words}: {a} is ahead in {ahead:,} of {len(values):,} {units}")
    axes = figure.subplots()
    axes.hist(
        values, bins=min(20, max(5, len(values) // 3)), color=style.BLUE, edgecolor="white", linewidth=0.4
    )
    axes.axvline(0, color=style.INK, linewidth=0.8)
    axes.axvline(values.mean(), color=style.VERMILION, linewidth=1.4, label=f"mean {values.mean():.3g}")
    words = arms.axis_of_differences
    names = " − ".join(arms.labels(1.4, [a, b]))
    axes.set(xlabel=f"{names}: {words[0].lower()}{words[1:]}", ylabel=f"Number of {units}")
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.grid(axis="y")
    figure.legend(loc="outside lower right")
    return figure


def _by_unit(arms: Arms, a: str, b: str) -> tuple[np.ndarray | None, str]:
    """Return the differences by data set, or by fold or split where there is one data set; None where all share one."""
    left, right = (_means(arms.runs[arm], str(arms.info["metric"])) for arm in (a, b))
    shared = [unit for unit in left if unit in right]
    several = arms.info["design"]["datasets"] > 1
    units = "data sets" if several else str(arms.info.get("units", "splits"))
    found = np.array([left[unit] - right[unit] for unit in shared])
    return (found if len(shared) > 1 else None), units


def _of_runs(arms: Arms, a: str, b: str) -> np.ndarray:
    """Return the differences between each run of one arm and each of the other, shape (n_A·n_B,)."""
    return np.asarray(np.subtract.outer(arms.values[a], arms.values[b]).ravel() / arms.scale)


def _means(runs: list[Run], metric: str) -> dict[tuple[str, str], float]:
    part, _, name = metric.partition(".")
    found: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        unit = (str(run.info["dataset"]["fingerprint"]), str(run.info["split"].get("fingerprint", "")))
        found.setdefault(unit, []).append(float(run.metrics[part][name]))
    return {unit: float(np.mean(values)) for unit, values in found.items()}
