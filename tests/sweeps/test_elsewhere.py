"""Sweeps on a Dask cluster and in the queue of submitit: the same folders as on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.process import environment, mlexp, start
from tests.sweeps.conftest import assert_whole, same_runs, summary

from mlexp.config.schema import Execution
from mlexp.errors import ConfigError
from mlexp.store import Run, Sweep

pytest.importorskip("distributed", reason="the extra dask is not installed")
pytest.importorskip("submitit", reason="the extra slurm is not installed")

JOBS = ("-m", "-q", "model.epochs=120", "model.patience=null", "model.hidden=[16]", "model.learning_rate=0.01,0.001",
        "seed=0,1,2", "checkpoint_seconds=0.2", "figures=false")  # fmt: skip
LONG = ("-m", "-q", "model.epochs=400", "model.patience=null", "model.hidden=[32]", "seed=0,1,2,3", "sweep.stack=false",
        "checkpoint_seconds=0.1", "figures=false", "sweep.dir=here")  # fmt: skip
OWN = ("task=classify", "dataset=iris", "model.name=rigged.Rigged", "trusted_packages=[sklearn,rigged]")
SLURM = ("execution=slurm", "execution.cluster=local", "execution.workers=2")
BACKENDS = ("dask", "slurm")


class Cluster:
    """A Dask scheduler and its workers, each in a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self._start(
            "scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", "at.json"
        )
        self.address = wait_for(lambda: json.loads((folder / "at.json").read_text())["address"])

    def add_worker(self, *options: str) -> subprocess.Popen[bytes]:
        known = self.count()
        process = self._start("worker", self.address, "--nthreads", "1", "--no-dashboard",
                              "--local-directory", str(self.folder), *options)  # fmt: skip
        wait_for(lambda: self.count() > known)
        return process

    def count(self) -> int:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            return len(client.scheduler_info()["workers"])

    def settings(self) -> tuple[str, ...]:
        return ("execution=dask", f"execution.scheduler={self.address}")

    def kill(self, *processes: subprocess.Popen[bytes]) -> None:
        for process in processes or self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _start(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        with open(self.folder / "cluster.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", what, *arguments], cwd=self.folder, env=environment(self.folder),
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process


def wait_for(look: Callable[[], Any]) -> Any:
    for _ in range(600):
        try:
            if found := look():
                return found
        except (OSError, ValueError):
            pass
        time.sleep(0.05)
    raise AssertionError("it does not come about")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.add_worker()
    made.add_worker()
    yield made
    made.kill()


def settings(backend: str, request: pytest.FixtureRequest) -> tuple[str, ...]:
    return request.getfixturevalue("cluster").settings() if backend == "dask" else SLURM


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cwd = tmp_path_factory.mktemp("local")
    assert mlexp(cwd, *JOBS, "sweep.dir=here").returncode == 0
    return cwd / "here"


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_sweep_as_on_this_machine(
    backend: str, local: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    done = mlexp(tmp_path, *JOBS, "sweep.dir=here", *settings(backend, request))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout == "here\n"
    here = tmp_path / "here"
    assert summary(here) == summary(local)
    same_runs(here, local)
    assert_whole(here)
    assert sorted(path.name for path in here.iterdir()) == sorted(path.name for path in local.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_job_that_dies_costs_itself_alone(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    fates = "model.params.fate=exit,segfault,kill,memory,well,raise"
    done = mlexp(tmp_path, "-m", *OWN, fates, "sweep.dir=here", "figures=false", *settings(backend, request))
    assert done.returncode == 6
    assert "5 of 6 jobs did not complete" in done.stderr
    table = Sweep.open(tmp_path / "here").summary
    assert table["status"] == ["failed"] * 4 + ["completed", "failed"]
    for problem, what in zip(
        table["problem"],
        ("SystemExit: 3", "SIGSEGV", "SIGKILL", "needs more memory than there is"),
        strict=False,
    ):
        assert what in problem


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_ctrl_c_leaves_a_sweep_to_go_on_with(
    backend: str, local: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    command = (*JOBS, "sweep.dir=here", "sweep.stack=false", *settings(backend, request))
    process = start(tmp_path, *command)
    wait_for(lambda: list(tmp_path.glob("here/runs/001-*/history.csv")))
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 5, errors
    assert "mlexp resume here" in errors
    assert not list((tmp_path / "here").glob(".exchange-*"))
    done = mlexp(tmp_path, "resume", "here", *settings(backend, request))
    assert done.returncode == 0, done.stderr
    assert summary(tmp_path / "here") == summary(local)
    same_runs(tmp_path / "here", local)
    assert_whole(tmp_path / "here")


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_killed_sweep_goes_on_although_its_workers_live(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Workers elsewhere outlive the sweep that sent them; they let go of their jobs for the one that goes on."""
    process = start(tmp_path, *LONG, *settings(backend, request))
    wait_for(lambda: list(tmp_path.glob("here/runs/001-*/checkpoint.npz")))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    done = mlexp(tmp_path, "resume", "here", *settings(backend, request))
    assert done.returncode == 0, done.stderr
    assert Sweep.open(tmp_path / "here").summary["status"] == ["completed"] * 4
    assert_whole(tmp_path / "here")


@pytest.mark.slow
def test_a_killed_dask_worker_has_its_jobs_taken_over(tmp_path: Path) -> None:
    """One of two workers is killed in the middle: the other one goes on with its job where it was."""
    cluster = Cluster(tmp_path)
    victim = cluster.add_worker()
    cluster.add_worker()
    try:
        process = start(tmp_path, *LONG, *cluster.settings())
        wait_for(lambda: len(list(tmp_path.glob("here/runs/*/checkpoint.npz"))) == 2)
        cluster.kill(victim)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    finally:
        cluster.kill()
    log = (tmp_path / "here" / "run.log").read_text()
    assert "is put back" in log
    runs = [Run.open(path) for path in (tmp_path / "here" / "runs").iterdir()]
    assert sum("resumed" in run.info for run in runs) == 1
    assert [run.info["status"] for run in runs] == ["completed"] * 4
    assert all(list(run.history["epoch"]) == list(range(1, 401)) for run in runs)
    assert_whole(tmp_path / "here")


@pytest.mark.slow
def test_a_scheduler_without_workers_and_one_that_goes_away(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    try:
        alone = mlexp(tmp_path, *LONG, *cluster.settings())
        assert alone.returncode == 2
        assert f"has no workers. Start some: dask worker {cluster.address}" in alone.stderr
        assert not (tmp_path / "here").exists()
        cluster.add_worker()
        process = start(tmp_path, *LONG, *cluster.settings())
        wait_for(lambda: list(tmp_path.glob("here/runs/001-*/checkpoint.npz")))
        cluster.kill(cluster.processes[0])
        _, errors = process.communicate(timeout=120)
    finally:
        cluster.kill()
    assert process.returncode == 5, errors
    assert errors.count("\n") == 1
    assert "execution=local" in errors
    assert "mlexp resume here" in errors
    assert Sweep.open(tmp_path / "here").info["status"] == "interrupted"
    assert (
        mlexp(tmp_path, "resume", "here", *cluster.settings()).returncode == 2
    )  # there is no scheduler any more
    again = mlexp(tmp_path, "resume", "here")  # on this machine: where it runs changes nothing
    assert again.returncode == 0, again.stderr
    assert_whole(tmp_path / "here")


@pytest.mark.slow
def test_a_worker_that_does_not_see_the_folder(cluster: Cluster, tmp_path: Path) -> None:
    from mlexp.execution.dask import Dask

    with pytest.raises(ConfigError, match=r"does not see .*elsewhere.*outputs=FOLDER"):
        Dask(Execution(backend="dask", scheduler=cluster.address), tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("execution=dask",), "needs a scheduler. Start one with: dask scheduler"),
        (("execution=dask", "execution.scheduler=tcp://127.0.0.1:9"), "tcp://127.0.0.1:9 does not answer"),
        (("execution=dask", "execution.scheduler=nonsense"), "nonsense does not answer"),
        (("execution=slurm",), "finds no sbatch here"),
    ],
)
def test_no_one_there(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = mlexp(tmp_path, *JOBS, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "outputs").exists()
