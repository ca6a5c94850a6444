"""What must hold for any scores: signs turn with the arms, units do not matter, nothing is ever NaN."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mlexp import stats
from mlexp.errors import ConfigError, DataError

fast = settings(max_examples=40, derandomize=True)
value = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(-1e6, 1e6, allow_subnormal=True))
sample = st.lists(value, min_size=2, max_size=9).map(np.array)
pairs = st.integers(3, 8).flatmap(
    lambda n: st.tuples(*[st.lists(value, min_size=n, max_size=n).map(np.array)] * 2)
)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


TWO_SAMPLES: dict[str, Callable[[Any, Any], Any]] = {
    "welch": stats.welch_t,
    "permutation": lambda a, b: stats.permutation_test(a, b, rng=rng(), n_resamples=99, exact_up_to=60_000),
    "cliff": stats.cliffs_delta,
}
PAIRED: dict[str, Callable[[Any, Any], Any]] = {
    "paired": stats.paired_t,
    "wilcoxon": stats.wilcoxon_signed_rank,
    "corrected": lambda a, b: stats.corrected_t(a - b, n_train=90, n_test=10),
    "bayes": lambda a, b: stats.bayesian_correlated_t(a - b, n_train=90, n_test=10, rope=0.01),
    "crossed": lambda a, b: stats.crossed_t(np.stack([a, b, a]), np.stack([b, a])),
    "five by two F": lambda a, b: stats.five_by_two_f(np.resize(a - b, (5, 2))),
}
OTHERS: dict[str, Callable[[Any, Any], Any]] = {
    "A12": stats.probability_of_improvement,
    "spearman": stats.spearman,
    "epochwise": stats.epochwise,
    "anova": lambda a, b: stats.one_way_anova([a, b, a]),
    "friedman": lambda a, b: stats.friedman(np.stack([a, b])),
    "with the best": lambda a, b: stats.compared_with_best(3, lambda i, j, tail: float(a[i] - b[j])),
    "seeds": lambda a, b: stats.seeds_needed(a, b, 0.01, v_row=1e-5, rows=100),
    "equivalence": lambda a, b: stats.equivalence(stats.welch_t(a, b), 0.1),
}


def numbers(found: Any) -> list[float]:
    """Return every number in a result, however deep; a NaN or infinity is refused by the writer."""
    text = json.dumps(asdict(found), allow_nan=False)
    seen: list[float] = []
    json.loads(text, parse_float=lambda digits: seen.append(float(digits)))
    return seen


@pytest.mark.parametrize("name", [*TWO_SAMPLES, *PAIRED, *OTHERS])
@fast
@given(pairs)
def test_no_result_holds_nan_or_warns(name: str, arms: tuple[np.ndarray, np.ndarray]) -> None:
    found = (TWO_SAMPLES | PAIRED | OTHERS)[name](*arms)
    assert all(np.isfinite(numbers(found)))
    if isinstance(found, stats.Outcome):
        assert found.scope.sentence()
    p = getattr(found, "p", None)
    assert p is None or 0 < p <= 1
    if not getattr(found, "testable", True):
        assert found.reason
        assert getattr(found, "p", None) is None


@pytest.mark.parametrize("name", [*TWO_SAMPLES, *PAIRED])
@pytest.mark.parametrize("flat", [0.0, 1.0, 0.9, 1 / 3, 1e6])
def test_equal_scores_cannot_be_tested(name: str, flat: float) -> None:
    found = (TWO_SAMPLES | PAIRED)[name](np.full(7, flat), np.full(7, flat))
    if name == "cliff":  # counts no variance: neither arm is ever higher
        assert found.estimate == 0
        return
    assert not found.testable
    assert "cannot be tested" in found.reason or "no interval" in found.reason
    assert getattr(found, "p", None) is None


def test_every_seed_right_everywhere() -> None:
    found = stats.crossed_t(np.ones((10, 360)), np.ones((10, 360)))
    assert (found.testable, found.p, found.estimate) == (False, None, 0.0)
    assert found.reason == "every score is the same: this cannot be tested"
    assert found.second_line is not None
    assert not found.second_line.testable
    apart = stats.crossed_t(np.ones((10, 360)), np.zeros((10, 360)))
    assert (apart.testable, apart.p, apart.estimate) == (False, None, 1.0)
    assert apart.reason == "no score varies within an arm: this cannot be tested"


@pytest.mark.parametrize("name", [*TWO_SAMPLES, "paired", "wilcoxon", "corrected"])
@fast
@given(pairs)
def test_exchanging_the_arms_turns_the_sign(name: str, arms: tuple[np.ndarray, np.ndarray]) -> None:
    test = (TWO_SAMPLES | PAIRED)[name]
    one, two = test(*arms), test(*arms[::-1])
    assert one.testable == two.testable
    if one.estimate is None:
        return
    scale = max(1.0, float(np.abs(arms).max()))
    assert one.estimate == pytest.approx(-two.estimate, abs=1e-9 * scale, rel=1e-9)
    if name == "bootstrap":  # each order draws its own resamples
        return
    if one.low is not None:
        assert (one.low, one.high) == pytest.approx((-two.high, -two.low), abs=1e-9 * scale, rel=1e-9)
    if getattr(one, "p", None) is not None:
        assert one.p == pytest.approx(two.p, rel=1e-6)


@pytest.mark.parametrize("name", [*TWO_SAMPLES, *PAIRED])
@fast
@given(pairs, st.sampled_from([2.0**-20, 0.25, 8.0, 2.0**30]))
def test_units_do_not_matter(name: str, arms: tuple[np.ndarray, np.ndarray], unit: float) -> None:
    a, b = arms
    assume(all(x == 0 or abs(x) > 1e-9 for x in np.concatenate(arms)))  # no underflow
    if name == "bayes":
        test = lambda a, b: stats.bayesian_correlated_t(a - b, n_train=90, n_test=10)  # noqa: E731
    else:
        test = (TWO_SAMPLES | PAIRED)[name]
    one, two = test(a, b), test(unit * a, unit * b)
    assert one.testable == two.testable
    if getattr(one, "p", None) is not None:
        assert one.p == pytest.approx(two.p, rel=1e-6)
    if one.estimate is not None:
        free = name in ("cohen", "cliff")
        scale = float(np.abs(arms).max())
        assert two.estimate == pytest.approx(
            one.estimate * (1 if free else unit), rel=1e-9, abs=1e-9 * scale * unit
        )


@fast
@given(st.integers(2, 7), st.integers(2, 7), st.integers(2, 30), st.integers(0, 10**6))
def test_crossed_turns_with_the_arms(seeds_a: int, seeds_b: int, rows: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    a, b = draw.integers(0, 2, (seeds_a, rows)), draw.integers(0, 2, (seeds_b, rows))
    one, two = stats.crossed_t(a, b), stats.crossed_t(b, a)
    assert one.estimate == pytest.approx(-two.estimate)
    assert one.p == pytest.approx(two.p)
    assert one.testable == two.testable
    if one.testable:
        assert one.details["variance"] >= one.details["v_seed"] / 4
        assert (one.df is None) == (one.mixture is not None)
        assert one.df is None or one.df >= min(seeds_a, seeds_b, rows) - 1
        shuffled = draw.permutation(rows)
        again = stats.crossed_t(a[draw.permutation(seeds_a)][:, shuffled], b[:, shuffled])
        assert again.p == pytest.approx(one.p, rel=1e-9)


@fast
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_mcnemar_for_any_rows(rows: list[tuple[bool, bool]]) -> None:
    a, b = np.array(rows).T
    for method in ("mid_p", "exact", "chi2", "chi2_corrected"):
        one, two = stats.mcnemar(a, b, method=method), stats.mcnemar(b, a, method=method)
        assert one.estimate == -two.estimate
        assert one.p == two.p
        assert all(np.isfinite(numbers(one)))
        assert one.testable == bool((a != b).any())


@fast
@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12))
def test_adjusted_p_are_ordered_and_never_smaller(p: list[float | None]) -> None:
    for raw, adjusted in zip(p, stats.holm(p).adjusted, strict=True):
        if raw is None:
            assert adjusted is None
        else:
            assert adjusted is not None
            assert raw <= adjusted * (1 + 1e-12)
            assert adjusted <= 1


@fast
@given(st.lists(value, min_size=1, max_size=30))
def test_interquartile_mean_lies_between_the_quartiles(scores: list[float]) -> None:
    ordered = sorted(scores)
    found = stats.interquartile_mean(scores)
    cut = len(scores) // 4
    edge = 1e-9 * (1 + abs(found))
    assert ordered[cut] - edge <= found <= ordered[len(scores) - cut - 1] + edge


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: stats.welch_t([1, np.nan], [1, 2]), DataError, "must be finite"),
        (lambda: stats.welch_t(["high", "low"], [1, 2]), DataError, "must be numbers"),
        (lambda: stats.welch_t([], [1, 2]), DataError, "Got shape"),
        (lambda: stats.welch_t([1, 2], [1, 2], level=95), ConfigError, "'level' must be in"),
        (lambda: stats.paired_t([1, 2], [1, 2, 3]), DataError, "one length"),
        (lambda: stats.crossed_t(np.ones((2, 3)), np.ones((2, 4))), DataError, "same test rows"),
        (
            lambda: stats.crossed_t(np.ones((2, 3)), np.ones((2, 3)), groups=[1]),
            DataError,
            "one group for each",
        ),
        (lambda: stats.mcnemar([0.5, 1], [1, 0]), DataError, "right \\(1\\) or wrong"),
        (lambda: stats.mcnemar([0, 1], [1, 0], method="fisher"), ConfigError, "one of mid_p"),
        (lambda: stats.wilcoxon_signed_rank([1], [2], zero_method="drop"), ConfigError, "zero_method"),
        (lambda: stats.five_by_two_f(np.ones((2, 5))), DataError, "shape \\(5, 2\\)"),
        (lambda: stats.equivalence(stats.welch_t([1, 2], [1, 3]), 0.0), ConfigError, "'margin'"),
        (lambda: stats.holm([1.5]), DataError, "in \\[0, 1\\]"),
        (lambda: stats.corrected_t([1, 2], n_train=0, n_test=1), ConfigError, "'n_train'"),
        (lambda: stats.misfit("croset", stats.Design(10)), ConfigError, "Did you mean 'crossed'"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(call: Callable[[], Any], error: type, words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (stats.crossed_t(np.ones((1, 5)), np.zeros((3, 5))), "one run only"),
        (stats.crossed_t([[1], [0]], [[1], [1]]), "one test row only"),
        (stats.welch_t([1.0], [1.0, 2.0]), "one run only"),
        (stats.paired_t([1.0], [2.0]), "one pair only"),
        (stats.corrected_t([1.0], n_train=9, n_test=1), "one split only"),
        (stats.mcnemar([1, 0], [1, 0]), "same rows"),
        (stats.one_way_anova([[1.0], [2.0]]), "one run only"),
        (stats.friedman([[1.0, 2.0]]), "one data set only"),
        (stats.friedman(np.ones((4, 3))), "tied on every data set"),
        (stats.spearman([1, 1, 1], [1, 2, 3]), "never changes"),
    ],
)
def test_too_little_to_test_says_so(found: stats.Outcome, words: str) -> None:
    assert (found.testable, found.p, found.low) == (False, None, None)
    assert words in found.reason


@pytest.mark.parametrize(
    ("design", "test", "warning"),
    [
        (stats.Design(seeds=10), "crossed", None),
        (stats.Design(seeds=2), "crossed", "fewer than five"),
        (stats.Design(seeds=1), "mcnemar", "one run per arm"),
        (stats.Design(seeds=1, right_or_wrong=False), "none", "one run per arm"),
        (stats.Design(seeds=10, rows_kept=False), "welch", "not kept"),
        (stats.Design(seeds=10, same_rows=False), "welch", None),
        (stats.Design(seeds=1, splits=10), "corrected", None),
        (stats.Design(seeds=5, datasets=14, arms=4), "wilcoxon", None),
        (stats.Design(seeds=5, datasets=14, generated=True), "paired", None),
        (stats.Design(seeds=5, datasets=4), "wilcoxon", None),
        (stats.Design(seeds=10, arms=3), "crossed", None),
    ],
)
def test_the_design_chooses_the_test(design: stats.Design, test: str, warning: str | None) -> None:
    choice = stats.choose(design)
    assert choice.test == test
    assert choice.why
    assert choice.scope.sentence()
    assert warning is None or any(warning in line for line in stats.cautions(design, test))
    if test != "none":
        assert stats.misfit(test, design) == ""
    assert "never valid" in stats.misfit("epochwise", design)
    few = stats.cautions(stats.Design(seeds=5, datasets=4, generated=True), "wilcoxon")
    assert any("fewer than six" in line for line in few)


@pytest.mark.parametrize(
    ("test", "design"),
    [
        ("five_by_two", stats.Design(seeds=10, splits=10, same_rows=False)),
        ("welch", stats.Design(seeds=10, datasets=5, same_rows=False)),
        ("permutation", stats.Design(seeds=10, datasets=5, same_rows=False)),
        ("anova", stats.Design(seeds=10, datasets=5, same_rows=False, arms=3)),
    ],
)
def test_tests_of_independent_runs_do_not_fit_other_designs(test: str, design: stats.Design) -> None:
    assert f"'{test}' does not fit this comparison" in stats.misfit(test, design)


def test_five_by_two_fits_five_repeats_of_two_halves() -> None:
    assert stats.misfit("five_by_two", stats.Design(seeds=10, splits=10, same_rows=False, halves=True)) == ""


@pytest.mark.parametrize(
    ("test", "by"), [("crossed", "Holm"), ("bayesian", "Bonferroni"), ("bootstrap_seeds_rows", "Bonferroni")]
)
def test_what_is_said_of_several_arms_is_what_the_test_does(test: str, by: str) -> None:
    assert stats.correction(test) == by


@pytest.mark.parametrize("df", np.linspace(1, 300, 400).tolist())
def test_the_tail_beyond_no_distance_is_one_and_not_more(df: float) -> None:
    from mlexp.stats.mixture import Mixture, two_sided

    assert 1 - 1e-8 < two_sided(Mixture((1.0, 0.5), (df, df + 1)), 0.0) <= 1
