"""Sequences of layers: forward and backward through all, initialisation by context, the residual block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlexp.errors import ConfigError
from mlexp.nn.activations import RECTIFIERS
from mlexp.nn.layers import Activation, Backward, Dense, Layer, Mode, Parameter, Views


@dataclass(frozen=True)
class Residual(Layer):
    """Y = X + F(X), F a sequence of layers that keeps the width (He et al. 2016, arXiv:1512.03385).

    Parameters
    ----------
    layers : sequence of layers
    """

    layers: tuple[Layer, ...]

    def width(self, n_in: int) -> int:
        """Return `n_in`, after a check that the inner layers keep the width."""
        n_out = widths(self.layers, n_in)[-1]
        if n_out != n_in:
            raise ConfigError(
                f"The layers inside Residual must end with the {n_in} outputs that they began with. Got {n_out}."
            )
        return n_in

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        """Return those of the inner layers, one after the other."""
        inner = zip(self.layers, widths(self.layers, n_in), strict=False)
        return tuple(parameter for layer, width in inner for parameter in layer.parameters(width))

    def running(self, n_in: int) -> tuple[Parameter, ...]:
        """Return those of the inner layers, one after the other."""
        inner = zip(self.layers, widths(self.layers, n_in), strict=False)
        return tuple(parameter for layer, width in inner for parameter in layer.running(width))

    def forward(self, params: Views, X: np.ndarray, mode: Mode) -> tuple[np.ndarray, Backward]:
        """Add the input to the output of the inner layers; backward: dX = dY + their gradient."""
        n_in = X.shape[-1]
        trained = shares(self.layers, n_in, params)
        n_trained = len(self.parameters(n_in))
        Y, backs = forward_all(self.layers, trained, X, mode)

        def backward(dY: np.ndarray, grads: Views, wanted: bool) -> np.ndarray | None:
            dX = backward_all(backs, shares(self.layers, n_in, grads[:n_trained], running=False), dY, wanted)
            return None if dX is None else dY + dX

        return X + Y, backward


def widths(layers: Sequence[Layer], n_in: int) -> list[int]:
    """Return the width before the first layer and after each.

    Examples
    --------
    >>> widths([Dense(3), Activation("relu"), Dense(2)], 4)
    [4, 3, 3, 2]
    """
    found = [n_in]
    for layer in layers:
        found.append(layer.width(found[-1]))
    return found


def shares(layers: Sequence[Layer], n_in: int, views: Views, running: bool = True) -> list[list[np.ndarray]]:
    """Deal out a flat list of views, trained ones first, then running ones, to each layer."""
    before = widths(layers, n_in)
    dealt: list[list[np.ndarray]] = [[] for _ in layers]
    rest = iter(views)
    for layer, width, mine in zip(layers, before, dealt, strict=False):
        mine.extend(next(rest) for _ in layer.parameters(width))
    if running:
        for layer, width, mine in zip(layers, before, dealt, strict=False):
            mine.extend(next(rest) for _ in layer.running(width))
    return dealt


def forward_all(
    layers: Sequence[Layer], params: Sequence[Views], X: np.ndarray, mode: Mode
) -> tuple[np.ndarray, list[Backward]]:
    """Run layers one after the other; return the last output and every backward function."""
    backs = []
    for layer, views in zip(layers, params, strict=True):
        X, back = layer.forward(views, X, mode)
        backs.append(back)
    return X, backs


def backward_all(
    backs: Sequence[Backward], grads: Sequence[Views], dY: np.ndarray, wanted: bool
) -> np.ndarray | None:
    """Run backward functions from the last to the first; the first makes dX only if `wanted`."""
    for position in range(len(backs) - 1, 0, -1):
        above = backs[position](dY, grads[position], True)
        assert above is not None
        dY = above
    return backs[0](dY, grads[0], wanted)


def resolve(layers: Sequence[Layer], last: str = "linear") -> tuple[Layer, ...]:
    """Replace "auto" in every `Dense` by what suits the activation that follows it.

    Examples
    --------
    >>> [layer.init for layer in resolve([Dense(3), Activation("relu"), Dense(1)])[::2]]
    ['he', 'xavier']
    """
    following: str = last
    resolved: list[Layer] = []
    for layer in reversed(layers):
        if isinstance(layer, Activation):
            following = layer.kind if isinstance(layer.kind, str) else "own"
        elif isinstance(layer, Residual):
            layer, following = replace(layer, layers=resolve(layer.layers, "linear")), "linear"
        elif isinstance(layer, Dense):
            if layer.init == "auto":
                layer = replace(layer, init="he" if following in RECTIFIERS else "xavier")
            following = "linear"
        resolved.append(layer)
    return tuple(reversed(resolved))
