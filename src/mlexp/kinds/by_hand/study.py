"""Calculations small enough to follow by hand, made by the layers of the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.errors import ConfigError
from mlexp.kinds.observer import Observer, Plan
from mlexp.nn.layers import PREDICT, Activation, Dense
from mlexp.nn.losses import squared_error
from mlexp.nn.network import Network
from mlexp.nn.sequential import Residual
from mlexp.store.result import Columns, Result

PARAMETERS = ("w1", "b1", "w2", "b2")
STEPS = 10.0 ** -np.arange(1.0, 12.5, 0.5)
SIGMOID = Activation("sigmoid")


def study(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Carry out the calculation `by_hand.calculation`, with every intermediate value in a table."""
    return CALCULATIONS[config.by_hand.calculation](config, dataset, observer)


def _backprop(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """One step of gradient descent on a 1-1-1 network with the mean squared error."""
    node = config.by_hand
    if len(node.x) != len(node.y) or not node.x:
        raise ConfigError(
            f"by_hand.x and by_hand.y must have the same length, at least 1. Got {len(node.x)} and {len(node.y)}."
        )
    if len(node.weights) != len(PARAMETERS):
        raise ConfigError(f"by_hand.weights must be w1, b1, w2, b2. Got {len(node.weights)} numbers.")
    chosen, rate = config.model.activation, config.model.learning_rate
    activation = chosen if isinstance(chosen, str) else chosen[0]
    network = Network((Dense(1), Activation(activation), Dense(1)), 1)
    observer.started(_plan(dataset, len(node.x), 1, network.summary()))
    x, y = np.array(node.x, float)[:, None], np.array(node.y, float)[:, None]
    before = dict(zip(PARAMETERS, map(float, node.weights), strict=True))
    rows, loss, gradient = _one_pass(network, before, x, y)
    after = {name: before[name] - rate * gradient[name] for name in PARAMETERS}
    _, loss_after, _ = _one_pass(network, after, x, y)
    facts = {"activation": activation, "learning_rate": rate, "mse": loss, "mse_after": loss_after}
    return Result(
        metrics={"before": {"mse": loss}, "after": {"mse": loss_after}},
        tables={
            "rows": rows,
            "step": {
                "parameter": list(PARAMETERS),
                "before": list(before.values()),
                "gradient": [gradient[name] for name in PARAMETERS],
                "after": list(after.values()),
            },
        },
        facts=facts,
    )


def _one_pass(
    network: Network, values: dict[str, float], x: np.ndarray, y: np.ndarray
) -> tuple[Columns, float, dict[str, float]]:
    """Return every intermediate value of each row, the loss and the gradient of each parameter."""
    first, function, last = network.layers
    w1, b1, w2, b2 = (np.array([[values[name]]]) for name in PARAMETERS)
    z, back_first = first.forward([w1, b1], x, PREDICT)
    a, back_function = function.forward([], z, PREDICT)
    predicted, back_last = last.forward([w2, b2], a, PREDICT)
    loss, d_predicted = squared_error(predicted, y)
    d = {name: np.empty((1, 1)) for name in PARAMETERS}
    d_a = back_last(d_predicted, [d["w2"], d["b2"]], True)
    assert d_a is not None
    d_z = back_function(d_a, [], True)
    assert d_z is not None
    back_first(d_z, [d["w1"], d["b1"]], False)
    columns = {
        "x": x,
        "y": y,
        "z = w1 x + b1": z,
        "a = f(z)": a,
        "yhat = w2 a + b2": predicted,
        "error = yhat - y": predicted - y,
        "squared error": (predicted - y) ** 2,
        "dE/dyhat = 2 error / n": d_predicted,
        "dE/da = w2 dE/dyhat": d_a,
        "dE/dz = f'(z) dE/da": d_z,
        "share of dE/dw1 = x dE/dz": x * d_z,
        "share of dE/db1 = dE/dz": d_z,
        "share of dE/dw2 = a dE/dyhat": a * d_predicted,
        "share of dE/db2 = dE/dyhat": d_predicted,
    }
    rows = {name: values[:, 0].tolist() for name, values in columns.items()}
    return rows, float(loss), {name: float(value[0, 0]) for name, value in d.items()}


def _residual(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Check dE/dx of a residual block by formula, by the engine and by finite differences.

    E = S + R with y = x + W2 h, h = sigma(W1 x), S = ||y - s||²/2 and R = rᵀ h; then
    dE/dx = (y - s) + W1ᵀ diag(h (1 - h)) (W2ᵀ (y - s) + r).
    """
    node = config.by_hand
    rng = np.random.default_rng(config.seed)
    W1, W2 = rng.normal(size=(node.hidden, node.width)), rng.normal(size=(node.width, node.hidden))
    x, s, r = rng.normal(size=node.width), rng.normal(size=node.width), rng.normal(size=node.hidden)
    block = Residual((Dense(node.hidden, bias=False), SIGMOID, Dense(node.width, bias=False)))
    observer.started(_plan(dataset, 1, node.width, Network((block,), node.width).summary()))

    def energy(x: np.ndarray) -> float:
        h = 1 / (1 + np.exp(-W1 @ x))
        return float(0.5 * np.sum((x + W2 @ h - s) ** 2) + r @ h)

    h = 1 / (1 + np.exp(-W1 @ x))
    e = x + W2 @ h - s
    formula = e + W1.T @ (h * (1 - h) * (W2.T @ e + r))
    engine = _by_engine(block, (W1, W2), x, s, r)
    differences = np.array([_central(energy, x, step) for step in STEPS])
    errors = np.abs(differences - formula).max(axis=1) / np.abs(formula).max()
    best = int(errors.argmin())
    relative = {
        "engine": float(np.abs(engine - formula).max() / np.abs(formula).max()),
        "finite differences": float(errors[best]),
    }
    return Result(
        metrics={"relative_error": relative},
        tables={
            "gradient": {
                "component": [f"x{i + 1}" for i in range(node.width)],
                "formula": formula.tolist(),
                "engine": engine.tolist(),
                "finite_differences": differences[best].tolist(),
                "relative_error_engine": _relative(engine, formula),
                "relative_error_differences": _relative(differences[best], formula),
            },
            "step_size": {"step": STEPS.tolist(), "relative_error": errors.tolist()},
        },
        facts={"energy": energy(x), "best_step": float(STEPS[best])},
    )


def _by_engine(
    block: Residual, weights: tuple[np.ndarray, np.ndarray], x: np.ndarray, s: np.ndarray, r: np.ndarray
) -> np.ndarray:
    """Return dE/dx by the backward functions of the engine's layers: S through the block, R through h."""
    W1, W2 = (W.T for W in weights)  # the engine multiplies rows from the left: Y = X W
    grads = [np.empty_like(W1), np.empty_like(W2)]
    y, back = block.forward([W1, W2], x[None], PREDICT)
    d_block = back(y - s, grads, True)
    z, back_dense = block.layers[0].forward([W1], x[None], PREDICT)
    _, back_sigmoid = SIGMOID.forward([], z, PREDICT)
    d_z = back_sigmoid(r[None], [], True)
    assert d_z is not None
    d_hidden = back_dense(d_z, grads[:1], True)
    assert d_block is not None
    assert d_hidden is not None
    total: np.ndarray = d_block[0] + d_hidden[0]
    return total


def _central(energy: Callable[[np.ndarray], float], x: np.ndarray, step: float) -> np.ndarray:
    """Return (E(x + step e_i) - E(x - step e_i)) / (2 step) for every i."""
    moves = step * np.eye(len(x))
    return np.array([(energy(x + move) - energy(x - move)) / (2 * step) for move in moves])


def _relative(values: np.ndarray, true: np.ndarray) -> list[float]:
    found: list[float] = (np.abs(values - true) / np.abs(true)).tolist()
    return found


def _plan(dataset: Dataset, n_rows: int, n_features: int, summary: list[dict[str, Any]]) -> Plan:
    return Plan(
        dataset={
            "name": "by hand",
            "n_features": n_features,
            "classes": [],
            "fingerprint": dataset.fingerprint,
        },
        split={"given": n_rows, "fingerprint": dataset.fingerprint},
        model=summary,
        n_parameters=sum(row["parameters"] for row in summary),
    )


CALCULATIONS = {"backprop": _backprop, "residual": _residual}
