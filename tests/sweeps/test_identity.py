"""No job of a sweep, search or comparison is answered for with the results of other data or other settings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import mlexp
from mlexp import dispatch
from mlexp.cli import main
from mlexp.config import combinations
from mlexp.errors import DataError
from mlexp.runs.terminal import QUIET
from mlexp.store import Run, Sweep, events
from mlexp.store.files import read_table
from mlexp.sweeps import opening, planning
from mlexp.sweeps.conductor import Conductor

LOGISTIC = ("task=classify", "dataset=csv", "model=logistic", "figures=false")
TWICE = ("-q", "-m", *LOGISTIC, "seed=0,1", "sweep.resume=true")
EASY, HARD = 1.0, 16 / 24  # scikit-learn's LogisticRegression: of hard.csv it learns the larger class alone


pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder, now the working one, with a table that is separable and one that is not."""
    monkeypatch.chdir(tmp_path)
    x = [*range(60), *range(100, 160)]
    easy = "".join(f"{value},{'a' if value < 60 else 'b'}\n" for value in x)
    hard = "".join(f"{37 * i % 120},{'a' if i % 3 else 'b'}\n" for i in range(120))
    (tmp_path / "easy.csv").write_text(f"x,label\n{easy}")
    (tmp_path / "hard.csv").write_text(f"x,label\n{hard}")
    return tmp_path


def accuracies(folder: Path) -> list[float]:
    return [round(float(cell), 4) for cell in Sweep.open(folder).summary["test_accuracy"]]


def swept(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[Path, str]:
    """Run a sweep, and return its folder with what was said on the standard error."""
    assert main([*TWICE, *words]) == 0
    said = capfd.readouterr()
    return Path(said.out.strip()), said.err


def test_another_table_does_not_find_the_old_sweep(tables: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first, said = swept(capfd, "dataset.path=easy.csv")
    assert accuracies(first) == [EASY, EASY]
    assert said == ""
    other, said = swept(capfd, "dataset.path=hard.csv")
    assert other != first
    assert accuracies(other) == [round(HARD, 4)] * 2
    assert said.count("\n") == 1
    assert "different data" in said
    assert "different data" in Sweep.open(other).info["warnings"][0]
    shutil.copy("easy.csv", "again.csv")  # the same rows at another place are the same data
    assert swept(capfd, "dataset.path=again.csv") == (first, "")
    assert swept(capfd, "dataset.path=easy.csv", "threads=2") == (first, "")
    new, _ = swept(capfd, "dataset.path=easy.csv", "sweep.dir=new")
    assert new == Path("new")
    assert accuracies(new) == [EASY, EASY]


@pytest.mark.parametrize("how", ["edited", "test_path", "data_dir"])
def test_data_that_changed_are_other_data(tables: Path, how: str, capfd: pytest.CaptureFixture[str]) -> None:
    more = {"edited": [], "test_path": ["dataset.test_path=test.csv"], "data_dir": ["data_dir=."]}
    words = ["dataset.path=table.csv", *more[how]]
    shutil.copy("easy.csv", "table.csv")
    shutil.copy("easy.csv", "test.csv")
    first, _ = swept(capfd, *words)
    shutil.copy("hard.csv", "test.csv" if how == "test_path" else "table.csv")
    again, said = swept(capfd, *words)
    assert again != first
    assert "different data" in said
    assert max(accuracies(again)) < 0.9


def test_a_sweep_resumed_after_its_file_changed_has_no_job_of_the_old_data(
    tables: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copy("easy.csv", "table.csv")
    folder, _ = swept(capfd, "dataset.path=table.csv", "sweep.dir=here")
    shutil.rmtree(next(folder.glob("runs/002-*")))  # as if it had been killed after job 1
    info = json.loads((folder / "sweep.json").read_text())
    (folder / "sweep.json").write_text(json.dumps(info | {"status": "running"}))
    shutil.copytree(folder, "killed")
    shutil.copy("hard.csv", "table.csv")
    assert main(["resume", "-q", "here"]) == 0
    assert accuracies(folder) == [round(HARD, 4)] * 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "data have changed" in said
    aside = list(folder.glob("set_aside/*"))
    assert [path.name[:4] for path in aside] == ["001-"]
    assert Run.open(aside[0]).metrics["test"]["accuracy"] == EASY
    fingerprints = {run.info["dataset"]["fingerprint"] for run in map(Run.open, folder.glob("runs/*"))}
    assert fingerprints == {job["data"] for job in Sweep.open(folder).info["jobs"]}
    assert len(fingerprints) == 1
    again, said = swept(capfd, "dataset.path=table.csv", "sweep.dir=killed")  # the same, by the same command
    assert accuracies(again) == [round(HARD, 4)] * 2
    assert "data have changed" in said
    before = (folder / "runs").stat().st_mtime_ns
    shutil.copy("easy.csv", "table.csv")
    assert main(["resume", "-q", "here"]) == 0  # all jobs have come to their end: nothing is left to be mixed
    assert accuracies(folder) == [round(HARD, 4)] * 2
    assert (folder / "runs").stat().st_mtime_ns == before


def test_python_sweeps_and_comparisons_do_not_find_other_data(tables: Path) -> None:
    words = [*LOGISTIC, "sweep.resume=true"]
    for table, truth in (("easy.csv", EASY), ("hard.csv", HARD)):
        view = mlexp.sweep(*words, seed=[0, 1], **{"dataset.path": table})
        assert view.summary["test_accuracy"].tolist() == pytest.approx([truth, truth])
    arms = "comparison.arms={strong: {model.params.C: 100.0}, weak: {model.params.C: 0.0001}}"
    for table, truth in (("easy.csv", EASY), ("hard.csv", HARD)):
        found = mlexp.compare(
            *words, "task.kind=comparison", arms, "comparison.seeds=1", f"dataset.path={table}"
        )
        means = {arm["name"]: arm["mean"] for arm in found.info["arms"]}  # type: ignore[union-attr]
        assert means["strong"] == pytest.approx(truth)


def test_a_comparison_resumed_after_its_file_changed_answers_for_the_new_data(
    tables: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copy("easy.csv", "table.csv")
    arms = "comparison.arms={one: {model.hidden: [4]}, two: {model.hidden: [5]}}"
    words = ["-q", "task=classify", "task.kind=comparison", "dataset=csv", "dataset.path=table.csv", arms,
             "comparison.seeds=2", "comparison.tune_arms=true", "tune=grid", "model.epochs=5",
             "tune.space.model.learning_rate=[0.01,0.1]", "figures=false", "sweep.dir=here"]  # fmt: skip
    assert main(words) == 0
    before = json.loads(Path("here/comparison.json").read_text())
    info = json.loads(Path("here/sweep.json").read_text())
    Path("here/sweep.json").write_text(json.dumps(info | {"status": "running"}))
    shutil.rmtree(next(Path("here").glob("runs/004-*")))
    shutil.copy("hard.csv", "table.csv")
    assert main(["resume", "-q", "here"]) == 0
    assert "data have changed" in capfd.readouterr().err
    now = json.loads(Path("here/comparison.json").read_text())
    assert max(arm["mean"] for arm in before["arms"]) > 0.9
    assert max(arm["mean"] for arm in now["arms"]) < 0.8
    folders = [
        file.parent for file in Path("here").glob("*/*/run.json") if file.parents[1].name != "set_aside"
    ]
    assert len({Run.open(path).info["dataset"]["fingerprint"] for path in folders}) == 1
    assert len(list(Path("here").glob("set_aside/*"))) == 5  # two searches and three runs


def test_a_job_whose_data_changed_while_the_sweep_ran_does_not_count(tables: Path) -> None:
    words = [*LOGISTIC, "dataset.path=easy.csv", "seed=0,1"]
    done = dispatch.run_sweep(dispatch.plan_sweep(words))
    place = next(done.path.glob("runs/002-*"))
    info = json.loads((place / "run.json").read_text())
    info["dataset"]["fingerprint"] = "0" * 64  # what another worker found in the file
    (place / "run.json").write_text(json.dumps(info))
    plan, folder = opening.taken_over(done.path)
    conductor = Conductor(plan, folder, dispatch.work, QUIET, plan.n_features)
    for job in plan.jobs:
        conductor.ended(job, "completed")
    rows = conductor.finish().rows
    assert [row["status"] for row in rows] == ["completed", "failed"]
    assert "changed" in rows[1]["problem"]
    assert "test_accuracy" not in rows[1]
    folder.close()
    again = dispatch.resume(done.path)
    assert [row["test_accuracy"] for row in again.rows] == [EASY, EASY]


def test_one_data_set_of_several_that_cannot_be_read_costs_its_own_jobs(tables: Path) -> None:
    plan = planning.read(dispatch.plan_sweep([*LOGISTIC, "dataset.path=easy.csv,nosuch.csv,hard.csv"]))
    assert [bool(job.data) for job in plan.jobs] == [True, False, True]
    assert plan.jobs[0].data != plan.jobs[2].data
    with pytest.raises(DataError, match="which does not exist"):
        planning.read(dispatch.plan_sweep([*LOGISTIC, "dataset.path=nosuch.csv", "seed=0,1"]))


def test_several_data_sets_and_splits_have_jobs_of_their_own() -> None:
    plan = planning.read(dispatch.plan_sweep(["dataset=iris,wine", "split.seed=0,1", "dataset.limit=30"]))
    assert len({job.data for job in plan.jobs}) == 2
    assert len({(job.hash, job.data) for job in plan.jobs}) == 4
    assert plan.n_features == 13


def test_threads_are_not_part_of_what_a_run_is() -> None:
    one, two = (combinations.expand([f"threads={n}"])[0].config for n in (1, 2))
    assert (
        planning.planned([combinations.Combination({}, one)]).hash
        == planning.planned([combinations.Combination({}, two)]).hash
    )


@pytest.mark.parametrize("begun", [False, True])
def test_a_sweep_whose_configuration_was_edited_is_not_resumed(
    tables: Path, begun: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*TWICE, "dataset.path=easy.csv", "sweep.dir=here", "sweep.stack=false"]) == 0
    info = json.loads(Path("here/sweep.json").read_text())
    Path("here/sweep.json").write_text(json.dumps(info | {"status": "interrupted"}))
    config = Path("here/config.yaml")
    config.write_text(config.read_text().replace("validation: 0.1", "validation: 0.2"))
    again = [*TWICE, "dataset.path=easy.csv", "sweep.dir=here"] if begun else ["resume", "here"]
    assert main(again) == 2
    said = capfd.readouterr().err
    assert "split.validation is 0.2, not 0.1" in said
    assert said.count("\n") == 1


def test_a_run_whose_configuration_was_edited_is_not_resumed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["-q", "size=smoke", "figures=false", "model.hidden=[64]", f"outputs={tmp_path}"]) == 0
    folder = (tmp_path / "digits_mlp" / "latest").resolve()
    info = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(info | {"status": "interrupted", "error": "stopped by hand"}))
    config = folder / "config.yaml"
    as_it_was = config.read_text()
    config.write_text(as_it_was.replace("- 64", "- 32").replace("hidden: [64]", "hidden: [32]"))
    assert config.read_text() != as_it_was
    before = (folder / "run.json").read_bytes()
    capfd.readouterr()
    assert main(["resume", str(folder)]) == 2
    said = capfd.readouterr().err
    assert "model.hidden is [32], not [64]" in said
    assert said.count("\n") == 1
    assert (folder / "run.json").read_bytes() == before
    config.write_text(as_it_was.replace("figures: false", "figures: true"))  # changes no result
    assert main(["resume", "-q", str(folder)]) == 0


def test_a_search_is_resumed_though_it_writes_what_it_chose_into_its_configuration(tmp_path: Path) -> None:
    words = ["size=smoke", "figures=false", "tune=grid", "tune.space.model.learning_rate=[0.001,0.1]",
             "tune.space.model.hidden=null", "tune.space.model.dropout=null", "tune.epochs=2"]  # fmt: skip
    assert main(["-q", *words, "task=mnist_mlp", "dataset=digits", f"outputs={tmp_path}"]) == 0
    folder = (tmp_path / "mnist_mlp" / "latest").resolve()
    first = json.loads((folder / "run.json").read_text())
    for _ in range(3):
        info = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps(info | {"status": "interrupted"}))
        assert main(["resume", "-q", str(folder)]) == 0
    assert json.loads((folder / "run.json").read_text())["chosen"] == first["chosen"]


def test_a_finished_sweep_is_extended_by_more_seeds_without_running_any_again(tmp_path):
    place = tmp_path / "sweep"
    words = [
        "-q",
        "-m",
        "task=digits_mlp",
        "size=smoke",
        "model.init=he,xavier",
        f"sweep.dir={place}",
        "sweep.resume=true",
    ]
    assert main([*words, "seed=0,1"]) == 0
    before = {path: path.stat().st_mtime_ns for path in place.glob("runs/*/metrics.json")}
    assert len(before) == 4
    assert main([*words, "seed=0,1,2"]) == 0
    after = {path: path.stat().st_mtime_ns for path in place.glob("runs/*/metrics.json")}
    assert len(after) == 6
    assert before.items() <= after.items()
    planned = [row["n_jobs"] for row in events.read(place).rows if row["event"] == "planned"]
    assert planned == [4, 6]
    assert main([*words, "seed=0,1,2"]) == 0
    assert after == {path: path.stat().st_mtime_ns for path in place.glob("runs/*/metrics.json")}
    assert main(["-q", "resume", str(place)]) == 0
    assert len(read_table(place / "summary.csv")["status"]) == 6
    assert main([*words, "seed=0,1"]) == 2  # fewer jobs than the folder has: other jobs


THREE = "comparison.arms={a: {model.init: he}, b: {model.init: xavier}, c: {model.init: zeros}}"


@pytest.mark.parametrize("more", [THREE, "comparison.seeds=3"])
def test_a_comparison_whose_answer_was_seen_takes_no_more_jobs(more, tmp_path, capsys):
    place = tmp_path / "seen"
    words = [
        "-q", "task=digits_mlp", "dataset.limit=200", "model.epochs=2", "figures=false", "task.kind=comparison",
        "comparison.seeds=2", "comparison.arms={a: {model.init: he}, b: {model.init: xavier}}", f"sweep.dir={place}",
        "sweep.resume=true",
    ]  # fmt: skip
    assert main(words) == 0
    answer = (place / "comparison.json").read_bytes()
    assert main([*(word for word in words if word.partition("=")[0] != more.partition("=")[0]), more]) == 2
    assert "contains a sweep of different jobs" in capsys.readouterr().err
    assert (place / "comparison.json").read_bytes() == answer
