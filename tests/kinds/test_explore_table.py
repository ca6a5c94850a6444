"""What is recorded of the features of a table, against scikit-learn and hand calculations, and its figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_selection import f_classif, r_regression
from tests.drawing.seen import words
from tests.running import run

from mlexp.data.readers import load
from mlexp.drawing import style
from mlexp.kinds.explore import answer, table, table_figures
from mlexp.page.study import RecordedRun, settings
from mlexp.store import Run


@given(st.integers(0, 10_000), st.integers(2, 5))
def test_the_association_with_classes_is_the_f_test_of_scikit_learn(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), rng.integers(0, k, 40)])
    X = rng.normal(size=(len(y), 3)) + y[:, None] * [0, 0.5, 2]
    eta2 = table.association(X, y, classes=True)
    F = eta2 / (1 - eta2) * (len(y) - k) / (k - 1)
    np.testing.assert_allclose(F, f_classif(X, y)[0], rtol=1e-8)


def test_the_association_with_a_number_is_the_squared_correlation_and_skips_gaps() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 2))
    y = X[:, 0] + rng.normal(size=50)
    np.testing.assert_allclose(table.association(X, y, classes=False), r_regression(X, y) ** 2)
    X[3, 0], X[:, 1] = np.nan, 7.0
    found = table.association(X, y, classes=False)
    rest = np.delete(np.arange(50), 3)
    assert found[0] == pytest.approx(float(r_regression(X[rest, :1], y[rest])[0]) ** 2)
    assert np.isnan(found[1])


def test_outliers_are_tukeys() -> None:
    assert table.outliers(np.array([])) == 0
    assert table.outliers(np.array([-100.0, 1, 2, 3, 4, 5, 100])) == 2
    assert table.outliers(np.arange(10.0)) == 0


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A table with gaps, a constant, a far outlier, a text and a long name, in eight classes of which one is rare."""
    folder = tmp_path_factory.mktemp("odd")
    rng = np.random.default_rng(0)
    names = ["a", "always", "far", "colour", "a rather long name of a feature $x_1$", "kind"]
    lines = [",".join(names)]
    for k in range(160):
        gap = "" if k % 7 == 0 else f"{rng.normal():.3f}"
        far = 1e6 if k == 5 else rng.normal()
        kind = f"k{k % 8}" if k < 152 else "k0"
        lines.append(f"{gap},3,{far:.4f},{'red' if k % 2 else 'blue'},{rng.normal():.3f},{kind}")
    (folder / "odd.csv").write_text("\n".join(lines) + "\n")
    return run(
        folder, "task=fashion_gallery", "dataset=csv", f"dataset.path={folder / 'odd.csv'}", "dataset.label=kind",
        "prepare.impute=mean", "prepare.one_hot=true", "figures=false",
    )  # fmt: skip


def test_the_head_is_the_file(odd: Run) -> None:
    head = odd.tables["head"]
    assert next(iter(head)) == "kind"
    assert head["kind"] == [f"k{k}" for k in range(5)]
    assert head["colour"] == ["blue", "red", "blue", "red", "blue"]
    assert head["a"][0] == ""


def test_each_feature_is_summarised(odd: Run) -> None:
    features = odd.tables["feature_summary"]
    rows = dict(zip(features["feature"], zip(*features.values(), strict=True), strict=True))
    places = {name: place for place, name in enumerate(features)}
    assert rows["colour"][places["kind"]] == "text"
    assert rows["colour"][places["mean"]] == ""
    assert rows["always"][places["distinct"]] == "1"
    assert int(rows["a"][places["missing"]]) > 0


@pytest.mark.usefixtures("styled")
def test_figures_of_an_odd_table_can_be_drawn(odd: Run) -> None:
    for draw in (
        table_figures.histograms,
        table_figures.correlations,
        table_figures.scatter_matrix,
        table_figures.missing,
        table_figures.outliers,
    ):
        figure = draw(odd)
        assert figure is not None
        assert style.png(figure)
        assert not any("nan" in word for word in words(figure))


def test_folders_without_a_sample_have_none_of_these_figures(tmp_path: Path) -> None:
    digits = run(tmp_path, "task=fashion_gallery", "dataset=digits", "dataset.limit=200", "figures=false")
    for draw in (table_figures.histograms, table_figures.correlations, table_figures.outliers):
        assert draw(digits) is None
    assert digits.tables["head"]["pixel_0_0"][0] == str(int(load(name="digits", limit=200).X[0, 0]))


def test_the_answer_names_the_features_that_go_with_the_label(odd: Run) -> None:
    sentences, _ = answer.answer(RecordedRun(odd, settings(odd.path)))
    found = dict(
        zip(
            odd.tables["feature_summary"]["feature"],
            odd.tables["feature_summary"]["variance_explained_by_label"],
            strict=True,
        )
    )
    best = max((name for name in found if found[name]), key=lambda name: float(found[name]))
    assert best in sentences[-1]
    assert "always" not in sentences[-1]
