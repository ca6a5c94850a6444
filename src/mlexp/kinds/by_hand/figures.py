"""Figures of calculations by hand: the computation graph with its values, and gradient checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlexp.drawing import style
from mlexp.drawing.figure import Drawing
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
    note = f"f is {facts['activation']}; values of each row in blue going right, gradients in red coming back"
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
}
