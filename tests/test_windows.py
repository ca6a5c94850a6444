"""mlexp without what Windows lacks (windows/sitecustomize.py): run, report, predict, sweep with dying workers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.process import OWN, start

from mlexp.store import Run, Sweep

HERE = Path(__file__).parent / "windows"
ENVIRONMENT = {"PYTHONPATH": f"{HERE}{os.pathsep}{OWN}", "PATH": "", "OPENBLAS_NUM_THREADS": "1"}


def begun(cwd: Path, *words: str) -> subprocess.Popen[str]:
    return start(cwd, *words, **ENVIRONMENT)


def mlexp(cwd: Path, *words: str, code: int = 0) -> str:
    """Run mlexp to its end and return what it printed."""
    process = begun(cwd, *words)
    said, errors = process.communicate(timeout=240)
    assert process.returncode == code, said + errors
    assert "Traceback" not in errors
    return said


def test_the_stand_in_takes_away_what_it_says(tmp_path: Path) -> None:
    asks = """
import os, signal, subprocess, sys, mlexp.system
here = {"__name__": "mlexp.asking"}
for module in ("fcntl", "resource", "termios"):
    try: exec(f"import {module}", here)
    except ModuleNotFoundError: continue
    raise SystemExit(f"{module} is there")
assert not [name for name in ("fork", "O_NOFOLLOW", "killpg") if hasattr(os, name)]
assert not hasattr(signal, "pthread_sigmask") and mlexp.system.WINDOWS
try: os.symlink("a", "b")
except OSError: raise SystemExit(0)
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", asks], env=os.environ | ENVIRONMENT, cwd=tmp_path, check=False, text=True,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_run_its_report_and_its_predictions(tmp_path: Path) -> None:
    folder = tmp_path / mlexp(tmp_path, "-q", "size=smoke", "model=decision_tree").strip()
    latest = tmp_path / "outputs" / "digits_mlp" / "latest"
    assert not os.path.lexists(latest)
    assert latest.with_suffix(".txt").read_text("utf-8") == folder.name
    (folder / "report.html").unlink()
    mlexp(tmp_path, "report", str(latest))
    assert (folder / "report.html").stat().st_size > 1e5
    assert folder.name in mlexp(tmp_path, "show", "outputs/digits_mlp/latest")
    mlexp(tmp_path, "rerun", "outputs/digits_mlp/latest")
    row = ",".join(f"pixel_{number}" for number in range(64)) + "\n" + ",".join(["1"] * 64) + "\n"
    (tmp_path / "new.csv").write_text(row, "utf-8")
    mlexp(tmp_path, "predict", "digits_mlp", "new.csv", "--out", "answers.csv")
    assert (tmp_path / "answers.csv").read_text("utf-8").count("\n") == 2
    mlexp(tmp_path, "doctor")
    mlexp(tmp_path, "clean", "--status", "completed", "--yes")
    assert not latest.with_suffix(".txt").exists()


@pytest.mark.slow
def test_a_sweep_whose_worker_dies_and_its_report(tmp_path: Path) -> None:
    words = ("model=decision_tree", "model.name=rigged.Rigged", "trusted_packages=[rigged]", "figures=false",
             "+model.params.fate=well,leave,segfault")  # fmt: skip
    mlexp(tmp_path, "-m", "-q", *words, "sweep.dir=here", code=6)
    sweep = Sweep.open(tmp_path / "here")
    assert sorted(sweep.summary["status"]) == ["completed", "failed", "failed"]
    (tmp_path / "here" / "report.html").unlink(missing_ok=True)
    mlexp(tmp_path, "report", "here")
    assert (tmp_path / "here" / "report.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [("seed=0",), ("-m", "seed=0,1", "sweep.stack=false")], ids=["run", "sweep"]
)
def test_what_was_killed_is_resumed(words: tuple[str, ...], tmp_path: Path) -> None:
    long = (*words, "model.epochs=150", "model.patience=null", "checkpoint_seconds=0.2", "figures=false")
    process = begun(tmp_path, *long)
    while not list(tmp_path.rglob("checkpoint.npz")) and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    time.sleep(1)  # until its workers have noticed
    mlexp(tmp_path, "resume", "outputs/digits_mlp/latest")
    found = [Run.open(file.parent) for file in tmp_path.rglob("run.json")]
    assert {run.status for run in found} == {"completed"}
    assert not list(tmp_path.rglob(".lock"))
