"""Batches of one unit each, submitted to the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlexp import __version__
from mlexp.config.schema import Execution
from mlexp.errors import ConfigError, Interrupted, optional
from mlexp.execution import batch as batches
from mlexp.execution.batch import Batch

SECONDS_TO_ANSWER = 5.0
SECONDS_TO_COUNT = 5.0  # between two counts of the workers: more may come and some may go


class Dask:
    """Submits batches to the workers that a Dask scheduler knows.

    Parameters
    ----------
    settings : `scheduler` is its address; `workers` is the largest number of units under way, auto for as
        many as the workers have threads
    folder : must be seen by every worker; None to ask for nothing but the number of workers
    """

    workers_each = 1

    def __init__(self, settings: Execution, folder: Path | None = None) -> None:
        self._wanted = settings.workers
        self._address = settings.scheduler
        self._counted = 0.0
        self._threads = 0
        self._cancelled: set[Any] = set()
        self.client: Any = connected(settings.scheduler)
        try:
            self._check(folder)
        except ConfigError:
            self.client.close()
            raise

    @property
    def workers(self) -> int:
        """Number of units that can be under way."""
        if time.monotonic() - self._counted > SECONDS_TO_COUNT:
            try:
                self._threads = sum(self.client.nthreads().values())
            except (OSError, RuntimeError) as error:
                raise self._lost() from error
            self._counted = time.monotonic()
        return self._threads if self._wanted == "auto" else min(self._wanted, self._threads)

    def sizes(self, waiting: int, under_way: int) -> list[int]:
        """Return batches of one unit: twice as many as there are threads, so that no thread waits for us."""
        return [1] * max(0, min(waiting, (2 if self._wanted == "auto" else 1) * self.workers - under_way))

    def submit(self, jobs: Sequence[Batch]) -> list[Any]:
        """Submit batches, each as a task of its own, whatever it has in common with others."""
        return [self.client.submit(batches.run, one, pure=False) for one in jobs]

    def ended(self, handle: Any) -> tuple[str, str] | None:
        """Return None while a batch waits or is under way."""
        if handle.status == "pending":
            return None
        if handle.status == "finished":
            return handle.result(), "the Dask worker that had begun it went away"
        if handle.status == "error":
            return "", f"Dask: {' '.join(str(handle.exception()).split())}"
        if handle.key not in self._cancelled:
            raise self._lost()
        return "", "cancelled"

    def cancel(self, handles: Sequence[Any]) -> None:
        """Cancel batches that have not begun."""
        self._cancelled |= {handle.key for handle in handles}
        self.client.cancel(list(handles))

    def close(self) -> None:
        """Disconnect from the scheduler, and end what its workers keep warm for this sweep."""
        with contextlib.suppress(OSError, RuntimeError):  # it may have gone away
            self.client.run(batches.close_unused, on_error="ignore")
        self.client.close()

    def _lost(self) -> Interrupted:
        return Interrupted(
            f"The Dask scheduler at {self._address} went away. If it does not come back, mlexp resume takes another "
            "one (execution.scheduler=tcp://HOST:PORT) or none (execution=local)."
        )

    def _check(self, folder: Path | None) -> None:
        try:
            self.client.wait_for_workers(1, timeout=SECONDS_TO_ANSWER)
        except TimeoutError:
            raise ConfigError(
                f"The Dask scheduler at {self._address} has no workers. Start some: dask worker {self._address}"
            ) from None
        try:
            found = self.client.run(look, str(folder.absolute()) if folder else None)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"A Dask worker cannot import {error.name}. Start the workers where mlexp is installed."
            ) from error
        for worker, (version, complaint) in found.items():
            if version != __version__:
                raise ConfigError(
                    f"Dask worker {worker} has mlexp {version}, this is {__version__}. Use one of them in both places."
                )
            if complaint:
                raise batches.not_shared(complaint)


def look(folder: str | None) -> tuple[str, str]:
    """Return the version of mlexp on a worker, and why it cannot work in `folder`."""
    return __version__, "" if folder is None or Path(folder).is_dir() else batches.unseen(Path(folder))


def connected(address: str | None) -> Any:
    """Return a client of the scheduler at `address`.

    Raises
    ------
    ConfigError
        If the extra is not installed, the address is none, or no one answers there within seconds.
    """
    cure = (
        "Start one with: dask scheduler, and set execution.scheduler to the tcp:// address that it prints. Or stay on "
        "this machine: execution=local."
    )
    if address is None:
        raise ConfigError(f"execution.backend=dask needs a scheduler. {cure}")
    distributed = optional("distributed", "execution.backend=dask", "dask")
    for name in ("distributed", "distributed.client"):  # we say ourselves what went wrong
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        place = distributed.comm.get_address_host_port(address)
        with socket.create_connection(place, SECONDS_TO_ANSWER):
            pass
        return distributed.Client(address, timeout=SECONDS_TO_ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(f"execution.scheduler={address} does not answer: {error}. {cure}") from error
