"""Estimate of the remaining time of a sweep, from finished jobs similar to the remaining ones only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from mlexp.config import schema
from mlexp.sweeps.planning import Job

# What makes a job take longer: keys that are not here (seeds, rates, activations ...) change the time little.
COSTLY = (
    "task.kind", "dataset.name", "dataset.path", "dataset.limit", "dataset.n_samples", "prepare.pca",
    "prepare.polynomial", "prepare.one_hot", "model.name", "model.params", "model.hidden", "model.batch_size",
    "model.epochs", "model.patience", "model.dtype", "tune.strategy", "tune.space", "tune.budget", "tune.grow",
    "clustering.k", "clustering.methods", "embedding.methods", "embedding.rows",
)  # fmt: skip
WARM_UP = (
    20.0  # seconds: beside a longer job it does not matter that its worker had to start and to read the data
)


@dataclass(eq=False)
class _Unit:
    """Jobs that one worker runs at a time: numbers of those that have not begun, and of those that have not ended."""

    cost: str
    fresh: set[int]
    open: set[int]
    size: int
    begun: float = 0.0
    first: bool = False


class Pace:
    """Seconds a job, measured from when it began to when it ended; the first job of each worker starts it up too.

    Parameters
    ----------
    workers : jobs, or stacks of jobs, at once
    clock : returns seconds
    """

    def __init__(self, workers: int, clock: Callable[[], float]) -> None:
        self.workers = workers
        self.clock = clock
        self._of: dict[int, _Unit] = {}  # number of a job that has not ended -> its unit
        self._waiting: Counter[str] = Counter()  # cost -> jobs of units that have not begun
        self._running: set[_Unit] = set()
        self._n_begun = 0
        self._seconds: dict[str, list[float]] = {}  # cost -> seconds a job of each unit that ended

    def handed_out(self, units: Sequence[Sequence[Job]]) -> None:
        """Take in what is to run; jobs of one unit train as a stack."""
        for jobs in units:
            numbers = {job.number for job in jobs}
            unit = _Unit(_cost(jobs[0]), set(numbers), numbers, len(jobs))
            self._of |= dict.fromkeys(numbers, unit)
            self._waiting[unit.cost] += unit.size

    def begun(self, job: Job) -> None:
        """Take in that a job has begun; one that begins again was put back, alone, for its worker was lost."""
        unit = self._of[job.number]
        if job.number not in unit.fresh:
            self._leave(job, unit)
            unit = self._of[job.number] = _Unit(unit.cost, {job.number}, {job.number}, 1)
            self._waiting[unit.cost] += 1
        if unit not in self._running:
            self._running.add(unit)
            self._waiting[unit.cost] -= unit.size
            self._n_begun += 1
            unit.begun, unit.first = self.clock(), self._n_begun <= self.workers
        unit.fresh.discard(job.number)

    def ended(self, job: Job, completed: bool) -> None:
        """Take in that a job has ended; how long one took that failed says nothing of the others."""
        unit = self._of.pop(job.number)
        if unit not in self._running:  # it had come to its end, and could not say that it began
            self._waiting[unit.cost] -= 1
            unit.size -= 1
            return
        seconds = self.clock() - unit.begun
        if self._leave(job, unit) and completed and (not unit.first or seconds > WARM_UP):
            self._seconds.setdefault(unit.cost, []).append(seconds / unit.size)

    def left(self) -> float | None:
        """Return the seconds until all is done, None where it is not known."""
        waiting = {cost: count for cost, count in self._waiting.items() if count}
        costs = waiting.keys() | {unit.cost for unit in self._running}
        if not costs or not costs <= self._seconds.keys():
            return None
        each = {cost: fmean(self._seconds[cost]) for cost in costs}
        running = [
            max(each[unit.cost] * unit.size - (self.clock() - unit.begun), 0.0) for unit in self._running
        ]
        whole = sum(running) + sum(each[cost] * count for cost, count in waiting.items())
        return max(whole / self.workers, *running, 0.0)

    def _leave(self, job: Job, unit: _Unit) -> bool:
        """Take a job out of its unit and return whether it was the last."""
        unit.open.discard(job.number)
        if not unit.open:
            self._running.discard(unit)
        return not unit.open


def _cost(job: Job) -> str:
    """Return a text that is equal for jobs that take about equally long."""
    flat = schema.flat(job.config)
    return repr([flat[key] for key in COSTLY])


def in_words(seconds: float) -> str:
    """Return a time that is left as it is said.

    Examples
    --------
    >>> in_words(0.4), in_words(42), in_words(150), in_words(9000)
    ('about 1 s left', 'about 42 s left', 'about 2.5 min left', 'about 2.5 h left')
    """
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"about {seconds / size:.2g} {unit} left"
    return f"about {max(seconds, 1):.0f} s left"
