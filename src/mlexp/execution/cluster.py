"""A backend whose work is done on other machines: it sends errands, and reads in their post what becomes of them."""

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

from mlexp.errors import ConfigError
from mlexp.execution.base import Event
from mlexp.execution.batch import Errand

SECONDS_BETWEEN_LOOKS = 0.05
SECONDS_A_FILE = 0.002  # so that a thousand files are looked at every two seconds, not twenty times a second


class Carrier(Protocol):
    """Takes errands to where they are done."""

    workers_each: int  # processes that work on one errand

    def sizes(self, waiting: int, under_way: int) -> list[int]:
        """Return how many of the waiting units go into each of the errands that should be sent now."""
        ...

    def send(self, errands: Sequence[Errand]) -> list[Any]:
        """Send errands, and return a ticket for each."""
        ...

    def ended(self, ticket: Any) -> tuple[str, str] | None:
        """Return None while an errand waits or is under way, else what `errand.do` returned, and why it ended."""
        ...

    def cancel(self, tickets: Sequence[Any]) -> None:
        """Take back errands that have not begun."""

    def close(self) -> None:
        """Let go of the other machines."""


@dataclass
class _Sent:
    errand: Errand
    ticket: Any
    read: int = 0  # bytes of its letter
    open: set[int] = field(default_factory=set)  # units of which the end is not known


class Remote:
    """Has units of work done elsewhere; see `errand` for how.

    Parameters
    ----------
    carrier : takes errands there
    folder : seen by all machines under the same path; the post is made inside
    work, threads : see `Local`
    log : open file that takes what workers print, in the end
    """

    def __init__(self, carrier: Carrier, folder: Path, work: str, *, threads: int, log: IO[str]) -> None:
        self.carrier = carrier
        self.post = folder.absolute() / f".post-{uuid.uuid4().hex[:8]}"
        self.post.mkdir()
        self._work = work
        self._threads = threads
        self._log = log
        self._count = 0
        self._sent: list[_Sent] = []

    def run(self, units: deque[Any], stop: threading.Event) -> Iterator[Event]:
        """Yield events until the queue is empty, or everything under way has ended after `stop`."""
        asked = False
        while True:
            if stop.is_set() and not asked:
                asked = True
                (self.post / "stop").touch()
                self.carrier.cancel([sent.ticket for sent in self._sent if not sent.errand.letter.exists()])
            if not asked:
                self._send(units)
            for sent in list(self._sent):
                yield from self._heard(sent, asked)
            if not self._sent and (asked or not units):
                return
            time.sleep(max(SECONDS_BETWEEN_LOOKS, SECONDS_A_FILE * len(self._sent)))

    def close(self) -> None:
        """Have everything under way end after its epoch: no one listens any more."""
        for file in sorted(self.post.glob("*.log")):
            self._log.write(file.read_text(encoding="utf-8", errors="replace"))
        shutil.rmtree(self.post, ignore_errors=True)
        self.carrier.close()

    def _send(self, units: deque[Any]) -> None:
        sizes = self.carrier.sizes(len(units), len(self._sent))
        errands = [self._errand([units.popleft() for _ in range(size)]) for size in sizes]
        for errand, ticket in zip(errands, self.carrier.send(errands) if errands else [], strict=True):
            self._sent.append(_Sent(errand, ticket, open=set(range(len(errand.units)))))

    def _errand(self, units: Sequence[Any]) -> Errand:
        self._count += 1
        variables = {name: value for name, value in os.environ.items() if name.startswith("MLEXP_")}
        return Errand(
            number=self._count,
            units=tuple(units),
            work=self._work,
            workers=self.carrier.workers_each,
            threads=self._threads,
            post=self.post,
            cwd=Path.cwd(),
            environment=variables,
        )

    def _heard(self, sent: _Sent, asked: bool) -> Iterator[Event]:
        ended = self.carrier.ended(sent.ticket)  # before its letter is read: what was told before counts
        units = sent.errand.units
        for number, kind, content in self._read(sent):
            if kind in ("done", "lost"):
                sent.open.discard(number)
            yield Event(units[number], kind, content)
        if ended is None:
            return
        self._sent.remove(sent)
        complaint, why = ended
        if complaint:
            raise ConfigError(
                f"outputs must be on a disk that all machines share: {complaint}. Choose such a folder with "
                "outputs=FOLDER, or mount it there under the same path."
            )
        if not asked:
            for number in sorted(sent.open):
                yield Event(units[number], "gone", why)

    def _read(self, sent: _Sent) -> list[Any]:
        """Return the events that have come since the last look; a line that is still being written waits."""
        try:
            with open(sent.errand.letter, "rb") as file:
                file.seek(sent.read)
                whole, newline, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        sent.read += len(whole) + len(newline)
        return [json.loads(line) for line in whole.splitlines()]
