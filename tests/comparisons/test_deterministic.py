"""Seeds of an arm that gives identical predictions are not trained; a comparison resumes to the same bytes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.running import in_this_process

from mlexp.cli import main

ARMS = (
    "comparison.arms={knn: {model: knn}, net: {model: mlp, model.hidden: [4], model.epochs: 2}, "
    "zero: {model: mlp, model.hidden: [4], model.epochs: 2, model.init: zeros, model.batch_size: full}, "
    "forest: {model: random_forest, model.params.n_estimators: 3}}"
)
WORDS = ("-q", "task=classify", "task.kind=comparison", "dataset=iris", ARMS, "comparison.seeds=5",
         "figures=false")  # fmt: skip


pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("whole") / "whole"
    with pytest.MonkeyPatch.context() as patched:
        in_this_process(patched)
        assert main([*WORDS, f"sweep.dir={place}"]) == 0
    return place


def statuses(place: Path) -> dict[str, list[str]]:
    found = pd.read_csv(place / "summary.csv").groupby("arm").status.agg(list)
    return dict(found)


def info(place: Path) -> dict[str, Any]:
    return dict(json.loads((place / "comparison.json").read_text()))


def test_no_more_than_two_seeds_of_a_deterministic_arm_run(
    whole: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    short = ["completed"] * 2 + ["not needed"] * 3
    assert statuses(whole) == {
        "knn": short,
        "zero": short,
        "net": ["completed"] * 5,
        "forest": ["completed"] * 5,
    }
    assert len(list((whole / "runs").iterdir())) == 14
    one, other = (whole / "runs" / path.name for path in sorted((whole / "runs").iterdir())[:2])
    for name, values in np.load(one / "predictions.npz").items():
        assert np.array_equal(values, np.load(other / "predictions.npz")[name])
    found = info(whole)
    assert found["status"] == "completed"
    assert {arm["name"]: arm["runs"] for arm in found["arms"]} == {"knn": 1, "zero": 1, "net": 5, "forest": 5}
    assert all(arm["lost"] == 0 for arm in found["arms"])
    said = found["details"]["Identical runs"]
    assert said.count("3 more seeds") == 2
    assert json.loads((whole / "sweep.json").read_text())["status"] == "completed"
    page = (whole / "report.html").read_text() if (whole / "report.html").exists() else ""
    assert "did not complete" not in page
    # compared again as runs that are there, it is the same answer
    assert main(["compare", str(whole)]) == 0
    assert "left" not in capfd.readouterr().out


@pytest.mark.parametrize("lost", ["002", "010", "001 002 003 016"])
def test_it_resumes_to_the_same_bytes(whole: Path, tmp_path: Path, lost: str) -> None:
    again = tmp_path / "again"
    shutil.copytree(whole, again)
    for number in lost.split():
        for path in (again / "runs").glob(f"{number}-*"):
            shutil.rmtree(path)
    sweep = json.loads((again / "sweep.json").read_text())
    (again / "sweep.json").write_text(json.dumps(sweep | {"status": "running"}))
    (again / "summary.csv").unlink()
    assert main(["resume", "-q", str(again)]) == 0
    assert statuses(again) == statuses(whole)
    assert sorted(path.name for path in (again / "runs").iterdir()) == sorted(
        path.name for path in (whole / "runs").iterdir()
    )
    for run in (whole / "runs").iterdir():
        for name in ("predictions.npz", "metrics.json"):
            assert (again / "runs" / run.name / name).read_bytes() == (run / name).read_bytes()
    for key in ("answer", "pairs", "details", "warnings"):
        assert info(again)[key] == info(whole)[key]


def test_each_fold_is_decided_by_itself(tmp_path: Path) -> None:
    words = [word for word in WORDS if word not in (ARMS, "comparison.seeds=5")]
    arms = "comparison.arms={knn: {model: knn}, tree: {model: random_forest, model.params.n_estimators: 2}}"
    place = tmp_path / "folds"
    assert main([*words, arms, "comparison.seeds=3", "comparison.folds=3", f"sweep.dir={place}"]) == 0
    assert statuses(place)["knn"] == ["completed", "completed", "not needed"] * 3
    assert statuses(place)["tree"].count("not needed") == 0
    assert info(place)["test"] == "corrected"


@pytest.mark.slow
def test_workers_leave_out_the_same_jobs(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    place = tmp_path / "workers"
    assert main([*WORDS, f"sweep.dir={place}", "execution.workers=2"]) == 0
    assert statuses(place) == statuses(whole)
    assert info(place)["pairs"] == info(whole)["pairs"]
