"""Numbers at the edges: columns that are huge, tiny, or equal up to rounding, each beside the right value."""

import numpy as np
import pytest

from mlexp.config import schema
from mlexp.data.dataset import Dataset
from mlexp.data.preparation import prepared
from mlexp.data.scaling import centre_and_deviation, check_squares
from mlexp.data.split import split
from mlexp.errors import DataError
from mlexp.metrics import regression_scores


def made(X):
    return Dataset("made", X, np.arange(len(X)) % 2, ("a", "b"), tuple(f"x{i}" for i in range(X.shape[1])))


def ready(X, dtype=np.float32, **wanted):
    data = made(X)
    return prepared(split(data), data, schema.Prepare(**wanted), dtype=dtype)


@pytest.mark.parametrize("size", [1e160, 1e-160, 1e300, 1e-300, 1.0, 1e25])
@pytest.mark.parametrize("scale", ["standard", "minmax"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_column_of_any_size_is_scaled_as_the_same_numbers_near_one(size, scale, dtype):
    plain = np.random.default_rng(0).normal(3, 2, (80, 2))
    expected = np.asarray(ready(plain, dtype, scale=scale)[0].train.X)
    parts, _ = ready(plain * size, dtype, scale=scale)
    np.testing.assert_allclose(np.asarray(parts.train.X), expected, rtol=1e-5, atol=1e-6)


def test_columns_of_float32_at_its_ends_keep_their_digits():
    plain = np.random.default_rng(0).normal(3, 2, (80, 2))
    for size in (3e37, 1e-37):
        parts, _ = ready((plain * size).astype(np.float32), scale="standard")
        expected = np.asarray(ready(plain, scale="standard")[0].test.X)
        np.testing.assert_allclose(np.asarray(parts.test.X), expected, rtol=1e-4, atol=1e-5)


def test_columns_that_are_equal_up_to_rounding_become_zero():
    X = np.random.default_rng(0).normal(size=(90, 3))
    X[:, 1] = np.where(np.arange(90) % 2, 0.3, 0.1 + 0.2)  # one number, computed in two ways
    for scale in ("standard", "minmax"):
        parts, record = ready(X, np.float64, scale=scale)
        assert record.scaling.scale[1] == 1
        assert np.abs(np.asarray(parts.test.X)[:, 1]).max() < 1e-15


@pytest.mark.parametrize("size", [1e160, 1e-160])
def test_what_float32_cannot_hold_is_refused_by_column(size):
    X = np.random.default_rng(0).normal(3, 2, (80, 3))
    X[:, 1] *= size
    with pytest.raises(DataError, match=r"'x1'.*float32.*prepare.scale=standard") as caught:
        ready(X, scale="none")
    assert "\n" not in str(caught.value)
    parts, _ = ready(X, np.float64, scale="none")
    assert np.isfinite(np.asarray(parts.train.X)).all()


def test_a_new_row_beyond_float32_is_refused_after_scaling_too():
    data = made(np.random.default_rng(0).normal(size=(80, 2)))
    parts = split(data)
    data.X[parts.test.index[0], 0] = 1e200
    with pytest.raises(DataError, match="'x0'"):
        prepared(parts, data, schema.Prepare(scale="standard"))


def test_products_that_overflow_are_refused():
    X = np.random.default_rng(0).normal(3, 2, (80, 2)) * 1e200
    with pytest.raises(DataError, match="x0"):
        ready(X, np.float64, scale="none", polynomial=2)


def test_values_too_near_for_any_scale_are_refused():
    X = np.random.default_rng(0).normal(size=(80, 2))
    X[:, 1] = np.arange(80) * 5e-320
    with pytest.raises(DataError, match="'x1'"):
        ready(X, scale="standard")


def test_principal_components_of_equal_rows_are_refused():
    for X in (np.full((80, 3), 0.1), np.full((80, 3), 7.0)):
        with pytest.raises(DataError, match=r"all .* rows are equal"):
            ready(X, scale="standard", pca=0.9)
    with pytest.raises(DataError, match="too large"):
        ready(np.random.default_rng(0).normal(size=(80, 3)) * 1e170, np.float64, scale="none", pca=2)


def test_differences_that_cannot_be_squared():
    rows = np.random.default_rng(0).normal(size=(40, 3))
    for factor, dtype in ((1, np.float32), (1e15, np.float32), (1e-15, np.float32), (1e150, np.float64)):
        check_squares((rows * factor).astype(dtype), "here")
    for factor, dtype in ((1e-30, np.float32), (1e30, np.float32), (1e-170, np.float64), (1e160, np.float64)):
        with pytest.raises(DataError, match="here: the differences"):
            check_squares((rows * factor).astype(dtype), "here")


@pytest.mark.parametrize("value", [0.1, 0.3, 1 / 3, 1e10 / 3, -7.7, 0.0])
@pytest.mark.parametrize("n", [3, 7, 1001])
def test_equal_targets_have_no_r2(value, n):
    y = np.full(n, value)
    assert "r2" not in regression_scores(y, y + 1)
    assert centre_and_deviation(y) == (value, 1.0)


@pytest.mark.parametrize("size", [1.0, 1e160, 1e-170, 1e300, 1e-300])
def test_scores_of_regression_are_those_of_scikit_learn_in_any_unit(size):
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    rng = np.random.default_rng(0)
    y, predicted = rng.normal(5, 2, 50), rng.normal(5, 2, 50)
    scores = regression_scores(y * size, predicted * size)
    assert scores["r2"] == pytest.approx(r2_score(y, predicted))
    assert scores["mae"] / size == pytest.approx(mean_absolute_error(y, predicted))
    assert scores["rmse"] / size == pytest.approx(root_mean_squared_error(y, predicted))
    centre, deviation = centre_and_deviation(y * size)
    assert (centre / size, deviation / size) == pytest.approx((y.mean(), y.std()))
