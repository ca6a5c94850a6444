"""Run a plan: hand its jobs to workers, take note of how each ends, write the summary."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

from mlexp import store
from mlexp.config.untrusted import plain
from mlexp.drawing.wanted import wanted
from mlexp.errors import DataError, Interrupted, MlexpError, SweepError
from mlexp.execution import Backend, Event, InProcess, Work, backend
from mlexp.page import render
from mlexp.runs import stopping
from mlexp.runs.terminal import QUIET
from mlexp.store import Run, Sweep, events, files, latest
from mlexp.store.sweep_folder import FINISHED, NOT_NEEDED, SETTLED, SweepFolder
from mlexp.sweeps import answer, figures
from mlexp.sweeps.opening import (
    begin,
    grown,
    has_other_data,
    is_finished,
    now,
    tracker,
    write_plan,
)
from mlexp.sweeps.planning import Job, Plan, read
from mlexp.sweeps.stacks import Unit, units
from mlexp.sweeps.view import SweepView
from mlexp.sweeps.worker import CHANGED, JobRequest, JobStatus

NEVER_BEGUN = 2  # times that a job may go to another worker because its own died before the job began
Row = dict[str, Any]
More = Callable[[Plan], Plan | None]


class Sparing(NamedTuple):
    """Which jobs may turn out not to be needed.

    Attributes
    ----------
    first : of the jobs of a plan those that run in any case
    not_needed : of the jobs of a plan, by what its folder holds once those have ended, the numbers that need not run
    """

    first: Callable[[Sequence[Job]], Sequence[Job]]
    not_needed: Callable[[Path, Sequence[Job]], Collection[int]]


@dataclass(frozen=True)
class SweepOutcome:
    """The outcome of a sweep.

    Attributes
    ----------
    path : folder of the sweep
    status : completed, failed (some jobs did not complete) or interrupted
    rows : the summary, one mapping a job
    problem : why it was interrupted, if it was not by Ctrl-C
    """

    path: Path
    status: str
    rows: list[Row]
    problem: str = ""

    def error(self) -> MlexpError | None:
        """Return the error for the command line, None if all jobs completed."""
        shown = store.shown(self.path)
        if self.status == "interrupted":
            left = sum(row["status"] not in SETTLED for row in self.rows)
            words = f"Stopped with {left} of {len(self.rows)} jobs left. {stopping.how_to_resume(self.path)}"
            return Interrupted(f"{self.problem} {words}".strip())
        wrong = [row for row in self.rows if row["status"] not in ("completed", NOT_NEEDED)]
        if not wrong:
            return None
        return SweepError(
            f"{len(wrong)} of {len(self.rows)} jobs did not complete; the others are kept. Job {wrong[0]['number']} "
            f"{wrong[0]['status']}: {wrong[0]['problem'].rstrip('.')}. All of them: {shown / 'summary.csv'}"
        )


def run(plan: Plan, *, worker: str | Work, verbosity: int = QUIET) -> SweepOutcome:
    """Run every job of a plan; a failing job does not affect the others.

    With ``plan.sweep.resume`` the newest sweep of the same jobs is resumed, if there is one. `worker` as for
    `Conductor`.

    Raises
    ------
    DataError
        If the rows that all jobs need are missing or damaged; nothing was made.
    ConfigError
        If the folder cannot be made, or another process is at work there.
    """
    plan = grown(read(plan))
    return run_rest(plan, begin(plan), worker=worker, verbosity=verbosity)


def run_rest(
    plan: Plan,
    folder: SweepFolder,
    *,
    worker: str | Work,
    verbosity: int = QUIET,
    ending: bool = True,
    more: More | None = None,
    sparing: Sparing | None = None,
) -> SweepOutcome:
    """Run what is left of a plan in its folder and release it; without `ending`, do not draw, show or release it.

    `more` is asked each time when all jobs have ended: it returns the plan with the jobs that come next, after the same
    ones, or None where there are no more. `sparing` says which jobs need not run.
    """
    with stopping.resumable(folder.path), closing(folder) if ending else nullcontext():
        return Conductor(plan, folder, worker, verbosity, plan.n_features, ending, sparing).conduct(more)


@contextmanager
def answering(folder: SweepFolder, outcome: SweepOutcome) -> Iterator[None]:
    """Record that there is no answer, and why; where runs are missing, it is the sweep that failed."""
    try:
        yield
    except MlexpError as error:
        folder.told_end("failed", outcome.rows, str(error))
        if isinstance(error, DataError) and outcome.status == "failed":
            raise SweepError(str(error)) from error
        raise


def show(plan: Plan) -> None:
    """Print the jobs of a plan and how they would be handed out."""
    plan = read(plan)
    SweepView(plan).announce(units(plan.jobs, plan.sweep.stack, plan.workers, plan.n_features), 0, None)


@dataclass
class Conductor:
    """One sweep under way.

    `worker` is the function that runs a unit of jobs: its name, ``package.module:function``, has it called in worker
    processes; the function itself has it called in this process.
    """

    plan: Plan
    folder: SweepFolder
    worker: str | Work
    verbosity: int
    n_features: int
    ending: bool = True
    sparing: Sparing | None = None
    rows: dict[int, Row] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)
    tries: Counter[int] = field(default_factory=Counter)
    queue: deque[Any] = field(default_factory=deque)  # what workers are served from
    problem: str = ""  # why no job can run any more

    def __post_init__(self) -> None:
        self.view = SweepView(self.plan, self.verbosity)

    def conduct(self, more: More | None = None) -> SweepOutcome:
        """Run what is left to run, and then what `more` adds."""
        if self.plan.sweep.dir is None:
            latest.point(self.folder.path)
        with stopping.stop_on_signal() as stop, self.at_work() as pool:
            self.set_aside()
            self.view.more_to_come = more is not None
            try:
                self.serve_needed(self.plan.jobs, pool, stop)
                while more and len(self.rows) == len(self.plan.jobs) and (plan := more(self.plan)):
                    added = plan.jobs[len(self.plan.jobs) :]
                    self.extend(plan)
                    write_plan(plan, self.folder)
                    self.view.stop()
                    self.serve_needed(added, pool, stop)
            except Interrupted as error:  # no one is left where the jobs run
                self.problem = str(error)
        return self.close(self.finished)

    def set_aside(self) -> None:
        """Move runs out of the way that are not of this plan, by their settings or by their data."""
        known = {job.name: job for job in self.plan.jobs}
        for place in sorted((self.folder.path / "runs").glob("[!.]*")):
            if place.name not in known or has_other_data(self.recorded(known[place.name]), known[place.name]):
                self.folder.set_aside(place)
                self.folder.log(f"{place.name} is set aside: it does not belong to these jobs and data")

    def extend(self, plan: Plan) -> None:
        """Continue with a plan that has more jobs."""
        self.plan = self.view.plan = plan

    @contextmanager
    def at_work(self) -> Iterator[Backend]:
        """Have workers, and write the summary when all is over, well or not."""
        path = self.folder.path / "run.log"
        with files.writing(path):
            log = open(path, "a", encoding="utf-8", opener=plain)  # noqa: SIM115
        with log:
            known = events.read(self.folder.path).rows
            self.folder.event("started", resumed=any(row["event"] == "started" for row in known))
            pool = self.backend(log)
            try:
                yield pool
            finally:
                pool.close()
                self.view.stop()
                self.finished = self.finish()

    def backend(self, log: IO[str]) -> Backend:
        """Return the place where the jobs run, made ready."""
        if not isinstance(self.worker, str):
            return InProcess(self.worker)
        return backend(
            self.plan.placed,
            self.folder.path,
            self.worker,
            threads=self.plan.first.threads,
            log=log,
            keep=(self.folder.lock,),
        )

    def serve_needed(self, jobs: Sequence[Job], pool: Backend, stop: threading.Event) -> None:
        """Have what is left of these jobs run, those last that may turn out not to be needed."""
        if self.sparing is None:
            self.serve(jobs, pool, stop)
            return
        numbers = {job.number for job in self.sparing.first(self.plan.jobs)}
        sure, later = (
            [job for job in jobs if job.number in numbers],
            [job for job in jobs if job.number not in numbers],
        )
        self.serve(sure, pool, stop)
        if not later or any(job.number not in self.rows for job in sure):  # it was stopped
            return
        spared = self.sparing.not_needed(self.folder.path, self.plan.jobs)
        for job in later:
            if job.number in spared and not is_finished(self.recorded(job), job):
                self.folder.clear(job.name)
                self.ended(job, NOT_NEEDED)
        left = [job for job in later if job.number not in self.rows]
        if left:
            self.view.stop()
            self.serve(left, pool, stop)

    def serve(self, jobs: Sequence[Job], pool: Backend, stop: threading.Event) -> None:
        """Have what is left of these jobs run."""
        for job in jobs:
            self.folder.clear(job.name)
            run = self.recorded(job)
            if is_finished(run, job) and not (run and run.is_undrawn):
                self.rows[job.number] = self._row(job, run)
        left = [job for job in jobs if job.number not in self.rows]
        handed = self.handed_out(left)
        self.queue.extend(self.requests(unit) for unit in handed)
        self.folder.log(f"{len(left)} of {len(jobs)} jobs to run")
        self.view.announce(handed, len(self.rows), store.shown(self.folder.path))
        for event in pool.run(self.queue, stop):
            self.handle(event, stop)

    def handed_out(self, left: list[Job]) -> list[Unit]:
        """Return what goes to a worker at a time; a job with a checkpoint resumes from there, alone."""
        begun = [job for job in left if (self.place(job) / store.CHECKPOINT).exists() or self.undrawn(job)]
        fresh = [job for job in left if job not in begun]
        stacked = units(fresh, self.plan.sweep.stack, self.plan.workers, self.n_features)
        return [*((job,) for job in begun), *stacked]

    def recorded(self, job: Job) -> Run | None:
        """Return the run folder of a job, to be read as it is now; None if it has none yet."""
        return Sweep(self.folder.path).run(job.name)

    def undrawn(self, job: Job) -> bool:
        """Return whether a job came to its end, and not to the end of its figures."""
        run = self.recorded(job)
        return run is not None and run.is_undrawn

    def place(self, job: Job) -> Path:
        """Return the run folder of a job."""
        return self.folder.path / "runs" / job.name

    def requests(self, unit: Unit) -> tuple[JobRequest, ...]:
        """Return the jobs of a unit as they are sent to a worker."""
        return tuple(
            JobRequest(job.number, job.config, self.place(job).absolute(), self.plan.command, job.data)
            for job in unit
        )

    def handle(self, event: Event, stop: threading.Event) -> None:
        """Record the message of a worker, or its death."""
        if event.kind in ("crashed", "unreachable"):
            self.lost(event)
        elif event.kind == "message":
            message = JobStatus(*event.content)
            job = self.plan.jobs[message.number - 1]
            if message.status == "running":
                self.begun.add(job.number)
                self.folder.event("started", job=job.number, folder=f"runs/{job.name}", settings=job.swept)
                self.view.changed(job, "running")
            elif message.status in ("interrupted", "not written"):
                stop.set()  # someone asked the worker, or its disk is full: what holds for one holds for all
                self.problem = self.problem or message.problem * (message.status == "not written")
            else:
                self.ended(job, message.status, message.problem)

    def ended(self, job: Job, status: str, problem: str = "") -> None:
        """Write down how a job ended."""
        run = self.recorded(job)
        row = self.rows[job.number] = self._row(job, run, status, problem)
        status, problem = row["status"], row["problem"]
        self.folder.add_to_summary(row, self.rows.values())
        self.folder.log(f"{job.name} {status}{f': {problem}' if problem else ''}")
        self.tell(job, run)
        self.view.changed(job, status, row, problem)

    def tell(self, job: Job, run: Run | None) -> None:
        """Write the event of a job that has ended; `run` is what its line of the summary was made of."""
        row = self.rows[job.number]
        status = "interrupted" if row["status"] == "left" else row["status"]
        facts = {
            "job": job.number,
            "seconds": row.get("seconds") or None,
            "metrics": run.metrics if run else {},
        }
        event, facts = events.of_end(status, row.get("problem", ""), **facts)
        self.folder.event(event, **facts)

    def lost(self, event: Event) -> None:
        """Fail or retry the job whose worker crashed, and queue the rest of its unit again.

        A job whose machine became unreachable is not at fault: it is retried whatever `sweep.retries` says.
        """
        for request in [request for request in event.unit if request.number not in self.rows]:
            job = self.plan.jobs[request.number - 1]
            if is_finished(self.recorded(job), job):  # it came to its end, and could not say so
                self.ended(job, "completed")
                continue
            at_fault = job.number in self.begun and event.kind == "crashed"
            self.tries[job.number] += 1
            if len(event.unit) > 1 or self.tries[job.number] <= (
                self.plan.sweep.retries if at_fault else NEVER_BEGUN
            ):
                self.folder.log(f"{job.name} is put back: {event.content}")
                self.folder.clear(job.name)
                self.begun.discard(job.number)
                self.queue.appendleft((request,))
            else:
                self.folder.mark(job.name, "failed", event.content)
                self.ended(job, "failed", event.content)

    def finish(self) -> SweepOutcome:
        """Write summary and status, whatever happened."""
        for job in self.plan.jobs:
            if job.number not in self.rows:
                self.folder.mark(job.name, "interrupted", self.problem or "stopped with the sweep")
                run = self.recorded(job)
                self.rows[job.number] = self._row(job, run)
                if job.number in self.begun:
                    self.tell(job, run)
        rows = [self.rows[job.number] for job in self.plan.jobs]
        seen = {row["status"] for row in rows}
        status = (
            "interrupted"
            if seen & {"interrupted", "left"}
            else "completed"
            if seen <= {"completed", NOT_NEEDED}
            else "failed"
        )
        self.folder.write_summary(rows)
        self.folder.write_info(Sweep(self.folder.path).info | {"status": status, "ended": now()})
        self.folder.log(status)
        if self.ending:
            self.folder.told_end(status, rows, self.problem)
        return SweepOutcome(self.folder.path, status, rows, self.problem)

    def close(self, outcome: SweepOutcome) -> SweepOutcome:
        """Draw and show."""
        if self.plan.figures and self.ending:
            sweep = Sweep(self.folder.path)
            figures.draw(sweep, wanted(sweep.path))
            render.write(sweep.path, answer.page(sweep))
        fates = Counter(f"jobs_{row['status']}".replace(" ", "_") for row in outcome.rows)
        tracker(self.plan, self.folder).ended(outcome.path, outcome.status, fates)
        if self.ending:
            self.view.end(outcome.rows, outcome.status, store.shown(outcome.path))
        return outcome

    def _row(self, job: Job, run: Run | None, status: str = "", problem: str = "") -> Row:
        """Return the line of the summary.

        Of a finished run its folder counts, so that a resumed sweep says the same; of others the worker's message
        first, for an attempt that ended before it could write leaves what an earlier one wrote.
        """
        row: Row = {"number": job.number, **job.swept, "status": status or "left"}
        if run is None:
            return row | {"seconds": "", "folder": "", "problem": problem}
        if has_other_data(run, job):
            if run.info["status"] in FINISHED:
                row["status"], problem = "failed", CHANGED
            return row | {"seconds": "", "folder": f"runs/{job.name}", "problem": problem}
        facts = run.info["facts"]
        if not status or run.info["status"] in FINISHED:
            row["status"], problem = run.info["status"], run.info["error"] or ""
        row |= {name: facts[name] for name in ("epochs", "best_epoch") if name in facts}
        for part, values in run.metrics.items():
            row |= {f"{part}_{name}": value for name, value in values.items()}
        return row | {
            "seconds": "" if run.seconds is None else round(run.seconds, 3),
            "folder": f"runs/{job.name}",
            "problem": problem,
        }
