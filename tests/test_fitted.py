"""A fitted model comes back from its folder and predicts what the run predicted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.tasks.running import run
from threadpoolctl import threadpool_limits

from mlexp import fitted, record, skopsfile
from mlexp.data.sources import load
from mlexp.errors import DataError
from mlexp.record import Run

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


@pytest.mark.parametrize("overrides", CASES, ids=" ".join)
def test_the_same_bits_again(tmp_path: Path, overrides: tuple[str, ...]) -> None:
    done = run(tmp_path, *overrides, "figures=false", "dataset.limit=400")
    name, regression = done.info["dataset"]["name"], "task=regress" in overrides
    target = "numbers" if regression else "classes"
    reader = "synthetic" if name == "moons" else "sklearn"
    X = load(name=name, reader=reader, limit=400, target=target).X[done.predictions["test_row"]]
    with threadpool_limits(1):
        model = fitted.load(done.path)
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


def test_a_file_with_other_types_is_not_loaded(tmp_path: Path) -> None:
    from fractions import Fraction

    (tmp_path / "a.skops").write_bytes(skopsfile.dump({"model": Path("a"), "numbers": [Fraction]}))
    with pytest.raises(DataError, match=r"holds types that are not trusted: .*fractions"):
        skopsfile.load(tmp_path / "a.skops")
    (tmp_path / "b.skops").write_bytes(b"no archive")
    with pytest.raises(DataError, match="cannot be read"):
        skopsfile.load(tmp_path / "b.skops")


def test_a_run_without_a_model_says_so(table: Run) -> None:
    (table.path / "model.skops").unlink()
    with pytest.raises(DataError, match="holds no fitted model"):
        fitted.load(record.load(table.path).path)
