"""A run or a sweep as it stands: how far it is, its curves, its jobs, and why some failed.

Everything is read from the folder when it is asked for: from `events.jsonl` what happened, from `history.csv` the
curves. Nothing is kept, so that a page that is asked for again is as the folder is then.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mlexp import report, store, system
from mlexp.config.names import spelled
from mlexp.config.untrusted import reading
from mlexp.errors import DataError, shortened
from mlexp.page.scores import cell
from mlexp.page.words import duration, shown
from mlexp.report import members
from mlexp.report.index import score
from mlexp.store import Comparison, Run, Sweep, events
from mlexp.store.lock import is_locked
from mlexp.store.result import by_row
from mlexp.store.sweep_folder import job_name, metrics_of, short
from mlexp.web.asked import Asked, Columns
from mlexp.web.charts import Chart, Curve, chart, of_metric
from mlexp.web.compared import in_words, measure
from mlexp.web.places import address_of

MOST_CURVES = 12
MOST_CHOICES = 200  # values of a swept key that a filter offers
MOST_EVENTS = 200_000
WATCHED = (
    "events.jsonl",
    "history.csv",
    "run.json",
    "sweep.json",
    "comparison.json",
    "why.json",
    "metrics.json",
    "summary.csv",
)
REASON = 300  # characters
TITLES = {"validation_loss": "validation loss", "train_loss": "training loss"}
Values = Mapping[str, Any]


@dataclass
class LiveJob:
    """One job of a sweep as it stands.

    Attributes
    ----------
    settings : the values of the swept keys, in their order
    place : address of its folder; empty if it has none yet
    scored : score, its name and its set
    progress : what a running one is doing, in words
    """

    number: int
    settings: Sequence[str]
    status: str = "waiting"
    place: str = ""
    scored: tuple[str, str, str] = ("", "", "")
    seconds: float | None = None
    problem: str = ""
    progress: str = ""

    @property
    def time(self) -> str:
        """Duration in words."""
        return "" if self.seconds is None else duration(self.seconds)


@dataclass(frozen=True)
class Arm:
    """An arm of a comparison.

    Attributes
    ----------
    settings : what it sets
    mean : with its interval, in words
    """

    name: str
    settings: Mapping[str, str]
    mean: str
    runs: str


@dataclass
class LiveState:
    """What the page of a folder shows.

    Attributes
    ----------
    kind : run, search, sweep or comparison
    done, planned : epochs of a run, jobs of a sweep; `planned` 0 where it is not known
    unit : what these count
    keys : the swept keys, as columns of the table of jobs
    n_jobs : jobs that are as asked for; `jobs` are the first of them
    choices : column of the table -> the values that it can be filtered by
    arms : of a comparison with an answer, the best first
    resume : the command that resumes what was interrupted
    left_out : jobs whose curves are not drawn
    """

    kind: str
    task: str
    status: str
    answer: Sequence[str] = ()
    problem: str = ""
    reasons: Sequence[members.Failure] = ()
    done: int = 0
    planned: int = 0
    unit: str = "epochs"
    said: str = ""
    charts: Sequence[Chart] = ()
    metrics: Sequence[tuple[str, Mapping[str, str]]] = ()
    parts: Sequence[str] = ()
    keys: Sequence[str] = ()
    jobs: Sequence[LiveJob] = ()
    n_jobs: int = 0
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    arms: Sequence[Arm] = ()
    left_out: int = 0
    facts: Sequence[tuple[str, str]] = field(default=())
    resume: str = ""

    @property
    def is_running(self) -> bool:
        """Whether more is to come."""
        return self.status == "running"


def state(outputs: Path, folder: Path, asked: Asked) -> LiveState:
    """Return a folder as it stands.

    Parameters
    ----------
    asked : which of its jobs are listed and drawn, and in which order

    Raises
    ------
    DataError
        If it is damaged.
    """
    with reading(folder):
        opened = store.open(folder)
        if isinstance(opened, Run):
            found = _of_run(outputs, opened, asked)
        elif isinstance(opened, Comparison):
            found = _of_comparison(outputs, opened, asked)
        else:
            found = _of_sweep(outputs, opened, asked)
    if found.status == "interrupted" and folder.parent.name != "runs":
        found.resume = system.as_command(["mlexp", "resume", str(store.shown(folder))])
    return found


def seen(folder: Path) -> str:
    """Return a word that changes when what the page of a folder shows does."""
    marks = [*_marks(folder), is_locked(folder)]
    for inner in (folder / "runs", folder / "trials" / "runs"):
        try:
            with os.scandir(inner) as entries:
                names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        except OSError:
            continue
        for name in names:
            marks += [name, *_marks(inner / name)]
    return hashlib.sha256(repr(marks).encode()).hexdigest()[:16]


def _marks(folder: Path) -> list[tuple[str, int, int]]:
    """Return size and time of the files of a folder that a page shows."""
    found = []
    for name in WATCHED:
        try:
            status = os.lstat(folder / name)
        except OSError:
            continue
        found.append((name, status.st_mtime_ns, status.st_size))
    return found


def all_events(folder: Path) -> list[dict[str, Any]]:
    """Return the events of a folder, at most `MOST_EVENTS`."""
    rows: list[dict[str, Any]] = []
    start = 0
    while len(rows) < MOST_EVENTS:
        found = events.read(folder, start)
        rows += found.rows
        if found.end <= start:
            break
        start = found.end
    return rows[:MOST_EVENTS]


def _of_run(outputs: Path, run: Run, asked: Asked) -> LiveState:
    info = run.info
    happened = all_events(run.path)
    planned = _number(_last(happened, "planned").get("epochs"))
    history = run.history
    done = int(history["epoch"][-1]) if len(history.get("epoch", ())) else 0
    found = LiveState(
        kind="search" if run.tuning or (run.path / "trials").is_dir() else "run",
        task=info["task"]["name"],
        status=info["status"],
        answer=_answer(run),
        problem=shortened(str(info.get("error") or ""), REASON),
        done=done,
        planned=planned,
        charts=of_history(run),
        parts=list(run.metrics),
        metrics=_scores(run.metrics),
        facts=list(_facts(run)),
    )
    if found.kind == "search" and Sweep.is_at(run.path / "trials"):
        _add_jobs(found, outputs, Sweep(run.path / "trials"), asked)
        found.unit = "trials"
    return found


def _answer(run: Run) -> Sequence[str]:
    """Return the answer that the page of a completed run gives."""
    if run.info["status"] != "completed":
        return []
    return report.page(run.path).answer.sentences


def of_history(run: Run) -> list[Chart]:
    """Return the charts of a run: the loss, and each other measure that its history holds for a set."""
    history = run.history
    epochs = history.get("epoch", np.array([]))
    names = dict.fromkeys(name.partition("_")[2] for name in history if name.partition("_")[0] in store.PARTS)
    drawn = []
    for name in names:
        lines = [
            Curve({"train": "training"}.get(part, part), epochs, history[f"{part}_{name}"])
            for part in store.PARTS
            if f"{part}_{name}" in history
        ]
        drawn.append(of_metric(name, lines))
    return [one for one in drawn if one is not None]


def _scores(metrics: Mapping[str, Mapping[str, float | None]]) -> list[tuple[str, dict[str, str]]]:
    """Return each metric with its value by set."""
    names = dict.fromkeys(name for scores in metrics.values() for name in scores)
    return [
        (spelled(name), {part: cell(name, scores.get(name)) for part, scores in metrics.items()})
        for name in names
    ]


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    info = run.info
    if info.get("dataset"):
        yield "data", str(info["dataset"].get("name", ""))
    yield "seed", str(info.get("seed", ""))
    for name in ("n_parameters", "best_epoch", "stopped"):
        if (value := info.get("facts", {}).get(name)) is not None:
            yield (
                name.replace("n_", "").replace("_", " "),
                f"{value:,}" if isinstance(value, int) else str(value),
            )
    if run.seconds is not None:
        yield "time", duration(run.seconds)
    yield "settings typed", " ".join(str(word) for word in info.get("command", ())[1:])


def _of_sweep(outputs: Path, sweep: Sweep, asked: Asked) -> LiveState:
    found = LiveState("sweep", sweep.info["task"], sweep.info["status"], members.answer(sweep), unit="jobs")
    _add_jobs(found, outputs, sweep, asked)
    return found


def _of_comparison(outputs: Path, comparison: Comparison, asked: Asked) -> LiveState:
    info = comparison.info
    sweep = comparison.sweep
    found = LiveState(
        "comparison",
        sweep.info["task"] if sweep else comparison.path.name,
        sweep.info["status"] if sweep else info["status"],
        list(info.get("answer", ())),
        shortened(str(info.get("error") or ""), REASON),
        unit="jobs",
    )
    arms = {str(arm["name"]): arm for arm in info["arms"]}
    found.arms = [
        _arm(arms[str(name)], measure(info)) for name in info.get("ranking", ()) if str(name) in arms
    ]
    if sweep is not None:
        _add_jobs(found, outputs, sweep, asked)
    return found


def _arm(arm: Mapping[str, Any], name: str) -> Arm:
    settings = arm.get("settings", {})
    _, mean, runs = in_words(arm, name)
    words = f"{spelled(name)} {mean}".strip()
    return Arm(str(arm["name"]), {str(k): str(v) for k, v in settings.items()}, words, runs)


def _add_jobs(found: LiveState, outputs: Path, sweep: Sweep, asked: Asked) -> None:
    """Fill in the jobs of a sweep, how many have ended, why some failed, and the curves of those asked for."""
    keys = list(sweep.info["keys"])
    listed = jobs(outputs, sweep, keys)
    found.keys = short(keys)
    found.planned = len(listed)
    found.done = sum(job.status not in ("waiting", "running") for job in listed)
    counted = Counter(job.status for job in listed)
    found.said = ", ".join(f"{count} {status}" for status, count in counted.items())
    rows = [{"status": job.status, "problem": job.problem, "folder": job.place} for job in listed]
    found.reasons = members.failures([row for row in rows if row["status"] != "waiting"])
    columns = _columns(found.keys)
    values = {name: list(dict.fromkeys(map(columns[name], listed))) for name in (*found.keys, "status")}
    found.choices = {name: some for name, some in values.items() if 1 < len(some) <= MOST_CHOICES}
    chosen = asked.ordered(asked.chosen(listed, columns, lambda job: job.problem.lower()), columns)
    found.n_jobs, found.jobs = len(chosen), chosen[: asked.shown]
    drawn, left = _charts(outputs, chosen, found.keys)
    if not found.charts:
        found.charts = drawn
        found.left_out = left


def _columns(keys: Sequence[str]) -> Columns[LiveJob]:
    """Return the columns of the table of jobs that it can be sorted by: of the swept keys, and of every job."""
    settings = {key: lambda job, place=place: job.settings[place] for place, key in enumerate(keys)}
    return settings | {
        "job": lambda job: str(job.number),
        "status": lambda job: job.status,
        "score": lambda job: job.scored[0],
        "time": lambda job: "" if job.seconds is None else repr(job.seconds),
    }


def jobs(outputs: Path, sweep: Sweep, keys: Sequence[str]) -> list[LiveJob]:
    """Return the jobs of a sweep as they stand: the plan, then the summary, then what happened since."""
    listed = {}
    for job in sweep.info["jobs"]:
        values = [shown(str(job["swept"].get(key, ""))) for key in keys]
        one = listed[job["number"]] = LiveJob(job["number"], values)
        folder = sweep.path / "runs" / job_name(job["number"], job["hash"])
        if Run.is_at(folder):
            one.place = address_of(outputs, folder)
    for row in by_row(sweep.summary):
        if (known := listed.get(_number(row.get("number")))) is not None and row.get("status"):
            _take(known, row["status"], metrics_of(row), _float(row.get("seconds")), row.get("problem", ""))
    for event in all_events(sweep.path):
        known = listed.get(_number(event.get("job")))
        if known is None:
            continue
        if event["event"] == "started":
            known.status, known.problem = "running", ""
        elif event["event"] in ("finished", "failed"):
            metrics = event.get("metrics")
            scores = metrics if isinstance(metrics, dict) else {}
            _take(
                known,
                str(event.get("status", "")),
                scores,
                _float(event.get("seconds")),
                str(event.get("problem") or ""),
            )
    for one in listed.values():
        if one.status == "running":
            _follow(one, outputs, sweep)
    return list(listed.values())


def _take(job: LiveJob, status: str, metrics: Values, seconds: float | None, problem: str) -> None:
    """Fill in how a job ended."""
    job.status, job.seconds, job.problem = status, seconds, shortened(problem, REASON)
    nested = {part: scores for part, scores in metrics.items() if isinstance(scores, dict)}
    if nested:
        job.scored = score(nested)


def _follow(job: LiveJob, outputs: Path, sweep: Sweep) -> None:
    """Say how far a running job is; one whose process is gone is interrupted."""
    if not is_locked(sweep.path):
        job.status, job.problem = "interrupted", store.KILLED
        return
    if not job.place:
        return
    happened = all_events(outputs / job.place)
    last, planned = _last(happened, "epoch"), _number(_last(happened, "planned").get("epochs"))
    if last:
        of = f" of {planned}" if planned else ""
        job.progress = f"epoch {_number(last.get('epoch'))}{of}"
        metrics = last.get("metrics")
        known = metrics if isinstance(metrics, dict) else {}
        name = next(
            (name for name in ("validation_loss", "train_loss") if _float(known.get(name)) is not None), ""
        )
        if name:
            job.progress += f", {name.replace('_', ' ')} {known[name]:.4g}"


def _charts(outputs: Path, listed: Sequence[LiveJob], keys: Sequence[str]) -> tuple[list[Chart], int]:
    """Return the losses of jobs on common axes, running ones first, and how many are not drawn."""
    ordered = sorted((job for job in listed if job.place), key=lambda job: job.status != "running")
    lines: dict[str, list[Curve]] = {"validation_loss": [], "train_loss": []}
    drawn = sorted(ordered[:MOST_CURVES], key=lambda job: job.number)
    for job in drawn:
        try:
            history = Run(outputs / job.place).history
        except DataError:
            continue
        pairs = zip(keys, job.settings, strict=True)
        name = f"{job.number}: " + " ".join(f"{key}={value}" for key, value in pairs)
        for column, found in lines.items():
            if 0 < len(history.get(column, ())) == len(history.get("epoch", ())):
                found.append(Curve(name, history["epoch"], history[column]))
    made = [chart(TITLES[column], found) for column, found in lines.items() if found]
    return [one for one in made if one is not None], max(0, len(ordered) - len(drawn))


def _last(happened: Sequence[Values], event: str) -> Values:
    return next((row for row in reversed(happened) if row["event"] == event), {})


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def _float(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found) else None
