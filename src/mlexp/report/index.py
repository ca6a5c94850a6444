"""A list of every run, sweep and comparison below an outputs folder, to find one again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlexp.config.names import spelled
from mlexp.config.untrusted import reading
from mlexp.errors import DataError
from mlexp.metrics import METRICS
from mlexp.page import render
from mlexp.page.page import Cell, Table
from mlexp.page.study import PARTS
from mlexp.page.words import duration, shown
from mlexp.store import Comparison, Run, Sweep
from mlexp.store.files import write_bytes

HEADER = (
    "started",
    "task",
    "kind",
    "status",
    "score",
    "metric",
    "part",
    "time",
    "changed on the command line",
)
NUMERIC = (False, False, False, False, True, False, False, True, False)
CHOICES = (1, 2, 3, 5)


def write_index(outputs: Path) -> Path:
    """Write `index.html` into `outputs`: newest first, jobs of sweeps and trials of tunings included.

    Of each run only `run.json` and `metrics.json` are read.

    Raises
    ------
    DataError
        If there is no run below `outputs`.
    """
    whole = outputs.resolve()  # a run may lie right in it, and is called by its folder
    rows = sorted(_rows(whole), key=lambda row: row[0].value, reverse=True)
    if not rows:
        raise DataError(
            f"{outputs} holds no run. Name the folder that runs are written to with --outputs FOLDER."
        )
    table = Table(
        name="runs",
        title="Runs",
        header=HEADER,
        rows=rows,
        numeric=NUMERIC,
        filters={column: sorted({row[column].text for row in rows}) for column in CHOICES},
    )
    path = outputs / "index.html"
    write_bytes(path, render.index(table_of_runs=table, outputs=whole.name).encode())
    return path


def _rows(outputs: Path) -> Iterator[list[Cell]]:
    for here, folders, files in os.walk(outputs):  # does not follow links such as `latest`
        folders[:] = [name for name in folders if name not in ("figures", "tables")]
        folder = Path(here)
        try:
            with reading(folder):
                row = _row_of(outputs, folder, files)
        except DataError:
            row = _damaged(outputs, folder)
        if row is not None:
            yield row


def _row_of(outputs: Path, folder: Path, files: Sequence[str]) -> list[Cell] | None:
    """Return the row of a folder; None if it is that of no run, sweep or comparison."""
    if Run.record in files:
        return _run(outputs, folder)
    if Sweep.record in files:
        return _sweep(outputs, folder, "comparison" if Comparison.record in files else "sweep")
    return _comparison(outputs, folder) if Comparison.record in files else None


def _damaged(outputs: Path, folder: Path) -> list[Cell]:
    """Return the row of a folder whose record cannot be read: one of them must not hide all others."""
    made = datetime.fromtimestamp(folder.stat().st_mtime, UTC).isoformat(timespec="seconds")
    info = {"started": made, "status": "damaged", "command": []}
    return _row(outputs, folder, "", folder.parent.name, info, ("", "", ""))


def _run(outputs: Path, folder: Path) -> list[Cell]:
    run = Run(folder)
    kinds = {"runs": "trial" if folder.parents[1].name == "trials" else "job", "tuning": "tuning of an arm"}
    kind = kinds.get(folder.parent.name, "run")
    return _row(outputs, folder, kind, run.info["task"]["name"], run.info, score(run.metrics))


def _sweep(outputs: Path, folder: Path, kind: str) -> list[Cell]:
    info = Sweep(folder).info
    spent = {}
    if "ended" in info:
        taken = datetime.fromisoformat(info["ended"]) - datetime.fromisoformat(info["started"])
        spent = {"wall_seconds": taken.total_seconds()}
    return _row(outputs, folder, kind, info["task"], info | spent, ("", "", ""))


def _comparison(outputs: Path, folder: Path) -> list[Cell]:
    """Return the row of a comparison of runs that were there before; its file tells when it was made."""
    made = datetime.fromtimestamp((folder / Comparison.record).stat().st_mtime, UTC)
    info = {"command": []} | Comparison(folder).info | {"started": made.isoformat(timespec="seconds")}
    return _row(outputs, folder, "comparison", folder.name, info, ("", "", ""))


def _row(
    outputs: Path, folder: Path, kind: str, task: str, info: Mapping[str, Any], scored: tuple[str, str, str]
) -> list[Cell]:
    where = folder.relative_to(outputs)
    page = where / "report.html" if (folder / "report.html").exists() else f"{where}/"
    seconds = info.get("wall_seconds")
    value, measure, part = scored
    return [
        Cell(info["started"][:19].replace("T", " "), info["started"], link=str(page)),
        Cell(task),
        Cell(kind),
        Cell(info["status"]),
        Cell(shown(value), value),
        Cell(measure),
        Cell(part),
        Cell(duration(seconds), repr(seconds)) if seconds is not None else Cell(""),
        Cell(" ".join(word for word in info["command"][1:] if "=" in word and not word.startswith("task="))),
    ]


def score(metrics: Mapping[str, Mapping[str, float | None]]) -> tuple[str, str, str]:
    """Return the score that counts, its name and its part; empty words where there is none."""
    for part in (*PARTS, *metrics):
        for measure in METRICS:
            value = metrics.get(part, {}).get(measure)
            if value is not None:
                return repr(value), spelled(measure), part
    return "", "", ""
