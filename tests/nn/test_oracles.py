"""Numbers from elsewhere: hand calculations, a published walk-through, a university's assignment, NIST."""

from __future__ import annotations

import numpy as np
import pytest

from mlexp.nn.layers import Activation, Dense
from mlexp.nn.losses import LOSSES
from mlexp.nn.network import Network, perceptron
from mlexp.nn.optimizers import SGD, Adam, RMSprop


def step(network, loss, theta, X, T, rate, trained=slice(None)):
    """One step of plain gradient descent; returns output, value and gradient."""
    grad = np.zeros_like(theta)
    Y, backward = network.forward(network.bind(theta), X)
    value, dY = LOSSES[loss](Y, T)
    backward(dY, network.bind(grad))
    theta[trained] -= rate * grad[trained]
    return Y, float(value), grad


def test_one_relu_step_by_hand():
    """1-1-1 regression, x = 1, 2, 3, y = 3, 4, 5: worked out with pencil and paper."""
    network = perceptron(1, [1], 1, activation="relu")
    theta = np.array([0.1, 0.2, 0.0, 0.0])  # w1, w2, b1, b2: weights come first
    X, T = np.array([[1.0], [2.0], [3.0]]), np.array([[3.0], [4.0], [5.0]])
    Y, value, grad = step(network, "mse", theta, X, T, 0.01)
    assert Y[:, 0] == pytest.approx([0.02, 0.04, 0.06], abs=1e-15)
    assert value == pytest.approx(16.32186666666667, abs=1e-12)
    assert grad == pytest.approx([-3.4293333333333336, -1.714666666666667, -1.584, -7.92], abs=1e-12)
    assert theta == pytest.approx([0.13429333333333335, 0.21714666666666668, 0.01584, 0.0792], abs=1e-14)


MAZUR_W = np.array([0.15, 0.25, 0.2, 0.3, 0.4, 0.5, 0.45, 0.55])  # (d_in, d_out), so w1 w3 w2 w4 ...


def mazur():
    """2-2-2 sigmoid with fixed biases; half squared errors summed over two outputs are their mean square."""
    network = perceptron(2, [2], 2, activation="sigmoid", output="sigmoid")
    return network, np.concatenate([MAZUR_W, [0.35, 0.35, 0.6, 0.6]])


def test_mazur_first_step():
    """Matt Mazur, 'A Step by Step Backpropagation Example' (2015)."""
    network, theta = mazur()
    X, T = np.array([[0.05, 0.1]]), np.array([[0.01, 0.99]])
    Y, value, grad = step(network, "mse", theta, X, T, 0.5, slice(8))
    assert Y[0] == pytest.approx([0.751365069552, 0.772928465321], abs=1e-9)
    assert value == pytest.approx(0.29837110876, abs=1e-9)
    order = [0, 2, 1, 3, 4, 6, 5, 7]  # back to w1 ... w8
    assert grad[order][4:] == pytest.approx(
        [0.082167040564, 0.082667627848, -0.022602540477, -0.022740242216], abs=1e-9
    )
    assert grad[order][:4] == pytest.approx(
        [0.000438567734, 0.000877135469, 0.000497712735, 0.000995425471], abs=1e-9
    )
    after = [0.149780716133, 0.199561432266, 0.249751143632, 0.299502287265]
    after += [0.358916479718, 0.408666186076, 0.511301270239, 0.561370121108]
    assert theta[order] == pytest.approx(after, abs=1e-9)
    assert step(network, "mse", theta, X, T, 0.0)[1] == pytest.approx(0.291027773694, abs=1e-9)


def test_mazur_ten_thousand_steps():
    network, theta = mazur()
    X, T = np.array([[0.05, 0.1]]), np.array([[0.01, 0.99]])
    for _ in range(10_000):
        step(network, "mse", theta, X, T, 0.5, slice(8))
    Y, value, _ = step(network, "mse", theta, X, T, 0.0)
    assert value == pytest.approx(3.510187783e-05, rel=1e-8)
    assert Y[0] == pytest.approx([0.015913620444, 0.984064273515], abs=1e-9)


def test_cs231n_network():
    """Stanford CS231n, assignment 2: closed-form weights, softmax loss with and without ½ ‖W‖²."""
    D, H, C, N = 5, 50, 7, 3
    W1, W2 = np.linspace(-0.7, 0.3, D * H).reshape(D, H), np.linspace(-0.3, 0.4, H * C).reshape(H, C)
    b1, b2 = np.linspace(-0.1, 0.9, H), np.linspace(-0.9, 0.1, C)
    X = np.linspace(-5.5, 4.5, N * D).reshape(D, N).T
    network = Network((Dense(H), Activation("relu"), Dense(C)), D)
    theta = np.concatenate([W1.ravel(), W2.ravel(), b1, b2])
    scores, _ = network.forward(network.bind(theta), X)
    assert scores[0, :3] == pytest.approx([11.53165108, 12.2917344, 13.05181771], abs=1e-8)
    value = float(LOSSES["cross_entropy"](scores, np.eye(C)[[0, 5, 1]])[0])
    assert value == pytest.approx(3.4702243556, abs=1e-10)
    penalty = (theta[: network.n_weights] ** 2).sum() / 2
    assert value + penalty == pytest.approx(26.5948426952, abs=1e-9)


CS231N = {
    "momentum": (
        SGD(0.9), 1e-3, 1, lambda: [np.linspace(0.6, 0.9, 20)],
        [0.1406, 0.20738947, 0.27417895, 0.34096842, 0.40775789],
    ),
    "rmsprop": (
        RMSprop(decay=0.99, eps=1e-8), 1e-2, 1, lambda: [np.linspace(0.6, 0.9, 20)],
        [-0.39223849, -0.34037513, -0.28849239, -0.23659121, -0.18467247],
    ),
    "adam": (
        Adam(), 1e-2, 6, lambda: [np.linspace(0.6, 0.9, 20), np.linspace(0.7, 0.5, 20)],
        [-0.40094747, -0.34836187, -0.29577703, -0.24319299, -0.19060977],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CS231N)
def test_cs231n_optimizers(name):
    """Stanford CS231n, assignment 2. Its momentum keeps v = m v − rate g; ours keeps v = m v + g."""
    optimizer, rate, number, state, first_row = CS231N[name]
    theta, grad = np.linspace(-0.4, 0.6, 20)[None], np.linspace(-0.6, 0.4, 20)[None]
    slots = [values[None] for values in state()]
    if name == "momentum":
        slots = [slots[0] / -rate]
    optimizer.update(theta, grad, slots, number, rate, 20)
    assert theta[0, :5] == pytest.approx(first_row, abs=1e-7)


MISRA_X = np.array(
    [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0]
)
MISRA_Y = np.array(
    [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.4, 75.47, 81.78]
)


def test_nist_misra1a_to_four_digits():
    """NIST StRD Misra1a, y = b1 (1 − exp(−b2 x)): one hidden unit with the model's own curve.

    Without biases the network computes W2 f(W1 x) with f(z) = 1 − exp(−z): exactly the model. Inputs and
    targets are scaled (x / 500, y / 50), as b1 and b2 differ by six orders of magnitude.
    """
    curve = (lambda Z: 1 - np.exp(-Z), lambda Z: np.exp(-Z))
    network = Network((Dense(1, bias=False), Activation(curve), Dense(1, bias=False)), 1)
    theta, velocity = np.array([[0.25, 5.0]]), np.zeros((1, 2))  # b2 = 0.0005, b1 = 250, NIST's second start
    X, T, grad = MISRA_X[:, None] / 500, MISRA_Y[:, None] / 50, np.zeros((1, 2))
    optimizer = SGD(0.99)
    for number in range(1, 30_001):
        Y, backward = network.forward(network.bind(theta), X[None])
        backward(LOSSES["mse"](Y, T[None])[1], network.bind(grad))
        optimizer.update(theta, grad, [velocity], number, 0.02, 2)
    b2, b1 = theta[0] / [500, 1 / 50]
    assert b1 == pytest.approx(238.94212918, rel=1e-4)
    assert b2 == pytest.approx(0.00055015643181, rel=1e-4)
    rss = float(((b1 * (1 - np.exp(-b2 * MISRA_X)) - MISRA_Y) ** 2).sum())
    assert rss == pytest.approx(0.12455138894, rel=1e-4)
