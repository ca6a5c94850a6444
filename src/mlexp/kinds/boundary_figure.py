"""Figure of the decision boundary of a classifier of two features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.drawing import style
from mlexp.page.words import coordinate, coordinates
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

COLOURS = (style.BLUE, style.VERMILION, style.GREEN, "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", style.INK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
SYMBOL = 0.55  # inches of the symbol of a legend and the space around it
FEW = 50  # points up to which they are drawn large
PALEST = 0.12  # opacity of a region where the classes are as good as even
POINT = (
    "set",
    "class",
    "predicted",
    "score",
    "y_score",
    "distance",
    "multiplier",
)  # beside the features of a point
TITLES = {"train": "Training points", "test": "Test points"}


def boundary(run: Run) -> Figure | None:
    """Draw regions by predicted class, darker where the model is more confident, with training and test points.

    The solid line is where two classes are even; for a linear support vector machine the dashed lines are its
    margins and rings mark the support vectors.
    """
    arrays = run.arrays
    if "boundary_class" not in arrays or len(run.info["dataset"]["classes"]) > len(COLOURS):
        return None
    shown = [name for name in TITLES if len(arrays.get(f"{name}_points", ()))]
    if np.ptp(arrays["boundary_x"]) == 0 or not shown:
        return None
    beside = len(shown) == 2 and "support_points" not in arrays
    panels = [[name] for name in shown] if beside else [shown]
    wide, high = np.ptp(arrays["boundary_x"]), np.ptp(arrays["boundary_y"])
    side = (style.WIDTH - 0.7) / len(panels)
    handles = _entries(run)
    lines = -(-len(handles) // _columns(handles))
    figure = style.new_figure(
        0.78 + 0.17 * lines + float(np.clip(side * high / wide, 1.5, 4.0)), _headline(run)
    )
    for axes, names in zip(
        figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True
    ):
        shade(axes, arrays, len(run.info["dataset"]["classes"]))
        for name in names:
            draw_points(axes, run, name)
        if "support_points" in arrays:
            _draw_margins(axes, arrays)
        axes.set_title(TITLES[names[0]] if len(names) == 1 else "Training and test points")
        axes.set_aspect("equal")
        features = [style.escape(style.clean(name)) for name in run.info["dataset"]["features"]]
        axes.set_xlabel(features[0])
        if axes.get_subplotspec().is_first_col():
            axes.set_ylabel(features[1])
    legend(figure, run)
    return figure


def shade(axes: Axes, arrays: dict[str, np.ndarray], n_classes: int) -> None:
    """Colour each point of the grid by its class, darker where the model is more confident, and draw the boundary."""
    from matplotlib.colors import to_rgb

    x, y, classes = (arrays[f"boundary_{name}"] for name in ("x", "y", "class"))
    level = arrays.get("boundary_probability")
    sure = np.full(classes.shape, 0.35)
    if level is not None:  # of the second class where there are two, else of the likeliest
        even = 1 / n_classes
        top = np.maximum(level, 1 - level) if n_classes == 2 else level
        sure = PALEST + 0.5 * np.clip((top - even) / (1 - even), 0, 1)
    colours = np.array([to_rgb(colour) for colour in COLOURS])[classes]
    image = 1 - sure[..., None] * (1 - colours)
    half = (x[1] - x[0]) / 2, (y[1] - y[0]) / 2
    extent = (x[0] - half[0], x[-1] + half[0], y[0] - half[1], y[-1] + half[1])
    axes.imshow(image, origin="lower", extent=extent, aspect="auto", interpolation="nearest", zorder=0)
    score = arrays.get("boundary_score", level - 0.5 if level is not None and n_classes == 2 else None)
    lines = [(score, [0.0])] if score is not None else [(classes == k, [0.5]) for k in range(n_classes)]
    for values, levels in lines:
        if np.ptp(values.astype(float)) > 0:
            axes.contour(x, y, values.astype(float), levels, colors=style.INK, linewidths=1.2, zorder=1)


def draw_points(axes: Axes, run: Run, name: str) -> None:
    """Draw the points of a set in the colours and markers of their classes."""
    points, classes = run.arrays[f"{name}_points"], run.arrays[f"{name}_class"]
    few = len(run.arrays["train_points"]) <= FEW
    for code in np.unique(classes):
        rows = points[classes == code]
        look: dict[str, Any] = {"facecolor": COLOURS[code], "edgecolor": "white", "linewidth": 0.4}
        if few and name == "test":
            look = {"facecolor": "white", "edgecolor": COLOURS[code], "linewidth": 1.6}
        size = 46 if few else float(np.clip(6000 / len(points), 3, 16))
        axes.scatter(rows[:, 0], rows[:, 1], s=size, marker=MARKERS[code], zorder=3, **look)


def _draw_margins(axes: Axes, arrays: dict[str, np.ndarray]) -> None:
    x, y = arrays["boundary_x"], arrays["boundary_y"]
    axes.contour(x, y, arrays["boundary_score"], [-1.0, 1.0], colors=style.INK, linewidths=1, linestyles="--")
    rings = arrays["support_points"]
    axes.scatter(
        rings[:, 0], rings[:, 1], s=150, facecolor="none", edgecolor=style.INK, linewidth=1.1, zorder=4
    )


def legend(figure: Figure, run: Run) -> None:
    """Name the classes and the lines below the axes."""
    handles = _entries(run)
    figure.legend(handles=handles, loc="outside lower center", ncols=_columns(handles))


def _entries(run: Run) -> list[Line2D]:
    from matplotlib.lines import Line2D

    def entry(label: str, **look: object) -> Line2D:
        return Line2D([], [], label=label, **{"linestyle": "", "markersize": 6} | look)  # type: ignore[arg-type]

    names = style.class_names(run.info["dataset"]["classes"], 1.2)
    handles = [entry(f"class {name}", marker=MARKERS[k], color=COLOURS[k]) for k, name in enumerate(names)]
    handles.append(entry("boundary", color=style.INK, linestyle="-", linewidth=1.2))
    if "support_points" in run.arrays:
        handles.append(entry("margin", color=style.INK, linestyle="--", linewidth=1))
        ring = {"marker": "o", "markersize": 9, "markerfacecolor": "none", "color": style.INK}
        handles.append(entry("support vector", **ring))
        if len(run.arrays["test_points"]):
            handles.append(entry("test point", marker="o", markerfacecolor="white", color=style.GREY))
    return handles


def _columns(handles: list[Line2D]) -> int:
    """Return how many entries of a legend fit side by side."""
    widest = max(style.text_width(str(handle.get_label()), style.NORMAL) for handle in handles)
    return max(1, min(len(handles), 6, int(style.WIDTH / (widest + SYMBOL))))


def _headline(run: Run) -> str:
    accuracy = {name: scores["accuracy"] for name, scores in run.metrics.items() if name != "validation"}
    words = ", ".join(f"{value:.3f} on the {TITLES[name].lower()}" for name, value in accuracy.items())
    margin = run.tables.get("margin")
    if margin is not None:
        values = dict(zip(margin["quantity"], map(float, margin["value"]), strict=True))
        return (
            f"w = {coordinates([values['w_1'], values['w_2']])}, b = {coordinate(values['b'])}; the margin lines are "
            f"2/‖w‖ = {values['margin']:.4f} apart" + _of(margin["features"][0])
        )
    return f"Accuracy: {words} ({run.info['task']['name']}, seed {run.info['seed']})"


def _of(features: str) -> str:
    return "" if features == "raw" else ", in prepared features"
