"""What differs between Linux, macOS and Windows: no other module asks which of them it runs on."""

from __future__ import annotations

# `signal` itself takes milliseconds to import
import _signal as signal  # type: ignore[import-not-found]
import errno
import os
import re
import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

WINDOWS = os.name == "nt"
NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)  # opening a pipe would wait for its other end
OWN_GROUP = 0x200 if WINDOWS else 0  # CREATE_NEW_PROCESS_GROUP: of a child that Ctrl-C must not reach
STOPPED_BY: tuple[int, ...] = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)  # SIGBREAK: Ctrl-Break of Windows
JUNCTION = 0xA0000003  # the reparse tag of a folder that leads elsewhere
SECONDS_TO_REPLACE = 2.0 if WINDOWS else 0.0  # a reader, a virus scanner or a search index has the file open
WORKER = "MLEXP_WORKER"  # in the environment of each of several worker processes: its number, from 0
RESERVED = re.compile(r"(con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³])(\..*)?|.*\.", re.IGNORECASE | re.DOTALL)


def opened(path: str, flags: int) -> int:
    """Open a file whose last part is not a link, and return its descriptor.

    Windows cannot refuse a link as it opens; there it is looked at just before.

    Raises
    ------
    OSError
        With ``errno.ELOOP`` if it is a link.
    """
    if not NO_FOLLOW and os.path.islink(path):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    return os.open(path, flags | NO_FOLLOW | NO_WAIT, 0o666)


def is_plain_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder, and neither a link nor a junction of Windows."""
    if not entry.is_dir(follow_symlinks=False):
        return False
    return not WINDOWS or getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0) != JUNCTION


def replace(source: str | Path, target: Path) -> None:
    """Rename a file onto another; where the system refuses while someone reads that, try for a while."""
    until = time.monotonic() + SECONDS_TO_REPLACE
    while True:
        try:
            os.replace(source, target)
        except PermissionError:
            if time.monotonic() >= until:
                raise
            time.sleep(0.02)
        else:
            return


def is_reserved(name: str) -> bool:
    """Return whether Windows lets no file or folder bear this name, whatever its suffix.

    Examples
    --------
    >>> [name for name in ("con", "Nul.csv", "com1", "end.", "console", "com10") if is_reserved(name)]
    ['con', 'Nul.csv', 'com1', 'end.']
    """
    return RESERVED.fullmatch(name) is not None


def as_command(words: Sequence[str]) -> str:
    """Return a command as it is typed in the shell of this system."""
    if WINDOWS:
        from subprocess import list2cmdline

        return list2cmdline(words)
    import shlex

    return shlex.join(words)


@cache
def processor() -> str:
    """Return the name of the processor as the system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text("utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    import platform

    return platform.processor() or platform.machine()


def peak_memory() -> int:
    """Return the largest resident memory of this process so far, in bytes."""
    try:
        import resource
    except ModuleNotFoundError:
        import psutil

        held = psutil.Process().memory_info()
        return int(getattr(held, "peak_wset", held.rss))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


def usage(pid: int) -> tuple[float, int]:
    """Return the seconds of processor time and the bytes of memory that a process and its children have taken.

    The Python of a virtual environment on Windows starts another one, which does the work.

    Raises
    ------
    ProcessLookupError
        If it has ended.
    """
    import psutil

    seconds, held = 0.0, 0
    try:
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            spent = one.cpu_times()
            seconds += spent.user + spent.system
            held += one.memory_info().rss
    except psutil.Error as error:
        raise ProcessLookupError(str(error)) from error
    return seconds, held
