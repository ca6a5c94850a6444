"""The lock of a folder: one process writes there, and every other sees that it does."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from pathlib import Path

from filelock import lock_descriptor

from mlexp import system
from mlexp.errors import ConfigError
from mlexp.store.files import writing

LOCK = ".lock"
SECONDS_OF_A_LOOK = 0.2  # `is_locked` holds the lock for an instant: who wants it tries for longer


def locked(path: Path, patience: float = 0) -> int:
    """Hold a lock that the system lets go of when the process ends, however it ends; wait for it if need be."""
    until = time.monotonic() + max(patience, SECONDS_OF_A_LOOK)
    while True:
        with writing(path / LOCK):
            lock = system.opened(str(path / LOCK), os.O_WRONLY | os.O_CREAT)
        free = lock_descriptor(lock, blocking=False)
        if free and os.fstat(lock).st_nlink:  # else whoever held it has just taken the file away
            return lock
        os.close(lock)
        if not free and time.monotonic() > until:
            raise ConfigError(
                f"{path} is being written by a run that has not ended. Wait for it, or stop it."
            )
        time.sleep(0.05)


def release(path: Path, lock: int) -> None:
    """Let go of a lock that `locked` gave, and take its file away."""
    try:
        (path / LOCK).unlink(missing_ok=True)  # while it is held: no one else has it
    except PermissionError:  # Windows keeps what is open; who opens it in between keeps it too
        os.close(lock)
        with suppress(OSError):
            (path / LOCK).unlink(missing_ok=True)
    else:
        os.close(lock)


def is_locked(path: Path) -> bool:
    """Return whether a process, this one included, is writing in the folder of a run or sweep."""
    try:
        lock = system.opened(str(path / LOCK), os.O_RDONLY)
    except OSError as error:
        return error.errno in (errno.EACCES, errno.EPERM)  # it is there and may not be asked
    try:
        for pause in (0.002, 0.004, 0):  # another process may be asking the same at this moment
            if lock_descriptor(lock, blocking=False):
                return False
            time.sleep(pause)
        return True
    finally:
        os.close(lock)
