"""Makes a Python process on Linux lack what Windows lacks, as far as mlexp could notice; its workers too.

Python imports this module when it starts, where its folder is on PYTHONPATH. mlexp finds no module of POSIX, no such
function of `os` and `signal`, may make no link and hand no descriptor to a child; the standard library and others keep
what they need.
"""

from __future__ import annotations

import builtins
import os
import random  # noqa: F401  (what is imported before `os` is cut keeps what it needs)
import shutil  # noqa: F401
import signal
import subprocess
import tempfile  # noqa: F401
from typing import Any

import filelock  # noqa: F401
import psutil  # noqa: F401

MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "curses", "readline"}
OF_OS = (
    "fork", "forkpty", "setsid", "setpgid", "getpgid", "getpgrp", "killpg", "getuid", "geteuid", "getgid", "mkfifo",
    "getloadavg", "sched_getaffinity", "sched_setaffinity", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_DIRECTORY",
    "chown", "lchown", "nice",
)  # fmt: skip
OF_SIGNAL = ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGALRM", "SIGCHLD", "SIGTSTP", "SIGWINCH", "SIG_BLOCK",
             "alarm", "setitimer", "pthread_sigmask", "pause")  # fmt: skip


def _imported(name: str, globals: Any = None, *others: Any, **more: Any) -> Any:
    if name.partition(".")[0] in MODULES and str((globals or {}).get("__name__", "")).startswith("mlexp"):
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)
    return _import(name, globals, *others, **more)


def _no_link(*_: Any, **__: Any) -> None:
    raise OSError(1314, "A required privilege is not held by the client")


class _Popen(subprocess.Popen):  # type: ignore[type-arg]
    def __init__(self, *words: Any, **options: Any) -> None:
        if options.get("pass_fds") or options.get("preexec_fn"):
            raise ValueError("pass_fds not supported on Windows.")
        options["creationflags"] = 0
        super().__init__(*words, **options)


import mlexp.system as system  # noqa: E402

system.WINDOWS, system.NO_FOLLOW, system.NO_WAIT = True, 0, 0
system.OWN_GROUP, system.SECONDS_TO_REPLACE = 0x200, 2.0
_import, builtins.__import__ = builtins.__import__, _imported
subprocess.Popen = _Popen  # type: ignore[misc]
os.symlink = _no_link
for _module, _names in ((os, OF_OS), (signal, OF_SIGNAL)):
    for _name in _names:
        vars(_module).pop(_name, None)
