"""Figures of a regression: predicted against true values, and residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import style
from mlexp.drawing.figure import Drawing
from mlexp.kinds import importance_figures, network_figures
from mlexp.kinds.curves import learning_curves
from mlexp.kinds.importance_figures import target
from mlexp.page.words import number
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 5000  # points drawn
MOST_BINS = 40


def predicted_against_true(run: Run) -> Figure | None:
    """Draw predicted against true numbers, and the residuals, on the test set, or on the last set there is."""
    found = _evaluated(run)
    if found is None:
        return None
    part, true, predicted = found
    scores = run.metrics[part]
    r2 = f", R² {scores['r2']:.3f}" if "r2" in scores else ""
    figure = style.new_figure(
        3.1,
        f"Mean absolute error {number(scores['mae'])}, root mean squared error {number(scores['rmse'])}{r2} on "
        f"{len(true):,} {part} samples",
    )
    rows = np.random.default_rng(0).permutation(len(true))[:MOST]
    left, right = figure.subplots(1, 2)
    _draw_agreement(left, true[rows], predicted[rows])
    _draw_residuals(right, predicted[rows], (true - predicted)[rows], scores["rmse"])
    left.set(xlabel=f"True {target(run)}", ylabel=f"Predicted {target(run)}")
    right.set(xlabel=f"Predicted {target(run)}", ylabel=f"Residual (true − predicted)\nof {target(run)}")
    _few_ticks(left, right)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower left")
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower right", ncols=2)
    return figure


def errors(run: Run) -> Figure | None:
    """Draw a histogram of the residuals, and their quantiles against those of a normal distribution."""
    found = _evaluated(run)
    if found is None:
        return None
    part, true, predicted = found
    residual = true - predicted
    if not np.isfinite(residual).all() or len(residual) < 2:
        return None
    half, most, largest = np.quantile(np.abs(residual), [0.5, 0.95, 1])
    figure = style.new_figure(
        2.6,
        f"Half of the errors are below {number(half)}, 95 % below {number(most)}, the largest is {number(largest)} "
        f"({len(true):,} {part} samples)",
    )
    left, right = figure.subplots(1, 2)
    bins = int(np.clip(2 * len(residual) ** (1 / 3), 5, MOST_BINS))
    if np.ptp(residual) > 0:
        left.hist(residual, bins, color=style.BLUE, alpha=0.75, edgecolor="white", linewidth=0.3)
    else:
        left.bar(residual[:1], [len(residual)], color=style.BLUE, width=0.1)
    left.axvline(0, color=style.INK, linewidth=1)
    left.set(xlabel=f"Residual (true − predicted) of {target(run)}", ylabel="Samples")
    _draw_quantiles(right, residual)
    _few_ticks(left)
    return figure


def _few_ticks(*panels: Axes) -> None:
    """Leave room between the large numbers of an axis."""
    for axes in panels:
        axes.locator_params(axis="x", nbins=4)


def _draw_quantiles(axes: Axes, residual: np.ndarray) -> None:
    """Draw ordered residuals against normal quantiles of (k − 1/2)/n; all of them, or `MOST` of many, ends included."""
    from statistics import NormalDist

    n = len(residual)
    places = np.unique(np.linspace(0, n - 1, min(n, MOST)).astype(int))
    quantiles = np.array([NormalDist().inv_cdf((place + 0.5) / n) for place in places])
    unit = float(np.abs(residual).max()) or 1.0  # squares of huge numbers are no numbers
    centre, spread = float((residual / unit).mean()) * unit, float((residual / unit).std()) * unit
    axes.axline((0, centre), slope=spread, color=style.INK, linewidth=1, label="normal, same mean and spread")
    size = float(np.clip(1500 / n, 3, 12))
    axes.scatter(quantiles, np.sort(residual)[places], s=size, color=style.BLUE, linewidth=0, zorder=2)
    axes.set(xlabel="Quantile of the standard normal distribution", ylabel="Ordered residuals")
    axes.grid()
    axes.legend(loc="lower right", fontsize=style.SMALL)


def _evaluated(run: Run) -> tuple[str, np.ndarray, np.ndarray] | None:
    """Return name, true and predicted numbers of the test set, or of the last set there is."""
    part = next((name for name in ("test", "validation", "train") if f"{name}_true" in run.predictions), None)
    if part is None or run.info["task"]["kind"] != "regression":
        return None
    return part, run.predictions[f"{part}_true"], run.predictions[f"{part}_predicted"]


def _draw_agreement(axes: Axes, true: np.ndarray, predicted: np.ndarray) -> None:
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    axes.plot(ends, ends, color=style.INK, linewidth=1, label="prediction = truth", zorder=1)
    _scatter(axes, true, predicted)
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid()


def _draw_residuals(axes: Axes, predicted: np.ndarray, residual: np.ndarray, rmse: float) -> None:
    axes.axhline(0, color=style.INK, linewidth=1, zorder=1, label="no error")
    for side, label in ((rmse, "± root mean squared error"), (-rmse, None)):
        axes.axhline(side, color=style.VERMILION, linewidth=1, linestyle=(0, (4, 2)), zorder=1, label=label)
    _scatter(axes, predicted, residual)
    axes.grid(axis="y")


def _scatter(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    size = float(np.clip(4000 / len(x), 3, 18))
    axes.scatter(x, y, s=size, color=style.BLUE, alpha=0.6, linewidth=0, zorder=2)


FIGURES = {
    "predicted_against_true": Drawing(
        predicted_against_true,
        "Predicted against true values, and residuals against predictions",
        "Points on the diagonal are exact; a flatter slope means that extremes are predicted too close to the mean. A "
        "bend or a funnel in the residuals shows what the model misses.",
    ),
    "errors": Drawing(
        errors,
        "Histogram of the residuals, and their quantiles against those of a normal distribution",
        "A histogram that is not centred at 0 shows bias; points that leave the line at its ends are errors larger "
        "than those of a normal distribution.",
    ),
    "learning_curves": Drawing(
        learning_curves,
        "Loss by epoch, training and validation set",
        "Overfitting begins where the validation curve departs from the training curve.",
    ),
    **importance_figures.FIGURES,
    **network_figures.FIGURES,
}
