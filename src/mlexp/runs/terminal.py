"""Terminal output of a run: plan, progress and outcome."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from mlexp.kinds.observer import RunPlan, features_in_words, parameters_in_words
from mlexp.metrics import METRICS

SILENT, QUIET, NORMAL, VERBOSE = -2, -1, 0, 1
SECONDS_BETWEEN_LINES = 5.0
PLAIN_WIDTH = 140  # of tables where no terminal says how wide it is
SHOWN = 4


class Terminal:
    """Prints a live bar on a terminal, plain lines elsewhere, only the folder when quiet, nothing when silent."""

    def __init__(self, verbosity: int = NORMAL) -> None:
        self.verbosity = verbosity
        self.console = new_console()
        self._progress: Progress | None = None
        self._last_line = 0.0
        self._epochs: int | None = None

    def begin(self, task: str, plan: RunPlan) -> None:
        """Print what is about to run."""
        if self.verbosity <= QUIET:
            return
        self._epochs = plan.epochs
        data, split = plan.dataset, plan.split
        sizes = " / ".join(f"{n:,} {part}" for part, n in split.items() if part != "fingerprint")
        features = features_in_words(data["n_features"], plan.preparation)
        words = [str(data["name"]), f"{sizes} samples", features]
        if data.get("classes"):
            words.append(f"{len(data['classes'])} classes")
        self.console.print(f"[bold]{escape(task)}[/bold]: {escape(', '.join(words))}")
        if plan.model:
            layers = " → ".join(str(row["layer"]) for row in plan.model)
            self.console.print(
                f"{escape(layers)}: {parameters_in_words(plan.n_parameters or 0, plan.n_biases)}"
            )
        for note in (*data.get("notes", ()), *plan.notes):
            self.console.print(note, markup=False)
        if self.verbosity == VERBOSE:
            self.console.print(f"preparation {plan.preparation}, data {data['fingerprint']}", markup=False)
        if self.console.is_terminal and plan.epochs:
            self._start_bar(plan.epochs)

    def epoch(self, row: Mapping[str, float], seconds: float) -> None:
        """Show the progress of the training."""
        if self.verbosity <= QUIET:
            return
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=row["epoch"], state=state(row))
        if self._progress is None or self.verbosity == VERBOSE:
            self._print_line(row, seconds)

    def warn(self, sentence: str) -> None:
        """Print a warning."""
        if self.verbosity > QUIET:
            self.console.print(f"[yellow]warning:[/yellow] {escape(sentence)}")

    def result(self, info: Mapping[str, Any], metrics: Mapping[str, Mapping[str, float]]) -> None:
        """Show scores and epochs as soon as they are known, before any figure is drawn."""
        self.stop_bar()
        if self.verbosity <= QUIET:
            return
        if metrics:
            self.console.print(metrics_table(metrics))
        facts = info["facts"]
        if "epochs" in facts:
            why = {"patience": "no improvement of the validation loss", "epochs": "epoch limit"}.get(
                facts["stopped"], ""
            )
            self.console.print(
                f"stopped after epoch {facts['epochs']} ({why or facts['stopped']}), best epoch "
                f"{facts['best_epoch']}; {info['wall_seconds']:.1f} s, {info['peak_memory_mb']:.0f} MB"
            )
        sys.stdout.flush()

    def end(self, info: Mapping[str, Any], folder: Path) -> None:
        """Show how the run ended and where everything is."""
        self.stop_bar()
        if self.verbosity <= QUIET:
            if self.verbosity == QUIET:
                self.console.print(str(folder), markup=False)
            return
        page = " (open report.html there)" if (folder / "report.html").exists() else ""
        self.console.print(f"{info['status']}: {folder}{page}", markup=False)

    def stop_bar(self) -> None:
        """Take the live bar off the screen."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _start_bar(self, epochs: int) -> None:
        self._progress = Progress(
            TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self._progress.add_task("", total=epochs, state="")
        self._progress.start()

    def _print_line(self, row: Mapping[str, float], seconds: float) -> None:
        now = time.monotonic()
        if self.verbosity == VERBOSE or row["epoch"] == 1 or now - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = now
            self.console.print(f"epoch {row['epoch']:.0f}/{self._epochs}  {state(row)}  {seconds:.2f} s")


def state(row: Mapping[str, float]) -> str:
    """Return the losses of an epoch, in words."""
    words = [f"loss {row['train_loss']:.4f}"]
    if "validation_loss" in row:
        words.append(f"validation loss {row['validation_loss']:.4f}")
    if "validation_accuracy" in row:
        words.append(f"accuracy {row['validation_accuracy']:.4f}")
    return "  ".join(words)


def metrics_table(scores: Mapping[str, Mapping[str, float]]) -> Table:
    """Return one row per set, with the main metrics."""
    known = dict.fromkeys(name for values in scores.values() for name in values)
    names = [*(name for name in METRICS if name in known), *(name for name in known if name not in METRICS)][
        :SHOWN
    ]
    table = Table("set", *names, box=None, pad_edge=False)
    for part, values in scores.items():
        table.add_row(part, *(_shown(values[name]) if name in values else "" for name in names))
    return table


def _shown(value: float) -> str:
    """Return four decimals, or scientific notation for very small values."""
    return f"{value:.4f}" if value == 0 or abs(value) >= 0.001 else f"{value:.1e}"


def new_console() -> Console:
    """Return a console for standard output, wide if the width of the terminal is unknown."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
