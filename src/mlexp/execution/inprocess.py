"""Work in this process, for what runs inside a worker: a pool within a pool would oversubscribe the cores."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

from mlexp.execution.base import Event, Work


class InProcess:
    """Runs one unit after another in this process; a unit that crashes takes the process with it."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def run(self, units: deque[Any], stop: threading.Event) -> Iterator[Event]:
        """Yield events until the queue is empty, or the unit under way has ended after `stop`."""
        while units and not stop.is_set():
            unit = units.popleft()
            messages: list[Any] = []
            yield Event(unit, "assigned")
            self.work(unit, stop, messages.append)
            for message in messages:
                yield Event(unit, "message", message)
            yield Event(unit, "done")

    def close(self) -> None:
        """Nothing was started."""
