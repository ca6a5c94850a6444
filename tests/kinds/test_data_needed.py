"""The learning curve by number of training samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.running import run, written

from mlexp.errors import ConfigError
from mlexp.kinds.data_needed.curve import last_doubling, nested_order, power_law

IRIS = ("task=data_needed", "dataset=iris", "data_needed.repeats=2")


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6), st.integers(0, 1000))
def test_every_beginning_of_the_order_is_a_stratified_subset(counts: list[int], seed: int) -> None:
    y = np.repeat(np.arange(len(counts)), counts)
    order = nested_order(y, True, rng=np.random.default_rng(seed))
    assert sorted(order) == list(range(len(y)))
    for size in range(len(counts), len(y) + 1):
        found = np.bincount(y[order[:size]], minlength=len(counts))
        assert found.min() >= 1
        assert np.abs(found - size * np.array(counts) / len(y)).max() <= len(counts)


def test_the_interval_of_the_last_doubling_holds_the_gain_19_times_of_20() -> None:
    """Gains of 0.1 with noise of subsets, of validation samples, and of both."""
    rng, hits = np.random.default_rng(0), []
    for _ in range(400):
        d = (
            0.1
            + 0.05 * rng.normal(size=(6, 1))
            + 0.3 * rng.normal(size=(1, 60))
            + 0.3 * rng.normal(size=(6, 60))
        )
        found = last_doubling(np.zeros(d.shape), d)
        hits.append(found["low"] < 0.1 < found["high"])
    assert 0.93 < np.mean(hits) < 0.995


def test_where_no_answer_changes_the_interval_is_that_of_none_of_n() -> None:
    found = last_doubling(np.ones((3, 80)), np.ones((3, 80)))
    assert found["high"] == -found["low"] == pytest.approx(0.0458, abs=1e-4)


def test_a_power_law_is_found_again() -> None:
    sizes = np.array([50.0, 100, 200, 400, 800, 1600])
    found = power_law(sizes, 0.05 + 2 * sizes**-0.6)
    assert found is not None
    assert (found["a"], found["b"], found["c"]) == pytest.approx((0.05, 2, 0.6), rel=1e-3)
    assert power_law(sizes, np.linspace(0.1, 0.2, 6)) is None
    assert power_law(sizes[:3], 1 / sizes[:3]) is None
    falls_ever_faster = np.array([0.91, 0.86, 0.77, 0.6, 0.4, 0.17])
    assert (
        power_law(sizes, falls_ever_faster) is None
    )  # a law would expect less of more samples than was measured


def test_a_run_scores_nested_subsets_and_the_test_set_by_all_samples(tmp_path: Path) -> None:
    done = run(tmp_path / "a", *IRIS, "model=naive_bayes")
    table = done.tables["data_needed"]
    n = done.info["split"]["train"]
    assert sorted({int(size) for size in table["size"]}) == [n >> k for k in (3, 2, 1, 0)]
    assert [size for size in table["size"] if int(size) == n] == [str(n)] * 2
    plain = run(tmp_path / "b", "task=classify", "model=naive_bayes", "split.validation=0.2", "figures=false")
    assert done.metrics["test"] == plain.metrics["test"]
    assert float(table["validation_accuracy"][-1]) == plain.metrics["validation"]["accuracy"]
    assert done.info["facts"]["data_needed"]["doubling"]["from"] == n // 2
    assert (done.path / "figures" / "data_needed.png").exists()
    assert "Would more data help a naive Bayes model on iris?" in (done.path / "report.md").read_text()


def test_networks_and_regressions_too_alike_each_time(tmp_path: Path) -> None:
    words = (
        "task=data_needed",
        "dataset=diabetes",
        "data_needed.repeats=2",
        "model.epochs=2",
        "figures=false",
    )
    first, second = (run(tmp_path / name, *words, "data_needed.sizes=[0.25,100]") for name in "ab")
    assert written(first) == written(second)
    sizes = {int(size) for size in first.tables["data_needed"]["size"]}
    assert sizes == {71, 100, 283}
    assert "validation_r2" in first.tables["data_needed"]


def test_sizes_leave_a_model_its_neighbours_and_failures_are_told(tmp_path: Path) -> None:
    done = run(tmp_path / "a", *IRIS, "model=knn", "model.params.n_neighbors=30", "figures=false")
    assert min(int(size) for size in done.tables["data_needed"]["size"]) >= 30
    done = run(
        tmp_path / "b",
        *IRIS,
        "model=knn",
        "model.params.n_neighbors=30",
        "data_needed.sizes=[20]",
        "figures=false",
    )
    assert {int(size) for size in done.tables["data_needed"]["size"]} == {96}
    assert any("20 training samples" in said and "n_neighbors" in said for said in done.info["warnings"])


@pytest.mark.parametrize(
    ("word", "message"),
    [("data_needed.sizes=[2000]", "data_needed.sizes must lie between 3 and 96"),
     ("data_needed.sizes=[2]", "data_needed.sizes must lie between 3 and 96"),
     ("split.validation=0", "split.validation=0 leaves no validation set")],
)  # fmt: skip
def test_what_cannot_run_is_refused_with_its_cure(tmp_path: Path, word: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("[", r"\[")):
        run(tmp_path, *IRIS, "model=naive_bayes", word)
