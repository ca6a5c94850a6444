from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

OWN = Path(__file__).parent / "own"
SAME = ("metrics.json", "history.csv", "diagnostics.csv", "predictions.npz", "model.npz", "arrays.npz",
        "tables/confusion.csv", "tables/per_class.csv", "tables/layers.csv", "config.yaml")  # fmt: skip
Start = Callable[..., subprocess.Popen[str]]


def environment(cwd: Path) -> dict[str, str]:
    return {
        **os.environ,
        "MLEXP_CACHE_DIR": str(cwd / "cache"),
        "PYTHONPATH": str(OWN),
        "OMP_NUM_THREADS": "1",
    }


def start(cwd: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start mlexp in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "mlexp.cli", *arguments], cwd=cwd, env=environment(cwd), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def mlexp(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    process = start(cwd, *arguments)
    said, errors = process.communicate(timeout=240)
    return subprocess.CompletedProcess(process.args, process.returncode, said, errors)


def summary(folder: Path) -> list[str]:
    """Return the lines of the summary without the seconds."""
    lines = [line.split(",") for line in (folder / "summary.csv").read_text().splitlines()]
    seconds = lines[0].index("seconds")
    return [",".join(cells[:seconds] + cells[seconds + 1 :]) for cells in lines]


def same_runs(one: Path, other: Path, files: tuple[str, ...] = SAME) -> None:
    """Check that two sweeps hold the same run folders, byte for byte."""
    names = sorted(path.name for path in (one / "runs").iterdir())
    assert names == sorted(path.name for path in (other / "runs").iterdir())
    for name in names:
        for file in files:
            assert (one / "runs" / name / file).read_bytes() == (other / "runs" / name / file).read_bytes(), (
                file
            )


def assert_whole(folder: Path) -> None:
    """Check that no file of a sweep is torn or left over."""
    assert not [path for path in folder.rglob(".*") if path.name != ".lock"]
    for file in folder.rglob("*.json"):
        json.loads(file.read_text())
    for run in (folder / "runs").iterdir():
        ends = [line for line in (run / "run.log").read_text().splitlines() if " completed after " in line]
        assert len(ends) == 1, f"{run.name} ran {len(ends)} times to its end"
        assert not (run / "checkpoint.npz").exists()


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
