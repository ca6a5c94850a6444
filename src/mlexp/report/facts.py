"""What programs read of a folder: a run, a sweep or a comparison as plain values, for ``--json``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlexp import store
from mlexp.config.untrusted import reading
from mlexp.report.folder import page
from mlexp.store import Comparison, Run, Sweep
from mlexp.store.result import by_row
from mlexp.store.sweep_folder import metrics_of

OF_RUN = ("status", "error", "seed", "config_hash", "started", "warnings")
OF_SWEEP = ("task", "status", "started", "ended", "keys")
OF_COMPARISON = (
    "question", "answer", "metric", "test", "scope", "alpha", "margin", "ranking", "arms", "pairs", "warnings",
    "status", "error",
)  # fmt: skip


def facts_of(path: Path) -> dict[str, Any]:
    """Return what the folder of a run, a sweep or a comparison holds, as values that JSON can say.

    Returns
    -------
    dict
        `folder`, `kind` (run, sweep or comparison), `task`, `status`, `question` and `answer` (a list of sentences);
        besides, of a run `metrics` (set -> metric -> value), of a sweep `jobs`, of a comparison `comparison`.
    """
    with reading(path):
        opened = store.open(path)
        found: dict[str, Any] = {"folder": str(store.shown(path)), "kind": opened.name}
        if isinstance(opened, Comparison):
            if opened.sweep is not None:
                found |= of_sweep(opened.sweep)
            found |= {"status": opened.info["status"], "comparison": of_comparison(opened.info)}
        else:
            found |= of_run(opened) if isinstance(opened, Run) else of_sweep(opened)
        answer = page(path).answer
        return found | {"question": answer.question, "answer": list(answer.sentences)}


def of_run(run: Run) -> dict[str, Any]:
    """Return the facts of a run."""
    info = run.info
    task = {"task": info["task"]["name"], "study": info["task"]["kind"]}
    named = {name: info.get(name) for name in OF_RUN}
    data = {"data": info["dataset"]["name"], "split": dict(info["split"])}
    facts = {name: value for name, value in info["facts"].items() if isinstance(value, int | float | str)}
    return task | named | {"seconds": run.seconds} | data | {"facts": facts, "metrics": run.metrics}


def of_sweep(sweep: Sweep) -> dict[str, Any]:
    """Return the facts of a sweep, its jobs with their scores."""
    swept = {job["number"]: job["swept"] for job in sweep.info["jobs"]}
    jobs = [of_job(row, swept.get(int(row["number"]), {})) for row in by_row(sweep.summary)]
    return {name: sweep.info.get(name) for name in OF_SWEEP} | {"jobs": jobs}


def of_job(row: Mapping[str, str], swept: Mapping[str, str]) -> dict[str, Any]:
    """Return a line of the summary with numbers for what are numbers."""
    return {
        "number": int(row["number"]),
        "settings": dict(swept),
        "status": row["status"],
        "problem": row.get("problem") or None,
        "seconds": float(row["seconds"]) if row.get("seconds") else None,
        "epochs": int(float(row["epochs"])) if row.get("epochs") else None,
        "folder": row.get("folder") or None,
        "metrics": metrics_of({name: cell for name, cell in row.items() if name not in swept}),
    }


def of_comparison(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a comparison; without an answer yet, the question."""
    return {name: info[name] for name in OF_COMPARISON if name in info}
