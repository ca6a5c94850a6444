"""The work of a worker process on a unit of jobs."""

from __future__ import annotations

import faulthandler
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from mlexp.config.schema import Config
from mlexp.config.untrusted import plain
from mlexp.data.dataset import Dataset
from mlexp.errors import DataError, DivergedError, Interrupted, MlexpError, NotWritten, in_words
from mlexp.execution import Send
from mlexp.kinds.observer import RunPlan
from mlexp.runs import session
from mlexp.runs.session import Program
from mlexp.runs.terminal import QUIET, Terminal

CHANGED = "Its data changed while the sweep ran. Resume the sweep to run it with the data as they are now."


@dataclass(frozen=True)
class JobRequest:
    """One job as it is sent to a worker; `data` is the fingerprint that its data must have, empty for any."""

    number: int
    config: Config
    place: Path
    command: tuple[str, ...]
    data: str = ""


class JobStatus(NamedTuple):
    """A message of a worker: a job is running, or how it ended and what went wrong."""

    number: int
    status: str
    problem: str = ""


class CrashLog(Terminal):
    """Prints nothing; once there is a run folder, a crash leaves its traceback there."""

    def __init__(self, place: Path) -> None:
        super().__init__(QUIET)
        self.place = place
        self.file: IO[str] | None = None

    def begin(self, task: str, plan: RunPlan) -> None:
        """Have the interpreter log its traceback, should it crash."""
        if self.file is None:  # a search begins once more, with the setting that it chose
            self.file = open(self.place / "run.log", "a", encoding="utf-8", opener=plain)  # noqa: SIM115
            faulthandler.enable(self.file, all_threads=False)

    def end(self, info: Any, folder: Path) -> None:
        """Print nothing."""

    def close(self) -> None:
        """The job is over, well or not."""
        try:
            faulthandler.enable(sys.stderr)
        except (AttributeError, OSError, RuntimeError, ValueError):  # there is none, or it has no descriptor
            faulthandler.disable()
        if self.file is not None:
            self.file.close()


def run_unit(unit: Sequence[JobRequest], stop: threading.Event, send: Send, program: Program) -> bool:
    """Run the jobs of a unit, as one stack if there are several; an error fails only the job that raised it.

    A stack that fails is run one by one; one that is too large for the memory, in two halves.

    Parameters
    ----------
    unit : jobs that train as one stack, or a single job
    stop : is set to end the job under way after its epoch
    send : takes a `JobStatus` whenever a job begins or ends
    program : what runs a configuration and writes its page

    Returns
    -------
    bool
        True if this process should be replaced, because it ran out of memory.
    """
    waiting = [list(unit)]
    ran_out = False
    while waiting and not stop.is_set():
        group = waiting.pop(0)
        if len(group) == 1:
            ran_out |= is_out_of_memory(_alone(group[0], stop, send, program))
            continue
        rest, too_large = _together(group, stop, send, program)
        ran_out |= too_large
        size = -(-len(rest) // 2) if too_large else 1
        waiting[:0] = [rest[start : start + size] for start in range(0, len(rest), size)] if rest else []
    return ran_out


def is_out_of_memory(error: BaseException | None) -> bool:
    """Return whether an error is a `MemoryError`, or was raised from one: a model's own is put into our words."""
    return error is not None and (isinstance(error, MemoryError) or is_out_of_memory(error.__cause__))


def _alone(request: JobRequest, stop: threading.Event, send: Send, program: Program) -> BaseException | None:
    send(JobStatus(request.number, "running"))
    problem: BaseException | None = None
    log = CrashLog(request.place)
    try:
        session.run(
            request.config,
            program,
            command=request.command,
            terminal=log,
            place=request.place,
            stop=stop,
            dataset=_dataset(request),
        )
    except BaseException as error:
        problem = error
        if not request.place.exists():  # else the traceback stands in the log of the run
            traceback.print_exc(file=sys.stderr)
    finally:
        log.close()
    send(_status(request, problem))
    return problem


def _together(
    unit: Sequence[JobRequest], stop: threading.Event, send: Send, program: Program
) -> tuple[list[JobRequest], bool]:
    """Train a stack; return the jobs that are still to be run because it failed, and whether it was too large.

    The error itself is not kept: it would hold the arrays of the stack.
    """
    for request in unit:
        send(JobStatus(request.number, "running"))
    logs = [CrashLog(request.place) for request in unit]
    rest = list(unit)
    try:
        for problem in session.run_together(
            [request.config for request in unit],
            program,
            command=unit[0].command,
            terminals=logs,
            places=[request.place for request in unit],
            stop=stop,
            dataset=_dataset(unit[0]),
        ):
            send(_status(rest.pop(0), problem))
    except NotWritten as error:  # nor would the disk take them one by one
        for request in rest:
            send(_status(request, error))
    except BaseException as error:
        traceback.print_exc(file=sys.stderr)
        return rest, is_out_of_memory(error)
    finally:
        for log in logs:
            log.close()
    return [], False


def _status(request: JobRequest, problem: BaseException | None) -> JobStatus:
    if problem is None:
        return JobStatus(request.number, "completed")
    return JobStatus(request.number, _word(problem), in_words(problem))


def _word(error: BaseException) -> str:
    kinds: dict[type[MlexpError], str] = {
        DivergedError: "diverged",
        Interrupted: "interrupted",
        NotWritten: "not written",
    }
    return next((status for kind, status in kinds.items() if isinstance(error, kind)), "failed")


_loaded: tuple[Any, Dataset] | None = None


def _dataset(request: JobRequest) -> Dataset:
    """Return the data of a job; those of the last job are kept, for the next one mostly needs the same."""
    global _loaded
    wanted = (asdict(request.config.dataset), request.config.data_dir, request.data)
    if _loaded is None or _loaded[0] != wanted:
        _loaded = None
        dataset = session.load(request.config)
        if request.data not in ("", dataset.fingerprint):
            raise DataError(CHANGED)
        _loaded = (wanted, dataset)
    return _loaded[1]
