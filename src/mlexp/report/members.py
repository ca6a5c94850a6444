"""What a list of runs says of a sweep, a search or a comparison: its answer, its jobs, and those that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mlexp.config.names import spelled
from mlexp.errors import shortened
from mlexp.page.page import Cell, Table
from mlexp.page.scores import is_share
from mlexp.page.study import page_in
from mlexp.page.tables import in_percent, is_number
from mlexp.page.words import shown
from mlexp.store import Comparison, Run, Sweep, Why
from mlexp.store.sweep_folder import NOT_NEEDED, short
from mlexp.sweeps import answer as sweeps
from mlexp.sweeps.findings import Findings, findings

MOST_JOBS = 200  # listed here; the page of the sweep has all
KEPT = ("completed", "running", NOT_NEEDED, "")  # how a job ends, or stands, that is not a failure
REASON = 220  # characters


@dataclass(frozen=True)
class Failure:
    """Jobs that did not complete for one reason.

    Attributes
    ----------
    count : number of jobs
    status : failed, diverged or interrupted
    reason : in words; empty if none was recorded
    folder : of the first of them, relative to the sweep; empty if it has none
    """

    count: int
    status: str
    reason: str
    folder: str


@dataclass(frozen=True)
class Members:
    """The jobs of a sweep as a list shows them, evaluated at most once."""

    sweep: Sweep

    @cached_property
    def rows(self) -> list[sweeps.Row]:
        """One mapping a job, of its summary."""
        return sweeps.rows(self.sweep)

    @cached_property
    def findings(self) -> Findings | None:
        """What the completed jobs found; None where none has completed."""
        return findings(self.sweep) if self.rows else None

    @property
    def answer(self) -> list[str]:
        """The first sentences of the answer of a sweep."""
        if isinstance(self.sweep, Why):
            return list(self.sweep.question.get("answer", ()))[:2]
        return list(sweeps.answer(self.sweep, self.findings, self.rows).sentences)[:2]


def answer(opened: Run | Sweep | Comparison) -> list[str]:
    """Return the first sentences of the answer that a folder holds: the result, and its score; empty if there is none.

    Of a run, only the result of a search is said: its score stands in a column.
    """
    if isinstance(opened, Run):
        return list(opened.tuning.get("sentences", ()))[:2]
    if isinstance(opened, Comparison):
        return list(opened.info.get("answer", ()))[:2]
    return Members(opened).answer


def failures(rows: Sequence[sweeps.Row]) -> list[Failure]:
    """Return why jobs did not complete, the most frequent reason first."""
    found: dict[tuple[str, str], list[sweeps.Row]] = {}
    for row in rows:
        if row["status"] not in KEPT:
            found.setdefault((row["status"], row.get("problem", "")), []).append(row)
    made = [
        Failure(len(same), status, shortened(reason, REASON), same[0].get("folder", ""))
        for (status, reason), same in found.items()
    ]
    return sorted(made, key=lambda one: -one.count)


def jobs(found: Members, place: str) -> Table | None:
    """Return the jobs of a sweep with the settings in which they differ.

    Parameters
    ----------
    place : the folder of the sweep, from that of the list
    """
    sweep, rows = found.sweep, found.rows
    if not rows:
        return None
    columns = _columns(sweep, found.findings, rows)
    header = [
        "job",
        *short(columns.keys),
        "status",
        *(spelled(name) for name in columns.scores),
        *columns.rest,
    ]
    body = [
        [
            Cell(row["number"], row["number"], link=_link(sweep, row, place)),
            *(Cell(shown(row[key]), row[key]) for key in columns.keys),
            Cell(row["status"]),
            *(Cell(shown(row[name]), row[name]) for name in (*columns.scores, *columns.rest)),
        ]
        for row in rows[:MOST_JOBS]
    ]
    numeric = [all(is_number(row[key]) for row in rows) for key in columns.keys]
    table = Table(
        name=f"jobs-{sweep.path.name}",
        title=f"Jobs of {sweep.info['task']}",
        header=header,
        rows=body,
        numeric=[True, *numeric, False, *(True for _ in (*columns.scores, *columns.rest))],
        left_out=max(0, len(rows) - MOST_JOBS),
    )
    return in_percent(table, [spelled(name) for name in columns.scores if is_share(name)])


@dataclass(frozen=True)
class _Columns:
    keys: list[str]
    scores: list[str]
    rest: list[str]


def _columns(sweep: Sweep, found: Findings | None, rows: Sequence[sweeps.Row]) -> _Columns:
    """Return the columns of the summary that tell jobs apart, score them, and time them."""
    first = rows[0]
    arms = [name for name in ("arm",) if name in first and name not in sweep.info["keys"]]
    scores = [f"{part}_{found.measure}" for part in found.parts] if found else _scores(first)
    return _Columns(
        [*arms, *(key for key in sweep.info["keys"] if key in first)],
        scores,
        [name for name in ("seconds",) if name in first],
    )


def _scores(row: sweeps.Row) -> list[str]:
    return [name for name in row if name.startswith(("test_", "validation_", "all_"))][:1]


def _link(sweep: Sweep, row: sweeps.Row, place: str) -> str:
    inside = page_in(sweep.path, row.get("folder", ""))
    return f"{place}/{inside}" if inside else ""
