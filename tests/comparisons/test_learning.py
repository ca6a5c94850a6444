"""How arms learnt: levels, ratios and gaps against a hand calculation, and the words that say them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as theirs
from tests.comparisons.conftest import ROWS, Make, scores

from mlexp import stats
from mlexp.comparisons import convergence, learning
from mlexp.comparisons.analysis import analyse
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.comparisons.words import learning as words
from mlexp.kinds.comparison.settings import Comparison

ACCURACY = PartMetric("test", "accuracy")
FAST, SLOW = [0.5, 0.9, 0.95], [0.2, 0.4, 0.6, 0.9]


def evidence(make: Make, **curves: list[list[float]]) -> Evidence:
    entries: dict[str, list[Entry]] = {}
    for place, (arm, of) in enumerate(curves.items()):
        entries[arm] = [
            make(arm, seed, scores(0.9 - 0.1 * place, 10 * place + seed), curve=curve)
            for seed, curve in enumerate(of)
        ]
    return Evidence(ACCURACY, entries)


@pytest.mark.parametrize("seed", range(5))
def test_the_ratio_of_geometric_means_is_welch_on_logarithms(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.lognormal(1, 0.5, 2 + seed), rng.lognormal(0, 1, 7 - seed)
    found = stats.geometric_ratio(a, b)
    test = theirs.ttest_ind(np.log(a), np.log(b), equal_var=False)
    ends = test.confidence_interval(0.95)
    assert found.estimate == pytest.approx(theirs.gmean(a) / theirs.gmean(b))
    assert (found.low, found.high, found.p) == pytest.approx(
        (np.exp(ends.low), np.exp(ends.high), test.pvalue)
    )


def test_the_paired_ratio_is_that_of_pairs() -> None:
    found = stats.geometric_ratio([2.0, 6.0, 20.0], [1.0, 2.0, 10.0], paired=True)
    ends = theirs.ttest_rel(np.log([2, 6, 20]), np.log([1, 2, 10])).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((np.exp(ends.low), np.exp(ends.high)))


def test_the_stated_target_is_the_level_where_an_arm_reaches_it(make: Make) -> None:
    found = convergence.level_of(evidence(make, fast=[FAST, FAST], slow=[SLOW, SLOW]), 0.9)
    assert found == convergence.Level("validation_accuracy", 0.9, stated=True)
    assert found.words == "90 % validation accuracy"


def test_another_level_is_the_highest_that_two_arms_reach(make: Make) -> None:
    arms = evidence(make, fast=[FAST, FAST], slow=[SLOW, [0.3, 0.857]], slowest=[[0.1, 0.3], [0.2, 0.2]])
    found = convergence.level_of(arms, 0.97)
    assert found is not None
    assert (found.value, found.stated) == (0.87, False)  # the median of 0.9 and 0.857, rounded down
    assert convergence.level_of(evidence(make, fast=[FAST], none=[[]]), 0.9) is None


def test_epochs_are_compared_as_a_ratio(make: Make) -> None:
    arms = evidence(make, fast=[FAST, [0.9, 0.9], FAST], slow=[SLOW, SLOW, [0.1, 0.2, 0.9]])
    level = convergence.level_of(arms, 0.9)
    assert level is not None
    found = learning.epochs_ratio(arms, level, "fast", "slow", 0.95)
    assert found is not None
    assert found.estimate == pytest.approx(theirs.gmean([2, 1, 2]) / theirs.gmean([4, 4, 3]))
    said = words.lines(arms, level, 0.05)
    assert said[0].startswith("Convergence to 90 % validation accuracy: fast needs 1.6 epochs, slow 3.6")
    assert "no significant difference in epochs (factor 2.29" in said[0]
    clear = evidence(make, fast=[FAST, FAST, FAST, [0.9]], slow=[[0.1] * k + [0.9] for k in (10, 11, 12, 13)])
    assert "fast converges faster by a factor of 7.4" in words.lines(clear, level, 0.05)[0]


def test_runs_that_never_get_there_are_counted_and_ranked(make: Make) -> None:
    arms = evidence(make, fast=[FAST] * 3, slow=[SLOW, [0.1, 0.2], SLOW])
    level = convergence.Level("validation_accuracy", 0.9, stated=True)
    assert learning.epochs_ratio(arms, level, "fast", "slow", 0.95) is None
    (said, *_) = words.lines(arms, level, 0.05)
    assert "fast reaches it in 3 of 3 runs and slow reaches it in 2 of 3 runs" in said
    assert "with probability 1.00" in said


def scored(entries: Evidence, train: dict[str, list[float]], validation: dict[str, list[float]]) -> Evidence:
    """Replace what runs scored on the training and the validation set."""
    for arm, of in entries.used.items():
        for place, entry in enumerate(of):
            assert entry.run is not None
            entry.run.metrics["train"] = {"accuracy": train[arm][place]}
            entry.run.metrics["validation"] = {"accuracy": validation[arm][place]}
    return entries


def test_gap_and_its_error_are_those_of_a_hand_calculation(make: Make) -> None:
    arms = scored(
        evidence(make, good=[FAST, FAST], greedy=[FAST, FAST], weak=[FAST, FAST]),
        {"good": [0.9, 0.9], "greedy": [1.0, 0.98], "weak": [0.6, 0.62]},
        {"good": [0.9, 0.88], "greedy": [0.7, 0.72], "weak": [0.6, 0.6]},
    )
    found = learning.fit(arms, "greedy")
    assert found is not None
    assert found.gap == pytest.approx(0.28)
    assert found.error == pytest.approx(np.sqrt(np.var([0.3, 0.26], ddof=1) / 2 + 0.71 * 0.29 / 50))
    assert learning.diagnose(arms) == {"good": "", "greedy": "overfits", "weak": "underfits"}
    said = " ".join(words.lines(arms, None, 0.05))
    assert "greedy by 28.00 points" in said
    assert "Underfits" in said
    assert "weak" in said


def test_arms_that_did_not_learn_are_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    arms = evidence(make, good=[FAST, FAST], dead=[[0.3], [0.3]])
    monkeypatch.setattr(Entry, "learnt_nothing", property(lambda entry: entry.arm == "dead"))
    assert learning.diagnose(arms)["dead"] == "did not learn"
    assert any(line.startswith("Did not learn") and "dead" in line for line in words.lines(arms, None, 0.05))


def test_seconds_are_a_ratio_to_the_first_arm_and_a_stack_has_no_interval(make: Make) -> None:
    arms = evidence(make, first=[[0.5] * 2, [0.5] * 3], second=[[0.5] * 8, [0.5] * 12])
    table = learning.table(arms, 0.95)
    place = table["arm"].index("second")
    assert table["seconds_ratio"][place] == pytest.approx(4)
    assert table["seconds_ratio"][1 - place] == ""
    said = words.on_seconds(arms, 0.05)
    assert "first trains faster by a factor of 4 (" in said[0]
    for entry in (entry for of in arms.used.values() for entry in of):
        assert entry.run is not None
        entry.run.info["stack"] = 2
    assert learning.table(arms, 0.95)["seconds_ratio_low"][place] == ""
    assert "no interval" in words.on_seconds(arms, 0.05)[0]


def test_preparation_is_told_where_it_matters(make: Make) -> None:
    arms = evidence(make, raw=[FAST, FAST], pca=[FAST, FAST])
    assert len(words.on_seconds(arms, 0.05)) == 1
    for arm, seconds in (("pca", 3.0), ("raw", 0.001)):
        assert len(words.on_seconds(arms, 0.05)) == 1  # until every arm has it
        for entry in arms.used[arm]:
            assert entry.run is not None
            entry.run.info["facts"]["preparation_seconds"] = seconds
    assert "pca 3" in words.on_seconds(arms, 0.05)[1]
    assert learning.table(arms, 0.95)["preparation_seconds"] == [0.001, 3.0]


def test_the_table_of_arms_has_loss_counts_and_parameters(make: Make) -> None:
    arms = evidence(make, one=[FAST, FAST], other=[SLOW, SLOW])
    for entry in (entry for of in arms.used.values() for entry in of):
        assert entry.run is not None
        entry.run.metrics["test"]["loss"] = 0.25
        entry.run.info["facts"]["n_parameters"] = 42
    done = analyse(arms, Comparison(target=0.9))
    table = done.tables["arms"]
    assert (table["loss"], table["parameters"], table["samples"]) == ([0.25] * 2, [42.0] * 2, [ROWS] * 2)
    right = [sum(entry.value for entry in arms.used[arm]) / 2 * ROWS for arm in table["arm"]]  # type: ignore[misc]
    assert table["correct"] == pytest.approx(right, abs=0.051)
    assert done.info["findings"][0].startswith("Convergence to 90 %")
    assert done.info["level"]["value"] == 0.9


def test_a_loss_is_reached_from_above(make: Make) -> None:
    level = convergence.Level("validation_loss", 0.5, stated=False)
    entry = make("one", 0, scores(0.9, 1), curve=FAST)
    assert entry.run is not None
    entry.run.history["validation_loss"] = np.array([0.9, 0.5, 0.4])
    assert convergence.reached(entry.run, level) == (2, pytest.approx(0.02))
    assert convergence.reached(entry.run, replace(level, value=0.1)) is None
    assert level.words == "a validation loss of 0.5"
