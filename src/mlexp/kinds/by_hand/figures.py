"""Figures of calculations by hand: the computation graph, gradient checks, the margin, centres that move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import style
from mlexp.drawing.figure import Drawing
from mlexp.page.words import TITLES, coordinate, coordinates, number
from mlexp.store import Run
from mlexp.store.result import Columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NODES = (  # column of tables/rows.csv, its formula, column of its gradient and how that is written
    ("x", "x", "", ""),
    ("z = w1 x + b1", "z = w1 x + b1", "dE/dz = f'(z) dE/da", "dE/dz"),
    ("a = f(z)", "a = f(z)", "dE/da = w2 dE/dyhat", "dE/da"),
    ("yhat = w2 a + b2", "ŷ = w2 a + b2", "dE/dyhat = 2 error / n", "dE/dŷ"),
)
BOX = (1.04, 0.62)  # inches
PITCH = 1.27
COLOURS = (style.BLUE, style.VERMILION, style.GREEN, "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")  # of clusters
MOST = 4  # rows whose numbers are written out


def graph(run: Run) -> Figure | None:
    """Draw the computation graph with the values of each row going forward and the gradients coming back."""
    rows, step = run.tables.get("rows"), run.tables.get("step")
    if rows is None or step is None:
        return None
    facts = run.info["facts"]
    shown = min(len(rows["x"]), MOST)
    height, half = 1.45 + 0.26 * shown, 0.1 + 0.065 * shown
    headline = (
        f"One step at rate {facts['learning_rate']:g}: mean squared error {facts['mse']:.4f}, "
        f"then {facts['mse_after']:.4f}"
    )
    figure = style.new_figure(height, headline, placed=True)
    axes = style.place(figure, 0, 0, style.WIDTH, height)
    axes.set(xlim=(0, style.WIDTH), ylim=(0, height))
    axes.set_axis_off()
    middle = height - 0.88 - half
    lefts = [0.07 + PITCH * k for k in range(5)]
    for left, (values, title, gradient, word) in zip(lefts, NODES, strict=False):
        _box(axes, left, middle, title, [f"{float(v):.4g}" for v in rows[values][:shown]])
        if gradient:
            numbers = "\n".join(f"{float(v):.4g}" for v in rows[gradient][:shown])
            _below(axes, left, middle - half - 0.08, f"{word}\n{numbers}")
    _box(
        axes,
        lefts[4],
        middle,
        "E = mean (ŷ − y)²",
        [f"{facts['mse']:.6g}"],
        [f"y = {_few(rows['y'], shown)}"],
    )
    for left in lefts[:4]:
        _arrow(axes, left + BOX[0], middle + 0.1, left + PITCH, style.BLUE)
    for left in lefts[1:4]:
        _arrow(axes, left + PITCH, middle - 0.1, left + BOX[0], style.VERMILION)
    _parameters(axes, step, lefts, height - 0.05)
    named = TITLES.get(facts["activation"], facts["activation"])
    note = f"f is {named}; values of each row in blue going right, gradients in red coming back"
    axes.text(0.07, 0.04, note, fontsize=style.SMALL, color=style.GREY)
    return figure


def step_sizes(run: Run) -> Figure | None:
    """Draw the error of finite differences by step size, and that of the engine, against the formula."""
    table = run.tables.get("step_size")
    if table is None:
        return None
    scores = run.metrics["relative_error"]
    engine = max(scores["engine"], 1e-17)
    differences = f"finite differences to {scores['finite differences']:.0e}"
    figure = style.new_figure(2.6, f"The engine agrees with the formula to {engine:.0e}, {differences}")
    axes = figure.subplots()
    steps, errors = ([float(cell) for cell in table[name]] for name in ("step", "relative_error"))
    axes.loglog(steps, errors, "o-", color=style.BLUE, markersize=3.5, label="central differences")
    axes.axhline(
        max(scores["engine"], 1e-17), color=style.VERMILION, linestyle="--", label="engine's residual block"
    )
    axes.set(xlabel="Step of the differences", ylabel="Largest error over largest |dE/dx|")
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _parameters(axes: Axes, step: Columns, lefts: list[float], top: float) -> None:
    """Write each parameter, its gradient and its next value above the node that it enters."""
    for pair, left in (((0, 1), lefts[1]), ((2, 3), lefts[3])):
        words = [
            f"{step['parameter'][k]} = {float(step['before'][k]):g} → {float(step['after'][k]):.5g}\n"
            f"   gradient {float(step['gradient'][k]):.5g}"
            for k in pair
        ]
        axes.text(left - 0.1, top, "\n".join(words), fontsize=style.SMALL, va="top", linespacing=1.2)


def _few(cells: list[str], shown: int) -> str:
    return ", ".join(f"{float(cell):g}" for cell in cells[:shown]) + (" ..." if len(cells) > shown else "")


def _box(
    axes: Axes, left: float, middle: float, title: str, lines: list[str], small: list[str] | None = None
) -> None:
    """Draw one node: its formula above, its values inside."""
    from matplotlib.patches import Rectangle

    height = 0.2 + 0.13 * max(len(lines) + len(small or []), 1)
    axes.add_patch(
        Rectangle(
            (left, middle - height / 2),
            BOX[0],
            height,
            facecolor="white",
            edgecolor=style.GREY,
            linewidth=0.8,
        )
    )
    axes.text(
        left + BOX[0] / 2, middle + height / 2 + 0.05, title, ha="center", va="bottom", fontsize=style.SMALL
    )
    words = "\n".join([*lines, *(small or [])])
    axes.text(
        left + BOX[0] / 2, middle, words, ha="center", va="center", fontsize=style.SMALL, color=style.BLUE
    )


def _below(axes: Axes, left: float, top: float, words: str) -> None:
    axes.text(
        left + BOX[0] / 2, top, words, ha="center", va="top", fontsize=style.SMALL, color=style.VERMILION
    )


def _arrow(axes: Axes, start: float, height: float, end: float, colour: str) -> None:
    axes.annotate(
        "",
        (end, height),
        (start, height),
        arrowprops={"arrowstyle": "-|>", "color": colour, "shrinkA": 1, "shrinkB": 1},
    )


def margin(run: Run) -> Figure | None:
    """Draw points of two features, the line, the two lines of the margin, and the new points."""
    table, facts = run.tables.get("every_point"), run.info["facts"]
    if table is None or "x2" not in table or "x3" in table:
        return None
    points = np.array([[float(cell) for cell in table[name]] for name in ("x1", "x2")]).T
    positive = np.array([cell == "+1" for cell in table["class"]])
    support = np.array([cell == "True" for cell in table["support vector"]])
    new = run.tables.get("new_points", {})
    others = np.array([[float(cell) for cell in new.get(name, ())] for name in ("x1", "x2")]).T
    w, b = np.array(facts["w"], float), float(facts["b"])
    headline = f"w = {coordinates(w.tolist())}, b = {coordinate(b)}; 2/‖w‖ = {facts['margin']:.4f}"
    figure = style.new_figure(4.4, headline)
    axes = figure.subplots()
    every = np.vstack([points, others])
    room = 0.15 * max(float(np.ptp(every, axis=0).max()), 1.0)
    low, high = every.min(axis=0) - room, every.max(axis=0) + room
    _line(axes, w, b, low, high)
    x, y = points[support].T
    axes.scatter(x, y, s=190, facecolor="none", edgecolor=style.INK, label="support vector")
    for chosen, name, colour, mark in (
        (positive, "+1", style.BLUE, "o"),
        (~positive, "−1", style.VERMILION, "s"),
    ):
        x, y = points[chosen].T
        axes.scatter(x, y, s=46, color=colour, marker=mark, zorder=3, label=f"class {name}")
    if len(others):
        axes.scatter(
            others[:, 0], others[:, 1], s=60, color=style.INK, marker="x", zorder=3, label="new point"
        )
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="x1", ylabel="x2", aspect="equal")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _line(axes: Axes, w: np.ndarray, b: float, low: np.ndarray, high: np.ndarray) -> None:
    """Draw w·x + b = 0 solid, and −1 and 1 dashed."""
    reach = float(np.linalg.norm(high - low)) * 2
    along = np.array([-w[1], w[0]]) / np.linalg.norm(w) * reach
    middle = (low + high) / 2
    for level, look, label in ((0, "-", "w·x + b = 0"), (1, "--", "w·x + b = ±1"), (-1, "--", None)):
        foot = middle - w * (w @ middle + b - level) / (w @ w)
        axes.plot(
            *zip(foot - along, foot + along, strict=True), look, color=style.INK, linewidth=1.1, label=label
        )


def centres(run: Run) -> Figure | None:
    """Draw rows of two features in the colour of their cluster, and how each centre moves."""
    rows, moved = run.tables.get("assignment"), run.tables.get("centres")
    if (
        rows is None
        or moved is None
        or "x2" not in rows
        or "x3" in rows
        or len(moved["cluster"]) > len(MARKERS)
    ):
        return None
    points = np.array([[float(cell) for cell in rows[name]] for name in ("x1", "x2")]).T
    cluster = np.array([int(cell) for cell in rows["cluster"]])
    scores = run.metrics
    figure = style.new_figure(
        4.4,
        f"One step of k-means: sum of squared distances {number(scores['before']['inertia'])}, then "
        f"{number(scores['after']['inertia'])}",
    )
    axes = figure.subplots()
    for k, (mark, colour) in enumerate(zip(MARKERS, COLOURS, strict=True), 1):
        if k > len(moved["cluster"]):
            break
        x, y = points[cluster == k].T
        axes.scatter(x, y, s=40, color=colour, marker=mark, label=f"cluster {k}")
        start, end = (
            (float(moved[f"x1 {when}"][k - 1]), float(moved[f"x2 {when}"][k - 1]))
            for when in ("before", "after")
        )
        axes.annotate(
            "", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0}
        )
        axes.scatter(start[0], start[1], s=90, marker="x", color=colour)
        axes.scatter(end[0], end[1], s=120, marker="+", linewidth=2, color=colour)
    axes.scatter([], [], s=90, marker="x", color=style.GREY, label="centre before")
    axes.scatter([], [], s=120, marker="+", linewidth=2, color=style.GREY, label="centre after")
    axes.set(xlabel="x1", ylabel="x2")
    axes.set_aspect("equal", adjustable="datalim")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


FIGURES = {
    "computation_graph": Drawing(
        graph,
        "Graph of the calculation with the value and the gradient of every step",
        "Follow values from left to right and gradients back.",
    ),
    "step_sizes": Drawing(
        step_sizes,
        "Relative error of finite differences by step size, both logarithmic",
        "The error falls with the step until rounding takes over.",
    ),
    "margin": Drawing(
        margin,
        "Points of two classes with the separating line and the lines of its margin",
        "Support vectors lie on the dashed lines; a new point has the class of its side.",
    ),
    "centres": Drawing(
        centres,
        "Rows by the cluster that they are assigned to, and the move of each centre",
        "Each centre moves to the mean of its rows.",
    ),
}
