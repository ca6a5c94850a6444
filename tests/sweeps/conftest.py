from __future__ import annotations

import json
from pathlib import Path

import pytest

SAME = ("metrics.json", "history.csv", "diagnostics.csv", "predictions.npz", "model.npz", "arrays.npz",
        "tables/confusion.csv", "tables/per_class.csv", "tables/layers.csv", "config.yaml")  # fmt: skip


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
