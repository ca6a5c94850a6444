"""A comparison from the command line: jobs, answer, figures, resuming, and comparing what is there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mlexp.cli import main
from mlexp.comparisons import past_runs
from mlexp.store import Run

SMALL = (
    "task=digits_mlp",
    "task.kind=comparison",
    "dataset.limit=300",
    "model.epochs=6",
    "model.hidden=[12]",
)
ARMS = "comparison.arms={relu: {model.activation: relu}, sigmoid: {model.activation: sigmoid}}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outputs = tmp_path_factory.mktemp("compared")
    assert main(["-q", *SMALL, ARMS, "comparison.seeds=2", f"outputs={outputs}"]) == 0
    return (outputs / "digits_mlp" / "latest").resolve()


def info(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "comparison.json").read_text()))


def test_the_answer_and_all_that_it_rests_on(folder: Path) -> None:
    found = info(folder)
    assert found["status"] == "completed"
    assert found["test"] == "crossed"
    assert "relu" in found["question"]
    assert [arm["name"] for arm in found["arms"]] == ["relu", "sigmoid"]
    assert {file.stem for file in (folder / "tables").iterdir()} >= {"arms", "pairs", "p_matrix", "runs"}
    drawn = {file.stem for file in (folder / "figures").iterdir()}
    assert drawn >= {"scores", "differences", "curves_by_arm", "learning_curves", "confusion", "per_class"}
    assert len(list((folder / "runs").iterdir())) == 4


@pytest.mark.parametrize("damaged", [False, True])
def test_a_killed_comparison_resumes_to_the_same_answer(folder: Path, tmp_path: Path, damaged: bool) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    for name in ("002", "003"):
        shutil.rmtree(next((copy / "runs").glob(f"{name}-*")))
    sweep = json.loads((copy / "sweep.json").read_text())
    (copy / "sweep.json").write_text(json.dumps(sweep | {"status": "running", "figures": False}))
    begun = {key: info(folder)[key] for key in ("comparison", "settings", "tuning", "metric", "arms")}
    told = json.dumps(begun | {"status": "running"})
    (copy / "comparison.json").write_text("{" if damaged else told)
    if damaged:
        next((copy / "runs").glob("001-*/run.json")).write_text("{}")
    shutil.rmtree(copy / "tables")
    assert main(["resume", str(copy)]) == 0
    assert info(copy)["pairs"] == info(folder)["pairs"]
    assert info(copy)["answer"] == info(folder)["answer"]
    for table in ("pairs", "p_matrix", "runs"):
        assert (copy / "tables" / f"{table}.csv").read_text() == (
            folder / "tables" / f"{table}.csv"
        ).read_text()


def test_a_comparison_that_is_there_can_be_looked_at_otherwise(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--test", "welch", "--metric", "test.loss", "--details"]
    assert main(["compare", str(folder), *words]) == 0
    said = capsys.readouterr().out
    assert "in test loss" in said
    assert "Welch" in said


def test_single_runs_are_compared_by_what_differs(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [str(path) for path in sorted((folder / "runs").iterdir())]
    saved = tmp_path / "saved"
    assert main(["compare", runs[0], runs[2], "--save", str(saved)]) == 0
    assert info(saved)["test"] == "mcnemar"
    assert sorted(info(saved)["ranking"]) == ["relu", "sigmoid"]
    assert (saved / "figures" / "scores.png").exists()
    assert main(["compare", *runs, "--save", str(saved)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_arms_are_named_by_the_parameter_that_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forests = [
        "-m",
        "-q",
        "task=classify",
        "dataset=iris",
        "model=random_forest",
        "seed=0,1",
        "figures=false",
    ]
    assert main([*forests, "model.params.n_estimators=3,9", f"outputs={tmp_path}"]) == 0
    place = str(tmp_path / "classify" / "latest")
    assert main(["compare", place]) == 0
    assert "n estimators 3 " in capsys.readouterr().out
    assert main(["compare", place, "--by", "model.params.n_estimator"]) == 2
    assert "Did you mean 'model.params.n_estimators'?" in capsys.readouterr().err


def test_arms_of_one_name_and_other_settings_are_not_pooled(folder: Path, tmp_path: Path) -> None:
    words = [*SMALL, ARMS, "comparison.seeds=[5,6]", "figures=false"]
    for place, more in (("slow", "model.learning_rate=0.0001"), ("again", "model.epochs=6")):
        assert main(["-q", *words, more, f"outputs={tmp_path}", f"sweep.dir={tmp_path / place}"]) == 0
        assert (
            main(["compare", str(folder), str(tmp_path / place), "--save", str(tmp_path / f"{place}-saved")])
            == 0
        )
    arms = {str(arm["name"]): arm["runs"] for arm in info(tmp_path / "slow-saved")["arms"]}
    assert len(arms) == 4
    assert set(arms.values()) == {2}
    assert "relu learning rate 0.0001" in arms
    arms = {str(arm["name"]): arm["runs"] for arm in info(tmp_path / "again-saved")["arms"]}
    assert arms == {"relu": 4, "sigmoid": 4}


def test_what_cannot_be_compared_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(path) for path in sorted((folder / "runs").iterdir())]
    assert main(["compare", *runs[:2]]) == 2
    assert "make one arm" in capsys.readouterr().err
    assert main(["compare", *runs, "--by", "model.activatoin"]) == 2
    assert "Did you mean 'model.activation'?" in capsys.readouterr().err
    assert main(["compare", *runs, "--by", "model.hidden"]) == 2
    assert main(["compare", *runs, "--metric", "test.nothing"]) == 2
    assert main(["compare", *runs, "--alpha", "0.7"]) == 2


def test_a_whole_run_counts_rather_than_a_broken_one_of_the_same_settings(tmp_path: Path) -> None:
    values = {"seed": 1, "model.hidden": [3], "model.params": {}}
    found = []
    for name, status in (("a", "interrupted"), ("b", "completed"), ("c", "interrupted")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps({"status": status}))
        found.append(past_runs.PastRun(Run(tmp_path / name), values))
    kept, notes = past_runs.distinct(found)
    assert [one.run.path.name for one in kept if one.run] == ["b"]
    assert notes[0].startswith("2 runs repeat")


def test_a_parameter_that_is_null_is_not_one_that_is_left_out() -> None:
    runs = [past_runs.PastRun(None, past_runs.with_params({"seed": 1, "model.params": params}))
            for params in ({}, {"max_features": None})]  # fmt: skip
    assert past_runs.differences(runs) == ["model.params.max_features"]
    assert past_runs.in_words(runs[0], "model.params.max_features") == "max features by default"


def test_repeated_runs_count_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(folder), str(next((folder / "runs").iterdir()))]) == 0
    assert "1 run repeats another" in capsys.readouterr().out


def test_runs_that_fail_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arms = "comparison.arms={good: {model.learning_rate: 0.01}, bad: {model.learning_rate: 1.0e30}}"
    words = [
        *SMALL,
        arms,
        "comparison.seeds=2",
        "model.optimizer=sgd",
        "figures=false",
        f"outputs={tmp_path}",
    ]
    assert main(words) == 6
    said = capsys.readouterr()
    assert "Fewer than two arms have a run with test.accuracy" in said.err
    found = info((tmp_path / "digits_mlp" / "latest").resolve())
    assert found["status"] == "failed"


def test_nothing_runs_when_dry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, ARMS, "--dry-run", f"outputs={tmp_path}"]) == 0
    assert "20 jobs" in capsys.readouterr().out
    deeper = ["model.epochs=1000", "tune.space.model.hidden=[[128,64,32],[128,128,64,32]]"]
    assert (
        main(["task=mnist_sigmoid_vs_relu", *deeper, "size=smoke", "--dry-run", f"outputs={tmp_path}"]) == 0
    )
    assert "First, for relu: tune=" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_arms_are_tuned_without_the_test_part(tmp_path: Path) -> None:
    tuned = ("comparison.tune_arms=true", "tune=grid", "comparison.seeds=2", "tune.epochs=2", "figures=false",
             "tune.space.model.learning_rate=[0.0001,0.01]", "tune.space.model.dropout=null",
             "tune.space.model.hidden=null")  # fmt: skip
    assert main(["-q", *SMALL, ARMS, *tuned, f"outputs={tmp_path}"]) == 0
    folder = (tmp_path / "digits_mlp" / "latest").resolve()
    tuning = info(folder)["tuning"]
    assert isinstance(tuning, dict)
    assert [one["values"] for one in tuning.values()] == [{"model.learning_rate": 0.01}] * 2
    for run in folder.glob("tuning/*/**/metrics.json"):
        assert "test" not in json.loads(run.read_text())
    jobs = [json.loads(file.read_text()) for file in folder.glob("runs/*/metrics.json")]
    assert len(jobs) == 4
    assert all("test" in metrics for metrics in jobs)
    assert "validation set" in info(folder)["details"]["Tuning"]
    before = (folder / "comparison.json").read_text()
    shutil.rmtree(next(folder.glob("tuning/02-*/")))
    shutil.rmtree(folder / "runs")
    sweep = json.loads((folder / "sweep.json").read_text())
    (folder / "sweep.json").write_text(json.dumps(sweep | {"status": "running"}))
    assert main(["resume", str(folder)]) == 0
    assert json.loads(before)["pairs"] == info(folder)["pairs"]


def test_a_comparison_of_tuned_arms_is_not_run_again_by_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = [*SMALL, ARMS, "comparison.tune_arms=true", "comparison.seeds=2", "tune=grid", "tune.epochs=2",
                "tune.space.model.learning_rate=[0.0001,0.01]", "tune.space.model.dropout=null",
                "tune.space.model.hidden=null", "figures=false", "sweep.dir=here", "sweep.resume=true"]  # fmt: skip
    assert main(["-q", *settings]) == 0
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("here/**/metrics.json")}
    answered = info(tmp_path / "here")["pairs"]
    assert main(["-q", *settings]) == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("here/**/metrics.json")} == written
    assert info(tmp_path / "here")["pairs"] == answered
    assert main(["-q", *settings, "seed=5"]) == 2
