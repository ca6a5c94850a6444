"""The engine on a device that is none: one code, whose arrays decide where it runs."""

from __future__ import annotations

import dataclasses
import importlib
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import special

from mlexp.data.rows import Rows
from mlexp.nn import device as devices
from mlexp.nn.activations import ACTIVATIONS
from mlexp.nn.batches import Coded, Subset, one_hot
from mlexp.nn.fit import Data, Settings, fit
from mlexp.nn.layers import Activation, BatchNorm, Dense, Dropout
from mlexp.nn.learners import PerceptronClassifier
from mlexp.nn.losses import LOSSES
from mlexp.nn.network import Network, perceptron
from mlexp.nn.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from mlexp.nn.schedules import cosine, on_plateau, warm_up
from mlexp.nn.sequential import Residual
from mlexp.nn.stack import fit_stack
from mlexp.nn.state import begin, from_arrays
from strict import COPIES, LAUNCHES, Strict, device

OPTIMIZERS = (
    SGD(),
    SGD(0.9),
    SGD([0.5, 0.9, 0.7], nesterov=True),
    RMSprop(),
    Adagrad(),
    Adam(),
    AdamW([0.1, 0.0, 0.3]),
)


@pytest.fixture(autouse=True)
def _counters(monkeypatch):
    LAUNCHES.clear()
    COPIES.clear()

    def found(name):
        if name != "cupyx.scipy.special":
            return importlib.import_module(name)
        return SimpleNamespace(ndtr=lambda X: Strict(special.ndtr(X.inner)))

    monkeypatch.setattr(devices, "import_module", found)


def data(loss, n_rows=60, n_features=5, n_outputs=3, dtype="float32", weighted=False):
    rng = np.random.default_rng(1)
    stored = rng.integers(0, 256, (n_rows, n_features), dtype=np.uint8)
    X = Rows(stored, rng.permutation(n_rows), 1 / 255, rng.normal(size=n_features), dtype)
    if loss == "cross_entropy":
        T = Coded(rng.integers(0, n_outputs, n_rows), one_hot(n_outputs, dtype))
    elif loss == "binary_cross_entropy":
        T = rng.integers(0, 2, (n_rows, n_outputs)).astype(dtype)
    else:
        T = rng.normal(size=(n_rows, n_outputs))
    weights = rng.uniform(size=n_rows).astype(dtype) if weighted else None
    half = Subset(X, np.arange(n_rows // 2))
    return Data(X, T, weights), Data(half, T if isinstance(T, Coded) else T[: n_rows // 2])


def both(
    network,
    loss,
    optimizer,
    how,
    *,
    n=3,
    dtype="float32",
    metrics=(),
    weighted=False,
    epochs=(3,),
    diagnose=False,
):
    """Train on the host and on the device; return the arrays of both, and what was seen of the layers."""
    train, validation = data(
        loss, n_outputs=network.n_outputs, n_features=network.n_features, dtype=dtype, weighted=weighted
    )
    ended = []
    for like in (None, device()):
        state = begin([network] * n, optimizer, list(range(n)), dtype)
        seen: list[object] = []
        for last in epochs:
            state = from_arrays(state.to_arrays())
            settings = dataclasses.replace(how, epochs=epochs[-1])
            fit(
                network, LOSSES[loss], optimizer, settings, state, train, validation, metrics=metrics, like=like,
                on_diagnosis=(lambda replica, row, seen=seen: seen.append((replica, row))) if diagnose else None,
                should_stop=lambda state=state, last=last: state.epoch >= last,
            )  # fmt: skip
        ended.append((state.to_arrays(), seen))
    return ended


def same(ended):
    (host, seen), (there, seen_there) = ended
    assert host.keys() == there.keys()
    for name, array in host.items():
        assert array.tobytes() == there[name].tobytes(), name
    assert repr(seen) == repr(seen_there)
    assert host["history"].size


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("n", [1, 3])
def test_every_activation(kind, n):
    network = perceptron(5, [6, 4], 3, activation=kind)
    same(both(network, "cross_entropy", SGD(0.9), Settings(0.1, batch_size=16), n=n, diagnose=True))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n_outputs", [1, 2, 3, 7])
def test_every_loss_with_its_metrics(loss, n_outputs):
    if (loss, n_outputs) == ("cross_entropy", 1):
        pytest.skip("one class")
    network = perceptron(5, [6], n_outputs)
    classes = loss == "cross_entropy" or (loss == "binary_cross_entropy" and n_outputs == 1)
    metrics = ("precision", "f1") if classes else ("r2",) if LOSSES[loss].hits is None else ()
    same(both(network, loss, Adam(), Settings(0.01, batch_size=16), metrics=metrics, weighted=True))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("rate", [0.01, [0.01, 0.1, 0.003]])
def test_every_optimizer(optimizer, rate):
    network = perceptron(5, [6], 3)
    same(both(network, "cross_entropy", optimizer, Settings(rate, batch_size=16, drop_last=True)))


@pytest.mark.parametrize("schedule", [cosine(5), on_plateau(0.5, 0), warm_up(2)])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_schedules_penalties_and_limits(schedule, reduction):
    how = Settings(
        0.01, schedule, 16, l1=1e-3, l2=[1e-2, 0.0, 1e-3], clip_norm=0.5, max_norm=1.0, reduction=reduction
    )
    same(both(perceptron(5, [6], 3), "cross_entropy", SGD(0.9), how))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [None, 7, 59])
def test_layers_that_draw_and_that_keep_running_values(dtype, batch_size):
    inner = Residual((Dense(6), BatchNorm(), Activation("relu"), Dropout(0.3)))
    network = Network(
        (Dropout(0.2), Dense(6), inner, Dense(4, bias=False), BatchNorm(), Activation("tanh"), Dense(3)), 5
    )
    same(both(network, "cross_entropy", Adam(), Settings(0.01, batch_size=batch_size), dtype=dtype))


@pytest.mark.parametrize("n", [1, 3])
def test_early_stopping_leaves_the_stack_and_a_resumed_training_is_the_same(n):
    network = perceptron(5, [8], 3, dropout=0.1)
    how = Settings([1.0, 0.05, 1e-4][:n], batch_size=16, patience=2)
    ended = both(network, "cross_entropy", SGD(0.9), how, n=n, epochs=(2, 5, 40))
    same(ended)
    assert "patience" in ended[1][0]["status"]


def test_an_estimator_ends_on_the_host_with_the_bits_of_the_host():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 4)), rng.integers(0, 3, 80)
    found = []
    for like in (None, device()):
        models = [PerceptronClassifier(hidden=[6], epochs=3, seed=seed) for seed in range(2)]
        state = fit_stack(models, X, y, like=like)
        assert type(state.theta) is type(models[0].theta_) is np.ndarray
        found.append(models[1].predict_proba(X).tobytes())
    assert found[0] == found[1]


def launches_of_a_step(optimizer, n):
    network = perceptron(5, [16, 8], 10)
    train, _ = data("cross_entropy", 160, n_outputs=10)
    counted = []
    for n_rows in (40, 40, 80):  # one block of batches each: what remains is what two more steps cost
        LAUNCHES.clear()
        state = begin([network] * n, optimizer, list(range(n)), "float32")
        rows = Data(Subset(train.X, np.arange(n_rows)), Coded(train.T.codes[:n_rows], train.T.table))
        how = Settings(0.1, batch_size=20, epochs=1)
        fit(network, LOSSES["cross_entropy"], optimizer, how, state, rows, like=device())
        counted.append(sum(LAUNCHES.values()))
    return (counted[2] - counted[1]) / 2


@pytest.mark.parametrize(
    ("optimizer", "most"), [(SGD(), 32), (SGD(0.9), 34), (Adam(), 42)], ids=["sgd", "momentum", "adam"]
)
def test_launches_of_a_step_are_few_and_as_many_for_any_number_of_replicas(optimizer, most):
    counts = {launches_of_a_step(optimizer, n) for n in (1, 4)}
    assert len(counts) == 1
    assert counts.pop() <= most


def test_what_goes_to_the_device_in_an_epoch_is_the_order_and_what_comes_back_are_sums():
    network = perceptron(5, [6], 3)
    train, validation = data("cross_entropy")
    copies = []
    for epochs in (1, 4):
        COPIES.clear()
        state = begin([network], Adam(), [0])
        how = Settings(batch_size=16, epochs=epochs, patience=None)
        fit(network, LOSSES["cross_entropy"], Adam(), how, state, train, validation, like=device())
        copies.append(dict(COPIES))
    assert {name: (copies[1][name] - copies[0][name]) / 3 for name in copies[0]} == {
        "to device": 2,
        "to host": 4,
    }


@pytest.mark.parametrize("refused", [
    lambda X: np.asarray(X), lambda X: float(X[0]), lambda X: X + np.ones(1), lambda X: np.maximum.reduce(X),
    lambda X: X * np.array(2.0), lambda X: np.ascontiguousarray(X), lambda X: np.ones(2, like=X), lambda X: list(X),
    lambda X: special.ndtr(X),
])  # fmt: skip
def test_the_stand_in_refuses_what_a_device_refuses(refused):
    with pytest.raises((TypeError, AssertionError)):
        refused(device())


def test_the_host_never_imports_the_kernels():
    import subprocess
    import sys

    code = "import sys, mlexp.nn.learners; print([m for m in sys.modules if 'cup' in m or 'nn.cuda' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
