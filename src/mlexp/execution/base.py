"""What every place where jobs run has in common.

A backend takes units of work from a queue and yields what becomes of them. A unit is any value that the
function `work` of the backend takes. What that function tells (a tuple of numbers and text) comes back as a
sequence of the same.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

Tell = Callable[[Any], None]
Work = Callable[[Any, threading.Event, Tell], bool]


@dataclass(frozen=True)
class Event:
    """What became of a unit.

    Attributes
    ----------
    unit : the unit, as it was queued
    kind : given (a worker has it), told (`content` is what the work told), done, lost (the process that
        worked on it died), gone (the machine that had it went away: no fault of the unit)
    content : what was told, or why the worker died
    """

    unit: Any
    kind: str
    content: Any = None


class Backend(Protocol):
    """Runs units of work somewhere; more may be queued while it runs."""

    def run(self, units: deque[Any], stop: threading.Event) -> Iterator[Event]:
        """Yield events until the queue is empty, or everything under way has ended after `stop`."""
        ...

    def close(self) -> None:
        """End all that was started, at once."""


def cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
