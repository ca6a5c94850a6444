"""Layers: small frozen descriptions that say what they need and how they compute.

A layer knows its output width for a given input width and the parameters that it needs. It holds no
arrays: `forward(params, X, mode)` gets views into the flat parameter vector and returns the output
and `backward(dY, grads, wanted)`, which writes the gradients of the parameters into views of the flat
gradient vector and returns the gradient with respect to `X` (None unless `wanted`).

`X` has shape (..., n, d) and may carry one leading axis of replicas, as the parameters may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from mlexp.errors import ConfigError, did_you_mean
from mlexp.nn.activations import ACTIVATIONS, Forward, column_sum, from_pair
from mlexp.nn.initializers import INITIALIZERS, Initializer

Views = Sequence[np.ndarray]
Backward = Callable[[np.ndarray, Views, bool], np.ndarray | None]
Init = str | Initializer


class Mode(NamedTuple):
    """How a forward pass is meant: `training` turns dropout and batch statistics on.

    `rngs` holds one generator for each replica.
    """

    training: bool = False
    rngs: Sequence[np.random.Generator] = ()


PREDICT = Mode()


class Parameter(NamedTuple):
    """One array that a layer needs: `decayed` ones are weights, which L1 and L2 act on."""

    name: str
    shape: tuple[int, ...]
    init: Init
    fan_in: int
    fan_out: int
    decayed: bool


class Layer(Protocol):
    """What a network asks of a layer; one that keeps the width and learns nothing adds only `forward`."""

    def width(self, n_in: int) -> int:
        """Return the number of outputs for `n_in` inputs."""
        return n_in

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        """Return what is trained."""
        return ()

    def running(self, n_in: int) -> tuple[Parameter, ...]:
        """Return what is kept but not trained; its views follow those of the parameters."""
        return ()

    def forward(self, params: Views, X: np.ndarray, mode: Mode) -> tuple[np.ndarray, Backward]:
        """Return the output and the backward function."""
        raise NotImplementedError


def _known(kind: str, name: object, table: Mapping[str, object]) -> None:
    if isinstance(name, str) and name not in table:
        choices = ", ".join(table)
        raise ConfigError(f"{kind} must be one of {choices}. Got {name!r}.{did_you_mean(name, table)}")


@dataclass(frozen=True)
class Dense(Layer):
    """Y = X W + b.

    Parameters
    ----------
    units : int
        Number of outputs, at least 1.
    bias : bool, default True
    init : str or function, default "auto"
        Name in `INITIALIZERS`, or "auto": `he` before relu, leaky_relu, elu, gelu and silu, `xavier` elsewhere.
    bias_init : str or function, default "zeros"
        The same for the biases, with the fans of the weights.
    """

    units: int
    bias: bool = True
    init: Init = "auto"
    bias_init: Init = "zeros"

    def __post_init__(self) -> None:
        if self.units < 1:
            raise ConfigError(f"'units' of Dense must be a whole number of at least 1. Got {self.units!r}.")
        _known("'init' of Dense", self.init, {"auto": 0, **INITIALIZERS})
        _known("'bias_init' of Dense", self.bias_init, INITIALIZERS)

    def width(self, n_in: int) -> int:
        """Return `units`."""
        return self.units

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        """Return W (n_in, units) and, unless `bias` is off, b (1, units)."""
        weights = Parameter("W", (n_in, self.units), self.init, n_in, self.units, True)
        if not self.bias:
            return (weights,)
        return weights, Parameter("b", (1, self.units), self.bias_init, n_in, self.units, False)

    def forward(self, params: Views, X: np.ndarray, mode: Mode) -> tuple[np.ndarray, Backward]:
        """Compute X W + b; backward: dW = Xᵀ dY, db = sum of the rows of dY, dX = dY Wᵀ."""
        W, bias = params[0], self.bias
        Y = rows_like(X, W, self.units)
        if _is_slow(X, Y):
            np.copyto(Y, np.matmul(X, W))
        else:
            np.matmul(X, W, out=Y)
        if bias:
            np.add(Y, params[1], out=Y)

        def backward(dY: np.ndarray, grads: Views, wanted: bool) -> np.ndarray | None:
            np.matmul(X.mT, dY, out=grads[0])
            if bias:
                column_sum(dY, out=grads[1])
            return np.matmul(dY, W.mT, out=np.empty_like(X)) if wanted else None

        return Y, backward


def rows_like(X: np.ndarray, W: np.ndarray, units: int) -> np.ndarray:
    """Return an empty array for X W, laid out in memory for speed.

    Rows that are shorter than their number lie side by side: one unit's values of all rows follow each
    other. Adding biases, activations and softmax then run along the long axis; elementwise functions
    keep the layout, and matrix products take either. Twice as fast for networks of a few units.
    """
    lead, n_rows = W.shape[:-2] or X.shape[:-2], X.shape[-2]
    if units < n_rows:
        return np.empty((*lead, units, n_rows), X.dtype, like=X).mT
    return np.empty((*lead, n_rows, units), X.dtype, like=X)


def _is_slow(X: np.ndarray, Y: np.ndarray) -> bool:
    """Return whether a product is made faster row by row and then copied into the layout of `Y`: the bits are the same.

    OpenBLAS takes up to twice as long where both factors are turned, beyond the million multiplications up to which
    it has other code.
    """
    turned = isinstance(X, np.ndarray) and X.strides[-1] < X.strides[-2] and Y.strides[-1] > Y.strides[-2]
    return turned and X.shape[-2] * X.shape[-1] * Y.shape[-1] > 1_000_000


@dataclass(frozen=True)
class Activation(Layer):
    """An elementwise function (softmax: along the last axis).

    Parameters
    ----------
    kind : str or pair of functions
        Name in `ACTIVATIONS`, or a user's own (value, derivative), each a function of `X`.
    """

    kind: str | tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]

    def __post_init__(self) -> None:
        _known("'kind' of Activation", self.kind, ACTIVATIONS)

    @cached_property
    def function(self) -> Forward:
        """The function that gives the output and its backward."""
        return ACTIVATIONS[self.kind] if isinstance(self.kind, str) else from_pair(*self.kind)

    def forward(self, params: Views, X: np.ndarray, mode: Mode) -> tuple[np.ndarray, Backward]:
        """Apply the function."""
        Y, pull = self.function(X)

        def backward(dY: np.ndarray, grads: Views, wanted: bool) -> np.ndarray | None:
            return pull(dY) if wanted else None

        return Y, backward


@dataclass(frozen=True)
class Dropout(Layer):
    """Set a share of the inputs to 0 while training and divide the others by 1 - rate.

    The "inverted" form of Srivastava et al. 2014 (JMLR 15:1929-1958): prediction changes nothing.

    Parameters
    ----------
    rate : float in [0, 1)
        Probability of each input to be dropped.
    """

    rate: float

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ConfigError(f"'rate' of Dropout must be in [0, 1). Got {self.rate!r}.")

    def forward(self, params: Views, X: np.ndarray, mode: Mode) -> tuple[np.ndarray, Backward]:
        """Draw a mask from each replica's own generator and multiply by it."""
        if not mode.training or self.rate == 0:
            return X, lambda dY, grads, wanted: dY
        mask = self._mask(X, mode.rngs)
        return X * mask, lambda dY, grads, wanted: dY * mask if wanted else None

    def _mask(self, X: np.ndarray, rngs: Sequence[np.random.Generator]) -> np.ndarray:
        """Return 0 or 1 / (1 - rate) for each input, laid out in memory as `X` is; drawn on the host."""
        across = X.strides[-1] > X.strides[-2]
        lead = (len(rngs),) if X.ndim > 2 else ()
        mask = np.empty((*lead, *(X.mT if across else X).shape[-2:]), X.dtype)
        for part, rng in zip(mask if lead else mask[None], rngs, strict=True):
            rng.random(out=part, dtype=X.dtype.type)
        np.greater_equal(mask, self.rate, out=mask)
        np.divide(mask, 1 - self.rate, out=mask)
        mask = np.asarray(mask, like=X)
        return mask.mT if across else mask


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Normalise each input by its mean and variance over the batch, then scale and shift it.

    Ioffe and Szegedy 2015 (arXiv:1502.03167). The batch variance divides by n; the running variance
    keeps the one that divides by n - 1, as PyTorch does. Prediction uses the running values.

    A batch of one sample has no variance. PyTorch refuses it; here such a batch, the rest of an epoch whose
    size leaves one sample over, is normalised by the running values, which it leaves as they are.

    Parameters
    ----------
    momentum : float, default 0.1
        Share of the new batch in the running values.
    eps : float, default 1e-5
        Added to the variance.
    """

    momentum: float = 0.1
    eps: float = 1e-5

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        """Return scale and shift, both (1, n_in); neither is decayed."""
        shape = (1, n_in)
        return (
            Parameter("scale", shape, "ones", n_in, n_in, False),
            Parameter("shift", shape, "zeros", n_in, n_in, False),
        )

    def running(self, n_in: int) -> tuple[Parameter, ...]:
        """Return running mean and variance, both (1, n_in)."""
        shape = (1, n_in)
        return (
            Parameter("mean", shape, "zeros", n_in, n_in, False),
            Parameter("variance", shape, "ones", n_in, n_in, False),
        )

    def forward(self, params: Views, X: np.ndarray, mode: Mode) -> tuple[np.ndarray, Backward]:
        """Normalise; backward: dX = scale / sd (dY - mean dY - x̂ mean(dY x̂)), means over the batch.

        With running values in place of the batch's own, dX = scale / sd dY.
        """
        scale, shift, running_mean, running_variance = params
        n = X.shape[-2]
        by_batch = mode.training and n > 1
        if by_batch:
            mean = column_sum(X) / n
            centred = X - mean
            variance = column_sum(centred * centred) / n
            _blend(running_mean, mean, self.momentum)
            _blend(running_variance, variance * (n / (n - 1)), self.momentum)
        else:
            centred, variance = X - running_mean, running_variance
        factor = 1 / np.sqrt(variance + self.eps)
        normal = centred * factor

        def backward(dY: np.ndarray, grads: Views, wanted: bool) -> np.ndarray | None:
            column_sum(dY * normal, out=grads[0])
            column_sum(dY, out=grads[1])
            if not wanted:
                return None
            dX: np.ndarray = dY * (scale * factor)
            if by_batch:
                dX -= (scale * factor) * (grads[1] / n + normal * (grads[0] / n))
            return dX

        return normal * scale + shift, backward


def _blend(kept: np.ndarray, new: np.ndarray, share: float) -> None:
    """Set `kept` to (1 - share) kept + share new."""
    np.multiply(kept, 1 - share, out=kept)
    np.add(kept, new * share, out=kept)
