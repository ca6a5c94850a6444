"""How a run or sweep under way is stopped, and what to type to resume it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlexp import system
from mlexp.errors import Interrupted, NotWritten
from mlexp.store import Run, shown


@contextmanager
def stop_on_signal(at_once: Callable[[], bool] = lambda: False) -> Iterator[threading.Event]:
    """Turn the first Ctrl-C (or SIGTERM) into a request to stop; the second one, or where `at_once` says so, stops."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before: dict[int, Any] = {}

    def put_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(number: int, frame: Any) -> None:
        if stop.is_set() or at_once():
            put_back()  # a third one meets what the process did before
            raise KeyboardInterrupt
        stop.set()
        os.write(2, b"stopping after this epoch; once more stops at once\n")  # print may be under way already

    for number in system.STOPPED_BY:
        before[number] = signal.signal(number, ask)
    try:
        yield stop
    finally:
        put_back()


@contextmanager
def resumable(path: Path) -> Iterator[None]:
    """Name the command to type next where a full disk or a second Ctrl-C ended what was under way in a folder."""
    try:
        yield
    except (NotWritten, KeyboardInterrupt) as error:
        raise with_cure(error, path) from error


def with_cure(error: NotWritten | KeyboardInterrupt, path: Path) -> Interrupted | KeyboardInterrupt:
    """Return the error to raise instead: it names the command that completes what is in a folder."""
    over = Run.is_at(path) and not Run.open(path).is_unfinished
    cure = f"Look at it with: mlexp show {shown(path)}" if over else how_to_resume(path)
    if isinstance(error, NotWritten):
        return Interrupted(f"{error} {cure}")
    return KeyboardInterrupt(str(error) or f"Stopped at once. {cure}")


def how_to_resume(path: Path) -> str:
    """Return the sentence that ends every message about an interrupted run, sweep or comparison."""
    return f"Resume it with: mlexp resume {shown(path)}"
