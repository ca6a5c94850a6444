"""The sets that need no file, the table of readers, and the configuration files of all sets."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

import mlexp
from mlexp.config import schema
from mlexp.config.readers import READERS
from mlexp.data.named_sets import SIZES, describe
from mlexp.data.readers import load, openml
from mlexp.data.readers import sklearn as bundled
from mlexp.data.readers.synthetic import spirals
from mlexp.errors import ConfigError, DataError

FOLDER = Path(mlexp.__file__).parent / "conf" / "dataset"
FILES = sorted(FOLDER.glob("*.yaml"))


def test_every_named_set_has_a_file_and_so_has_own_data():
    named = {entry.name for entry in describe()} | {"diabetes"}
    typed = {"points", "six_points", "four_points"}
    assert {path.stem for path in FILES} - {"none"} == named | typed | {
        "csv",
        "npz",
        "idx",
        "openml",
        "folder",
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_configuration_file_says_what_it_is_and_only_what_differs(path):
    header, *rest = path.read_text("utf-8").replace("# @package _global_\n", "").splitlines()
    keys = yaml.safe_load("\n".join(rest))
    keys = keys.get("dataset", keys)  # a set that says how it is to be split stands at the top level
    declared = schema.declared(schema.Dataset)
    assert header.startswith("# ")
    assert len(header) < 110
    assert keys["name"] == path.stem
    assert keys["reader"] in READERS
    for key, value in keys.items():
        assert declared[key].metadata["rule"].accepts(value)
        assert key in ("name", "reader") or value != declared[key].default
    if keys["reader"] in ("sklearn", "synthetic"):
        assert load(**keys).name == path.stem


@pytest.mark.parametrize("name", SIZES)
def test_bundled_sets_have_the_sizes_in_the_table(name):
    dataset = load(name=name, reader="sklearn")
    assert (*dataset.X.shape, dataset.n_classes) == SIZES[name]
    assert len(dataset.feature_names) == dataset.n_features
    assert len(np.unique(dataset.y)) == dataset.n_classes


@pytest.mark.parametrize("name", SIZES)
def test_bundled_sets_are_those_that_scikit_learn_loads(name):
    import sklearn.datasets

    keys = {"scaled": False} if name == "diabetes" else {}
    bunch = getattr(sklearn.datasets, f"load_{name}")(**keys)
    dataset = load(name=name, reader="sklearn")
    assert np.array_equal(dataset.X, bunch.data)
    assert np.array_equal(dataset.y, bunch.target)
    assert dataset.y.dtype == bunch.target.dtype
    assert list(dataset.feature_names) == [str(one) for one in bunch.feature_names]
    assert list(dataset.classes) == [str(one) for one in bunch.get("target_names", ())]


def test_a_file_missing_from_scikit_learn_is_one_line(monkeypatch):
    monkeypatch.setitem(bundled.FILES, "iris", (("none.csv",), 1))
    with pytest.raises(DataError, match=r"Data set 'iris' .*none\.csv.*Install scikit-learn again"):
        load(name="iris", reader="sklearn")


def test_digits_are_bytes():
    digits = load()
    assert digits.X.dtype == np.uint8
    assert (digits.X.max(), digits.pixel_max, digits.image_shape) == (16, 16, (8, 8))
    assert load(name="iris").classes == ("setosa", "versicolor", "virginica")


@pytest.mark.parametrize("name", ["moons", "circles", "blobs", "spirals"])
def test_generators_are_seeded(name):
    def drawn(**keys):
        return load(name=name, reader="synthetic", n_samples=90, **keys)

    assert drawn().X.shape == (90, 2)
    assert drawn(seed=1).fingerprint == drawn(seed=1).fingerprint != drawn(seed=2).fingerprint
    assert drawn(noise=0.2).fingerprint != drawn(noise=0.1).fingerprint


def test_spirals_without_noise_lie_on_their_arms():
    X, y = spirals(600, n_arms=4, turns=1.5, noise=0, rng=np.random.default_rng(0))
    radius = np.hypot(*X.T)
    turned = np.arctan2(X[:, 1], X[:, 0]) / (2 * np.pi) - 1.5 * radius - y / 4
    np.testing.assert_allclose(turned - np.round(turned), 0, atol=1e-12)
    np.testing.assert_array_equal(np.bincount(y), 150)
    assert radius.min() >= 0.1
    assert radius.max() <= 1


def test_the_noise_of_spirals_has_its_standard_deviation():
    keys = {"n_arms": 3, "turns": 1.0}
    noisy, _ = spirals(20_000, noise=0.25, rng=np.random.default_rng(5), **keys)
    clean, _ = spirals(20_000, noise=0.0, rng=np.random.default_rng(5), **keys)
    # The standard error of the deviation of 40,000 normal values is 0.25 / sqrt(80,000) < 0.001.
    assert (noisy - clean).std() == pytest.approx(0.25, abs=0.004)


def test_settings_reach_the_generators():
    assert load(name="spirals", reader="synthetic", n_arms=5).n_classes == 5
    assert load(name="blobs", reader="synthetic", centers=4).n_classes == 4
    circles = load(name="circles", reader="synthetic", factor=0.3, noise=0.0)
    np.testing.assert_allclose(np.unique(np.hypot(*circles.X.T).round(6)), [0.3, 1])


def test_sets_that_cannot_be():
    with pytest.raises(ConfigError, match=r"one of digits, iris, .* Did you mean 'iris'\?"):
        load(name="irs", reader="sklearn")
    with pytest.raises(ConfigError, match=r"Did you mean 'spirals'\?"):
        load(name="spiral", reader="synthetic")
    with pytest.raises(DataError, match="one class only"):
        load(name="spirals", reader="synthetic", n_arms=1)


def test_openml(monkeypatch):
    import pandas as pd
    import sklearn.datasets

    frame = pd.DataFrame({"a": [1, 2, 3], "kind": pd.Categorical(["x", "y", "x"]), "b": [4.0, 5.0, 6.0]})
    asked = {}

    def fetched(**keys):
        asked.update(keys)
        return SimpleNamespace(frame=frame, target_names=["kind"])

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetched)
    dataset = load(name="own", reader="openml", openml_id=61)
    assert asked["data_id"] == 61
    assert asked["data_home"] == str(openml.cache_folder())
    np.testing.assert_array_equal(dataset.X, [[1, 4], [2, 5], [3, 6]])
    assert (dataset.classes, dataset.feature_names) == (("x", "y"), ("a", "b"))
    other = load(name="own", reader="openml", openml_id=61, label="b")
    assert (other.categories, other.target) == ({1: ("x", "y")}, "b")


def test_openml_without_network(monkeypatch):
    import sklearn.datasets

    def fails(error):
        def fetch(**keys):
            raise error

        monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)

    fails(ConnectionError("unreachable"))
    with pytest.raises(DataError, match=r"OpenML data set 554 is not in the user cache .*task=digits_mlp"):
        load(name="openml", reader="openml", openml_id=554)
    fails(ValueError("Dataset with data_id 1 not found.\nmore"))
    with pytest.raises(DataError, match=r"cannot be used: Dataset with data_id 1 not found\.$"):
        load(name="openml", reader="openml", openml_id=1)
    with pytest.raises(ConfigError, match=r"add dataset\.openml_id="):
        load(name="openml", reader="openml")
