"""Arms that are tuned anew in each run: jobs, claim, cost, variance, and that a killed comparison resumes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.comparisons.conftest import Make, scores
from tests.running import in_this_process

from mlexp import dispatch
from mlexp.cli import main
from mlexp.comparisons import study as studies
from mlexp.comparisons.analysis import analyse
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.kinds.comparison.settings import Comparison

WORDS = ("task=classify", "task.kind=comparison", "dataset=iris", "tune=random", "tune.budget=2",
         "figures=false", "comparison.tune_arms=each")  # fmt: skip
ARMS = (
    "comparison.arms={knn: {model: knn, tune.space.model.params.n_neighbors: [1, 3, 5, 9]}, tree: {model: "
    "decision_tree, tune.space.model.params.max_depth: [1, 2, 4, 8]}}"
)
SMALL = ("-q", *WORDS, ARMS, "comparison.seeds=3")


class Killed(BaseException):
    """Stands for the end of the process."""


pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("each") / "whole"
    with pytest.MonkeyPatch.context() as patched:
        in_this_process(patched)
        assert main([*SMALL, f"sweep.dir={place}"]) == 0
    return place


def info(place: Path) -> dict[str, Any]:
    return dict(json.loads((place / "comparison.json").read_text()))


def test_each_run_has_a_search_of_its_own(whole: Path) -> None:
    found = info(whole)
    chosen = pd.read_csv(whole / "tables" / "chosen.csv")
    # searches that came to the same model are searches all the same: none is left out
    assert list(chosen.n_trials) == [2] * 6
    assert [arm["runs"] for arm in found["arms"]] == [3, 3]
    runs = sorted((whole / "runs").iterdir())
    assert len(runs) == 6
    tried = []
    for run, value in zip(runs, chosen.value, strict=True):
        tried.append(tuple(pd.read_csv(run / "tuning.csv").iloc[:, 1]))
        metrics = json.loads((run / "metrics.json").read_text())
        assert metrics["test"]["accuracy"] == value
        for trial in run.glob("trials/runs/*/metrics.json"):
            assert "test" not in json.loads(trial.read_text())
    assert len({str(one) for one in tried[:3]}) > 1  # each search draws with the seed of its run
    assert "tuning with this budget" in found["details"]["Scope of inference"]
    assert "after tuning with this budget" in found["details"]["Tuning"]
    assert "tuned separately" in " ".join(found["answer"])
    assert found["tuning"] is None
    assert not list(whole.glob("tuning/*"))


def test_what_it_costs_is_said_before(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL[1:], "--dry-run", f"outputs={tmp_path}"]) == 0
    said = capfd.readouterr().out
    assert "Before each of the 3 runs of knn: tune=random: 2 settings" in said
    assert "In all 12 settings are tried, for 6 runs." in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["tuning.json", "metrics.json", "config.yaml"])
def test_a_killed_one_resumes_to_the_same_bytes(
    target: str, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rename, dead = os.replace, []

    def replace(source: str, goal: Path) -> None:
        inside = "here/runs/002-" in str(goal) and "trials" not in str(goal)
        if dead or (inside and str(goal).endswith(f"/{target}")):
            dead.append(goal)
            raise Killed
        rename(source, goal)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace)
        with pytest.raises(Killed):
            dispatch.run_comparison(studies.plan([*SMALL[1:], "sweep.dir=here"]))
    for name in os.listdir("/proc/self/fd"):
        file = Path("/proc/self/fd") / name
        if file.exists() and file.readlink().is_relative_to(tmp_path / "here"):
            os.close(int(name))
    assert main(["resume", "-q", "here"]) == 0
    for run in (whole / "runs").iterdir():
        for name in ("predictions.npz", "metrics.json", "tuning.json"):
            assert (tmp_path / "here" / "runs" / run.name / name).read_bytes() == (run / name).read_bytes()
    for key in ("answer", "pairs", "details", "warnings"):
        assert info(tmp_path / "here")[key] == info(whole)[key]


def test_folds_are_tuned_each_on_their_own(tmp_path: Path) -> None:
    place = tmp_path / "folds"
    assert main(["-q", *WORDS, ARMS, "comparison.folds=3", f"sweep.dir={place}"]) == 0
    found = info(place)
    assert found["test"] == "corrected"
    assert "Not separable" in found["details"]["Variance due to tuning"]
    assert "from 3 folds" in " ".join(found["answer"])
    assert {arm["interval_over"] for arm in found["arms"]} == {"folds"}
    assert len(pd.read_csv(place / "tables" / "chosen.csv")) == 6


def test_data_sets_are_tuned_each_on_their_own(tmp_path: Path) -> None:
    place = tmp_path / "sets"
    words = [word for word in WORDS if word != "dataset=iris"]
    assert (
        main(
            [
                "-q",
                *words,
                ARMS,
                "comparison.seeds=1",
                "comparison.datasets=[iris,wine]",
                f"sweep.dir={place}",
            ]
        )
        == 0
    )
    assert info(place)["design"]["datasets"] == 2
    assert len(pd.read_csv(place / "tables" / "chosen.csv")) == 4


@pytest.mark.parametrize(("typed", "meant"), [("true", "once"), ("false", "none")])
def test_true_and_false_are_aliases(typed: str, meant: str) -> None:
    words = [word for word in SMALL[1:] if "tune_arms" not in word]
    if meant == "none":
        words = [*(word for word in words if not word.startswith("tune")), "comparison.arms={knn: {model: knn}, "
                 "tree: {model: decision_tree}}"]  # fmt: skip
        words.remove(ARMS)
    plans = [studies.plan([*words, f"comparison.tune_arms={word}"]) for word in (typed, meant)]
    assert plans[0].plan.hash == plans[1].plan.hash
    assert len(plans[0].searches) == len(plans[1].searches) == (2 if meant == "once" else 0)


def tuned_to(make: Make, tmp_path: Path, settings: Callable[[int], float]) -> Evidence:
    """Return two arms of six runs whose searches chose these settings."""
    entries: dict[str, list[Entry]] = {}
    for place, arm in enumerate(("sharp", "blunt")):
        for seed in range(6):
            entry = make(arm, seed, scores(0.8 - 0.1 * place + 0.1 * (seed % 2), 10 * seed + place))
            assert entry.run is not None
            report = {"metric": "accuracy", "strategy": "random", "space": {}, "sentences": [], "n_trials": 2 + place,
                      "chosen": {"number": 1, "values": {"model.l2": settings(seed)}, "score": 0.5},
                      "edges": [{"key": "model.l2"}] if seed else []}  # fmt: skip
            (entry.run.path / "tuning.json").write_text(json.dumps(report))
            entries.setdefault(arm, []).append(entry)
    return Evidence(PartMetric.parse("test.accuracy"), entries)


def test_how_much_of_the_variance_is_tunings(make: Make, tmp_path: Path) -> None:
    evidence = tuned_to(make, tmp_path, lambda seed: float(seed % 2))
    done = analyse(evidence, Comparison())
    said = done.info["details"]["Variance due to tuning"]
    for arm in ("sharp", "blunt"):
        groups = np.stack([evidence.values(arm)[::2], evidence.values(arm)[1::2]])
        within = groups.var(axis=1, ddof=1).mean()
        between = 3 * groups.mean(axis=1).var(ddof=1)
        share = (between - within) / (between + 2 * within)
        assert f"{arm}: {100 * share:.0f} %" in said
        assert f"{100 * np.sqrt(within):.2f} points (df 4)" in said
    assert any("sharp 2, blunt 3" in words for words in done.info["warnings"])
    assert any("5 of 6 of sharp" in words for words in done.info["warnings"])


@pytest.mark.parametrize(
    ("settings", "words"), [(float, "not separable"), (lambda seed: 1.0, "same settings")]
)
def test_where_tuning_cannot_be_separated_no_number_is_given(
    make: Make, tmp_path: Path, settings: Callable[[int], float], words: str
) -> None:
    said = analyse(tuned_to(make, tmp_path, settings), Comparison()).info["details"]["Variance due to tuning"]
    assert said.count(words) == 2
    assert "%" not in said
