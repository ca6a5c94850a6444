"""The choice of a comparison: by the validation set alone, judged by the test set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.comparisons.conftest import Make, scores

from mlexp import store
from mlexp.comparisons import analysis
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.comparisons.figures import leaderboard
from mlexp.comparisons.figures.arms import Arms
from mlexp.kinds.comparison.settings import Comparison

CHOOSING = Comparison(choose=True)
# test shares of five arms; validation orders them otherwise
TEST = {"first": 0.92, "second": 0.90, "third": 0.85, "fourth": 0.6, "fifth": 0.5}
VALIDATION = {"first": 0.70, "second": 0.95, "third": 0.80, "fourth": 0.75, "fifth": 0.5}
Five = Callable[..., Evidence]


@pytest.fixture
def five(make: Make, monkeypatch: pytest.MonkeyPatch) -> Five:
    """Return a function that makes arms with these validation scores, three runs each."""

    def five(validation: dict[str, float | None] | None = None) -> Evidence:
        known: dict[str, float | None] = {**VALIDATION, **(validation or {})}
        entries: dict[str, list[Entry]] = {}
        for place, (arm, share) in enumerate(TEST.items()):
            entries[arm] = [make(arm, seed, scores(share, 10 * seed + place)) for seed in range(3)]
            for entry in entries[arm]:
                assert entry.run is not None
                value = known[arm]
                entry.run.metrics["validation"] = {} if value is None else {"accuracy": value}
                entry.run.info["facts"]["prediction_seconds"] = 0.001 * (place + 1) + 0.1 * entry.seed
        return Evidence(PartMetric.parse("test.accuracy"), entries)

    return five


def analysed(evidence: Evidence, node: Comparison = CHOOSING) -> dict[str, Any]:
    return analysis.analyse(evidence, node).info


def test_validation_chooses_and_the_test_set_orders_nothing(five: Five) -> None:
    info = analysed(five())
    assert info["choice"]["arm"] == "second"
    order = ["second", "third", "fourth", "first", "fifth"]
    assert info["choice"]["order"] == [arm["name"] for arm in info["arms"]] == order
    assert info["ranking"][0] == "first"  # the verdict on the test set stays what it was


@pytest.mark.parametrize("flipped", [0, 1])
def test_test_scores_do_not_change_the_choice(five: Five, make: Make, flipped: int) -> None:
    evidence = five()
    evidence.entries["second"][0].run.metrics["test"]["accuracy"] = float(flipped)  # type: ignore[union-attr]
    assert analysed(evidence)["choice"]["order"][0] == "second"


def test_what_is_said_of_the_choice_is_what_was_measured(five: Five) -> None:
    evidence = five()
    info = analysed(evidence)
    row = next(arm for arm in info["arms"] if arm["name"] == "second")
    said = info["choice"]["words"]
    assert said == info["answer"][0]
    for value in (0.95, row["mean"], row["low"], row["high"]):
        assert evidence.metric.value(value) in said
    assert ("may be best" in said) == ("second" in info["with_best"]["may_be_best"])
    assert not any("biased" in warning for warning in info["warnings"])


def test_a_choice_that_the_test_set_finds_worse_is_said_to_be(five: Five) -> None:
    info = analysed(five({"fifth": 0.99}))
    assert info["choice"]["arm"] == "fifth"
    assert "not best" in info["answer"][0]


def test_without_validation_scores_there_is_no_choice(five: Five) -> None:
    info = analysed(five({"third": None}))
    assert "choice" not in info
    assert any("biased" in warning for warning in info["warnings"])


def test_nothing_is_chosen_unasked(five: Five) -> None:
    assert "choice" not in analysed(five(), Comparison())


def test_cost_of_predicting_is_the_fastest_run_per_thousand_samples(five: Five) -> None:
    info = analysed(five())
    assert {arm["name"]: arm["prediction_ms"] for arm in info["arms"]} == {
        "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5
    }  # fmt: skip
    assert any("second" in line and "2 ms per 1,000 samples" in line for line in info["seconds"])


def test_old_records_without_it_say_nothing(five: Five) -> None:
    evidence = five()
    for entry in (entry for entries in evidence.entries.values() for entry in entries):
        del entry.run.info["facts"]["prediction_seconds"]  # type: ignore[union-attr]
    info = analysed(evidence)
    assert "prediction_ms" not in info["arms"][0]
    assert not any("1,000" in line for line in info["seconds"])


def test_the_leaderboard_is_drawn_where_there_is_a_choice(five: Five, tmp_path: Path) -> None:
    for node, drawn in ((CHOOSING, True), (Comparison(), False)):
        folder = tmp_path / f"compared{drawn}"
        folder.mkdir()
        analysis.write(analysis.analyse(five(), node, folder=folder), folder, {"started": ""}, figures=False)
        arms = Arms(store.Comparison.open(folder))
        figure = leaderboard.leaderboard(arms)
        assert (figure is not None) == drawn
        if figure is not None:
            axes = figure.axes[0]
            assert [tick.get_text() for tick in axes.get_yticklabels()] == arms.choice["order"]
            assert np.allclose([line.get_xdata()[0] for line in axes.lines if line.get_marker() == "D"],
                               [95, 80, 75, 70, 50])  # fmt: skip
