"""ONNX models predict what the runs predict, to 1e-5, whatever the model."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.running import run

from mlexp.config import compose as configuration
from mlexp.config import recorded
from mlexp.config.names import ACTIVATIONS
from mlexp.errors import ConfigError, DataError
from mlexp.runs import session
from mlexp.store import fitted, onnxfile

pytest.importorskip("onnxruntime")
pytest.importorskip("skl2onnx")

CLUSTERING = (
    "task=spiral_clustering",
    "task.kind=clustering",
    "dataset=digits",
    "clustering.methods=[]",
    "size=smoke",
)

CASES = [
    *(("size=smoke", f"model.activation={name}") for name in ACTIVATIONS),
    ("size=smoke", "model.batch_norm=true", "model.dropout=0.2"),
    ("size=smoke", "dataset=moons", "model.output=sigmoid", "prepare.polynomial=2", "prepare.pca=3"),
    ("size=smoke", "model=random_forest", "prepare.pca=0.95"),
    ("size=smoke", "model=svm"),
    ("dataset=iris", "model=svm", "model.params.probability=true"),
    ("size=smoke", "model=logistic"),
    ("dataset=wine", "model=decision_tree"),
    ("size=smoke", "model=sklearn_mlp"),
    ("task=regress", "size=smoke"),
    ("task=regress", "model=ridge", "prepare.polynomial=2"),
    ("task=regress", "model=random_forest", "model.params.n_estimators=20"),
    ("task=fashion_autoencoder", "dataset=digits", "model.hidden=[9,5,9]", "size=smoke"),
    ("dataset=iris", "model=hist_gradient_boosting"),
    ("size=smoke", "dataset=moons", "model=hist_gradient_boosting", "prepare.pca=2"),
    ("task=regress", "model=hist_gradient_boosting", "model.params.max_iter=20"),
    ("dataset=iris", "model=hist_gradient_boosting", "model.params.min_samples_leaf=1000"),
    ("dataset=wine", "model=knn"),
    ("dataset=wine", "model=naive_bayes"),
    ("task=regress", "model=linear"),
    ("task=regress", "model=svm"),
    ("task=regress", "model=knn"),
    (*CLUSTERING, "model=minibatch_kmeans"),
    (*CLUSTERING, "model=kmeans"),
    (*CLUSTERING, "model=gmm", "prepare.pca=5"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*probability:FutureWarning")
@pytest.mark.parametrize("settings", CASES, ids=" ".join)
def test_parity(tmp_path: Path, settings: tuple[str, ...]) -> None:
    done = run(tmp_path, *settings, "figures=false")
    model = fitted.load(done.path, here=True)
    X = session.load(recorded.read(done.path / "config.yaml")).X[:500]
    assert onnxfile.parity(onnxfile.convert(model), model, X) <= onnxfile.TOLERANCE


def test_what_cannot_be_exported_says_what_can(tmp_path: Path) -> None:
    for words in (
        ("dataset=iris", "model.name=sklearn.semi_supervised.LabelSpreading"),
        ("dataset=iris", "model=hist_gradient_boosting", "model.params={categorical_features: [0], max_iter: 5}",
         "prepare.scale=minmax"),
    ):  # fmt: skip
        model = fitted.load(run(tmp_path, *words, "figures=false").path, ("sklearn", "functools"), here=True)
        with pytest.raises(ConfigError, match="cannot be exported") as caught:
            onnxfile.convert(model)
        assert len(str(caught.value)) < 600
        assert "\n" not in str(caught.value)


def test_export_runs_in_the_process_of_the_model(tmp_path: Path) -> None:
    done = run(
        tmp_path, "dataset=iris", "model=hist_gradient_boosting", "model.params.max_iter=5", "figures=false"
    )
    model = fitted.load(done.path)
    X = session.load(recorded.read(done.path / "config.yaml")).X
    data, apart = onnxfile.exported(model, X)
    assert apart <= onnxfile.TOLERANCE
    assert data == onnxfile.convert(fitted.load(done.path, here=True))


def test_another_model_is_told_apart(tmp_path: Path) -> None:
    first, second = (
        fitted.load(run(tmp_path, "size=smoke", f"seed={seed}", "figures=false").path) for seed in (0, 1)
    )
    X = session.load(configuration.compose(["size=smoke"])).X[:50]
    with pytest.raises(DataError, match="differ"):
        onnxfile.parity(onnxfile.convert(first), second, X)
