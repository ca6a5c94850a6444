"""A process of its own for a saved scikit-learn model, with limits of processor time and memory.

Native code trusts the numbers of a model: a tree whose child is itself never ends, an index beyond an array ends the
process. Both end here as one line. Arrays travel as plain bytes, nothing is pickled in either direction.

On Linux the process sets its limits itself, and also writes no file. Elsewhere this process looks ten times a second at
what it takes: memory can be exceeded between two looks, and on Windows the files that it may write are not limited.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np

from mlexp import system
from mlexp.errors import ConfigError, DataError
from mlexp.store.skopsfile import unpacked_size

CHILD = "mlexp.store.isolatedchild"
MEMORY = 4_000_000_000  # bytes that the model and its predictions may take, besides what their sizes give
COPIES = 8  # of the unpacked model and of the rows, that are held at once
LIMITS_ITSELF = sys.platform == "linux" and importlib.util.find_spec("resource") is not None
SECONDS_BETWEEN_LOOKS = 0.1
SECONDS = 6.0  # of processor time that every request may take, besides what its size gives
SECONDS_A_BYTE = 1e-6  # to load and to convert: of the unpacked model
SECONDS_A_BYTE_A_ROW = 2e-8  # to predict: twenty times what the slowest of scikit-learn's own metrics takes
WAITING = 10  # seconds on the clock for one of processor time, for other work on the machine
LONGEST_HEADER = 1 << 20
ERRORS = {error.__name__: error for error in (ConfigError, DataError)}


class Process:
    """A child process that holds the model of one run folder and answers requests, one at a time.

    Parameters
    ----------
    path : run folder
    trusted : packages, besides scikit-learn and mlexp's own, whose types the file may hold
    """

    def __init__(self, path: Path, trusted: Sequence[str]) -> None:
        files = [path / name for name in ("model.skops", "preparation.skops")]
        self.path = path
        self.size = sum(unpacked_size(file) for file in files if file.exists())
        self.trusted = trusted
        self.threads = 1
        self._seconds, self._memory = 0, 0
        self._excess: tuple[float, int] | None = None  # what it took when it was ended for it
        self._lock = threading.Lock()
        self.child = subprocess.Popen(
            [sys.executable, "-P", "-B", "-m", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("MLEXP_DEBUG") == "1" else subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches it through this process
            creationflags=system.OWN_GROUP,
        )
        weakref.finalize(self, _end, self.child)

    def open(self, threads: int) -> None:
        """Let the process load the model while this one goes on; predictions will take that many threads."""
        self.threads = threads
        places = {name: _place(name) for name in self.trusted}
        seconds = SECONDS + SECONDS_A_BYTE * self.size
        self._send({"path": str(self.path), "trusted": places}, [], seconds, self.size)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What the process says of the model once it is loaded.

        Raises
        ------
        DataError
            The file is damaged, or holds types that are not trusted.
        """
        try:
            return self._received()[0]
        except DataError:
            self.child.kill()  # no request is answered without a model
            raise

    def ask(self, what: str, X: np.ndarray, *, seconds: float = 0.0) -> list[np.ndarray]:
        """Return the arrays that a method of the model gives for rows; `seconds` more of processor time are allowed."""
        allowed = SECONDS + seconds + SECONDS_A_BYTE_A_ROW * self.size * len(X) + SECONDS_A_BYTE * X.nbytes
        with self._lock:
            _ = self.facts  # the model is loaded, or the reason why not is raised
            self._send({"what": what}, [X], allowed, X.nbytes)
            return self._received()[1]

    def _send(self, request: dict[str, Any], arrays: Sequence[np.ndarray], seconds: float, size: int) -> None:
        assert self.child.stdin
        self._seconds, self._memory = math.ceil(seconds * self.threads), MEMORY + COPIES * size
        limits = {"seconds": self._seconds, "memory": self._memory}
        with self._or_dead():
            send(self.child.stdin, request | limits, arrays)

    def _received(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Return the answer to the last request, or raise what the child raised or died of."""
        assert self.child.stdout
        with self._or_dead():
            answer, arrays = receive(self.child.stdout)
        if "error" in answer:
            raise ERRORS[answer["error"]](answer["words"])
        return answer, arrays

    @contextlib.contextmanager
    def _or_dead(self) -> Iterator[None]:
        """Say what the child died of, if it did, and end it if it takes far too long."""
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(over,), daemon=True)
        watch.start()
        try:
            yield
        except (OSError, EOFError, ValueError, MemoryError) as error:
            self.child.kill()
            raise DataError(self._died(self.child.wait())) from error
        except BaseException:  # Ctrl-C: the answer under way would be taken for that of the next request
            self.child.kill()
            raise
        finally:
            over.set()
            watch.join()  # it holds this object

    def _watch(self, over: threading.Event) -> None:
        """End the process if it takes far too long or, where it cannot limit itself, more than it may."""
        until = time.monotonic() + WAITING * self._seconds
        if LIMITS_ITSELF:
            if not over.wait(WAITING * self._seconds):
                self.child.kill()
            return
        with contextlib.suppress(ProcessLookupError):
            before, _ = system.usage(self.child.pid)
            while not over.wait(SECONDS_BETWEEN_LOOKS):
                spent, held = system.usage(self.child.pid)
                if spent - before > self._seconds + 1 or held > self._memory or time.monotonic() > until:
                    self._excess = spent - before, held
                    self.child.kill()
                    return

    def _died(self, code: int) -> str:
        why = (
            f"its process ended by signal {-code}" if code < 0 else f"its process ended with exit code {code}"
        )
        if self._excess:
            spent, held = self._excess
            why = (
                f"its process took {spent:.0f} s of processor time and {held / 1e6:,.0f} MB, and was ended: at most "
                f"{self._seconds} s and {self._memory / 1e6:,.0f} MB"
            )
        elif code in (-getattr(signal, "SIGXCPU", math.inf), -getattr(signal, "SIGKILL", math.inf)):
            why = f"it took more than {self._seconds} s of processor time, or the system stopped it"
        return f"The model of {self.path} cannot be used: {why}. Its file may be damaged: run the task again."


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe:
            with contextlib.suppress(
                OSError
            ):  # what was not sent cannot be flushed to a process that is gone
                pipe.close()


def _place(package: str) -> str | None:
    """Return the folder from which this process would import a package; None for the usual ones."""
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    if found is None or not found.origin:
        return None
    folder = Path(found.origin).resolve().parent
    return str(folder.parent if found.submodule_search_locations else folder)


def send(pipe: IO[bytes], header: dict[str, Any], arrays: Sequence[np.ndarray]) -> None:
    """Write one message: a line of JSON, then the bytes of the arrays that it describes."""
    whole = [np.asarray(array, order="C") for array in arrays]
    shapes = [(array.dtype.str, array.shape) for array in whole]
    pipe.write(json.dumps(header | {"arrays": shapes}).encode() + b"\n")
    for array in whole:
        pipe.write(array.reshape(-1).view(np.uint8).data if array.size else b"")
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Read one message.

    Raises
    ------
    EOFError
        The other process has ended.
    ValueError
        What it sent is not a message.
    """
    line = pipe.readline(LONGEST_HEADER)
    if not line.endswith(b"\n"):
        raise EOFError("the other process has ended")
    header: dict[str, Any] = json.loads(line)
    arrays = []
    for kind, shape in header.pop("arrays"):
        dtype = np.dtype(kind)
        if dtype.kind not in "biufU":
            raise ValueError(f"no array of {dtype} travels")
        data = bytearray(math.prod(shape) * dtype.itemsize)
        view = memoryview(data)
        while view:
            count = pipe.readinto(view)  # type: ignore[attr-defined]
            if not count:
                raise EOFError("the other process has ended")
            view = view[count:]
        arrays.append(np.frombuffer(data, dtype).reshape(shape))
    return header, arrays
