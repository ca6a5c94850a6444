"""What happens in a run or a sweep while it happens: `events.jsonl` of its folder, one JSON object a line.

    planned     what is going to run: the task, epochs and samples of a run; the number of jobs of a sweep
    started     a run, a sweep or a job of it has begun, or was resumed
    epoch       losses and metrics of an epoch of a run, at most one event in `SECONDS_BETWEEN_EPOCHS`
    finished    a run, a job or all of it completed, with its metrics
    failed      it did not: `status` says failed, diverged or interrupted, `problem` why

Every line has `time` (UTC, ISO 8601) and `event`; one that concerns a job of a sweep has its number, `job`. Numbers
that are not finite are null. Lines are only added, each by one system call: a process that is killed leaves at most its
last line torn, which the next writer ends and readers pass over. A run that was killed and resumed tells epochs after
its last checkpoint twice: the later line counts. Times differ from run to run, so that no comparison of bytes includes
this file, as it includes no log.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from mlexp.config.untrusted import opened, plain
from mlexp.store.files import jsonable, writing

FILE = "events.jsonl"
EVENTS = ("planned", "started", "epoch", "finished", "failed")
SUCCEEDED = ("completed", "not needed")  # how something ends that is "finished"; any other way it "failed"
SECONDS_BETWEEN_EPOCHS = 0.5
MOST_READ = 1 << 24  # bytes that are read at a time


class Events(NamedTuple):
    """Events of a folder.

    Attributes
    ----------
    rows : the events in order, each a mapping with at least `time` and `event`
    end : offset in bytes after the last whole line: where to go on reading
    """

    rows: list[dict[str, Any]]
    end: int


def append(folder: Path, event: str, /, **facts: Any) -> None:
    """Add one event to the file of a folder, with the time.

    Raises
    ------
    NotWritten
        If the file cannot be written, or is not a plain file.
    """
    assert event in EVENTS
    when = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps(jsonable({"time": when, "event": event} | facts), allow_nan=False).encode() + b"\n"
    path = folder / FILE
    with writing(path), open(path, "a+b", buffering=0, opener=plain) as file:
        if size := file.seek(0, os.SEEK_END):
            file.seek(size - 1)
            line = (
                line if file.read(1) == b"\n" else b"\n" + line
            )  # a process was killed within its last line
        file.write(line)


def read(folder: Path, start: int = 0) -> Events:
    """Return the events of a folder from an offset on, none if it has no such file; for more, read from `end` again.

    Parameters
    ----------
    folder : of a run, a sweep or a comparison
    start : offset in bytes, 0 or the `end` of what was read before

    Raises
    ------
    DataError
        If the file is a link, a pipe or a device.
    """
    path = folder / FILE
    if not os.path.lexists(path):
        return Events([], 0)
    with opened(path) as file:
        file.seek(start)
        text = file.read(MOST_READ)
    whole = text.rfind(b"\n") + 1
    if not whole and len(text) == MOST_READ:  # no line that we wrote
        whole = len(text)
    return Events(list(_parsed(text[:whole])), start + whole)


def _parsed(text: bytes) -> Iterator[dict[str, Any]]:
    """Yield the events of whole lines; what is none is passed over."""
    for line in text.split(b"\n"):
        try:
            row = json.loads(line, parse_constant=lambda word: None)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and row.get("event") in EVENTS and isinstance(row.get("time"), str):
            yield row


class Log:
    """The events of one folder as its writer adds them.

    Parameters
    ----------
    folder : of a run or a sweep
    pause : least seconds between two epochs
    """

    def __init__(self, folder: Path, pause: float = SECONDS_BETWEEN_EPOCHS) -> None:
        self.folder, self.pause = folder, pause
        self._last = -math.inf
        self._waiting: tuple[Mapping[str, float], float] | None = None

    def add(self, event: str, /, **facts: Any) -> None:
        """Add an event, after the last epoch if that was passed over."""
        if self._waiting is not None:
            row, seconds = self._waiting
            self._waiting = None
            append(self.folder, "epoch", **of_epoch(row, seconds))
        append(self.folder, event, **facts)

    def epoch(self, row: Mapping[str, float], seconds: float) -> None:
        """Add an epoch, a row of the history; of epochs that follow each other fast only some."""
        now = time.monotonic()
        if now - self._last < self.pause:
            self._waiting = row, seconds
            return
        self._last, self._waiting = now, None
        append(self.folder, "epoch", **of_epoch(row, seconds))


def of_end(status: str, problem: str | None = None, /, **facts: Any) -> tuple[str, dict[str, Any]]:
    """Return the event of an end, and what it holds.

    Examples
    --------
    >>> of_end("completed", seconds=2.0)
    ('finished', {'status': 'completed', 'seconds': 2.0})
    >>> of_end("diverged", "the loss was not finite")
    ('failed', {'status': 'diverged', 'problem': 'the loss was not finite'})
    """
    if status in SUCCEEDED:
        return "finished", {"status": status} | facts
    return "failed", {"status": status} | facts | {"problem": problem}


def of_epoch(row: Mapping[str, float], seconds: float) -> dict[str, Any]:
    """Return what the event of an epoch holds: its number, its seconds and its metrics.

    Examples
    --------
    >>> of_epoch({"epoch": 3.0, "train_loss": 0.5}, 0.25)
    {'epoch': 3, 'seconds': 0.25, 'metrics': {'train_loss': 0.5}}
    """
    metrics = {name: value for name, value in row.items() if name != "epoch"}
    return {"epoch": int(row["epoch"]), "seconds": round(seconds, 6), "metrics": metrics}
