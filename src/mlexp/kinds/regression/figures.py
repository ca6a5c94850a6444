"""Figures of a regression: predicted against true values, and residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import style
from mlexp.drawing.figure import Drawing
from mlexp.kinds.curves import learning_curves
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 5000  # points drawn


def predicted_against_true(run: Run) -> Figure | None:
    """Draw predicted against true numbers, and the residuals, on the test set, or on the last set there is."""
    part = next((name for name in ("test", "validation", "train") if f"{name}_true" in run.predictions), None)
    if part is None or run.info["task"]["kind"] != "regression":
        return None
    true, predicted = (run.predictions[f"{part}_{what}"] for what in ("true", "predicted"))
    scores = run.metrics[part]
    r2 = f", R² {scores['r2']:.3f}" if "r2" in scores else ""
    target = style.escape(
        style.fit(style.clean(run.info["dataset"].get("target", "target")), 1.5, style.NORMAL)
    )
    figure = style.new_figure(
        3.1,
        f"Mean absolute error {scores['mae']:.4g}, root mean squared error {scores['rmse']:.4g}{r2} on "
        f"{len(true):,} {part} samples",
    )
    rows = np.random.default_rng(0).permutation(len(true))[:MOST]
    left, right = figure.subplots(1, 2)
    _draw_agreement(left, true[rows], predicted[rows])
    _draw_residuals(right, predicted[rows], (true - predicted)[rows], scores["rmse"])
    left.set(xlabel=f"True {target}", ylabel=f"Predicted {target}")
    right.set(xlabel=f"Predicted {target}", ylabel="Residual (true − predicted)")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower left")
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower right", ncols=2)
    return figure


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
        "Predicted against true values on the test set",
        "Points on the diagonal are exact; a flatter slope means that extremes are predicted too close to the mean.",
    ),
    "learning_curves": Drawing(
        learning_curves,
        "Loss and accuracy by epoch, training and validation set",
        "Overfitting begins where the validation curve departs from the training curve.",
    ),
}
