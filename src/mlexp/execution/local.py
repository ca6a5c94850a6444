"""Warm worker processes of this machine, each of which can die without harm to the others."""

from __future__ import annotations

import contextlib
import importlib
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import IO, Any

from mlexp.execution.base import Event, Work
from mlexp.runs import streams

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
STOPPED_BY = (signal.SIGINT, signal.SIGTERM)
SECONDS_TO_LEAVE = 2.0
LOOK_AT_STOP = 0.2  # seconds


class Local:
    """A pool of worker processes.

    Parameters
    ----------
    work : "package.module:function", called in the workers as ``function(unit, stop, send)``; where it
        returns True the worker is replaced
    workers : largest number of processes
    threads : threads of the matrix products in each
    log : open file that takes what workers print
    keep : file descriptors that stay open for as long as one of the workers lives
    cwd : working folder of the workers; that of this process by default
    environment : variables added to those of this process
    """

    def __init__(
        self,
        work: str,
        *,
        workers: int,
        threads: int,
        log: IO[str],
        keep: tuple[int, ...] = (),
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.work = work
        self.workers = workers
        own = dict.fromkeys(THREADS, str(threads)) | {"PYTHONSAFEPATH": "1"}
        variables = os.environ | own | dict(environment or {})
        self._options: dict[str, Any] = {"env": variables, "cwd": cwd, "stdout": log, "stderr": log}
        self._keep = keep
        self._workers: list[_Worker] = []

    def run(self, units: deque[Any], stop: threading.Event) -> Iterator[Event]:
        """Yield events until the queue is empty, or everything under way has ended after `stop`."""
        stopping = False
        while True:
            if stop.is_set() and not stopping:
                stopping = True
                for worker in self._workers:
                    worker.send(None)
            if not stopping:
                yield from self._assign(units)
            busy = [worker for worker in self._workers if worker.busy]
            if not busy:
                return
            for connection in wait([worker.connection for worker in busy], LOOK_AT_STOP):
                worker = next(one for one in busy if one.connection is connection)
                yield from self._receive(worker)

    def close(self) -> None:
        """End all workers at once, busy or not."""
        for worker in self._workers:
            worker.connection.close()  # which ends them
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _assign(self, units: deque[Any]) -> Iterator[Event]:
        wanted = min(self.workers, len(units) + sum(worker.busy for worker in self._workers))
        while len(self._workers) < wanted:
            self._workers.append(_Worker(self.work, self._options, self._keep))
        for worker in self._workers:
            if units and not worker.busy:
                worker.unit, worker.busy = units.popleft(), True
                worker.send(worker.unit)
                yield Event(worker.unit, "assigned")

    def _receive(self, worker: _Worker) -> Iterator[Event]:
        try:
            kind, content = worker.connection.recv()
        except (EOFError, OSError):
            self._workers.remove(worker)
            yield Event(worker.unit, "crashed", worker.end())
            return
        if kind == "done":
            worker.busy = False
            if content:
                self._workers.remove(worker)
                worker.connection.close()
                worker.end()
        yield Event(worker.unit, kind, content)


class _Worker:
    """One process and the connection to it."""

    def __init__(self, work: str, options: Mapping[str, Any], keep: tuple[int, ...]) -> None:
        ours, theirs = socket.socketpair()
        script = (
            f"import sys; sys.path[:] = {importable()!r}; "
            f"from mlexp.execution.local import serve; serve({theirs.fileno()})"
        )
        with signals_held():
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", script],
                pass_fds=(theirs.fileno(), *keep),
                stdin=subprocess.DEVNULL,
                **options,
            )
        theirs.close()
        self.connection = Connection(ours.detach())
        self.unit: Any = None
        self.busy = False
        self.send(work)

    def send(self, message: Any) -> None:
        """Send a message; that a worker has died is noticed when it is next read from."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(message)

    def end(self) -> str:
        """Wait for the process, or kill it, and say how it ended."""
        try:
            code = self.process.wait(SECONDS_TO_LEAVE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if code >= 0:
            return f"the process ended with exit code {code}"
        name = signal.Signals(-code).name
        return f"the process was killed by {name}{' (out of memory?)' if name == 'SIGKILL' else ''}"


def importable() -> list[str]:
    """Return where a worker looks for modules: where this process does, the working folder last.

    What lies in the working folder is data: a ``random.py`` there must not take the place of Python's own.
    """
    here = {"", os.getcwd()}
    return [path for path in sys.path if path not in here] + [path for path in sys.path if path in here]


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Start a child process with Ctrl-C and SIGTERM blocked, until it has set its own handlers.

    Signals to this process arrive afterwards.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPED_BY)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Have a child process ignore Ctrl-C from its start: the parent decides."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def serve(descriptor: int) -> None:
    """Be a worker: do what comes through the connection until it is closed."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPED_BY)
    threading.Thread(target=_watch, args=(descriptor,), daemon=True).start()
    streams.guard(silent=True)
    connection = Connection(descriptor)
    name = connection.recv()
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, inbox, stop), daemon=True).start()
    module, _, function = name.partition(":")
    work: Work = getattr(importlib.import_module(module), function)
    while True:
        exhausted = work(inbox.get(), stop, lambda message: connection.send(("message", message)))
        sys.stdout.flush()
        connection.send(("done", exhausted))


def _watch(descriptor: int) -> None:
    """End the process when the connection is closed, for then no one wants the work any more.

    The listening thread cannot: to read a first unit it waits for the modules that the work is still importing.
    """
    connection = select.poll()
    connection.register(descriptor, getattr(select, "POLLRDHUP", 0))
    connection.poll()
    os._exit(0)


def _listen(connection: Connection, inbox: queue.SimpleQueue[Any], stop: threading.Event) -> None:
    """Pass on what comes through the connection; None asks to stop."""
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            os._exit(0)
        if message is None:
            stop.set()
        else:
            inbox.put(message)
