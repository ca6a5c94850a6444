"""Past runs: one entry per folder of a run or sweep, read from its small files only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from mlexp import store
from mlexp.config import yamltext
from mlexp.config.messages import is_key, unknown_key
from mlexp.config.overrides import spelt
from mlexp.config.untrusted import reading
from mlexp.errors import ConfigError, DataError, did_you_mean
from mlexp.metrics import METRICS
from mlexp.store import Comparison, Run, Sweep, folders, stamp
from mlexp.store.files import as_table
from mlexp.store.result import by_row
from mlexp.store.sweep_folder import job_name

DAMAGED = "damaged"
PARTS = ("test", "all", "validation", "train")


@dataclass(frozen=True)
class ListedRun:
    """One folder of a run or sweep.

    Attributes
    ----------
    path : the folder
    info : run.json, sweep.json or, of runs that were there before, comparison.json; empty where a file is damaged
    metrics : set -> metric -> value, of a run
    is_sweep : whether it is a sweep or a comparison
    """

    path: Path
    info: dict[str, Any]
    metrics: dict[str, dict[str, float]]
    is_sweep: bool

    @property
    def status(self) -> str:
        """Status; damaged if its record cannot be read, newer if a later version of mlexp wrote it."""
        return str(self.info.get("status", DAMAGED))

    @property
    def task(self) -> str:
        """Name of the task."""
        return self.path.parent.name if self.path.parent.name != "runs" else self.path.parents[2].name

    @property
    def started(self) -> datetime:
        """When it began, in local time."""
        return stamp.began(self.path, self.info).astimezone()

    @property
    def seconds(self) -> float | None:
        """Duration in seconds; None before its end."""
        found = self.info.get("wall_seconds")
        return None if found is None else float(found)

    @cached_property
    def metric(self) -> tuple[str, float] | None:
        """The main metric with its name: test before the other sets, then in the order of the table of metrics."""
        if self.is_sweep:
            return "jobs", len(self.info.get("jobs", ()))

        metrics = self.metrics
        for part in [*(part for part in PARTS if part in metrics), *metrics]:
            for name in [*(name for name in METRICS if name in metrics[part]), *metrics[part]]:
                if metrics[part][name] is not None:
                    return f"{part}_{name}", float(metrics[part][name])
        return None

    @property
    def kind(self) -> str:
        """Whether it is a run, a search, a sweep or a comparison."""
        if self.is_sweep:
            return "comparison" if Comparison.is_at(self.path) else "sweep"
        return "search" if (self.path / "tuning.json").exists() else "run"

    @cached_property
    def answer(self) -> list[str]:
        """The first sentences of the answer of what consists of several runs: the result and its score."""
        if self.kind == "run" or not self.info:
            return []
        from mlexp.report import members

        try:
            with reading(self.path):
                return members.answer(store.open(self.path))
        except DataError:  # a list must show what else there is
            return []

    @cached_property
    def reasons(self) -> list[str]:
        """Why it, or some of its jobs, did not complete."""
        found = [str(self.info["error"])] if self.info.get("error") else []
        if not self.is_sweep or not self.info:
            return found
        from mlexp.report import members

        try:
            with reading(self.path):
                lost = members.failures(by_row(Sweep(self.path).summary))
        except DataError:
            return found
        return found + [f"{one.count} {one.status}{f': {one.reason}' * bool(one.reason)}" for one in lost]

    @cached_property
    def own(self) -> list[str]:
        """The settings of its own: of a job those that were swept, of any other those that were typed."""
        if self.path.parent.name == "runs":
            return [
                f"{key}={value}"
                for key, value in _swept(self.path.parents[1]).get(self.path.name, {}).items()
            ]
        typed = self.info.get("command", ())[1:]
        return [word for word in typed if "=" in word and not word.startswith(("task=", "--"))]

    @cached_property
    def settings(self) -> dict[str, str]:
        """Every key of the configuration with its full path, and its value as text; of a sweep, its first job's."""
        path = self.path / "config.yaml"
        try:
            found = yamltext.leaves(yamltext.read(path)) if path.exists() else ()
            return {key: _as_text(value) for key, value in found}
        except DataError:  # a list must show what else there is
            return {}

    def row(self) -> dict[str, Any]:
        """Return what tables show."""
        name, value = self.metric or ("", None)
        return {
            "task": self.task,
            "started": f"{self.started:%Y-%m-%d %H:%M:%S}",
            "status": self.status,
            "kind": self.kind,
            "metric": name,
            "value": value,
            "seconds": self.seconds,
            "folder": str(self.path),
        }

    def told(self) -> dict[str, str]:
        """Return what lists add to a row: the answer, the settings of its own, why it failed."""
        return {
            "answer": " ".join(self.answer),
            "settings": " ".join(self.own),
            "reason": "; ".join(self.reasons),
        }


@cache
def _swept(sweep: Path) -> dict[str, dict[str, Any]]:
    """Return the settings of each job of a sweep by the name of its folder; of a damaged one nothing."""
    try:
        with reading(sweep):
            jobs = Sweep(sweep).info["jobs"]
    except DataError:
        return {}
    return {job_name(job["number"], job["hash"]): job["swept"] for job in jobs}


def entry(path: Path) -> ListedRun:
    """Return the entry of a folder; of one whose records cannot be read, or make no row, one that says so."""
    is_run = Run.is_at(path)
    try:
        with reading(path):
            folder = Run(path) if is_run else store.open(path)
            metrics = folder.metrics if isinstance(folder, Run) else {}
            info = folder.info
            if isinstance(folder, Comparison) and folder.sweep:
                info = folder.sweep.info
            found = ListedRun(path, info, metrics, not is_run)
            found.row()
            return found
    except DataError:  # a list must show what else there is
        known = {"status": "newer"} if stamp.of(path).format > stamp.FORMAT else {}
        return ListedRun(path, known, {}, not is_run)


def entries(outputs: Path, *, task: str | None = None, jobs: bool = False) -> list[ListedRun]:
    """Return the runs and sweeps of an outputs folder, newest first; with `jobs` the runs within sweeps too."""
    found = [entry(path) for path in folders(outputs, task or "*")]
    if jobs:
        whole = [one for one in found if one.is_sweep and one.status != DAMAGED]
        within = [path for one in whole for path in (one.path / "runs").glob("*")]
        found += [entry(path) for path in within if Run.is_at(path)]
    return sorted(found, key=lambda one: (one.started, one.path.name), reverse=True)


def shared(found: Sequence[ListedRun]) -> dict[str, set[str]]:
    """Return the settings that all entries of a task have in common, which tell none apart; none of a single entry."""
    own: dict[str, list[set[str]]] = {}
    for one in found:
        own.setdefault(one.task, []).append(set(one.own))
    return {task: set.intersection(*sets) if len(sets) > 1 else set() for task, sets in own.items()}


def chosen(found: Sequence[ListedRun], status: str | None, filters: Sequence[str]) -> Iterator[ListedRun]:
    """Yield the entries of a status whose configuration holds every ``key=value``.

    Raises
    ------
    ConfigError
        A filter that is not ``key=value``, or a key that no configuration has.
    """
    wanted = []
    for typed in spelt(filters):
        key, value = typed.key, typed.value
        if value is None:
            raise ConfigError(
                f"A filter is written key=value, such as model.activation=relu. Got '{typed.text}'."
            )
        if not is_key(key):
            raise ConfigError(unknown_key(key, value=value))
        wanted.append((key, value))
    known = {key for one in found[:20] for key in one.settings} if wanted else set()
    for key, _ in wanted:
        if known and key not in known:
            raise ConfigError(f"{key} is not a key of these runs.{did_you_mean(key, known)}")
    for one in found:
        if status in (None, one.status) and all(_same(one.settings.get(key), value) for key, value in wanted):
            yield one


def _same(recorded: str | None, typed: str) -> bool:
    if recorded is None:
        return False
    try:
        return float(recorded) == float(typed)
    except ValueError:
        return recorded.replace(" ", "") == typed.replace(" ", "")


def _as_text(value: Any) -> str:
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value).replace("'", "")


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as CSV with a header line, as `files.cell` writes them."""
    return as_table({name: [row[name] for row in rows] for name in rows[0]}) if rows else ""
