"""What all backends have in common.

A backend takes units of work from a queue and yields events. A unit is any value that the function `work` of the
backend accepts. Messages sent by that function (tuples of numbers and text) come back as sequences of the same.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

Send = Callable[[Any], None]
Work = Callable[[Any, threading.Event, Send], bool]


@dataclass(frozen=True)
class Event:
    """What happened to a unit.

    Attributes
    ----------
    unit : the unit, as it was queued
    kind : assigned (a worker has it), message (`content` was sent by the work), done, crashed (its worker process
        died), unreachable (the machine that had it went away: no fault of the unit)
    content : the message, or why the worker died
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
