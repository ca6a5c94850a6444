import numpy as np
import pytest

from mlexp.data.dataset import Dataset
from mlexp.data.scaling import fit_scale, prepare
from mlexp.data.split import split
from mlexp.errors import ConfigError


def made(X, y=None):
    y = np.arange(len(X)) % 2 if y is None else y
    return Dataset("made", X, y, ("a", "b"), tuple(f"x{i}" for i in range(X.shape[1])))


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return split(made(rng.normal([0, 1e6, -3], [1, 1e-2, 40], (400, 3))))


def test_standard_is_that_of_scikit_learn(table):
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(np.asarray(table.train.X.astype(np.float64)))
    ready, record = prepare(table, "auto", dtype=np.float64)
    assert (record.how, record.n_rows) == ("standard", len(table.train))
    for part, raw in ((ready.train, table.train), (ready.test, table.test)):
        expected = scaler.transform(np.asarray(raw.X.astype(np.float64)))
        np.testing.assert_allclose(np.asarray(part.X), expected, atol=1e-6)


def test_minmax_is_that_of_scikit_learn_and_float32_keeps_digits(table):
    from sklearn.preprocessing import MinMaxScaler

    scaler = MinMaxScaler().fit(np.asarray(table.train.X.astype(np.float64)))
    ready, _ = prepare(table, "minmax")
    assert ready.test.X.dtype == np.float32
    expected = scaler.transform(np.asarray(table.test.X.astype(np.float64)))
    np.testing.assert_allclose(np.asarray(ready.test.X), expected, atol=1e-5)
    scaled = np.asarray(ready.train.X)
    np.testing.assert_allclose([scaled.min(axis=0), scaled.max(axis=0)], [[0] * 3, [1] * 3], atol=1e-6)


def test_only_training_rows_are_fitted(table):
    before = fit_scale(table.train, "standard")
    outside = np.concatenate([table.validation.index, table.test.index])
    table.train.X._X[outside] = 1e12
    np.testing.assert_array_equal(fit_scale(table.train, "standard"), before)


@pytest.mark.parametrize("how", ["standard", "minmax"])
def test_a_constant_feature_becomes_zero(how):
    X = np.random.default_rng(0).normal(size=(100, 3))
    X[:, 1] = 0.1
    ready, record = prepare(split(made(X)), how)
    assert record.scale[1] == 1
    np.testing.assert_allclose(np.asarray(ready.test.X)[:, 1], 0, atol=1e-7)


@pytest.mark.parametrize(
    ("how", "low", "high"), [("auto", 0, 1), ("unit", 0, 1), ("signed", -1, 1), ("none", 0, 255)]
)
def test_pixels(how, low, high):
    X = np.random.default_rng(0).integers(0, 256, (200, 6), dtype=np.uint8)
    X[:, 0], X[:, 1] = 0, 255
    ready, record = prepare(split(made(X)), how, 255)
    values = np.asarray(ready.train.X)
    assert (values.min(), values.max()) == pytest.approx((low, high), abs=1e-6)
    assert record.n_rows == 0
    np.testing.assert_array_equal(ready.train.X.raw([0]), X[ready.train.index[:1]])


def test_chunks_add_up():
    X = np.random.default_rng(0).integers(0, 256, (3000, 784), dtype=np.uint8)
    parts = split(made(X))
    assert len(parts.train.X.chunks()) > 1
    scale, shift = fit_scale(parts.train, "standard")
    rows = X[parts.train.index].astype(float)
    np.testing.assert_allclose(scale, 1 / rows.std(axis=0), rtol=1e-12)
    np.testing.assert_allclose(shift, -rows.mean(axis=0) / rows.std(axis=0), rtol=1e-12)


@pytest.mark.parametrize("how", ["unit", "signed"])
def test_pixels_are_needed_for_pixel_scales(table, how):
    with pytest.raises(ConfigError, match=rf"prepare\.scale={how} needs pixels .* use prepare\.scale=minmax"):
        prepare(table, how)


def test_an_unknown_scale_is_refused(table):
    with pytest.raises(ConfigError, match=r"prepare\.scale must be one of .* Did you mean 'standard'\?"):
        prepare(table, "standart")
