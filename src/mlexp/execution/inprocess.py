"""Work in this very process, for what runs inside a worker: a pool in a pool would ask for more than the cores."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

from mlexp.execution.base import Event, Work


class Here:
    """Does one unit after another itself; what a unit does to this process is done to all of them."""

    def __init__(self, work: Work) -> None:
        self.work = work

    def run(self, units: deque[Any], stop: threading.Event) -> Iterator[Event]:
        """Yield events until the queue is empty, or the unit under way has ended after `stop`."""
        while units and not stop.is_set():
            unit = units.popleft()
            told: list[Any] = []
            yield Event(unit, "given")
            self.work(unit, stop, told.append)
            for message in told:
                yield Event(unit, "told", message)
            yield Event(unit, "done")

    def close(self) -> None:
        """Nothing was started."""
