"""A sweep in rounds, each planned from the results of the last; its workers stay alive between rounds."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from mlexp.config.combinations import Combination
from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.errors import Interrupted
from mlexp.execution import Backend, Work
from mlexp.runs.terminal import QUIET
from mlexp.store import Sweep, sweep_folder
from mlexp.sweeps.conductor import Conductor, Row
from mlexp.sweeps.opening import write_plan
from mlexp.sweeps.planning import planned


class Rounds:
    """The folder of a sweep that grows; a round that ran before, in a process that was killed, is not run again.

    Parameters
    ----------
    place : folder of the sweep, made by the first round, or resumed
    config : its nodes `sweep` and `execution` say how the jobs run
    stop : is set to end the round under way
    worker : see `Conductor`
    command : the command line, for the record
    dataset : the rows that all jobs share
    verbosity : amount of output
    """

    def __init__(
        self,
        place: Path,
        config: Config,
        stop: threading.Event,
        *,
        worker: str | Work,
        command: Sequence[str] = (),
        dataset: Dataset,
        verbosity: int = QUIET,
    ) -> None:
        self.place, self.config, self.stop, self.worker = place, config, stop, worker
        self._options = tuple(command), dataset, verbosity
        self._open = ExitStack()
        self._under_way: tuple[Conductor, Backend] | None = None

    def __enter__(self) -> Rounds:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def run(self, combinations: Sequence[Combination]) -> list[Row]:
        """Run a round of jobs to its end, and return their lines of the summary; "left" is one that was stopped."""
        command, dataset, verbosity = self._options
        plan = replace(planned(combinations, command=command), figures=False)
        plan = replace(plan, jobs=tuple(replace(job, data=dataset.fingerprint) for job in plan.jobs))
        plan = replace(
            plan, sweep=replace(self.config.sweep, dir=str(self.place)), execution=self.config.execution
        )
        if self._under_way is None:
            if Sweep.is_at(self.place):
                folder = sweep_folder.reopen(self.place)
            else:
                shutil.rmtree(self.place, ignore_errors=True)
                folder = sweep_folder.create(self.place, plan.task, plan.hash, self.place)
            self._open.callback(folder.close)
            conductor = Conductor(plan, folder, self.worker, verbosity, dataset.n_features)
            write_plan(plan, folder)
            conductor.view.more_to_come = self.config.tune.strategy in ("halving", "bayes")
            pool = self._open.enter_context(conductor.at_work())
            self._under_way = conductor, pool
        else:
            conductor, pool = self._under_way
            before = len(conductor.plan.jobs)
            more = tuple(replace(job, number=before + job.number) for job in plan.jobs)
            plan = replace(conductor.plan, jobs=conductor.plan.jobs + more)
            conductor.extend(plan)
            write_plan(plan, conductor.folder)
        jobs = plan.jobs[-len(combinations) :]
        conductor.serve(jobs, pool, self.stop)
        conductor.view.stop()
        if conductor.problem:
            raise Interrupted(conductor.problem)
        return [conductor.rows.get(job.number, {"number": job.number, "status": "left"}) for job in jobs]
