"""Run many hostile command lines in one child process, with an audit hook that notes what they touch.

    results = run([["task=nosuch"], ["show", "/nowhere"]], cwd=tmp_path)
    assert not [line for result in results for line in result.troubles()]

Each command line goes through `mlexp.cli.main` in `cwd`. The child is started anew after a command line that crashed
it, or that took longer than `limit` seconds. Noted as a finding, in order: a file opened for writing (made, renamed,
removed, linked ...) outside the writable folders, an import of a module that is neither ours nor installed nor a usual
one of the standard library, a module that came from a folder of the test, a class that pickle looks up, a
process that is started, and a name or address of the network that is asked for.
"""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LONGEST = 2000  # characters of one line on the standard error
LIMIT = 20.0  # seconds that one command line may take
STARTING = 60.0  # seconds that the child may take to import what it needs
# Of the standard library, what no part of the program has a use for: an import of it was talked into.
CANARIES = (
    "this", "antigravity", "turtle", "idlelib", "lib2to3", "ensurepip", "venv", "pydoc_data", "smtplib", "ftplib",
    "telnetlib", "poplib", "imaplib", "nntplib", "webbrowser", "wsgiref",
)  # fmt: skip
ASKING = ("mlexp", "hydra", "omegaconf", "skops")  # packages that may be talked into an import
ALLOWED = (r"subprocess\.Popen: git\b", r"subprocess\.Popen: \S+ -P -B -m mlexp\.store\.isolatedchild$")


@dataclass(frozen=True)
class Result:
    """What became of one command line."""

    argv: tuple[str, ...]
    code: int | None  # None: it hung; negative: the signal that ended the process
    stdout: str = ""
    stderr: str = ""
    findings: tuple[str, ...] = ()
    seconds: float = 0.0

    def troubles(self, codes: Sequence[int] = (0, 2, 3, 4, 5, 6)) -> list[str]:
        """Return what must not be, one line each; `codes` are the exit codes that are allowed."""
        found = [f"finding: {finding}" for finding in self.findings]
        if self.code is None:
            found.append(f"hangs (stopped after {self.seconds:.0f} s)")
        elif self.code not in codes:
            found.append(f"exit code {self.code}: {self.stderr[-300:]!r}")
        if "Traceback (most recent call last)" in self.stdout + self.stderr:
            found.append(f"traceback: {self.stderr.strip().splitlines()[-1]!r}")
        lines = self.stderr.splitlines()
        if any(len(line) > LONGEST for line in lines):
            found.append(f"a message of {max(map(len, lines))} characters: {max(lines, key=len)[:100]!r}...")
        if (
            self.code
            and self.code > 0
            and self.code in codes
            and not (lines and lines[-1].startswith("mlexp: "))
        ):
            found.append(f"exit code {self.code} without a line of its own: {self.stderr[-300:]!r}")
        if self.code and sum(line.startswith("mlexp: ") and "warning: " not in line for line in lines) > 1:
            found.append(f"more than one line: {self.stderr!r}")
        shown = " ".join(word if len(word) < 200 else f"{word[:200]}..." for word in self.argv)
        return [f"mlexp {shown}: {line}" for line in found]


@dataclass
class _Child:
    """The process that runs command lines, one after another."""

    cwd: Path
    environment: dict[str, str]
    writable: Sequence[Path]
    process: Any = field(init=False)
    buffered: bytes = b""

    def __post_init__(self) -> None:
        """Start it."""
        state = Path(self.environment["TMPDIR"])
        self.process = subprocess.Popen(
            [sys.executable, "-P", __file__, str(state), *map(str, self.writable)],
            cwd=self.cwd, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.answer(STARTING)

    def ask(self, argv: Sequence[str], limit: float) -> Result:
        """Run one command line; `end` must be called where the result has no code or a negative one."""
        started = time.monotonic()
        self.process.stdin.write(json.dumps(list(argv)).encode() + b"\n")
        self.process.stdin.flush()
        answer = self.answer(
            limit * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        )  # others work here too
        seconds = time.monotonic() - started
        if answer is None:
            return Result(
                tuple(argv), None if self.process.poll() is None else self.process.wait(), seconds=seconds
            )
        return Result(
            tuple(argv),
            answer["code"],
            answer["stdout"],
            answer["stderr"],
            tuple(answer["findings"]),
            seconds,
        )

    def answer(self, limit: float) -> dict[str, Any] | None:
        """Return the next line that the child writes, or None where it ended or took too long."""
        until = time.monotonic() + limit
        while b"\n" not in self.buffered:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, until - time.monotonic()))
            piece = os.read(self.process.stdout.fileno(), 1 << 20) if ready else b""
            if not piece:
                if ready:
                    self.process.wait(10)
                return None
            self.buffered += piece
        line, _, self.buffered = self.buffered.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """Stop it."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def run(
    inputs: Sequence[Sequence[str]],
    cwd: Path,
    *,
    limit: float = LIMIT,
    writable: Sequence[Path] = (),
    allowed: Sequence[str] = ALLOWED,
    environment: dict[str, str] | None = None,
) -> list[Result]:
    """Run each command line (without the word ``mlexp``) and return what became of it, in order.

    Parameters
    ----------
    inputs : command lines, each a list of words
    cwd : folder in which they run; ``cwd/outputs`` is writable
    limit : seconds that one of them may take
    writable : more folders that may be written to
    allowed : regular expressions (matched at the beginning) of findings that are no trouble
    environment : variables to set
    """
    state = cwd / ".state"
    state.mkdir(exist_ok=True)
    variables = {
        **os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg",
        "MPLCONFIGDIR": str(state), "TMPDIR": str(state), "MLEXP_CACHE_DIR": str(state / "cache"),
        "MLEXP_DATA_DIR": str(cwd / "data"),
        "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "120", **(environment or {}),
    }  # fmt: skip
    results: list[Result] = []
    child = None
    for argv in inputs:
        child = child or _Child(cwd, variables, [cwd / "outputs", *writable])
        result = child.ask(argv, limit)
        findings = tuple(
            line for line in result.findings if not any(re.match(rule, line) for rule in allowed)
        )
        results.append(
            Result(result.argv, result.code, result.stdout, result.stderr, findings, result.seconds)
        )
        if result.code is None or result.code < 0:
            child.end()
            child = None
    if child:
        child.end()
    return results


# What follows runs in the child.

CHANGES = {  # event of the audit hook -> which of its arguments are paths that are changed
    "os.mkdir": (0,), "os.remove": (0,), "os.rmdir": (0,), "os.rename": (0, 1), "os.link": (1,), "os.symlink": (1,),
    "os.truncate": (0,), "os.chmod": (0,), "os.chown": (0,), "os.utime": (0,), "shutil.rmtree": (0,),
}  # fmt: skip
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn")
ASKS = (
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.sendto",
    "socket.bind",
    "urllib.Request",
)


def _child(state: Path, writable: Sequence[str]) -> None:
    import importlib.metadata
    import traceback

    from mlexp import cli

    answers = os.fdopen(os.dup(1), "wb")
    out, err = (open(state / name, "w+b", buffering=0) for name in ("stdout", "stderr"))  # noqa: SIM115
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    home = os.getcwd()
    roots = [os.path.realpath(folder) for folder in (state, *writable)]
    known = (
        set(sys.stdlib_module_names)
        | set(importlib.metadata.packages_distributions())
        | {"mlexp", "hydra_plugins"}
    ) - set(CANARIES)
    code_at = tuple(folder for folder in (*sys.path, sys.prefix, sys.base_prefix) if folder)
    findings: list[str] = []
    watching = False

    def note_change(event: str, path: Any, folder: int = -1) -> None:
        if isinstance(path, int) or path is None:
            return
        start = os.readlink(f"/proc/self/fd/{folder}") if folder >= 0 else os.getcwd()
        real = os.path.realpath(os.path.join(start, os.fsdecode(path)))
        if real != "/dev/null" and not any(real == root or real.startswith(f"{root}/") for root in roots):
            findings.append(f"{event}: {real}")

    def importer() -> str:
        """Return the package that asks for an import."""
        frame = sys._getframe(2)
        while frame.f_back and frame.f_globals.get("__name__", "").startswith(
            ("importlib", "_frozen_importlib")
        ):
            frame = frame.f_back
        return str(frame.f_globals.get("__name__", "")).partition(".")[0]

    class Finder:
        """Notes what is imported, and leaves the finding to others; `importlib` raises no event of the audit hook."""

        @staticmethod
        def find_spec(name: str, *_: Any) -> None:
            top = name.partition(".")[0]
            if watching and (top in CANARIES or (top not in known and importer() in ASKING)):
                findings.append(f"import: {name}")

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal watching
        if not watching:
            return
        watching = False
        try:
            if event == "open":
                if isinstance(args[2], int) and args[2] & (
                    os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
                ):
                    note_change("open for writing", args[0])
            elif event in CHANGES:
                for position in () if event == "os.mkdir" and os.path.isdir(args[0]) else CHANGES[event]:
                    note_change(event, args[position], args[1] if event in ("os.remove", "os.rmdir") else -1)
            elif event == "pickle.find_class":
                findings.append(f"{event}: {args[0]}.{args[1]}")
            elif event in STARTS:
                words = args[1] if event == "subprocess.Popen" else args[0]
                findings.append(
                    f"{event}: {words if isinstance(words, str) else ' '.join(map(os.fsdecode, words))}"
                )
            elif event in ASKS:
                findings.append(f"{event}: {args[1:] if event == 'socket.connect' else args[:1]}")
        finally:
            watching = True

    def said(file: Any) -> str:
        file.seek(0)
        text: str = file.read().decode(errors="replace")
        file.seek(0)
        file.truncate()
        return text

    sys.addaudithook(hook)
    sys.meta_path.insert(0, Finder)  # type: ignore[arg-type]
    for name in ("stdout", "stderr"):
        getattr(sys, name).reconfigure(encoding="utf-8", errors="backslashreplace")
    answers.write(b"{}\n")
    answers.flush()
    for line in sys.stdin:
        argv = json.loads(line)
        before = set(sys.modules)
        watching = True
        try:
            code = cli.main(argv)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            code = 1
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        watching = False
        os.chdir(home)
        for name in set(sys.modules) - before:
            at = getattr(sys.modules[name], "__file__", None)
            if at and at != __file__ and not at.startswith(code_at):
                findings.append(f"module from elsewhere: {name} {at}")
                del sys.modules[name]
            elif name in CANARIES:
                del sys.modules[name]
        answer = {
            "code": code,
            "stdout": said(out),
            "stderr": said(err),
            "findings": list(dict.fromkeys(findings)),
        }
        findings.clear()
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    _child(Path(sys.argv[1]), sys.argv[2:])
