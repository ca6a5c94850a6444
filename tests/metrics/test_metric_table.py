"""The recipe for a metric: one row, and it is recorded, tuned, compared and shown."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from mlexp import metrics
from mlexp.api import compare, run
from mlexp.metrics import METRICS, Metric
from mlexp.store import Run
from mlexp.views import Comparison

TOY = Metric(
    "worst_recall",
    "recall of the worst class",
    ("classification",),
    limits=(0, 1),
    score=lambda y, predicted: min(float((predicted[y == code] == code).mean()) for code in np.unique(y)),
)


@pytest.fixture
def toy(in_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, TOY.name, TOY)


@pytest.mark.parametrize("row", [row for row in METRICS.values() if row.row_scores], ids=lambda row: row.name)
def test_row_scores_average_to_the_metric(row: Metric) -> None:
    rng = np.random.default_rng(0)
    numbers = "regression" in row.kinds
    y = rng.normal(size=50) if numbers else rng.integers(0, 3, 50)
    predicted = (
        y + rng.normal(size=50) if numbers else np.where(rng.random(50) < 0.7, y, rng.integers(0, 3, 50))
    )
    if row.made_of == "probability":
        predicted = rng.dirichlet(np.ones(3), 50)
    assert row.row_scores is not None
    assert row.score is not None
    assert row.row_scores(y, predicted).mean() == pytest.approx(row.score(y, predicted))


def test_names_are_the_keys_and_every_row_says_its_limits() -> None:
    for name, row in METRICS.items():
        assert row.name == name
        assert row.limits[0] < row.limits[1]
        assert row.title[0].islower() or row.title.split()[0] in (
            "R²",
            "AIC",
            "BIC",
            "Cohen's",
            "Davies-Bouldin",
            "Brier",
            "Matthews",
            "ROC",
            "Calinski-Harabasz",
        )


def test_a_row_is_recorded(toy: None, tmp_path: Path) -> None:
    done = run("size=smoke", outputs=tmp_path)
    found = Run(done.path).metrics["test"]
    predictions = Run(done.path).predictions
    assert found["worst_recall"] == TOY.score(predictions["test_true"], predictions["test_predicted"])  # type: ignore[misc]
    assert metrics.metrics_of("classification")[-1] == "worst_recall"


SMALL = ("size=smoke", "figures=false")
NAMES = (TOY.name, TOY.title, "worst recall")  # as a table, a sentence or a heading may call it


def test_a_row_is_tuned(toy: None, tmp_path: Path) -> None:
    rates = "tune.space={model.learning_rate: [1.0e-5, 0.01], model.dropout: null, model.hidden: null}"
    done = run(*SMALL, "tune=grid", "tune.metric=worst_recall", rates, outputs=tmp_path)
    with open(done.path / "tuning.csv", newline="") as file:
        low, high = (float(row["validation_worst_recall"]) for row in csv.DictReader(file))
    assert high > low
    assert done.metrics["validation"]["worst_recall"] == high
    assert done.config["model.learning_rate"] == 0.01
    assert_shown(done.report, f"{high:.4g}")


def test_a_row_is_compared(toy: None, tmp_path: Path) -> None:
    arms = {"slow": {"model.learning_rate": 1e-5}, "fast": {"model.learning_rate": 0.01}}
    done = compare(
        *SMALL,
        "task.kind=comparison",
        comparison={"arms": arms, "seeds": 2, "metric": "test.worst_recall"},
        outputs=tmp_path,
    )
    assert isinstance(done, Comparison)
    assert TOY.title in done.verdict
    for arm, rate in (("slow", 1e-5), ("fast", 0.01)):
        runs = [
            job.predictions.query("part == 'test'")
            for job in done.runs
            if job.config["model.learning_rate"] == rate
        ]
        mean = np.mean([TOY.score(run["true"].to_numpy(), run["predicted"].to_numpy()) for run in runs])  # type: ignore[misc]
        assert len(runs) == 2
        assert mean == pytest.approx(done.arms.set_index("arm").loc[arm, "mean"])
        assert_shown(done.report, f"{mean:.4g}")


def assert_shown(page: Path, value: str) -> None:
    """Check that a page calls the metric by one of its names, and gives a value of it."""
    text = page.read_text()
    assert any(name in text for name in NAMES)
    assert value in text
