"""A closed pipe, a full device and a terminal that knows ASCII alone, as the standard output."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlexp import cli
from mlexp.errors import Unspoken
from mlexp.runs.streams import Standard, guard


def writer(descriptor: int, *, silent: bool = False, encoding: str = "utf-8") -> io.TextIOWrapper:
    raw = Standard(descriptor, silent=silent)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding, errors="replace", write_through=True)


def test_a_reader_that_is_gone_stops_no_one() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    text = writer(theirs)
    for _ in range(3):
        text.write("x" * 100_000)
        text.flush()
    os.close(theirs)


@pytest.mark.parametrize("silent", [False, True])
def test_a_full_device_is_said_once(silent: bool) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    text = writer(full, silent=silent)
    if not silent:
        with pytest.raises(Unspoken, match="No space left on device"):
            text.write("x" * 100_000)
    text.write("y" * 100_000)
    text.flush()
    os.close(full)


def test_a_terminal_that_knows_ascii_alone() -> None:
    ours, theirs = os.pipe()
    text = writer(theirs, encoding="ascii")
    text.write("Dense(64) → ReLU, é")
    text.flush()
    os.close(theirs)
    assert os.read(ours, 100) == b"Dense(64) ? ReLU, ?"
    os.close(ours)


def test_the_streams_of_a_process_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", sys.__stdout__)
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    guard()
    assert (sys.stdout.fileno(), sys.stderr.fileno()) == (1, 2)


def test_full_standard_output_is_exit_code_5(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    for words in (["--help"], ["--version"], ["list", "tasks"], ["list", "--help"], ["-q", "list", "--help"]):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", writer(full))
            assert cli.main(words) == 5, words
        assert capsys.readouterr().err.count("\n") == 1
    os.close(full)


def run(cwd: Path, shell: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which ``$mlexp`` is the program."""
    program = f"{sys.executable} -m mlexp size=smoke figures=false"
    return subprocess.run(
        ["bash", "-c", shell.replace("$mlexp", program)],
        cwd=cwd, env=os.environ | variables, text=True, capture_output=True, check=False,
    )  # fmt: skip


def test_a_run_goes_on_when_no_one_listens(tmp_path: Path) -> None:
    done = run(tmp_path, "set -o pipefail; $mlexp | head -1")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert next(tmp_path.glob("outputs/*/latest/metrics.json"))


@pytest.mark.slow
def test_a_run_whose_output_is_full_or_closed_or_ascii(tmp_path: Path) -> None:
    full = run(tmp_path, "$mlexp > /dev/full")
    assert (full.returncode, full.stderr.count("\n")) == (5, 1)
    assert "mlexp resume outputs/" in full.stderr
    assert run(tmp_path, "$mlexp >&-").returncode == 0
    assert run(tmp_path, "$mlexp seed=no 2> /dev/full").returncode == 2
    plain = run(tmp_path, "$mlexp", PYTHONIOENCODING="ascii")
    assert plain.returncode == 0
    assert "?" in plain.stdout
