"""Clustering studies in whole: the numbers that they must reach, the choice of k, what they refuse."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from mlexp import dispatch
from mlexp.config import compose
from mlexp.errors import ConfigError, DataError, MlexpError
from mlexp.kinds.clustering.study import choose
from mlexp.store import Run

SPIRALS = ("task=spiral_clustering", "task.kind=clustering", "figures=false")
BLOBS = (*SPIRALS, "dataset=blobs", "dataset.noise=0.5", "dataset.n_samples=200", "clustering.methods=[]")
DIGITS = (*SPIRALS, "dataset=digits", "dataset.limit=300", "clustering.methods=[]", "clustering.k=10")


def run(outputs: Path, *words: str) -> Run:
    return dispatch.run(compose.compose([*words, f"outputs={outputs}"]))


def test_spirals_are_told_apart_by_neighbours_alone(tmp_path: Path) -> None:
    done = run(tmp_path, *SPIRALS)
    ari = {method: scores["ari"] for method, scores in done.metrics.items()}
    assert ari["spectral_neighbors"] == 1.0
    assert ari["kmeans"] < 0.2
    assert set(ari) == {"kmeans", "spectral_gaussian", "spectral_neighbors"}
    assert done.metrics["spectral_neighbors"]["accuracy"] == 1.0
    assert [word for word in done.info["warnings"] if "not fully connected" in word]


def test_a_narrow_gaussian_does_better_than_the_default_one(tmp_path: Path) -> None:
    wide = run(tmp_path, *SPIRALS).metrics["spectral_gaussian"]["ari"]
    narrow = run(tmp_path, *SPIRALS, "clustering.width=0.05").metrics["spectral_gaussian"]["ari"]
    assert narrow > 0.9 > wide


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (run(tmp_path / name, *DIGITS, "model=gmm", "model.params={}") for name in "ab")
    names = ("metrics.json", "predictions.npz", "arrays.npz", "tables/clusterings.csv")
    for name in names:
        assert (first.path / name).read_bytes() == (second.path / name).read_bytes()


@pytest.mark.parametrize("model", ["kmeans", "minibatch_kmeans", "spectral", "gmm", "agglomerative"])
def test_every_method_finds_round_heaps(tmp_path: Path, model: str) -> None:
    done = run(
        tmp_path, *BLOBS, f"model={model}", "~model.params.n_init", "model.params={}", "clustering.k=3"
    )
    assert done.metrics["all"]["ari"] > 0.95
    assert done.metrics["all"]["clusters"] == 3


def test_dbscan_finds_its_own_number_and_noise(tmp_path: Path) -> None:
    done = run(tmp_path, *BLOBS, "model=dbscan", "~model.params.n_init", "model.params={eps: 0.5}")
    assert done.info["facts"]["k"]["dbscan"] == done.metrics["all"]["clusters"] >= 2
    assert 0 < done.metrics["all"]["noise"] < 0.5
    assert done.predictions["dbscan_cluster"].min() == -1


def test_k_is_chosen_by_silhouette_and_by_bic(tmp_path: Path) -> None:
    silhouette = run(tmp_path, *BLOBS, "clustering.k=[2,3,4,5]", "clustering.choose=silhouette")
    assert silhouette.info["facts"]["k"] == {"kmeans": 3}
    assert silhouette.info["facts"]["chosen"] == {"kmeans": True}
    assert silhouette.tables["clusterings"]["k"] == ["2", "3", "4", "5"]
    mixture = (*BLOBS, "model=gmm", "model.params={}", "clustering.k=[1,2,3,4,5]", "clustering.choose=bic")
    assert run(tmp_path, *mixture).info["facts"]["k"] == {"gmm": 3}


def test_a_best_value_at_the_edge_is_not_chosen() -> None:
    rising = [{"silhouette": 0.1 * k, "inertia": 10.0 - k, "bic": -float(k)} for k in range(3)]
    for rule in ("silhouette", "bic"):
        choice = choose([5, 10, 15], rising, rule)
        assert (choice.position, choice.chosen) == (2, False)
        assert "at the edge of the grid, not selected" in choice.why
    assert not choose([5, 10, 15], rising[::-1], "silhouette").chosen
    assert choose([2, 3, 4], rising[::-1], "silhouette").chosen  # fewer than two clusters cannot be
    assert not choose([5, 10, 15], rising, "knee").chosen
    assert not choose([5, 10], rising[:2], None).chosen
    assert choose([5], rising[:1], "bic").chosen


def test_pictures_are_mapped_back_to_pixels(tmp_path: Path) -> None:
    done = run(tmp_path, *DIGITS, "model=gmm", "model.params={}", "prepare.scale=unit", "prepare.pca=0.8")
    images = done.arrays["centre_image"]
    assert images.shape == (10, 8, 8)
    assert 0 <= images.min() < images.max() <= 16
    labels = done.predictions["gmm_cluster"]
    pixels = config_rows()
    means = np.stack([pixels[labels == k].mean(axis=0) for k in range(10)]).reshape(10, 8, 8)
    # Without the last fifth of the variance they are not equal, but far nearer than the clusters are.
    assert np.abs(images - means).mean() < 0.3 * np.abs(means - means.mean(axis=0)).mean()
    assert done.arrays["sample_image"].shape == (20, 8, 8)
    assert done.arrays["member_image"].dtype == np.uint8


def config_rows() -> np.ndarray:
    from dataclasses import asdict

    from mlexp.data import readers

    return np.asarray(readers.load(**asdict(compose.compose(DIGITS).dataset)).X, dtype=np.float64)


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (
            ("clustering.k=300",),
            ConfigError,
            "clustering.k must be below the number of samples, 300. Got 300",
        ),
        (("clustering.k=[]",), ConfigError, "clustering.k must be"),
        (("clustering.k=0",), ConfigError, "clustering.k must be a whole number of at least 1"),
        (("clustering.neighbors=300",), ConfigError, "clustering.neighbors must be below"),
        (("clustering.choose=bic",), ConfigError, "bic is for mixtures"),
        (("model=random_forest",), ConfigError, "belongs to tasks of kind classification"),
        (("model.params.n_clusters=3",), ConfigError, "is set by clustering.k"),
        (("model.params.n_init=-1",), ConfigError, "n_init"),
        (("model.params.n_int=1",), ConfigError, "Did you mean 'n_init'"),
        (("memory_mb=1", "clustering.methods=[spectral_gaussian]"), ConfigError, "needs about 3 MB"),
        (("dataset.n_samples=2", "dataset.n_arms=2"), DataError, "needs at least 3"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    tmp_path: Path, words: tuple[str, ...], error: type[MlexpError], said: str
) -> None:
    with pytest.raises(error, match=said.replace("(", r"\(")) as caught:
        run(tmp_path, *SPIRALS, *words)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif("MLEXP_DATA_DIR" not in os.environ, reason="needs Sign MNIST: set MLEXP_DATA_DIR")
@pytest.mark.parametrize("task", ["sign_kmeans", "sign_gmm"])
def test_sign_tasks_run_small(tmp_path: Path, task: str) -> None:
    done = run(tmp_path, f"task={task}", "size=smoke", "model.params.n_init=2", "page.figures=all")
    assert {"clusters", "clusters_by_k", "cluster_gallery", "centres"} <= {
        file.stem for file in (done.path / "figures").iterdir()
    }
    assert done.info["preparation"]["pca"]["components"] < 784
