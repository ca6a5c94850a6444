"""Folders that a stranger may have made: plain files of a bounded size, and nothing that leads out of them."""

from __future__ import annotations

import errno
import math
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mlexp import system
from mlexp.errors import DataError, MlexpError, shortened

MOST_BYTES = {
    ".json": 1 << 26,
    ".yaml": 1 << 24,
    ".csv": 1 << 28,
    ".png": 1 << 25,
}  # of a file that is read whole
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
NOT_PLAIN = "is a link, a pipe or a device, not a plain file"


def plain(path: str, flags: int) -> int:
    """Open a plain file, as the `opener` of `open`; a link is not followed, a pipe not waited for."""
    try:
        descriptor = system.opened(path, flags)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO, errno.ENOTDIR):
            raise
        raise OSError(error.errno, NOT_PLAIN, path) from error
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, NOT_PLAIN, path)


def opened(path: Path) -> IO[bytes]:
    """Open a plain file of a run folder to be read.

    Raises
    ------
    DataError
        If it is missing, too large to be read whole, or is a link, a folder, a pipe or a device.
    """
    try:
        file = open(path, "rb", opener=plain)  # noqa: SIM115
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    most = MOST_BYTES.get(path.suffix, math.inf)
    if (size := os.fstat(file.fileno()).st_size) > most:
        file.close()
        raise DataError(
            f"{path} is too large to be read: at most {most / 1e6:.0f} MB. It has {size / 1e6:,.0f} MB."
        )
    return file


def read_bytes(path: Path) -> bytes:
    """Return a plain file of a run folder, of at most `MOST_BYTES`; see `opened`."""
    with reading(path), opened(path) as file:
        return file.read()


def run_folder(path: Path) -> Path:
    """Return where the folder of a run or sweep is, once it is sure that it holds files and folders alone.

    A task's ``latest`` is followed to a folder beside it. Nothing inside may be a link, a pipe or a device: then
    whatever reads or writes there stays there.

    Raises
    ------
    DataError
        If something in it is none of these, or ``latest`` leads elsewhere.
    """
    whole = path.resolve()
    for link in (path, *path.parents):
        if link.name == "latest" and link.is_symlink() and link.resolve().parent != link.parent.resolve():
            raise DataError(
                f"{link} leads to {link.resolve()}, out of the folder of its task. Name the run itself."
            )
    waiting = [str(whole)]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    if system.is_plain_folder(entry):
                        waiting.append(entry.path)
                    elif not entry.is_file(follow_symlinks=False):
                        raise DataError(
                            f"{entry.path} {NOT_PLAIN}: a run folder may hold files and folders alone. Remove it."
                        )
        except FileNotFoundError:  # a sweep that is still running has just removed it
            continue
        except OSError as error:
            raise DataError(f"{here} cannot be read: {error.strerror}.") from error
    return whole


def printable(text: str) -> str:
    """Return text without what moves the cursor, colours or retitles a terminal; half letters become their codes.

    Examples
    --------
    >>> printable("a\\x1b]0;title\\x07b")
    'a\\\\x1b]0;title\\\\x07b'
    """
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the content of a run folder into one line that names it.

    mlexp finds in a folder what it wrote there, or else something that was damaged, or made up: what that leads to
    cannot be listed. Use it around reading alone, so that it does not hide what goes wrong elsewhere.
    """
    try:
        yield
    except MlexpError:
        raise
    except Exception as error:
        words = f"{type(error).__name__}: {shortened(str(error))}"
        raise DataError(
            f"{path} is damaged: it does not hold what a run leaves ({words}). Run the task again. If nobody has "
            "changed it, this is a fault of mlexp: MLEXP_DEBUG=1 shows where."
        ) from error
