"""The page of one run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mlexp import system
from mlexp.config.names import spelled
from mlexp.drawing import style
from mlexp.drawing.figure import Drawing, words
from mlexp.drawing.wanted import ALL, Wanted
from mlexp.kinds import KINDS, MORE_FIGURES, living_answer, method
from mlexp.kinds.network_findings import network_findings
from mlexp.page import tables
from mlexp.page.page import Derivation, KeyFigure, Page, PageAnswer, Table
from mlexp.page.pictures import pictures
from mlexp.page.study import RecordedRun, Said, page_in, settings
from mlexp.page.words import duration, listed, number
from mlexp.store import Run, Sweep

FIRST = (
    2  # figures of the kind that stand before those of a search, and figures of the search before the others
)
OF_SEARCH = ("tuning.csv", "tuning.json")  # files that a search leaves
FEW = 100  # test rows below which an interval is too wide to conclude much
NONE = 3  # up to which there is no interval
FILES = {
    "config.yaml": "configuration",
    "metrics.json": "scores",
    "history.csv": "loss and accuracy by epoch",
    "timing.csv": "seconds by epoch",
    "diagnostics.csv": "gradients and units by layer and epoch",
    "tuning.csv": "trials",
    "predictions.npz": "predictions",
    "model.npz": "network",
    "model.skops": "model",
    "arrays.npz": "arrays",
    "living.npz": "samples for this page",
    "run.json": "record",
    "run.log": "log",
    "events.jsonl": "events by time",
}
UNFINISHED = {
    "running": "The run is not over yet; no test sample has been read.",
    "interrupted": "The run was stopped before its end and can be resumed; no test sample has been read.",
    "diverged": "No answer: the training diverged, its loss was no longer finite.",
    "failed": "No answer: the run failed.",
}


def page(run: Run, living: object = None) -> Page:
    """Return what the page of a run says; `living` is `page.living` as typed for this page alone."""
    study = RecordedRun(run, settings(run.path))
    info = run.info
    return Page(
        title=info["task"]["name"],
        kind="tuned run" if (run.path / "tuning.json").exists() else "run",
        status=info["status"],
        date=info["started"][:16].replace("T", " ") + " UTC",
        answer=answer(study),
        problem=info["error"] or "",
        derivation=_derivation(study),
        up=_up(run.path),
        pictures=pictures(run.path, words(figures_of(run)), first="pca_variance" if study.pca_alone else ""),
        living=living_answer.living(study, living),
        tables=_tables(study),
        how="How it was trained" if "train" in study.parts and study.kind != "explore" else "How it was done",
        method=method.method(study),
        warnings=[*info["warnings"], *_cautions(study)],
        record=method.record(info),
        commands=[*method.started(info["command"]), *again(study)],
        links=_links(run.path),
    )


def again(study: RecordedRun) -> list[tuple[str, str]]:
    """Return the commands that repeat a run and draw more of it, to be typed beside its `outputs`; none elsewhere."""
    path, task = study.run.path, study.info["task"]["name"]
    outputs = next((folder.parent for folder in path.parents if folder.name == task), None)
    if outputs is None:
        return []
    place = Path(str(study.config.get("outputs", "outputs"))) / path.relative_to(outputs)
    return [
        ("Run again, bytes compared", system.as_command(["mlexp", "rerun", str(place)])),
        ("Draw every figure that these results allow", system.as_command(["mlexp", "report", str(place)])),
    ]


def _tables(study: RecordedRun) -> list[Table]:
    """Return the scores, the trials and the tables of the folder, as the kind of the study shows them."""
    run = study.run
    first = [tables.scores(run.metrics)]
    if (run.path / "tuning.csv").exists():
        first.append(tables.read(run.path / "tuning.csv", "tuning.csv"))
    kept = [table for table in first if table is not None]
    if kept and study.kind not in ("classification", "regression", "autoencoder"):
        kept[0] = replace(kept[0], note="")
    kept += tables.tables(run.path)
    kind = KINDS.get(study.kind)
    arranged = getattr(kind.answer, "tables", None) if kind else None
    return arranged(study, kept) if arranged else kept


def _derivation(study: RecordedRun) -> Derivation | None:
    """Return the derivation of the result, of a kind that has one."""
    kind = KINDS.get(study.kind)
    derived = getattr(kind.answer, "derivation", None) if kind else None
    found: Derivation | None = derived(study) if derived else None
    return found


def _cautions(study: RecordedRun) -> list[str]:
    """Return what a careful reader would object."""
    rows = study.parts.get("test", 0)
    if study.metrics.get("test") and NONE < rows < FEW:
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
    if folder.parent.name != "runs" or not Sweep.is_at(sweep):
        return None
    info = Sweep(sweep).info
    paged = info.get("figures") or (sweep / "report.html").exists()  # or will be, when the sweep has ended
    return f"one run of the sweep {info['task']}", "../../report.html" if paged else "../../"


def answer(study: RecordedRun) -> PageAnswer:
    """Return question, sentences and key figures of a run; of one that did not complete, how far it came."""
    kind = KINDS.get(study.kind)
    question = kind.answer.question(study) if kind else f"What came out of {study.info['task']['name']}?"
    status = study.info["status"]
    if status != "completed" or not study.metrics:
        why = network_findings(study.run, study.config) if status == "diverged" else []
        return PageAnswer(
            question, [UNFINISHED.get(status, "The run left no scores."), *why], _progress(study)
        )
    (first, *others), figures = (kind.answer.answer if kind else _other)(study)
    return PageAnswer(
        question, [first, *_tuned(study), *others, *network_findings(study.run, study.config)], figures
    )


def _other(study: RecordedRun) -> Said:
    found = [f"{spelled(name)} {number(value)}" for name, value in study.scores.items()]
    labels = {name: spelled(name) for name in list(study.scores)[:3]}
    return [f"{study.part.capitalize()}: {listed(found)}."], study.figures(labels)


def _tuned(study: RecordedRun) -> list[str]:
    if not study.tuning:
        return []
    values = [f"{key} = {value}" for key, value in study.tuning["chosen"]["values"].items()]
    return [
        f"Its settings scored best of {study.tuning['n_trials']:,} tried without the test set: {listed(values)}."
    ]


def _progress(study: RecordedRun) -> list[KeyFigure]:
    epochs, wall = study.run.history.get("epoch", ()), study.info.get("wall_seconds")
    return [
        *([KeyFigure("Epochs done", f"{len(epochs):,}")] if len(epochs) else []),
        *([KeyFigure("Time", duration(wall))] if wall is not None else []),
    ]


def figures(kind: str) -> dict[str, Drawing]:
    """Return the figures that a run of a kind can have, the most important first.

    Those of plugins come first, for a plugin counts only where somebody names it; then the first ones of the kind, and
    of the search that chose its settings, where there was one.
    """
    from mlexp.tuning.figures import FIGURES as SEARCHED

    own = _own(kind)
    first = dict([*list(own.items())[:FIRST], *list(SEARCHED.items())[:FIRST]])
    return MORE_FIGURES.get(kind, {}) | first | own | SEARCHED


def figures_of(run: Run) -> dict[str, Drawing]:
    """Return the figures that one run can have: those of a search only where there was one."""
    kind = run.info["task"]["kind"]
    searched = any((run.path / name).exists() for name in OF_SEARCH)
    return figures(kind) if searched else _own(kind)


def _own(kind: str) -> dict[str, Drawing]:
    """Return the figures of a kind, those of plugins first."""
    found: dict[str, Drawing] = KINDS[kind].figures.FIGURES if kind in KINDS else {}
    return MORE_FIGURES.get(kind, {}) | found


def draw(run: Run, wanted: Wanted = ALL, into: Path | None = None) -> list[Path]:
    """Draw the figures that the recorded files of a run allow, as `wanted`, into its ``figures/``, or those of
    the folder `into`; return the files.

    The same files give the same bytes. Matplotlib's settings are set aside while this runs and put back afterwards; as
    they belong to the whole process, do not draw in two threads at once.

    Raises
    ------
    DataError
        If a file of the folder is missing or damaged, or its arrays do not belong together.
    """
    return style.draw(into or run.path, figures_of(run), run, wanted)
