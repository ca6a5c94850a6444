"""Time left: measured with a clock of the test, and never a wild guess."""

from __future__ import annotations

import heapq
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from mlexp import dispatch
from mlexp.sweeps.pace import Pace
from mlexp.sweeps.planning import Job
from mlexp.sweeps.view import SweepView

Unit = Sequence[Job]


class Clock:
    """Seconds that pass when the test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def simulated(
    units: Sequence[Unit],
    workers: int,
    seconds: Callable[[Unit], float],
    start_up: float,
    clock: Clock,
    tell: Callable[[Job, str], None],
) -> float:
    """Run units on workers that need a while to start, tell of every job, and return when all was over."""
    queue = list(units)
    events: list[tuple[float, int, Unit]] = []

    def give(late: float) -> None:
        unit = queue.pop(0)
        for job in unit:
            tell(job, "running")
        heapq.heappush(events, (clock.now + late + seconds(unit), unit[0].number, unit))

    for _ in range(min(workers, len(queue))):
        give(start_up)
    while events:
        clock.now, _, unit = heapq.heappop(events)
        for job in unit:
            tell(job, "completed")
        if queue:
            give(0)
    return clock.now


def estimates(
    jobs: Sequence[Job], workers: int, stack: int, seconds: Callable[[Unit], float], start_up: float
) -> list[tuple[float, float]]:
    """Return what was said to be left whenever a job ended, and what truly was."""
    units = [tuple(jobs[k : k + stack]) for k in range(0, len(jobs), stack)]
    clock = Clock()
    rate = Pace(workers, clock)
    rate.handed_out(units)
    said: list[tuple[float, float]] = []

    def tell(job: Job, status: str) -> None:
        if status == "running":
            rate.begun(job)
            return
        rate.ended(job, True)
        left = rate.left()
        if left is not None:
            said.append((clock.now, left))

    end = simulated(units, workers, seconds, start_up, clock, tell)
    return [(left, end - now) for now, left in said]


@pytest.fixture(scope="module")
def jobs() -> Sequence[Job]:
    return dispatch.plan_sweep(["seed=range(0,400)", "model.hidden=[5]"]).jobs


@pytest.mark.parametrize(("workers", "stack"), [(1, 1), (2, 1), (2, 20), (4, 7), (2, 40)])
def test_a_sweep_of_40_seconds_is_never_said_to_take_minutes(
    jobs: Sequence[Job], workers: int, stack: int
) -> None:
    each = 36 * workers / len(jobs)
    found = estimates(jobs, workers, stack, lambda unit: each * len(unit), start_up=4)
    assert len(found) > len(jobs) / 3
    assert max(left for left, _ in found) < 45
    for left, truth in found:
        assert left == pytest.approx(truth, rel=0.35, abs=each * stack + 1)


def test_jobs_of_ten_minutes_are_told_from_the_first_one_on(jobs: Sequence[Job]) -> None:
    found = estimates(jobs[:4], 2, 1, lambda unit: 600, start_up=5)
    assert found[0][0] == pytest.approx(600, rel=0.02)


def test_a_single_round_of_short_jobs_says_nothing(jobs: Sequence[Job]) -> None:
    assert estimates(jobs[:2], 2, 1, lambda unit: 3, start_up=5) == []


def test_jobs_of_unlike_size_are_told_only_once_each_size_is_known() -> None:
    jobs = dispatch.plan_sweep(
        ["model.hidden=[5],[2000]", "seed=range(0,6)", "model.activation=relu,tanh"]
    ).jobs
    large = [job.config.model.hidden == [2000] for job in jobs]

    def seconds(unit: Unit) -> float:
        return 100.0 if unit[0].config.model.hidden == [2000] else 1.0

    found = estimates(jobs, 1, 1, seconds, start_up=2)
    assert 0 < len(found) < sum(large)
    for left, truth in found:
        assert left == pytest.approx(truth, rel=0.01, abs=0.01)


def test_a_job_that_begins_again_leaves_its_stack(jobs: Sequence[Job]) -> None:
    clock = Clock()
    rate = Pace(1, clock)
    rate.handed_out([jobs[:2], jobs[2:3], jobs[3:4]])
    for job in jobs[:2]:
        rate.begun(job)
    clock.now += 3
    rate.begun(jobs[0])  # its worker is gone, and the job was put back
    clock.now += 2
    for job in jobs[:2]:
        rate.ended(job, True)
    rate.begun(jobs[2])
    clock.now += 1
    rate.ended(jobs[2], False)
    assert rate.left() is not None


def test_what_a_person_reads(monkeypatch: pytest.MonkeyPatch, jobs: Sequence[Job]) -> None:
    """The lines of a sweep of 40 seconds that is written to a file."""
    clock = Clock()
    monkeypatch.setattr("time.monotonic", clock)
    plan = dispatch.plan_sweep(["seed=range(0,40)", "execution.workers=2"])
    text = io.StringIO()
    view = SweepView(plan, 0, Console(width=200, file=text))
    units = [(job,) for job in plan.jobs]
    view.announce(units, 0, Path("here"))
    simulated(units, 2, lambda unit: 1.9, 2, clock, lambda job, status: view.changed(job, status, {}))
    said = text.getvalue()
    assert "min left" not in said
    seconds = [int(found) for found in re.findall(r"about (\d+) s left", said)]
    assert seconds
    assert seconds[0] <= 40
    assert seconds == sorted(seconds, reverse=True)


def test_a_search_that_chooses_as_it_goes_says_nothing() -> None:
    plan = dispatch.plan_sweep(["seed=0,1,2,3"])
    text = io.StringIO()
    view = SweepView(plan, 0, Console(file=text))
    view.more_to_come = True
    view.announce([(job,) for job in plan.jobs], 0, Path("here"))
    for job in plan.jobs[:3]:
        view.changed(job, "running")
        view.changed(job, "completed", {})
    assert " left" not in text.getvalue()
