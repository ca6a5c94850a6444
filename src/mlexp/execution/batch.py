"""Units of work on another machine: what is done there, and how it is told.

All that passes between the machines, once a unit has been sent, is files in a *post*: a folder inside the
folder of the sweep, which every machine must see under the same path.

    .post-1f0c/
      7.jsonl       what became of the units of errand 7, one event a line
      stop          end after the epoch under way
      HOST-PID.log  what the workers there printed

A post belongs to one process that runs a sweep. When it is gone, no one wants the work any more: either the
sweep is over, or it was killed and another process has taken it over.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from mlexp.execution.local import Local

LOOK_AT_POST = 1.0  # seconds


@dataclass(frozen=True)
class Errand:
    """Units that one place is to do, and how.

    Attributes
    ----------
    number : names the file of its events
    units : what to do
    work, threads, cwd, environment : see `Local`; variables that the place sets itself are left alone
    workers : processes at once
    post : where to tell of it
    """

    number: int
    units: tuple[Any, ...]
    work: str
    workers: int
    threads: int
    post: Path
    cwd: Path
    environment: Mapping[str, str]

    @property
    def letter(self) -> Path:
        """File of its events."""
        return self.post / f"{self.number}.jsonl"


def do(errand: Errand) -> str:
    """Do an errand in worker processes of this machine.

    Returns
    -------
    str
        Why it cannot be done here; empty if it was, or if no one wants it any more.
    """
    if not errand.post.parent.is_dir():
        return unseen(errand.post.parent)
    with contextlib.suppress(FileExistsError, FileNotFoundError):  # begun elsewhere before, or not wanted
        os.close(os.open(errand.letter, os.O_CREAT | os.O_EXCL))
        numbers = {id(unit): number for number, unit in enumerate(errand.units)}
        team = _team(errand)
        for event in team.pool.run(deque(errand.units), _Asked(errand.post)):
            _tell(errand, [numbers[id(event.unit)], event.kind, event.content])
        with _lock:
            _idle.setdefault(errand.post, []).append(team)
    return ""


def unseen(folder: Path) -> str:
    """Say that this machine does not see a folder."""
    return f"the worker on {socket.gethostname()} does not see {folder}"


def _tell(errand: Errand, event: list[Any]) -> None:
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(errand.letter, os.O_WRONLY | os.O_APPEND)
        with open(descriptor, "ab", buffering=0) as file:
            file.write(json.dumps(event).encode() + b"\n")


class _Asked(threading.Event):
    """Is set once the post says stop, or is gone."""

    def __init__(self, post: Path) -> None:
        super().__init__()
        self._post = post
        self._looked = 0.0

    def is_set(self) -> bool:
        if not super().is_set() and time.monotonic() - self._looked > LOOK_AT_POST:
            self._looked = time.monotonic()
            if (self._post / "stop").exists() or not self._post.is_dir():
                self.set()
        return super().is_set()


class _Team(NamedTuple):
    """Worker processes that stay warm between two errands of one post, and the file that takes what they print."""

    pool: Local
    log: IO[str]


_idle: dict[Path, list[_Team]] = {}
_lock = threading.Lock()


def _team(errand: Errand) -> _Team:
    dismiss()
    with _lock:
        if teams := _idle.get(errand.post):
            return teams.pop()
    log = open(errand.post / f"{socket.gethostname()}-{os.getpid()}.log", "a", encoding="utf-8")  # noqa: SIM115
    own = {name: value for name, value in errand.environment.items() if name not in os.environ}
    cwd = errand.cwd if errand.cwd.is_dir() else None
    pool = Local(
        errand.work, workers=errand.workers, threads=errand.threads, log=log, cwd=cwd, environment=own
    )
    return _Team(pool, log)


def dismiss() -> None:
    """End the worker processes of posts that are gone."""
    with _lock:
        over = [_idle.pop(post) for post in list(_idle) if not post.is_dir()]
    for team in (team for teams in over for team in teams):
        team.pool.close()
        team.log.close()
