"""Rows that are equal, or nearly all copies: one line and exit 3, before a library loops, crashes or answers NaN."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.running import run

from mlexp.errors import ConfigError, DataError

CLUSTERING = ("kmeans", "minibatch_kmeans", "spectral", "gmm", "agglomerative")
EMBEDDING = ("pca", "tsne", "lle", "mds", "isomap")


def table(path: Path, X: np.ndarray) -> str:
    names = [f"c{k}" for k in range(X.shape[1])]
    lines = [",".join([*(repr(float(x)) for x in row), "ab"[i % 2]]) for i, row in enumerate(X)]
    path.write_text(",".join([*names, "label"]) + "\n" + "\n".join(lines) + "\n")
    return f"dataset.path={path}"


def study(tmp_path: Path, kind: str, X: np.ndarray, *words: str):
    data = ("dataset=csv", table(tmp_path / "rows.csv", X), "figures=false")
    tasks = {"clustering": ("task=cluster",), "embedding": ("task=embed", "embedding.methods=[]")}
    return run(tmp_path, *tasks[kind], *data, *words)


def refused(tmp_path: Path, kind: str, X: np.ndarray, *words: str) -> str:
    with pytest.raises(DataError) as caught:
        study(tmp_path, kind, X, *words)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("scale", ["standard", "none"])
@pytest.mark.parametrize("model", [*CLUSTERING, "dbscan", *EMBEDDING])
def test_equal_rows_are_refused_by_every_method(tmp_path: Path, model: str, scale: str) -> None:
    kind = "embedding" if model in EMBEDDING else "clustering"
    for value in (0.1, 5.0):
        said = refused(tmp_path, kind, np.full((60, 3), value), f"model={model}", f"prepare.scale={scale}")
        assert "60 rows are equal" in said


@pytest.mark.parametrize("model", CLUSTERING)
def test_more_clusters_than_different_rows_are_refused(tmp_path: Path, model: str) -> None:
    X = np.resize(np.random.default_rng(0).normal(size=(4, 2)), (60, 2))
    said = refused(tmp_path, "clustering", X, f"model={model}", "clustering.k=5")
    assert "distinct samples, 4 of 60" in said
    assert "Got 5" in said


@pytest.mark.parametrize("model", EMBEDDING)
def test_too_few_different_rows_for_an_embedding_are_refused(tmp_path: Path, model: str) -> None:
    X = np.resize(np.random.default_rng(0).normal(size=(5, 3)), (60, 3))
    assert "Got 5 of 60" in refused(tmp_path, "embedding", X, f"model={model}")


@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_differences_beyond_float32_are_refused_not_embedded(tmp_path: Path, factor: float) -> None:
    X = np.random.default_rng(0).normal(size=(60, 3)) * factor
    for model in ("tsne", "pca", "mds"):
        said = refused(tmp_path, "embedding", X, f"model={model}", "prepare.scale=none")
        assert "prepare.scale=standard" in said


def test_neighbours_and_perplexity_stay_below_the_rows(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(20, 3))
    for model, word in (
        ("tsne", "embedding.perplexity=20"),
        ("tsne", "model.params.perplexity=20"),
        ("isomap", "embedding.neighbors=20"),
        ("lle", "model.params.n_neighbors=20"),
    ):
        with pytest.raises(ConfigError, match="below the number of samples"):
            study(tmp_path, "embedding", X, f"model={model}", word)
    spectral = ("model=spectral", "model.params.affinity=nearest_neighbors", "model.params.n_neighbors=20")
    with pytest.raises(ConfigError, match="below the number of samples"):
        study(tmp_path, "clustering", X, *spectral)


def test_rows_at_equal_distances_have_no_width_of_a_gaussian(tmp_path: Path) -> None:
    X = np.eye(12)
    words = (
        "model=spectral",
        "clustering.methods=[spectral_gaussian]",
        "clustering.k=2",
        "prepare.scale=none",
    )
    assert "clustering.width=" in refused(tmp_path, "clustering", X, *words)


def test_the_program_ends_with_3_where_tsne_would_kill_it(tmp_path: Path) -> None:
    word = table(tmp_path / "rows.csv", np.ones((60, 3)))
    done = subprocess.run(
        [sys.executable, "-m", "mlexp.cli", "task=embed", "dataset=csv", word, f"outputs={tmp_path}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "equal" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
