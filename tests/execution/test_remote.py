"""The line to another machine, with threads of this process in the place of machines."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlexp.errors import ConfigError
from mlexp.execution import Event, batch
from mlexp.execution.batch import Batch
from mlexp.execution.cluster import Cluster

WORK = "rigged_work:work"
SOURCE = """
import os, time
def work(unit, stop, send):
    if unit == "die":
        os._exit(3)
    print("printed by", unit)
    for step in range(unit):
        send((step, os.environ["WANTED"], os.getcwd()))
    while unit == 2 and not stop.is_set():
        time.sleep(0.02)
    return False
"""


class Threads:
    """Submits batches to threads; `change` is what happens to them on the way."""

    workers_each = 1

    def __init__(self, change: Any = lambda batch: batch) -> None:
        self.pool = ThreadPoolExecutor(2)
        self.change = change
        self.cancelled = 0

    def sizes(self, waiting: int, under_way: int) -> list[int]:
        return [1] * max(0, min(waiting, 2 - under_way))

    def submit(self, batches: Sequence[Batch]) -> list[Future[str]]:
        return [self.pool.submit(batch.run, self.change(one)) for one in batches]

    def ended(self, handle: Future[str]) -> tuple[str, str] | None:
        return (handle.result(), "it went away") if handle.done() else None

    def cancel(self, handles: Sequence[Future[str]]) -> None:
        self.cancelled += len(handles)

    def close(self) -> None:
        self.pool.shutdown()
        batch.close_unused()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "rigged_work.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANTED", "value")
    yield tmp_path
    assert not list(tmp_path.glob(".exchange-*"))


def run(folder: Path, scheduler: Threads, units: list[Any], stop: threading.Event) -> Iterator[Event]:
    with open(folder / "log.txt", "a") as log:
        cluster = Cluster(scheduler, folder, WORK, threads=1, log=log)
        try:
            yield from cluster.run(deque(units), stop)
        finally:
            cluster.close()


def test_events_come_back_in_order_and_what_was_printed_too(folder: Path) -> None:
    events = list(run(folder, Threads(), [1, 0, "die"], threading.Event()))
    of_one = [(event.kind, event.content) for event in events if event.unit == 1]
    assert of_one == [("assigned", None), ("message", [0, "value", str(folder)]), ("done", False)]
    assert [event.kind for event in events if event.unit == 0] == ["assigned", "done"]
    assert [(event.kind, event.content) for event in events if event.unit == "die"] == [
        ("assigned", None),
        ("crashed", "the process ended with exit code 3"),
    ]
    assert "printed by 1" in (folder / "log.txt").read_text()


def test_stop_reaches_what_is_under_way_and_takes_back_the_rest(folder: Path) -> None:
    stop = threading.Event()
    kinds = []
    for event in run(folder, Threads(), [2, 0, 0], stop):
        kinds.append((event.unit, event.kind))
        if event.unit == 2 and event.kind == "message":
            stop.set()
    assert (2, "done") in kinds


def test_what_another_machine_had_begun_and_never_ended_is_unreachable(folder: Path) -> None:
    """A second attempt that the cluster makes by itself does nothing: who sent the batch decides."""

    def begun(sent: Batch) -> Batch:
        sent.events.write_text('[0, "assigned", null]\n[0, "me')
        return sent

    events = [(event.kind, event.content) for event in run(folder, Threads(begun), [1], threading.Event())]
    assert events == [("assigned", None), ("unreachable", "it went away")]


def test_a_machine_that_does_not_see_the_folder_ends_the_sweep(folder: Path) -> None:
    def moved(sent: Batch) -> Batch:
        return replace(sent, exchange=folder / "elsewhere" / "exchange")

    with pytest.raises(ConfigError, match=r"does not see .*elsewhere.*outputs=FOLDER"):
        list(run(folder, Threads(moved), [1], threading.Event()))


def test_a_batch_that_no_one_wants_any_more_is_not_done(folder: Path) -> None:
    sent = Batch(1, (1,), WORK, 1, 1, folder / ".exchange-gone", folder, {})
    assert batch.run(sent) == ""
    assert sorted(os.listdir(folder)) == ["rigged_work.py"]
