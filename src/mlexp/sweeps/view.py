"""Terminal output of a sweep: plan, progress and outcome."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from mlexp.metrics import METRICS, metric
from mlexp.runs.terminal import NORMAL, QUIET, VERBOSE, new_console
from mlexp.store.sweep_folder import NOT_NEEDED, short
from mlexp.sweeps.pace import Pace, in_words
from mlexp.sweeps.planning import Job, Plan

SECONDS_BETWEEN_LINES = 2.0
ROWS_SHOWN = 24
Row = Mapping[str, Any]


class SweepView:
    """A live table on a terminal, plain lines elsewhere, only the folder when quiet."""

    def __init__(self, plan: Plan, verbosity: int = NORMAL, console: Console | None = None) -> None:
        self.plan = plan
        self.verbosity = verbosity
        self.console = console or new_console()
        self._states: dict[int, str] = {}
        self._best: tuple[float, Job] | None = None
        self._live: Live | None = None
        self._begun = time.monotonic()
        self._done_before = 0
        self._pace: Pace | None = None
        self.more_to_come = (
            False  # a search that chooses its next jobs by these: no one knows how many there will be
        )
        self._last_line = 0.0
        self._folder: Path | None = None

    def announce(self, units: Sequence[Sequence[Job]], finished: int, folder: Path | None) -> None:
        """Print what is about to run; without a folder, what would run."""
        if self.verbosity <= QUIET:
            return
        stacked = [len(unit) for unit in units if len(unit) > 1]
        workers = min(self.plan.workers, max(len(units), 1))
        words = f"{_several(len(self.plan.jobs), 'job')} on {_several(workers, 'worker')}"
        if stacked:
            words += f", {sum(stacked)} of them in {_several(len(stacked), 'stack')}"
        if finished:
            words += f", {finished} finished before"
        self.console.print(f"[bold]{escape(self.plan.task)}[/bold]: {words}")
        if folder is None or self.verbosity == VERBOSE:
            for unit in units:
                for job in unit:
                    stack = f" (stack of {len(unit)})" if len(unit) > 1 else ""
                    self.console.print(f"  {job.name}  {job}{stack}", markup=False)
        if folder is not None:
            if folder != self._folder:  # a sweep that comes in rounds says once where it is
                self.console.print(str(folder), markup=False)
                self._folder = folder
            self._done_before = finished
            self._states = {}
            self._pace = self._pace or Pace(workers, time.monotonic)
            self._pace.handed_out(units)
            if self.console.is_terminal:
                self._live = Live(self.table(), console=self.console, transient=True, refresh_per_second=4)
                self._live.start()

    def changed(self, job: Job, status: str, row: Row | None = None, problem: str = "") -> None:
        """Take in that a job has begun or ended."""
        self._states[job.number] = status
        if status == "completed" and row is not None:
            self._compare(job, row)
        if self.verbosity <= QUIET:
            return
        if self._pace is not None and status == "running":
            self._pace.begun(job)
        elif self._pace is not None and status != NOT_NEEDED:
            self._pace.ended(job, status == "completed")
        if self._live is not None:
            self._live.update(self.table())
        if status == "failed":
            self.console.print(f"[red]failed[/red] {escape(f'{job.name} ({job}): {problem}')}")
        elif status != "running" and self._live is None:
            self._line(job, status, row or {})

    def stop(self) -> None:
        """Take the live table off the screen."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def end(self, rows: Sequence[Row], status: str, folder: Path) -> None:
        """Show the outcome, what went wrong first, and where everything is."""
        self.stop()
        if self.verbosity <= QUIET:
            if self.verbosity == QUIET:
                self.console.print(str(folder), markup=False)
            return
        self.console.print(_outcome(rows, self.plan.keys))
        if len(rows) > ROWS_SHOWN:
            self.console.print(f"{len(rows) - ROWS_SHOWN} more in summary.csv")
        counted = Counter(str(row["status"]) for row in rows)
        words = ", ".join(f"{number} {name}" for name, number in counted.items())
        self.console.print(f"{words}; {time.monotonic() - self._begun:.1f} s: {folder}", markup=False)

    def _compare(self, job: Job, row: Row) -> None:
        """Remember the best job so far, by the validation set: the test set is never used for selection."""
        name = _measure(row)
        if name is None:
            return
        value = float(row[name]) * metric(name.removeprefix("validation_")).sign
        if self._best is None or value > self._best[0]:
            self._best = (value, job)

    def _line(self, job: Job, status: str, row: Row) -> None:
        now = time.monotonic()
        ended = sum(state != "running" for state in self._states.values()) + self._done_before
        last = ended == len(self.plan.jobs)
        if self.verbosity == VERBOSE or last or now - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = now
            name = _measure(row)
            figure = f": {name.replace('_', ' ')} {float(row[name]):.4f}" if name else ""
            self.console.print(
                f"{ended}/{len(self.plan.jobs)}  {status} {job}{figure}  {self._left()}", markup=False
            )

    def _left(self) -> str:
        """Return the estimated remaining time, if known."""
        seconds = None if self.more_to_come or self._pace is None else self._pace.left()
        return "" if seconds is None else in_words(seconds)

    def table(self) -> Table:
        """Return the line of a live sweep: how many jobs are done, running and left."""
        counted = Counter(self._states.values())
        done = counted["completed"] + counted[NOT_NEEDED] + self._done_before
        failed = counted["failed"] + counted["diverged"]
        table = Table("done", "running", "failed", "left", "time left", "best so far (validation)", box=None)
        rest = len(self.plan.jobs) - done - failed - counted["running"]
        best = f"{abs(self._best[0]):.4f}  {self._best[1]}" if self._best else ""
        table.add_row(str(done), str(counted["running"]), str(failed), str(rest), self._left(), escape(best))
        return table


def _several(count: int, what: str) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> _several(1, "job"), _several(6, "job")
    ('1 job', '6 jobs')
    """
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _measure(row: Row) -> str | None:
    """Return the column of the main validation score."""
    return next((name for word in METRICS if (name := f"validation_{word}") in row), None)


def _outcome(rows: Sequence[Row], keys: Sequence[str]) -> Table:
    """Return one row per job: incomplete ones first, then in order."""
    names = dict.fromkeys(name for row in rows for name in row)
    figures = [
        name for word in METRICS for part in ("validation", "test") if (name := f"{part}_{word}") in names
    ][:4]
    table = Table(box=None, pad_edge=False)
    for name in ("job", *short(keys), *(name.replace("_", " ") for name in figures), "status"):
        table.add_column(name, max_width=44 if name == "status" else None, overflow="ellipsis")
    for row in sorted(rows, key=lambda row: (row["status"] in ("completed", NOT_NEEDED), row["number"]))[
        :ROWS_SHOWN
    ]:
        values = [f"{row[name]:.4f}" if name in row else "" for name in figures]
        words = [str(row["number"]), *(str(row[key]) for key in keys), *values]
        why = f": {row['problem']}" if row["problem"] else ""
        table.add_row(*map(escape, words), escape(f"{row['status']}{why}"))
    return table
