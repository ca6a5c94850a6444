"""Backpropagation against central differences in float64, with and without replicas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from problems import (
    analytic,
    central_differences,
    near_a_kink,
    near_a_kink_of_the_loss,
    numeric,
    relative_error,
    running,
    starts,
    targets_for,
)

from mlexp.nn.activations import ACTIVATIONS
from mlexp.nn.layers import Activation, BatchNorm, Dense, Dropout, Mode
from mlexp.nn.losses import LOSSES
from mlexp.nn.network import Network, perceptron
from mlexp.nn.regularizers import add_l1, add_l2
from mlexp.nn.sequential import Residual

TOLERANCE = 1e-6
replicas = st.sampled_from([None, 1, 3])


def check(network, name, n_rows, n_replicas, seed, reduction="mean", mode=Mode, shared=False):
    rng = np.random.default_rng(seed)
    lead = () if n_replicas is None else (n_replicas,)
    lead_X = (1,) if shared and n_replicas else lead
    X = rng.normal(size=(*lead_X, n_rows, network.n_features))
    theta = starts(network, n_replicas, rng)
    T = targets_for(name, (*lead, n_rows, network.n_outputs), rng)
    assume(not near_a_kink(network, theta, X))
    assume(
        not near_a_kink_of_the_loss(
            name, network.forward(network.bind(theta, running(network, theta)), X)[0], T
        )
    )
    found = analytic(network, LOSSES[name], theta, X, T, reduction, mode)
    assert np.isfinite(found).all()
    assert relative_error(found, numeric(network, LOSSES[name], theta, X, T, reduction, mode)) < TOLERANCE


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@settings(max_examples=8, derandomize=True)
@given(
    n_features=st.integers(1, 4),
    hidden=st.lists(st.integers(1, 5), max_size=2),
    n_outputs=st.integers(1, 6),
    n_rows=st.integers(1, 7),
    n_replicas=replicas,
    reduction=st.sampled_from(["mean", "sum"]),
    seed=st.integers(0, 10_000),
)
def test_activation_and_loss(
    activation, loss, n_features, hidden, n_outputs, n_rows, n_replicas, reduction, seed
):
    network = perceptron(n_features, hidden, n_outputs, activation=activation)
    check(network, loss, n_rows, n_replicas, seed, reduction)


@pytest.mark.parametrize("output", ACTIVATIONS)
@settings(max_examples=5, derandomize=True)
@given(n_rows=st.integers(1, 6), n_replicas=replicas, seed=st.integers(0, 10_000))
def test_activation_of_the_last_layer(output, n_rows, n_replicas, seed):
    check(perceptron(3, [4], 2, activation="tanh", output=output), "mse", n_rows, n_replicas, seed)


@settings(max_examples=20, derandomize=True)
@given(n_rows=st.integers(1, 9), n_replicas=replicas, shared=st.booleans(), seed=st.integers(0, 10_000))
@pytest.mark.parametrize("training", [True, False])
def test_batch_normalisation(training, n_rows, n_replicas, shared, seed):
    network = Network((BatchNorm(), Dense(4), BatchNorm(), Activation("tanh"), Dense(3)), 2)
    check(network, "cross_entropy", n_rows, n_replicas, seed, mode=lambda: Mode(training), shared=shared)


@settings(max_examples=20, derandomize=True)
@given(n_rows=st.integers(1, 6), n_replicas=replicas, seed=st.integers(0, 10_000))
def test_dropout_with_a_fixed_mask(n_rows, n_replicas, seed):
    def mode():
        return Mode(True, [np.random.default_rng(number) for number in range(n_replicas or 1)])

    network = Network((Dense(8), Activation("tanh"), Dropout(0.5), Dense(3)), 2)
    check(network, "mse", n_rows, n_replicas, seed, mode=mode)


@settings(max_examples=20, derandomize=True)
@given(n_rows=st.integers(1, 6), n_replicas=replicas, shared=st.booleans(), seed=st.integers(0, 10_000))
def test_residual_block(n_rows, n_replicas, shared, seed):
    inner = Residual((Dense(5), Activation("sigmoid"), Dense(3, bias=False)))
    outer = Residual((Dense(4), inner2 := Activation("tanh"), Residual((Dense(4),)), Dense(3)))
    network = Network((inner, Dense(3), inner2, outer, Dense(2)), 3)
    check(network, "mse", n_rows, n_replicas, seed, shared=shared)


@settings(max_examples=10, derandomize=True)
@given(n_rows=st.integers(1, 6), n_replicas=replicas, seed=st.integers(0, 10_000))
def test_a_users_own_activation(n_rows, n_replicas, seed):
    pair = (np.sin, np.cos)
    check(perceptron(2, [4], 2, activation=pair), "mse", n_rows, n_replicas, seed)
    check(perceptron(2, [4, 3], 2, activation=[pair, "tanh"]), "mse", n_rows, n_replicas, seed)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradient_with_respect_to_the_input(name):
    X = np.random.default_rng(0).normal(size=(5, 4)) + 0.013
    pull = np.random.default_rng(1).normal(size=(5, 4))
    _, backward = ACTIVATIONS[name](X)

    def value(flat):
        return (ACTIVATIONS[name](flat.reshape(X.shape))[0] * pull).sum()

    assert relative_error(backward(pull).ravel(), central_differences(value, X.ravel())) < TOLERANCE


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_neither_half_changes_what_it_is_given(name):
    X = np.random.default_rng(0).normal(size=(3, 4, 5))
    dY = np.random.default_rng(1).normal(size=X.shape)
    kept = X.copy(), dY.copy()
    Y, backward = ACTIVATIONS[name](X)
    first = backward(dY)
    assert np.array_equal(X, kept[0])
    assert np.array_equal(dY, kept[1])
    assert np.array_equal(first, backward(dY))
    assert Y.shape == X.shape


def test_penalties_are_gradients_of_what_is_said():
    weights = np.random.default_rng(0).normal(size=(2, 6))
    grad = np.zeros_like(weights)
    add_l2(grad, weights, np.array([[0.1], [0.2]]))
    add_l1(grad, weights, np.array([[0.3], [0.4]]))

    def value(W):
        return np.array([0.1, 0.2]) * (W**2).sum(-1) / 2 + np.array([0.3, 0.4]) * np.abs(W).sum(-1)

    assert relative_error(grad, central_differences(value, weights)) < TOLERANCE


def test_residual_error_formula_of_report_d():
    """E = ½‖y − s‖² + rᵀh with y = x + W2 h, h = σ(W1 x): dE/dx by formula, differences and the engine."""
    rng = np.random.default_rng(0)
    x, s, r = rng.normal(size=3), rng.normal(size=3), rng.normal(size=4)
    W1, W2 = rng.normal(size=(4, 3)), rng.normal(size=(3, 4))

    def energy(x):
        h = 1 / (1 + np.exp(-W1 @ x))
        return ((x + W2 @ h - s) ** 2).sum() / 2 + r @ h

    h = 1 / (1 + np.exp(-W1 @ x))
    y = x + W2 @ h
    formula = (y - s) + W1.T @ (h * (1 - h) * (W2.T @ (y - s) + r))
    assert relative_error(formula, central_differences(energy, x)) < TOLERANCE

    block = Network((Residual((Dense(4, bias=False), Activation("sigmoid"), Dense(3, bias=False))),), 3)
    theta = np.concatenate([W1.T.ravel(), W2.T.ravel()])
    views = block.bind(theta)
    Y, backward = block.layers[0].forward(views[0], x[None], Mode())
    through_S = backward((y - s)[None], block.bind(np.zeros_like(theta))[0], True)[0]
    through_R = W1.T @ (h * (1 - h) * r)
    assert np.allclose(Y[0], y)
    assert np.allclose(through_S + through_R, formula)
