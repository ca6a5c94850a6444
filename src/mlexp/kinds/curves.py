"""Loss and accuracy, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.drawing import style
from mlexp.drawing.figure import Drawing
from mlexp.metrics.table import metric
from mlexp.page.scores import score
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES: dict[
    str, dict[str, Any]
] = {  # part -> how its line looks; the dashes tell them apart in black and white
    "train": {"color": style.BLUE, "linestyle": "-", "marker": "o"},
    "validation": {"color": style.VERMILION, "linestyle": (0, (4, 1.2)), "marker": "s"},
}
LABELS = {
    "loss": "Loss (mean over samples)",
    "accuracy": "Accuracy",
    "precision": "Precision (mean over classes)",
    "recall": "Recall (mean over classes)",
    "f1": "F1 (mean over classes)",
    "r2": "R²",
}
LOSSES = {"mse": "Mean squared error", "mae": "Mean absolute error", "huber": "Huber loss"}
LONGEST = 30  # letters of a label on one line
FEW = 15  # epochs up to which each one is marked with a dot
TWO_DECADES = 100.0
LEGEND = 0.3  # inches below the axes


def learning_curves(run: Run) -> Figure | None:
    """Draw loss, accuracy and recorded metrics of training and validation set by epoch, with the best epoch marked.

    Values that are not finite are left out, so a diverged run is shown up to that point. The loss axis is
    logarithmic where the values span more than two decades.
    """
    history = run.history
    measures = [what for what in LABELS if _finite(history, what).size]
    if "loss" not in measures:  # none recorded, or diverged at once: accuracy alone would hide that
        return None
    if "pca_validation_mse" in run.info.get(
        "facts", {}
    ):  # an autoencoder: drawn with the error of PCA beside it
        return None
    rows, columns = math.ceil(len(measures) / 2), min(len(measures), 2)
    row = 2.45 if rows == 1 else 2.1
    figure = style.new_figure(LEGEND + row * rows, _headline(run), placed=True)
    grid = [style.place(figure, 1 + k, 1, 1, 1) for k in range(len(measures))]
    best = _best_epoch(run)
    for axes, what in zip(grid, measures, strict=False):
        label = _loss_name(run) if what == "loss" else LABELS[what]
        if rows > 1 or len(label) > LONGEST:
            label = label.replace(" (", "\n(")
        _draw_measure(axes, history, what, label)
        style.measured(axes.yaxis, what)
        if best is not None:
            _mark_best(axes, history, what, best)
    _arrange(figure, grid, columns, row)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(labels))
    return figure


def _arrange(figure: Figure, grid: Sequence[Axes], columns: int, row: float) -> None:
    """Give each measure its place: what the labels on its left need, and the same width as the one below it."""
    width, rows = style.WIDTH / columns, math.ceil(len(grid) / columns)
    total = figure.get_figheight()
    for column in range(columns):
        lefts = [style.room_left(axes) for axes in grid[column::columns]]
        left = min(max(lefts), 0.5 * width)
        for place, axes in enumerate(grid[column::columns]):
            bottom = LEGEND + row * (rows - 1 - place) + 0.42
            size = width - left - 0.08, row - 0.64
            axes.set_position(
                (
                    (column * width + left) / style.WIDTH,
                    bottom / total,
                    size[0] / style.WIDTH,
                    size[1] / total,
                )
            )


def _loss_name(run: Run) -> str:
    """Return what the loss is; that of a regression is of targets with mean 0 and standard deviation 1."""
    if run.info["task"]["kind"] != "regression":
        return LABELS["loss"]
    loss = str(run.info.get("settings", {}).get("model.loss", "mse"))
    return f"{LOSSES.get(loss, 'Loss')} (standardised target)"


def _draw_measure(axes: Axes, history: dict[str, np.ndarray], what: str, label: str) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = history["epoch"]
    for part, look in LINES.items():
        values = history.get(f"{part}_{what}")
        if values is not None:
            marker = look if epochs.size <= FEW else look | {"marker": ""}
            axes.plot(
                epochs, np.where(np.isfinite(values), values, np.nan), label=part, markersize=3.5, **marker
            )
    axes.set(xlabel="Epoch", ylabel=label)
    axes.grid(axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    if epochs.size == 1:
        axes.set_xlim(epochs[0] - 0.5, epochs[0] + 0.5)
    _scale(axes, _finite(history, what), what)


def _scale(axes: Axes, values: np.ndarray, what: str) -> None:
    """Choose the vertical axis: log for a wide loss, and never so narrow that noise looks like a trend."""
    low, high = float(values.min()), float(values.max())
    if what == "loss" and low > 0 and high / low > TWO_DECADES:
        axes.set_yscale("log")
        style.powers_of_ten(axes.yaxis)
        head, broken, tail = axes.get_ylabel().partition("\n")
        axes.set_ylabel(f"{head}, log scale{broken}{tail}")
        return
    margin = max(0.06 * (high - low), 0.005 if what != "loss" else 0.005 * abs(high) or 0.005)
    top = min(high + margin, 1 + 0.2 * margin) if what != "loss" else high + margin
    axes.set_ylim(low - margin, top)


def _mark_best(axes: Axes, history: dict[str, np.ndarray], what: str, best: int) -> None:
    """Draw a line at the best epoch and a ring on the validation curve; the label stands above the axes."""
    epochs = history["epoch"]
    at = np.flatnonzero(epochs == best)
    values = history.get(f"validation_{what}")
    text = f"best epoch {best}"
    axes.axvline(best, color=style.GREY, linewidth=0.9, linestyle=":", zorder=1)
    if values is not None and np.isfinite(values[at[0]]):
        text += f": {score(what, values[at[0]]) if metric(what).share else f'{values[at[0]]:.4g}'}"
        axes.plot(
            best, values[at[0]], "o", markersize=7, fillstyle="none", color=LINES["validation"]["color"]
        )
    share = (best - epochs[0]) / max(epochs[-1] - epochs[0], 1) if epochs.size > 1 else 0.5
    axes.annotate(
        text,
        (best, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, 3),
        textcoords="offset points",
        ha="left" if share < 0.35 else "right" if share > 0.65 else "center",
        va="bottom",
        fontsize=style.SMALL,
        color=LINES["validation"]["color"],
    )


def _best_epoch(run: Run) -> int | None:
    """Return the epoch that the run named its best, else the one of the lowest validation loss."""
    epochs = run.history["epoch"]
    named = run.info.get("facts", {}).get("best_epoch")
    if named is not None:
        return int(named) if named in epochs else None
    losses = run.history.get("validation_loss")
    if losses is None or not np.isfinite(losses).any():
        return None
    return int(epochs[np.argmin(np.where(np.isfinite(losses), losses, np.inf))])


def _finite(history: dict[str, np.ndarray], what: str) -> np.ndarray:
    columns = [history[name] for part in LINES if (name := f"{part}_{what}") in history]
    values = np.concatenate(columns) if columns else np.array([])
    finite: np.ndarray = values[np.isfinite(values)]
    return finite


def _headline(run: Run) -> str:
    """Describe how the training ended."""
    last = int(run.history["epoch"][-1])
    facts: dict[str, Any] = run.info.get("facts", {})
    unit = "epoch" if last == 1 else "epochs"
    endings = {
        "patience": f"Stopped early after {last} {unit}",
        "epochs": f"Completed {last} {unit}",
        "interrupted": f"Interrupted after {last} {unit}",
        "diverged": f"Diverged in epoch {last}: the loss was not finite",
    }
    ending = endings.get(facts.get("stopped") or run.info.get("status", ""), f"{last} {unit}")
    return f"{ending} ({run.info['task']['name']}, seed {run.info['seed']})"


LEARNING_CURVES = Drawing(
    learning_curves,
    "Loss and accuracy by epoch, training and validation set",
    "Overfitting begins where the validation curve departs from the training curve.",
)
