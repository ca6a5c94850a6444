"""Maps of the layers of a classifier, on digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.running import run, written

from mlexp.errors import ConfigError, DataError
from mlexp.store import Run
from mlexp.store.record import BY_EPOCH

DIGITS = (
    "task=mnist_hidden_tsne",
    "dataset=digits",
    "model.hidden=[32,16]",
    "model.learning_rate=0.1",
    "model.epochs=20",
    "layers.rows=60",
    "layers.perplexity=10",
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("outputs"), *DIGITS)


def test_classes_stand_further_apart_in_later_layers(done: Run) -> None:
    table = done.tables["separation"]
    assert table["layer"][:4] == ["input", "hidden_1", "hidden_2", "output"]
    assert table["part"] == [part for part in ("train", "validation", "test") for _ in range(4)]
    test = [float(value) for value in table["silhouette"][8:]]
    assert test[0] < test[2] < test[3]
    assert done.arrays["map_hidden_1_test"].shape == (60, 2)
    counts = np.bincount(done.arrays["map_class_test"])
    assert counts.min() >= 5  # the shares of the classes are kept
    drawn = {file.stem for file in (done.path / "figures").glob("*.png")}
    assert drawn >= {"learning_curves", "hidden_layers", "separation", "diagnostics"}


def test_the_network_of_an_earlier_run_gives_the_same_bytes(done: Run, tmp_path: Path) -> None:
    again = run(tmp_path, *DIGITS, "figures=false", f"layers.run={done.path}")
    assert not again.history
    assert written(again) == {name: data for name, data in written(done).items() if name not in BY_EPOCH}


def test_another_run_is_refused_if_it_does_not_fit(done: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a split different"):
        run(tmp_path / "b", *DIGITS, f"layers.run={done.path}", "split.seed=1")
    with pytest.raises(ConfigError, match="a preparation different"):
        run(tmp_path / "b", *DIGITS, f"layers.run={done.path}", "prepare.scale=unit")
    with pytest.raises(DataError, match="contains no network"):
        run(tmp_path / "b", *DIGITS, "layers.run=nowhere")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("layers.perplexity=60", "layers.perplexity"),
        ("layers.rows=8", "perplexity"),
        ("model.name=knn", "model=mlp"),
    ],
)
def test_refused_before_a_folder_is_made(tmp_path: Path, typed: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        run(tmp_path, *DIGITS, typed)
    assert not list(tmp_path.iterdir())
