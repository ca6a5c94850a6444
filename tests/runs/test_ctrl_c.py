"""Ctrl-C at any moment: exit code 5, at most one line of ours, never a traceback."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

START = (sys.executable, "-X", "importtime", "-m", "mlexp")
COMMANDS = (
    ("list", "tasks"), ("doctor",), ("--cfg", "job"), ("-q", "size=smoke"), ("-m", "-q", "size=smoke", "seed=0,1"),
    ("-q", "size=smoke", "tune=random", "tune.budget=3"), ("report", "--all"),
)  # fmt: skip


def interrupted(cwd: Path, words: tuple[str, ...], wait: float, presses: int) -> tuple[int, str]:
    """Press Ctrl-C some time after the program's own first line has begun to run."""
    process = subprocess.Popen([*START, *words], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = b""
    while b"| mlexp\n" not in said:  # Python itself takes until then, and ends as it likes
        said += process.stderr.read1()  # type: ignore[attr-defined]
    time.sleep(0.005 + wait)
    for _ in range(presses):
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    said += process.communicate(timeout=120)[1]
    lines = [line for line in said.decode().splitlines() if not line.startswith("import time:")]
    return process.returncode, "\n".join(lines)


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_in_the_first_moment(presses: int, tmp_path: Path) -> None:
    code, said = interrupted(tmp_path, ("-q", "size=smoke"), 0.0, presses)
    assert code == 5, said
    assert "Traceback" not in said
    assert said.startswith("mlexp: ")


@pytest.mark.slow
def test_ctrl_c_at_forty_moments(tmp_path: Path) -> None:
    rng = random.Random(3)
    first = [*START[:1], *START[3:], "-q", "size=smoke", "figures=false"]  # a run for `report` to find
    subprocess.run(first, cwd=tmp_path, check=True, capture_output=True)
    for attempt in range(40):
        words, wait, presses = (
            rng.choice(COMMANDS),
            rng.choice([0.02, 0.1, 0.5, 1.0]) * rng.random(),
            rng.choice([1, 2, 3]),
        )
        code, said = interrupted(tmp_path, words, wait, presses)
        assert code in (0, 5), (attempt, words, wait, presses, said)
        assert "Traceback" not in said, (attempt, words, wait, presses, said)
        assert "Exception" not in said, (attempt, words, wait, presses, said)


def test_an_interrupt_that_python_cannot_raise_ends_the_process(tmp_path: Path) -> None:
    """In the end of an object Python prints what is raised and goes on; a Ctrl-C there must end the process."""
    script = """
import os, signal, sys
import mlexp.__main__ as program, mlexp.cli as cli
class Odd:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        sum(range(1000))
def obey(words):
    Odd()
    return 0
cli.obey = obey
sys.exit(program.main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (5, 1), done.stderr


@pytest.mark.parametrize("moment", ["import", "command"])
def test_an_interrupt_while_a_class_is_made_ends_with_its_exit_code(moment: str, tmp_path: Path) -> None:
    """Up to 3.11 Python makes a RuntimeError of a Ctrl-C in `__set_name__`."""
    script = """
import os, signal, sys
import mlexp.__main__ as program
class Name:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGINT)
        sum(range(1000))
class Finder:
    def find_spec(self, name, path, target=None):
        if name == "mlexp.cli":
            type("Made", (), {"part": Name()})
def obey(words):
    type("Made", (), {"part": Name()})
    return 0
if sys.argv[1] == "import":
    sys.meta_path.insert(0, Finder())
else:
    import mlexp.cli
    mlexp.cli.obey = obey
sys.exit(program.main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, moment], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (5, "mlexp: Stopped.\n")


def test_an_interrupt_while_text_is_executed_ends_with_its_exit_code(tmp_path: Path) -> None:
    """Dataclasses execute text; Python remembers a Ctrl-C there, and would end by the signal after it was answered."""
    (tmp_path / "started.py").write_text("""
import sys
import mlexp.__main__ as program, mlexp.cli as cli
def answered(words):
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        print("mlexp: Stopped.", file=sys.stderr)
        return 5
cli.main = answered
sys.exit(program.main())
""")
    command = [sys.executable, "-m", "started"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (5, "mlexp: Stopped.\n")
