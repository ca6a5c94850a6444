"""The answer of a comparison: the test that its design asks for, the numbers of that test, the words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as theirs
from tests.comparisons.conftest import ROWS, Make, scores

from mlexp import stats, store
from mlexp.comparisons.analysis import Analysis, analyse, write
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.errors import ConfigError, DataError
from mlexp.kinds.comparison.settings import Comparison
from mlexp.metrics import METRICS, class_scores
from mlexp.store.files import read_table

Arms = Callable[..., Evidence]
ACCURACY = PartMetric("test", "accuracy")


def answered(evidence: Evidence, **settings: object) -> Analysis:
    return analyse(evidence, Comparison(**settings))  # type: ignore[arg-type]


def only(done: Analysis) -> dict[str, object]:
    (pair,) = done.info["pairs"]
    assert isinstance(pair, dict)
    return pair


def test_seeds_and_rows_are_crossed(two_arms: Arms) -> None:
    evidence = two_arms(6)
    done = answered(evidence)
    outcome = stats.crossed_t(evidence.table("sharp"), evidence.table("blunt"))
    pair = only(done)
    assert (pair["a"], pair["b"], done.info["test"]) == ("sharp", "blunt", "crossed")
    assert pair["difference"] == outcome.estimate
    assert pair["p"] == outcome.p
    assert (pair["low"], pair["high"]) == (outcome.low, outcome.high)
    verdict, size, interval, certainty = done.info["answer"]
    assert verdict == "sharp is significantly better than blunt in test accuracy."
    assert f"a difference of {100 * outcome.estimate:.2f} points" in size
    assert (
        interval
        == f"95 % interval of the difference {100 * outcome.low:.2f} to {100 * outcome.high:.2f} points."
    )  # type: ignore[operator]
    assert certainty.startswith("p < 0.001")
    assert "6 seeds per arm" in certainty
    details = done.info["details"]
    assert "crossed t" in details["Test"]
    assert "new training runs and new test samples" in details["Scope of inference"]
    assert "Welch t" in details["Second line"]
    assert "For these test samples only" in details["Second line"]
    welch = stats.welch_t(evidence.values("sharp"), evidence.values("blunt"))
    assert pair["welch_p"] == welch.p


def test_a_loss_is_better_when_it_is_lower(two_arms: Arms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        METRICS, "accuracy", replace(METRICS["accuracy"], higher_is_better=False)
    )  # as if it were a loss
    done = answered(two_arms(6))
    pair = only(done)
    assert (pair["a"], pair["b"]) == ("blunt", "sharp")
    assert pair["high"] < 0  # type: ignore[operator]
    assert (
        f"of the difference {-100 * pair['high']:.2f} to {-100 * pair['low']:.2f}" in done.info["answer"][2]
    )  # type: ignore[operator]
    assert done.info["measure"]["higher_is_better"] is False


def test_what_is_not_separated_is_not_called_equal(two_arms: Arms) -> None:
    done = answered(two_arms(4, (0.8, 0.8)))
    verdict, *_, certainty = done.info["answer"]
    assert "do not differ significantly" in verdict
    assert "That does not show them to be equal" in certainty
    assert "seeds" in done.info["details"]["Seeds needed"]
    assert not only(done)["separated"]


def test_a_margin_asks_for_equivalence(two_arms: Arms) -> None:
    evidence = two_arms(8, (0.8, 0.8))
    wide, narrow = (answered(evidence, margin=margin) for margin in (0.2, 0.0001))
    assert "are equal to within ±20 points" in wide.info["answer"][0]
    assert "does not show them to be equal" not in " ".join(wide.info["answer"])
    assert "equal to within" not in narrow.info["answer"][0]
    assert "does not show them to be equal to within ±0.01 points" in narrow.info["answer"][-1]
    assert "are not shown to be equal to within ±0.01 points" in narrow.info["details"]["Equivalence"]
    assert only(wide)["equivalent"] is True


def test_one_run_an_arm_is_mcnemar(two_arms: Arms) -> None:
    evidence = two_arms(1)
    done = answered(evidence)
    expected = stats.mcnemar(*(evidence.table(arm)[0] for arm in ("sharp", "blunt")))  # type: ignore[index]
    assert done.info["test"] == "mcnemar"
    assert only(done)["p"] == expected.p
    assert "one run per arm" in done.info["answer"][-1]
    assert "these fitted models only" in done.info["details"]["Scope of inference"]
    assert any(sentence.startswith("One run per arm") for sentence in done.info["warnings"])


def test_two_runs_an_arm_carry_a_warning(two_arms: Arms) -> None:
    done = answered(two_arms(2))
    assert only(done)["low"] is not None
    assert any("Fewer than five runs per arm" in sentence for sentence in done.info["warnings"])


def test_every_run_perfect_cannot_be_tested(make: Make, tmp_path: Path) -> None:
    entries = {
        arm: [make(arm, seed, np.ones(30), curve=(seed / 9,)) for seed in range(3)]
        for arm in ("one", "other")
    }
    done = analyse(Evidence(ACCURACY, entries), Comparison(), folder=tmp_path / "answer")
    assert "cannot be tested" in done.info["answer"][0]
    assert "every score is the same" in done.info["answer"][-1]
    assert only(done)["p"] is None
    write(done, tmp_path / "answer", {}, figures=True)
    text = (tmp_path / "answer" / "comparison.json").read_text()
    assert "NaN" not in text
    assert "nan" not in text
    assert (tmp_path / "answer" / "figures" / "scores.png").exists()


def test_lost_runs_are_kept_and_shown(make: Make) -> None:
    entries = {arm: [make(arm, seed, scores(0.8, seed)) for seed in range(3)] for arm in ("one", "other")}
    entries["one"].append(make("one", 3, np.ones(5), status="diverged"))
    entries["other"].append(Entry("other", "seed=3", None, ACCURACY, ("failed", "no such file")))
    done = answered(Evidence(ACCURACY, entries))
    assert done.info["status"] == "failed"
    assert done.tables["arms"]["lost"] == [1, 1]
    (warning,) = [text for text in done.info["warnings"] if "not count" in text]
    assert warning.startswith("2 runs do not count")
    assert "one (seed=3) diverged, the loss is not finite" in warning
    assert "other (seed=3) failed, no such file" in warning
    assert done.tables["runs"]["status"].count("completed") == 6
    assert done.tables["runs"]["value"].count("") == 2


def test_an_arm_without_any_run_is_kept_in_the_table(make: Make) -> None:
    entries = {arm: [make(arm, seed, scores(0.8, seed)) for seed in range(3)] for arm in ("one", "other")}
    entries["lost"] = [make("lost", 0, np.ones(5), status="diverged")]
    done = answered(Evidence(ACCURACY, entries))
    assert done.tables["arms"]["arm"][-1] == "lost"
    assert done.tables["arms"]["runs"][-1] == 0
    assert [arm["name"] for arm in done.info["arms"]][-1] == "lost"


def test_other_test_rows_cannot_be_compared(make: Make) -> None:
    entries = {
        "one": [make("one", seed, scores(0.8, seed)) for seed in range(2)],
        "other": [make("other", seed, scores(0.8, seed), index=np.arange(7, 127)) for seed in range(2)],
    }
    with pytest.raises(DataError, match="evaluated on different test samples \\(fingerprints"):
        answered(Evidence(ACCURACY, entries))


def test_the_arms_that_were_judged_by_other_rows_are_named(make: Make) -> None:
    entries = {arm: [make(arm, seed, scores(0.8, seed)) for seed in range(2)] for arm in ("one", "two")}
    entries["three"] = [make("three", seed, scores(0.8, seed), index=np.arange(7, 127)) for seed in range(2)]
    with pytest.raises(
        DataError, match="The arms 'one' and 'three' were evaluated on different test samples"
    ):
        answered(Evidence(ACCURACY, entries))


def test_predictions_on_several_parts_are_not_resampled_together(make: Make) -> None:
    f1 = PartMetric.parse("test.macro_f1")
    entries = {
        arm: [
            make(arm, 0, scores(share, fold), index=np.arange(120) + 1000 * fold, metric="test.macro_f1")
            for fold in range(5)
        ]
        for arm, share in (("one", 0.9), ("other", 0.6))
    }
    with pytest.raises(ConfigError, match="And it cannot be computed"):
        answered(Evidence(f1, entries), test="bootstrap_seeds_rows")


def test_pairs_of_runs_are_no_data_sets(two_arms: Arms) -> None:
    done = answered(two_arms(10), test="wilcoxon")
    assert not any("fewer than six data sets" in sentence for sentence in done.info["warnings"])


def test_runs_on_rows_of_their_own_are_left_out(make: Make) -> None:
    entries = {arm: [make(arm, seed, scores(0.8, seed)) for seed in range(3)] for arm in ("one", "other")}
    entries["one"].append(make("one", 9, scores(0.8, 9), index=np.arange(7, 127)))
    done = answered(Evidence(ACCURACY, entries))
    assert any(sentence.startswith("1 run is left out") for sentence in done.info["warnings"])
    assert done.info["design"]["seeds"] == 3


def test_a_missing_metric_is_named(two_arms: Arms) -> None:
    evidence = two_arms(2, metric="test.log")
    with pytest.raises(
        DataError, match=r"No run holds test\.log\. These hold: test\.accuracy, test\.macro_f1"
    ):
        answered(evidence)


def test_metrics_that_are_no_mean_are_compared_by_influence(two_arms: Arms) -> None:
    evidence = two_arms(5, (0.95, 0.5), metric="test.macro_f1")
    done = answered(evidence)
    truth = evidence.used["sharp"][0].kept("true")
    rows = [class_scores(truth, evidence.predictions(arm, "predicted"), "f1") for arm in ("sharp", "blunt")]
    assert done.info["test"] == "crossed"
    assert only(done)["p"] == stats.crossed_t(*rows).p
    assert only(done)["separated"]


def test_divisions_of_the_rows_use_the_corrected_t(make: Make) -> None:
    entries: dict[str, list[Entry]] = {"one": [], "other": []}
    for fold in range(5):
        for arm, share in (("one", 0.8), ("other", 0.75)):
            index = np.arange(120) + 1000 * fold
            entries[arm].append(make(arm, 0, scores(share, fold + 50), index=index))
    evidence = Evidence(ACCURACY, entries)
    done = answered(evidence)
    d = evidence.by_unit("one") - evidence.by_unit("other")
    assert done.info["test"] == "corrected"
    assert only(done)["p"] == stats.corrected_t(d, n_train=400, n_test=120).p
    assert "5 splits" in done.info["answer"][-1]


def over_data_sets(make: Make, name: str, source: str) -> Evidence:
    entries: dict[str, list[Entry]] = {"a": [], "b": [], "c": []}
    for place in range(8):
        for arm, share in (("a", 0.9), ("b", 0.8), ("c", 0.5)):
            dataset = {"name": name.format(place), "fingerprint": str(place), "source": source}
            entries[arm].append(make(arm, 0, scores(share, place + 7), dataset=dataset))
    return Evidence(ACCURACY, entries)


def test_a_suite_of_data_sets_takes_wilcoxon_with_holm(make: Make) -> None:
    evidence = over_data_sets(make, "set {}", "a file")
    done = answered(evidence)
    assert done.info["test"] == "wilcoxon"
    for pair in done.info["pairs"]:
        found = stats.wilcoxon_signed_rank(evidence.by_unit(pair["a"]), evidence.by_unit(pair["b"]))
        assert pair["p"] == found.p
    assert done.info["pairs"][0]["p_adjusted"] == pytest.approx(3 * 2 / 2**8)
    said = [*done.info["answer"], *done.info["details"].values()]
    assert not any("Nemenyi" in sentence or "Friedman" in sentence for sentence in said)
    assert done.info["question"].startswith("Which has the higher test accuracy on 8 data sets")


def test_samples_of_one_generator_take_the_paired_t(make: Make) -> None:
    evidence = over_data_sets(make, "moons", "generated")
    done = answered(evidence)
    assert done.info["test"] == "paired"
    pair = done.info["pairs"][0]
    assert pair["p"] == stats.paired_t(evidence.by_unit(pair["a"]), evidence.by_unit(pair["b"])).p
    assert "Wilcoxon" not in str(done.info["answer"]) + str(done.info["details"])


def test_friedman_where_it_is_asked_for(make: Make) -> None:
    done = answered(over_data_sets(make, "set {}", "a file"), test="friedman")
    assert "Friedman" in done.info["details"]["All arms together"]
    assert done.info["test_words"].startswith("Friedman, then Wilcoxon")


def test_intervals_of_several_pairs_agree_with_holm(make: Make) -> None:
    """p = 0.041 alone and 0.12 after Holm: the interval beside the verdict holds zero, as the verdict does."""
    for base in range(6):
        entries = {
            arm: [make(arm, seed, scores(share, 1000 * base + 31 * seed + place)) for seed in range(5)]
            for place, (arm, share) in enumerate((("a", 0.84), ("b", 0.80), ("c", 0.78), ("d", 0.72)))
        }
        done = answered(Evidence(ACCURACY, entries))
        for pair in done.info["pairs"]:
            excludes = not pair["adjusted_low"] <= 0 <= pair["adjusted_high"]
            assert excludes == pair["separated"] == (pair["p_adjusted"] <= 0.05)
            assert pair["adjusted_level"] == pytest.approx(1 - 0.05 * pair["p"] / pair["p_adjusted"])
        interval, certainty = done.info["answer"][2:]
        first = done.info["pairs"][0]
        assert f"{100 * first['adjusted_level']:.4g} % interval" in interval
        assert all(word in interval for word in ("adjusted for 6 pairs", "Holm", "not simultaneous"))
        assert certainty.startswith("Adjusted p")
        assert " ".join(done.info["answer"]).count("Holm") == 1


def test_a_deterministic_arm_has_an_interval_over_rows(make: Make) -> None:
    right = scores(0.9, 3)
    entries = {
        "fixed": [make("fixed", seed, right) for seed in range(5)],
        "varying": [make("varying", seed, scores(0.7, seed)) for seed in range(5)],
    }
    done = answered(Evidence(ACCURACY, entries))
    arm = next(arm for arm in done.info["arms"] if arm["name"] == "fixed")
    paired = stats.paired_t(right.astype(float), np.zeros(len(right)))
    assert (arm["low"], arm["high"]) == pytest.approx((paired.low, min(paired.high, 1.0)))
    assert arm["interval_over"] == "test samples (deterministic)"
    other = next(arm for arm in done.info["arms"] if arm["name"] == "varying")
    assert other["interval_over"] == "training runs and test samples"


def test_more_than_two_arms_are_adjusted_by_holm(make: Make) -> None:
    entries = {
        arm: [make(arm, seed, scores(share, 31 * seed + place)) for seed in range(4)]
        for place, (arm, share) in enumerate((("a", 0.95), ("b", 0.93), ("c", 0.4)))
    }
    done = answered(Evidence(ACCURACY, entries))
    raw = [pair["p"] for pair in done.info["pairs"]]
    assert [pair["p_adjusted"] for pair in done.info["pairs"]] == list(stats.holm(raw).adjusted)
    assert done.info["answer"][0].startswith("a has the best mean test accuracy")
    assert "not significantly different from b" in done.info["answer"][0]
    assert "significantly better than c" in done.info["answer"][0]
    assert done.tables["p_matrix"]["arm"] == ["a", "b", "c"]


def test_arms_that_share_the_best_mean_are_named(make: Make) -> None:
    entries = {arm: [make(arm, seed, np.ones(60)) for seed in range(3)] for arm in ("one", "two")}
    entries["low"] = [make("low", seed, scores(0.6, seed, 60)) for seed in range(3)]
    done = answered(Evidence(ACCURACY, entries))
    verdict, size, interval, certainty = done.info["answer"]
    assert verdict.startswith("one and two share the best mean test accuracy of 3 arms")
    assert "one is significantly better than low, not significantly different from two" in verdict
    assert (
        "one 100.00 %" in size
    )  # the two best cannot be tested: the numbers are those of the first pair that can
    assert "low" in size
    assert "Holm" in interval
    assert "2 of the 3 pairs" in certainty


def test_a_test_that_does_not_fit_is_used_and_said_so(two_arms: Arms) -> None:
    done = answered(two_arms(4), test="paired")
    assert "'paired' does not fit this comparison" in done.info["warnings"][0]
    assert done.info["pairs"][0]["test"] == "paired t"


def test_a_test_that_cannot_be_computed_is_refused(two_arms: Arms) -> None:
    with pytest.raises(ConfigError, match=r"'five_by_two' does not fit .* And it cannot be computed"):
        answered(two_arms(4), test="five_by_two")


def test_epochs_are_compared_only_where_it_is_asked_for(two_arms: Arms) -> None:
    without = answered(two_arms(3))
    assert without.info["epochwise"] is None
    assert "epoch" not in str(without.info["answer"]) + str(without.info["details"])
    done = answered(two_arms(3), epochwise=True)
    assert "not valid" in done.info["details"]["Test over epochs (not valid)"]
    assert "epoch" not in str(done.info["answer"])
    found = done.info["epochwise"]
    expected = stats.epochwise([0.5, 0.7, 0.9, 0.9], [0.5, 0.7, 0.7, 0.7])
    assert found["label"] == "epochwise (not valid: epochs of one run are not independent)"
    assert found["p"] == expected.p
    assert found["false_alarms"] == [0.21, 0.74]
    assert "It shows nothing" in found["sentence"]


def test_epochs_to_the_target_are_counted(two_arms: Arms) -> None:
    done = answered(two_arms(2), target=0.85)
    assert done.tables["epochs_to_target"]["epochs"] == [3, 3, "", ""]
    assert done.tables["arms"]["epochs_to_target"] == [3.0, ""]


def test_no_number_of_seeds_may_help(make: Make) -> None:
    rng = np.random.default_rng(0)
    own = [rng.random(60) < 0.7, rng.random(60) < 0.7]  # arms that differ by row and hardly by run
    entries = {}
    for arm, right in zip(("one", "other"), own, strict=True):
        flipped = [right & (np.arange(60) >= seed) for seed in range(4)]
        entries[arm] = [make(arm, seed, one) for seed, one in enumerate(flipped)]
    done = answered(Evidence(ACCURACY, entries))
    assert "No number of seeds will detect 1 point" in done.info["answer"][-1]
    assert "more test samples" in done.info["details"]["Seeds needed"]


def test_same_evidence_same_bytes(two_arms: Arms, tmp_path: Path) -> None:
    evidence = two_arms(3)
    for name in ("one", "two"):
        write(analyse(evidence, Comparison(), folder=tmp_path / name), tmp_path / name, {}, figures=False)
    for file in (tmp_path / "one").rglob("*.*"):
        assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes()
    again = store.Comparison.open(tmp_path / "one")
    assert list(again.runs) == ["sharp", "blunt"]
    assert [len(runs) for runs in again.runs.values()] == [3, 3]
    assert json.loads((tmp_path / "one" / "comparison.json").read_text()) == again.info
    assert read_table(tmp_path / "one" / "tables" / "pairs.csv")["a"] == ["sharp"]


def counted(make: Make, counts: dict[str, list[int]]) -> Evidence:
    """Return one run an arm on each of several data sets of 240 rows, with so many rows right."""
    entries = {
        arm: [make(arm, 0, np.arange(240) < n, dataset=f"set {place}") for place, n in enumerate(found)]
        for arm, found in counts.items()
    }
    return Evidence(ACCURACY, entries)


# A is ahead by 90 rows on one data set and behind by 1, 2, ... 11 on the others
CONTRARY = {"A": [30] * 11 + [110], "B": [*range(31, 42), 20]}


def test_better_is_whom_the_test_finds_better_and_not_the_mean(make: Make) -> None:
    done = answered(counted(make, CONTRARY))
    pair = only(done)
    assert done.info["ranking"] == ["A", "B"]
    # of the 4,096 sign patterns 70 have a rank sum of at most 12
    assert pair["p"] == pytest.approx(2 * 70 / 4096)
    # the 39th and the 40th of the 78 Walsh averages are −5.5 rows
    assert pair["difference"] == pytest.approx(-5.5 / 240)
    assert (pair["separated"], pair["better"]) == (True, "B")
    verdict, size, interval = done.info["answer"][:3]
    assert verdict.startswith("B is significantly better than A")
    assert "2.29 points" in size
    assert "in favour of B, though the mean over all runs is better for A" in size
    low, high = (
        float(end) for end in interval.split("difference ")[1].removesuffix(" points.").split(" to ")
    )
    assert 0 < low < 2.29 < high


def test_first_runs_say_who_is_better_under_mcnemar(make: Make) -> None:
    shares = {"A": (60, 119, 119), "B": (100, 90, 90)}  # rows right of 120; A is ahead on the mean
    entries = {
        arm: [make(arm, k, np.arange(120) < n, curve=(k / 9,)) for k, n in enumerate(of)]
        for arm, of in shares.items()
    }
    done = answered(Evidence(ACCURACY, entries), test="mcnemar")
    assert done.info["ranking"] == ["A", "B"]
    assert done.info["answer"][0].startswith("B is significantly better than A")
    assert "33.33 points for the first run of each arm, in favour of B" in done.info["answer"][1]
    # Welch's own estimate: (298 − 280) / 360
    assert "a difference of 5.00 points in favour of A" in done.info["second"]


def test_an_arm_with_one_run_does_not_take_the_test_from_the_others(make: Make) -> None:
    entries = {
        arm: [make(arm, seed, scores(share, 31 * seed + place)) for seed in range(4)]
        for place, (arm, share) in enumerate((("a", 0.9), ("b", 0.6)))
    }
    evidence = Evidence(ACCURACY, entries | {"lone": [make("lone", 0, scores(0.97, 5))]})
    done = answered(evidence)
    pairs = {frozenset((pair["a"], pair["b"])): pair for pair in done.info["pairs"]}
    outcome = stats.crossed_t(evidence.table("a"), evidence.table("b"))
    assert (done.info["test"], done.info["design"]["seeds"]) == ("crossed", 4)
    assert pairs[frozenset("ab")]["p"] == outcome.p
    for other in "ab":
        pair = pairs[frozenset((other, "lone"))]
        assert (pair["testable"], pair["p_adjusted"], pair["separated"]) == (False, None, False)
        assert "one run only" in pair["reason"]
    assert done.tables["arms"]["runs"] == [1, 4, 4]
    assert " a " in done.info["answer"][1]
    assert "; a difference of" in done.info["answer"][1]
    assert any(sentence.startswith("One run only of lone") for sentence in done.info["warnings"])


def test_credible_intervals_of_several_pairs_are_wider(make: Make) -> None:
    entries: dict[str, list[Entry]] = {"one": [], "two": [], "three": []}
    for fold in range(5):
        for arm, share in (("one", 0.8), ("two", 0.77), ("three", 0.5)):
            index = np.arange(120) + 1000 * fold
            entries[arm].append(make(arm, 0, scores(share, fold + 50), index=index))
    evidence = Evidence(ACCURACY, entries)
    done = answered(evidence, test="bayesian")
    pair = done.info["pairs"][0]
    d = evidence.by_unit(pair["a"]) - evidence.by_unit(pair["b"])
    belief = stats.bayesian_correlated_t(d, n_train=400, n_test=120, level=1 - 0.05 / 3)
    assert (pair["low"], pair["high"]) == (belief.low, belief.high)
    assert pair["level"] == pytest.approx(1 - 0.05 / 3)
    assert "adjusted for 3 pairs by Bonferroni" in done.info["answer"][2]
    assert "Holm" not in str(done.info)


def test_tails_beyond_the_resamples_are_normal(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[float, int]] = []

    def spy(*_: object, level: float, n_resamples: int, **__: object) -> stats.Outcome:
        asked.append((level, n_resamples))
        return stats.Outcome("spy", stats.Scope(("runs",)), 0.1, low=0.05, high=0.15, level=level, se=0.02)

    monkeypatch.setattr(stats, "bootstrap_seeds_rows", spy)
    entries = {
        arm: [make(arm, seed, scores(0.8, seed), metric="test.macro_f1") for seed in range(2)]
        for arm in ("a", "b", "c", "d")
    }
    done = answered(Evidence(PartMetric("test", "macro_f1"), entries), test="bootstrap_seeds_rows")
    assert asked == [(pytest.approx(1 - 0.05 / 6), 1000)] * 6  # four resamples lie beyond either end: too few
    half = 0.02 * theirs.norm.ppf(1 - 0.05 / 12)
    assert [(pair["low"], pair["high"]) for pair in done.info["pairs"]] == [
        pytest.approx((0.1 - half, 0.1 + half))
    ] * 6
    assert "Bonferroni" in done.info["answer"][2]


def halves(make: Make, order: list[tuple[int, int]], train: int = 50) -> Evidence:
    """Return runs on halves of 100 rows: (repeat, fold) in this order."""
    entries: dict[str, list[Entry]] = {"one": [], "two": []}
    for repeat, fold in order:
        index = np.sort(np.random.default_rng(repeat).permutation(100)[50 * fold :][:50])
        for place, arm in enumerate(entries):
            entry = make(arm, 0, scores(0.8 - 0.2 * place, 10 * repeat + fold, 50), index=index)
            assert entry.run is not None
            entry.run.info["split"] |= {"train": train, "validation": 50 - train}
            entries[arm].append(entry)
    return Evidence(ACCURACY, entries)


def test_five_repeats_of_two_halves_may_come_in_any_order(make: Make) -> None:
    nested = [(repeat, fold) for repeat in range(5) for fold in range(2)]
    evidence = halves(make, nested)
    found = [
        only(answered(one, test="five_by_two"))
        for one in (evidence, halves(make, sorted(nested, key=lambda p: p[1])))
    ]
    d = (evidence.by_unit("one") - evidence.by_unit("two")).reshape(5, 2)
    assert found[0]["statistic"] == stats.five_by_two_f(d).statistic
    assert found[1]["statistic"] == pytest.approx(found[0]["statistic"])
    assert not any("does not fit" in text for text in answered(evidence, test="five_by_two").info["warnings"])


def test_ten_folds_are_not_five_times_two(make: Make) -> None:
    entries: dict[str, list[Entry]] = {"one": [], "two": []}
    for fold in range(10):
        for place, arm in enumerate(entries):
            right = scores(0.8 - 0.2 * place, fold, 50)
            entries[arm].append(make(arm, 0, right, index=np.arange(50) + 50 * fold))
    done = answered(Evidence(ACCURACY, entries), test="five_by_two")
    assert "'five_by_two' does not fit this comparison" in done.info["warnings"][0]
    few = halves(make, [(repeat, fold) for repeat in range(5) for fold in range(2)], train=10)
    assert "'five_by_two' does not fit" in answered(few, test="five_by_two").info["warnings"][0]


def test_the_probability_is_that_the_arm_with_the_lower_loss_is_better(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        METRICS, "accuracy", replace(METRICS["accuracy"], higher_is_better=False)
    )  # as if it were a loss
    rows = {"one": (90, 88, 91, 90, 89), "two": (60, 61, 58, 62, 60)}
    entries = {
        arm: [make(arm, 0, np.arange(120) < n, index=np.arange(120) + 1000 * k) for k, n in enumerate(found)]
        for arm, found in rows.items()
    }
    done = answered(Evidence(ACCURACY, entries), test="bayesian")
    assert done.info["answer"][0].startswith("two is significantly better than one")
    assert "24.50 points" in done.info["answer"][1]
    assert done.info["answer"][-1].startswith("Probability that two is better: 1.000")


def test_runs_of_one_result_count_once(two_arms: Arms, make: Make, tmp_path: Path) -> None:
    """Two seeds an arm, each run four times over: the answer, its p and its seeds are those of two seeds an arm."""
    evidence = two_arms(2, (0.85, 0.8))
    copied = {
        arm: [
            Entry(arm, f"{entry.name} max_norm={norm}", entry.run, entry.metric)
            for entry in entries
            for norm in (1, 2, 3, 4)
        ]
        for arm, entries in evidence.entries.items()
    }
    once, often = answered(evidence), answered(Evidence(ACCURACY, copied))
    assert only(often)["p"] == only(once)["p"]
    assert [arm["runs"] for arm in often.info["arms"]] == [2, 2]
    assert "2 seeds per arm" in often.info["answer"][-1]
    assert often.info["details"]["Identical runs"].count("6 of the 8 runs of") == 2
    counted = [value for value in often.tables["runs"]["value"] if value != ""]
    assert len(counted) == 4
    assert sum("byte for byte" in problem for problem in often.tables["runs"]["problem"]) == 12
    assert not any("left out" in sentence for sentence in often.info["warnings"])


def test_a_model_without_chance_is_one_run_without_spread(make: Make) -> None:
    """Its variance over seeds is 0, however many seeds were run; Welch's test is then that of one sample."""
    fixed = scores(0.8, 5)
    varied = [make("varied", seed, scores(0.9, seed), curve=(seed / 9,)) for seed in range(6)]
    rows = np.stack([scores(0.9, seed) for seed in range(6)]).astype(float)
    for seeds in (2, 10):
        evidence = Evidence(
            ACCURACY, {"varied": varied, "fixed": [make("fixed", seed, fixed) for seed in range(seeds)]}
        )
        done = answered(evidence)
        copies = np.repeat(fixed[None].astype(float), 10, axis=0)
        expected = stats.crossed_t(rows, copies)
        assert done.info["test"] == "crossed"
        assert only(done)["p"] == pytest.approx(expected.p, rel=1e-12)
        means = rows.mean(axis=1)
        one_sample = theirs.ttest_1samp(means, fixed.mean())
        assert only(done)["welch_p"] == pytest.approx(one_sample.pvalue, rel=1e-9)
        assert [arm["runs"] for arm in done.info["arms"]] == [6, 1]
        assert "6 seeds per arm; fixed is deterministic" in done.info["answer"][-1]
        assert f"its {seeds} runs are equal" in done.info["details"]["Identical runs"]
        assert not any("One run only" in sentence for sentence in done.info["warnings"])
    both = {"a": [make("a", seed, fixed) for seed in range(3)],
            "b": [make("b", seed, scores(0.7, 9)) for seed in range(3)]}  # fmt: skip
    alone = answered(Evidence(ACCURACY, both))
    assert alone.info["test"] == "mcnemar"
    assert only(alone)["p"] == stats.mcnemar(fixed.astype(float), scores(0.7, 9).astype(float)).p


def test_arms_of_one_result_are_said_to_be_so(make: Make) -> None:
    arms = {
        arm: [make(arm, seed, scores(0.8, seed), curve=(seed / 9,)) for seed in range(2)]
        for arm in ("one", "two")
    }
    found = answered(Evidence(ACCURACY, arms)).info
    assert any("one and two have the same results" in sentence for sentence in found["warnings"])


def test_failing_runs_are_said_with_what_they_still_allow(make: Make) -> None:
    """Nine runs at 92 % and one at chance: the mean hides it, and 39 % of the runs may fail."""
    right = [np.arange(ROWS) < 0.92 * ROWS] * 9 + [np.arange(ROWS) < 0.35 * ROWS]
    entries = {
        "shaky": [make("shaky", k, np.roll(one, k)) for k, one in enumerate(right)],
        "steady": [make("steady", k, scores(0.8, k)) for k in range(10)],
    }
    (warning,) = [one for one in answered(Evidence(ACCURACY, entries)).info["warnings"] if "failed" in one]
    assert "shaky 1 of 10" in warning
    assert "at most 39 %" in warning  # 1 − p with P(X <= 1 of 10) = 0.05
    assert "interquartile mean of all 92.50 %" in warning  # 111 of 120 rows
    assert "steady 0" not in warning
    assert "with probability 0.90" in warning
    assert stats.upper_limit_of_share(0, 10) == pytest.approx(1 - 0.05**0.1)
