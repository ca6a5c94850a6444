"""Embedding studies in whole: stated rows, measures, PCA's numbers, what they refuse."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from mlexp import dispatch
from mlexp.config import compose
from mlexp.errors import ConfigError, DataError, MlexpError
from mlexp.kinds import unsupervised
from mlexp.store import Run

DIGITS = (
    "task=sign_embeddings",
    "dataset=digits",
    "figures=false",
    "embedding.rows=400",
    "embedding.neighbors=10",
)
PCA = ("task=sign_pca", "dataset=digits", "figures=false")
REAL = pytest.mark.skipif("MLEXP_DATA_DIR" not in os.environ, reason="needs Sign MNIST: set MLEXP_DATA_DIR")


def run(outputs: Path, *words: str) -> Run:
    return dispatch.run(compose.compose([*words, f"outputs={outputs}"]))


def test_methods_see_their_stated_rows_and_the_subsets_are_nested(tmp_path: Path) -> None:
    words = ("embedding.methods=[pca,lle,mds,isomap]", "embedding.quadratic_rows=150", "embedding.shown=60")
    done = run(tmp_path, *DIGITS, *words)
    assert done.info["facts"]["rows"] == {"pca": 400, "lle": 400, "mds": 150, "isomap": 150}
    seen = {name: np.isfinite(done.predictions[f"{name}_embedding"]).all(axis=1) for name in ("lle", "mds")}
    assert (seen["lle"].sum(), seen["mds"].sum()) == (400, 150)
    assert len(done.arrays["shown_mds"]) == 60
    assert all(np.isfinite(done.arrays[f"shown_{name}"]).all() for name in ("pca", "lle", "mds", "isomap"))
    assert np.bincount(done.arrays["shown_true"]).tolist() == [6] * 10
    for scores in done.metrics.values():
        assert 0.5 < scores["trustworthiness"] <= 1
        assert 0.5 < scores["continuity"] <= 1


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    words = (*DIGITS, "embedding.methods=[pca,tsne,lle,mds]", "embedding.rows=120")
    first, second = (run(tmp_path / name, *words) for name in "ab")
    for name in ("metrics.json", "predictions.npz", "arrays.npz", "tables/embeddings.csv"):
        assert (first.path / name).read_bytes() == (second.path / name).read_bytes()


def test_pca_keeps_what_the_singular_values_say(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    done = run(tmp_path, *PCA, "embedding.rows=1.0", "embedding.variance=0.9")
    pixels = load_digits().data / 16
    squares = np.linalg.svd(pixels - pixels.mean(axis=0), compute_uv=False) ** 2
    share = squares / squares.sum()
    np.testing.assert_allclose(done.arrays["pca_share"], share, atol=1e-6)
    kept = int(np.searchsorted(np.cumsum(share), 0.9)) + 1
    assert done.info["facts"]["components"] == kept
    error = done.arrays["pca_original"] - done.arrays["pca_rebuilt"]
    assert error.shape == (10, 8, 8)
    assert 0 < np.square(error).mean() < 0.25 * np.var(done.arrays["pca_original"])


def test_components_stand_in_pixels_however_they_were_scaled(tmp_path: Path) -> None:
    unit, signed = (run(tmp_path, *PCA, f"prepare.scale={how}").arrays for how in ("unit", "signed"))
    np.testing.assert_allclose(2 * signed["pca_component"], unit["pca_component"], atol=2e-3)
    np.testing.assert_allclose(signed["pca_rebuilt"], unit["pca_rebuilt"], atol=1e-3)
    np.testing.assert_allclose(signed["pca_mean"], unit["pca_mean"], atol=1e-4)


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (
            ("embedding.perplexity=400",),
            ConfigError,
            "embedding.perplexity must be below the number of samples",
        ),
        (
            ("embedding.neighbors=400",),
            ConfigError,
            "embedding.neighbors must be below the number of samples of lle",
        ),
        (("model.params.perplexity=400",), ConfigError, "perplexity must be below"),
        (("memory_mb=5",), ConfigError, "mds on 400 samples needs about 8 MB"),
        (("model=svm",), ConfigError, "is not a model for a task of kind embedding"),
        (("embedding.rows=5",), DataError, "needs at least 8 samples"),
        (("embedding.rows=1.5",), ConfigError, "embedding.rows must be"),
        (("embedding.methods=[tsn]",), ConfigError, "embedding.methods must be a list of"),
        (("prepare.pca=1.5",), ConfigError, "prepare.pca must be"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    tmp_path: Path, words: tuple[str, ...], error: type[MlexpError], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        run(tmp_path, *DIGITS, *words)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_expensive_methods_are_announced() -> None:
    said = unsupervised.costs({"mds": 5000, "pca": 20000, "tsne": 20000}, 4000, "Take fewer rows")
    assert len(said) == 2
    assert said[0].startswith("mds on 5,000 samples: about 55 s and 1,325 MB")


@REAL
def test_sign_pca_gives_the_published_components(tmp_path: Path) -> None:
    done = run(tmp_path, "task=sign_pca", "figures=false")
    assert done.info["facts"]["rows"] == {"pca": 21964}
    assert abs(done.info["facts"]["components"] - 113) <= 2
    assert 100 * done.arrays["pca_share"][0] == pytest.approx(31.1, abs=0.4)
    assert 100 * done.arrays["pca_share"][1] == pytest.approx(9.5, abs=0.3)


@REAL
def test_sign_embeddings_run_small(tmp_path: Path) -> None:
    done = run(tmp_path, "task=sign_embeddings", "size=smoke", "embedding.methods=[pca,lle]")
    names = {file.stem for file in (done.path / "figures").iterdir()}
    assert names == {"embedding", "embedding_images", "pca_variance", "pca_components", "pca_reconstructions"}


def test_several_numbers_of_neighbours_make_an_embedding_each(tmp_path: Path) -> None:
    words = ["task=embed", "dataset=digits", "dataset.limit=120", "model=lle", "figures=false"]
    done = dispatch.run(
        compose.compose(
            [*words, "embedding.methods=[pca,lle]", "embedding.neighbors=[5,20]", f"outputs={tmp_path}"]
        )
    )
    assert set(done.metrics) == {"pca", "lle_5", "lle_20"}
    found = {name: one.get("n_neighbors") for name, one in done.info["facts"]["parameters"].items()}
    assert found == {"pca": None, "lle_5": 5, "lle_20": 20}
    words.append("embedding.methods=[lle]")
    alone = dispatch.run(compose.compose([*words, "embedding.neighbors=[5]", f"outputs={tmp_path}"]))
    assert alone.info["facts"]["rows"] == {"lle": 120}
