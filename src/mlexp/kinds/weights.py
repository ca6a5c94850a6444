"""Weights and diagnostics of a network, layer by layer, as its run folder holds them; the table of few weights."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlexp.config.untrusted import reading
from mlexp.store import Run
from mlexp.store.result import Columns

FEW = 100  # parameters up to which the numbers themselves stand in a table


class DenseLayer(NamedTuple):
    """Weights (n_in, n_out) and biases (n_out,) of a dense layer; no biases: an empty array."""

    W: np.ndarray
    b: np.ndarray


def dense_layers(run: Run) -> list[DenseLayer]:
    """Return the dense layers of the network of a run, the first one first; none for other models and older runs.

    Raises
    ------
    DataError
        If the arrays are not those of a network.
    """
    with reading(run.path / "model.npz"):
        return of_arrays(run.model, run.arrays)


def of_arrays(model: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray]) -> list[DenseLayer]:
    """Return the dense layers that the arrays of a model, or those beside it, hold; raise what Python raises."""
    if "theta" in model:
        return _of_engine(model)
    plain, prefix = (model, "") if "W0" in model else (arrays, "network_")
    n_layers = sum(name.startswith(f"{prefix}W") for name in plain)
    layers = [DenseLayer(plain[f"{prefix}W{k}"], plain[f"{prefix}b{k}"]) for k in range(n_layers)]
    for layer in layers:
        if layer.W.ndim != 2 or layer.b.shape != layer.W.shape[1:] or layer.W.dtype.kind != "f":
            raise ValueError(f"weights {layer.W.shape} and biases {layer.b.shape} do not belong together")
    return layers


def _of_engine(arrays: Mapping[str, np.ndarray]) -> list[DenseLayer]:
    """Cut the vector of `nn.network.Network` up: all weights, then biases, scales and shifts, layer by layer each.

    The engine itself is not asked: a page is made without it.
    """
    settings, theta = json.loads(str(arrays["settings"])), arrays["theta"]
    n_outputs = int(arrays["n_outputs_"]) if "n_outputs_" in arrays else len(arrays["classes_"])
    n_outputs = 1 if "classes_" in arrays and settings["output"] == "sigmoid" else n_outputs
    widths = [int(arrays["n_features_in_"]), *map(int, settings["hidden"]), n_outputs]
    start, rest, layers = 0, sum(m * n for m, n in itertools.pairwise(widths)), []
    for k, (m, n) in enumerate(itertools.pairwise(widths)):
        W, b = theta[start : start + m * n].reshape(m, n), theta[rest : rest + n * bool(settings["bias"])]
        layers.append(DenseLayer(W, b))
        start += m * n
        rest += b.size + 2 * n * (bool(settings["batch_norm"]) and k < len(widths) - 2)
    if theta.shape != (rest,) or theta.dtype.kind != "f":
        raise ValueError(f"theta must be {rest} numbers. Got {theta.dtype} {theta.shape}")
    return layers


def by_layer(diagnostics: Mapping[str, np.ndarray], what: str) -> dict[int, np.ndarray]:
    """Return layer -> values by recorded epoch, (n_epochs,), of a diagnostic such as ``dead``; layers count from 1."""
    found = {name.removeprefix(f"{what}_"): values for name, values in diagnostics.items() if len(values)}
    return {int(layer): found[layer] for layer in sorted(filter(str.isdecimal, found), key=int)}


def inputs(run: Run, n_inputs: int) -> list[str]:
    """Return the name of each input of the network: features as they were prepared, such as principal components."""
    known = run.arrays.get("input_names")
    if known is not None and known.shape == (n_inputs,):
        return [str(name) for name in known]
    features = run.info["dataset"].get("features") or []
    if len(features) == n_inputs:
        return [str(name) for name in features]
    return [f"input {k}" for k in range(1, n_inputs + 1)]


def table(layers: Sequence[DenseLayer], names: Sequence[str], outputs: Sequence[str]) -> Columns:
    """Return every weight and bias in a row of its own: layer, from, to, value.

    Parameters
    ----------
    layers : dense layers
    names : of the inputs
    outputs : names of the outputs; as many as the last layer has, or none
    """
    columns: Columns = {"layer": [], "from": [], "to": [], "value": []}
    for row in _rows(layers, names, outputs):
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    return columns


def _rows(
    layers: Sequence[DenseLayer], names: Sequence[str], outputs: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    before = list(names)
    for number, layer in enumerate(layers, 1):
        n_in, n_out = layer.W.shape
        last = number == len(layers)
        after = [f"hidden {number}.{k}" for k in range(1, n_out + 1)]
        if last:
            after = list(outputs) if len(outputs) == n_out else [f"output {k}" for k in range(1, n_out + 1)]
        for k in range(n_out):
            yield from ((number, before[m], after[k], float(layer.W[m, k])) for m in range(n_in))
            if layer.b.size:
                yield number, "bias", after[k], float(layer.b[k])
        before = after
