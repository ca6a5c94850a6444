"""A batch of units on another machine: how it runs there, and how its events come back.

All that passes between the machines, once a batch has been submitted, is files in an *exchange*: a folder inside the
folder of the sweep, which every machine must see under the same path.

    .exchange-1f0c/
      7.jsonl       the events of batch 7, one a line
      stop          end after the epoch under way
      HOST-PID.log  what the workers there printed

An exchange belongs to one process that runs a sweep. Once it is removed, no one wants the work any more: either the
sweep is over, or it was killed and another process has taken it over.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from mlexp.errors import ConfigError
from mlexp.execution.local import Local

SECONDS_BETWEEN_LOOKS = 1.0  # seconds


@dataclass(frozen=True)
class Batch:
    """Units submitted together to another machine, and how they are to run.

    Attributes
    ----------
    number : names the file of its events
    units : what to run
    work, threads, cwd, environment : see `Local`; variables that the machine sets itself are left alone
    workers : processes at once
    exchange : folder of its events
    """

    number: int
    units: tuple[Any, ...]
    work: str
    workers: int
    threads: int
    exchange: Path
    cwd: Path
    environment: Mapping[str, str]

    @property
    def events(self) -> Path:
        """File of its events."""
        return self.exchange / f"{self.number}.jsonl"


def run(batch: Batch) -> str:
    """Run a batch in worker processes of this machine.

    Returns
    -------
    str
        Why it cannot run here; empty if it did, or if no one wants it any more.
    """
    if not batch.exchange.parent.is_dir():
        return unseen(batch.exchange.parent)
    with contextlib.suppress(
        FileExistsError, FileNotFoundError
    ):  # begun elsewhere before, or no longer wanted
        os.close(os.open(batch.events, os.O_CREAT | os.O_EXCL))
        numbers = {id(unit): number for number, unit in enumerate(batch.units)}
        workers = _workers_for(batch)
        for event in workers.pool.run(deque(batch.units), _StopRequest(batch.exchange)):
            _write(batch, [numbers[id(event.unit)], event.kind, event.content])
        with _lock:
            _idle.setdefault(batch.exchange, []).append(workers)
    return ""


def not_shared(complaint: str) -> ConfigError:
    """Return the error that a worker does not see the outputs."""
    return ConfigError(
        f"outputs must be on a disk that all machines share: {complaint}. Choose such a folder with outputs=FOLDER, or "
        "mount it there under the same path."
    )


def unseen(folder: Path) -> str:
    """Say that this machine does not see a folder."""
    return f"the worker on {socket.gethostname()} does not see {folder}"


def _write(batch: Batch, event: list[Any]) -> None:
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(batch.events, os.O_WRONLY | os.O_APPEND)
        with open(descriptor, "ab", buffering=0) as file:
            file.write(json.dumps(event).encode() + b"\n")


class _StopRequest(threading.Event):
    """Is set once the exchange holds a stop file, or has been removed."""

    def __init__(self, exchange: Path) -> None:
        super().__init__()
        self._exchange = exchange
        self._looked = 0.0

    def is_set(self) -> bool:
        if not super().is_set() and time.monotonic() - self._looked > SECONDS_BETWEEN_LOOKS:
            self._looked = time.monotonic()
            if (self._exchange / "stop").exists() or not self._exchange.is_dir():
                self.set()
        return super().is_set()


class _Workers(NamedTuple):
    """Worker processes that stay warm between two batches of one exchange, and the file that takes what they print."""

    pool: Local
    log: IO[str]


_idle: dict[Path, list[_Workers]] = {}
_lock = threading.Lock()


def _workers_for(batch: Batch) -> _Workers:
    close_unused()
    with _lock:
        if idle := _idle.get(batch.exchange):
            return idle.pop()
    log = open(batch.exchange / f"{socket.gethostname()}-{os.getpid()}.log", "a", encoding="utf-8")  # noqa: SIM115
    own = {name: value for name, value in batch.environment.items() if name not in os.environ}
    cwd = batch.cwd if batch.cwd.is_dir() else None
    pool = Local(batch.work, workers=batch.workers, threads=batch.threads, log=log, cwd=cwd, environment=own)
    return _Workers(pool, log)


def close_unused() -> None:
    """End the worker processes of exchanges that were removed."""
    with _lock:
        unused = [_idle.pop(exchange) for exchange in list(_idle) if not exchange.is_dir()]
    for workers in itertools.chain.from_iterable(unused):
        workers.pool.close()
        workers.log.close()
