"""``latest`` beside the runs of a task: a link to the newest, or a file with its name where links are refused."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mlexp import system
from mlexp.config.untrusted import read_bytes
from mlexp.errors import DataError
from mlexp.store import stamp
from mlexp.store.files import write_bytes

LATEST = "latest"
FILE = "latest.txt"


def named(parent: Path) -> Path | None:
    """Return the folder that ``latest`` in a task's folder names; None if there is neither link nor file."""
    link, file = parent / LATEST, parent / FILE
    if os.path.islink(link):  # false, and no error, where the name is too long
        return link.resolve()
    if not os.path.lexists(file):
        return None
    name = read_bytes(file).decode("utf-8", "replace").strip()
    if not name or name in (".", "..") or any(mark in name for mark in "/\\:\0"):
        raise DataError(f"{file} does not name a run beside it. Remove it: the next run writes it again.")
    return parent.resolve() / name


def follow(path: Path) -> Path:
    """Return a path in which ``latest`` is replaced by the run that the text file names, where there is no link.

    Raises
    ------
    DataError
        If the file does not hold a name.
    """
    for place in (path, *path.parents):
        if place.name == LATEST and not os.path.lexists(place) and (newest := named(place.parent)):
            return newest / path.relative_to(place)
    return path


def point(path: Path) -> None:
    """Let ``latest`` beside the run folders name the newest: this one, unless it names one that began later."""
    parent = path.parent
    with suppress(DataError):
        before = named(parent)
        if before and before.exists() and stamp.newest([path, before]) != path:
            return
    temporary = parent / f".latest-{os.getpid()}"
    try:
        temporary.symlink_to(path.name, target_is_directory=True)
        system.replace(temporary, parent / LATEST)
    except OSError:
        write_bytes(parent / FILE, path.name.encode())
        with suppress(OSError):  # made where links are allowed, as on a disk that two systems share
            (parent / LATEST).unlink()
    else:
        (parent / FILE).unlink(missing_ok=True)


def forget(parent: Path) -> bool:
    """Remove a ``latest`` whose run is gone, and return whether it was."""
    newest = named(parent)
    if newest is None or newest.exists():
        return False
    for name in (LATEST, FILE):
        (parent / name).unlink(missing_ok=True)
    return True
