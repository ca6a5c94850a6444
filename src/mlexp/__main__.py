"""The process of the command line: ``mlexp``, ``python -m mlexp``.

What must hold from the first moment is set up here, before the rest of the program is imported: Ctrl-C ends with one
line and exit code 5, whatever is under way.
"""

from __future__ import annotations

# `signal` itself takes milliseconds to import, in which a Ctrl-C would end in a traceback
import _signal as signal  # type: ignore[import-not-found]
import atexit
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INTERRUPTED = 5
_ended: list[int] = []  # the exit code, once it is known
SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGBREAK] if hasattr(signal, "SIGBREAK") else ()))


def main() -> int:
    """Run the command line as a process of its own and return its exit code."""
    for number in SIGNALS:
        if (
            signal.getsignal(number) is not signal.SIG_IGN
        ):  # as of a command that a shell put in the background
            signal.signal(number, _before)
    sys.unraisablehook = _unraisable
    atexit.register(_leave_as_said)  # the first to be registered is the last to run
    os.environ["PYTHONSAFEPATH"] = (
        "1"  # Python processes that are started import nothing from the working folder
    )
    try:
        from mlexp import cli
        from mlexp.drawing import lean
        from mlexp.runs import streams

        streams.guard()
        lean.allow()
        for number in SIGNALS:
            if signal.getsignal(number) is _before:
                signal.signal(number, _stop)
        _ended.append(cli.main(sys.argv[1:]))
    except BaseException as error:
        if not _is_interrupt(error):
            raise
        print("mlexp: Stopped.", file=sys.stderr)
        _ended.append(INTERRUPTED)
    finally:
        for number in SIGNALS:  # what is left is to leave
            signal.signal(number, signal.SIG_IGN)
    return _ended[-1]


def _leave_as_said() -> None:
    """Leave with the exit code of an interrupt after everything else was tidied up.

    Python remembers a Ctrl-C that came while text was executed, as dataclasses do, though it was answered since, and
    would end the process by the signal.
    """
    if _ended[-1:] == [INTERRUPTED]:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(INTERRUPTED)


def _is_interrupt(error: BaseException | None) -> bool:
    """Return whether an error is a Ctrl-C, or what Python made of one.

    Up to 3.11 Python turns one that comes while a class is made into a RuntimeError with the Ctrl-C as its cause.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def _before(number: int, frame: Any) -> None:
    """End while the program is imported: nothing has begun, and an exception there comes out as many others."""
    _exit(b"mlexp: Stopped.\n")


def _stop(number: int, frame: Any) -> None:
    """End in good order; who asks once more wants it at once."""
    for each in SIGNALS:
        signal.signal(each, _leave)
    raise KeyboardInterrupt


def _leave(number: int, frame: Any) -> None:
    """End at once: whatever is on the disk is whole, and locks go with the process."""
    show_cursor = b"\033[?25h" if os.isatty(2) else b""
    _exit(show_cursor + b"mlexp: Stopped at once.\n")


def _exit(said: bytes) -> None:
    try:
        os.write(2, said)
    finally:
        os._exit(INTERRUPTED)


def _unraisable(caught: Any) -> None:
    """End where Python has no one to hand a Ctrl-C to, such as in the end of an object."""
    if caught.exc_type is KeyboardInterrupt:
        _leave(signal.SIGINT, None)
    sys.__unraisablehook__(caught)


if __name__ == "__main__":
    raise SystemExit(main())
