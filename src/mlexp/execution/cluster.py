"""A backend whose work runs on other machines: it submits batches, and reads their events from files."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from mlexp.execution.base import Event
from mlexp.execution.batch import Batch, not_shared

SECONDS_BETWEEN_LOOKS = 0.05
SECONDS_A_FILE = 0.002  # so that a thousand files are looked at every two seconds, not twenty times a second


class Scheduler(Protocol):
    """Takes batches to the machines that run them."""

    workers_each: int  # processes that work on one batch

    def sizes(self, waiting: int, under_way: int) -> list[int]:
        """Return how many of the waiting units go into each batch that should be submitted now."""
        ...

    def submit(self, batches: Sequence[Batch]) -> list[Any]:
        """Submit batches, and return a handle for each."""
        ...

    def ended(self, handle: Any) -> tuple[str, str] | None:
        """Return None while a batch waits or is under way, else what `batch.run` returned, and why it ended."""
        ...

    def cancel(self, handles: Sequence[Any]) -> None:
        """Cancel batches that have not begun."""

    def close(self) -> None:
        """Disconnect."""


@dataclass
class _Submitted:
    batch: Batch
    handle: Any
    read: int = 0  # bytes of its events
    open: set[int] = field(default_factory=set)  # units of which the end is not known


class Cluster:
    """Runs units of work on other machines; see `batch` for how.

    Parameters
    ----------
    scheduler : submits batches
    folder : seen by all machines under the same path; the exchange is made inside
    work, threads : see `Local`
    log : open file that takes what workers print, in the end
    """

    def __init__(self, scheduler: Scheduler, folder: Path, work: str, *, threads: int, log: IO[str]) -> None:
        self.scheduler = scheduler
        self.exchange = folder.absolute() / f".exchange-{uuid.uuid4().hex[:8]}"
        self.exchange.mkdir()
        self._work = work
        self._threads = threads
        self._log = log
        self._count = 0
        self._submitted: list[_Submitted] = []

    def run(self, units: deque[Any], stop: threading.Event) -> Iterator[Event]:
        """Yield events until the queue is empty, or everything under way has ended after `stop`."""
        stopping = False
        while True:
            if stop.is_set() and not stopping:
                stopping = True
                (self.exchange / "stop").touch()
                self.scheduler.cancel(
                    [one.handle for one in self._submitted if not one.batch.events.exists()]
                )
            if not stopping:
                self._submit(units)
            for one in list(self._submitted):
                yield from self._receive(one, stopping)
            if not self._submitted and (stopping or not units):
                return
            time.sleep(max(SECONDS_BETWEEN_LOOKS, SECONDS_A_FILE * len(self._submitted)))

    def close(self) -> None:
        """Have everything under way end after its epoch: no one waits for it any more."""
        for file in sorted(self.exchange.glob("*.log")):
            self._log.write(file.read_text(encoding="utf-8", errors="replace"))
        shutil.rmtree(self.exchange, ignore_errors=True)
        self.scheduler.close()

    def _submit(self, units: deque[Any]) -> None:
        sizes = self.scheduler.sizes(len(units), len(self._submitted))
        batches = [self._batch([units.popleft() for _ in range(size)]) for size in sizes]
        for batch, handle in zip(batches, self.scheduler.submit(batches) if batches else [], strict=True):
            self._submitted.append(_Submitted(batch, handle, open=set(range(len(batch.units)))))

    def _batch(self, units: Sequence[Any]) -> Batch:
        self._count += 1
        variables = {name: value for name, value in os.environ.items() if name.startswith("MLEXP_")}
        return Batch(
            number=self._count,
            units=tuple(units),
            work=self._work,
            workers=self.scheduler.workers_each,
            threads=self._threads,
            exchange=self.exchange,
            cwd=Path.cwd(),
            environment=variables,
        )

    def _receive(self, one: _Submitted, stopping: bool) -> Iterator[Event]:
        ended = self.scheduler.ended(one.handle)  # before its events are read: those before the end count
        units = one.batch.units
        for number, kind, content in self._read(one):
            if kind in ("done", "crashed"):
                one.open.discard(number)
            yield Event(units[number], kind, content)
        if ended is None:
            return
        self._submitted.remove(one)
        complaint, why = ended
        if complaint:
            raise not_shared(complaint)
        if not stopping:
            for number in sorted(one.open):
                yield Event(units[number], "unreachable", why)

    def _read(self, one: _Submitted) -> list[Any]:
        """Return the events that have come since the last look; a line that is still being written waits."""
        try:
            with open(one.batch.events, "rb") as file:
                file.seek(one.read)
                whole, newline, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        one.read += len(whole) + len(newline)
        return [json.loads(line) for line in whole.splitlines()]
