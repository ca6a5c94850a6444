"""Batches as jobs of Slurm, in arrays, through submitit."""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mlexp.config.schema import Execution
from mlexp.errors import ConfigError, optional
from mlexp.execution import batch as batches
from mlexp.execution.base import cores
from mlexp.execution.batch import Batch
from mlexp.execution.local import uninterrupted

LARGEST_ARRAY = 1000  # Slurm's own default limit is 1001
AT_ONCE = 16
SAFE_PATH = "PYTHONSAFEPATH"


class Slurm:
    """Submits batches to the queue of a cluster, or to processes of this machine (``cluster=local``).

    Parameters
    ----------
    settings : `workers` is the number of array elements that may run at once; partition, time, cpus, memory
        and options are asked for each
    threads : threads of one unit; an element works on as many units at once as its processors allow
    """

    def __init__(self, settings: Execution, threads: int) -> None:
        self.workers_each = workers_each(settings, threads)
        self._settings = settings
        self._executor: Any = None

    def sizes(self, waiting: int, under_way: int) -> list[int]:
        """Return the sizes of the elements of an array: nearly equal, at least a unit for each processor."""
        local = self._settings.cluster == "local"
        limit = elements(self._settings) - under_way if local else LARGEST_ARRAY
        count = max(0, min(limit, math.ceil(waiting / self.workers_each)))
        ends = [waiting * number // max(count, 1) for number in range(count + 1)]
        return [end - start for start, end in itertools.pairwise(ends)]

    def submit(self, jobs: Sequence[Batch]) -> list[Any]:
        """Submit batches as one array; scripts and logs of submitit stand in their exchange."""
        self._executor = self._executor or _executor(self._settings, jobs[0].exchange / "submitit")
        with uninterrupted(), safe_path(), self._executor.batch():
            return [self._executor.submit(batches.run, one) for one in jobs]

    def ended(self, handle: Any) -> tuple[str, str] | None:
        """Return None while a batch waits or is under way."""
        if not handle.done():
            return None
        complaint = handle.result() if handle.paths.result_pickle.exists() and not handle.exception() else ""
        said = handle.stderr() or ""
        last = said.strip().splitlines()[-1] if said.strip() else "it left no message"
        return complaint, f"job {handle.job_id} of the queue ended as {handle.state}: {last}"

    def cancel(self, handles: Sequence[Any]) -> None:
        """Cancel batches that have not begun."""
        for handle in handles:
            handle.cancel(check=False)

    def close(self) -> None:
        """Do nothing: nothing is held open."""


@contextlib.contextmanager
def safe_path() -> Iterator[None]:
    """Have Python processes that are started, here or in the queue, not import from their working folder."""
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before


def elements(settings: Execution) -> int:
    """Return the number of elements of an array that may run at once."""
    if isinstance(settings.workers, int):
        return settings.workers
    return max(1, cores() // settings.cpus) if settings.cluster == "local" else AT_ONCE


def workers_each(settings: Execution, threads: int) -> int:
    """Return the number of units that one element works on at once."""
    return max(1, settings.cpus // threads)


def check(settings: Execution) -> None:
    """Raise a `ConfigError` if nothing can be submitted from here."""
    optional("submitit", "execution.backend=slurm", "slurm")
    if settings.cluster == "slurm" and shutil.which("sbatch") is None:
        raise ConfigError(
            "execution.backend=slurm finds no sbatch here. Start the sweep on a node from which jobs are submitted, "
            "or set execution.cluster=local to run the same on this machine."
        )


def _executor(settings: Execution, folder: Path) -> Any:
    import submitit

    logging.getLogger("submitit").setLevel(logging.CRITICAL)
    executor = submitit.AutoExecutor(folder, cluster=settings.cluster)
    executor.update_parameters(
        name="mlexp",
        timeout_min=settings.time,
        cpus_per_task=settings.cpus,
        mem_gb=settings.memory,
        slurm_partition=settings.partition,
        slurm_array_parallelism=elements(settings),
        slurm_setup=[f"export {SAFE_PATH}=1"],  # where the queue hands on no variables
        slurm_additional_parameters=dict(settings.options) or None,
    )
    return executor
