"""dE/dx of a residual block: eight partial derivatives, their product, the engine and finite differences."""

from __future__ import annotations

import numpy as np

from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.kinds.by_hand import given
from mlexp.kinds.by_hand.differences import central
from mlexp.kinds.by_hand.latex import NAME, Script, difference, matrix, num
from mlexp.kinds.by_hand.settings import ByHand
from mlexp.kinds.observer import Observer
from mlexp.nn.layers import PREDICT, Activation, Dense
from mlexp.nn.network import Network
from mlexp.nn.sequential import Residual
from mlexp.store.result import Result

STEPS = 10.0 ** -np.arange(1.0, 12.5, 0.5)
SIGMOID = Activation("sigmoid")


class Block:
    """E = S + R with y = x + W2 h, h = sigma(z), z = W1 x, S = ||y - s||²/2 and R = rᵀ h, at one x."""

    def __init__(self, W1: np.ndarray, W2: np.ndarray, x: np.ndarray, s: np.ndarray, r: np.ndarray) -> None:
        self.W1, self.W2, self.x, self.s, self.r = W1, W2, x, s, r
        self.h = 1 / (1 + np.exp(-W1 @ x))
        self.y = x + W2 @ self.h

    def energy(self, x: np.ndarray) -> float:
        """Return E."""
        h = 1 / (1 + np.exp(-self.W1 @ x))
        return float(0.5 * np.sum((x + self.W2 @ h - self.s) ** 2) + self.r @ h)

    def partials(self) -> dict[str, np.ndarray]:
        """Return the eight partial derivatives, numbers, row vectors and matrices."""
        one = np.ones((1, 1))
        return {
            "dE/dS": one,
            "dE/dR": one,
            "dS/dy": (self.y - self.s)[None],
            "dR/dh": self.r[None],
            "dy/dx": np.eye(len(self.x)),
            "dy/dh": self.W2,
            "dh/dz": np.diag(self.h * (1 - self.h)),
            "dz/dx": self.W1,
        }

    def gradient(self) -> np.ndarray:
        """Return dE/dx = (y - s) + W1ᵀ diag(h (1 - h)) (W2ᵀ (y - s) + r)."""
        e = self.y - self.s
        found: np.ndarray = e + self.W1.T @ (self.h * (1 - self.h) * (self.W2.T @ e + self.r))
        return found


def residual(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Derive dE/dx of a residual block, and check it by the engine and by finite differences."""
    node = config.of(ByHand)
    block = _given(config)
    layers = Residual((Dense(node.hidden, bias=False), SIGMOID, Dense(node.width, bias=False)))
    observer.started(given.plan(dataset, 1, node.width, Network((layers,), node.width).summary()))
    formula, engine = block.gradient(), _by_engine(layers, block)
    differences = np.array([central(block.energy, block.x, step) for step in STEPS])
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
            NAME: script(block, relative, float(STEPS[best])).table(),
        },
        facts={
            "calculation": "residual",
            "energy": block.energy(block.x),
            "best_step": float(STEPS[best]),
            "checks": relative,
        },
    )


def _given(config: Config) -> Block:
    """Return the numbers: standard normal from `seed`, or tenths from `by_hand.variant`."""
    node = config.of(ByHand)
    rng = np.random.default_rng(config.seed)
    variant = given.generator(config)
    shapes = ((node.hidden, node.width), (node.width, node.hidden), node.width, node.width, node.hidden)
    if variant is not None:
        sizes = [shape if isinstance(shape, tuple) else (shape,) for shape in shapes]
        return Block(*(given.tenths(variant, *size) for size in sizes))
    return Block(*(rng.normal(size=shape) for shape in shapes))


def script(block: Block, relative: dict[str, float], step: float) -> Script:
    """Return the derivation with its numbers."""
    found = Script()
    found.part("Given", given=True)
    found.step(
        "A residual block with one hidden layer, and an energy of two terms, of its output y and its hidden layer h. "
        "Wanted is the derivative of E by the input x. Derivatives by vectors are rows.",
        r"E = S + R, \quad S = \frac{1}{2} \lVert y - s \rVert^2, \quad R = r^\top h, \quad y = x + W_2 h, \quad "
        r"h = \sigma(z), \quad z = W_1 x",
    )
    for name, values in (("W_1", block.W1), ("W_2", block.W2)):
        found.step("", "", f"{name} = {matrix(values, 3)}")
    found.step(
        "",
        "",
        ", ".join(f"{n} = {matrix(v, 3)}" for n, v in (("x", block.x), ("s", block.s), ("r", block.r))),
    )
    found.part("Forward")
    found.step("", r"z = W_1 x, \quad h = \sigma(z)", f"h = {matrix(block.h)}")
    found.step("", r"y = x + W_2 h", f"y = {matrix(block.y)}, " + rf"\quad E = {num(block.energy(block.x))}")
    _partials(found, block)
    _product(found, block)
    found.part("Check")
    found.step(
        "Each component by this formula, by the backward functions of the engine's residual block, and by central "
        f"differences of E with step {step:.0e}. Largest difference over the largest component: engine "
        f"{difference(relative['engine'])}, central differences {difference(relative['finite differences'])}."
    )
    return found


PARTIALS = (
    ("dE/dS", "The energy is a sum.", r"\frac{\partial E}{\partial S}", "1"),
    ("dE/dR", "", r"\frac{\partial E}{\partial R}", "1"),
    ("dS/dy", "Half the square of the distance.", r"\frac{\partial S}{\partial y}", r"(y - s)^\top"),
    ("dR/dh", "A linear term.", r"\frac{\partial R}{\partial h}", r"r^\top"),
    ("dy/dx", "The short cut, h held fixed.", r"\frac{\partial y}{\partial x}", "I"),
    ("dy/dh", "The way through the block, x held fixed.", r"\frac{\partial y}{\partial h}", "W_2"),
    (
        "dh/dz",
        "The logistic function has the derivative h (1 − h), component by component.",
        r"\frac{\partial h}{\partial z}",
        r"\operatorname{diag}(h \odot (1 - h))",
    ),
    ("dz/dx", "", r"\frac{\partial z}{\partial x}", "W_1"),
)


def _partials(found: Script, block: Block) -> None:
    found.part("The eight partial derivatives")
    values = block.partials()
    for key, sentence, left, right in PARTIALS:
        if key in ("dE/dS", "dE/dR", "dy/dx"):
            numbers = ""
        elif key == "dh/dz":
            numbers = rf"{left} = \operatorname{{diag}}{matrix(np.diag(values[key])[None])}"
        else:
            numbers = f"{left} = {matrix(values[key], 3)}"
        found.step(sentence, f"{left} = {right}", numbers)


def _product(found: Script, block: Block) -> None:
    found.part("The chain rule")
    found.step(
        "E depends on x along three ways: through the short cut, through the block into y, and through h into R.",
        r"\frac{d E}{d x} = \frac{\partial E}{\partial S} \, \frac{\partial S}{\partial y} \left( "
        r"\frac{\partial y}{\partial x} + \frac{\partial y}{\partial h} \, \frac{\partial h}{\partial z} \, "
        r"\frac{\partial z}{\partial x} \right) + \frac{\partial E}{\partial R} \, \frac{\partial R}{\partial h} \, "
        r"\frac{\partial h}{\partial z} \, \frac{\partial z}{\partial x}",
    )
    e = block.y - block.s
    through = block.W1.T @ (block.h * (1 - block.h) * (block.W2.T @ e))
    hidden = block.W1.T @ (block.h * (1 - block.h) * block.r)
    found.step(
        "With the eight derivatives put in, transposed to a column.",
        r"\left( \frac{d E}{d x} \right)^\top = (y - s) + W_1^\top \operatorname{diag}(h \odot (1 - h)) "
        r"\left( W_2^\top (y - s) + r \right)",
        rf"\left( \frac{{d E}}{{d x}} \right)^\top = {matrix(e)} + {matrix(through)} + {matrix(hidden)} = "
        f"{matrix(block.gradient())}",
    )


def _by_engine(layers: Residual, block: Block) -> np.ndarray:
    """Return dE/dx by the backward functions of the engine's layers: S through the block, R through h."""
    W1, W2 = block.W1.T, block.W2.T  # the engine multiplies rows from the left: Y = X W
    grads = [np.empty_like(W1), np.empty_like(W2)]
    y, back = layers.forward([W1, W2], block.x[None], PREDICT)
    d_block = back(y - block.s, grads, True)
    z, back_dense = layers.layers[0].forward([W1], block.x[None], PREDICT)
    _, back_sigmoid = SIGMOID.forward([], z, PREDICT)
    d_z = back_sigmoid(block.r[None], [], True)
    assert d_z is not None
    d_hidden = back_dense(d_z, grads[:1], True)
    assert d_block is not None
    assert d_hidden is not None
    total: np.ndarray = d_block[0] + d_hidden[0]
    return total


def _relative(values: np.ndarray, true: np.ndarray) -> list[float]:
    found: list[float] = (np.abs(values - true) / np.abs(true)).tolist()
    return found
