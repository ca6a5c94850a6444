"""Published numbers, each with its source, to the digits that were printed."""

from __future__ import annotations

import numpy as np
import pytest

from mlexp import stats

# Demšar 2006, Table 6: AUC of C4.5, C4.5+m, C4.5+cf, C4.5+m+cf on 14 data sets. The tie in row 13 is broken as the
# paper's unrounded values had it.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.59, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.0, 1.0, 1.0, 1.0],
        [0.94, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.97501, 0.975],
        [0.957, 0.978, 0.946, 0.97],
    ]
)

# NIST Statistical Reference Datasets, one-way ANOVA, SiRstv: resistivity of silicon, five instruments x 5.
SIRSTV = (
    (196.3052, 196.1240, 196.1890, 196.2569, 196.3403),
    (196.3042, 196.3825, 196.1669, 196.3257, 196.0422),
    (196.1303, 196.2005, 196.2889, 196.0343, 196.1811),
    (196.2795, 196.1748, 196.1494, 196.1485, 195.9885),
    (196.2119, 196.1051, 196.1850, 196.0052, 196.2090),
)


def numbers_with(mean: float, variance: float, n: int) -> np.ndarray:
    """Return n numbers with just this mean and variance (n − 1)."""
    raw = np.linspace(-1, 1, n)
    return mean + raw * np.sqrt(variance / raw.var(ddof=1))


def test_friedman_gives_demsars_figures() -> None:
    assert stats.average_ranks(DEMSAR) == pytest.approx([3.1429, 2.0, 2.8929, 1.9643], abs=5e-5)
    found = stats.friedman(DEMSAR)
    assert found.details["chi2"] == pytest.approx(9.278571, abs=5e-7)
    assert found.statistic == pytest.approx(3.686313, abs=5e-7)
    assert (found.df, found.df2) == (3, 39)


def test_friedman_with_tie_correction_is_scipys() -> None:
    from scipy.stats import friedmanchisquare

    found = stats.friedman(DEMSAR, correct_ties=True)
    assert found.details["chi2"] == pytest.approx(10.228346, abs=5e-7)
    theirs = friedmanchisquare(*DEMSAR.T)
    assert found.details["chi2"] == pytest.approx(theirs.statistic, rel=1e-12)
    assert found.details["chi2_p"] == pytest.approx(theirs.pvalue, rel=1e-10)


def test_wilcoxon_gives_demsars_figures() -> None:
    found = stats.wilcoxon_signed_rank(DEMSAR[:, 1], DEMSAR[:, 0])
    assert (found.details["r_plus"], found.details["r_minus"], found.statistic) == (93, 12, 12)
    assert found.details["z"] == pytest.approx(-2.5424, abs=5e-5)
    assert found.details["z_tie_corrected"] == pytest.approx(-2.5437, abs=5e-5)  # SciPy's zsplit


@pytest.mark.parametrize(
    ("only_a", "only_b", "rows", "method", "statistic", "p"),
    [
        (121, 59, 314, "chi2_corrected", 20.672222, 5.45009e-06),
        (121, 59, 314, "chi2", 21.355556, 3.81514e-06),
        (121, 59, 314, "exact", 59, 4.43445e-06),
        (25, 15, 10_000, "chi2_corrected", 2.025, 0.154729),
        (11, 1, 10_000, "exact", 1, 0.00634765625),  # the documentation of mlxtend prints .005859375
    ],
)
def test_mcnemar(only_a: int, only_b: int, rows: int, method: str, statistic: float, p: float) -> None:
    found = stats.mcnemar_counts(only_a, only_b, rows, method=method)
    assert found.statistic == pytest.approx(statistic, abs=5e-7)
    assert found.p == pytest.approx(p, rel=2e-6)


def test_mcnemar_is_mid_p_unless_told_otherwise() -> None:
    found = stats.mcnemar_counts(11, 3, 1000)
    assert found.name == "McNemar (mid-p)"
    assert found.p == pytest.approx(2 * (1 + 14 + 91) / 2**14 + 364 / 2**14)  # counted by hand
    assert found.low > 0
    assert stats.mcnemar_counts(12, 12, 100).p == 1


def test_corrected_t_from_scikit_learns_published_summary() -> None:
    # scikit-learn's example "Statistical comparison of models using grid search"
    d = numbers_with(0.01, 0.00146666667, 100)
    found = stats.corrected_t(d, n_train=90, n_test=10)
    assert found.statistic == pytest.approx(0.750, abs=5e-4)
    assert found.p / 2 == pytest.approx(0.227, abs=6e-4)
    assert found.details["uncorrected_t"] == pytest.approx(2.611, abs=5e-4)
    assert found.details["uncorrected_p"] / 2 == pytest.approx(0.005, abs=5e-4)
    belief = stats.bayesian_correlated_t(d, n_train=90, n_test=10, rope=0.01)
    assert belief.details["p_equivalent"] == pytest.approx(0.432, abs=1.5e-3)
    assert 1 - stats.bayesian_correlated_t(d, n_train=90, n_test=10).details["p_worse"] == pytest.approx(
        0.773, abs=6e-4
    )


def test_corrected_t_on_scikit_learns_own_data() -> None:
    from sklearn.datasets import make_moons
    from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
    from sklearn.svm import SVC

    X, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    rbf, linear = (
        cross_val_score(SVC(kernel=kernel, random_state=0), X, y, scoring="roc_auc", cv=folds)
        for kernel in ("rbf", "linear")
    )
    found = stats.corrected_t(rbf - linear, n_train=90, n_test=10)
    assert found.statistic == pytest.approx(0.750, abs=5e-4)
    assert found.p / 2 == pytest.approx(0.227, abs=5e-4)
    assert found.details["uncorrected_t"] == pytest.approx(2.611, abs=5e-4)
    belief = stats.bayesian_correlated_t(rbf - linear, n_train=90, n_test=10, rope=0.01)
    assert belief.details["p_equivalent"] == pytest.approx(0.432, abs=5e-4)
    assert 1 - stats.bayesian_correlated_t(rbf - linear, n_train=90, n_test=10).details[
        "p_worse"
    ] == pytest.approx(0.773, abs=5e-4)


def test_anova_on_nists_silicon() -> None:
    found = stats.one_way_anova(SIRSTV)
    assert found.statistic == pytest.approx(1.18046237440255, rel=1e-10)
    assert found.estimate == pytest.approx(0.190999039051129, rel=1e-10)
    assert found.details["residual_sd"] == pytest.approx(0.104076068334656, rel=1e-10)
    assert (found.df, found.df2) == (4, 20)


def test_epochwise_gives_the_reports_figures() -> None:
    # 15 epochs: t −1.8074, p 0.0922, interval (−0.0818, 0.0070); Spearman 0.9964, p 2.4e-15
    mean = (-0.0818 + 0.0070) / 2
    d = numbers_with(mean, 15 * (mean / 1.8074) ** 2, 15)
    found = stats.epochwise(d, np.zeros(15) + 0.0)
    assert found.statistic == pytest.approx(-1.8074, abs=5e-5)
    assert found.p == pytest.approx(0.0922, abs=5e-5)
    assert (found.low, found.high) == (pytest.approx(-0.0818, abs=6e-5), pytest.approx(0.0070, abs=6e-5))
    assert not found.valid
    assert "not valid" in found.name
    assert "21 to 74 %" in found.reason
    swapped = np.arange(15.0)
    swapped[[6, 7]] = swapped[[7, 6]]
    rho = stats.epochwise(swapped, np.arange(15.0)).second_line
    assert rho is not None
    assert rho.estimate == pytest.approx(0.9964, abs=5e-5)
    assert rho.p == pytest.approx(2.4e-15, rel=0.03)
    assert not rho.valid


def five_by_two_differences(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Follow mlxtend's recipe: seed 1 draws the seeds of five splits in half; each half tests the other."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.tree import DecisionTreeClassifier

    random, rows = np.random.RandomState(1), []
    for _ in range(5):
        seed = random.randint(low=0, high=32767)
        halves = train_test_split(X, y, test_size=0.5, random_state=seed)
        row = []
        for train, test in ((0, 1), (1, 0)):
            a = LogisticRegression(random_state=1, max_iter=10_000)
            b = DecisionTreeClassifier(max_depth=1, random_state=1)
            fitted = [model.fit(halves[train], halves[2 + train]) for model in (a, b)]
            scores = [model.score(halves[test], halves[2 + test]) for model in fitted]
            row.append(scores[0] - scores[1])
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize(("cured", "f"), [(True, 68.40), (False, 59.587)])
def test_five_by_two_on_iris(cured: bool, f: float) -> None:
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    if not cured:  # mlxtend carries the older table, which differs in two rows
        X[[34, 37]] = [4.9, 3.1, 1.5, 0.1]
    d = five_by_two_differences(X, y)
    assert stats.five_by_two_f(d).statistic == pytest.approx(f, abs=5e-3)
