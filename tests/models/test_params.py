"""No parameter of a model names a file or takes code: all parameters of all models, and of all of scikit-learn."""

from __future__ import annotations

import contextlib
import inspect
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.running import run

from mlexp import models
from mlexp.config.schema import Model
from mlexp.errors import ConfigError
from mlexp.models.params import check_params
from mlexp.store.files import write_bytes
from mlexp.verbs.rerun import rerun

SHIPPED = [
    (kind, name)
    for kind, table in models.MODELS.items()
    for name, path in table.items()
    if path.startswith("sklearn.")
]
# What takes any text: the name of a metric, a score, a label. All the rest of scikit-learn refuses a path.
TAKES_TEXT = {
    ("ClassicalMDS", "metric"),
    ("MDS", "metric"),
    ("HistGradientBoostingClassifier", "scoring"),
    ("HistGradientBoostingRegressor", "scoring"),
    ("RFECV", "scoring"),
    ("DummyClassifier", "constant"),
    ("FixedThresholdClassifier", "pos_label"),
    ("RadiusNeighborsClassifier", "outlier_label"),
    ("SelectFromModel", "threshold"),
}
# Classes that state nothing, and parameters that they leave open: none of them names a file.
STATES_NOTHING = {"FeatureUnion", "FrozenEstimator", "KernelCenterer", "LabelEncoder"}
LEFT_OPEN = {"dtype", "fill_value", "missing_values"}


def accepted(estimator_class: Any, params: dict[str, Any]) -> bool:
    try:
        check_params(estimator_class, params)
    except ConfigError:
        return False
    return True


def test_all_parameters_of_scikit_learn(tmp_path: Path) -> None:
    from sklearn.utils import all_estimators

    path = str(tmp_path / "cache")
    free = {
        (name, key)
        for name, found in all_estimators()
        for key in inspect.signature(found).parameters
        if accepted(found, {key: path})
    }
    assert {pair for pair in free if pair[0] not in STATES_NOTHING and pair[1] not in LEFT_OPEN} == TAKES_TEXT
    for name, found in all_estimators():
        for key in {"memory", "estimator", "base_estimator"} if name not in STATES_NOTHING else ():
            if key in inspect.signature(found).parameters:
                assert not accepted(found, {key: path}), name
                assert not accepted(found, {key: {"cache": path}}), name
                assert not accepted(found, {key: [path]}), name


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_what_shipped_models_accept_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = str(tmp_path / "cache")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), np.arange(40) % 2
    signature = inspect.signature(models.imported(models.MODELS[kind][name])).parameters
    for key in signature:
        for value in (path, {"path": path}, [path], [[path]]):
            try:
                built = models.build(Model(name=name, params={key: value}), kind, seed=0)
            except ConfigError:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError):
                    built.fit(X, y)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["memory", "cache_dir", "log_file", "callbacks", "train_dir"])
def test_classes_that_state_nothing_are_checked_by_name(key: str) -> None:
    class Theirs:
        def __init__(self, **params: Any) -> None:
            pass

    Theirs.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY)]
    )
    with pytest.raises(ConfigError, match=f"model.params.{key} .* names a file"):
        check_params(Theirs, {key: "x"})
    check_params(Theirs, {key: None})


class Poison:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_a_poisoned_cache_beside_a_run_is_not_unpickled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sklearn.cluster import AgglomerativeClustering

    from mlexp.config import recorded
    from mlexp.kinds import unsupervised
    from mlexp.runs import session

    words = ("task=spiral_clustering", "task.kind=clustering", "clustering.methods=[]", "clustering.k=3",
             "model=agglomerative", "figures=false")  # fmt: skip
    done = run(tmp_path, *words)
    config = recorded.read(done.path / "config.yaml")
    dataset = session.load(config)
    X, _ = unsupervised.prepared(config, dataset, np.arange(dataset.n_samples), np.float64)
    cache, marker = tmp_path / "cache", tmp_path / "executed"
    theirs = AgglomerativeClustering(n_clusters=3, memory=str(cache)).fit(X)
    for file in cache.rglob("output.pkl"):
        file.write_bytes(pickle.dumps(Poison(marker)))
    with pytest.raises((TypeError, ValueError)):  # the poison works: scikit-learn itself unpickles it
        theirs.fit(X)
    assert marker.exists()
    marker.unlink()
    yaml = (done.path / "config.yaml").read_text()
    assert "params: {}" in yaml
    write_bytes(
        done.path / "config.yaml", yaml.replace("params: {}", f"params: {{memory: {cache}}}").encode()
    )
    with pytest.raises(
        ConfigError, match=r"model\.params\.memory of AgglomerativeClustering takes an object"
    ):
        rerun([str(done.path), "--outputs", str(tmp_path / "again")])
    assert not marker.exists()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("sklearn.tests.test_base.X", "not public"),
        ("sklearn.conftest.X", "not public"),
        ("sklearn.externals._arff.X", "not public"),
        ("sklearn.nowhere.X", "check the name of the module"),
        ("sklearn.svm.Nowhere", "no class"),
        ("sklearn.utils.Bunch", "not an estimator"),
    ],
)
def test_names_that_are_no_estimators(path: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        models.imported(path)


def test_a_class_must_come_from_the_package_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "innocent_package.py").write_text("from sklearn.svm import SVC\n")
    (tmp_path / "noisy_package.py").write_text("raise SystemExit(1)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match=r"comes from sklearn\.svm"):
        models.imported("innocent_package.SVC")
    with pytest.raises(ConfigError, match=r"cannot be imported \(SystemExit"):
        models.imported("noisy_package.SVC")
