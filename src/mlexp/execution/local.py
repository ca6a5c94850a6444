"""Warm worker processes of this machine, each of which can die without harm to the others."""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from mlexp import system
from mlexp.drawing import lean
from mlexp.execution.base import Event, Work
from mlexp.runs import streams

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
STOPPED_BY = (signal.SIGINT, signal.SIGTERM)
LENGTH = struct.Struct("<Q")  # before each message: its bytes
NOTHING = pickle.dumps(None)
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
    keep : file descriptors that stay open for as long as one of the workers lives (not on Windows)
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
        self._options: dict[str, Any] = {"env": variables, "cwd": cwd, "stderr": log}
        self._keep = keep
        self._workers: list[_Worker] = []
        self._inbox: queue.SimpleQueue[tuple[_Worker, bytes | None]] = queue.SimpleQueue()

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
            if not any(worker.busy for worker in self._workers):
                return
            with contextlib.suppress(queue.Empty):
                worker, message = self._inbox.get(timeout=LOOK_AT_STOP)
                if worker in self._workers:
                    yield from self._received(worker, message)

    def close(self) -> None:
        """End all workers at once, busy or not."""
        for worker in self._workers:
            worker.leave()
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _assign(self, units: deque[Any]) -> Iterator[Event]:
        wanted = min(self.workers, len(units) + sum(worker.busy for worker in self._workers))
        while len(self._workers) < wanted:
            number = min(set(range(self.workers)) - {worker.number for worker in self._workers})
            options = self._options
            if self.workers > 1:
                options = options | {"env": options["env"] | {system.WORKER: str(number)}}
            self._workers.append(_Worker(self.work, options, self._keep, self._inbox, number))
        for worker in self._workers:
            if units and not worker.busy:
                worker.unit, worker.busy = units.popleft(), True
                worker.send(worker.unit)
                yield Event(worker.unit, "assigned")

    def _received(self, worker: _Worker, message: bytes | None) -> Iterator[Event]:
        if message is None:
            self._workers.remove(worker)
            ended = worker.end()
            if worker.busy:
                yield Event(worker.unit, "crashed", ended)
            return
        kind, content = pickle.loads(message)
        if kind == "done":
            worker.busy = False
            if content:
                self._workers.remove(worker)
                worker.leave()
                worker.end()
        yield Event(worker.unit, kind, content)


class _Worker:
    """One process, and the pipes to it and from it.

    Pipes and a thread that reads them are all that Windows, macOS and Linux have in common here.

    Parameters
    ----------
    inbox : takes ``(worker, message)`` of each message as bytes, and None for the end of the process
    number : which of the workers that live at a time it is, from 0
    """

    def __init__(
        self,
        work: str,
        options: Mapping[str, Any],
        keep: tuple[int, ...],
        inbox: queue.SimpleQueue[Any],
        number: int,
    ) -> None:
        script = (
            f"import sys; sys.path[:] = {importable()!r}; from mlexp.execution.local import serve; serve()"
        )
        with signals_held():
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", script],
                pass_fds=() if system.WINDOWS else keep,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                creationflags=system.OWN_GROUP,
                **options,
            )
        self.number = number
        self.unit: Any = None
        self.busy = False
        threading.Thread(target=self._read, args=(inbox,), daemon=True).start()
        self.send(work)

    def send(self, message: Any) -> None:
        """Send a message; that a worker has died is noticed when its pipe ends."""
        assert self.process.stdin
        with contextlib.suppress(OSError, ValueError):
            write(self.process.stdin, message)

    def leave(self) -> None:
        """Have the process end itself: no one wants its work any more."""
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def end(self) -> str:
        """Wait for the process, or kill it, and say how it ended."""
        try:
            code = self.process.wait(SECONDS_TO_LEAVE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.leave()
        if code >= 0:
            status = f" (0x{code:08X})" if code > 255 else ""  # Windows: 0xC0000005 is a wild pointer
            return f"the process ended with exit code {code}{status}"
        name = signal.Signals(-code).name
        return f"the process was killed by {name}{' (out of memory?)' if name == 'SIGKILL' else ''}"

    def _read(self, inbox: queue.SimpleQueue[Any]) -> None:
        assert self.process.stdout
        with self.process.stdout as pipe:
            while (message := read(pipe)) is not None:
                inbox.put((self, message))
        inbox.put((self, None))


def write(pipe: IO[bytes], message: Any) -> None:
    """Write a message to a pipe whose other end is a process of ours."""
    data = pickle.dumps(message)
    pipe.write(LENGTH.pack(len(data)) + data)
    pipe.flush()


def read(pipe: IO[bytes]) -> bytes | None:
    """Return the next message as bytes, which import nothing yet; None at the end of the pipe."""
    try:
        head = pipe.read(LENGTH.size)
        data = pipe.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""
    except OSError:
        return None
    return data or None


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
    if not hasattr(signal, "pthread_sigmask"):  # Windows, where Ctrl-C does not reach the group of a worker
        yield
        return
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


def serve() -> None:
    """Be a worker: do what comes through the standard input until it is closed, and answer through the output."""
    stop = threading.Event()
    for number in system.STOPPED_BY:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPED_BY)
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, inbox, stop), daemon=True).start()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what the work prints is not an answer
    streams.guard(silent=True)
    lean.allow()
    module, _, function = pickle.loads(inbox.get()).partition(":")
    work: Work = getattr(importlib.import_module(module), function)
    while True:
        unit = pickle.loads(inbox.get())
        exhausted = work(unit, stop, lambda message: write(answers, ("message", message)))
        sys.stdout.flush()
        write(answers, ("done", exhausted))


def _listen(requests: IO[bytes], inbox: queue.SimpleQueue[bytes], stop: threading.Event) -> None:
    """Pass on what comes; None asks to stop. At the end no one wants the work any more, nor this process.

    It reads bytes alone: to unpickle it would wait for the modules that the work is still importing.
    """
    while (message := read(requests)) is not None:
        if message == NOTHING:
            stop.set()
        else:
            inbox.put(message)
    os._exit(0)
