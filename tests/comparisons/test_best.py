"""With more than four arms the answer says which may be best, from intervals that hold for all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from tests.comparisons.conftest import Make, scores

from mlexp import stats
from mlexp.comparisons.analysis import Analysis, analyse
from mlexp.comparisons.evidence import Evidence
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.kinds.comparison.settings import Comparison
from mlexp.metrics import METRICS

ACCURACY = PartMetric("test", "accuracy")
SHARES = (0.9, 0.88, 0.7, 0.6, 0.5)


def arms_of(make: Make, shares: Sequence[float] = SHARES, seeds: int = 5) -> Evidence:
    entries = {
        f"arm{k}": [make(f"arm{k}", seed, scores(share, 10 * seed + k)) for seed in range(seeds)]
        for k, share in enumerate(shares)
    }
    return Evidence(ACCURACY, entries)


def answered(evidence: Evidence, **settings: object) -> Analysis:
    return analyse(evidence, Comparison(**settings))  # type: ignore[arg-type]


def test_five_arms_are_compared_with_the_best(make: Make) -> None:
    evidence = arms_of(make)
    done = answered(evidence, margin=0.2)
    tables = [evidence.table(arm) for arm in evidence.arms]
    v = np.zeros((5, 5))
    for i in range(5):
        for j in range(5):
            if i != j:
                v[i, j] = float(stats.crossed_t(tables[i], tables[j]).se or 0) ** 2
    expected = stats.compared_with_best(
        5,
        lambda i, j, tail: float(stats.crossed_t(tables[i], tables[j], level=1 - 2 * tail).high or 0),
        variances=v,
    )
    found = done.info["with_best"]
    assert found["may_be_best"] == ["arm0", "arm1"]
    assert found["not_best"] == ["arm2", "arm3", "arm4"]
    for arm, low, high in zip(evidence.arms, expected.low, expected.high, strict=True):
        assert found["ahead"][arm] == pytest.approx([low, high])
    lead, means, behind, sure = done.info["answer"]
    assert "May be best" in lead
    assert "arm0 and arm1; not best: arm2, arm3 and arm4" in lead
    assert f"at most {-100 * (expected.low[1] or 0):.2f}" in means
    assert f"at most {-100 * (expected.low[4] or 0):.2f}" in behind
    assert "does not show" in sure
    assert "crossed t" in done.info["details"]["Test"]
    assert "Hsu" in done.info["details"]["Arms that may be best"]
    assert len(done.info["answer"]) == 4
    assert "5 seeds" in sure
    assert "arm0" in sure.partition("Shown to within")[2]
    assert len(done.info["pairs"]) == 10  # all pairs stay in the tables
    assert done.tables["arms"]["may_be_best"] == [True, True, False, False, False]
    assert done.tables["arms"]["ahead_low"] == pytest.approx(expected.low)


def test_four_arms_are_compared_in_pairs(make: Make) -> None:
    done = answered(arms_of(make, SHARES[:4], seeds=2))
    assert done.info["with_best"] is None
    assert "may_be_best" not in done.tables["arms"]


def test_one_arm_alone_can_be_best(make: Make) -> None:
    done = answered(arms_of(make, (0.95, 0.6, 0.5, 0.5, 0.4)))
    assert done.info["with_best"]["may_be_best"] == ["arm0"]
    assert done.info["answer"][0].startswith("arm0 is best")
    assert not any("does not show" in line for line in done.info["answer"])


def test_where_less_is_better_the_lowest_may_be_best(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        METRICS, "accuracy", replace(METRICS["accuracy"], higher_is_better=False)
    )  # as if it were a loss
    done = answered(arms_of(make))
    best = done.info["with_best"]
    assert best["may_be_best"][0] == "arm4"
    assert "arm0" in best["not_best"]
    low, high = best["ahead"]["arm0"]
    assert low < -0.3
    assert high == 0
    assert "arm0 by" in done.info["answer"][2]


def test_equal_arms_may_all_be_best(make: Make) -> None:
    done = answered(arms_of(make, (0.8,) * 5, seeds=3))
    assert done.info["answer"][0].startswith("Any of the 5 arms may be best")
    assert done.info["with_best"]["not_best"] == []


@pytest.mark.parametrize(("test", "with_best"), [("permutation", False), ("welch", True), ("anova", True)])
def test_a_test_without_an_interval_keeps_the_pairs(make: Make, test: str, with_best: bool) -> None:
    done = answered(arms_of(make, seeds=3), test=test)
    assert (done.info["with_best"] is not None) == with_best
    assert done.info["answer"]


def test_runs_that_cannot_be_tested_keep_the_pairs(make: Make) -> None:
    """One run an arm of a metric that is no count of right and wrong: nothing can be concluded."""
    entries = {
        f"arm{k}": [make(f"arm{k}", 0, scores(share, k), metric="test.macro_f1")]
        for k, share in enumerate(SHARES)
    }
    done = analyse(Evidence(PartMetric("test", "macro_f1"), entries), Comparison())
    assert done.info["with_best"] is None


def test_arms_over_data_sets_are_compared_by_ranks(make: Make) -> None:
    entries = {
        f"arm{k}": [
            make(f"arm{k}", data, scores(share, 10 * data + k), dataset=f"set{data}") for data in range(12)
        ]
        for k, share in enumerate(SHARES)
    }
    done = answered(Evidence(ACCURACY, entries))
    assert done.info["test"] == "wilcoxon"
    best = done.info["with_best"]
    assert best["name"].endswith("(Bonferroni)")  # ranks give no variance
    assert best["may_be_best"][0] == "arm0"
    assert "arm4" in best["not_best"]
