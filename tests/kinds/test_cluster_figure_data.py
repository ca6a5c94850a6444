"""What is recorded of clusters, against hand calculations, SciPy and scikit-learn."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster import hierarchy
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture
from tests.running import run

from mlexp.kinds.clustering import answer, figure_data
from mlexp.page.study import RecordedRun, settings
from mlexp.store import Run


@given(st.integers(0, 10_000), st.integers(2, 5))
def test_the_mean_silhouette_is_that_of_scikit_learn(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    X, labels = rng.normal(size=(30, 2)), np.concatenate([np.arange(k), rng.integers(-1, k, 30 - k)])
    found = figure_data.silhouettes(X, labels, np.arange(30))
    inside = labels >= 0
    assert np.isnan(found[~inside]).all()
    assert found[inside].mean() == pytest.approx(silhouette_score(X[inside], labels[inside]), abs=1e-6)


def test_one_cluster_has_no_silhouette() -> None:
    X = np.arange(4.0)[:, None]
    assert np.isnan(figure_data.silhouettes(X, np.zeros(4, int), np.arange(4))).all()


def test_the_rows_nearest_to_the_mean_come_first() -> None:
    X = np.array([[0.0], [1.0], [2.1], [9.0], [50.0]])
    found = figure_data.nearest_to_mean(X, np.array([0, 0, 0, 1, -1]), 2)
    assert {name: rows.tolist() for name, rows in found.items()} == {0: [1, 0], 1: [3]}


@pytest.mark.parametrize("n", [5, 41, 90])
def test_the_last_merges_are_those_of_scipy(n: int) -> None:
    X = np.random.default_rng(n).normal(size=(n, 3))
    fitted = AgglomerativeClustering(3, compute_distances=True).fit(X)
    found = figure_data.merges(fitted.children_, fitted.distances_, fitted.labels_)
    whole = hierarchy.linkage(X, "ward")
    kept = min(figure_data.MERGES, n - 1)
    np.testing.assert_allclose(found["linkage"][:, 2], whole[-kept:, 2])
    assert hierarchy.is_valid_linkage(found["linkage"])
    assert found["leaf_size"].sum() == n
    cut = hierarchy.fcluster(found["linkage"], 3, "maxclust")
    pure = found["leaf_cluster"] >= 0
    assert pure.all()
    assert len(set(zip(cut.tolist(), found["leaf_cluster"].tolist(), strict=True))) == 3


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_ellipses_of_every_kind_of_covariance_agree_with_the_model(kind: Any) -> None:
    X = np.random.default_rng(0).normal(size=(80, 2)) * [3, 1]
    mixture = GaussianMixture(2, covariance_type=kind, random_state=0).fit(X)
    found = figure_data.ellipses(mixture, None, np.zeros(2))
    by_hand = np.linalg.inv(found["mixture_covariance"])
    if kind in ("full", "tied"):
        expected = mixture.precisions_
    else:
        expected = np.stack([np.diag(np.broadcast_to(one, 2)) for one in mixture.precisions_])
    np.testing.assert_allclose(by_hand, np.broadcast_to(expected, (2, 2, 2)), rtol=1e-8)


def test_ellipses_in_a_plane_are_the_variance_along_its_axes() -> None:
    X = np.random.default_rng(0).normal(size=(400, 3)) * [3, 1, 2]
    mixture = GaussianMixture(1, random_state=0).fit(X)
    axes = np.array([[1.0, 0, 0], [0, 0, 1.0]])
    found = figure_data.ellipses(mixture, axes, np.ones(3))
    np.testing.assert_allclose(found["mixture_covariance"][0].diagonal(), X[:, [0, 2]].var(axis=0), rtol=1e-4)
    np.testing.assert_allclose(found["mixture_mean"][0], X[:, [0, 2]].mean(axis=0) - 1, rtol=1e-6)


WORDS = ("task=spiral_clustering", "task.kind=clustering", "clustering.methods=[]", "figures=false")


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(
        tmp_path_factory.mktemp("noisy"), *WORDS, "dataset=blobs", "dataset.noise=0.5", "dataset.n_samples=200",
        "model=dbscan", "~model.params.n_init", "model.params={eps: 0.4}",
    )  # fmt: skip


def test_the_table_holds_each_cluster_and_the_noise(noisy: Run) -> None:
    table = noisy.tables["clusters"]
    labels, true = noisy.predictions["dbscan_cluster"], noisy.predictions["true"]
    assert "noise" in table["cluster"]
    assert sum(map(int, table["samples"])) == 200
    for name, purity, typical in zip(table["cluster"], table["purity"], table["typical_rows"], strict=True):
        inside = true[labels == (-1 if name == "noise" else int(name))]
        assert float(purity) == pytest.approx(np.bincount(inside).max() / len(inside))
        assert bool(typical) == (name != "noise")


def test_the_parameters_are_on_record(noisy: Run) -> None:
    assert noisy.info["facts"]["parameters"]["dbscan"]["eps"] == 0.4


def test_truth_decides_and_the_silhouette_does_not(tmp_path: Path) -> None:
    done = run(tmp_path, "task=spiral_clustering", "task.kind=clustering", "figures=false")
    sentences, figures = answer.answer(RecordedRun(done, settings(done.path)))
    assert sentences[0].startswith("Spectral clustering (nearest neighbours) (1.000) recovers")
    assert "K-means" in sentences[0].partition(";")[2]
    assert figures[0].value == "1.000"
    assert not any("best-separated" in sentence for sentence in sentences)
    assert answer.best_method(done.metrics) == "spectral_neighbors"


def said_of(purities: list[float]) -> str:
    n = len(purities)
    table = {
        "method": ["kmeans"] * n,
        "cluster": [str(k) for k in range(n)],
        "purity": [str(value) for value in purities],
        "most_frequent_class": [f"c{k}" for k in range(n)],
    }
    study: Any = SimpleNamespace(run=SimpleNamespace(tables={"clusters": table}))
    (said,) = answer.clear_and_mixed(study, "kmeans")
    return said


def test_clear_and_mixed_clusters_are_named() -> None:
    said = said_of([0.95, 0.6, 0.3, 0.81])
    clear, _, mixed = said.partition(";")
    assert "0 (c0)" in clear
    assert "3 (c3)" in clear
    assert "1" not in mixed.replace("1 mix", "")
    assert mixed.rstrip(".").endswith("2")
    assert "Every" in said_of([0.9, 0.9])
    assert "1 (c1, 70.0" in said_of([0.6, 0.7])
