"""Every optimizer on a parabola and on Rosenbrock's valley; columns against single numbers."""

from __future__ import annotations

import numpy as np
import pytest
from problems import parabola, rosenbrock

from mlexp.nn.network import perceptron
from mlexp.nn.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, RMSprop, for_replicas
from mlexp.nn.regularizers import clip, limit_norms

CASES = {
    "sgd": (SGD(), 0.05, 1e-3),
    "momentum": (SGD(0.9), 0.02, 1e-3),
    "nesterov": (SGD(0.9, nesterov=True), 0.02, 1e-3),
    "rmsprop": (RMSprop(), 0.01, 1e-3),
    "adagrad": (Adagrad(), 0.5, 0.5),
    "adam": (Adam(), 0.1, 0.02),
    "adamw": (AdamW(decay=0.0), 0.1, 0.02),
}


def minimise(function, optimizer, rate, start, n_steps):
    theta = np.array([start], dtype=np.float64)
    slots = [np.zeros_like(theta) for _ in range(optimizer.n_slots)]
    for number in range(1, n_steps + 1):
        optimizer.update(theta, function(theta)[1], slots, number, rate * (1 - number / (n_steps + 1)), 2)
    return theta


@pytest.mark.parametrize("name", CASES)
def test_parabola(name):
    optimizer, rate, _ = CASES[name]
    theta = minimise(parabola, optimizer, rate, (1.0, -1.0), 800)
    assert parabola(theta)[0][0] < 1e-6


@pytest.mark.parametrize("name", CASES)
def test_rosenbrock(name):
    optimizer, _, rate = CASES[name]
    theta = minimise(rosenbrock, optimizer, rate, (-0.5, 0.5), 20_000)
    assert rosenbrock(theta)[0][0] < 1e-2
    assert rosenbrock(np.array([[-0.5, 0.5]]))[0][0] > 5


def test_the_cases_cover_the_table():
    assert {type(optimizer) for optimizer, _, _ in CASES.values()} == set(OPTIMIZERS.values())


def test_decay_pulls_weights_and_spares_biases():
    theta = np.ones((1, 4))
    slots = [np.zeros((1, 4)), np.zeros((1, 4))]
    AdamW(decay=0.5).update(theta, np.zeros((1, 4)), slots, 1, 0.1, 3)
    assert theta[0].tolist() == [0.95, 0.95, 0.95, 1.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "make", [lambda m: SGD(m), lambda m: SGD(m, nesterov=True), lambda m: AdamW(decay=m)]
)
def test_a_column_of_numbers_gives_each_replica_its_own_bits(make, dtype):
    rng = np.random.default_rng(0)
    numbers, rates = [0.3, 0.9, 0.7], [0.1, 0.3, 1e-3]
    start, grads = rng.normal(size=(3, 9)).astype(dtype), rng.normal(size=(4, 3, 9)).astype(dtype)
    together, optimizer = start.copy(), for_replicas(make(numbers), range(3))
    slots = [np.zeros_like(start) for _ in range(optimizer.n_slots)]
    for number, grad in enumerate(grads, 1):
        optimizer.update(together, grad.copy(), slots, number, np.array(rates)[:, None], 5)
    for replica in range(3):
        alone = start[replica : replica + 1].copy()
        own = make(numbers[replica])
        slots = [np.zeros_like(alone) for _ in range(own.n_slots)]
        for number, grad in enumerate(grads, 1):
            own.update(alone, grad[replica : replica + 1].copy(), slots, number, rates[replica], 5)
        assert alone.tobytes() == together[replica].tobytes()


def test_clipping_keeps_direction_and_short_gradients():
    grad = np.random.default_rng(0).normal(size=(2, 50)) * [[10.0], [0.01]]
    before = grad.copy()
    clip(grad, 1.0)
    assert np.linalg.norm(grad[0]) == pytest.approx(1, abs=1e-5)
    assert grad[0] / np.linalg.norm(grad[0]) == pytest.approx(before[0] / np.linalg.norm(before[0]))
    assert np.array_equal(grad[1], before[1])


def test_max_norm_limits_what_enters_each_unit():
    network = perceptron(20, [10], 3)
    theta = np.random.default_rng(0).normal(size=(2, network.n_parameters))
    views = network.bind(theta)
    before = views[0][0].copy(), views[0][1].copy()
    limit_norms(network, views, 3.0)
    lengths = np.linalg.norm(before[0], axis=-2)
    assert np.linalg.norm(views[0][0], axis=-2) == pytest.approx(np.minimum(lengths, 3.0))
    assert np.array_equal(views[0][1], before[1])
    assert (lengths > 3).any()
