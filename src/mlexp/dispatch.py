"""What runs a configuration: the study of its kind, a search of settings, a sweep or a comparison.

Everything below is handed what it needs from here: a session its `study`, a sweep the `check` of its jobs and the
`worker` that runs them. `work` is where worker processes, here or on other machines, enter the program.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlexp import kinds, plugins
from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.execution import Send, Work
from mlexp.nn.device import opened
from mlexp.runs import session
from mlexp.runs.session import Program, Session
from mlexp.runs.terminal import QUIET, Terminal
from mlexp.store import Comparison, Run, Sweep, Why
from mlexp.store.result import Result

if TYPE_CHECKING:
    from mlexp.comparisons.study import ComparisonStudy
    from mlexp.config.conditions import Condition
    from mlexp.sweeps.conductor import SweepOutcome
    from mlexp.sweeps.planning import Plan
    from mlexp.sweeps.worker import JobRequest
    from mlexp.why.study import WhyStudy

# What runs the jobs of sweeps, searches and comparisons: the name of a function, called in worker processes, or a
# function, called in this process.
WORKER: str | Work = "mlexp.dispatch:work"


def check(config: Config) -> None:
    """Check what can be checked before data are read: the search and its space, or the model.

    Raises
    ------
    ConfigError
        What is wrong, in one line.
    """
    if config.execution.backend == "local":
        opened(config.device)
    if config.tune.strategy is None:
        kinds.check(config)
    else:
        from mlexp.tuning import run as searching

        searching.checked(config)


def study(config: Config, dataset: Dataset, session: Session, *, worker: str | Work | None = None) -> Result:
    """Run the study of a configuration: that of its kind, or a search that runs many of them."""
    if config.tune.strategy is None:
        found: Result = kinds.KINDS[config.task.kind].study.study(config, dataset, session)
        return found
    from mlexp.tuning import run as searching

    return searching.search(config, dataset, session, worker=worker or WORKER)


def show(folder: Path, figures: bool) -> None:
    """Write the page of a folder that has just ended, with figures if asked; the result is out before it is drawn."""
    from mlexp import report

    report.show(folder, figures)


def program() -> Program:
    """Return what sessions and comparisons are handed."""
    return Program(study, show, WORKER)


def run(config: Config, **more: Any) -> Run:
    """Run a checked configuration and return its run folder; `more` as for `mlexp.runs.session.run`."""
    return session.run(config, program(), **more)


def plan_sweep(arguments: Sequence[str], config_dir: str | None = None, command: Sequence[str] = ()) -> Plan:
    """Plan the sweep of ``mlexp -m *arguments``, all its jobs checked."""
    from mlexp.sweeps import planning

    return planning.plan(arguments, config_dir, command, check=check)


def conditions_of(asked: Config | Plan | ComparisonStudy) -> list[Condition]:
    """Return the conditions that a run, a sweep or a comparison must meet, its key `expect`.

    Raises
    ------
    ConfigError
        One of them names what such runs do not record.
    """
    from mlexp.config import conditions

    arms: list[str] = []
    if isinstance(asked, Config):
        first = asked
    else:
        from mlexp.comparisons.study import ComparisonStudy

        arms = list(asked.arms) if isinstance(asked, ComparisonStudy) else []
        first = asked.plan.first if isinstance(asked, ComparisonStudy) else asked.first
    found = conditions.of(first.expect)
    if not found:
        return []
    from mlexp.report import expected

    expected.refuse_unknown(found, first.task.kind, arms)
    return found


def run_sweep(plan: Plan, *, verbosity: int = QUIET) -> SweepOutcome:
    """Run every job of a plan; see `mlexp.sweeps.conductor.run`."""
    from mlexp.sweeps import conductor

    return conductor.run(plan, worker=WORKER, verbosity=verbosity)


def run_comparison(study: ComparisonStudy, *, verbosity: int = QUIET, details: bool = False) -> SweepOutcome:
    """Run every job of a comparison and answer its question; see `mlexp.comparisons.running.run`."""
    from mlexp.comparisons import running

    return running.run(study, program(), verbosity=verbosity, details=details)


def run_why(study: WhyStudy, *, verbosity: int = QUIET) -> SweepOutcome:
    """Run every stage of a case and say what explains its figures; see `mlexp.why.running.run`."""
    from mlexp.why import running

    return running.run(study, program(), verbosity=verbosity)


def resume(
    path: Path, *, command: Sequence[str] = (), verbosity: int = QUIET, settings: Sequence[str] = ()
) -> Run | SweepOutcome:
    """Resume what a folder holds: it ends as it would uninterrupted.

    Finished jobs are skipped, the others are resumed or restarted, and what was asked of all is answered. They run
    where `settings` say, such as ``execution=dask``; by default on this machine.
    """
    if not Sweep.is_at(path):
        return session.resume(
            path,
            program(),
            command=command,
            terminal=Terminal(verbosity),
            settings=settings,
        )
    from mlexp.sweeps import conductor, opening

    plan, folder = opening.taken_over(path, settings)
    with folder.freed_on_error():
        if Why.is_at(path):
            from mlexp.why import running as explaining

            return explaining.run_rest(plan, folder, program(), verbosity)
        if Comparison.is_at(path):
            from mlexp.comparisons import running

            return running.run_rest(plan, folder, program(), verbosity)
        return conductor.run_rest(plan, folder, worker=WORKER, verbosity=verbosity)


def work(unit: Sequence[JobRequest], stop: threading.Event, send: Send) -> bool:
    """Run the jobs of a unit in this process; a search among them starts no workers of its own.

    Returns
    -------
    bool
        True if this process should be replaced, because it ran out of memory.
    """
    from mlexp.sweeps.worker import run_unit

    plugins.load()
    return run_unit(unit, stop, send, Program(partial(study, worker=work), show, work))
