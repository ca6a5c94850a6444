"""A network: a sequence of layers over one flat parameter vector."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mlexp.errors import ConfigError
from mlexp.nn.initializers import INITIALIZERS
from mlexp.nn.layers import (
    PREDICT,
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    Init,
    Layer,
    Mode,
    Parameter,
    Views,
)
from mlexp.nn.sequential import backward_all, forward_all, resolve, widths

Kind = str | tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]


@dataclass(frozen=True)
class Place:
    """Where one parameter lies in the flat vector."""

    layer: int
    number: int
    parameter: Parameter
    start: int

    @property
    def stop(self) -> int:
        """One past the last number."""
        return self.start + math.prod(self.parameter.shape)


@dataclass(frozen=True)
class Network:
    """A sequence of layers for a given number of features.

    The flat vector `theta` holds all weights first, layer by layer, then everything else, so that
    penalties on weights act on one slice. Running values (batch normalisation) lie in a second vector.

    Parameters
    ----------
    layers : sequence of layers
    n_features : int
        Width of the input.

    Examples
    --------
    >>> network = Network((Dense(25), Activation("relu"), Dense(10)), 784)
    >>> network.n_parameters, network.n_weights, network.n_outputs
    (19885, 19850, 10)
    """

    layers: tuple[Layer, ...]
    n_features: int

    def __post_init__(self) -> None:
        if self.n_features < 1:
            raise ConfigError(f"A network needs at least 1 feature. Got {self.n_features}.")
        object.__setattr__(self, "layers", resolve(self.layers))

    @cached_property
    def widths(self) -> list[int]:
        """Width of the input and of each layer's output."""
        return widths(self.layers, self.n_features)

    @property
    def n_outputs(self) -> int:
        """Width of the output."""
        return self.widths[-1]

    @cached_property
    def trained(self) -> list[Place]:
        """Places of all that is trained: weights, then the others."""
        found = [
            (position, number, parameter)
            for position, layer in enumerate(self.layers)
            for number, parameter in enumerate(layer.parameters(self.widths[position]))
        ]
        return _placed(sorted(found, key=lambda entry: not entry[2].decayed))

    @cached_property
    def kept(self) -> list[Place]:
        """Places of all running values."""
        return _placed(
            [
                (position, number, parameter)
                for position, layer in enumerate(self.layers)
                for number, parameter in enumerate(layer.running(self.widths[position]))
            ]
        )

    @cached_property
    def n_parameters(self) -> int:
        """Number of trained parameters."""
        return self.trained[-1].stop if self.trained else 0

    @cached_property
    def n_running(self) -> int:
        """Number of running values."""
        return self.kept[-1].stop if self.kept else 0

    @cached_property
    def n_weights(self) -> int:
        """Number of parameters that penalties act on; they come first."""
        return max((place.stop for place in self.trained if place.parameter.decayed), default=0)

    @cached_property
    def _first_trained(self) -> int:
        """Position of the first layer that learns: no gradient has to pass below it."""
        return min((place.layer for place in self.trained), default=0)

    def start(self, rng: np.random.Generator, dtype: str = "float32") -> np.ndarray:
        """Draw the initial parameters of one replica.

        Parameters
        ----------
        rng : numpy.random.Generator
        dtype : {"float32", "float64"}
            The numbers are drawn in float64 and rounded, so both precisions start alike.

        Returns
        -------
        ndarray of shape (n_parameters,)
        """
        theta = np.empty(self.n_parameters)
        for place in _in_order(self.trained):
            theta[place.start : place.stop] = _drawn(place.parameter, rng).ravel()
        return theta.astype(dtype)

    def start_running(self, dtype: str = "float32") -> np.ndarray:
        """Return the running values of one replica before training, shape (n_running,)."""
        running = np.empty(self.n_running, dtype)
        for place in self.kept:
            running[place.start : place.stop] = 1 if place.parameter.init == "ones" else 0
        return running

    def bind(self, theta: np.ndarray, running: np.ndarray | None = None) -> list[list[np.ndarray]]:
        """Return, for each layer, views into the flat vectors.

        Parameters
        ----------
        theta : ndarray of shape (..., n_parameters)
        running : ndarray of shape (..., n_running), optional
            Left out for gradients, which have no running values.

        Returns
        -------
        list with one list of views for each layer, trained ones first
        """
        views: list[list[np.ndarray]] = [[] for _ in self.layers]
        for vector, places in ((theta, self.trained), (running, self.kept)):
            if vector is None:
                continue
            for place in _in_order(places):
                part = vector[..., place.start : place.stop]
                views[place.layer].append(part.reshape(*vector.shape[:-1], *place.parameter.shape))
        return views

    def forward(
        self, views: Sequence[Views], X: np.ndarray, mode: Mode = PREDICT
    ) -> tuple[np.ndarray, Callable[[np.ndarray, Sequence[Views]], None]]:
        """Compute the output and the function that fills in the gradients.

        Parameters
        ----------
        views : what `bind` returned for parameters and running values
        X : ndarray of shape (..., n, n_features), dtype of the parameters
        mode : Mode, default prediction

        Returns
        -------
        Y : ndarray of shape (..., n, n_outputs)
        backward : function of dY (..., n, n_outputs) and the views of a gradient vector
        """
        Y, backs = forward_all(self.layers, views, X, mode)
        first = self._first_trained

        def backward(dY: np.ndarray, grads: Sequence[Views]) -> None:
            backward_all(backs[first:], grads[first:], dY, False)

        return Y, backward

    def outputs(self, views: Sequence[Views], X: np.ndarray, start: int = 0) -> list[np.ndarray]:
        """Return the output of every layer from layer `start` on, which `X` enters, in prediction mode."""
        found = []
        for layer, mine in zip(self.layers[start:], views[start:], strict=True):
            X, _ = layer.forward(mine, X, PREDICT)
            found.append(X)
        return found

    @property
    def hidden(self) -> list[int]:
        """Positions of the activations before the last layer: the outputs of the hidden layers."""
        return [position for position, layer in enumerate(self.layers[:-1]) if isinstance(layer, Activation)]

    def summary(self) -> list[dict[str, Any]]:
        """Return one row for each layer: its inputs and outputs, the shapes of its weights and biases, its parameters.

        `parameters` counts what is trained, `biases` those of them that are biases of dense layers, `not_trained` the
        running values of batch normalisation. Scale and shift of batch normalisation stand where weights and biases do.

        Examples
        --------
        >>> for row in Network((Dense(25), Activation("relu"), Dense(10)), 784).summary():
        ...     print(*row.values(), sep=", ")
        Dense(25), 784, 25, 784 × 25, 25, 19625, 25, 0
        relu, 25, 25, , , 0, 0, 0
        Dense(10), 25, 10, 25 × 10, 10, 260, 10, 0
        """
        return [
            _described(layer, *widths)
            for layer, *widths in zip(self.layers, self.widths, self.widths[1:], strict=False)
        ]


def _described(layer: Layer, n_in: int, n_out: int) -> dict[str, Any]:
    trained, kept = layer.parameters(n_in), layer.running(n_in)
    added = {parameter for parameter in trained if parameter.name in ("b", "shift")}
    return {
        "layer": _title(layer),
        "inputs": n_in,
        "outputs": n_out,
        "weight_shape": _shapes(parameter for parameter in trained if parameter not in added),
        "bias_shape": _shapes(parameter for parameter in trained if parameter in added),
        "parameters": _size(trained),
        "biases": _size(parameter for parameter in trained if parameter.name == "b"),
        "not_trained": _size(kept),
    }


def _shapes(parameters: Iterable[Parameter]) -> str:
    """Return shapes as they are read, without the leading 1 of a row."""
    return ", ".join(
        " × ".join(str(n) for n in (shape[1:] if shape[0] == 1 and name != "W" else shape))
        for name, shape, *_ in parameters
    )


def _size(parameters: Iterable[Parameter]) -> int:
    return sum(math.prod(parameter.shape) for parameter in parameters)


def _title(layer: Layer) -> str:
    if isinstance(layer, Activation):
        return layer.kind if isinstance(layer.kind, str) else "own activation"
    if isinstance(layer, Dense):
        return f"Dense({layer.units})"
    if isinstance(layer, Dropout):
        return f"Dropout({layer.rate:g})"
    return type(layer).__name__


def _placed(found: list[tuple[int, int, Parameter]]) -> list[Place]:
    places, start = [], 0
    for layer, number, parameter in found:
        places.append(Place(layer, number, parameter, start))
        start = places[-1].stop
    return places


def _in_order(places: list[Place]) -> list[Place]:
    """Return places layer by layer, as each layer declares them."""
    return sorted(places, key=lambda place: (place.layer, place.number))


def _drawn(parameter: Parameter, rng: np.random.Generator) -> np.ndarray:
    draw = INITIALIZERS[parameter.init] if isinstance(parameter.init, str) else parameter.init
    return draw(parameter.shape, parameter.fan_in, parameter.fan_out, rng)


def perceptron(
    n_features: int,
    hidden: Sequence[int],
    n_outputs: int,
    *,
    activation: Kind | Sequence[Kind] = "relu",
    init: Init = "auto",
    bias: bool = True,
    bias_init: Init = "zeros",
    dropout: float = 0.0,
    input_dropout: float = 0.0,
    batch_norm: bool = False,
    output: Kind = "linear",
) -> Network:
    """Build a multilayer perceptron.

    Each hidden layer is dense, then batch-normalised if asked, then its activation, then dropout if
    asked; the last layer is dense, with `output` after it unless that is linear.

    Parameters
    ----------
    n_features : int
    hidden : sequence of int
        Widths of the hidden layers; may be empty.
    n_outputs : int
    activation : str, pair of functions, or a list with one for each hidden layer
    init, bias, bias_init : see `Dense`
    dropout, input_dropout : float in [0, 1), default 0
        Share of the outputs of each hidden layer, and of the inputs, that is dropped while training.
    batch_norm : bool, default False
    output : str or pair of functions, default "linear"

    Returns
    -------
    Network

    Examples
    --------
    >>> perceptron(784, [128, 64, 32], 10).n_parameters
    111146
    """
    single = isinstance(activation, str) or (len(activation) == 2 and callable(activation[0]))
    kinds: list[Any] = [activation] * len(hidden) if single else list(activation)
    if len(kinds) != len(hidden):
        raise ConfigError(
            f"'activation' must be one name or one for each of the {len(hidden)} hidden layers. "
            f"Got {len(kinds)}: {kinds}."
        )
    layers: list[Layer] = [Dropout(input_dropout)] if input_dropout else []
    for units, kind in zip(hidden, kinds, strict=True):
        layers.append(Dense(units, bias, init, bias_init))
        if batch_norm:
            layers.append(BatchNorm())
        layers.append(Activation(kind))
        if dropout:
            layers.append(Dropout(dropout))
    layers.append(Dense(n_outputs, bias, init, bias_init))
    if output != "linear":
        layers.append(Activation(output))
    return Network(tuple(layers), n_features)
