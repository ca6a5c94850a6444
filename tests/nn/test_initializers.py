"""Initial values by their distribution: mean, variance, range, orthogonality."""

from __future__ import annotations

import numpy as np
import pytest

from mlexp.errors import ConfigError
from mlexp.nn.initializers import INITIALIZERS
from mlexp.nn.layers import Activation, Dense
from mlexp.nn.network import Network, perceptron

FAN_IN, FAN_OUT = 300, 200
VARIANCE = {
    "zeros": 0.0,
    "random": 1e-4,
    "normal": 1 / FAN_IN,
    "standard_normal": 1.0,
    "uniform": 1 / 3,
    "xavier": 2 / (FAN_IN + FAN_OUT),
    "xavier_uniform": 2 / (FAN_IN + FAN_OUT),
    "xavier_normal": 2 / (FAN_IN + FAN_OUT),
    "he": 2 / FAN_IN,
    "he_normal": 2 / FAN_IN,
    "he_uniform": 2 / FAN_IN,
    "lecun": 1 / FAN_IN,
    "lecun_normal": 1 / FAN_IN,
    "lecun_uniform": 1 / FAN_IN,
    "orthogonal": 1 / FAN_IN,
}
FLAT = {"uniform": 1.0} | {
    name: (3 * VARIANCE[name]) ** 0.5 for name in VARIANCE if name.endswith("_uniform")
}


def drawn(name):
    return INITIALIZERS[name]((FAN_IN, FAN_OUT), FAN_IN, FAN_OUT, np.random.default_rng(0))


@pytest.mark.parametrize("name", VARIANCE)
def test_mean_and_variance(name):
    W = drawn(name)
    n, variance = W.size, VARIANCE[name]
    assert abs(W.mean()) <= 4 * (variance / n) ** 0.5
    assert W.var() == pytest.approx(variance, rel=0.02)


@pytest.mark.parametrize("name", FLAT)
def test_uniform_ones_fill_their_range(name):
    W = drawn(name)
    assert np.abs(W).max() <= FLAT[name]
    assert np.abs(W).max() > 0.999 * FLAT[name]


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5)])
def test_orthogonal(shape):
    W = INITIALIZERS["orthogonal"](shape, *shape, np.random.default_rng(0))
    product = W.T @ W if shape[0] >= shape[1] else W @ W.T
    assert product == pytest.approx(np.eye(min(shape)), abs=1e-12)


def test_every_name_is_tested():
    assert set(VARIANCE) | {"ones"} == set(INITIALIZERS)
    assert (drawn("ones") == 1).all()


def test_auto_is_he_before_rectifiers_and_xavier_elsewhere():
    layers = perceptron(3, [4, 4, 4], 2, activation=["relu", "tanh", "leaky_relu"], dropout=0.1).layers
    assert [layer.init for layer in layers if isinstance(layer, Dense)] == ["he", "xavier", "he", "xavier"]


def test_biases_may_be_drawn_too():
    network = Network((Dense(50, bias_init="uniform"), Activation("relu"), Dense(2)), 3)
    biases = network.bind(network.start(np.random.default_rng(0)))[0][1]
    assert np.abs(biases).max() > 0.5
    assert (network.bind(network.start(np.random.default_rng(0)))[2][1] == 0).all()


def test_both_precisions_start_from_the_same_numbers():
    network = perceptron(5, [4], 2)
    wide, narrow = (network.start(np.random.default_rng(0), dtype) for dtype in ("float64", "float32"))
    assert np.array_equal(wide.astype("float32"), narrow)


def test_a_misspelt_name_is_refused_with_the_nearest():
    with pytest.raises(
        ConfigError, match=r"'init' of Dense must be one of .*Got 'xaver'. Did you mean 'xavier'"
    ):
        Dense(3, init="xaver")
