"""A run that is killed at any moment and resumed ends with the bytes of one that was never stopped."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.process import mlexp, start

from mlexp.store import Run

SETTINGS = (
    "figures=false", "model.epochs=60", "model.patience=null", "model.dropout=0.1", "model.batch_norm=true",
    "model.schedule=on_plateau", "model.schedule_options.patience=2", "checkpoint_seconds=0",
    "record.metrics=[f1]",
)  # fmt: skip
SAME = (
    "metrics.json",
    "history.csv",
    "diagnostics.csv",
    "model.npz",
    "predictions.npz",
    "arrays.npz",
    "tables/confusion.csv",
)


@pytest.fixture(scope="module")
def never_stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    done = mlexp(folder, "-q", *SETTINGS)
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.strip()


def the_run(cwd: Path) -> Path:
    """Wait for the run folder and return it."""
    for _ in range(2400):
        if (cwd / "outputs" / "digits_mlp" / "latest" / "run.json").exists():
            return (cwd / "outputs" / "digits_mlp" / "latest").resolve()
        time.sleep(0.005)
    raise AssertionError("no run folder was made")


def kill_when(process: subprocess.Popen[str], folder: Path, epochs: int, extra: float) -> None:
    """Kill the run without warning, some time after it has made `epochs` epochs."""
    history = folder / "history.csv"
    while process.poll() is None and not (history.exists() and history.read_text().count("\n") > epochs):
        time.sleep(0.002)
    time.sleep(extra)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def kill_and_resume(cwd: Path, whole: Path, moments: list[tuple[int, float]]) -> None:
    process = start(cwd, *SETTINGS)
    folder = the_run(cwd)
    for epochs, extra in moments:
        kill_when(process, folder, epochs, extra)
        if Run.open(folder).info["status"] == "completed":
            break
        process = start(cwd, "resume", str(folder))
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0 or Run.open(folder).info["status"] == "completed", errors
    for name in SAME:
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name
    debris = {file.name for file in folder.iterdir()} & {"checkpoint.npz", ".lock"}
    assert not debris
    assert not list(folder.glob(".*.tmp"))


def test_killed_twice_and_resumed(never_stopped: Path, tmp_path: Path) -> None:
    kill_and_resume(tmp_path, never_stopped, [(5, 0.0), (25, 0.001)])


def test_killed_before_the_first_checkpoint(never_stopped: Path, tmp_path: Path) -> None:
    kill_and_resume(tmp_path, never_stopped, [(0, 0.0)])


@pytest.mark.slow
def test_killed_at_twenty_random_moments(never_stopped: Path, tmp_path: Path) -> None:
    rng = random.Random(7)
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        kill_and_resume(folder, never_stopped, [(rng.randrange(0, 58), rng.uniform(0, 0.02))])


def test_stopped_by_hand_and_resumed(never_stopped: Path, tmp_path: Path) -> None:
    process = start(tmp_path, *SETTINGS)
    folder = the_run(tmp_path)
    while not (folder / "history.csv").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 5
    assert "mlexp resume" in errors
    assert Run.open(folder).info["status"] == "interrupted"
    done = mlexp(tmp_path, "resume", "outputs/digits_mlp/latest")
    assert done.returncode == 0, done.stderr
    for name in SAME:
        assert (folder / name).read_bytes() == (never_stopped / name).read_bytes(), name
    assert len(Run.open(folder).info["resumed"]) == 1


def test_what_cannot_be_resumed_says_why(never_stopped: Path, tmp_path: Path) -> None:
    done = mlexp(tmp_path, "resume", str(never_stopped))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "completed" in done.stderr
    assert mlexp(tmp_path, "resume", "nowhere").returncode == 3


def test_a_run_that_still_goes_on_is_left_alone(tmp_path: Path) -> None:
    process = start(tmp_path, "model.epochs=100000", "model.patience=null")
    folder = the_run(tmp_path)
    done = mlexp(tmp_path, "resume", str(folder))
    process.kill()
    process.communicate()
    assert done.returncode == 2
    assert "has not ended" in done.stderr


def test_changed_data_are_noticed(tmp_path: Path) -> None:
    process = start(tmp_path, *SETTINGS)
    folder = the_run(tmp_path)
    kill_when(process, folder, 3, 0.0)
    info = json.loads((folder / "run.json").read_text())
    info["dataset"]["fingerprint"] = "0" * 64
    (folder / "run.json").write_text(json.dumps(info))
    done = mlexp(tmp_path, "resume", str(folder))
    assert done.returncode == 3
    assert "dataset has changed" in done.stderr
