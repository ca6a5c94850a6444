"""What a worker process does with a unit of work."""

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
from mlexp.data.dataset import Dataset
from mlexp.errors import DataError, DivergedError, Interrupted, MlexpError, NotWritten, in_words
from mlexp.execution import Tell
from mlexp.observer import Plan
from mlexp.runs import session
from mlexp.runs.terminal import QUIET, Terminal
from mlexp.untrusted import plain

CHANGED = "Its data changed while the sweep ran. Resume the sweep to run it with the data as they are now."


@dataclass(frozen=True)
class Order:
    """One job as it is sent to a worker; `data` is the fingerprint that its rows must have, empty for any."""

    number: int
    config: Config
    place: Path
    command: tuple[str, ...]
    data: str = ""


class News(NamedTuple):
    """What a worker tells of a job: running, or how it ended and what went wrong."""

    number: int
    status: str
    problem: str = ""


class _Voice(Terminal):
    """Says nothing; from the moment that there is a run folder, a crash leaves its traceback there."""

    def __init__(self, place: Path) -> None:
        super().__init__(QUIET)
        self.place = place
        self._log: IO[str] | None = None

    def begin(self, task: str, plan: Plan) -> None:
        """Have the interpreter write down where it was, should it crash."""
        if self._log is None:  # a search begins once more, with the setting that it chose
            self._log = open(self.place / "run.log", "a", encoding="utf-8", opener=plain)  # noqa: SIM115
            faulthandler.enable(self._log, all_threads=False)

    def end(self, info: Any, metrics: Any, folder: Path) -> None:
        """Say nothing."""

    def hush(self) -> None:
        """The job is over, well or not."""
        faulthandler.enable(sys.stderr)
        if self._log is not None:
            self._log.close()


busy = False  # whether this process is a worker: what it runs starts no workers of its own


def work(unit: Sequence[Order], stop: threading.Event, tell: Tell) -> bool:
    """Run the jobs of a unit, as one stack if there are several; what a job raises costs that job alone.

    Returns
    -------
    bool
        True if this process should be replaced, because it ran out of memory.
    """
    global busy
    busy = True
    rest: list[Order] = list(unit)
    problems: list[BaseException | None] = []
    if len(unit) > 1 and not stop.is_set():
        rest, problems = _together(unit, stop, tell)
    for order in rest:
        if not stop.is_set():
            problems.append(_alone(order, stop, tell))
    return any(map(is_out_of_memory, problems))


def is_out_of_memory(error: BaseException | None) -> bool:
    """Return whether an error is a `MemoryError`, or was raised from one: a model's own is put into our words."""
    return error is not None and (isinstance(error, MemoryError) or is_out_of_memory(error.__cause__))


def _alone(order: Order, stop: threading.Event, tell: Tell) -> BaseException | None:
    tell(News(order.number, "running"))
    problem: BaseException | None = None
    voice = _Voice(order.place)
    try:
        session.run(
            order.config,
            command=order.command,
            terminal=voice,
            place=order.place,
            stop=stop,
            dataset=_kept(order),
        )
    except BaseException as error:
        problem = error
        if not order.place.exists():  # else the traceback stands in the log of the run
            traceback.print_exc(file=sys.stderr)
    finally:
        voice.hush()
    tell(_news(order, problem))
    return problem


def _together(
    unit: Sequence[Order], stop: threading.Event, tell: Tell
) -> tuple[list[Order], list[BaseException | None]]:
    """Train a stack; return the jobs that are still to be run, one by one, because the stack failed, and why."""
    for order in unit:
        tell(News(order.number, "running"))
    voices = [_Voice(order.place) for order in unit]
    rest = list(unit)
    try:
        for problem in session.run_together(
            [order.config for order in unit],
            command=unit[0].command,
            terminals=voices,
            places=[order.place for order in unit],
            stop=stop,
            dataset=_kept(unit[0]),
        ):
            tell(_news(rest.pop(0), problem))
    except NotWritten as error:  # nor would the disk take them one by one
        for order in rest:
            tell(_news(order, error))
    except BaseException as error:
        traceback.print_exc(file=sys.stderr)
        return rest, [error]
    finally:
        for voice in voices:
            voice.hush()
    return [], []


def _news(order: Order, problem: BaseException | None) -> News:
    if problem is None:
        return News(order.number, "completed")
    return News(order.number, _verdict(problem), in_words(problem))


def _verdict(error: BaseException) -> str:
    kinds: dict[type[MlexpError], str] = {
        DivergedError: "diverged",
        Interrupted: "interrupted",
        NotWritten: "not written",
    }
    return next((status for kind, status in kinds.items() if isinstance(error, kind)), "failed")


_last: tuple[Any, Dataset] | None = None


def _kept(order: Order) -> Dataset:
    """Return the rows of a job; those of the last one are kept, for the next one mostly wants the same."""
    global _last
    wanted = (asdict(order.config.dataset), order.config.data_dir, order.data)
    if _last is None or _last[0] != wanted:
        _last = None
        dataset = session.load(order.config)
        if order.data not in ("", dataset.fingerprint):
            raise DataError(CHANGED)
        _last = (wanted, dataset)
    return _last[1]
