"""Models made of others, by names alone: what they are made of, that they are saved whole, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import TunedThresholdClassifierCV
from tests.running import run

from mlexp import models
from mlexp.config.compose import compose
from mlexp.config.names import COMBINED
from mlexp.config.schema import Model
from mlexp.errors import ConfigError
from mlexp.models import combined
from mlexp.store import fitted

CASES = [
    ("task=classify", "model=stacking", "model.base=[logistic,decision_tree]"),
    ("task=classify", "model=voting", "model.base=[logistic,naive_bayes]"),
    ("task=classify", "model=voting", "model.base=[svm,knn]", "model.params.voting=hard"),
    ("task=classify", "model=bagging", "model.base=[knn]", "model.base_params.knn.n_neighbors=3"),
    ("task=classify", "model=calibrated", "model.base=[svm]", "model.params.method=sigmoid"),
    ("task=classify", "model=calibrated", "model.base=[naive_bayes]", "model.params.method=isotonic"),
    ("task=classify", "model=thresholded", "dataset=moons"),
    ("task=regress", "model=stacking", "model.base=[ridge,decision_tree]"),
    ("task=regress", "model=voting", "model.base=[ridge,knn]"),
    ("task=regress", "model=bagging", "model.params.n_estimators=3"),
]


@pytest.mark.parametrize("words", CASES, ids=lambda words: " ".join(words[1:3]))
def test_a_combined_model_is_saved_and_predicts_as_in_its_run(words: tuple[str, ...], tmp_path: Path) -> None:
    done = run(tmp_path, *words, "figures=false")
    model = fitted.load(done.path, here=True)
    task = done.info["task"]["kind"]
    X = _rows(words)
    assert done.metrics["test"]["accuracy" if task == "classification" else "r2"] > 0.3
    predicted = model.predict(X[done.predictions["test_row"]])
    if task == "classification":
        names = np.array(done.info["dataset"]["classes"])[done.predictions["test_predicted"]]
        assert [str(one) for one in predicted] == names.tolist()
    else:
        np.testing.assert_allclose(np.ravel(predicted), done.predictions["test_predicted"], rtol=1e-5)


def _rows(words: tuple[str, ...]) -> np.ndarray:
    from mlexp.runs import session

    dataset = session.load(compose([*words, "figures=false"]))
    return np.asarray(dataset.X, np.float64)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("model=stacking", "model.base=[stacking,knn]"), "'stacking'"),
        (("model=stacking", "model.base=[mlp,knn]"), "'mlp'"),
        (("model=voting", "model.base=[sklearn.svm.SVC,knn]"), "'sklearn.svm.SVC'"),
        (("model=voting", "model.base=[knn]"), "two or more"),
        (("model=voting", "model.base=[knn,knn]"), "two or more"),
        (("model=bagging", "model.base=[knn,svm]"), "one model"),
        (("model=voting", "model.base=[svm,knn]"), "svm gives none"),
        (("model=bagging", "model.base_params.knn.n_neighbors=3"), "belongs to no model"),
        (("model=bagging", "model.base_params.decision_tree=3"), "must be a mapping"),
        (("model=bagging", "model.base_params.decision_tree.criterion=x"), "criterion"),
        (("model=stacking", "model.params.estimators=x"), "model.params.estimators"),
        (("model=knn", "model.base=[svm]"), "belongs to models made of others"),
        (("model.base=[svm]",), "belongs to models made of others"),
    ],
)
def test_what_a_model_cannot_be_made_of_is_one_line(words: tuple[str, ...], said: str) -> None:
    from mlexp import kinds

    with pytest.raises(ConfigError) as caught:
        kinds.check(compose(["task=classify", *words]))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_combined_model_has_its_default_bases() -> None:
    assert set(combined.BASES["classification"]) == set(COMBINED)
    for kind, table in combined.BASES.items():
        for name in table:
            assert models.build(Model(name=name), kind, seed=0) is not None


def test_a_settled_threshold_predicts_as_the_tuner_did() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    model = models.build(Model(name="thresholded", base=["naive_bayes"]), seed=0)
    assert isinstance(model, TunedThresholdClassifierCV)
    model.fit(X[::2], y[::2])
    fixed: Any = combined.settled(model)
    assert fixed.threshold == model.best_threshold_
    np.testing.assert_array_equal(fixed.predict(X), model.predict(X))
    np.testing.assert_array_equal(fixed.predict_proba(X), model.predict_proba(X))
