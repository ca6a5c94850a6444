"""Recorded steps: the same bits as the calls of layers and losses."""

from __future__ import annotations

import numpy as np
import pytest

from mlexp.nn import fit as training
from mlexp.nn.activations import ACTIVATIONS
from mlexp.nn.batches import Coded, one_hot
from mlexp.nn.fit import Data, Settings, fit
from mlexp.nn.layers import Activation, Dense, Dropout
from mlexp.nn.losses import LOSSES
from mlexp.nn.network import Network, perceptron
from mlexp.nn.optimizers import SGD, Adam, AdamW
from mlexp.nn.state import begin
from mlexp.nn.tape import is_recordable, record


def gradient(network, loss, n_replicas, dtype="float32"):
    """Return the function of a step up to the gradient, and the gradient that it fills."""
    thetas = [network.start(np.random.default_rng(seed), dtype) for seed in range(n_replicas)]
    theta = np.stack(thetas)
    grad = np.zeros_like(theta)
    views, grads = network.bind(theta), network.bind(grad)

    def passes(X, T):
        Y, backward = network.forward(views, X)
        backward(np.multiply(loss.gradient(Y, T), 1 / X.shape[-2]), grads)
        return Y

    return passes, grad


@pytest.mark.parametrize("n_replicas", [1, 2])
@pytest.mark.parametrize("n_outputs", [1, 2, 3, 7])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_recorded_step_has_the_bits_of_the_layers(activation, loss, n_outputs, n_replicas):
    rng = np.random.default_rng(0)
    network = perceptron(3, [5, 40], n_outputs, activation=activation)
    passes, grad = gradient(network, LOSSES[loss], n_replicas)
    tape = None
    for n_rows in (32, 9):
        for _ in range(3):
            X = rng.normal(size=(n_replicas, n_rows, 3)).astype("float32")
            T = rng.dirichlet(np.ones(n_outputs + 1), (n_replicas, n_rows))[..., 1:].astype("float32")
            if tape is None or tape.T.shape != T.shape:
                tape = record(passes, X, T)
                assert tape is not None
            Y = passes(X, T).copy()
            wanted = grad.copy()
            grad[:] = np.nan
            assert tape.play(X, T).tobytes() == Y.copy("K").tobytes()
            assert grad.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("widths", [(784, 25, 10), (784, 128, 64, 10), (2, 300, 1), (1, 1, 1), (7, 1, 5)])
def test_products_of_a_single_network_keep_their_bits(widths, dtype):
    rng = np.random.default_rng(0)
    network = perceptron(widths[0], widths[1:-1], widths[-1])
    passes, grad = gradient(network, LOSSES["mse"], 1, dtype)
    blocks = rng.normal(size=(3, 1, 128, widths[0])).astype(dtype)
    T = rng.normal(size=(1, 128, widths[-1])).astype(dtype)
    tape = record(passes, blocks[0], T)
    for X in blocks[[1, 2, 0]]:
        Y, wanted = passes(X, T).copy("K"), grad.copy()
        grad[:] = np.nan
        assert tape.play(X, T).tobytes("K") == Y.tobytes("K")
        assert grad.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", ["CC", "CF", "FC", "FF"])
def test_a_product_of_one_network_has_the_bits_of_matmul_in_every_layout(form, dtype):
    rng = np.random.default_rng(0)
    for m, k, n in [
        (1, 32, 5),
        (32, 1, 5),
        (32, 5, 1),
        (1, 9, 1),
        (5, 32, 2),
        (128, 784, 25),
        (130, 70, 128),
    ]:
        A, B = (rng.normal(size=shape).astype(dtype, order=order)[None]
                for shape, order in zip(((m, k), (k, n)), form, strict=True))  # fmt: skip
        for out in (np.empty((1, m, n), dtype), np.empty((1, n, m), dtype).mT):
            wanted = np.matmul(A, B, out=out.copy("K"))
            tape = record(lambda A, B, out=out: np.matmul(A, B, out=out), A.copy("K"), B)
            out[:] = np.nan
            assert tape.play(A, B).tobytes("K") == wanted.tobytes("K")


def test_tapes_of_two_networks_do_not_write_to_each_other():
    X, T = np.ones((1, 8, 6), "float32"), np.ones((1, 8, 6), "float32")
    first, mine = gradient(perceptron(6, [6], 6), LOSSES["cross_entropy"], 1)
    tape = record(first, X, T)
    n_calls = len(tape.calls)
    record(gradient(perceptron(6, [6], 6), LOSSES["cross_entropy"], 1)[0], X, T)
    assert len(tape.calls) == n_calls
    kept = mine.copy()
    tape.play(X, T)
    assert mine.tobytes() == kept.tobytes()


def test_what_cannot_be_made_again_is_not_recorded():
    X = np.ones((1, 2, 2), "float32")
    assert record(lambda X, T: X.astype("float64"), X, X) is None
    assert record(lambda X, T: np.where(X > 0, X, T), X, X) is None
    loss = LOSSES["mse"]
    own = Activation((np.square, lambda X: 2 * X))
    for layer in (Dropout(0.5), own):
        assert not is_recordable(Network((Dense(2), layer, Dense(2)), 2), loss, X)
    assert not is_recordable(perceptron(2, [200], 2), loss, np.ones((1, 1000, 2), "float32"))
    assert is_recordable(perceptron(2, [2], 2), loss, X)


@pytest.mark.parametrize("optimizer", [SGD(0.9), SGD(0.9, nesterov=True), Adam(), AdamW(0.1)])
def test_an_update_by_pieces_has_the_bits_of_one_update(optimizer, monkeypatch):
    rng = np.random.default_rng(0)
    data = Data(rng.normal(size=(40, 5)).astype("float32"), Coded(rng.integers(0, 3, 40), one_hot(3)))
    network, found = perceptron(5, [7], 3), []
    for size in (1 << 16, 20):
        monkeypatch.setattr(training, "AT_A_TIME", size)
        state = begin([network] * 2, optimizer, [0, 1])
        fit(network, LOSSES["cross_entropy"], optimizer, Settings(0.01, batch_size=8, epochs=3), state, data)
        found.append(state.theta.tobytes())
    assert found[0] == found[1]
