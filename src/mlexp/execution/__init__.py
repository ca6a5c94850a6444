"""Where jobs run: processes of this machine, the workers of a Dask cluster, or jobs of Slurm."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import IO

from mlexp.config.schema import Execution
from mlexp.execution.base import Backend, Event, Send, Work, cores
from mlexp.execution.inprocess import InProcess
from mlexp.execution.local import Local

__all__ = ["Backend", "Event", "InProcess", "Local", "Send", "Work", "backend", "workers_of"]


def workers_of(settings: Execution, threads: int = 1) -> int:
    """Return how many units can be under way at once.

    Raises
    ------
    ConfigError
        If no one answers at the place that the settings name, or what is needed to ask is not installed.
    """
    if settings.backend == "dask":
        from mlexp.execution.dask import Dask

        with contextlib.closing(Dask(settings)) as asked:
            return asked.workers
    if settings.backend == "slurm":
        from mlexp.execution import slurm

        slurm.check(settings)
        return slurm.elements(settings) * slurm.workers_each(settings, threads)
    return settings.workers if isinstance(settings.workers, int) else max(1, cores() // threads)


def backend(
    settings: Execution, folder: Path, work: str, *, threads: int, log: IO[str], keep: tuple[int, ...] = ()
) -> Backend:
    """Return the place where work is done, made ready; see `Local` for the parameters.

    Parameters
    ----------
    settings : the node `execution` of the configuration
    folder : where the units write; other machines must see it under the same path
    """
    if settings.backend == "local":
        return Local(work, workers=workers_of(settings, threads), threads=threads, log=log, keep=keep)
    from mlexp.execution.cluster import Cluster, Scheduler

    scheduler: Scheduler
    if settings.backend == "dask":
        from mlexp.execution.dask import Dask

        scheduler = Dask(settings, folder)
    else:
        from mlexp.execution.slurm import Slurm

        scheduler = Slurm(settings, threads)
    return Cluster(scheduler, folder, work, threads=threads, log=log)
