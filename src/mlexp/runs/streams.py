"""Standard output and error as a program that may run for days needs them.

A reader that has gone away (``| head -1``, a terminal that was closed) is no reason to end a run; a full device is, for
what was asked for cannot be said; and a terminal that knows ASCII alone gets ``?`` for every other character.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any

from mlexp.errors import Unspoken

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Standard(io.RawIOBase):
    """A descriptor that takes what it can; after the first failure it takes everything and keeps nothing.

    Parameters
    ----------
    descriptor : where bytes go
    silent : whether a full device, too, is passed over
    """

    def __init__(self, descriptor: int, *, silent: bool) -> None:
        self._descriptor = descriptor
        self._silent = silent
        self._gone = False

    def write(self, data: Any) -> int:
        """Write bytes and return how many.

        Raises
        ------
        Unspoken
            Once, if the device is full.
        """
        if not self._gone:
            try:
                return os.write(self._descriptor, data)
            except OSError as error:
                self._gone = True
                if error.errno in FULL and not self._silent:
                    raise Unspoken(
                        f"The standard output cannot be written: {error.strerror}. Free some space, or send it "
                        "elsewhere."
                    ) from error
        return len(data)

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether a person is watching."""
        return os.isatty(self._descriptor)


def guard(*, silent: bool = False) -> None:
    """Put a `Standard` in the place of the standard output and error of this process.

    Parameters
    ----------
    silent : whether a full device is passed over on the standard output, too; on the standard error it always is
    """
    sys.stdout = _guarded(sys.stdout, 1, silent)
    sys.stderr = _guarded(sys.stderr, 2, True)


def _guarded(stream: Any, descriptor: int, silent: bool) -> io.TextIOWrapper:
    if stream is None:  # closed by whoever started us: no file that we open may take its number
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    else:
        stream.flush()
    raw = Standard(descriptor, silent=silent)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(stream, "encoding", "utf-8"),
        errors="replace",
        line_buffering=raw.isatty() or descriptor == 2,
    )
