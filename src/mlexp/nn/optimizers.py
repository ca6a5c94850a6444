"""Optimizers: how a gradient changes the parameters, written over one flat vector per replica.

`theta` and `grad` have shape (R, P): R replicas of P parameters, the first `n_decayed` of them
weights. An optimizer keeps `n_slots` arrays of that shape, zeros before the first step. Conventions
are PyTorch's, and checked against it. The learning rate, the momentum of `SGD` and the decay of
`AdamW` may be one number, or one for each replica.

`update` works in place and uses up `grad`, so a step is a few passes over the vector without a copy.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np

Number = float | Sequence[float] | np.ndarray
Array = np.ndarray
Rate = float | Array
Slots = Sequence[np.ndarray]


class Optimizer(Protocol):
    """What the training loop asks of an optimizer."""

    @property
    def n_slots(self) -> int:
        """Number of arrays of the shape of `theta` that are kept between steps."""

    def update(self, theta: Array, grad: Array, slots: Slots, step: int, rate: Rate, n_decayed: int) -> None:
        """Change `theta` and `slots` in place for step number `step`, counted from 1.

        Parameter by parameter: it is called with pieces of the vector, one after the other.
        """


Kind = TypeVar("Kind", bound=Optimizer)


def column(value: Number, replicas: Sequence[int] | None = None, like: Array | None = None) -> Rate:
    """Return one number as it is, and one number for each replica as a float64 column (R, 1).

    Parameters
    ----------
    value : float or sequence of R floats
    replicas : sequence of int, optional
        Which of them to keep; all by default.
    like : ndarray, optional
        An array of the device where the column shall lie; the host's memory by default.

    Examples
    --------
    >>> column(0.1), column([0.1, 0.2, 0.3], [0, 2]).tolist()
    (0.1, [[0.1], [0.3]])
    """
    if isinstance(value, int | float):
        return float(value)
    if not isinstance(value, Sequence | np.ndarray):
        return value  # a column on a device
    numbers = np.asarray(value, dtype=np.float64).reshape(-1, 1)
    numbers = numbers if replicas is None else numbers[list(replicas)]
    return numbers if like is None else np.asarray(numbers, like=like)


@lru_cache(maxsize=256)
def _scalar(value: float, dtype: str) -> np.ndarray:
    return np.array(value, dtype)


def cast(value: Number, like: Array) -> Array:
    """Return one number, or a column of them, in the precision of the parameters `like`, and where they are.

    Both are rounded once, from float64, so a replica gets the same bits alone and in a stack. An array
    without axes takes part in NumPy's arithmetic faster than a number does; arrays of a device take numbers only.

    Examples
    --------
    >>> theta = np.ones((1, 2), "float32")
    >>> cast(np.array([[0.1]]), theta).dtype, cast(0.1, theta).shape
    (dtype('float32'), ())
    """
    if isinstance(value, float | int):
        number: Any = like.dtype.type
        return _scalar(value, like.dtype.char) if type(like) is np.ndarray else number(value)
    values: Array = np.asarray(value) if isinstance(value, Sequence) else value
    return values.astype(like.dtype, copy=False)


def for_replicas(optimizer: Kind, replicas: Sequence[int], like: Array | None = None) -> Kind:
    """Return the optimizer of some replicas: hyper-parameters that differ become their columns, where `like` is.

    Examples
    --------
    >>> for_replicas(SGD(momentum=[0.0, 0.5, 0.9]), [2]).momentum.tolist()
    [[0.9]]
    """
    changes = {
        entry.name: column(value, replicas, like)
        for entry in dataclasses.fields(optimizer)  # type: ignore[arg-type]
        if not isinstance(value := getattr(optimizer, entry.name), bool | int | float)
    }
    return dataclasses.replace(optimizer, **changes) if changes else optimizer  # type: ignore[type-var]


@dataclass(frozen=True)
class SGD:
    """Gradient descent: v = momentum v + g, theta -= rate v; with `nesterov` theta -= rate (g + momentum v).

    Nesterov's form is that of Sutskever et al. 2013 (PMLR 28(3):1139-1147) as PyTorch writes it.

    Examples
    --------
    >>> theta = np.array([[1.0]])
    >>> SGD().update(theta, np.array([[2.0]]), (), 1, 0.25, 1)
    >>> theta.tolist()
    [[0.5]]
    """

    momentum: Number = 0.0
    nesterov: bool = False

    @property
    def n_slots(self) -> int:
        """No velocity is kept without momentum."""
        return 0 if isinstance(self.momentum, int | float) and self.momentum == 0 else 1

    def update(self, theta: Array, grad: Array, slots: Slots, step: int, rate: Rate, n_decayed: int) -> None:
        """Make one step; see the class."""
        for call in self.calls(theta, grad, slots, rate):
            call()

    def calls(self, theta: Array, grad: Array, slots: Slots, rate: Rate) -> list[Callable[[], Any]]:
        """Return the calls of a step, which are the same in each while the rate is.

        Results are given by place: by name they take a small network half as much time again.
        """
        size, step = cast(rate, theta), grad
        calls: list[Callable[[], Any]] = []
        if slots:
            (velocity,) = slots
            momentum = cast(self.momentum, theta)
            calls += [
                partial(np.multiply, velocity, momentum, velocity),
                partial(np.add, velocity, grad, velocity),
            ]
            if self.nesterov:
                ahead = np.empty_like(grad)
                calls += [partial(np.multiply, velocity, momentum, ahead), partial(np.add, grad, ahead, grad)]
            else:
                step = velocity
        return [*calls, partial(np.multiply, step, size, grad), partial(np.subtract, theta, grad, theta)]


@dataclass(frozen=True)
class RMSprop:
    """v = decay v + (1 - decay) g², theta -= rate g / (sqrt(v) + eps) (Tieleman and Hinton 2012).

    Examples
    --------
    >>> theta = np.array([[1.0]])
    >>> RMSprop().update(theta, np.array([[2.0]]), [np.zeros((1, 1))], 1, 0.01, 1)
    >>> theta.round(3).tolist()
    [[0.9]]
    """

    decay: float = 0.99
    eps: float = 1e-8
    n_slots: ClassVar[int] = 1

    def update(self, theta: Array, grad: Array, slots: Slots, step: int, rate: Rate, n_decayed: int) -> None:
        """Make one step; see the class."""
        (squares,) = slots
        _follow(squares, grad * grad, self.decay)
        _scaled_step(theta, grad, np.sqrt(squares), self.eps, rate)


@dataclass(frozen=True)
class Adagrad:
    """v = v + g², theta -= rate g / (sqrt(v) + eps) (Duchi, Hazan and Singer 2011, JMLR 12:2121-2159).

    Examples
    --------
    >>> theta = np.array([[1.0]])
    >>> Adagrad().update(theta, np.array([[2.0]]), [np.zeros((1, 1))], 1, 0.25, 1)
    >>> theta.round(6).tolist()
    [[0.75]]
    """

    eps: float = 1e-10
    n_slots: ClassVar[int] = 1

    def update(self, theta: Array, grad: Array, slots: Slots, step: int, rate: Rate, n_decayed: int) -> None:
        """Make one step; see the class."""
        (squares,) = slots
        np.add(squares, grad * grad, out=squares)
        _scaled_step(theta, grad, np.sqrt(squares), self.eps, rate)


@dataclass(frozen=True)
class Adam:
    """Steps by the bias-corrected mean of g over the root of that of g² (Kingma and Ba 2015, arXiv:1412.6980).

    m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g²,
    theta -= rate / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps).

    Examples
    --------
    >>> theta = np.array([[1.0]])
    >>> Adam().update(theta, np.array([[2.0]]), [np.zeros((1, 1)), np.zeros((1, 1))], 1, 0.25, 1)
    >>> theta.round(6).tolist()
    [[0.75]]
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    n_slots: ClassVar[int] = 2

    def update(self, theta: Array, grad: Array, slots: Slots, step: int, rate: Rate, n_decayed: int) -> None:
        """Make one step; see the class."""
        mean, squares = slots
        square = np.multiply(grad, grad)
        _follow(squares, square, self.beta2)
        _follow(mean, grad, self.beta1)
        root_correction = math.sqrt(1 - self.beta2**step)
        # eps and the rate absorb the correction of the root, which saves a pass over the vector.
        root = np.sqrt(squares, out=square)
        _scaled_step(
            theta, mean, root, self.eps * root_correction, rate * (root_correction / (1 - self.beta1**step))
        )


@dataclass(frozen=True)
class AdamW:
    """Adam after theta -= rate decay theta on the weights (Loshchilov and Hutter 2019, arXiv:1711.05101).

    Examples
    --------
    >>> theta = np.array([[1.0]])
    >>> AdamW(decay=0.5).update(theta, np.zeros((1, 1)), [np.zeros((1, 1)), np.zeros((1, 1))], 1, 0.1, 1)
    >>> theta.round(6).tolist()
    [[0.95]]
    """

    decay: Number = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    n_slots: ClassVar[int] = 2

    def update(self, theta: Array, grad: Array, slots: Slots, step: int, rate: Rate, n_decayed: int) -> None:
        """Make one step; see the class."""
        weights = theta[:, :n_decayed]
        np.multiply(weights, cast(1 - rate * column(self.decay), theta), out=weights)
        Adam(self.beta1, self.beta2, self.eps).update(theta, grad, slots, step, rate, n_decayed)


def _follow(average: np.ndarray, value: np.ndarray, keep: float) -> None:
    """Set `average` to keep * average + (1 - keep) * value; uses up `value`."""
    np.multiply(average, cast(keep, average), average)
    np.multiply(value, cast(1 - keep, value), value)
    np.add(average, value, average)


def _scaled_step(theta: np.ndarray, step: np.ndarray, root: np.ndarray, eps: float, rate: Rate) -> None:
    """Subtract rate * step / (root + eps) from `theta`; uses up `root`."""
    np.add(root, eps, root)
    np.divide(step, root, root)
    np.multiply(root, cast(rate, theta), root)
    np.subtract(theta, root, theta)


OPTIMIZERS: dict[str, type[SGD] | type[RMSprop] | type[Adagrad] | type[Adam] | type[AdamW]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
}
