"""A fitted model comes back from its folder and predicts what the run predicted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.running import run
from threadpoolctl import threadpool_limits

from mlexp.data.readers import load
from mlexp.errors import DataError
from mlexp.store import Run, fitted, skopsfile
from mlexp.store.files import write_npz

CASES = [
    ("size=smoke",),
    ("size=smoke", "prepare.pca=0.9"),
    ("model=logistic",),
    ("model=knn", "prepare.pca=10"),
    ("model=hist_gradient_boosting", "dataset=moons", "prepare.polynomial=2"),
    ("model=svm", "dataset=moons", "prepare.polynomial=2", "prepare.pca=3"),
    ("model=sklearn_mlp", "size=smoke"),
    ("task=regress", "size=smoke"),
    ("task=regress", "model=sklearn_mlp", "prepare.polynomial=2", "prepare.pca=0.9"),
    ("task=regress", "model=random_forest"),
]


IN_A_PROCESS = (
    CASES[1],
    CASES[4],
    CASES[9],
)  # the others in this one, to save the second that it takes to start


@pytest.mark.parametrize("overrides", CASES, ids=" ".join)
def test_the_same_bits_again(tmp_path: Path, overrides: tuple[str, ...]) -> None:
    done = run(tmp_path, *overrides, "figures=false", "dataset.limit=400")
    name, regression = done.info["dataset"]["name"], "task=regress" in overrides
    target = "numbers" if regression else "classes"
    reader = "synthetic" if name == "moons" else "sklearn"
    X = load(name=name, reader=reader, limit=400, target=target).X[done.predictions["test_row"]]
    with threadpool_limits(1):
        model = fitted.load(done.path, here=overrides not in IN_A_PROCESS)
        found, probability = model.predict(X), model.predict_proba(X)
    expected = done.predictions["test_predicted"]
    np.testing.assert_array_equal(found, expected if regression else np.array(model.classes)[expected])
    if "test_probability" in done.predictions:
        np.testing.assert_array_equal(np.float32(probability), done.predictions["test_probability"])


@pytest.fixture
def table(tmp_path: Path) -> Run:
    """A run on a table with words and empty cells."""
    lines = [f"{k},{'' if k % 9 == 4 else ('red', 'blue')[k % 2]},{k + 10 * (k % 2)}" for k in range(60)]
    (tmp_path / "own.csv").write_text("\n".join(["x,colour,y", *lines]))
    path = f"dataset.path={tmp_path / 'own.csv'}"
    prepare = ("prepare.one_hot=true", "prepare.impute=most_frequent")
    return run(tmp_path, "task=regress", "dataset=csv", path, "model=linear", *prepare, "figures=false")


def test_new_rows_of_a_table_in_words(table: Run) -> None:
    import pandas as pd

    model = fitted.load(table.path)
    rows = pd.DataFrame({"colour": ["blue", "red", None, "green"], "x": [5, 5, 5, 5.0]})
    blue, red, unsaid, unknown = model.predict(rows)
    assert blue - red == pytest.approx(10, abs=2)
    assert unsaid in (pytest.approx(blue), pytest.approx(red))
    assert red < unknown < blue  # a colour that never occurred is neither
    with pytest.raises(DataError, match="Missing: x"):
        model.predict(rows[["colour"]])
    with pytest.raises(DataError, match=r"shape \(n, 2\).* Got float64 of shape \(3, 5\)"):
        model.predict(np.zeros((3, 5)))


def test_a_model_without_its_settings_is_damaged(tmp_path: Path) -> None:
    done = run(tmp_path, "size=smoke", "figures=false")
    write_npz(done.path / "model.npz", {name: a for name, a in done.model.items() if name != "settings"})
    with pytest.raises(DataError, match=r"model\.npz is damaged: .*'settings'"):
        fitted.load(done.path)


def test_a_file_with_other_types_is_not_loaded(tmp_path: Path) -> None:
    from fractions import Fraction

    (tmp_path / "a.skops").write_bytes(skopsfile.dump({"model": Path("a"), "numbers": [Fraction]}))
    with pytest.raises(DataError, match=r"holds types that are not trusted: .*fractions"):
        skopsfile.load(tmp_path / "a.skops")
    (tmp_path / "b.skops").write_bytes(b"no archive")
    with pytest.raises(DataError, match="is damaged"):
        skopsfile.load(tmp_path / "b.skops")


def test_a_run_without_a_model_says_so(table: Run) -> None:
    (table.path / "model.skops").unlink()
    with pytest.raises(DataError, match="holds no fitted model"):
        fitted.load(Run.open(table.path).path)


@pytest.mark.parametrize("model", ["autoencoder", "sklearn_mlp"])
@pytest.mark.parametrize("pca", ["null", "20"])
def test_an_autoencoder_comes_back(tmp_path: Path, model: str, pca: str) -> None:
    words = (
        "task=fashion_autoencoder",
        "dataset=digits",
        f"model={model}",
        "model.hidden=[8]",
        f"prepare.pca={pca}",
    )
    done = run(tmp_path, *words, "model.batch_size=32", "size=smoke", "figures=false")
    X = load(name="digits", limit=1000).X[done.predictions["test_row"]]
    again = fitted.load(done.path)
    rows = again.prepared(X)
    errors = np.square(again.predict(X) - rows).mean(axis=1, dtype=np.float64)
    np.testing.assert_array_equal(errors, done.predictions["test_squared_error"])
    assert again.transform(X).shape == (len(X), 8)
    assert again.predict_proba(X) is None


@pytest.mark.parametrize("model", ["kmeans", "minibatch_kmeans", "gmm"])
def test_a_clustering_places_rows(tmp_path: Path, model: str) -> None:
    words = (
        "task=spiral_clustering",
        "task.kind=clustering",
        "dataset=digits",
        "clustering.methods=[]",
        "clustering.k=4",
        "dataset.seed=0",
        "prepare.pca=10",
    )
    done = run(tmp_path, *words, f"model={model}", "size=smoke", "figures=false")
    X = load(name="digits", limit=1000).X
    np.testing.assert_array_equal(fitted.load(done.path).predict(X), done.predictions[f"{model}_cluster"])


def test_what_cannot_place_new_rows_says_so(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "task=spiral_clustering",
        "task.kind=clustering",
        "clustering.methods=[dbscan]",
        "model=dbscan",
        "figures=false",
    )
    with pytest.raises(DataError, match="dbscan cannot place new rows"):
        fitted.load(done.path)


def test_empty_cells_are_refused_where_nothing_fills_them(tmp_path: Path) -> None:
    done = run(tmp_path, "model=logistic", "figures=false", "dataset.limit=300")
    X = load(name="digits", limit=300).X.astype(float)
    X[5, 3] = np.nan
    with pytest.raises(DataError, match="Row 6 of the new rows has an empty"):
        fitted.load(done.path).predict(X)
