"""Activations, losses and first steps of optimizers as a derivation writes them: formula, slope, and own numbers.

Nothing here uses the engine, so that each of the two can be checked against the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import expit, log_softmax, ndtr, softmax

from mlexp.config.schema import Model
from mlexp.kinds.by_hand.latex import BREAK

Array = np.ndarray
LEAK = 0.01


class Function(NamedTuple):
    """An activation: in LaTeX its formula and its derivative, and both as functions of the pre-activations."""

    formula: str
    derivative: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    kinks: tuple[float, ...] = ()


def _cases(*pairs: tuple[str, str]) -> str:
    rows = BREAK.join(f"{value} & {when}" for value, when in pairs)
    return rf"\begin{{cases}} {rows} \end{{cases}}"


ACTIVATIONS = {
    "linear": Function("z", "1", lambda Z: Z, np.ones_like),
    "sigmoid": Function(
        r"\frac{1}{1 + e^{-z}}", r"f(z)(1 - f(z))", expit, lambda Z: expit(Z) * (1 - expit(Z))
    ),
    "tanh": Function(r"\tanh z", r"1 - f(z)^2", np.tanh, lambda Z: 1 - np.tanh(Z) ** 2),
    "relu": Function(
        r"\max(0, z)",
        _cases(("1", r"z > 0"), ("0", r"z \le 0")),
        lambda Z: np.maximum(Z, 0),
        lambda Z: (Z > 0) * 1.0,
        (0.0,),
    ),
    "leaky_relu": Function(
        rf"\max({LEAK} z, z)",
        _cases(("1", r"z > 0"), (str(LEAK), r"z \le 0")),
        lambda Z: np.where(Z > 0, Z, LEAK * Z),
        lambda Z: np.where(Z > 0, 1.0, LEAK),
        (0.0,),
    ),
    "hard_sigmoid": Function(
        r"\min(1, \max(0, 0.2 z + 0.5))",
        _cases(("0.2", r"0 < f(z) < 1"), ("0", r"\text{elsewhere}")),
        lambda Z: np.clip(0.2 * Z + 0.5, 0, 1),
        lambda Z: np.where(np.abs(Z) < 2.5, 0.2, 0.0),
        (-2.5, 2.5),
    ),
    "elu": Function(
        _cases(("z", r"z > 0"), (r"e^z - 1", r"z \le 0")),
        _cases(("1", r"z > 0"), (r"e^z", r"z \le 0")),
        lambda Z: np.where(Z > 0, Z, np.expm1(np.minimum(Z, 0))),
        lambda Z: np.exp(np.minimum(Z, 0)),
    ),
    "softplus": Function(r"\log(1 + e^z)", r"\frac{1}{1 + e^{-z}}", lambda Z: np.logaddexp(0, Z), expit),
    "silu": Function(
        r"z \sigma(z)",
        r"\sigma(z) + f(z)(1 - \sigma(z))",
        lambda Z: Z * expit(Z),
        lambda Z: expit(Z) * (1 + Z * (1 - expit(Z))),
    ),
    "gelu": Function(
        r"z \Phi(z)",
        r"\Phi(z) + \frac{z}{\sqrt{2 \pi}} e^{-z^2 / 2}",
        lambda Z: Z * ndtr(Z),
        lambda Z: ndtr(Z) + Z * np.exp(-Z * Z / 2) / np.sqrt(2 * np.pi),
    ),
    "softmax": Function(
        r"\frac{e^{z_k}}{\sum_j e^{z_j}}",
        r"\frac{\partial f_k}{\partial z_j} = f_k (\delta_{k j} - f_j)",
        lambda Z: softmax(Z, axis=1),
        np.ones_like,  # no slope of its own: see `pulled_back`
    ),
}


def pulled_back(name: str, Z: Array, dA: Array) -> Array:
    """Return the gradient by pre-activations from that by activations, both (n, width)."""
    if name == "softmax":
        A = softmax(Z, axis=1)
        found: Array = A * (dA - (dA * A).sum(axis=1, keepdims=True))
        return found
    passed: Array = dA * ACTIVATIONS[name].slope(Z)
    return passed


class LossFormula(NamedTuple):
    """A loss: its name, in LaTeX its value and its gradient by the output, and both as functions of output and target.

    `value` is the loss of each row, `gradient` that of their sum, which is a `multiple` of the LaTeX one; the factor
    of the mean is left out of both formulas.
    """

    title: str
    formula: str
    derivative: str
    value: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]
    multiple: int = 1


LOSSES = {
    "mse": LossFormula(
        "mean squared error",
        r"\sum_{i, k} (\hat{y}_{i k} - y_{i k})^2",
        r"(\hat{Y} - Y)",
        lambda Y, T: ((Y - T) ** 2).mean(axis=1),
        lambda Y, T: 2 * (Y - T) / Y.shape[1],
        2,
    ),
    "mae": LossFormula(
        "mean absolute error",
        r"\sum_{i, k} |\hat{y}_{i k} - y_{i k}|",
        r"\operatorname{sign}(\hat{Y} - Y)",
        lambda Y, T: np.abs(Y - T).mean(axis=1),
        lambda Y, T: np.sign(Y - T) / Y.shape[1],
    ),
    "huber": LossFormula(
        "Huber loss",
        r"\sum_{i, k} h(\hat{y}_{i k} - y_{i k}), \quad h(e) = "
        + _cases((r"\frac{1}{2} e^2", r"|e| \le 1"), (r"|e| - \frac{1}{2}", r"|e| > 1")),
        r"\min(1, \max(-1, \hat{Y} - Y))",
        lambda Y, T: np.where(np.abs(Y - T) <= 1, (Y - T) ** 2 / 2, np.abs(Y - T) - 0.5).mean(axis=1),
        lambda Y, T: np.clip(Y - T, -1, 1) / Y.shape[1],
    ),
    "cross_entropy": LossFormula(
        "cross-entropy",
        r"\left( -\sum_{i, k} y_{i k} \log p_{i k} \right), \quad p_{i k} = "
        r"\frac{e^{\hat{y}_{i k}}}{\sum_j e^{\hat{y}_{i j}}}",
        r"(P - Y)",
        lambda Y, T: -(T * log_softmax(Y, axis=1)).sum(axis=1),
        lambda Y, T: softmax(Y, axis=1) - T,
    ),
    "binary_cross_entropy": LossFormula(
        "binary cross-entropy",
        r"\left( -\sum_i \left[ y_i \log p_i + (1 - y_i) \log(1 - p_i) \right] \right), \quad p_i = "
        r"\frac{1}{1 + e^{-\hat{y}_i}}",
        r"(P - Y)",
        lambda Y, T: (np.logaddexp(0, Y) - Y * T).mean(axis=1),
        lambda Y, T: (expit(Y) - T) / Y.shape[1],
    ),
}
PER_OUTPUT = ("mse", "mae", "huber")  # losses that are a mean over the outputs of a row


def first_step(model: Model, theta: Array, gradient: Array, is_weight: Array) -> Array:
    """Return the parameters after the first step of the optimizer, all (n_parameters,), its averages zero before."""
    rate, g = model.learning_rate, gradient
    shrunk: Array = theta
    match model.optimizer:
        case "sgd":
            step = g * (1 + model.momentum if model.nesterov else 1)
        case "adam":
            step = g / (np.abs(g) + 1e-8)
        case "adamw":
            shrunk = theta * np.where(is_weight, 1 - rate * model.decay, 1)
            step = g / (np.abs(g) + 1e-8)
        case "rmsprop":
            step = g / (np.sqrt(0.01 * g * g) + 1e-8)
        case _:
            step = g / (np.abs(g) + 1e-10)
    return shrunk - rate * step


UPDATES = {
    "sgd": ("", r"\theta \leftarrow \theta - \eta g"),
    "adam": (
        " Before the first step both averages are zero, so that the bias-corrected ones are g and its square.",
        r"\theta \leftarrow \theta - \eta \frac{\hat{m}}{\sqrt{\hat{v}} + \epsilon}, \quad "
        r"\hat{m} = \frac{(1 - \beta_1) g}{1 - \beta_1} = g, \quad "
        r"\hat{v} = \frac{(1 - \beta_2) g^2}{1 - \beta_2} = g^2",
    ),
    "adamw": (
        " Weights shrink first; biases do not.",
        r"\theta \leftarrow (1 - \eta \lambda) \theta - \eta \frac{g}{\sqrt{g^2} + \epsilon}",
    ),
    "rmsprop": (
        " The average of squares is zero before the first step.",
        r"\theta \leftarrow \theta - \eta \frac{g}{\sqrt{v} + \epsilon}, \quad v = (1 - \beta) g^2, \quad \beta = 0.99",
    ),
    "adagrad": (
        " The sum of squares is zero before the first step.",
        r"\theta \leftarrow \theta - \eta \frac{g}{\sqrt{v} + \epsilon}, \quad v = g^2",
    ),
}
