"""Sixty kills: whatever is under way, what is resumed ends with the bytes of what was never stopped."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.process import mlexp, start
from tests.running import comparison_of_widths

from mlexp.store.files import read_table

SHORT = ("model.epochs=30", "model.patience=null", "model.hidden=[16]", "checkpoint_seconds=0.05")
SEARCH = ("model.epochs=30", "model.patience=null", "checkpoint_seconds=0.05", "tune.space.model.hidden=null",
          "tune.space.model.learning_rate=[0.1,0.01,0.001]", "execution.workers=2")  # fmt: skip
KINDS = {
    "run": ("figures=true", "model.epochs=60", *SHORT[1:]),
    "sweep": (
        "-m",
        "sweep.stack=false",
        "seed=0,1,2,3",
        "model.learning_rate=0.01,0.001",
        "figures=true",
        *SHORT,
    ),
    "stack": ("-m", "sweep.stack=true", "seed=range(0,8)", *SHORT),
    "grid": ("tune=grid", *SEARCH),
    "halving": ("tune=halving", *SEARCH),
    "bayes": ("tune=bayes", "tune.budget=6", *SEARCH),
    "comparison": ("--config-dir", "mine", "task=widths", *SHORT[:2], *SHORT[3:]),
    "looks": (
        "--config-dir",
        "mine",
        "task=widths",
        *SHORT[:2],
        *SHORT[3:],
        "comparison.seeds=until_settled",
    ),
}
SAME = (
    "metrics.json",
    "history.csv",
    "diagnostics.csv",
    "predictions.npz",
    "model.npz",
    "arrays.npz",
    "tables/*.csv",
    "figures/*.png",
)
TIMES = (
    "tables/runs.csv",
    "figures/curves_by_seconds.png",
)  # seconds and places of runs are of their process
LEFT = (".*.tmp", ".lock", ".exchange-*", "checkpoint.npz", ".latest-*")
SECONDS_TO_NOTICE = 5.0


@pytest.fixture(autouse=True)
def no_orphans(tmp_path: Path) -> Iterator[None]:
    yield
    assert not of(tmp_path)


def of(cwd: Path) -> list[psutil.Process]:
    """Return the processes that work in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(cwd) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, FileNotFoundError):
            continue
    return found


def folder_in(cwd: Path) -> Path | None:
    found = [path for path in cwd.glob("outputs/*/[!.l]*") if any(path.glob("*.json"))]
    return found[0] if found else None


def assert_no_orphan(cwd: Path) -> None:
    until = time.monotonic() + SECONDS_TO_NOTICE
    while left := of(cwd):
        assert time.monotonic() < until, [process.cmdline() for process in left]
        time.sleep(0.05)


def files(folder: Path) -> dict[str, bytes]:
    """Return what must be the same of a folder and of all that lie in it; seconds and the like left out."""
    found = {}
    for path in (path for name in SAME for path in folder.rglob(name) if path.is_file()):
        name = str(path.relative_to(folder))
        if not f"{folder.name}/{name}".endswith(TIMES):
            found[name] = path.read_bytes()
    tables = (folder / "tables" / f"{name}.csv" for name in ("arms", "epochs_to_target", "learning"))
    compared = [path for path in tables if path.exists()]
    for path in (*folder.rglob("summary.csv"), *folder.rglob("tuning.csv"), *compared):
        columns = read_table(path)
        kept = {name: cells for name, cells in columns.items() if "seconds" not in name and name != "folder"}
        found[str(path.relative_to(folder))] = repr(kept).encode()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_killed_again_and_again(kind: str, tmp_path: Path) -> None:
    """Each of these is killed about nine times, twice in its first second, at moments that do not change."""
    words = KINDS[kind]
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    for place in (whole, torn):
        (place / "mine/task").mkdir(parents=True)
        (place / "mine/task/widths.yaml").write_text(comparison_of_widths(4))
    begun = time.monotonic()
    done = mlexp(whole, "-q", *words)
    seconds = time.monotonic() - begun
    assert done.returncode == 0, done.stderr
    wanted = files(whole / done.stdout.strip())
    assert any(name.startswith("figures/") for name in wanted)
    rng = random.Random(kind)
    kills = 0
    for attempt in range(9):
        folder = folder_in(torn)
        process = start(torn, "-q", *(("resume", str(folder)) if folder else words))
        time.sleep(rng.uniform(0.3, 1.0) * seconds / (2 if attempt < 2 else 1))
        if attempt % 2:  # the parent alone: its workers must notice
            os.kill(process.pid, signal.SIGKILL)
        else:
            os.killpg(process.pid, signal.SIGKILL)
        _, errors = process.communicate()
        assert "Traceback" not in errors, errors
        kills += process.returncode == -signal.SIGKILL
        assert_no_orphan(torn)
        folder = folder_in(torn)
        if process.returncode == 0 or (folder is not None and process.returncode == 2):
            break  # it had come to its end before
    if (folder := folder_in(torn)) is None:
        assert mlexp(torn, "-q", *words).returncode == 0
    else:
        last = mlexp(torn, "-q", "resume", str(folder))
        assert last.returncode == 0 or "is completed" in last.stderr, last.stderr
    folder = folder_in(torn)
    assert folder is not None
    found = files(folder)
    assert found.keys() == wanted.keys(), found.keys() ^ wanted.keys()
    assert [name for name in wanted if found[name] != wanted[name]] == []
    assert [path for name in LEFT for path in torn.rglob(name)] == []
    assert kills
