"""Standard output and error as a program that may run for days needs them.

A reader that has closed its end (``| head -1``, a closed terminal) is no reason to end a run; a full device is, for the
output that was asked for is lost; and a terminal limited to ASCII gets ``?`` for every other character.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from mlexp import system
from mlexp.errors import Unspoken

FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)

Write = Callable[[Any], int]


class Standard(io.RawIOBase):
    """A descriptor that writes what it can; after the first failure it accepts everything and drops it.

    Parameters
    ----------
    descriptor : where bytes go
    silent : whether a full device is ignored too
    write : what writes them there and returns how many; `os.write` by default
    """

    def __init__(self, descriptor: int, *, silent: bool, write: Write | None = None) -> None:
        self._descriptor = descriptor
        self._write = write or partial(os.write, descriptor)
        self._silent = silent
        self._broken = False

    def write(self, data: Any) -> int:
        """Write bytes and return how many.

        Raises
        ------
        Unspoken
            Once, if the device is full.
        """
        if not self._broken:
            try:
                return self._write(data)
            except OSError as error:
                self._broken = True
                if error.errno in FULL and not self._silent:
                    raise Unspoken(
                        f"The standard output cannot be written: {error.strerror}. Free some space, or redirect "
                        "it."
                    ) from error
        return len(data)

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return os.isatty(self._descriptor)


def console(stream: Any) -> Write | None:
    """Return what writes UTF-8 to a console of Windows, which would take bytes for letters of an old code page."""
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw.write if raw and type(raw).__name__ == "_WindowsConsoleIO" else None


def encoding(stream: Any) -> str:
    """Return how text is written: as Python does, but into files and pipes of Windows as UTF-8.

    There Python takes an old code page, which lacks most letters; JSON and tables must be UTF-8. PYTHONIOENCODING
    overrules it.
    """
    if system.WINDOWS and not os.environ.get("PYTHONIOENCODING"):
        return "utf-8"
    return getattr(stream, "encoding", None) or "utf-8"


def guard(*, silent: bool = False) -> None:
    """Replace the standard output and error of this process by a `Standard` each.

    Parameters
    ----------
    silent : whether a full device is ignored on the standard output too; on the standard error it always is
    """
    sys.stdout = _guarded(sys.stdout, 1, silent)
    sys.stderr = _guarded(sys.stderr, 2, True)


def _guarded(stream: Any, descriptor: int, silent: bool) -> io.TextIOWrapper:
    if stream is None:  # closed by whoever started us: no file that we open may take its number
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    else:
        stream.flush()
    raw = Standard(descriptor, silent=silent, write=console(stream))
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding(stream),
        errors="replace",
        line_buffering=raw.isatty() or descriptor == 2,
    )
