"""The same numbers from another library, from a formula written out, or from counting."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import scipy.stats as theirs

from mlexp import stats

RNG = np.random.default_rng(20)
A, B = RNG.normal(0.3, 1, 9), RNG.normal(0, 2, 14)
P, Q = RNG.normal(0.3, 1, 12), RNG.normal(0, 1, 12)


def test_welch() -> None:
    found, other = stats.welch_t(A, B), theirs.ttest_ind(A, B, equal_var=False)
    limits = other.confidence_interval(0.95)
    assert (found.statistic, found.p, found.df) == pytest.approx((other.statistic, other.pvalue, other.df))
    assert (found.low, found.high) == pytest.approx((limits.low, limits.high))


def test_paired() -> None:
    found, other = stats.paired_t(P, Q, level=0.9), theirs.ttest_rel(P, Q)
    limits = other.confidence_interval(0.9)
    assert (found.statistic, found.p, found.df) == pytest.approx((other.statistic, other.pvalue, other.df))
    assert (found.low, found.high) == pytest.approx((limits.low, limits.high))


def by_formula(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Write out the crossed test with loops, as a check on the arrays."""
    n, v_seed, v_res, tail = a.shape[1], 0.0, 0.0, 0.0
    for x in (a, b):
        s = len(x)
        means = [float(np.mean(row)) for row in x]
        s2 = sum((m - np.mean(means)) ** 2 for m in means) / (s - 1)
        v_seed += s2 / s
        tail += (s2 / s) ** 2 / (s - 1)
        rest = sum(
            (x[i, j] - means[i] - x[:, j].mean() + x.mean()) ** 2 for i, j in product(range(s), range(n))
        )
        v_res += rest / ((s - 1) * (n - 1)) / (s * n)
    gaps = [a[:, j].mean() - b[:, j].mean() for j in range(n)]
    v_row = float(np.var(gaps, ddof=1)) / n
    v = max(v_seed + v_row - v_res, v_seed / 4)
    nu = max(v**2 / (tail + v_row**2 / (n - 1)), min(len(a), len(b), n) - 1)
    return {
        "v_seed": v_seed,
        "v_row": v_row,
        "v_res": v_res,
        "variance": v,
        "nu": nu,
        "D": a.mean() - b.mean(),
    }


@pytest.mark.parametrize(("rows", "spread"), [(0.0, 1.0), (2.0, 0.0), (1.0, 1.0), (1.0, 0.2)])
def test_crossed_is_its_formula(rows: float, spread: float) -> None:
    rng = np.random.default_rng(3)

    def arm(seeds: int) -> np.ndarray:
        noise = rng.normal(size=(seeds, 17))
        return rows * rng.normal(size=17) + spread * rng.normal(size=(seeds, 1)) + 0.3 * noise

    a, b = arm(5), arm(7)
    found, by_hand = stats.crossed_t(a, b), by_formula(a, b)
    for name in ("v_seed", "v_row", "v_res", "variance"):
        assert found.details[name] == pytest.approx(by_hand[name])
    assert found.df == pytest.approx(by_hand["nu"])
    assert found.statistic == pytest.approx(by_hand["D"] / np.sqrt(by_hand["variance"]))
    assert found.p == pytest.approx(2 * theirs.t.sf(abs(found.statistic), found.df))
    half = theirs.t.ppf(0.975, by_hand["nu"]) * np.sqrt(by_hand["variance"])
    assert (found.low, found.high) == pytest.approx((by_hand["D"] - half, by_hand["D"] + half))
    assert found.second_line == stats.welch_t(a.mean(axis=1), b.mean(axis=1))


def test_crossed_over_groups_keeps_the_mean_over_rows() -> None:
    """Groups of 1, 2 and 27 rows: the difference is that of the rows, not of the group means."""
    groups = np.repeat(["x", "y", "z"], [1, 2, 27])
    a = np.tile(np.where(groups == "x", 1.0, np.where(groups == "y", 0.8, 0.5)), (5, 1))
    b = np.tile(np.where(groups == "x", 0.1, np.where(groups == "y", 0.2, 0.65)), (5, 1))
    a, b = (x + 0.01 * RNG.normal(size=x.shape) for x in (a, b))
    found = stats.crossed_t(a, b, groups=groups)
    assert found.estimate == pytest.approx(a.mean() - b.mean()) == pytest.approx(-0.065, abs=0.01)
    assert found.n["rows"] == 3
    assert "groups" in found.name


def test_groups_of_one_size_are_their_means() -> None:
    a, b = RNG.normal(size=(5, 8)), RNG.normal(size=(6, 8))
    groups = np.array(["x", "y", "z", "y", "x", "w", "z", "w"])
    means = [np.stack([x[:, groups == g].mean(axis=1) for g in "wxyz"], axis=1) for x in (a, b)]
    found, other = stats.crossed_t(a, b, groups=groups), stats.crossed_t(*means)
    assert (found.statistic, found.p) == pytest.approx((other.statistic, other.p))


def test_crossed_without_runs_that_differ_is_the_paired_t_over_rows() -> None:
    a, b = np.tile(P, (3, 1)), np.tile(Q, (3, 1))
    found, rows = stats.crossed_t(a, b), stats.paired_t(P, Q)
    assert (found.statistic, found.df, found.p) == pytest.approx((rows.statistic, rows.df, rows.p))


@pytest.mark.parametrize("zero_method", ["wilcox", "pratt", "zsplit"])
@pytest.mark.parametrize("n", [12, 70])
def test_wilcoxon(zero_method: str, n: int) -> None:
    rng = np.random.default_rng(n)
    a = rng.normal(0.4, 1, n)
    found = stats.wilcoxon_signed_rank(a, np.zeros(n), zero_method=zero_method)
    method = "exact" if n <= 50 else "asymptotic"
    other = theirs.wilcoxon(a, zero_method=zero_method, method=method)
    assert (found.statistic, found.p) == pytest.approx((other.statistic, other.pvalue))


@pytest.mark.parametrize("zero_method", ["wilcox", "pratt", "zsplit"])
def test_wilcoxon_z_with_ties_and_zeros(zero_method: str) -> None:
    a = np.array([0, 0, 0, 1, 1, 2, -1, 3, 3, -2, 4, 5, 0.5, 0.5])
    found = stats.wilcoxon_signed_rank(a, 0 * a, zero_method=zero_method)
    other = theirs.wilcoxon(a, zero_method=zero_method, method="asymptotic", correction=False)
    if zero_method == "pratt":  # SciPy's mean leaves out the ranks of zeros, as R+ and R− here do
        assert found.details["r_plus"] + found.details["r_minus"] == 14 * 15 / 2 - 6
    assert abs(found.details["z_tie_corrected"]) == pytest.approx(abs(other.zstatistic))


def test_wilcoxon_with_ties_counts_every_sign_pattern() -> None:
    d = np.array([1.0, 1.0, -2.0, 3.0, 3.0, 0.0, 4.0])
    found = stats.wilcoxon_signed_rank(d, 0 * d)
    # ranks of 0, 1, 1, −2, 3, 3, 4 are 1, 2.5, 2.5, 4, 5.5, 5.5, 7; the zero gives 0.5 to each side
    assert (found.statistic, found.details["r_plus"]) == (4.5, 23.5)
    moving = np.array([2.5, 2.5, 4, 5.5, 5.5, 7])
    sums = [moving[np.array(signs)].sum() for signs in product((False, True), repeat=6)]
    assert found.p == pytest.approx(2 * np.mean([total <= 4 for total in sums]))


def test_wilcoxon_interval_is_the_confidence_set_of_the_test() -> None:
    found = stats.wilcoxon_signed_rank(P, Q)
    inside = [found.low + 1e-6, found.high - 1e-6]
    outside = [found.low - 1e-6, found.high + 1e-6]
    assert all(stats.wilcoxon_signed_rank(P - shift, Q).p > 0.05 for shift in inside)
    assert all(stats.wilcoxon_signed_rank(P - shift, Q).p <= 0.05 for shift in outside)


def test_permutation_is_scipys_when_exact() -> None:
    small_a, small_b = A[:5], B[:6]
    found = stats.permutation_test(small_a, small_b, rng=np.random.default_rng(0))
    other = theirs.permutation_test(
        (small_a, small_b), lambda x, y: abs(x.mean() - y.mean()), n_resamples=np.inf, alternative="greater"
    )
    assert found.details["arrangements"] == 462
    assert found.p == pytest.approx(other.pvalue)


def test_random_arrangements_agree_with_all_of_them() -> None:
    test, a, b = stats.permutation_test, A[:8], B[:8]
    exact = test(a, b, rng=np.random.default_rng(0))
    drawn = test(a, b, rng=np.random.default_rng(0), exact_up_to=1, n_resamples=20_000)
    assert exact.p is not None
    assert drawn.p == pytest.approx(exact.p, abs=5 * np.sqrt(exact.p * (1 - exact.p) / 20_000))
    assert "random" in drawn.name
    again = test(a, b, rng=np.random.default_rng(0), exact_up_to=1, n_resamples=20_000)
    assert again == drawn


def test_mcnemar_exact_is_the_binomial_test() -> None:
    a, b = RNG.random(60) < 0.8, RNG.random(60) < 0.7
    found = stats.mcnemar(a, b, method="exact")
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    assert found.p == pytest.approx(theirs.binomtest(only_a, only_a + only_b).pvalue)
    assert found.estimate == pytest.approx((only_a - only_b) / 60)


def test_mcnemar_is_statsmodels() -> None:
    rival = pytest.importorskip("statsmodels.stats.contingency_tables", reason="statsmodels is not installed")
    table = [[101, 121], [59, 33]]
    for exact, correction, method in (
        (True, False, "exact"),
        (False, True, "chi2_corrected"),
        (False, False, "chi2"),
    ):
        other = rival.mcnemar(table, exact=exact, correction=correction)
        found = stats.mcnemar_counts(121, 59, 314, method=method)
        assert (found.statistic, found.p) == pytest.approx((other.statistic, other.pvalue))


def test_adjusted_p_is_statsmodels() -> None:
    rival = pytest.importorskip("statsmodels.stats.multitest", reason="statsmodels is not installed")
    p = RNG.random(9) ** 3
    other = rival.multipletests(p, method="holm")[1]
    assert stats.holm(p.tolist()).adjusted == pytest.approx(other)


def test_holm_by_hand_and_what_cannot_be_tested_counts() -> None:
    found = stats.holm([0.012, None, 0.02, 0.3])
    assert found.adjusted == pytest.approx((0.048, None, 0.06, 0.6))
    assert found.rejected == (True, False, False, False)
    assert stats.holm([]).adjusted == ()


def test_anova() -> None:
    groups = [A, B, P]
    found, other = stats.one_way_anova(groups), theirs.f_oneway(*groups)
    assert (found.statistic, found.p) == pytest.approx((other.statistic, other.pvalue))


def test_friedman_of_full_agreement_has_no_f_but_a_p() -> None:
    found = stats.friedman(np.arange(15.0).reshape(5, 3))
    assert found.estimate == pytest.approx(1)
    assert found.name == "Friedman (chi-squared)"
    assert found.p == pytest.approx(theirs.chi2.sf(10, 2))


def test_seeds_rows_bootstrap_is_wider_than_the_crossed_interval_but_not_by_much() -> None:
    rng = np.random.default_rng(5)
    hard = rng.normal(1.2, 1, 300)
    a, b = ((hard + rng.normal(0, 0.7, (8, 300)) > 0).astype(float) for _ in range(2))
    crossed = stats.crossed_t(a, b)
    found = stats.bootstrap_seeds_rows(
        a, b, np.ones(300), lambda y, x: float((y == x).mean()), rng=rng, n_resamples=600
    )
    assert found.estimate == pytest.approx(crossed.estimate)
    assert 0.9 < (found.high - found.low) / (crossed.high - crossed.low) < 1.6


def test_seeds_rows_bootstrap_draws_whole_groups() -> None:
    y = np.repeat(np.arange(4), 5)
    seen: list[np.ndarray] = []

    def note(truth: np.ndarray, predicted: np.ndarray) -> float:
        seen.append(truth)
        return float(truth.mean())

    arms = np.zeros((2, 20))
    stats.bootstrap_seeds_rows(arms, arms, y, note, rng=np.random.default_rng(0), groups=y, n_resamples=5)
    assert all((np.bincount(truth) % 5 == 0).all() for truth in seen)


def test_effects() -> None:
    wins = np.mean([x > y for x, y in product(A, B)]) - np.mean([x < y for x, y in product(A, B)])
    assert stats.cliffs_delta(A, B).estimate == pytest.approx(wins)
    u = theirs.mannwhitneyu(A, B).statistic
    assert stats.probability_of_improvement(A, B).estimate == pytest.approx(u / (len(A) * len(B)))
    assert stats.interquartile_mean(B) == pytest.approx(theirs.trim_mean(B, 0.25))


def test_cliffs_interval_covers() -> None:
    rng, truth = np.random.default_rng(9), 2 * theirs.norm.cdf(0.8 / np.sqrt(2)) - 1
    hits = 0
    for _ in range(400):
        found = stats.cliffs_delta(rng.normal(0.8, 1, 15), rng.normal(0, 1, 15))
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def test_spearman() -> None:
    found, other = stats.spearman(P, Q), theirs.spearmanr(P, Q)
    assert (found.estimate, found.p) == pytest.approx((other.statistic, other.pvalue))
    half = theirs.norm.ppf(0.975) * np.sqrt((1 + found.estimate**2 / 2) / 9)
    assert np.arctanh(found.low) == pytest.approx(np.arctanh(found.estimate) - half)


def test_spearman_of_equal_orders_has_the_exact_p() -> None:
    n = 6
    orders = [abs(theirs.spearmanr(range(n), order).statistic) > 1 - 1e-9 for order in permutations(range(n))]
    assert stats.spearman(np.arange(n), np.arange(n) ** 3).p == pytest.approx(np.mean(orders))


def test_equivalence_is_two_one_sided_tests() -> None:
    margin = 3.0
    found = stats.equivalence(stats.welch_t(A, B), margin)
    above = theirs.ttest_ind(A + margin, B, equal_var=False, alternative="greater").pvalue
    below = theirs.ttest_ind(A - margin, B, equal_var=False, alternative="less").pvalue
    assert found.p == pytest.approx(max(above, below))
    assert found.level == pytest.approx(0.9)
    assert found.equivalent == (found.p < 0.05)
    assert not stats.equivalence(stats.welch_t(A, B), abs(found.estimate) / 2).equivalent


@pytest.mark.parametrize(("d", "n_a", "n_b"), [(1.0, 10, 10), (0.5, 30, 20), (-0.8, 5, 9)])
def test_power_is_the_noncentral_t(d: float, n_a: int, n_b: int) -> None:
    df, shift = n_a + n_b - 2, d * np.sqrt(n_a * n_b / (n_a + n_b))
    c = theirs.t.ppf(0.975, df)
    exact = theirs.nct.sf(c, df, shift) + theirs.nct.cdf(-c, df, shift)
    assert stats.power_of_t(d, n_a, n_b) == pytest.approx(exact, rel=1e-6)


def test_seeds_needed_has_the_power_it_promises() -> None:
    a, b = RNG.normal(0.97, 0.002, 10), RNG.normal(0.971, 0.002, 10)
    s = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2 * 18 / theirs.chi2.ppf(0.2, 18))
    found = stats.seeds_needed(a, b, 0.001)
    assert found.seeds == found.seeds_same_rows
    assert stats.power_of_t(0.001 / s, found.seeds, found.seeds) >= 0.8
    assert stats.power_of_t(0.001 / s, found.seeds - 1, found.seeds - 1) < 0.8
    ten = stats.seeds_needed(a, b, 0.001, pairs=10)
    assert stats.power_of_t(0.001 / s, ten.seeds, ten.seeds, alpha=0.005) >= 0.8
    assert stats.power_of_t(0.001 / s, ten.seeds - 1, ten.seeds - 1, alpha=0.005) < 0.8
    rows = stats.seeds_needed(a, b, 0.001, v_row=0.00035**2, v_res=0.0, rows=10_000)
    assert rows.settles
    assert rows.seeds > rows.seeds_same_rows
    never = stats.seeds_needed(a, b, 0.001, v_row=0.00036**2, v_res=0.0, rows=10_000)
    assert (never.seeds, never.settles) == (None, False)
    assert never.rows_needed == pytest.approx(10_000 * (2.80159 * 0.00036 / 0.001) ** 2, abs=2)


def test_one_standard_deviation_over_ten_pairs() -> None:
    """Five arms have ten pairs: 17 runs an arm give 80 % for one pair, and not after correcting for ten."""
    s = np.sqrt(theirs.chi2.ppf(0.2, 18) / 18)  # so that its upper limit is 1
    a = np.array([-1.0] * 5 + [1.0] * 5) * s * np.sqrt(0.9)
    assert stats.seeds_needed(a, a, 1.0).seeds == 17
    assert stats.power_of_t(1.0, 19, 19, alpha=0.005) == pytest.approx(0.54, abs=0.01)
    wanted = stats.seeds_needed(a, a, 1.0, pairs=10).seeds
    assert stats.power_of_t(1.0, wanted, wanted, alpha=0.005) == pytest.approx(0.8, abs=0.02)


def test_seeds_to_show_equivalence_by_simulation() -> None:
    """Arms that are equal, and as many runs as the forecast says: four in five studies show it."""
    s = np.sqrt(theirs.chi2.ppf(0.2, 18) / 18)
    a = np.array([-1.0] * 5 + [1.0] * 5) * s * np.sqrt(0.9)
    n = stats.seeds_needed(a, a, 1.0).equal_same_rows
    x, y = RNG.normal(size=(2, 4000, n))
    gap = x.mean(axis=1) - y.mean(axis=1)
    se = np.sqrt((x.var(axis=1, ddof=1) + y.var(axis=1, ddof=1)) / n)
    shown = np.abs(gap) + theirs.t.ppf(0.95, 2 * n - 2) * se < 1
    assert shown.mean() == pytest.approx(0.8, abs=0.04)


def test_power_and_equivalence_are_statsmodels() -> None:
    weights = pytest.importorskip("statsmodels.stats.weightstats")
    power = pytest.importorskip("statsmodels.stats.power")
    assert stats.power_of_t(1.0, 10, 12) == pytest.approx(
        power.TTestIndPower().power(1.0, 10, 0.05, ratio=1.2)
    )
    p, _, _ = weights.ttost_ind(A, B, -2.0, 2.0, usevar="unequal")
    assert stats.equivalence(stats.welch_t(A, B), 2.0).p == pytest.approx(p)


@pytest.mark.parametrize(("only_a", "only_b"), [(30, 20), (9, 6)])  # chi-squared, exact
def test_equivalence_after_mcnemar_is_normal(only_a: int, only_b: int) -> None:
    outcome = stats.mcnemar_counts(only_a, only_b, 1000)
    share_a, share_b = (only_a + 1) / 1002, (only_b + 1) / 1002
    middle = share_a - share_b
    se = np.sqrt((share_a + share_b - middle**2) / 1002)
    found = stats.equivalence(outcome, 0.025)
    half = theirs.norm.ppf(0.95) * se
    assert (found.low, found.high) == pytest.approx((middle - half, middle + half))
    assert found.p == pytest.approx(theirs.norm.sf((0.025 - middle) / se))
    assert found.equivalent
    assert found.estimate == outcome.estimate == (only_a - only_b) / 1000


def test_samples_on_which_a_metric_is_not_defined_are_left_out_or_said() -> None:
    def r2(y: np.ndarray, predicted: np.ndarray) -> float:
        spread = np.square(y - y.mean()).sum()
        return float(1 - np.square(y - predicted).sum() / spread) if spread else np.nan

    rng = np.random.default_rng(3)
    y = rng.normal(size=12)
    arms = [y + scale * rng.normal(size=(4, 12)) for scale in (0.1, 1.0)]
    found = stats.bootstrap_seeds_rows(*arms, y, r2, rng=np.random.default_rng(0), n_resamples=200)
    assert found.testable
    assert found.low is not None
    assert np.isfinite(found.low)
    few = stats.bootstrap_seeds_rows(
        *(arm[:, :2] for arm in arms), y[:2], r2, rng=np.random.default_rng(0), n_resamples=200
    )
    assert not few.testable  # half of the samples of two rows hold one of them twice
    assert "not defined" in few.reason
