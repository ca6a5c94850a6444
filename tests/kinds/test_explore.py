"""What can be seen of a data set before anything is learnt."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from tests.running import run, written

from mlexp.data.near import nearest
from mlexp.data.rows import Rows
from mlexp.errors import ConfigError
from mlexp.kinds.explore import figures

DIGITS = ("task=fashion_gallery", "dataset=digits")
needs_data = pytest.mark.skipif(not os.environ.get("MLEXP_DATA_DIR"), reason="MLEXP_DATA_DIR is not set")


def test_nearest_distances_are_exact_even_where_they_are_small() -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (5000, 784), dtype=np.uint8)
    queries = X[rng.permutation(5000)[:300]].astype(np.float32)
    queries[:, 0] += np.arange(300) % 3  # a copy, and neighbours one or two grey levels away
    found = nearest(queries, Rows(X))
    np.testing.assert_array_equal(found, np.arange(300) % 3)
    others = rng.integers(0, 256, (100, 784)).astype(np.float32)
    true = (
        NearestNeighbors(n_neighbors=1)
        .fit(X.astype(np.float64))
        .kneighbors(others.astype(np.float64))[0][:, 0]
    )
    np.testing.assert_allclose(nearest(others, Rows(X)), true, rtol=1e-6)


def save(path: Path, X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray) -> tuple[str, ...]:
    np.savez(path / "made.npz", X=X, y=y, X_test=X_test, y_test=y_test)
    return (
        "task=fashion_gallery",
        "dataset=npz",
        f"dataset.path={path / 'made.npz'}",
        "split.validation=0.2",
    )


def test_rows_grown_from_a_few_are_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    few, test = rng.normal(size=(40, 10)), rng.normal(size=(200, 10))
    grown = np.repeat(few, 20, axis=0) + 0.01 * rng.normal(size=(800, 10))
    y, y_test = np.arange(800) % 2, np.arange(200) % 2
    done = run(tmp_path, *save(tmp_path, grown, y, test, y_test))
    assert "contains near-duplicates of the training set" in done.info["warnings"][0]
    assert done.info["facts"]["validation_rows_nearer_than_nearest_5_percent_of_test"] > 0.9
    fresh = run(tmp_path, *save(tmp_path, rng.normal(size=(800, 10)), y, test, y_test))
    assert fresh.info["warnings"] == []


def test_copies_are_counted(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(200, 3))
    X[100:] = X[:100]
    done = run(tmp_path, *save(tmp_path, X, np.arange(200) % 2, X[:7], np.arange(7) % 2), "figures=false")
    table = done.tables["duplicates"]
    copies = dict(
        zip(
            zip(table["rows_of"], table["that_occur_in"], strict=True), map(int, table["copies"]), strict=True
        )
    )
    assert copies["test", "train"] + copies["test", "validation"] >= 7
    assert copies["train", "train, earlier"] > 0
    assert any("exact copies of training samples" in words for words in done.info["warnings"])


def test_tables_and_figures_of_digits(tmp_path: Path) -> None:
    done = run(tmp_path, *DIGITS)
    balance = done.tables["class_balance"]
    assert sum(map(int, balance["train"])) == done.info["split"]["train"]
    values = dict(zip(done.tables["values"]["part"], done.tables["values"]["max"], strict=True))
    assert float(values["train"]) == 16
    assert done.info["facts"]["missing_values"] == 0
    drawn = {file.stem for file in (done.path / "figures").glob("*.png")}
    assert drawn == {"random_images", "images_by_class", "class_balance", "nearest_distances", "pixels"}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (written(run(tmp_path / name, *DIGITS, "figures=false")) for name in "ab")
    assert first == second


def test_a_part_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no validation set"):
        run(tmp_path, *DIGITS, "split.validation=0", "model.patience=null")
    assert not list(tmp_path.iterdir())


@needs_data
def test_sign_mnist_is_told_and_mnist_is_not(tmp_path: Path) -> None:
    sign = run(tmp_path, "task=sign_explore", "explore.queries=500", "figures=false")
    assert "contains near-duplicates of the training set" in sign.info["warnings"][0]
    assert sign.metrics["validation"]["distance_median"] < 0.3 * sign.metrics["test"]["distance_median"]
    mnist = run(tmp_path, "task=sign_explore", "dataset=mnist", "explore.queries=500", "figures=false")
    assert mnist.info["warnings"] == []
    assert mnist.info["facts"]["validation_rows_nearer_than_nearest_5_percent_of_test"] < 0.1


def test_of_many_classes_one_image_each_is_drawn(tmp_path: Path) -> None:
    y = np.repeat(np.arange(40), 6)
    np.savez(tmp_path / "many.npz", X=np.random.default_rng(0).integers(0, 255, (240, 4, 4), np.uint8), y=y)
    done = run(
        tmp_path,
        "task=fashion_gallery",
        "dataset=npz",
        f"dataset.path={tmp_path / 'many.npz'}",
        "figures=false",
    )
    drawn = figures.by_class(done)
    assert drawn is not None
    assert "each of 40 classes" in drawn.get_suptitle()
