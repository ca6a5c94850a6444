"""Permutation importance, partial dependence and coefficients, against scikit-learn and by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin
from tests.running import Silent, run, written

from mlexp.config import schema
from mlexp.data.dataset import Dataset
from mlexp.errors import DataError
from mlexp.kinds import coefficients, importance
from mlexp.kinds.dependence import dependence
from mlexp.kinds.fitting import Training, train

KINDS = ("classification", "regression")


def dataset(kind: str, *, words: bool = False, n: int = 200) -> Dataset:
    rng = np.random.default_rng(3)
    X = np.round(rng.normal(size=(n, 4)) * [1, 10, 0.1, 1], 2)
    X[:, 3] = rng.integers(0, 3, n)
    score = X[:, 0] + 0.1 * X[:, 1] + 2 * (X[:, 3] == 1) + 0.3 * rng.normal(size=n)
    classes = ("low", "middle", "high") if kind == "classification" else ()
    y = np.digitize(score, [-0.5, 1]) if classes else 1000 + 50 * score
    names = ("a", "b", "c", "d")
    categories = {3: ("red", "green", "blue")} if words else {}
    return Dataset("made", X, y, classes, names, categories=categories)


def fitted(kind: str, model: str, *, words: bool = False, **params: Any) -> tuple[Dataset, Training]:
    data = dataset(kind, words=words)
    config = schema.Config(
        task=schema.Task("made", kind),
        model=schema.Model(name=model, params=params, dtype="float64", epochs=3),
        prepare=schema.Prepare(one_hot=words),
    )
    return data, train(config, data, Silent())


def raw_rows(training: Training) -> np.ndarray:
    return np.asarray(training.raw.test.X.scaled(None, None, np.float64))


def shuffles_of_sklearn(n: int, repeats: int) -> np.ndarray:
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max + 1)
    state, order, found = np.random.RandomState(seed), np.arange(n), [np.arange(n)]
    for _ in range(repeats):  # it shuffles on what it has shuffled
        state.shuffle(order)
        found.append(found[-1][order])
    return np.stack(found[1:])


@pytest.mark.parametrize(
    ("kind", "model", "words"),
    [("classification", "random_forest", True), ("classification", "svm", False), ("regression", "ridge", True),
     ("regression", "knn", False)],
)  # fmt: skip
def test_importance_is_that_of_scikit_learn(kind: str, model: str, words: bool) -> None:
    from sklearn.inspection import permutation_importance

    params = {"n_estimators": 10} if model == "random_forest" else {}
    _, training = fitted(kind, model, words=words, **params)
    y, n = training.parts.test.y, len(training.parts.test)
    scoring = "accuracy" if kind == "classification" else "r2"
    oracle = permutation_importance(
        training.pipeline(), raw_rows(training), y, scoring=scoring, n_repeats=4, random_state=0
    )
    groups = [np.array([k]) for k in range(4)]
    found = importance.permutation_importance(
        training, "test", np.arange(n), groups, shuffles_of_sklearn(n, 4)
    )
    np.testing.assert_allclose(found.by_repeat, oracle.importances, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.importance, oracle.importances_mean, rtol=1e-9, atol=1e-12)


class Face(RegressorMixin, BaseEstimator):
    """A fitted network of ours, which is not an estimator of scikit-learn, as one."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def fit(self, _X: Any, _y: Any = None) -> Face:
        self.fitted_ = True
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(self.network.predict(X))


@pytest.mark.parametrize(
    ("kind", "model"),
    [("classification", "naive_bayes"), ("regression", "decision_tree"), ("regression", "mlp")],
)
def test_partial_dependence_is_that_of_scikit_learn(kind: str, model: str) -> None:
    from sklearn.inspection import partial_dependence
    from sklearn.pipeline import FunctionTransformer, Pipeline

    data, training = fitted(kind, model)
    part, rows = training.raw.test, np.arange(len(training.raw.test))
    tables, _ = dependence(data, training, part, rows, np.array([0, 3]), 1.0)
    table = tables["partial_dependence"]
    pipeline = training.pipeline()
    if training.is_engine:
        whole = FunctionTransformer(
            lambda X: X * training.preparation.scaling.scale + training.preparation.scaling.shift
        )
        pipeline = Pipeline(
            [("scale", whole.fit(raw_rows(training))), ("model", Face(training.model).fit(None))]
        )
    for feature, column in (("a", 0), ("d", 3)):
        at = [k for k, name in enumerate(table["feature"]) if name == feature]
        values = np.unique([table["value"][k] for k in at])
        oracle = partial_dependence(
            pipeline,
            raw_rows(training),
            [column],
            custom_values={column: values},
            kind="average",
            method="brute",
        )["average"]
        oracle = oracle * training.spread + training.centre if training.is_engine else oracle
        found = np.array([table["prediction"][k] for k in at]).reshape(len(values), -1)
        if training.n_classes:
            order = [data.classes.index(table["class"][k]) for k in at[: found.shape[1]]]
            oracle = oracle[order]
        np.testing.assert_allclose(found.T, oracle, rtol=1e-6)


def test_linear_coefficients_are_those_of_the_file(tmp_path: Path) -> None:
    data, training = fitted("regression", "linear")
    table = coefficients.tables(data, training)["coefficients"]
    by_name = dict(zip(table["feature"], table["coefficient"], strict=True))
    X = raw_rows(training)
    predicted = by_name[coefficients.INTERCEPT] + X @ [by_name[name] for name in data.feature_names]
    np.testing.assert_allclose(predicted, training.predicted(training.parts.test.X), rtol=1e-9)
    spreads = dict(
        zip(
            data.feature_names,
            np.asarray(training.raw.train.X.scaled(None, None, np.float64)).std(axis=0),
            strict=True,
        )
    )
    for name, coefficient, standardised in zip(*table.values(), strict=True):
        if name != coefficients.INTERCEPT:
            assert standardised == pytest.approx(coefficient * spreads[name], rel=1e-9)
    sizes = np.abs(table["standardised"][:-1])
    assert list(sizes) == sorted(sizes, reverse=True)


def test_coefficients_of_many_classes_have_a_column_each_and_pairs_of_classes_none() -> None:
    data, training = fitted("classification", "logistic")
    assert list(coefficients.tables(data, training)["coefficients"]) == ["feature", *data.classes]
    data, training = fitted("classification", "svm", kernel="linear")  # three pairs of three classes
    assert coefficients.tables(data, training) == {}


def test_intervals_over_rows_hold_the_importance_19_times_of_20() -> None:
    """y = 2x + e predicted by 2x: shuffled, the squared error rises by 2·b²·var(x) = 8."""
    rng, hits = np.random.default_rng(0), []
    for _ in range(400):
        x, e = rng.normal(size=(2, 100))
        shuffles = np.stack([rng.permutation(100) for _ in range(5)])
        gained = np.square(2 * x + e - 2 * x[shuffles]) - np.square(e)
        half = importance.Z * importance.standard_error(gained, shuffles, np.zeros(100))
        hits.append(abs(gained.mean() - 8) < half)
    assert 0.92 < np.mean(hits) < 0.98


def test_copies_of_a_row_in_one_group_are_no_new_evidence() -> None:
    rng = np.random.default_rng(0)
    gained, shuffle = rng.normal(size=(1, 50)), np.arange(50)[None]
    once = importance.standard_error(gained, shuffle, np.zeros(50))
    four = importance.standard_error(
        np.tile(gained, 4), np.arange(200)[None], np.zeros(200), np.tile(np.arange(50), 4)
    )
    assert four == pytest.approx(once)


@given(
    n_rows=st.integers(1, 200_000),
    n_columns=st.integers(1, 5000),
    cost=st.floats(1, 1e9),
)
def test_effort_keeps_to_the_budget_and_drops_columns_last(n_rows: int, n_columns: int, cost: float) -> None:
    used = importance.effort(n_rows, n_columns, cost)
    assert 1 <= used.rows <= n_rows
    assert 1 <= used.columns <= n_columns
    assert 1 <= used.repeats <= importance.REPEATS
    least = used.columns == 1 and used.repeats == 1 and used.rows <= importance.FEWEST_ROWS
    assert least or used.rows * used.columns * used.repeats * cost <= importance.BUDGET * (1 + 1e-9)
    if used.columns < n_columns:
        assert used.repeats == 1
        assert used.rows <= importance.FEWEST_ROWS
    assert importance.effort(n_rows, n_columns, 2 * cost).rows <= used.rows


@pytest.mark.parametrize(
    ("asked", "figures", "images", "expected"),
    [("auto", True, False, True), ("auto", False, False, False), ("auto", True, True, False),
     (True, False, True, True), (False, True, False, False)],
)  # fmt: skip
def test_when_importances_are_recorded(asked: Any, figures: bool, images: bool, expected: bool) -> None:
    config = schema.Config(figures=figures, record=schema.Record(importance=asked))
    data = replace(dataset("classification"), image_shape=(2, 2) if images else None)
    assert importance.wanted(config, data) is expected


def test_a_run_of_a_table_records_and_draws_them_alike_each_time(tmp_path: Path) -> None:
    words = ("task=classify", "model=decision_tree", "record.importance=true")
    first, second = (run(tmp_path / name, *words, "figures=false") for name in "ab")
    assert written(first) == written(second)
    drawn = run(tmp_path / "c", *words)
    names = {file.stem for file in (drawn.path / "figures").glob("*.png")}
    assert {"importance", "partial_dependence"} <= names
    assert written(drawn)["permutation_importance.csv"] == written(first)["permutation_importance.csv"]
    facts = drawn.info["facts"]["importance"]
    assert (facts["set"], facts["measure"], facts["rows"], facts["columns"]) == ("test", "accuracy", 30, 4)


def test_images_are_shuffled_by_patches_where_asked(tmp_path: Path) -> None:
    words = ("model=naive_bayes", "dataset.limit=300", "split.validation=0", "record.importance=true")
    done = run(tmp_path, *words)
    heat = done.arrays["patch_importance"]
    assert heat.shape == (4, 4)
    assert np.isfinite(heat).all()
    assert (done.path / "figures" / "patches.png").exists()
    assert not (done.path / "figures" / "importance.png").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_one_feature_and_equal_targets(kind: str, tmp_path: Path) -> None:
    data = dataset(kind)
    data = replace(data, X=data.X[:, :1], feature_names=("a",))
    config = schema.Config(task=schema.Task("made", kind), model=schema.Model(name="decision_tree"))
    training = train(config, data, Silent())
    if kind == "regression":
        test = replace(training.parts.test, y=np.full(len(training.parts.test), 7.0))
        training = replace(training, parts=replace(training.parts, test=test))
    found = importance.recorded(config, data, training)
    assert found.facts["importance"]["measure"] == ("mae" if kind == "regression" else "accuracy")
    assert len(found.tables["permutation_importance"]["feature"]) == 1


def test_noise_alone_rarely_matters() -> None:
    """40 features without any importance: one of them is named in at most a twentieth of all runs, or nearly."""
    from mlexp.kinds.importance_answer import matters

    z = np.random.default_rng(0).normal(size=(1000, 40))
    named = 0
    for row in z:
        cells = {"importance": row, "low": row - importance.Z, "high": row + importance.Z}
        table = {name: [str(value) for value in values] for name, values in cells.items()}
        named += any(matters(table | {"feature": ["x"] * 40}))
    assert named / 1000 < 0.05


def test_the_answer_names_the_feature_that_matters_most(tmp_path: Path) -> None:
    done = run(tmp_path, "task=regress", "model=ridge")
    assert done.tables["permutation_importance"]["feature"][0] in ("bmi", "s1", "s5")
    page = (done.path / "report.md").read_text()
    assert f"It relies most on {done.tables['permutation_importance']['feature'][0]}" in page
    assert "No single feature" not in page


def test_shuffled_rows_that_no_preparation_takes_do_not_fail_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise DataError("products beyond float32")

    monkeypatch.setattr(importance, "permutation_importance", refuse)
    done = run(tmp_path, "task=regress", "model=ridge", "record.importance=true", "figures=false")
    assert any("was not computed: products beyond" in said for said in done.info["warnings"])
    assert "permutation_importance" not in done.tables
