"""The writer of run folders: `mlexp.store.Run` is what reads them.

Every file is written to a temporary name, flushed to the disk and renamed, so that a reader sees a whole
file or none. `BY_EPOCH` grow by whole lines while a model trains.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mlexp import system
from mlexp.errors import ConfigError
from mlexp.store import CHECKPOINT, PAGE, Folder, Run, events, skopsfile, stamp
from mlexp.store.files import (
    append_rows,
    appending,
    at_once,
    read_table,
    write_bytes,
    write_json,
    write_npz,
    write_table,
)
from mlexp.store.lock import locked, release
from mlexp.store.result import Result

TORN = ".*.tmp"
BY_EPOCH = ("history.csv", "timing.csv", "diagnostics.csv")
SECONDS_BETWEEN_APPENDS = 0.2


def write_info(kind: type[Folder], path: Path, info: Mapping[str, Any]) -> None:
    """Write the record of a run, sweep or comparison."""
    write_json(path / kind.record, {"format": stamp.FORMAT} | dict(info))


def log(path: Path, text: str) -> None:
    """Add a line with the time to `run.log` of a run or sweep."""
    with appending(path / "run.log") as file:
        file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S} {text}\n")


@dataclass(frozen=True)
class RunFolder:
    """Where one run writes; no other process can write there as long as `lock`, a file descriptor, is open."""

    path: Path
    lock: int
    rows: dict[str, list[dict[str, float]]] = field(default_factory=lambda: {name: [] for name in BY_EPOCH})
    written: list[float] = field(default_factory=lambda: [0.0])

    def write_info(self, info: Mapping[str, Any]) -> None:
        """Write `run.json`, the record of what ran and how it ended."""
        write_info(Run, self.path, info)

    def write_config(self, text: str) -> None:
        """Write `config.yaml`, the resolved configuration."""
        write_bytes(self.path / "config.yaml", text.encode())

    @cached_property
    def events(self) -> events.Log:
        """The events of the run."""
        return events.Log(self.path)

    def append_epoch(self, row: Mapping[str, float], seconds: float) -> None:
        """Add one line to `history.csv`, its seconds to `timing.csv`, a fraction of a second late; and an event."""
        self.rows["history.csv"].append(dict(row))
        self.rows["timing.csv"].append({"epoch": row["epoch"], "seconds": round(seconds, 6)})
        self.events.epoch(row, seconds)
        if time.monotonic() - self.written[0] > SECONDS_BETWEEN_APPENDS:
            self.write_epochs()

    def append_diagnosis(self, row: Mapping[str, float]) -> None:
        """Add one line to `diagnostics.csv`, together with that of its epoch in the history."""
        self.rows["diagnostics.csv"].append(dict(row))

    def write_epochs(self) -> None:
        """Write the epochs that wait."""
        for name, rows in self.rows.items():
            if rows:
                append_rows(self.path / name, rows)
                rows.clear()
        self.written[0] = time.monotonic()

    def log(self, text: str) -> None:
        """Add a line with the time to `run.log`."""
        log(self.path, text)

    def write_checkpoint(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Write the state of the training, after the history that leads up to it is safe on the disk."""
        self.write_epochs()
        for name in BY_EPOCH:
            if (self.path / name).exists():
                with appending(self.path / name) as file:
                    os.fsync(file.fileno())
        write_npz(self.path / CHECKPOINT, arrays, compress=False)

    def rewind(self) -> dict[str, np.ndarray] | None:
        """Return the last state, and cut the history back to it; without a state, back to nothing."""
        state = Run(self.path).checkpoint
        epoch = int(state["counters"][1]) if state else 0
        for name in BY_EPOCH:
            if (self.path / name).exists():
                columns = read_table(self.path / name)
                n_kept = sum(float(cell) <= epoch for cell in columns.get("epoch", ()))
                write_table(self.path / name, {key: cells[:n_kept] for key, cells in columns.items()})
                if epoch == 0:
                    (self.path / name).unlink()
        return state

    def close(self, *, keep_checkpoint: bool) -> None:
        """Let go of the folder, whatever can still be written; a run that has come to its end needs no checkpoint."""
        try:
            self.write_epochs()
            if not keep_checkpoint:
                (self.path / CHECKPOINT).unlink(missing_ok=True)
        finally:
            release(self.path, self.lock)

    def write_result(self, result: Result) -> None:
        """Write all that a run found out; the same result gives the same bytes."""
        self.write_epochs()
        with at_once():
            write_json(self.path / "metrics.json", result.metrics)
            for name in ("predictions", "arrays", "model", "living"):
                if arrays := getattr(result, name):
                    write_npz(self.path / f"{name}.npz", arrays)
            if result.pipeline is not None:
                name = "preparation.skops" if result.model else "model.skops"
                write_bytes(self.path / name, skopsfile.dump(result.pipeline))
            for name, columns in result.tables.items():
                write_table(self.path / "tables" / f"{name}.csv", columns)


def create(outputs: Path, task: str, config_hash: str, place: Path | None = None) -> RunFolder:
    """Make a new run folder ``outputs/<task>/<time>-<hash>`` that no other process has, or the folder `place`.

    Raises
    ------
    ConfigError
        If the folder cannot be made.
    """
    path = new_folder(outputs, task, config_hash, place)
    return RunFolder(path, locked(path))


def new_folder(outputs: Path, task: str, code: str, place: Path | None = None) -> Path:
    """Make the folder ``outputs/<task>/<time>-<code>``, or `place`, which must not exist before."""
    if place is None and (not re.fullmatch(r"\w[\w.+=-]*", task) or task.casefold() == "latest"):
        raise ConfigError(
            "task.name names a folder: it must begin with a letter or digit, hold only these and any of . _ + = -, "
            f"and not be 'latest'. Got '{task}'."
        )
    if place is None and system.is_reserved(task):
        raise ConfigError(
            "task.name names a folder, and Windows refuses folders named con, prn, aux, nul, com1 or lpt1 (with or "
            f"without a suffix) or with a dot at the end. Got '{task}': add a word, such as {task.rstrip('.')}_1."
        )
    parent = Path(outputs) / task
    key, folder = ("outputs", outputs) if place is None else ("sweep.dir", place)
    try:
        if place is not None:
            place.mkdir(parents=True)
            return place
        parent.mkdir(parents=True, exist_ok=True)
        return _exclusive(parent, f"{datetime.now():%Y-%m-%d_%H-%M-%S}-{code}")
    except OSError as error:
        raise ConfigError(
            f"{key}={folder} cannot be written: {error.strerror} ({error.filename or parent}). "
            f"Choose a folder of your own with {key}=FOLDER."
        ) from error


def reopen(path: Path, patience: float = 0) -> RunFolder:
    """Take a run folder that an earlier process left unfinished, to go on writing there.

    Parameters
    ----------
    path : the run folder
    patience : seconds to wait for a process that is still writing there

    Raises
    ------
    ConfigError
        If its run is still going on, or has come to an end.
    """
    run = Run.open(path)
    stamp.refuse_older(path, run.info)
    if not run.is_unfinished:
        raise ConfigError(f"{path} is {run.status}: only a run that did not finish can be resumed.")
    folder = RunFolder(path.resolve(), locked(path.resolve(), patience))
    try:
        remove_torn(folder.path)
        remove_page(folder.path)
    except BaseException:
        folder.close(keep_checkpoint=True)
        raise
    return folder


def remove_page(path: Path) -> None:
    """Remove the page of a run or sweep that is resumed: its being there says that all has been drawn."""
    for name in PAGE:
        (path / name).unlink(missing_ok=True)


def remove_torn(path: Path) -> None:
    """Remove what a killed process left half written."""
    for torn in path.rglob(TORN):
        torn.unlink()


def _exclusive(parent: Path, name: str) -> Path:
    for attempt in range(1, 1000):
        path = parent / (name if attempt == 1 else f"{name}-{attempt}")
        try:
            path.mkdir()
            return path
        except FileExistsError:
            continue
    raise FileExistsError(17, "1,000 runs of this name in one second", str(parent / name))
