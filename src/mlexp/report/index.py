"""A list of every run, sweep and comparison below an outputs folder, to find one again.

Sweeps, searches and comparisons stand on top with their answers, their jobs folded; then single runs, with the settings
that were not typed for all runs of their task. Of each folder only the small files are read.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlexp.config.names import spelled
from mlexp.config.untrusted import reading
from mlexp.errors import DataError, shortened
from mlexp.metrics import METRICS
from mlexp.page import render
from mlexp.page.page import Cell, Table
from mlexp.page.scores import cell as score_cell
from mlexp.page.study import PARTS, page_in
from mlexp.page.words import duration
from mlexp.report import members
from mlexp.report.members import Failure, Members
from mlexp.store import Comparison, Run, Sweep, Why, is_outputs
from mlexp.store.files import write_bytes
from mlexp.store.sweep_folder import short

HEADER = ("started", "task", "status", "score", "metric", "set", "time", "settings typed", "reason")
NUMERIC = (False, False, False, True, False, False, True, False, False)
CHOICES = (1, 2, 4)
DAMAGED = "damaged"
SHARED = "Settings typed in every run of a task are left out."


@dataclass(frozen=True)
class Listed:
    """What the list says of one folder.

    Attributes
    ----------
    kind : run, search, sweep or comparison
    started : ISO time, in UTC
    link : its page or folder, from that of the list
    typed : the settings of its command
    scored : score, its name and its set, of a run
    answer : sentences, of what consists of several runs
    varied : the keys in which its jobs differ, or the names of the arms
    searches : words and link, of the searches that precede the jobs of a comparison
    """

    kind: str
    task: str
    started: str
    status: str
    link: str
    seconds: float | None = None
    typed: Sequence[str] = ()
    scored: tuple[str, str, str] = ("", "", "")
    problem: str = ""
    answer: Sequence[str] = ()
    varied: str = ""
    count: str = ""
    failures: Sequence[Failure] = ()
    jobs: Table | None = None
    searches: Sequence[tuple[str, str]] = field(default=())

    @property
    def date(self) -> str:
        """Date and time in words."""
        return self.started[:16].replace("T", " ")

    @property
    def time(self) -> str:
        """Duration in words; empty before its end."""
        return "" if self.seconds is None else duration(self.seconds)


def write_index(outputs: Path) -> Path:
    """Write `index.html` into `outputs`: sweeps, searches and comparisons, then single runs, each newest first.

    Raises
    ------
    DataError
        If runs were not written into `outputs`, which is then neither searched to its end nor written into.
    """
    whole = outputs.resolve()  # a run may lie right in it, and is called by its folder
    found = sorted(_listed(whole), key=lambda one: one.started, reverse=True) if is_outputs(whole) else []
    if not found:
        raise DataError(
            f"{shortened(str(outputs))} holds no run as RUN, TASK/RUN or GROUP/TASK/RUN. Name the folder that runs "
            "are written to with --outputs FOLDER."
        )
    page = render.index(
        outputs=whole.name,
        summary=_summary(found),
        studies=[one for one in found if one.kind != "run"],
        table_of_runs=_table([one for one in found if one.kind == "run"]),
    )
    path = outputs / "index.html"
    write_bytes(path, page.encode())
    return path


def _listed(outputs: Path) -> Iterator[Listed]:
    for here, folders, files in os.walk(outputs):  # does not follow links such as `latest`
        folders[:] = [name for name in folders if name not in ("figures", "tables")]
        if (found := listed(outputs, Path(here), files)) is not None:
            if found.status != DAMAGED:  # else its jobs may be sound
                folders[:] = []  # what is inside is folded
            yield found


def listed(outputs: Path, folder: Path, files: Sequence[str]) -> Listed | None:
    """Return what the list says of a folder with these `files`, damaged or not; None if it holds no record."""
    try:
        with reading(folder):
            return _of(outputs, folder, files)
    except DataError as error:  # one of them must not hide all others
        problem, link = _reason(error), _place(outputs, folder)
        return Listed("run", folder.parent.name, _made(folder), DAMAGED, link, problem=problem)


def _of(outputs: Path, folder: Path, files: Sequence[str]) -> Listed | None:
    """Return what the list says of a folder; None if it is that of no run, sweep or comparison."""
    if Comparison.record in files or (Sweep.record in files and Comparison.is_at(folder)):
        return _comparison(outputs, Comparison(folder))
    if Sweep.record in files:
        return _sweep(outputs, (Why if Why.is_at(folder) else Sweep)(folder))
    return _run(outputs, Run(folder)) if Run.record in files else None


def _run(outputs: Path, run: Run) -> Listed:
    info = run.info
    searched = bool(run.tuning)
    trials = Sweep(run.path / "trials")
    inside = _inside(outputs, Members(trials)) if searched and Sweep.is_at(trials.path) else {}
    return Listed(
        kind="search" if searched else "run",
        task=info["task"]["name"],
        started=info["started"],
        status=info["status"],
        link=_place(outputs, run.path),
        seconds=info.get("wall_seconds"),
        typed=_typed(info),
        scored=score(run.metrics),
        problem=_reason(info.get("error") or ""),
        answer=members.answer(run),
        **inside,
    )


def _sweep(outputs: Path, sweep: Sweep) -> Listed:
    info, found = sweep.info, Members(sweep)
    return Listed(
        kind="sweep",
        task=info["task"],
        started=info["started"],
        status=info["status"],
        link=_place(outputs, sweep.path),
        seconds=_spent(info),
        typed=_typed(info),
        answer=found.answer,
        **_inside(outputs, found),
    )


def _comparison(outputs: Path, comparison: Comparison) -> Listed:
    """Return what the list says of a comparison; if it compares earlier runs, its file tells when it was made."""
    folder, sweep = comparison.path, comparison.sweep
    record = folder / Comparison.record
    made = _made(record if record.exists() else folder)
    info = {"started": made, "task": folder.name, "command": []} | comparison.info
    if sweep is not None:
        info |= sweep.info
    inside: dict[str, Any] = _inside(outputs, Members(sweep)) if sweep is not None else {}
    inside["varied"] = ", ".join(str(arm["name"]) for arm in comparison.info["arms"])
    return Listed(
        kind="comparison",
        task=info["task"],
        started=info["started"],
        status=info["status"],
        link=_place(outputs, folder),
        seconds=_spent(info),
        typed=_typed(info),
        problem=_reason(comparison.info.get("error") or ""),
        answer=members.answer(comparison),
        searches=[
            (path.name, _place(outputs, path)) for path in sorted(folder.glob("tuning/*")) if Run.is_at(path)
        ],
        **inside,
    )


def _inside(outputs: Path, found: Members) -> dict[str, Any]:
    """Return what there is to say of the jobs of a sweep, from its summary."""
    sweep, rows = found.sweep, found.rows
    ended = Counter(row["status"] for row in rows)
    parts = [f"{ended['completed']:,} of {len(sweep.info['jobs']):,} jobs completed"]
    parts += [f"{count:,} {status}" for status, count in ended.items() if status and status != "completed"]
    return {
        "varied": ", ".join(short(sweep.info["keys"])),
        "count": ", ".join(parts),
        "failures": members.failures(rows),
        "jobs": members.jobs(found, str(sweep.path.relative_to(outputs))),
    }


def _table(runs: Sequence[Listed]) -> Table:
    """Return the single runs, one row each, with what was typed for them and not for all runs of their task."""
    shared = shared_settings(runs)
    rows = [
        [
            Cell(one.date, one.started, link=one.link),
            Cell(one.task),
            Cell(one.status),
            Cell(score_cell(one.scored[1], one.scored[0]), one.scored[0]),
            Cell(one.scored[1]),
            Cell(one.scored[2]),
            Cell(one.time, repr(one.seconds) if one.seconds is not None else ""),
            Cell(" ".join(own_settings(one, shared))),
            Cell(one.problem),
        ]
        for one in runs
    ]
    kept = [
        side for side in range(len(HEADER)) if side != len(HEADER) - 1 or any(one.problem for one in runs)
    ]
    return Table(
        name="runs",
        title="Runs",
        header=[HEADER[side] for side in kept],
        rows=[[row[side] for side in kept] for row in rows],
        numeric=[NUMERIC[side] for side in kept],
        note=SHARED if any(shared.values()) else "",
        filters={column: sorted({row[column].text for row in rows}) for column in CHOICES},
    )


def shared_settings(runs: Sequence[Listed]) -> dict[str, set[str]]:
    """Return by task the typed settings that all its runs share, which tell none apart; none of a single run."""
    typed: dict[str, list[Sequence[str]]] = {}
    for one in runs:
        typed.setdefault(one.task, []).append(one.typed)
    return {
        task: set.intersection(*map(set, words)) if len(words) > 1 else set() for task, words in typed.items()
    }


def own_settings(one: Listed, shared: Mapping[str, set[str]]) -> list[str]:
    """Return the typed settings of a run that are not shared by all of its task."""
    return [word for word in one.typed if word not in shared[one.task]]


def _summary(found: Sequence[Listed]) -> str:
    """Return how many folders of each kind there are, and how many did not complete."""
    kinds = Counter(one.kind for one in found)
    plural = {"comparison": "comparisons", "sweep": "sweeps", "search": "searches", "run": "single runs"}
    single = {"run": "single run"}
    said = [
        f"{kinds[kind]:,} {words if kinds[kind] > 1 else single.get(kind, kind)}"
        for kind, words in plural.items()
        if kinds[kind]
    ]
    lost = sum(one.status not in ("completed", "running") for one in found)
    return ", ".join(said) + (f"; {lost:,} did not complete" if lost else "") + "."


def _made(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")


def _place(outputs: Path, folder: Path) -> str:
    return page_in(outputs, str(folder.relative_to(outputs)))


def _typed(info: Mapping[str, Any]) -> list[str]:
    return [word for word in info["command"][1:] if "=" in word and not word.startswith(("task=", "--"))]


def _reason(said: object) -> str:
    return shortened(str(said), members.REASON) if said else ""


def _spent(info: Mapping[str, Any]) -> float | None:
    if "ended" not in info:
        return None
    return (datetime.fromisoformat(info["ended"]) - datetime.fromisoformat(info["started"])).total_seconds()


def score(metrics: Mapping[str, Mapping[str, float | None]]) -> tuple[str, str, str]:
    """Return the score that counts, its name and its set; empty words where there is none."""
    for part in (*PARTS, *metrics):
        for measure in METRICS:
            value = metrics.get(part, {}).get(measure)
            if value is not None:
                return repr(value), spelled(measure), part
    return "", "", ""
