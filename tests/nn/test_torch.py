"""PyTorch as a second opinion: same weights in, 200 steps, the same losses and weights out."""

from __future__ import annotations

import numpy as np
import pytest

from mlexp.nn.layers import Activation, BatchNorm, Dense
from mlexp.nn.losses import LOSSES
from mlexp.nn.network import Network
from mlexp.nn.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from mlexp.nn.schedules import cosine, exponential, on_plateau, step, warm_up

torch = pytest.importorskip("torch")

OPTIMIZERS = {
    "sgd": (SGD(), 0.1, lambda groups: torch.optim.SGD(groups, lr=0.1)),
    "momentum": (SGD(0.9), 0.05, lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9)),
    "nesterov": (
        SGD(0.9, True),
        0.05,
        lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True),
    ),
    "rmsprop": (RMSprop(), 1e-3, lambda groups: torch.optim.RMSprop(groups, lr=1e-3)),
    "adagrad": (Adagrad(), 0.05, lambda groups: torch.optim.Adagrad(groups, lr=0.05)),
    "adam": (Adam(), 1e-3, lambda groups: torch.optim.Adam(groups, lr=1e-3)),
    "adamw": (AdamW(0.05), 1e-3, lambda groups: torch.optim.AdamW(groups, lr=1e-3, weight_decay=0.05)),
}
N_STEPS = 200
L2 = 1e-3


def problem(dtype):
    """8-16-12-3 with batch normalisation and tanh, twenty batches of 32 rows.

    No bias before the normalisation: its gradient is 0 but for rounding, which adaptive steps blow up.
    """
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 32, 8)).astype(dtype)
    codes = (np.abs(X[..., 0]) + X[..., 1] * X[..., 2] > 0.7).astype(int) + (X[..., 3] > 1)
    network = Network(
        (Dense(16, bias=False), BatchNorm(), Activation("tanh"), Dense(12), Activation("tanh"), Dense(3)), 8
    )
    return X, codes, network, network.start(np.random.default_rng(1), dtype)


def torch_twin(network, theta):
    """The same network in PyTorch with the same weights."""
    layers = [
        torch.nn.Linear(8, 16, bias=False), torch.nn.BatchNorm1d(16), torch.nn.Tanh(),
        torch.nn.Linear(16, 12), torch.nn.Tanh(), torch.nn.Linear(12, 3),
    ]  # fmt: skip
    twin = torch.nn.Sequential(*layers).to(getattr(torch, theta.dtype.name))
    with torch.no_grad():
        for layer, views in zip(layers, network.bind(theta), strict=True):
            if isinstance(layer, torch.nn.Linear):
                layer.weight.copy_(torch.from_numpy(views[0].T.copy()))
            if isinstance(layer, torch.nn.Linear) and layer.bias is not None:
                layer.bias.copy_(torch.from_numpy(views[1][0].copy()))
    return twin


def groups(twin, decay):
    """Weights with L2, biases and normalisation without."""
    weights = [layer.weight for layer in twin if isinstance(layer, torch.nn.Linear)]
    others = [
        parameter for parameter in twin.parameters() if all(parameter is not weight for weight in weights)
    ]
    key = {} if decay is None else {"weight_decay": decay}
    return [{"params": weights, **key}, {"params": others, "weight_decay": 0.0}]


def ours(name, dtype, l2, rates):
    X, codes, network, theta = problem(dtype)
    optimizer, base, _ = OPTIMIZERS[name]
    theta, grad, running = theta[None], np.zeros_like(theta)[None], network.start_running(dtype)[None]
    views, grads = network.bind(theta, running), network.bind(grad)
    slots, losses = [np.zeros_like(theta) for _ in range(optimizer.n_slots)], []
    for number in range(N_STEPS):
        Y, backward = network.forward(views, X[number % 20][None], mode=training())
        value, dY = LOSSES["cross_entropy"](Y, np.eye(3, dtype=dtype)[codes[number % 20]][None])
        backward(dY, grads)
        grad[:, : network.n_weights] += l2 * theta[:, : network.n_weights]
        optimizer.update(theta, grad, slots, number + 1, base * rates(number), network.n_weights)
        losses.append(float(value[0]))
    return np.array(losses), network, theta[0], running[0]


def training():
    from mlexp.nn.layers import Mode

    return Mode(True, [np.random.default_rng(0)])


def theirs(name, dtype, l2, rates):
    X, codes, network, theta = problem(dtype)
    twin = torch_twin(network, theta)
    optimizer = OPTIMIZERS[name][2](groups(twin, None if name == "adamw" else l2))
    base, losses = OPTIMIZERS[name][1], []
    for number in range(N_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = base * rates(number)
        optimizer.zero_grad()
        Y = twin(torch.from_numpy(X[number % 20]))
        value = torch.nn.functional.cross_entropy(Y, torch.from_numpy(codes[number % 20]))
        value.backward()
        optimizer.step()
        losses.append(float(value.detach()))
    return np.array(losses), twin


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-10)])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_two_hundred_steps(name, dtype, tolerance):
    l2 = 0.0 if name == "adamw" else L2

    def rates(number):
        return cosine(10)(1 + number // 20, [])

    found, network, theta, running = ours(name, dtype, l2, rates)
    expected, twin = theirs(name, dtype, l2, rates)
    assert found == pytest.approx(expected, abs=tolerance)
    assert found[-20:].mean() < 0.9 * found[:20].mean()
    W = network.bind(theta)[0][0]
    assert pytest.approx(twin[0].weight.detach().numpy().T, abs=20 * tolerance) == W
    kept = np.concatenate([twin[1].running_mean.numpy(), twin[1].running_var.numpy()])
    assert running == pytest.approx(kept, abs=20 * tolerance)


def follow(make, losses=None, n_epochs=30):
    """Learning rates that a PyTorch scheduler gives from a base of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, rates = make(optimizer), []
    for epoch in range(n_epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([] if losses is None else [losses[epoch]]))
    return rates


SCHEDULES = {
    "step": (step(7, 0.3), lambda one: torch.optim.lr_scheduler.StepLR(one, 7, 0.3)),
    "exponential": (exponential(0.9), lambda one: torch.optim.lr_scheduler.ExponentialLR(one, 0.9)),
    "cosine": (cosine(30, 0.1), lambda one: torch.optim.lr_scheduler.CosineAnnealingLR(one, 30, 0.1)),
    "warm_up": (warm_up(5), lambda one: torch.optim.lr_scheduler.LinearLR(one, 0.2, total_iters=4)),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name):
    rule, make = SCHEDULES[name]
    assert [rule(epoch, []) for epoch in range(1, 31)] == pytest.approx(follow(make))


@pytest.mark.parametrize("seed", range(4))
def test_plateau(seed):
    losses = np.abs(np.cumsum(np.random.default_rng(seed).normal(-0.2, 0.5, 40)) + 10).tolist()
    expected = follow(
        lambda one: torch.optim.lr_scheduler.ReduceLROnPlateau(one, factor=0.5, patience=2), losses, 40
    )
    rule = on_plateau(0.5, patience=2)
    assert [rule(epoch, losses[: epoch - 1]) for epoch in range(1, 41)] == pytest.approx(expected)


ACTIVATIONS = {
    "elu": torch.nn.functional.elu,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "softplus": torch.nn.functional.softplus,
    "leaky_relu": torch.nn.functional.leaky_relu,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    from mlexp.nn.activations import ACTIVATIONS as OURS

    X = np.linspace(-5, 5, 101)
    expected = ACTIVATIONS[name](torch.from_numpy(X)).numpy()
    assert OURS[name](X)[0] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_label_smoothing(smoothing):
    from mlexp.nn.batches import one_hot

    Z = np.random.default_rng(0).normal(size=(9, 4))
    codes = np.arange(9) % 4
    value, _ = LOSSES["cross_entropy"](Z, one_hot(4, "float64", smoothing)[codes])
    expected = torch.nn.functional.cross_entropy(
        torch.from_numpy(Z), torch.from_numpy(codes), label_smoothing=smoothing
    )
    assert value == pytest.approx(float(expected))


def test_huber():
    Y, T = np.random.default_rng(0).normal(scale=2, size=(2, 9, 3))
    expected = torch.nn.functional.huber_loss(torch.from_numpy(Y), torch.from_numpy(T))
    assert LOSSES["huber"](Y, T)[0] == pytest.approx(float(expected))
