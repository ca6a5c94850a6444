"""What several tests share: the gradient checker, small networks, functions to minimise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlexp.nn.layers import Activation, Mode
from mlexp.nn.losses import Loss
from mlexp.nn.network import Network

KINKS = {"relu": (0.0,), "leaky_relu": (0.0,), "elu": (0.0,), "hard_sigmoid": (-2.5, 2.5)}
MARGIN = 1e-3
STEP = 1e-5


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """‖a − b‖ / (‖a‖ + ‖b‖), 0 where both vanish."""
    total = np.linalg.norm(found) + np.linalg.norm(expected)
    return float(np.linalg.norm(found - expected) / total) if total > 1e-12 else 0.0


def central_differences(value: Callable[[np.ndarray], np.ndarray], at: np.ndarray) -> np.ndarray:
    """Differentiate along the last axis of `at`; `value` gives one number for each leading item."""
    slopes = np.empty_like(at)
    for place in range(at.shape[-1]):
        up, down = at.copy(), at.copy()
        up[..., place] += STEP
        down[..., place] -= STEP
        slopes[..., place] = (value(up) - value(down)) / (2 * STEP)
    return slopes


def analytic(
    network: Network,
    loss: Loss,
    theta: np.ndarray,
    X: np.ndarray,
    T: np.ndarray,
    reduction: str = "mean",
    mode: Callable[[], Mode] = Mode,
) -> np.ndarray:
    """The gradient by backpropagation, over garbage, so that what is not written shows."""
    grad = np.full_like(theta, np.nan)
    Y, backward = network.forward(network.bind(theta, running(network, theta)), X, mode())
    backward(loss(Y, T, reduction)[1], network.bind(grad))
    return grad


def numeric(
    network: Network,
    loss: Loss,
    theta: np.ndarray,
    X: np.ndarray,
    T: np.ndarray,
    reduction: str = "mean",
    mode: Callable[[], Mode] = Mode,
) -> np.ndarray:
    """The gradient by central differences of the very same loss."""

    def value(at: np.ndarray) -> np.ndarray:
        Y, _ = network.forward(network.bind(at, running(network, at)), X, mode())
        return loss(Y, T, reduction)[0]

    return central_differences(value, theta)


def running(network: Network, theta: np.ndarray) -> np.ndarray:
    start = network.start_running("float64")
    return np.broadcast_to(start, (*theta.shape[:-1], len(start))).copy()


def starts(network: Network, n_replicas: int | None, rng: np.random.Generator) -> np.ndarray:
    """Random parameters, biases included, with or without a replica axis."""
    shape = (network.n_parameters,) if n_replicas is None else (n_replicas, network.n_parameters)
    return rng.normal(scale=0.7, size=shape)


def near_a_kink(network: Network, theta: np.ndarray, X: np.ndarray) -> bool:
    """Whether an input of an activation lies where its slope jumps: differences mean nothing there."""
    found = [X, *network.outputs(network.bind(theta, running(network, theta)), X)]
    for layer, entering in zip(network.layers, found, strict=False):
        kinks = (
            KINKS.get(layer.kind, ()) if isinstance(layer, Activation) and isinstance(layer.kind, str) else ()
        )
        if any((np.abs(entering - kink) < MARGIN).any() for kink in kinks):
            return True
    return False


def near_a_kink_of_the_loss(name: str, Y: np.ndarray, T: np.ndarray) -> bool:
    distance = np.abs(Y - T)
    if name == "mae":
        return bool((distance < MARGIN).any())
    return bool(name == "huber" and (np.abs(distance - 1) < MARGIN).any())


def targets_for(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Targets that suit a loss: rows that sum to 1, numbers in [0, 1], any numbers."""
    if name == "cross_entropy":
        return rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])
    if name == "binary_cross_entropy":
        return rng.uniform(size=shape)
    return rng.normal(size=shape)


def parabola(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x² + 10 y², smallest at (0, 0)."""
    curvature = np.array([1.0, 10.0])
    return (curvature * theta**2).sum(axis=-1), 2 * curvature * theta


def rosenbrock(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(1 − x)² + 100 (y − x²)², smallest at (1, 1)."""
    x, y = theta[..., 0], theta[..., 1]
    slope = np.stack([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)], axis=-1)
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2, slope
