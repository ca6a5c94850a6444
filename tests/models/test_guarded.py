"""What scikit-learn says against a fit is one line: exit code 2 if parameters were set, 3 if not."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from inspect import signature
from pathlib import Path

import pytest
from tests.running import Silent, run

from mlexp import models
from mlexp.config.compose import compose
from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.errors import ConfigError, DataError, MlexpError
from mlexp.kinds import KINDS
from mlexp.models.guarded import guarded
from mlexp.runs import session

REGRESS = ("task=regress", "dataset.limit=60")
CLUSTER = (
    "task=spiral_clustering",
    "task.kind=clustering",
    "clustering.methods=[]",
    "clustering.k=3",
    "size=smoke",
)
EMBED = ("task.kind=embedding", "dataset=iris", "size=smoke")


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("dataset=iris", "model=knn", "model.params.metric=haversine"), "metric"),
        (("dataset=iris", "model=knn", "model.params.metric=precomputed"), "metric"),
        (("dataset=iris", "model=knn", "model.params.metric=mahalanobis"), "metric"),
        (("dataset=iris", "model=knn", "model.params.n_neighbors=null"), "n_neighbors"),
        (("dataset=iris", "model=logistic", "model.params.class_weight={a: 1}"), "class_weight"),
        (("dataset=iris", "model=naive_bayes", "model.params.priors=[0.1]"), "priors"),
        (("dataset=iris", "model=hist_gradient_boosting", "model.params.scoring=nonsense",
          "model.params.early_stopping=true"), "scoring"),
        ((*REGRESS, "model=knn", "model.params.metric=haversine"), "metric"),
        ((*REGRESS, "model=ridge", "model.params.alpha=[1,2,3]"), "alpha"),
        ((*CLUSTER, "model=agglomerative", "model.params.metric=haversine"), "metric"),
        ((*CLUSTER, "model=dbscan", "model.params.metric=precomputed"), "metric"),
        ((*CLUSTER, "model=gmm", "model.params.means_init=[[1]]"), "means_init"),
        ((*EMBED, "model=mds", "model.params.metric=nonsense"), "metric"),
        ((*EMBED, "model=isomap", "model.params.metric=precomputed"), "metric"),
    ],
)  # fmt: skip
def test_set_parameters_are_to_blame(tmp_path: Path, words: tuple[str, ...], key: str) -> None:
    with pytest.raises(ConfigError, match=f"Look at model.params.*{key}") as caught:
        run(tmp_path, *words, "figures=false")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    "words",
    [
        (
            "dataset=iris",
            "model.name=sklearn.linear_model.LogisticRegression",
            "prepare.scale=null",
            "split.test=149",
        ),
        (*EMBED, "model.name=sklearn.cluster.DBSCAN"),
        (*EMBED, "model.name=sklearn.preprocessing.OneHotEncoder"),
        (*CLUSTER, "model.name=sklearn.linear_model.Ridge"),
        (*REGRESS, "model.name=sklearn.isotonic.IsotonicRegression"),
        (*REGRESS, "model.name=sklearn.linear_model.MultiTaskLasso"),
        (*REGRESS, "model.name=sklearn.linear_model.GammaRegressor"),
    ],
)
def test_without_parameters_it_is_the_data(tmp_path: Path, words: tuple[str, ...]) -> None:
    with pytest.raises((ConfigError, DataError)) as caught:
        run(tmp_path, *words, "figures=false")
    assert len(str(caught.value)) < 700
    if "cannot be fitted" in str(caught.value):
        assert isinstance(caught.value, DataError)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("dataset=iris", "model.name=sklearn.semi_supervised.SelfTrainingClassifier"),
            "wraps another estimator",
        ),
        ((*EMBED, "model=pca", "model.params.n_components=0"), r"shape \(150, 0\)"),
        ((*EMBED, "model.name=sklearn.decomposition.LatentDirichletAllocation"), "Negative values"),
    ],
)
def test_what_else_once_ended_as_a_traceback(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    with pytest.raises((ConfigError, DataError), match=said):
        run(tmp_path, *words, "figures=false")


VALUES = [
    None, True, 0, 1, -1, 0.5, float("nan"), 1000, "x", "auto", "precomputed", "haversine", "mahalanobis",
    "seuclidean", "yule", "cosine", [], [1], [0.5, "a"], [[1, 2]], {}, {"a": 1}, {0: 1, 1: -1}, "balanced", "distance",
    "poisson", "saga", "liblinear", "cholesky", "lbfgs", "sparse_cg", "elasticnet", "arpack", "lobpcg", "amg",
    "modified", "hessian", "ltsa", "cluster_qr", "discretize", "complete", "tied", "full", "mle", "exact", "pca",
    "sigmoid", "poly", "kd_tree", "ball_tree", "nan_euclidean", "jaccard", "classical_mds", "accuracy",
]  # fmt: skip
LONG = ("max_iter", "n_jobs", "n_estimators", "n_init", "max_fun", "verbose", "cache_size")
STUDIES = {
    "classification": ("dataset=iris", "size=smoke"),
    "regression": (*REGRESS, "size=smoke"),
    "clustering": CLUSTER,
    "embedding": EMBED,
}


def tried(config: Config, dataset: Dataset, **model: object) -> str:
    """Return what a study raises that is no error of ours, or one of ours that is too long."""
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, **model))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            KINDS[config.task.kind].study.study(config, dataset, Silent())
    except MlexpError as error:
        return f"{model}: {error}" if len(str(error)) > 1000 else ""
    except Exception as error:
        return f"{model}: {type(error).__name__}: {error}"
    return ""


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", STUDIES)
def test_every_value_of_every_parameter_of_every_model(kind: str) -> None:
    found = []
    for name, path in models.MODELS[kind].items():
        if not path.startswith("sklearn."):
            continue
        config = compose([*STUDIES[kind], f"model={name}", "figures=false"])
        dataset = session.load(config)
        for key in signature(models.imported(path)).parameters:
            found += [tried(config, dataset, params={key: value}) for value in VALUES if key not in LONG]
    assert not list(filter(None, found))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", STUDIES)
def test_every_estimator_of_scikit_learn(kind: str) -> None:
    from sklearn.utils import all_estimators

    config = compose([*STUDIES[kind], "figures=false"])
    dataset = session.load(config)
    found = []
    for _, estimator in all_estimators():
        module = [part for part in estimator.__module__.split(".") if not part.startswith("_")]
        found.append(tried(config, dataset, name=".".join([*module, estimator.__name__]), params={}))
    assert not list(filter(None, found))


@pytest.mark.parametrize(
    ("model", "cure"),
    [
        ("model=sklearn_mlp", "set model.hidden"),
        ("model.name=sklearn.neural_network.MLPClassifier", "whole numbers"),
    ],
)
def test_widths_that_are_no_numbers(tmp_path: Path, model: str, cure: str) -> None:
    with pytest.raises(ConfigError, match=f"hidden_layer_sizes .*{cure}"):
        run(tmp_path, "dataset=iris", model, "model.params.hidden_layer_sizes=[a]")


def raised(error: BaseException, **params: object) -> None:
    with guarded("svm", params, "predict"):
        raise error


def test_the_kind_of_an_error_and_long_words() -> None:
    with pytest.raises(DataError, match=r"svm cannot predict these rows: KeyError: 'a'\. Try other rows"):
        raised(KeyError("a"))
    with pytest.raises(ConfigError, match=r"x+\. Look at model\.params\.C\.$") as caught:
        raised(ValueError("x" * 100_000 + "\n" + "y" * 100), C=1)
    assert len(str(caught.value)) < 500
    with pytest.raises(DataError, match="more memory than there is"):
        raised(MemoryError())
    with pytest.raises(KeyboardInterrupt):
        raised(KeyboardInterrupt())


def test_joblib_starts_threads_and_no_processes() -> None:
    from joblib import Parallel

    with guarded("svm", {}):
        backend = Parallel(n_jobs=2, prefer="processes")._backend
    assert type(backend).__name__ == "ThreadingBackend"
    with contextlib.suppress(DataError), guarded("svm", {}) as said:
        warnings.warn("one\n two", stacklevel=1)
    assert said == ["one two"]
