"""Scores, intervals and largest errors of a regression."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.running import run

from mlexp import metrics
from mlexp.kinds.regression import errors
from mlexp.kinds.regression import figures as drawings


@given(st.integers(0, 10_000), st.integers(2, 80), st.sampled_from([1e-6, 1.0, 1e9]))
@settings(max_examples=50)
def test_scores_are_those_of_scikit_learn(seed: int, n: int, unit: float) -> None:
    from sklearn import metrics as oracle

    y, predicted = np.random.default_rng(seed).normal(size=(2, n)) * unit
    found = metrics.regression_scores(y, predicted)
    assert found["median_absolute_error"] == pytest.approx(oracle.median_absolute_error(y, predicted))
    assert found["max_error"] == pytest.approx(oracle.max_error(y, predicted))
    table = errors.score_intervals(y, predicted)
    assert dict(zip(table["metric"], table["value"], strict=True)) == {
        metrics.metric(name).title: value for name, value in found.items()
    }


TRUTH = {
    "R²": 0.5,
    "root mean squared error": 1,
    "median absolute error": 0.6745,
    "mean absolute error": 0.7979,
}


def test_intervals_hold_the_true_score_19_times_of_20() -> None:
    """y = x + e predicted by x: R² = 1/2, the root mean squared error 1, the median of |e| 0.6745, its mean 0.7979."""
    rng = np.random.default_rng(0)
    hits: dict[str, list[bool]] = {name: [] for name in TRUTH}
    for _ in range(300):
        x, e = rng.normal(size=(2, 150)) * 1e200
        table = errors.score_intervals((x + e), x)
        for name, low, high in zip(table["metric"], table["low"], table["high"], strict=True):
            if name in TRUTH:
                hits[name].append(low < TRUTH[name] * (1 if name == "R²" else 1e200) < high)
    assert all(0.91 < np.mean(found) < 0.985 for found in hits.values()), hits


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_rows_have_fewer_intervals_and_no_error(n: int) -> None:
    table = errors.score_intervals(np.arange(n, dtype=float), np.zeros(n))
    assert table["low"][table["metric"].index("largest error")] == ""
    assert table["low"][table["metric"].index("median absolute error")] == ""


def test_equal_targets_have_no_r2() -> None:
    assert "R²" not in errors.score_intervals(np.ones(9), np.arange(9.0))["metric"]


def test_the_largest_errors_with_the_features_of_the_file(tmp_path: Path) -> None:
    lines = [f"{k},{'red' if k % 2 else 'blue'},{3 * k + (500 if k == 30 else 0)}" for k in range(80)]
    (tmp_path / "my.csv").write_text("\n".join(["size,colour,price", *lines]))
    done = run(
        tmp_path, "task=regress", "model=linear", "dataset=csv", f"dataset.path={tmp_path}/my.csv",
        "dataset.label=price", "prepare.one_hot=true", "split.test=0.4", "figures=false", "split.validation=0",
    )  # fmt: skip
    table = done.tables["worst_predictions"]
    size = np.array([float(cell) for cell in table["size"]])
    np.testing.assert_array_equal(size + 1, [float(cell) for cell in table["row"]])
    assert table["colour"] == ["red" if int(k) % 2 else "blue" for k in size]
    sizes = [abs(float(cell)) for cell in table["error"]]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == pytest.approx(done.metrics["test"]["max_error"])


def test_no_caption_of_a_regression_speaks_of_accuracy() -> None:
    for name in ("predicted_against_true", "errors", "learning_curves"):
        drawing = drawings.FIGURES[name]
        assert "accuracy" not in f"{drawing.shows} {drawing.question}".lower()
