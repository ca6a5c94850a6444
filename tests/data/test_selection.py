"""Selection of features and balanced sampling: against scikit-learn and by hand, and from the training set alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_selection import SelectKBest, f_classif, f_regression
from tests.running import run

from mlexp.config import schema
from mlexp.config.compose import compose
from mlexp.data import preparation, selection
from mlexp.data.balance import balanced
from mlexp.data.dataset import Raw, assemble
from mlexp.data.rows import Rows
from mlexp.data.split import Part, split
from mlexp.errors import ConfigError
from mlexp.store import fitted


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [True, False])
def test_selection_is_that_of_scikit_learn(seed: int, classes: bool) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 9))
    y = rng.integers(0, 3, 60) if classes else X[:, 3] + rng.normal(size=60)
    best = SelectKBest(f_classif if classes else f_regression, k=4).fit(X, y)
    dataset = assemble(
        schema.Dataset(target="classes" if classes else "numbers"), Raw(X, y), where="here", source="a test"
    )
    step, kept = selection.fitted(X, y, dataset, schema.Prepare(select=4))
    assert kept.tolist() == np.flatnonzero(best.get_support()).tolist()
    np.testing.assert_array_equal(step.transform(X), X[:, kept])


def test_a_column_of_one_value_is_kept_last_and_mutual_information_sees_what_is_not_linear() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(400), rng.normal(size=400), rng.normal(size=400)])
    y = (np.abs(X[:, 2]) > 0.7).astype(np.int64)
    assert selection.scores(X, y, "f_test", classes=True)[0] == -1
    assert selection.scores(X, y, "mutual_information", classes=True).argmax() == 2
    assert (selection.scores(X, 0 * y, "f_test", classes=True) == -1).all()


def test_validation_and_test_samples_have_no_say() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 6)), rng.integers(0, 2, 200)
    dataset = assemble(schema.Dataset(), Raw(X, y), where="here", source="a test")
    parts = split(dataset, test=0.3, validation=0.2)
    elsewhere = np.concatenate([parts.validation.index, parts.test.index])
    other = X.copy()
    other[elsewhere] = 100 * y[elsewhere, None] * np.eye(6)[5]
    changed = assemble(schema.Dataset(), Raw(other, y), where="here", source="a test")
    wanted = schema.Prepare(select=2)
    first, second = (
        preparation.prepared(split(data, test=0.3, validation=0.2), data, wanted)[1].record["select"]
        for data in (dataset, changed)
    )
    assert first == second
    assert (first["features"], first["of"]) == (2, 6)


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=60),
    st.sampled_from(["over", "under"]),
    st.integers(0, 9),
)
def test_balanced_samples_have_equal_classes_and_are_of_the_set(
    labels: list[int], how: str, seed: int
) -> None:
    y = np.array(labels)
    index = np.arange(len(y)) * 3
    part = Part(Rows(np.arange(len(y), dtype=np.float64)[:, None]), y, index, groups=y + 10)
    made = balanced(part, how, rng=np.random.default_rng(seed))
    sizes = np.bincount(y)[np.unique(y)]
    counts = np.bincount(made.y)[np.unique(y)]
    assert (counts == (sizes.max() if how == "over" else sizes.min())).all()
    position = np.asarray(made.X)[:, 0].astype(int)
    assert (y[position] == made.y).all()
    assert (index[position] == made.index).all()
    assert made.groups is not None
    assert (made.groups == made.y + 10).all()
    times = np.bincount(position, minlength=len(y))
    if how == "over":
        assert times.min() >= 1
        for one in np.unique(y):
            assert np.ptp(times[y == one]) <= 1
    else:
        assert times.max() <= 1


def test_balance_changes_what_is_fitted_and_no_other_set(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    y = (X[:, 0] + rng.normal(size=400) > 1.8).astype(int)
    np.savez(tmp_path / "rare.npz", X=X, y=y)
    words = ("dataset=npz", f"dataset.path={tmp_path}/rare.npz", "model=logistic", "figures=false")
    plain = run(tmp_path, *words)
    for how in ("over", "under"):
        done = run(tmp_path, *words, f"prepare.balance={how}")
        assert done.info["split"] == plain.info["split"]
        for name in ("test_row", "test_true", "validation_row"):
            np.testing.assert_array_equal(done.predictions[name], plain.predictions[name])
        assert done.metrics["test"]["balanced_accuracy"] > plain.metrics["test"]["balanced_accuracy"]
        assert done.info["preparation"]["balance"]["how"] == how
        assert done.info["config_hash"] != plain.info["config_hash"]


def test_predict_selects_what_the_run_selected(tmp_path: Path) -> None:
    words = ["task=classify", "model=logistic", "prepare.select=2", "figures=false"]
    done = run(tmp_path, *words)
    from mlexp.runs import session

    dataset = session.load(compose(words))
    model = fitted.load(done.path, here=True)
    predicted = model.predict(np.asarray(dataset.X, np.float64)[done.predictions["test_row"]])
    names = np.array(dataset.classes)[done.predictions["test_predicted"]]
    assert [str(one) for one in predicted] == names.tolist()


@pytest.mark.parametrize(
    "words",
    [
        ("task=cluster", "prepare.select=2"),
        ("task=regress", "prepare.balance=over"),
        ("task=classify", "model=stacking", "prepare.balance=over"),
        ("task=classify", "prepare.select=0"),
        ("task=classify", "prepare.select=1.5"),
        ("task=classify", "prepare.balance=smote"),
    ],
)
def test_what_does_not_fit_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="prepare"):
        compose(words)


def test_more_features_than_there_are_is_one_line() -> None:
    rng = np.random.default_rng(0)
    dataset = assemble(
        schema.Dataset(), Raw(rng.normal(size=(20, 3)), rng.integers(0, 2, 20)), where="", source=""
    )
    with pytest.raises(ConfigError, match="at most 3"):
        preparation.prepared(split(dataset), dataset, replace(schema.Prepare(), select=4))
