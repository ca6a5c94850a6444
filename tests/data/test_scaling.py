from dataclasses import replace

import numpy as np
import pytest

from mlexp.config import schema
from mlexp.data.dataset import Dataset
from mlexp.data.preparation import prepared
from mlexp.data.scaling import fit_scale
from mlexp.data.split import split
from mlexp.errors import ConfigError


def made(X, y=None):
    y = np.arange(len(X)) % 2 if y is None else y
    return Dataset("made", X, y, ("a", "b"), tuple(f"x{i}" for i in range(X.shape[1])))


def ready(dataset, scale, dtype=np.float32):
    """Return the sets of a split before and after the scaling, and what was fitted."""
    parts = split(dataset)
    scaled, preparation = prepared(parts, dataset, schema.Prepare(scale=scale), dtype)
    return parts, scaled, preparation.scaling


@pytest.fixture
def dataset():
    rng = np.random.default_rng(0)
    return made(rng.normal([0, 1e6, -3], [1, 1e-2, 40], (400, 3)))


def test_standard_is_that_of_scikit_learn(dataset):
    from sklearn.preprocessing import StandardScaler

    parts, scaled, scaling = ready(dataset, "auto", np.float64)
    scaler = StandardScaler().fit(np.asarray(parts.train.X.astype(np.float64)))
    assert (scaling.how, scaling.n_rows) == ("standard", len(parts.train))
    for part, raw in ((scaled.train, parts.train), (scaled.test, parts.test)):
        expected = scaler.transform(np.asarray(raw.X.astype(np.float64)))
        np.testing.assert_allclose(np.asarray(part.X), expected, atol=1e-6)


def test_minmax_is_that_of_scikit_learn_and_float32_keeps_digits(dataset):
    from sklearn.preprocessing import MinMaxScaler

    parts, scaled, _ = ready(dataset, "minmax")
    scaler = MinMaxScaler().fit(np.asarray(parts.train.X.astype(np.float64)))
    assert scaled.test.X.dtype == np.float32
    expected = scaler.transform(np.asarray(parts.test.X.astype(np.float64)))
    np.testing.assert_allclose(np.asarray(scaled.test.X), expected, atol=1e-5)
    X = np.asarray(scaled.train.X)
    np.testing.assert_allclose([X.min(axis=0), X.max(axis=0)], [[0] * 3, [1] * 3], atol=1e-6)


def test_only_training_rows_are_fitted(dataset):
    parts, _, before = ready(dataset, "standard")
    dataset.X[np.concatenate([parts.validation.index, parts.test.index])] = 1e12
    _, _, after = ready(dataset, "standard")
    np.testing.assert_array_equal([after.scale, after.shift], [before.scale, before.shift])


@pytest.mark.parametrize("how", ["standard", "minmax"])
def test_a_constant_feature_becomes_zero(how):
    X = np.random.default_rng(0).normal(size=(100, 3))
    X[:, 1] = 0.1
    _, scaled, scaling = ready(made(X), how)
    assert scaling.scale[1] == 1
    np.testing.assert_allclose(np.asarray(scaled.test.X)[:, 1], 0, atol=1e-7)


@pytest.mark.parametrize(
    ("how", "low", "high"), [("auto", 0, 1), ("unit", 0, 1), ("signed", -1, 1), ("none", 0, 255)]
)
def test_pixels(how, low, high):
    X = np.random.default_rng(0).integers(0, 256, (200, 6), dtype=np.uint8)
    X[:, 0], X[:, 1] = 0, 255
    _, scaled, scaling = ready(replace(made(X), pixel_max=255.0), how)
    values = np.asarray(scaled.train.X)
    assert (values.min(), values.max()) == pytest.approx((low, high), abs=1e-6)
    assert scaling.n_rows == 0
    np.testing.assert_array_equal(scaled.train.X.raw([0]), X[scaled.train.index[:1]])


def test_chunks_add_up():
    X = np.random.default_rng(0).integers(0, 256, (3000, 784), dtype=np.uint8)
    parts = split(made(X))
    assert len(parts.train.X.chunks()) > 1
    scale, shift = fit_scale(parts.train, "standard")
    rows = X[parts.train.index].astype(float)
    np.testing.assert_allclose(scale, 1 / rows.std(axis=0), rtol=1e-12)
    np.testing.assert_allclose(shift, -rows.mean(axis=0) / rows.std(axis=0), rtol=1e-12)


@pytest.mark.parametrize("how", ["unit", "signed"])
def test_pixels_are_needed_for_pixel_scales(dataset, how):
    with pytest.raises(ConfigError, match=rf"prepare\.scale={how} needs pixels .* use prepare\.scale=minmax"):
        ready(dataset, how)


def test_an_unknown_scale_is_refused(dataset):
    with pytest.raises(ConfigError, match=r"prepare\.scale must be one of .* Did you mean 'standard'\?"):
        ready(dataset, "standart")
