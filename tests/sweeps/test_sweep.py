"""Sweeps as a person meets them: what runs, what fails alone, what a stack must not change."""

from __future__ import annotations

import faulthandler
import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from tests.process import environment, mlexp, start
from tests.sweeps.conftest import assert_whole, same_runs, summary

from mlexp import dispatch
from mlexp.errors import DataError
from mlexp.kinds.observer import RunPlan
from mlexp.models.guarded import guarded
from mlexp.store import Run, Sweep
from mlexp.sweeps.view import SweepView
from mlexp.sweeps.worker import CrashLog, is_out_of_memory

OWN = ("task=classify", "dataset=iris", "model.name=rigged.Rigged", "trusted_packages=[sklearn,rigged]")


def runs(cwd: Path, folder: str) -> dict[int, Run]:
    found = sorted((cwd / folder / "runs").iterdir())
    return {int(path.name.partition("-")[0]): Run.open(path) for path in found}


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which six jobs ran, in stacks."""
    cwd = tmp_path_factory.mktemp("six")
    done = mlexp(cwd, "-m", "size=smoke", "model.learning_rate=0.01,0.001", "seed=0,1,2")
    assert done.returncode == 0, done.stderr
    (cwd / "said.txt").write_text(done.stdout)
    return cwd


def test_folder_of_a_sweep(six: Path) -> None:
    sweep = Sweep.open(six / "outputs" / "digits_mlp" / "latest")
    assert sweep.info["status"] == "completed"
    assert sweep.info["keys"] == ["model.learning_rate", "seed"]
    table = sweep.summary
    assert list(table)[:4] == ["number", "model.learning_rate", "seed", "status"]
    assert table["number"] == list("123456")
    assert table["model.learning_rate"] == ["0.01"] * 3 + ["0.001"] * 3
    for folder, seed, accuracy in zip(table["folder"], table["seed"], table["test_accuracy"], strict=True):
        run = Run.open(sweep.path / folder)
        assert run.info["seed"] == int(seed)
        assert run.metrics["test"]["accuracy"] == float(accuracy)
        assert not (run.path / "figures").exists()
    assert {path.name for path in (sweep.path / "figures").iterdir()} == {"sweep.png", "losses.png"}
    assert_whole(sweep.path)
    said = (six / "said.txt").read_text()
    assert "6 jobs on 2 workers" in said or "6 jobs on 1 worker" in said
    assert "6 completed" in said


def test_each_job_is_a_run_like_any_other(six: Path, tmp_path: Path) -> None:
    """A stacked job has the very bytes of the same configuration run alone, its config.yaml included."""
    assert (
        mlexp(tmp_path, "-q", "size=smoke", "model.learning_rate=0.001", "seed=1", "figures=false").returncode
        == 0
    )
    alone = (tmp_path / "outputs" / "digits_mlp" / "latest").resolve()
    stacked = runs(six, "outputs/digits_mlp/latest")[5].path
    assert Run.open(stacked).info["stack"] > 1
    for file in alone.rglob("*"):
        if file.is_file() and file.name not in ("run.json", "run.log", "timing.csv", "events.jsonl"):
            assert file.read_bytes() == (stacked / file.relative_to(alone)).read_bytes(), file.name


def test_stack_or_not_the_same_bytes(tmp_path: Path) -> None:
    """Replicas that stop early, diverge and drop units, in one stack, alone, and on one worker."""
    settings = (
        "-m", "-q", "model.hidden=[12]", "model.epochs=30", "model.patience=2", "model.dropout=0.1",
        "model.optimizer=sgd", "model.momentum=0.9,0.5", "model.learning_rate=0.1,0.01,1e30", "model.init=he,xavier",
        "figures=false",
    )  # fmt: skip
    for name, how in {
        "one": ("sweep.stack=true",),
        "two": ("sweep.stack=false", "execution.workers=1"),
    }.items():
        assert mlexp(tmp_path, *settings, f"sweep.dir={name}", *how).returncode == 6
    one, two = tmp_path / "one", tmp_path / "two"
    assert summary(one) == summary(two)
    states = Sweep.open(one).summary["status"]
    assert states.count("diverged") == 4
    assert states.count("completed") == 8
    for number, run in runs(tmp_path, "one").items():
        assert run.info["stack"] > 1
        assert "stack" not in runs(tmp_path, "two")[number].info
        for file in run.path.rglob("*.*"):
            if file.is_file() and file.name not in ("run.json", "run.log", "timing.csv", "events.jsonl"):
                twin = two / file.relative_to(one.resolve())
                assert file.read_bytes() == twin.read_bytes(), file


def test_a_job_that_dies_costs_itself_alone(tmp_path: Path) -> None:
    fates = "well,exit,segfault,kill,memory,raise,leave"
    done = mlexp(tmp_path, "-m", *OWN, f"model.params.fate={fates}", "sweep.dir=here")
    assert done.returncode == 6
    assert done.stderr.count("\n") == 1
    assert "6 of 7 jobs did not complete" in done.stderr
    assert "Job 2 failed: SystemExit: 3" in done.stderr
    table = done.stdout[done.stdout.index("job  ") :]
    assert table.index("SIGKILL") < table.index("1    well"), "failures come first"
    found = runs(tmp_path, "here")
    assert found[1].info["status"] == "completed"
    for number, problem, trace in (
        (2, "SystemExit: 3", "in <lambda>"),
        (3, "SIGSEGV", "string_at"),
        (4, "SIGKILL", ""),
        (5, "needs more memory than there is", "_out_of_memory"),
        (6, "RuntimeError: two", "_raises"),
        (7, "exit code 7", ""),
    ):
        assert found[number].info["status"] == "failed"
        assert problem in found[number].info["error"]
        assert trace in (found[number].path / "run.log").read_text()
        assert problem in Sweep.open(tmp_path / "here").summary["problem"][number - 1]


def test_a_job_is_tried_again_where_that_is_wanted(tmp_path: Path) -> None:
    done = mlexp(
        tmp_path, "-m", *OWN, "model.params.fate=kill", "sweep.dir=here", "sweep.retries=2", "seed=0,1"
    )
    assert done.returncode == 6
    log = (tmp_path / "here" / "run.log").read_text()
    assert log.count("is put back") == 4
    assert log.count("failed: the process was killed by SIGKILL") == 2


def test_data_that_all_jobs_lack_are_missed_before_anything_is_made(tmp_path: Path) -> None:
    done = mlexp(tmp_path, "-m", "task=mnist_mlp", "dataset.path=nowhere", "seed=0,1")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "outputs").exists()


def test_dry_run_prints_the_plan_and_makes_nothing(tmp_path: Path) -> None:
    done = mlexp(tmp_path, "-m", "--dry-run", "seed=0,1,2,3", "model.hidden=[8],[9]")
    assert done.returncode == 0, done.stderr
    assert "8 jobs" in done.stdout
    assert "stack of 2" in done.stdout
    assert "seed=3 model.hidden=[9]" in done.stdout
    assert not (tmp_path / "outputs").exists()


def test_pairs_lists_and_one_job(tmp_path: Path) -> None:
    (tmp_path / "own" / "task").mkdir(parents=True)
    (tmp_path / "own" / "task" / "arms.yaml").write_text(
        "# @package _global_\n# Three arms.\nsweep:\n  list:\n"
        "    - {model.hidden: [8], model.activation: tanh}\n    - {model: knn}\n    - {dataset: iris}\n"
        "task: {name: arms}\nmodel: {epochs: 2}\n"
    )
    done = mlexp(tmp_path, "-m", "--config-dir", "own", "task=arms", "seed=0,1", "sweep.dir=here")
    assert done.returncode == 0, done.stderr
    names = [(run.info["dataset"]["name"], run.info["seed"]) for run in runs(tmp_path, "here").values()]
    assert names == [("digits", 0), ("digits", 0), ("iris", 0), ("digits", 1), ("digits", 1), ("iris", 1)]
    alone = mlexp(tmp_path, "--config-dir", "own", "task=arms")
    assert alone.returncode == 2
    assert "Add -m" in alone.stderr
    (tmp_path / "one").mkdir()  # an empty folder is as good as none
    one = mlexp(tmp_path, "-m", "size=smoke", "sweep.dir=one")
    assert one.returncode == 0, one.stderr
    again = mlexp(tmp_path, "-m", "size=smoke", "sweep.dir=one")
    assert again.returncode == 2
    assert "sweep.resume=true" in again.stderr


def test_two_sweeps_at_once_do_not_collide(tmp_path: Path) -> None:
    settings = ("-m", "-q", "size=smoke", "seed=0,1,2", "figures=false")
    both = [start(tmp_path, *settings) for _ in range(2)]
    folders = [process.communicate(timeout=120)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert folders[0] != folders[1]
    same_runs(tmp_path / folders[0], tmp_path / folders[1])
    for folder in folders:
        assert_whole(tmp_path / folder)


@pytest.mark.slow
def test_sixty_four_circles_in_stacks_and_one_by_one(tmp_path: Path) -> None:
    """Seeds and learning rates: the same files with the same bytes (what it gains: scripts/bench/sweep.py)."""
    settings = ("-m", "-q", "task=classify", "dataset=circles", "model.hidden=[5]", "model.epochs=100",
                "model.patience=null", "seed=range(0,16)", "model.learning_rate=0.001,0.003,0.01,0.03",
                "figures=false")  # fmt: skip
    sides = {"stack": (), "single": ("sweep.stack=false", "execution.workers=1")}
    for name, how in sides.items():
        assert mlexp(tmp_path, *settings, f"sweep.dir={name}", *how).returncode == 0
    made = [
        {str(file.relative_to(tmp_path / name)) for file in (tmp_path / name / "runs").rglob("*")}
        for name in sides
    ]
    assert made[0] == made[1]
    alike = tuple(
        {name.split("/", 2)[2] for name in made[0] if name.endswith((".csv", ".json", ".npz", ".yaml"))}
    )
    same_runs(tmp_path / "stack", tmp_path / "single", tuple(set(alike) - {"run.json", "timing.csv"}))


def test_a_full_disk_stops_the_sweep_and_what_was_done_is_kept(tmp_path: Path) -> None:
    """A limit on the size of a file stands in for the disk: the second job's network does not fit."""
    settings = (
        "-m",
        "-q",
        "size=smoke",
        "model.hidden=[4],[400],[5],[6],[7]",
        "sweep.dir=here",
        "figures=false",
    )
    full = subprocess.run(
        ["sh", "-c", 'ulimit -f 120; exec "$@"', "sh", sys.executable, "-m", "mlexp.cli", *settings,
         "execution.workers=1"], cwd=tmp_path, env=environment(tmp_path), text=True, capture_output=True,
    )  # fmt: skip
    assert full.returncode == 5, full.stderr
    assert full.stderr.count("\n") == 1
    assert "model.npz cannot be written: File too large. Free some space" in full.stderr
    assert "4 of 5 jobs left" in full.stderr
    assert "mlexp resume here" in full.stderr
    states = Sweep.open(tmp_path / "here").summary["status"]
    assert states == ["completed", "interrupted", "left", "left", "left"]
    done = mlexp(tmp_path, "resume", "here")
    assert done.returncode == 0, done.stderr
    assert_whole(tmp_path / "here")


def test_outputs_that_take_nothing(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("a file where the folder should be")
    done = mlexp(tmp_path, "-m", "-q", "size=smoke", "seed=0,1")
    assert done.returncode == 2
    assert "outputs=outputs cannot be written" in done.stderr
    assert done.stderr.count("\n") == 1


def test_live_table_says_how_far_a_sweep_is() -> None:
    plan = dispatch.plan_sweep(["seed=0,1,2,3,4"])
    page = Console(width=120, record=True, force_terminal=True, file=io.StringIO())
    view = SweepView(plan, 0, page)
    view.announce([(job,) for job in plan.jobs], 1, Path("here"))
    view.changed(plan.jobs[1], "completed", {"validation_accuracy": 0.5})
    view.changed(plan.jobs[2], "completed", {"validation_accuracy": 0.75})
    view.changed(plan.jobs[3], "failed", {}, "a reason")
    view.changed(plan.jobs[4], "running")
    view.stop()
    said = page.export_text()
    page.print(view.table())
    header, row = page.export_text().splitlines()
    assert header.split() == [
        "done",
        "running",
        "failed",
        "left",
        "time",
        "left",
        "best",
        "so",
        "far",
        "(validation)",
    ]
    assert row.split()[:4] == ["3", "1", "1", "0"]
    assert "0.7500  seed=2" in row
    assert "failed 004" in said
    assert "a reason" in said


def test_a_worker_that_ran_out_of_memory_in_a_model_is_replaced() -> None:
    """The model's error is put into our words; what it came from still decides about the process."""
    with pytest.raises(DataError) as caught, guarded("rigged", {}):
        raise MemoryError
    assert is_out_of_memory(caught.value)
    with pytest.raises(DataError) as caught, guarded("rigged", {}):
        raise ValueError("odd rows")
    assert not is_out_of_memory(caught.value)
    assert not is_out_of_memory(None)


@pytest.mark.parametrize("stderr", [None, io.StringIO()])
def test_a_job_closes_its_crash_log_where_stderr_has_no_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO | None
) -> None:
    log = CrashLog(tmp_path)
    log.begin("classify", RunPlan({}, {}))
    kept = log.file
    monkeypatch.setattr(sys, "stderr", stderr)
    log.close()
    monkeypatch.undo()
    assert kept is not None
    assert kept.closed
    assert not faulthandler.is_enabled()
    faulthandler.enable(sys.__stderr__)
