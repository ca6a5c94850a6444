"""One step of a small network: forward, the chain rule back, the update, all against the engine and differences."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.errors import ConfigError, shortened
from mlexp.kinds.by_hand import backprop_steps, given
from mlexp.kinds.by_hand.differences import central
from mlexp.kinds.by_hand.functions import ACTIVATIONS, PER_OUTPUT, first_step
from mlexp.kinds.by_hand.latex import NAME
from mlexp.kinds.by_hand.net import Net
from mlexp.kinds.by_hand.settings import ByHand
from mlexp.kinds.observer import Observer
from mlexp.nn import losses
from mlexp.nn.hyperparameters import optimizer_of
from mlexp.nn.network import Network, perceptron
from mlexp.store.result import Columns, Result

STEP = 1e-6  # of the central differences
MOST_PARAMETERS = 400
REPORT: tuple[list[Any], list[Any], list[float]] = (
    [1, 2, 3],
    [3, 4, 5],
    [0.1, 0, 0.2, 0],
)  # report B: x, y and w1, b1, w2, b2
SOFTMAX: tuple[list[Any], list[Any]] = ([[1, 2], [2, 0], [0, 1]], [0, 1, 2])


def backprop(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """One step of a small network from typed numbers: every value forward, every gradient back, the update."""
    return _step(config, dataset, observer, list(config.model.hidden), config.of(ByHand).loss)


def softmax_regression(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """One step of softmax regression: a network without hidden layer and with cross-entropy."""
    return _step(config, dataset, observer, [], "cross_entropy")


def _step(config: Config, dataset: Dataset, observer: Observer, hidden: list[int], loss: str) -> Result:
    net, X, T, network = _given(config, dataset, hidden, loss)
    theta = net.flat(net.weights)
    with np.errstate(all="ignore"):
        grads, dZs, dAs = net.backward(X, T)
        gradient = net.flat(grads)
        if not (np.isfinite(gradient).all() and np.isfinite(net.value(X, T))):
            raise ConfigError("The numbers of by_hand overflow. Give smaller by_hand.x or by_hand.weights.")
    observer.started(given.plan(dataset, len(X), X.shape[1], network.summary()))
    engine, after = _by_engine(config, network, net, X, T)
    differences = central(lambda moved: net.with_flat(moved).value(X, T), theta, STEP)
    by_formula = first_step(config.model, theta, gradient, _is_weight(net))
    checked = {
        "largest": float(np.abs(gradient).max()),
        "engine": float(np.abs(engine - gradient).max()),
        "finite differences": float(np.abs(differences - gradient).max()),
        "update": float(np.abs(after - by_formula).max()),
    }
    errors = net.value(X, T), net.with_flat(after).value(X, T)
    script = backprop_steps.script(config, net, X, T, net.with_flat(after), errors, checked)
    columns = {"parameter": net.names()}
    values = {"formula": gradient, "engine": engine, "finite_differences": differences}
    tables: dict[str, Columns] = {
        "step": columns | {"before": theta.tolist(), "gradient": gradient.tolist(), "after": after.tolist()},
        "gradient_check": columns | {name: found.tolist() for name, found in values.items()},
        NAME: script.table(),
    }
    facts: dict[str, Any] = {
        "calculation": config.of(ByHand).calculation,
        "loss": loss,
        "activation": net.activations[0] if net.activations else "linear",
        "learning_rate": config.model.learning_rate,
        "checks": checked,
    }
    if net.is_smallest and loss == "mse":
        tables = {"rows": _rows(net, X, T, dZs, dAs)} | tables
        facts |= {"mse": errors[0], "mse_after": errors[1]}
    metrics = {"before": {loss: errors[0]}, "after": {loss: errors[1]}}
    return Result(metrics=metrics, tables=tables, facts=facts, warnings=_kinks(net, X))


def _given(
    config: Config, dataset: Dataset, hidden: list[int], loss: str
) -> tuple[Net, np.ndarray, np.ndarray, Network]:
    """Return the network with its numbers, inputs, targets and the engine's network."""
    model = config.model
    if model.dropout or model.input_dropout or model.batch_norm:
        raise ConfigError(
            "by_hand derives dense layers with activations alone: model.dropout, model.input_dropout and "
            "model.batch_norm must be off."
        )
    chosen = model.activation
    activations = [chosen] * len(hidden) if isinstance(chosen, str) else list(chosen)
    rng = given.generator(config)
    X, T = _rows_and_targets(config, dataset, loss, rng)
    network = perceptron(X.shape[1], hidden, T.shape[1], activation=activations, bias=model.bias)
    if network.n_parameters > MOST_PARAMETERS:
        raise ConfigError(
            f"by_hand needs a network of at most {MOST_PARAMETERS} parameters. model.hidden={hidden} makes "
            f"{network.n_parameters:,}."
        )
    widths = [X.shape[1], *hidden, T.shape[1]]
    empty = [(np.zeros((m, n)), np.zeros((1, n))) for m, n in pairwise(widths)]
    per_row = T.shape[1] if loss in PER_OUTPUT else 1
    factor = (1 if model.reduction == "sum" else 1 / len(X)) / per_row
    net = Net(empty, activations, loss, factor, model.bias)
    return net.with_flat(_weights(config, net, X, rng)), X, T, network


def _weights(config: Config, net: Net, X: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
    """Return the initial parameters: typed, those of the report, or drawn, away from the kinks of the activations."""
    names, typed = net.names(), config.of(ByHand).weights
    if typed is not None:
        if len(typed) != len(names):
            words = "w1, b1, w2, b2" if net.is_smallest else f"the {len(names)} numbers {', '.join(names)}"
            raise ConfigError(f"by_hand.weights must be {shortened(words)}. Got {len(typed)} numbers.")
        theta = np.array(typed, float)
        given.within(theta, "by_hand.weights")
        return theta
    if net.is_smallest and rng is None:
        return np.array(REPORT[2], float)
    rng = rng or np.random.default_rng([config.seed, 78])
    for _ in range(100):
        theta = given.tenths(rng, len(names))
        if net.is_smallest:
            theta[[1, 3]] = 0
        drawn = net.with_flat(theta)
        if not _kinks(drawn, X) and all(np.any(A) for A in drawn.forward(X)[1]):
            break
    return theta


def _rows_and_targets(
    config: Config, dataset: Dataset, loss: str, rng: np.random.Generator | None
) -> tuple[np.ndarray, np.ndarray]:
    node = config.of(ByHand)
    classes = loss in ("cross_entropy", "binary_cross_entropy")
    default_x, default_y = _example(loss, rng)
    of_data = node.x is None and len(dataset.X) and rng is None
    X = given.points(config, dataset, default_x)
    y = node.y if node.y is not None else dataset.y.astype(float).tolist() if of_data else default_y
    T = given.table(y, "by_hand.y")
    if len(X) != len(T):
        raise ConfigError(
            f"by_hand.x and by_hand.y must have the same length, at least 1. Got {len(X)} and {len(T)}."
        )
    if not classes:
        return X, T
    codes = T[:, 0].astype(int)
    most = 1 if loss == "binary_cross_entropy" else given.MOST_COLUMNS - 1
    if T.shape[1] != 1 or (codes != T[:, 0]).any() or codes.min() < 0 or codes.max() > most:
        raise ConfigError(f"by_hand.y must hold classes 0 to {most} for by_hand.loss={loss}. Got {y}.")
    if loss == "binary_cross_entropy":
        return X, T
    return X, np.eye(max(2, codes.max() + 1))[codes]


def _example(loss: str, rng: np.random.Generator | None) -> tuple[list[Any], list[Any]]:
    """Return the rows and targets of the report, or others drawn for an exercise."""
    binary = loss == "binary_cross_entropy"
    if rng is None:
        return SOFTMAX if loss == "cross_entropy" else (REPORT[0], [0, 0, 1] if binary else REPORT[1])
    if loss == "cross_entropy":
        return rng.integers(0, 4, (3, 2)).tolist(), rng.permutation(3).tolist()
    y = rng.permutation(np.array([0, 1, 1])) if binary else rng.integers(1, 10, 3)
    return rng.choice(np.arange(1, 7), 3, replace=False).tolist(), y.tolist()


def _kinks(net: Net, X: np.ndarray) -> list[str]:
    """Say where an activation has no derivative."""
    Zs, _ = net.forward(X)
    return [
        f"A pre-activation of layer {layer} lies at a kink of {name}, where it has no derivative: the formula takes "
        "the slope of one side, finite differences another."
        for layer, (Z, name) in enumerate(zip(Zs, net.activations, strict=False), 1)
        if any((np.abs(Z - kink) < 1e-9).any() for kink in ACTIVATIONS[name].kinks)
    ]


def _is_weight(net: Net) -> np.ndarray:
    return np.concatenate(
        [np.repeat([True, False], [W.size, b.size if net.bias else 0]) for W, b in net.weights]
    )


def _by_engine(
    config: Config, network: Network, net: Net, X: np.ndarray, T: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the engine's gradient and its parameters after one step of its optimizer, in the order of `Net.names`."""
    theta, gradient = np.zeros((1, network.n_parameters)), np.zeros((1, network.n_parameters))
    views, grads = network.bind(theta[0]), network.bind(gradient[0])
    dense = [position for position, mine in enumerate(views) if mine]
    for position, (W, b) in zip(dense, net.weights, strict=True):
        views[position][0][...] = W
        if net.bias:
            views[position][1][...] = b
    output, backward = network.forward(views, X)
    _, slope = losses.LOSSES[net.loss](output, T, config.model.reduction)
    backward(slope, grads)

    def ordered(bound: list[list[np.ndarray]]) -> np.ndarray:
        return np.concatenate([part.ravel() for position in dense for part in bound[position]])

    found = ordered(grads)
    optimizer = optimizer_of([vars(config.model)])
    slots = [np.zeros_like(theta) for _ in range(optimizer.n_slots)]
    optimizer.update(theta, gradient, slots, 1, config.model.learning_rate, network.n_weights)
    return found, ordered(network.bind(theta[0]))


def _rows(net: Net, X: np.ndarray, T: np.ndarray, dZs: list[np.ndarray], dAs: list[np.ndarray]) -> Columns:
    """Return every intermediate value of each row of the smallest network."""
    (z, _), (x, a, predicted) = net.forward(X)
    d_z, d_predicted = dZs
    columns = {
        "x": x,
        "y": T,
        "z = w1 x + b1": z,
        "a = f(z)": a,
        "yhat = w2 a + b2": predicted,
        "error = yhat - y": predicted - T,
        "squared error": (predicted - T) ** 2,
        "dE/dyhat = 2 error / n": d_predicted,
        "dE/da = w2 dE/dyhat": dAs[0],
        "dE/dz = f'(z) dE/da": d_z,
        "share of dE/dw1 = x dE/dz": x * d_z,
        "share of dE/db1 = dE/dz": d_z,
        "share of dE/dw2 = a dE/dyhat": a * d_predicted,
        "share of dE/db2 = dE/dyhat": d_predicted,
    }
    return {name: values[:, 0].tolist() for name, values in columns.items()}
