"""What a person sees of a comparison: the answer first, then the arms and the pairs."""

from __future__ import annotations

from itertools import compress
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mlexp.comparisons.analysis import Analysis
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.comparisons.words.datasets import of_datasets
from mlexp.comparisons.words.phrases import p_value
from mlexp.runs.terminal import QUIET, new_console

MOST_ARMS_IN_MATRIX = 8


def show(
    analysis: Analysis,
    folder: str,
    *,
    verbosity: int = 0,
    details: bool = False,
    console: Console | None = None,
) -> None:
    """Print the answer, its warnings and the table of arms; with `details` what stands beside the answer too.

    Only the folder when quiet.
    """
    console = console or new_console()
    if verbosity <= QUIET:
        if verbosity == QUIET:
            console.print(folder, markup=False)
        return
    info = analysis.info
    for place, sentence in enumerate(info["answer"]):
        console.print(f"[bold]{escape(sentence)}[/bold]" if place == 0 else escape(sentence))
    for sentence in info["warnings"]:
        console.print(f"[yellow]warning:[/yellow] {escape(sentence)}")
    for sentence in (*info.get("findings", ()), *info.get("seconds", ())):
        console.print(sentence, markup=False)
    console.print(of_datasets(info) if "benchmark" in info else _arms(info))
    if details:
        for term, text in info["details"].items():
            console.print(f"{term}: {text}", markup=False)
        if 2 < len(info["ranking"]) <= MOST_ARMS_IN_MATRIX:
            console.print(_matrix(analysis))
    if folder:
        console.print(folder, markup=False)


def _arms(info: dict[str, Any]) -> Table:
    metric = PartMetric.parse(info["metric"])
    level = f"{100 * (1 - info['alpha']):.4g} % interval"
    heads = ("arm", "runs", metric.words, level, "best", "worst", "epochs", "to target", "seconds",
             "ms per 1,000", "lost")  # fmt: skip
    rows = []
    for arm in info["arms"]:
        known = arm.get("mean", "") != ""
        span = (
            f"{metric.value(arm['low'])} to {metric.value(arm['high'])}" if known and arm["low"] != "" else ""
        )
        figures = [metric.value(arm[name]) if known else "" for name in ("mean", "best", "worst")]
        epochs, target, seconds, predicting = (
            f"{arm[name]:.{digits}f}" if arm.get(name, "") != "" else ""
            for name, digits in (("epochs", 1), ("epochs_to_target", 1), ("seconds", 2), ("prediction_ms", 2))
        )
        cells = (
            arm["name"],
            str(arm["runs"]),
            figures[0],
            span,
            *figures[1:],
            epochs,
            target,
            seconds,
            predicting,
        )
        rows.append((*map(escape, cells), str(arm["lost"]) if arm["lost"] else ""))
    filled = [any(cells) for cells in zip(*rows, strict=True)]  # scores from elsewhere have no epochs
    table = Table(*compress(heads, filled), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*compress(row, filled))
    return table


def _matrix(analysis: Analysis) -> Table:
    matrix = analysis.tables["p_matrix"]
    table = Table("p, adjusted", *map(escape, matrix["arm"]), box=None, pad_edge=False)
    for row, arm in enumerate(matrix["arm"]):
        cells = [matrix[other][row] for other in matrix["arm"]]
        table.add_row(escape(arm), *("" if p == "" else p_value(p) for p in cells))
    return table
