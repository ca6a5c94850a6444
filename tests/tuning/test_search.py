"""Whole searches on small data: the record, the choice, the test part, resuming, the same bytes."""

from __future__ import annotations

import csv
import itertools
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.process import mlexp, start
from tests.tuning.conftest import Searched

from mlexp.config import recorded
from mlexp.errors import ConfigError, SweepError
from mlexp.report import run as pages
from mlexp.runs import session
from mlexp.store import Run, Sweep
from mlexp.store.files import read_json

SMALL = ("task=classify", "dataset=iris", "model.epochs=8", "model.patience=null")
GRID = (
    *SMALL,
    "tune=grid",
    "tune.space.model.hidden=[[4],[16]]",
    "tune.space.model.learning_rate=[0.001,0.03]",
)


def rows(run: Run, without: tuple[str, ...] = ("seconds",)) -> list[dict[str, str]]:
    with open(run.path / "tuning.csv", newline="") as file:
        return [
            {key: cell for key, cell in row.items() if key not in without} for row in csv.DictReader(file)
        ]


def report(run: Run) -> dict[str, object]:
    return dict(read_json(run.path / "tuning.json"))


def jobs(run: Run) -> list[Run]:
    return [Run(path) for path in sorted((run.path / "trials" / "runs").iterdir())]


def test_the_record_of_a_grid(searched: Searched) -> None:
    run = searched(*GRID)
    table = rows(run)
    assert [(row["model.hidden"], row["model.learning_rate"]) for row in table] == [
        ("[4]", "0.001"), ("[4]", "0.03"), ("[16]", "0.001"), ("[16]", "0.03"),
    ]  # fmt: skip
    best = max(table, key=lambda row: float(row["validation_accuracy"]))
    found = report(run)
    assert found["chosen"]["values"] == {"model.hidden": [16], "model.learning_rate": 0.03}  # type: ignore[index]
    assert float(best["validation_accuracy"]) == found["score"]
    assert found["epochs_trained"] == 32
    assert run.info["status"] == "completed"
    assert set(run.metrics) == {"train", "validation", "test"}
    assert recorded.read(run.path / "config.yaml").model.hidden == [16]
    assert run.tables["key_importance"]["key"][0] in ("model.hidden", "model.learning_rate")
    assert found["sentences"][0].startswith("grid search over 4 settings selected")  # type: ignore[index]
    for row, job in zip(table, jobs(run), strict=True):
        for part, name in itertools.product(
            ("train", "validation"), ("macro_precision", "macro_recall", "macro_f1")
        ):
            assert float(row[f"{part}_{name}"]) == job.metrics[part][name]
    drawn = {path.stem for path in pages.draw(run)}
    assert {"tuning", "tuning_importance", "tuning_curves", "learning_curves", "confusion"} <= drawn
    assert {"tuning_history", "tuning_slices", "tuning_measures"} <= drawn


def test_a_trial_that_diverged_is_drawn_around(searched: Searched) -> None:
    run = searched(*SMALL, "tune=grid", "tune.space={model.learning_rate: [0.03, 1e30, 0.01]}")
    assert sorted(row["status"] for row in rows(run)) == ["completed", "completed", "diverged"]
    assert {"tuning", "tuning_curves"} <= {path.stem for path in pages.draw(run)}
    assert any("1 of 3 trials have no score" in words for words in run.info["warnings"])


def test_the_chosen_setting_is_trained_as_if_typed(searched: Searched) -> None:
    run = searched(*GRID)
    alone = searched(*SMALL, "model.hidden=[16]", "model.learning_rate=0.03", outputs="alone")
    for name in ("metrics.json", "history.csv", "predictions.npz", "model.npz"):
        assert (run.path / name).read_bytes() == (alone.path / name).read_bytes()


def test_no_trial_sees_the_test_part(searched: Searched) -> None:
    run = searched(*GRID)
    for job in jobs(run):
        assert "test" not in job.metrics
        assert not any(name.startswith("test") for name in job.predictions)
        assert recorded.read(job.path / "config.yaml").split.judge is False


def test_other_labels_of_the_test_rows_change_the_test_score_alone(
    searched: Searched, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*GRID, "split.stratify=false")
    one = searched(*words)
    dataset = session.load(recorded.read(one.path / "config.yaml"))
    labels, held = dataset.y.copy(), one.predictions["test_row"]
    labels[held] = (labels[held] + 1) % 3
    monkeypatch.setattr(session, "load", lambda config: replace(dataset, y=labels))
    other = searched(*words, outputs="other")
    assert rows(one) == rows(other)
    assert one.metrics["validation"] == other.metrics["validation"]
    assert one.metrics["test"] != other.metrics["test"]


@pytest.mark.parametrize("strategy", ["random", "halving"])
def test_a_search_repeats_byte_for_byte(searched: Searched, strategy: str) -> None:
    words = (*GRID[:-2], f"tune={strategy}", "tune.epochs=6", "tune.budget=5", "+tune.space={model.l2: {low: 0.0001, "
             "high: 0.1, log: true}, model.hidden: [[4],[16]]}")  # fmt: skip
    one, other = searched(*words), searched(*words, outputs="again")
    assert rows(one) == rows(other)
    for name in ("tuning.json", "metrics.json", "model.npz", "tables/key_importance.csv"):
        assert (one.path / name).read_bytes() == (other.path / name).read_bytes()


def test_halving_gives_the_better_half_more_epochs(searched: Searched) -> None:
    space = "tune.space.model.learning_rate=[0.00001,0.001,0.003,0.03]"
    run = searched(*SMALL, "tune=halving", "tune.eta=2", "tune.epochs=8", space)
    table = rows(run)
    assert [row["rung"] for row in table] == ["2", "4", "8", "4"] or sorted(row["rung"] for row in table) == [
        "2", "2", "4", "8",
    ]  # fmt: skip
    assert report(run)["epochs_trained"] == 4 * 2 + 2 * 4 + 8
    assert [job.info["facts"]["epochs"] for job in jobs(run)] == [2, 2, 2, 2, 4, 4, 8]
    assert max(table, key=lambda row: int(row["rung"]))["model.learning_rate"] == shown(run)


def shown(run: Run) -> str:
    return str(report(run)["chosen"]["values"]["model.learning_rate"])  # type: ignore[index]


def test_halving_rations_the_trees_of_a_forest(searched: Searched) -> None:
    words = (
        "task=classify",
        "dataset=wine",
        "model=random_forest",
        "model.params.n_estimators=9",
        "tune=halving",
    )
    run = searched(*words, "tune.space.model.params.max_depth=[1,2,3]")
    assert [recorded.read(job.path / "config.yaml").model.params["n_estimators"] for job in jobs(run)] == [
        3, 3, 3, 9,
    ]  # fmt: skip


def test_folds_are_averaged_and_hold_every_row_once(searched: Searched) -> None:
    run = searched(*GRID, "tune.folds=3", "tune.refit=all")
    table, found = rows(run), jobs(run)
    assert len(found) == 12
    scores = [job.metrics["validation"]["accuracy"] for job in found[:3]]
    assert float(table[0]["validation_accuracy"]) == pytest.approx(np.mean(scores))
    assert float(table[0]["sd_over_folds"]) == pytest.approx(np.std(scores, ddof=1))
    held = np.concatenate([job.predictions["validation_row"] for job in found[:3]])
    test = run.predictions["test_row"]
    assert sorted([*held, *test]) == list(range(150))
    assert "validation" not in run.metrics  # the last training has all rows but the test part
    assert run.info["refit_split"]["train"] == 120


def test_a_forest_grows_once_for_all_sizes(searched: Searched) -> None:
    words = ("task=classify", "dataset=wine", "model=random_forest", "tune=grid")
    space = (
        "+tune.space={model.params.n_estimators: {low: 5, high: 15, step: 5}, model.params.max_depth: [1, 4]}"
    )
    run = searched(*words, space)
    assert len(rows(run)) == 6
    assert len(jobs(run)) == 2
    for row in rows(run):
        typed = [
            f"model.params.{name}={row[f'model.params.{name}']}" for name in ("n_estimators", "max_depth")
        ]
        alone = searched(*words[:-1], *typed, "split.judge=false", outputs="alone")
        assert float(row["validation_accuracy"]) == alone.metrics["validation"]["accuracy"]
        assert float(row["train_accuracy"]) == alone.metrics["train"]["accuracy"]


def test_a_training_that_diverges_costs_its_own_trial(searched: Searched) -> None:
    words = (*SMALL, "model.optimizer=sgd", "tune=grid", "tune.space.model.learning_rate=[0.1,1e30]")
    run = searched(*words)
    assert [row["status"] for row in rows(run)] == ["completed", "diverged"]
    assert any("1 of 2 trials have no score" in words for words in run.info["warnings"])
    with pytest.raises(SweepError, match="None of the 2 trials has a score"):
        searched(*words, "tune.space.model.learning_rate=[1e29,1e30]", outputs="none")


def test_regression_is_chosen_by_its_own_metric(searched: Searched) -> None:
    run = searched(
        "task=regress",
        "dataset=diabetes",
        "model=ridge",
        "tune=grid",
        "tune.space.model.params.alpha=[0.1,1e6]",
    )
    found = report(run)
    assert found["metric"] == "r2"
    assert found["chosen"]["values"] == {"model.params.alpha": 0.1}  # type: ignore[index]
    assert found["inflation"]["n_rows"] == run.info["split"]["validation"]  # type: ignore[index]


def test_a_search_over_the_preparation(searched: Searched) -> None:
    run = searched(
        "task=classify", "dataset=wine", "model=knn", "tune=grid", "tune.space.prepare.pca=[null,1,0.9]"
    )
    assert [row["prepare.pca"] for row in rows(run)] == ["null", "1", "0.9"]


def test_trials_of_bayes_are_told_in_order_and_repeat(searched: Searched) -> None:
    pytest.importorskip("optuna")
    words = (*SMALL, "tune=bayes", "tune.budget=7", "tune.batch=3", "+tune.space={model.learning_rate: {low: 0.0001, "
             "high: 0.1, log: true}, model.hidden: [[4],[16]], model.batch_size: [8, 32]}")  # fmt: skip
    one, other = searched(*words), searched(*words, outputs="again")
    assert rows(one) == rows(other)
    assert len(rows(one)) == 7
    assert len({row["model.learning_rate"] for row in rows(one)}) == 7
    pruned = [row for row in rows(one) if row["status"] == "pruned"]
    last = [recorded.read(job.path / "config.yaml").tune.give_up for job in jobs(one)][-1]
    assert len(last) == 2  # from the second batch on there are medians to be held against
    assert all(int(row["epochs"]) < 8 for row in pruned)


def test_bayes_ends_when_a_finite_space_is_used_up(searched: Searched) -> None:
    pytest.importorskip("optuna")
    run = searched(*SMALL, "tune=bayes", "tune.budget=9", "tune.space.model.learning_rate=[0.001,0.01,0.03]")
    assert sorted(row["model.learning_rate"] for row in rows(run)) == ["0.001", "0.01", "0.03"]


def test_searches_that_share_a_journal_share_the_budget(searched: Searched, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    words = (*SMALL, "tune=bayes", f"tune.journal={tmp_path / 'shared.journal'}",
             "+tune.space={model.learning_rate: {low: 0.0001, high: 0.1, log: true}}")  # fmt: skip
    first = searched(*words, "tune.budget=4")
    second = searched(*words, "tune.budget=6", outputs="second")
    statuses = [row["status"] for row in rows(second)]
    assert statuses.count("elsewhere") == 4
    assert len(statuses) == 6
    assert {row["model.learning_rate"] for row in rows(first)} < {
        row["model.learning_rate"] for row in rows(second)
    }


def test_searches_of_other_data_do_not_share_a_journal(searched: Searched, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    words = (*SMALL, "tune=bayes", "tune.budget=2", f"tune.journal={tmp_path / 'shared.journal'}",
             "+tune.space={model.learning_rate: {low: 0.0001, high: 0.1, log: true}}")  # fmt: skip
    searched(*words)
    other = searched(*words, "dataset=wine", outputs="second")
    assert [row["status"] for row in rows(other)].count("completed") == 2


def test_a_file_that_is_no_journal_is_refused(searched: Searched, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    (tmp_path / "notes.txt").write_text("my notes\n")
    for place in (tmp_path / "notes.txt", tmp_path):
        with pytest.raises(ConfigError, match="cannot be used as a journal"):
            searched(*SMALL, "tune=bayes", f"tune.journal={place}", "tune.space.model.hidden=[[4],[8]]")
    assert (tmp_path / "notes.txt").read_text() == "my notes\n"


def test_inside_a_worker_no_workers_are_started(searched: Searched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlexp.execution.Local", None)
    assert searched(*GRID).info["status"] == "completed"


def test_a_word_and_a_number_are_drawn_against_each_other(searched: Searched) -> None:
    rates = "model.learning_rate: {low: 0.0001, high: 0.1, log: true}"
    run = searched(
        *SMALL,
        "tune=random",
        "tune.budget=12",
        f"+tune.space={{{rates}, model.activation: [relu, tanh, elu]}}",
    )
    figure = pages.figures("classification")["tuning"].draw(run)
    assert figure is not None
    axes, _ = figure.axes
    figure.draw_without_rendering()
    named = [label.get_text() for label in axes.get_yticklabels()]
    assert set(named) == {"relu", "tanh", "elu"}
    points = np.asarray(axes.collections[0].get_offsets())
    assert np.isfinite(points).all()
    assert len(points) == 12


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["grid", "halving", "bayes"])
def test_a_search_that_is_killed_goes_on_to_the_same_bytes(tmp_path: Path, strategy: str) -> None:
    if strategy == "bayes":
        pytest.importorskip("optuna")
    words = [*GRID, f"tune={strategy}", "tune.space.model.l2=[0,0.001,0.01]", "tune.epochs=9", "tune.batch=2"]
    words += ["figures=false", "-q"]
    whole = mlexp(tmp_path, *words, "outputs=whole")
    assert whole.returncode == 0, whole.stderr
    process = start(tmp_path, *words, "outputs=killed")
    while len(list(tmp_path.glob("killed/*/*/trials/runs/*/metrics.json"))) < 4:
        time.sleep(0.02)
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (folder,) = [path for path in (tmp_path / "killed" / "classify").iterdir() if path.name != "latest"]
    resumed = mlexp(tmp_path, "resume", str(folder))
    assert resumed.returncode == 0, resumed.stderr
    one, other = Run(tmp_path / whole.stdout.strip()), Run(folder)
    assert rows(one) == rows(other)
    for name in ("tuning.json", "metrics.json", "history.csv", "model.npz", "predictions.npz"):
        assert (one.path / name).read_bytes() == (other.path / name).read_bytes()
    for job in jobs(other):
        log = (job.path / "run.log").read_text()
        assert log.count("completed after") <= 1  # none: killed between the record and the log
    assert Sweep.open(other.path / "trials").info["status"] == "completed"
