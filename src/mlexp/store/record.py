"""The run folder: the only writer of data files, and the reader that everything later uses.

Every file is written to a temporary name, flushed to the disk and renamed, so that a reader sees a whole
file or none. `history.csv` and `timing.csv` grow by whole lines while a model trains.
"""

from __future__ import annotations

import errno
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
from filelock import lock_descriptor

from mlexp.config.untrusted import run_folder
from mlexp.errors import ConfigError, DataError
from mlexp.store import skopsfile, stamp
from mlexp.store.files import (
    append_rows,
    appending,
    at_once,
    damaged,
    read_json,
    read_npz,
    read_table,
    write_bytes,
    write_json,
    write_npz,
    write_table,
    writing,
)
from mlexp.store.result import Columns, Result
from mlexp.store.shapes import INFO, METRICS, TUNING

PARTS = ("train", "validation", "test")
RESUMABLE = ("running", "failed", "interrupted")
DRAWN = ("completed", "diverged")  # how a run ends of which figures and page are drawn
PAGE = ("report.html", "report.md")  # in the order in which they are written, after the figures
CHECKPOINT = "checkpoint.npz"
LOCK = ".lock"
SECONDS_OF_A_LOOK = 0.2  # `is_locked` holds the lock for an instant: who wants it tries for longer
KILLED = "its process was killed"
TORN = ".*.tmp"
SECONDS_BETWEEN_APPENDS = 0.2


@dataclass(frozen=True)
class RunFolder:
    """Where one run writes; no other process can write there as long as `lock`, a file descriptor, is open."""

    path: Path
    lock: int
    rows: list[tuple[dict[str, float], dict[str, float]]] = field(default_factory=list)
    written: list[float] = field(default_factory=lambda: [0.0])

    def write_info(self, info: Mapping[str, Any]) -> None:
        """Write `run.json`, the record of what ran and how it ended."""
        write_json(self.path / "run.json", {"format": stamp.FORMAT} | dict(info))

    def write_config(self, text: str) -> None:
        """Write `config.yaml`, the resolved configuration."""
        write_bytes(self.path / "config.yaml", text.encode())

    def append_epoch(self, row: Mapping[str, float], seconds: float) -> None:
        """Add one line to `history.csv`, and the seconds it took to `timing.csv`, a fraction of a second late."""
        self.rows.append((dict(row), {"epoch": row["epoch"], "seconds": round(seconds, 6)}))
        if time.monotonic() - self.written[0] > SECONDS_BETWEEN_APPENDS:
            self.write_epochs()

    def write_epochs(self) -> None:
        """Write the epochs that wait."""
        for name, rows in zip(("history.csv", "timing.csv"), zip(*self.rows, strict=True), strict=False):
            append_rows(self.path / name, rows)
        self.rows.clear()
        self.written[0] = time.monotonic()

    def log(self, text: str) -> None:
        """Add a line with the time to `run.log`."""
        with appending(self.path / "run.log") as file:
            file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S} {text}\n")

    def write_checkpoint(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Write the state of the training, after the history that leads up to it is safe on the disk."""
        self.write_epochs()
        for name in ("history.csv", "timing.csv"):
            with appending(self.path / name) as file:
                os.fsync(file.fileno())
        write_npz(self.path / CHECKPOINT, arrays, compress=False)

    def rewind(self) -> dict[str, np.ndarray] | None:
        """Return the last state, and cut the history back to it; without a state, back to nothing."""
        state = Run(self.path).checkpoint
        epoch = int(state["counters"][1]) if state else 0
        for name in ("history.csv", "timing.csv"):
            if (self.path / name).exists():
                columns = read_table(self.path / name)
                kept = {key: cells[:epoch] for key, cells in columns.items()}
                write_table(self.path / name, kept)
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
            (self.path / LOCK).unlink(missing_ok=True)
            os.close(self.lock)

    def write_result(self, result: Result) -> None:
        """Write all that a run found out; the same result gives the same bytes."""
        self.write_epochs()
        with at_once():
            self._write_result(result)

    def _write_result(self, result: Result) -> None:
        write_json(self.path / "metrics.json", result.metrics)
        for name in ("predictions", "arrays", "model"):
            arrays = getattr(result, name)
            if arrays:
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
    if place is None and (not re.fullmatch(r"\w[\w.+=-]*", task) or task == "latest"):
        raise ConfigError(
            "task.name names a folder: it must begin with a letter or digit, go on with these or any of . _ + = -, "
            f"and not be 'latest'. Got '{task}'."
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
    stamp.refuse_older(path, load(path).info)
    _check_unfinished(path)
    folder = RunFolder(path.resolve(), locked(path.resolve(), patience))
    try:
        remove_torn(folder.path)
        remove_page(folder.path)
    except BaseException:
        folder.close(keep_checkpoint=True)
        raise
    return folder


def _check_unfinished(path: Path) -> None:
    if not is_unfinished(path):
        status = load(path).info["status"]
        raise ConfigError(f"{path} is {status}: only a run that did not come to its end can be resumed.")


def is_unfinished(path: Path) -> bool:
    """Return whether something of a run is left to do: epochs, figures and the page, or to let go of the folder."""
    info = load(path).info
    return info["status"] in RESUMABLE or is_undrawn(path, info) or (path / LOCK).exists()


def is_undrawn(path: Path, info: Mapping[str, Any]) -> bool:
    """Return whether a run or sweep came to its end, and not to the end of its figures and its page."""
    return info["status"] in DRAWN and bool(info.get("figures")) and not (path / PAGE[-1]).exists()


def remove_page(path: Path) -> None:
    """Remove the page of a run or sweep that is resumed: its being there says that all has been drawn."""
    for name in PAGE:
        (path / name).unlink(missing_ok=True)


def remove_torn(path: Path) -> None:
    """Remove what a killed process left half written."""
    for torn in path.rglob(TORN):
        torn.unlink()


def locked(path: Path, patience: float = 0) -> int:
    """Hold a lock that the system lets go of when the process ends, however it ends; wait for it if need be."""
    until = time.monotonic() + max(patience, SECONDS_OF_A_LOOK)
    while True:
        with writing(path / LOCK):
            lock = os.open(path / LOCK, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK)
        free = lock_descriptor(lock, blocking=False)
        if free and os.fstat(lock).st_nlink:  # else whoever held it has just taken the file away
            return lock
        os.close(lock)
        if not free and time.monotonic() > until:
            raise ConfigError(
                f"{path} is being written by a run that is still going on. Wait for it, or stop it."
            )
        time.sleep(0.05)


def is_locked(path: Path) -> bool:
    """Return whether a process, this one included, is writing in the folder of a run or sweep."""
    try:
        lock = os.open(path / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return error.errno in (errno.EACCES, errno.EPERM)  # it is there and may not be asked
    try:
        for pause in (0.002, 0.004, 0):  # another process may be asking the same at this moment
            if lock_descriptor(lock, blocking=False):
                return False
            time.sleep(pause)
        return True
    finally:
        os.close(lock)


def current(path: Path, name: str, shape: Any) -> Any:
    """Return what the record `name` of a folder says; of a run that was killed, that it was interrupted."""
    writing = is_locked(path)  # asked first: a run that ends in between is not taken for killed
    info = read_json(path / name, shape)
    stamp.refuse_newer(path, info.get("format", 0))
    if info.get("status") == "running" and not writing:
        info |= {"status": "interrupted", "error": KILLED}
    return info


def point_latest(path: Path) -> None:
    """Let ``latest`` beside the run folders name the newest: this one, unless it names one that began later.

    It is a link, or a text file where links are not allowed.
    """
    link = path.parent / "latest"
    if link.is_symlink() and link.exists() and stamp.newest([path, link.resolve()]) != path:
        return
    temporary = path.parent / f".latest-{os.getpid()}"
    try:
        temporary.symlink_to(path.name, target_is_directory=True)
        os.replace(temporary, link)
    except OSError:
        write_bytes(link.with_suffix(".txt"), path.name.encode())


def _exclusive(parent: Path, name: str) -> Path:
    for attempt in range(1, 1000):
        path = parent / (name if attempt == 1 else f"{name}-{attempt}")
        try:
            path.mkdir()
            return path
        except FileExistsError:
            continue
    raise FileExistsError(17, "1,000 runs of this name in one second", str(parent / name))


@dataclass(frozen=True)
class Run:
    """A run folder as it is read: nothing is loaded before it is asked for.

    Raises `DataError` from its attributes when a file of the folder is missing or damaged.
    """

    path: Path

    @cached_property
    def info(self) -> dict[str, Any]:
        """What ran and how it ended (`run.json`); what a killed process left "running" is interrupted."""
        found: dict[str, Any] = current(self.path, "run.json", INFO)
        return found

    @property
    def seconds(self) -> float | None:
        """Seconds that the run took, of a stack its share; None while it runs."""
        seconds = self.info.get("wall_seconds")
        return None if seconds is None else float(seconds) / int(self.info.get("stack", 1))

    @cached_property
    def metrics(self) -> dict[str, dict[str, float]]:
        """Part -> metric -> value (`metrics.json`); empty when the run did not complete."""
        return self._json("metrics.json", METRICS)

    @cached_property
    def tuning(self) -> dict[str, Any]:
        """How the settings were searched for (`tuning.json`); empty if they were typed."""
        return self._json("tuning.json", TUNING)

    @cached_property
    def history(self) -> dict[str, np.ndarray]:
        """Column -> one value an epoch (`history.csv`)."""
        return self._numbers("history.csv")

    @cached_property
    def timing(self) -> dict[str, np.ndarray]:
        """Seconds by epoch (`timing.csv`)."""
        return self._numbers("timing.csv")

    @cached_property
    def predictions(self) -> dict[str, np.ndarray]:
        """Arrays with one entry a row (`predictions.npz`); of a part, all of one length, and classes by their codes."""
        arrays, n_classes = self._npz("predictions.npz"), len(self.info.get("dataset", {}).get("classes", ()))
        if wrong := _other_rows(arrays, n_classes):
            raise damaged(self.path / "predictions.npz", wrong)
        return arrays

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """All other arrays (`arrays.npz`)."""
        return self._npz("arrays.npz")

    @cached_property
    def model(self) -> dict[str, np.ndarray]:
        """Parameters of the fitted model (`model.npz`)."""
        return self._npz("model.npz")

    @cached_property
    def checkpoint(self) -> dict[str, np.ndarray] | None:
        """State of a training that has not come to its end (`checkpoint.npz`); None before the first."""
        return self._npz(CHECKPOINT) or None

    @cached_property
    def tables(self) -> dict[str, Columns]:
        """Table -> column -> cells as text (`tables/*.csv`)."""
        return {file.stem: read_table(file) for file in sorted((self.path / "tables").glob("*.csv"))}

    def _json(self, name: str, shape: Any) -> dict[str, Any]:
        path = self.path / name
        found: dict[str, Any] = read_json(path, shape) if path.exists() else {}
        return found

    def _npz(self, name: str) -> dict[str, np.ndarray]:
        path = self.path / name
        return read_npz(path) if path.exists() else {}

    def _numbers(self, name: str) -> dict[str, np.ndarray]:
        path = self.path / name
        if not path.exists():
            return {}
        try:
            return {key: np.array([float(cell) for cell in cells]) for key, cells in read_table(path).items()}
        except ValueError as error:
            raise DataError(f"{path} is damaged: {error}. Run the task again.") from error


def _other_rows(arrays: Mapping[str, np.ndarray], n_classes: int) -> str:
    """Say which array is not one entry for each row of its part; nothing if all are."""
    rows: dict[str, int] = {}
    for name, array in arrays.items():
        part = next((part for part in PARTS if name.startswith(f"{part}_")), "")
        if array.ndim == 0 or rows.setdefault(part, len(array)) != len(array):
            return f"{name} has shape {array.shape}, unlike the others"
        if n_classes and array.size and name.endswith(("true", "predicted")):
            codes = array.dtype.kind in "iu" and array.ndim == 1
            if not (codes and 0 <= array.min() <= array.max() < n_classes):
                return f"{name} does not hold codes of {n_classes} classes"
    return ""


def load(path: Path) -> Run:
    """Open a run folder, or the newest one that a task's ``latest`` names.

    Raises
    ------
    DataError
        If `path` is no run folder, or holds links or what else is no plain file.
    """
    path = Path(path)
    if not os.path.exists(path / "run.json"):
        raise DataError(
            f"{path} is not a run folder: it has no run.json. Name a folder such as outputs/TASK/latest."
        )
    return Run(run_folder(path))
