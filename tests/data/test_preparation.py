"""The preparation: fixed order, fitted on the training part alone, the same as scikit-learn's own steps."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlexp.config import schema
from mlexp.data.dataset import Dataset
from mlexp.data.preparation import prepared
from mlexp.data.readers import load
from mlexp.data.split import split
from mlexp.errors import ConfigError, DataError


@pytest.fixture
def rooms(tmp_path: Path) -> Dataset:
    """A table with words, empty cells and a number to predict."""
    rng = np.random.default_rng(0)
    lines = []
    for k in range(60):
        size, floor, kind = rng.normal(50, 9), rng.integers(0, 5), rng.choice(["flat", "house", "loft"])
        cells = [
            f"{size:.2f}" * (k % 7 != 3),
            str(floor) * (k % 11 != 5),
            kind * (k % 13 != 8),
            f"{size * floor:.1f}",
        ]
        lines.append(",".join(cells))
    (tmp_path / "rooms.csv").write_text("\n".join(["size,floor,kind,price", *lines]))
    return load(name="rooms", reader="csv", path=str(tmp_path / "rooms.csv"), target="numbers")


def pixels() -> Dataset:
    return load(name="digits", reader="sklearn")


def test_scaling_alone_copies_nothing() -> None:
    dataset = pixels()
    parts, preparation = prepared(split(dataset), dataset, schema.Prepare())
    assert preparation.scales_only
    assert parts.train.X._X.base is dataset.X or parts.train.X._X is dataset.X
    assert preparation.record == {"scale": "unit", "fitted_on_rows": 0}


def test_words_become_indicators_after_empty_cells_are_filled(rooms: Dataset) -> None:
    raw = split(rooms)
    wanted = schema.Prepare(impute="median", one_hot=True, scale="none")
    parts, preparation = prepared(raw, rooms, wanted, dtype=np.float64)
    assert preparation.feature_names == ("size", "floor", "kind=flat", "kind=house", "kind=loft")
    train = np.asarray(raw.train.X.astype(np.float64))
    ready = np.asarray(parts.train.X)
    np.testing.assert_array_equal(ready[np.isnan(train[:, 0]), 0], np.nanmedian(train[:, 0]))
    np.testing.assert_array_equal(ready[:, 2:].sum(axis=1), 1)
    commonest = np.bincount(train[~np.isnan(train[:, 2]), 2].astype(int)).argmax()
    assert (ready[np.isnan(train[:, 2]), 2 + commonest] == 1).all()


def test_only_the_training_part_is_fitted(rooms: Dataset) -> None:
    wanted = schema.Prepare(impute="mean", one_hot=True, polynomial=2, pca=0.9)
    raw = split(rooms)
    before, first = prepared(raw, rooms, wanted)
    outside = np.concatenate([raw.validation.index, raw.test.index])
    rooms.X[outside, 0] = 1e6
    after, second = prepared(raw, rooms, wanted)
    np.testing.assert_array_equal(np.asarray(before.train.X), np.asarray(after.train.X))
    assert first.record == second.record


def test_products_are_those_of_the_moons_study() -> None:
    dataset = load(name="moons", reader="synthetic", n_samples=40)
    raw = split(dataset)
    parts, preparation = prepared(raw, dataset, schema.Prepare(polynomial=2, scale="none"), dtype=np.float64)
    assert preparation.feature_names == ("x1", "x2", "x1^2", "x1 x2", "x2^2")
    x1, x2 = np.asarray(raw.test.X.astype(np.float64)).T
    np.testing.assert_allclose(np.asarray(parts.test.X).T, [x1, x2, x1**2, x1 * x2, x2**2])


@pytest.mark.parametrize("how", ["unit", "standard", "minmax", "none"])
def test_components_hold_their_share_and_lead_back(how: str) -> None:
    dataset = pixels()
    raw = split(dataset)
    parts, preparation = prepared(raw, dataset, schema.Prepare(scale=how, pca=0.95), dtype=np.float64)
    kept = preparation.record["pca"]
    assert kept["variance"] >= 0.95
    assert kept["kept"].startswith(f"kept {kept['components']} of 64 components, 9")
    back = preparation.inverse(np.asarray(parts.train.X))
    stored = np.asarray(raw.train.X.astype(np.float64))
    left = 1 - np.square(stored - back).sum() / np.square(stored - stored.mean(axis=0)).sum()
    assert left > (0.9 if how == "standard" else 0.94)
    whole = preparation.pipeline().transform(stored)
    np.testing.assert_allclose(whole, np.asarray(parts.train.X), atol=1e-9)


def test_parts_may_be_empty() -> None:
    dataset = pixels()
    parts, _ = prepared(split(dataset, test=0, validation=0), dataset, schema.Prepare(pca=3))
    assert [part.X.shape for part in (parts.train, parts.validation, parts.test)] == [
        (1797, 3),
        (0, 3),
        (0, 3),
    ]


def test_what_cannot_be_prepared(rooms: Dataset) -> None:
    raw = split(rooms)
    cases = [
        (
            schema.Prepare(impute="mean"),
            DataError,
            r"text in column 'kind' \(flat, house, loft\).*one_hot=true",
        ),
        (
            schema.Prepare(one_hot=True),
            DataError,
            r"empty cell \(NaN\) in column '.*', row \d+\. Set prepare\.impute",
        ),
        (schema.Prepare(impute="mean", one_hot=True, pca=9), ConfigError, r"at most 5 here.* Got 9"),
        (
            schema.Prepare(impute="mean", one_hot=True, polynomial=20),
            ConfigError,
            r"would make 53,129 features of 5",
        ),
    ]
    for wanted, error, message in cases:
        with pytest.raises(error, match=message):
            prepared(raw, rooms, wanted)
    rooms.X[raw.train.index, 1] = np.nan
    with pytest.raises(DataError, match=r"no filled cell in column 'floor' of its training part"):
        prepared(raw, rooms, schema.Prepare(impute="mean", one_hot=True))


@pytest.mark.parametrize(
    "wanted", ["impute='median', one_hot=True", "impute='median'", "select=2", "pca=2", "polynomial=2"]
)
def test_libraries_are_loaded_before_the_clock_of_the_preparation_starts(wanted: str) -> None:
    """In a new process: nothing of scikit-learn or SciPy is imported while the preparation is fitted."""
    script = f"""
import sys
import numpy as np
from mlexp.config import schema
from mlexp.data.dataset import Dataset
from mlexp.data.preparation import load_libraries, prepared
from mlexp.data.split import split
X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
words = {{}}
if 'one_hot' in "{wanted}":
    X[:, 3], words = np.arange(60) % 3, {{3: ("a", "b", "c")}}
data = Dataset(
    name="made", X=X, y=np.arange(60) % 2, classes=("no", "yes"), feature_names=tuple("abcd"), categories=words
)
wanted = schema.Prepare({wanted})
raw = split(data)
load_libraries(data, wanted)
before = set(sys.modules)
prepared(raw, data, wanted)
print(sorted(name for name in set(sys.modules) - before if name.startswith(("sklearn", "scipy", "joblib"))))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
