"""Run one configuration: load, check, fit, record, draw. The order of a run is the order of this file."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from mlexp import store
from mlexp.config import plugged, recorded, schema, trust
from mlexp.config.overrides import parsed
from mlexp.config.readers import READERS
from mlexp.config.schema import Config
from mlexp.data import readers
from mlexp.data.dataset import Dataset
from mlexp.data.roles import NO_LABEL
from mlexp.data.table import without_words
from mlexp.errors import ConfigError, DivergedError, Interrupted, MlexpError, NotWritten, in_words
from mlexp.kinds import KINDS
from mlexp.kinds.observer import RunPlan
from mlexp.nn.device import described, opened
from mlexp.runs.stopping import how_to_resume, resumable, stop_on_signal, with_cure
from mlexp.runs.terminal import QUIET, Terminal
from mlexp.runs.tracking import Tracker, flat
from mlexp.store import Run, environment, events, identity, latest, record, stamp
from mlexp.store.record import RunFolder
from mlexp.store.result import Result

PATIENCE = 60.0  # seconds for a worker elsewhere, no longer wanted, to end its epoch and release a job


@dataclass(frozen=True)
class Program:
    """What sessions and comparisons are handed, for they know neither what is above them nor pages.

    Attributes
    ----------
    study : runs a configuration, observed by its session
    show : writes the page of a run folder, its figures drawn anew if the second argument is true
    worker : what runs the jobs of sweeps, searches and comparisons: the name of a function, called in worker processes,
        or a function, called in this process
    """

    study: Callable[[Config, Dataset, Session], Result]
    show: Callable[[Path, bool], None]
    worker: Any


def run(
    config: Config,
    program: Program,
    *,
    command: Sequence[str] = (),
    terminal: Terminal | None = None,
    place: Path | None = None,
    stop: threading.Event | None = None,
    dataset: Dataset | None = None,
) -> Run:
    """Run a checked configuration and return its run folder.

    The folder is made only after data, split and model have been checked, so that what cannot run leaves
    nothing behind.

    Parameters
    ----------
    config : the configuration, as `config.compose` returns it
    program : what runs it, and what writes its page
    command : the command line, for the record
    terminal : what speaks to the person; silent by default
    place : folder for this run, made unless an earlier process left the run unfinished there; a new one in
        `outputs` by default
    stop : is set to end the run after an epoch; by default Ctrl-C does that
    dataset : the rows that ``config.dataset`` describes, where they are loaded already

    Raises
    ------
    ConfigError, DataError
        Nothing ran. No folder was made, or the folder says ``failed``.
    DivergedError, Interrupted
        The folder is complete as far as the run got and says so.
    """
    unfinished = record.reopen(place, PATIENCE) if place is not None and place.exists() else None
    if unfinished is not None and Run.open(unfinished.path).status not in store.RESUMABLE:
        return _redrawn(unfinished, program, terminal or Terminal(QUIET))
    session = Session(config, program, command, terminal or Terminal(QUIET), unfinished, place)
    return _run(session, stop, dataset)


def resume(
    path: Path,
    program: Program,
    *,
    command: Sequence[str] = (),
    terminal: Terminal | None = None,
    settings: Sequence[str] = (),
) -> Run:
    """Resume a run that was stopped or killed, in its own folder, from its last checkpoint.

    It ends with the same bytes as an uninterrupted run. `settings` are those that count only where they are typed:
    ``trusted_packages=[mine]``, ``tracking=none``, and for the trials of a search ``execution=dask``.

    Raises
    ------
    ConfigError
        If the run is still under way or has ended, or its `config.yaml` was edited.
    DataError
        If `path` is not a run folder, or the data are no longer those that the run began with.
    """
    run = Run.open(path)
    stamp.refuse_older(path, run.info)
    config = identity.refuse_edited(path, run.info)
    elsewhere = [one.text for one in parsed(settings) if trust.within(one.key, ("execution",))]
    if elsewhere and config.tune.strategy is None:
        raise ConfigError(f"{elsewhere[0]}: {path} is a single run, which is resumed in this process.")
    config = recorded.relocated(recorded.again(config, path, settings), run.info.get("began_in"))
    folder = record.reopen(path)
    if Run.open(path).status not in store.RESUMABLE:
        return _redrawn(folder, program, terminal or Terminal(QUIET))
    return _run(Session(config, program, command, terminal or Terminal(QUIET), folder))


def _redrawn(folder: RunFolder, program: Program, terminal: Terminal) -> Run:
    """Draw what a run that had ended could not draw any more."""
    with resumable(folder.path):
        try:
            run = Run.open(folder.path)
            if run.info.get("figures"):
                program.show(run.path, True)
        finally:
            folder.close(keep_checkpoint=False)
        terminal.result(run.info, run.metrics)
        terminal.end(run.info, store.shown(run.path))
    if run.status == "diverged":
        raise DivergedError(f"{run.info['error']} The record is in {store.shown(run.path)}.")
    return run


def load(config: Config) -> Dataset:
    """Return the rows that the configuration describes."""
    keys = dataclasses.asdict(config.dataset)
    by_distance = not KINDS[config.task.kind].needs_labels
    if by_distance and READERS[keys["reader"]].suffixes and keys["label"] is None and not keys["image_shape"]:
        keys["label"] = NO_LABEL  # the last column is a feature like the others
    dataset = readers.load(config.data_dir, config.memory_mb, **keys)
    return without_words(dataset) if by_distance and dataset.table and not config.prepare.one_hot else dataset


def _run(session: Session, stop: threading.Event | None = None, dataset: Dataset | None = None) -> Run:
    config = session.config
    limited = environment.libraries().limit(limits=config.threads)
    with limited, nullcontext(stop) if stop else stop_on_signal(session.has_no_epochs) as asked:
        session.stop = asked
        try:
            opened(config.device)  # or refuse before anything is read
            dataset = load(config) if dataset is None else dataset
            return session.finished(session.program.study(config, dataset, session))
        except BaseException as error:
            session.failed(error)
            if isinstance(error, NotWritten | KeyboardInterrupt) and session.place is None:
                if session.folder is not None and Run.is_at(session.folder.path):
                    raise with_cure(error, session.folder.path) from error
                if isinstance(error, KeyboardInterrupt):
                    raise KeyboardInterrupt("Stopped before the run began. Nothing was written.") from error
            raise


def run_together(
    configs: Sequence[Config],
    program: Program,
    *,
    command: Sequence[str],
    terminals: Sequence[Terminal],
    places: Sequence[Path],
    stop: threading.Event,
    dataset: Dataset,
) -> Iterator[MlexpError | None]:
    """Run configurations whose networks fit one stack; yield for each in turn what went wrong, None if nothing did.

    Every folder ends with the bytes that `run` gives. What it raises concerns all those not yet yielded.
    """
    waiting: list[Session] = []
    with environment.libraries().limit(limits=configs[0].threads):
        try:
            for config, terminal, place in zip(configs, terminals, places, strict=True):
                unfinished = record.reopen(place, PATIENCE) if place.exists() else None
                waiting.append(Session(config, program, command, terminal, unfinished, place, len(configs)))
                waiting[-1].stop = stop
            for result in KINDS[configs[0].task.kind].study.studies(configs, dataset, list(waiting)):
                problem = None
                try:
                    waiting[0].finished(result)
                except MlexpError as error:
                    waiting[0].failed(error)
                    problem = error
                waiting.pop(0)
                yield problem
        except BaseException as error:
            for session in waiting:
                session.failed(error)
            raise


class Session:
    """One run under way: its folder, its record and its terminal. The `Observer` of the study."""

    def __init__(
        self,
        config: Config,
        program: Program,
        command: Sequence[str],
        terminal: Terminal,
        unfinished: RunFolder | None = None,
        place: Path | None = None,
        stacked: int = 1,
    ) -> None:
        self.config = config
        self.program = program
        self.command = list(command)
        self.terminal = terminal
        self.stop = threading.Event()
        self.folder: RunFolder | None = None
        self.info: dict[str, Any] = {}
        self._unfinished = unfinished
        self.place = place
        self._stacked = stacked
        self._ended = False
        self._released = False
        self._wall = time.perf_counter()
        self._cpu = time.process_time()
        self._saved = time.perf_counter()

    def started(self, plan: RunPlan) -> None:
        """Make the run folder, or take over the unfinished one, and write down what is about to run."""
        config = self.config
        code, name = recorded.config_hash(config), identity.name_of(config)
        self.info = {
            "status": "running",
            "error": None,
            "task": dataclasses.asdict(config.task) | {"name": name},
            "seed": config.seed,
            "config_hash": code,
            "settings": identity.settings(config),
            "threads": config.threads,
            "command": self.command,
            "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "process": os.getpid(),
            "began_in": os.getcwd(),
            "dataset": plan.dataset,
            "split": plan.split,
            "preparation": plan.preparation,
            "environment": environment.describe()
            | ({"device": described(config.device)} if config.device != "cpu" else {}),
            **({"plugins": plugged.recorded()} if plugged.LOADED else {}),
            "facts": {},
            "warnings": list(plan.dataset.get("warnings", ())),
            "figures": config.figures,
        } | ({"stack": self._stacked} if self._stacked > 1 else {})
        self.tracker = Tracker(config, lambda words: self.info["warnings"].append(words))
        if self._unfinished is None:
            self.folder = record.create(Path(config.outputs), name, code, self.place)
            self.folder.write_config(recorded.as_yaml(config))
        else:
            earlier = Run.open(self._unfinished.path).info
            identity.refuse_edited(self._unfinished.path, earlier)
            self.info |= identity.continued(earlier, self.info)
            self.folder = self._unfinished
        self.folder.write_info(self.info)
        self.folder.log(f"started: {' '.join(self.command)}" if not self._unfinished else "resumed")
        self._announce(self.folder, plan, name, code)
        if self.place is None:
            latest.point(self.folder.path)
        self.tracker.started(self.folder.path, self.info, schema.flat(config))
        self.terminal.begin(name, plan)

    def _announce(self, folder: RunFolder, plan: RunPlan, task: str, code: str) -> None:
        """Tell programs that follow the run what is planned, and that it begins."""
        folder.events.pause *= max(1, self._stacked / 4)  # as for checkpoints
        if self._unfinished is None:
            samples = {part: n for part, n in plan.split.items() if part != "fingerprint"}
            facts = {
                "task": task,
                "kind": self.config.task.kind,
                "seed": self.config.seed,
                "config_hash": code,
            }
            size = {"epochs": plan.epochs, "n_parameters": plan.n_parameters, "n_samples": samples}
            folder.events.add("planned", **facts, **size)
        folder.events.add("started", resumed=self._unfinished is not None)

    def epoch(self, row: Mapping[str, float], seconds: float) -> None:
        """Write one more line of the history."""
        assert self.folder is not None
        self.folder.append_epoch(row, seconds)
        self.tracker.epoch(row)
        self.terminal.epoch(row, seconds)

    def diagnosis(self, row: Mapping[str, float]) -> None:
        """Write one more line about the layers."""
        assert self.folder is not None
        self.folder.append_diagnosis(row)

    def stop_requested(self) -> bool:
        """Return whether Ctrl-C was pressed."""
        return self.stop.is_set()

    def has_no_epochs(self) -> bool:
        """Return whether the run has not begun, or has come to its end: a request to stop need not wait."""
        return self.folder is None or self._ended

    def checkpoint(self, arrays: Callable[[], dict[str, np.ndarray]]) -> None:
        """Save the state if the last one is a few seconds old, or the run is about to stop."""
        assert self.folder is not None
        # A stack writes as many files as it has replicas, each of them therefore less often.
        pause = self.config.checkpoint_seconds * max(1, self._stacked / 4)
        if self.stop.is_set() or time.perf_counter() - self._saved > pause:
            self.folder.write_checkpoint(arrays())
            self._saved = time.perf_counter()

    def checkpointed(self) -> dict[str, np.ndarray] | None:
        """Return the state that the earlier process left, with the history cut back to it."""
        return self._unfinished.rewind() if self._unfinished is not None else None

    def failed(self, error: BaseException) -> None:
        """Mark the folder, if there is one and its run has not come to its end, with what went wrong; let go of it."""
        self.terminal.stop_bar()
        begun = self.folder is not None
        self.folder = self.folder or self._unfinished
        if self.folder is None:
            return
        if isinstance(error, MlexpError):
            error.folder = self.folder.path
        try:
            try:
                if not self._ended:
                    self._fail(self.folder, error, begun)
            finally:
                self._release(self.folder)
        except MlexpError as unwritten:
            error.add_note(str(unwritten))

    def _fail(self, folder: RunFolder, error: BaseException, begun: bool) -> None:
        stopped = isinstance(error, KeyboardInterrupt | Interrupted | NotWritten)
        status = "interrupted" if stopped else "failed"
        if not begun:  # an earlier process did, and what it wrote still holds
            self.info = Run.open(folder.path).info
        folder.log("".join(traceback.format_exception(error)).rstrip())
        self._end(status, in_words(error))
        if begun:
            self.tracker.ended(folder.path, status, {})
        if self.config.figures and status == "failed":  # who stops a run twice wants it to end at once
            self.program.show(folder.path, False)

    def finished(self, result: Result) -> Run:
        """Write the result and show it, draw figures and page from it, and raise if the run did not complete."""
        assert self.folder is not None
        shown = store.shown(self.folder.path)
        self.folder.write_result(result)
        self.info |= {"facts": result.facts, "warnings": [*self.info["warnings"], *result.warnings]}
        self._end(result.status, result.problem or None, result.metrics)
        told = self._warn()
        self.terminal.result(self.info, result.metrics)
        run = Run.open(self.folder.path)
        if self.config.figures:
            self.program.show(run.path, True)
        self.tracker.ended(run.path, result.status, flat(result.metrics))
        self._warn(told)
        self._release(self.folder)
        self.terminal.end(self.info, shown)
        if result.status == "diverged":
            raise DivergedError(f"{result.problem} The record is in {shown}.")
        if result.status == "interrupted":
            raise Interrupted(
                f"Stopped after epoch {result.facts['epochs']}. {how_to_resume(self.folder.path)}"
            )
        return run

    def _warn(self, told: int = 0) -> int:
        """Print and log the warnings after the first `told`; return how many there are."""
        assert self.folder is not None
        for sentence in self.info["warnings"][told:]:
            self.terminal.warn(sentence)
            self.folder.log(f"warning: {sentence}")
        return len(self.info["warnings"])

    def _end(
        self, status: str, problem: str | None, metrics: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        """Write down how the run ended."""
        assert self.folder is not None
        self.info |= {
            "status": status,
            "error": problem,
            "wall_seconds": round(time.perf_counter() - self._wall, 3),
            "cpu_seconds": round(time.process_time() - self._cpu, 3),
            "peak_memory_mb": environment.peak_memory_mb(),
        }
        self.folder.write_info(self.info)
        self.folder.log(f"{status} after {self.info['wall_seconds']} s{f': {problem}' if problem else ''}")
        event, facts = events.of_end(status, problem, seconds=self.info["wall_seconds"], metrics=metrics)
        self.folder.events.add(event, **facts)
        self._ended = True

    def _release(self, folder: RunFolder) -> None:
        """Let go of the folder; what can be resumed keeps its checkpoint."""
        if not self._released:
            self._released = True
            folder.close(keep_checkpoint=self.info.get("status", "running") in store.RESUMABLE)
