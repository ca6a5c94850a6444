"""The page of one run."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from mlexp.kinds import method
from mlexp.page import tables
from mlexp.page.page import Page, Table
from mlexp.page.pictures import pictures
from mlexp.page.study import Study, page_in, settings
from mlexp.report.answers import answer
from mlexp.store.record import Run
from mlexp.store.sweep_folder import Sweep

FEW = 100  # test rows below which an interval is too wide to conclude much
FILES = {
    "config.yaml": "configuration",
    "metrics.json": "scores",
    "history.csv": "loss and accuracy by epoch",
    "timing.csv": "seconds by epoch",
    "tuning.csv": "trials",
    "predictions.npz": "predictions",
    "model.npz": "network",
    "model.skops": "model",
    "arrays.npz": "arrays",
    "run.json": "record",
    "run.log": "log",
}


def page(run: Run) -> Page:
    """Return what the page of a run says."""
    study = Study(run, settings(run.path))
    info = run.info
    return Page(
        title=info["task"]["name"],
        kind="tuned run" if (run.path / "tuning.json").exists() else "run",
        status=info["status"],
        date=info["started"][:16].replace("T", " ") + " UTC",
        answer=answer(study),
        problem=info["error"] or "",
        up=_up(run.path),
        pictures=pictures(run.path, first="pca_variance" if study.pca_alone else ""),
        tables=_tables(run),
        method=method.method(study),
        warnings=[*info["warnings"], *_cautions(study)],
        record=method.record(info),
        commands=[*method.started(info["command"]), *again(study)],
        links=_links(run.path),
    )


def again(study: Study) -> list[tuple[str, str]]:
    """Return the command that repeats a run, to be typed beside its `outputs`; none if it lies elsewhere."""
    path, task = study.run.path, study.info["task"]["name"]
    outputs = next((folder.parent for folder in path.parents if folder.name == task), None)
    if outputs is None:
        return []
    place = Path(str(study.config.get("outputs", "outputs"))) / path.relative_to(outputs)
    return [("Run again, bytes compared", shlex.join(["mlexp", "rerun", str(place)]))]


def _tables(run: Run) -> list[Table]:
    first = [tables.scores(run.metrics)]
    if (run.path / "tuning.csv").exists():
        first.append(tables.read(run.path / "tuning.csv", "tuning.csv"))
    kept = [table for table in first if table is not None]
    if kept and run.info["task"]["kind"] not in ("classification", "regression", "autoencoder"):
        kept[0] = replace(kept[0], note="")
    return kept + tables.tables(run.path)


def _cautions(study: Study) -> list[str]:
    """Return what a careful reader would object."""
    rows = study.parts.get("test", 0)
    if study.metrics.get("test") and 0 < rows < FEW:
        return [
            f"Only {rows} test rows: the interval is wide, and small differences between models mean nothing."
        ]
    return []


def _links(folder: Path) -> list[tuple[str, str]]:
    files = [(words, name) for name, words in FILES.items() if (folder / name).exists()]
    found = sorted((folder / "tables").glob("*.csv"))
    return [
        *([("all trials", page_in(folder, "trials"))] if (folder / "trials").exists() else []),
        *files,
        *((f"table {file.stem.replace('_', ' ')}", f"tables/{file.name}") for file in found),
    ]


def _up(folder: Path) -> tuple[str, str] | None:
    """Return the way to the sweep that a run belongs to."""
    sweep = folder.parent.parent
    if folder.parent.name != "runs" or not (sweep / "sweep.json").exists():
        return None
    info = Sweep(sweep).info
    paged = info.get("figures") or (sweep / "report.html").exists()  # or will be, when the sweep has ended
    return f"one run of the sweep {info['task']}", "../../report.html" if paged else "../../"
