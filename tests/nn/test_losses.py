"""Losses: agreement of value and gradient with a second library, stability, means that are means."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_absolute_error, mean_squared_error

from mlexp.nn.activations import ACTIVATIONS, logistic, softmax_of
from mlexp.nn.losses import LOSSES, classes_of

rng = np.random.default_rng(0)
Y, T = rng.normal(size=(40, 3)), rng.normal(size=(40, 3))


def test_cross_entropy_agrees_with_scikit_learn():
    codes = rng.integers(0, 3, 40)
    value, _ = LOSSES["cross_entropy"](Y, np.eye(3)[codes])
    assert value == pytest.approx(log_loss(codes, softmax_of(Y), labels=[0, 1, 2]))


def test_binary_cross_entropy_agrees_with_scikit_learn():
    codes = rng.integers(0, 2, 40)
    value, _ = LOSSES["binary_cross_entropy"](Y[:, :1], codes[:, None].astype(float))
    assert value == pytest.approx(log_loss(codes, logistic(Y[:, 0])))


def test_errors_are_means_over_rows_and_outputs():
    assert LOSSES["mse"](Y, T)[0] == pytest.approx(mean_squared_error(T, Y))
    assert LOSSES["mae"](Y, T)[0] == pytest.approx(mean_absolute_error(T, Y))
    distance = np.abs(Y - T)
    assert LOSSES["huber"](Y, T)[0] == pytest.approx(
        np.where(distance < 1, distance**2 / 2, distance - 0.5).mean()
    )


@pytest.mark.parametrize("name", LOSSES)
def test_a_sum_is_n_means(name):
    target = softmax_of(T)
    mean, slope = LOSSES[name](Y, target)
    total, steep = LOSSES[name](Y, target, "sum")
    assert total == pytest.approx(40 * mean)
    assert steep == pytest.approx(40 * slope)


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_logits_stay_finite_and_silent(name, dtype):
    Z = np.array([[1e4, -1e4], [-1e4, 1e4]], dtype)
    value, gradient = LOSSES[name](Z, np.array([[1, 0], [1, 0]], dtype))
    assert value == pytest.approx({"cross_entropy": 1e4, "binary_cross_entropy": 5e3}[name])
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_of_huge_numbers_stay_finite_and_silent(name, dtype):
    X = np.array([[-1e30, -1e4, -90.0, 0.0, 90.0, 1e4]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        Y, backward = ACTIVATIONS[name](X)
        assert np.isfinite(Y).all()
        assert np.isfinite(backward(np.ones_like(X))).all()
        assert Y.dtype == X.dtype


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 11])
def test_the_first_of_equal_classes_is_chosen(width):
    Z = rng.integers(0, 3, (200, width)).astype(float)
    assert np.array_equal(classes_of(Z), Z.argmax(axis=1))


def test_hits():
    Z = np.array([[1.0, 2.0, 0.0], [3.0, 0.0, 0.0]])
    assert LOSSES["cross_entropy"].hits(Z, np.eye(3)[[1, 2]]).tolist() == [True, False]
    assert LOSSES["binary_cross_entropy"].hits(Z[:, :1] - 2, np.array([[0.0], [0.0]])).tolist() == [
        True,
        False,
    ]


@pytest.mark.parametrize("width", [2, 5, 10, 255, 256])
def test_the_class_is_the_first_of_the_largest_in_both_layouts(width):
    rng = np.random.default_rng(0)
    Z = rng.integers(0, 3, size=(2, 300, width)).astype("float32")
    wanted = np.argmax(Z, axis=-1)
    assert np.array_equal(classes_of(Z), wanted)
    assert np.array_equal(classes_of(Z.mT.copy().mT), wanted)


def test_the_class_of_an_output_that_is_not_a_number_is_that_of_argmax():
    Z = np.random.default_rng(0).normal(size=(50, 10))
    Z[3, [4, 7]] = np.nan
    Z[9] = np.nan
    assert np.array_equal(classes_of(Z.T.copy().T), np.argmax(Z, axis=-1))
