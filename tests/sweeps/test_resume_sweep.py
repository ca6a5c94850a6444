"""A sweep that is killed at any moment and resumed comes to the summary of one that was never stopped."""

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
from tests.sweeps.conftest import assert_whole, same_runs, summary

from mlexp import dispatch
from mlexp.runs.terminal import QUIET
from mlexp.store import Sweep, lock, sweep_folder
from mlexp.sweeps import planning
from mlexp.sweeps.conductor import Conductor

FEW = (
    "model.epochs=40",
    "model.patience=null",
    "model.hidden=[16]",
    "model.learning_rate=0.01,0.001",
    "seed=0,1,2",
)
MANY = ("model.epochs=40", "model.patience=null", "model.hidden=[16]", "model.learning_rate=0.01,0.001,0.1",
        "seed=range(0,8)")  # fmt: skip
COMMON = ("-m", "sweep.stack=false", "checkpoint_seconds=0.2")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cwd = tmp_path_factory.mktemp("whole")
    done = mlexp(cwd, "-q", *COMMON, *FEW)
    assert done.returncode == 0, done.stderr
    return cwd / done.stdout.strip()


def latest(cwd: Path) -> Path:
    return (cwd / "outputs" / "digits_mlp" / "latest").resolve()


def wait_for(process: subprocess.Popen[str], cwd: Path, pattern: str, count: int) -> None:
    for _ in range(6000):
        if len(list(cwd.glob(f"outputs/digits_mlp/*/{pattern}"))) >= count or process.poll() is not None:
            return
        time.sleep(0.01)
    raise AssertionError("the sweep does not get on")


def wait_until_free(folder: Path) -> None:
    """Wait until no worker of a killed sweep is left."""
    for _ in range(500):
        if not lock.is_locked(folder):
            return
        time.sleep(0.01)
    raise AssertionError("workers outlive their sweep")


def test_killed_group_resumes_to_the_same(whole: Path, tmp_path: Path) -> None:
    process = start(tmp_path, *COMMON, *FEW)
    wait_for(process, tmp_path, "runs/003-*/history.csv", 1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    folder = latest(tmp_path)
    wait_until_free(folder)
    assert Sweep.open(folder).info["status"] == "interrupted"
    done = mlexp(tmp_path, "resume", "outputs/digits_mlp/latest")
    assert done.returncode == 0, done.stderr
    assert latest(tmp_path) == folder
    assert summary(folder) == summary(whole)
    same_runs(folder, whole)
    assert_whole(folder)


def test_workers_do_not_outlive_their_parent(tmp_path: Path) -> None:
    process = start(tmp_path, *COMMON, "model.epochs=100000", "model.patience=null", "seed=0,1")
    wait_for(process, tmp_path, "runs/*/history.csv", 2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()  # returns only when no process holds the pipes any more
    locks = list(tmp_path.glob("outputs/digits_mlp/*/.lock"))
    assert locks
    folder = sweep_folder.reopen(latest(tmp_path))
    folder.close()


def test_ctrl_c_ends_after_the_epoch_and_the_same_command_goes_on(whole: Path, tmp_path: Path) -> None:
    process = start(tmp_path, *COMMON, *FEW)
    wait_for(process, tmp_path, "runs/002-*/history.csv", 1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers get it too
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 5, errors
    assert "mlexp resume outputs/digits_mlp/" in errors
    folder = latest(tmp_path)
    states = Sweep.open(folder).summary["status"]
    assert "left" in states
    assert "failed" not in states
    again = mlexp(tmp_path, *COMMON, *FEW, "sweep.resume=true")
    assert again.returncode == 0, again.stderr
    assert latest(tmp_path) == folder
    assert summary(folder) == summary(whole)
    same_runs(folder, whole)
    assert_whole(folder)
    once_more = mlexp(tmp_path, *COMMON, *FEW, "sweep.resume=true")
    assert "6 finished before" in once_more.stdout
    assert len(list(folder.parent.iterdir())) == 2  # the sweep and `latest`


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["false", "true"])
def test_killed_at_ten_random_moments(stack: str, tmp_path: Path) -> None:
    """One folder, killed ten times on its way, against one that was left alone."""
    (tmp_path / "whole").mkdir()
    settings = ("-m", f"sweep.stack={stack}", "checkpoint_seconds=0.1", *MANY)
    begun = time.monotonic()
    assert mlexp(tmp_path / "whole", "-q", *settings).returncode == 0
    seconds = time.monotonic() - begun
    draw = random.Random(0)
    for _ in range(10):
        process = start(tmp_path, *settings, "sweep.resume=true")
        time.sleep(draw.uniform(0.2, 0.9) * seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    done = mlexp(tmp_path, *settings, "sweep.resume=true")
    assert done.returncode == 0, done.stderr
    assert summary(latest(tmp_path)) == summary(latest(tmp_path / "whole"))
    same_runs(latest(tmp_path), latest(tmp_path / "whole"))
    assert_whole(latest(tmp_path))


def test_a_folder_with_other_jobs_is_not_gone_on_with(tmp_path: Path) -> None:
    settings = ("-m", "-q", "size=smoke", "figures=false", "sweep.dir=here", "sweep.resume=true")
    assert mlexp(tmp_path, *settings, "seed=0").returncode == 0
    before = (tmp_path / "here" / "sweep.json").read_bytes()
    other = mlexp(tmp_path, *settings, "seed=1")
    assert other.returncode == 2
    assert "contains a sweep of different jobs" in other.stderr
    assert (tmp_path / "here" / "sweep.json").read_bytes() == before
    assert mlexp(tmp_path, *settings, "seed=0").returncode == 0


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """Return a sweep of two, stopped in its second job, whose data changed since."""
    settings = ("-m", "-q", "size=smoke", "figures=false", "sweep.dir=here", "sweep.stack=false", "seed=0,1")
    assert mlexp(tmp_path, *settings).returncode == 0
    place = next((tmp_path / "here" / "runs").glob("002-*"))
    info = json.loads((place / "run.json").read_text())
    info["dataset"]["fingerprint"] = "0" * 64
    (place / "run.json").write_text(json.dumps(info | {"status": "interrupted", "error": "stopped by hand"}))
    return tmp_path / "here"


def test_a_job_begun_with_other_data_runs_anew(changed: Path) -> None:
    done = mlexp(changed.parent, "resume", "here")
    assert done.returncode == 0, done.stderr
    found = Sweep.open(changed)
    assert found.summary["status"] == ["completed", "completed"]
    assert [path.name[:4] for path in (changed / "set_aside").iterdir()] == ["002-"]
    assert not list(changed.rglob(lock.LOCK))


def test_what_a_worker_told_counts_until_the_run_has_ended(changed: Path) -> None:
    plan = planning.restored(changed)
    conductor = Conductor(plan, sweep_folder.reopen(changed), dispatch.work, QUIET, plan.n_features)
    for job in plan.jobs:
        conductor.ended(job, "failed", "told")
    assert [conductor.rows[number]["status"] for number in (1, 2)] == ["completed", "failed"]
    assert [conductor.rows[number]["problem"] for number in (1, 2)] == ["", "told"]
    assert conductor.finish().status == "failed"
    conductor.folder.close()


def test_resume_takes_nothing_but_where_to_go_on(changed: Path) -> None:
    for words, said in (
        ("seed=3", "what runs is recorded"),
        ("execution.workers=0", "execution.workers must be"),
        ("execution.nosuch=1", "execution.nosuch is not a key"),
    ):
        done = mlexp(changed.parent, "resume", "here", words)
        assert done.returncode == 2
        assert said in done.stderr
    assert Sweep.open(changed).info["status"] == "completed"
    single = next((changed / "runs").glob("001-*"))
    alone = mlexp(changed.parent, "resume", str(single), "execution=local")
    assert alone.returncode == 2
    assert "single run" in alone.stderr
