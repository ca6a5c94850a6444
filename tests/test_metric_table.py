"""The recipe for a metric: one row, and it is recorded, tuned, compared and shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlexp import metrics
from mlexp.api import run
from mlexp.metrics import METRICS, Metric
from mlexp.store import Run

TOY = Metric(
    "worst_recall",
    "recall of the worst class",
    ("classification",),
    limits=(0, 1),
    score=lambda y, predicted: min(float((predicted[y == code] == code).mean()) for code in np.unique(y)),
)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, TOY.name, TOY)


@pytest.mark.parametrize("row", [row for row in METRICS.values() if row.row_scores], ids=lambda row: row.name)
def test_row_scores_average_to_the_metric(row: Metric) -> None:
    rng = np.random.default_rng(0)
    numbers = "regression" in row.kinds
    y = rng.normal(size=50) if numbers else rng.integers(0, 3, 50)
    predicted = (
        y + rng.normal(size=50) if numbers else np.where(rng.random(50) < 0.7, y, rng.integers(0, 3, 50))
    )
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
            "Davies-Bouldin",
            "Calinski-Harabasz",
        )


def test_a_row_is_recorded(toy: None, tmp_path: Path) -> None:
    done = run("size=smoke", outputs=tmp_path)
    found = Run(done.path).metrics["test"]
    predictions = Run(done.path).predictions
    assert found["worst_recall"] == TOY.score(predictions["test_true"], predictions["test_predicted"])  # type: ignore[misc]
    assert metrics.metrics_of("classification")[-1] == "worst_recall"
