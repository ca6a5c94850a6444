"""What a living page computes with, as JSON: network, preparation, samples; made from the run folder alone."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlexp.config.untrusted import reading
from mlexp.kinds.boundary_figure import COLOURS
from mlexp.kinds.weights import inputs
from mlexp.page import words
from mlexp.page.page import Living
from mlexp.page.study import PARTS, RecordedRun
from mlexp.store import Run

KINDS = ("classification", "regression")
ACTIVATIONS = (
    "sigmoid", "tanh", "relu", "leaky_relu", "linear", "hard_sigmoid", "softmax", "elu", "gelu", "silu", "softplus",
)  # fmt: skip
STEPS = ("impute", "one_hot", "polynomial", "select", "scale", "pca")
TITLES = {"image": "Try the network", "plane": "Move a point", "table": "Change a sample"}
MOST_COLUMNS = 200  # of a table whose features can be changed
EPS = 1e-5  # what batch normalisation adds to the variance


def living(study: RecordedRun, asked: object = None) -> Living:
    """Return the network of a run with samples, for a page that computes; or why there is none.

    Parameters
    ----------
    study : a run
    asked : `page.living` as typed for this page alone; None: as recorded
    """
    run = study.run
    setting = study.config.get("page", {}).get("living", "auto") if asked is None else asked
    if setting is False or study.kind not in KINDS or study.info["status"] != "completed":
        return Living()
    with reading(run.path / "living.npz"):
        if not run.living:
            return Living(note=_missing(study)) if setting is True else Living()
        if unknown := _unknown(run):
            return Living(note=f"This page does not compute: it does not know {unknown}.")
        data = _data(study)
        json.dumps(data, allow_nan=False)
    return Living(TITLES[data["mode"]], data)


def _missing(study: RecordedRun) -> str:
    if "theta" not in study.run.model:
        return "This page does not compute: page.living is for networks of mlexp's own engine (model=mlp)."
    return (
        "This page does not compute: the run recorded no samples for it. Run it again with page.living=true."
    )


def _unknown(run: Run) -> str:
    """Return what the script of the page cannot compute; nothing if it can compute all."""
    settings = json.loads(str(run.model["settings"]))
    steps = [step for step in json.loads(str(run.living["steps"])) if step not in STEPS]
    kinds = [kind for kind in _activations(settings) if kind not in ACTIVATIONS]
    if steps or kinds:
        return f"the step {steps[0]} of the preparation" if steps else f"the activation {kinds[0]}"
    features = run.info["dataset"]["n_features"]
    if run.info["dataset"]["image_shape"] is None and features > MOST_COLUMNS:
        return f"how to show {features:,} columns"
    return ""


def _activations(settings: Mapping[str, Any]) -> list[str]:
    """Return the name of the activation of each hidden layer."""
    kind = settings["activation"]
    return [str(kind)] * len(settings["hidden"]) if isinstance(kind, str) else [str(one) for one in kind]


def _data(study: RecordedRun) -> dict[str, Any]:
    run, dataset, classes = study.run, study.info["dataset"], study.kind == "classification"
    mode = _mode(dataset, classes)
    return {
        "mode": mode,
        "classes": [str(name) for name in dataset["classes"]] if classes else [],
        "target": str(dataset.get("target") or "target"),
        "part": _walked(run.living),
        "rows": {name: _samples(name, run) for name in ("part", "train")},
        "steps": list(_steps(run.living)),
        "epoch": run.info["facts"].get("best_epoch"),
        **_network(run, classes),
        **(_image(dataset) if mode == "image" else _columns(run)),
    }


def _mode(dataset: Mapping[str, Any], classes: bool) -> str:
    if dataset["image_shape"]:
        return "image"
    two = dataset["n_features"] == 2 and not dataset["categories"]
    return "plane" if classes and two and len(dataset["classes"]) <= len(COLOURS) else "table"


def _walked(kept: Mapping[str, np.ndarray]) -> str:
    """Return the set whose samples the page walks through."""
    if (part := str(kept["part"])) not in PARTS:
        raise ValueError(f"part is not one of {', '.join(PARTS)}")
    return part


def _samples(name: str, run: Run) -> dict[str, Any]:
    kept, dataset = run.living, run.info["dataset"]
    X, y, places = (kept[f"{name}_{what}"] for what in ("X", "y", "place"))
    if not len(y) or y.shape != places.shape or X.shape != (len(y), dataset["n_features"]):
        raise ValueError(f"{name}_X, {name}_y and {name}_place do not hold the same samples")
    if "classes_" in run.model and not np.isin(y, range(len(dataset["classes"]))).all():
        raise ValueError(f"{name}_y names a class that there is not")
    stored = np.dtype("u1") if X.dtype == np.uint8 else np.dtype("f8")
    return {"X": _packed(X, stored), "y": y.tolist(), "place": places.tolist()}


def _network(run: Run, classes: bool) -> dict[str, Any]:
    """Return the layers and the numbers of the network, also by epoch, and how its outputs become the answer."""
    kept, model = run.living, run.model
    settings = json.loads(str(model["settings"]))
    layers = _layers(model, settings)
    snapshots = [
        kept[f"snapshot_{name}"] for name in ("epoch", "theta", "running") if f"snapshot_{name}" in kept
    ]
    by_epoch = zip(*snapshots, strict=True) if snapshots else ()
    return {
        "layers": [layer._asdict() | {"title": _title(layer.activation)} for layer in layers],
        "link": ("sigmoid" if settings["output"] == "sigmoid" else "softmax") if classes else "linear",
        "centre": float(model.get("target_shift", 0.0)),
        "spread": float(model.get("target_scale", 1.0)),
        "weights": _packed(_in_order(model["theta"], model["running"], layers), np.dtype("f4")),
        "snapshots": [
            {"epoch": int(epoch), "weights": _packed(_in_order(theta, running, layers), np.dtype("f4"))}
            for epoch, theta, running in by_epoch
        ],
    }


def _image(dataset: Mapping[str, Any]) -> dict[str, Any]:
    known = dataset.get("pixels") or {}
    return {
        "inputs": [],
        "image": {
            "shape": dataset["image_shape"],
            "max": dataset["pixel_max"] or 255,
            "background": known.get("background", 0),
            "alike": known.get("alike", 0),
        },
    }


def _columns(run: Run) -> dict[str, Any]:
    return {
        "inputs": inputs(run, int(run.model["n_features_in_"])),
        "features": list(_features(run.info["dataset"], run.living)),
        "colours": COLOURS,
    }


def _title(activation: str) -> str:
    return words.TITLES.get(activation, activation.replace("_", " "))


class LiveLayer(NamedTuple):
    """A dense layer, and what follows it; `norm` where batch normalisation stands between."""

    inputs: int
    units: int
    bias: bool
    norm: bool
    activation: str


def _layers(model: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> list[LiveLayer]:
    """Return the layers of `nn.network.perceptron`; dropout, which does nothing in a prediction, is left out."""
    n_outputs = int(model["n_outputs_"]) if "n_outputs_" in model else len(model["classes_"])
    one = "classes_" in model and settings["output"] == "sigmoid"
    widths = [int(model["n_features_in_"]), *map(int, settings["hidden"]), 1 if one else n_outputs]
    last = "linear" if "classes_" in model else str(settings["output"])
    kinds = [*_activations(settings), last]
    hidden = len(settings["hidden"])
    return [
        LiveLayer(n_in, n_out, bool(settings["bias"]), bool(settings["batch_norm"]) and k < hidden, kinds[k])
        for k, (n_in, n_out) in enumerate(itertools.pairwise(widths))
    ]


def _in_order(theta: np.ndarray, running: np.ndarray, layers: Sequence[LiveLayer]) -> np.ndarray:
    """Return the numbers of a network layer by layer: W, b, then factor and offset of batch normalisation.

    `theta` has all weights first, then by layer b, scale and shift; `running` mean and variance of each
    normalisation (`nn.network.Network`). In a prediction that is x · factor + offset with
    factor = scale / √(variance + ε), offset = shift − mean · factor.
    """
    place, rest, at = 0, sum(layer.inputs * layer.units for layer in layers), 0
    found: list[np.ndarray] = []
    for layer in layers:
        n = layer.units
        found.append(theta[place : place + layer.inputs * n])
        place += layer.inputs * n
        if layer.bias:
            found.append(theta[rest : rest + n])
            rest += n
        if layer.norm:
            scale, shift = (theta[rest + k * n : rest + (k + 1) * n].astype(np.float64) for k in range(2))
            mean, variance = (running[at + k * n : at + (k + 1) * n].astype(np.float64) for k in range(2))
            rest, at = rest + 2 * n, at + 2 * n
            factor = scale / np.sqrt(variance + EPS)
            found += [factor, shift - mean * factor]
    if theta.shape != (rest,) or running.shape != (at,):
        raise ValueError(f"{theta.shape} parameters and {running.shape} running values, not {rest} and {at}")
    return np.concatenate(found)


def _steps(kept: Mapping[str, np.ndarray]) -> Iterator[dict[str, Any]]:
    """Yield the steps of the preparation: their names and arrays, principal components in float32."""
    for k, name in enumerate(json.loads(str(kept["steps"]))):
        prefix = f"step{k}_"
        found = {key.removeprefix(prefix): array for key, array in kept.items() if key.startswith(prefix)}
        yield {"kind": name} | {
            key: _packed(array.ravel(), _of_step(key, array)) for key, array in found.items()
        }


def _of_step(key: str, array: np.ndarray) -> np.dtype[Any]:
    if array.dtype.kind in "iu":
        return np.dtype("i4")
    return np.dtype("f4" if key == "components" else "f8")


def _features(dataset: Mapping[str, Any], kept: Mapping[str, np.ndarray]) -> Iterator[dict[str, Any]]:
    """Yield name and range of each column, of a column of text its words; whole where all its values are."""
    samples = np.concatenate([kept["part_X"], kept["train_X"]]).astype(np.float64)
    names = dataset["features"] or [f"feature {k + 1}" for k in range(samples.shape[1])]
    for k, name in enumerate(names):
        column = samples[:, k]
        known = column[np.isfinite(column)]
        texts = dataset["categories"].get(str(k))
        yield {
            "name": str(name),
            "low": _finite(kept["low"][k]),
            "high": _finite(kept["high"][k]),
            "whole": bool((known == np.round(known)).all()),
            "words": [str(word) for word in texts or ()],
        }


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0


def _packed(array: np.ndarray, dtype: np.dtype[Any]) -> dict[str, str]:
    """Return an array as type and base64 of its bytes, lowest first."""
    raw = np.ascontiguousarray(array, dtype.newbyteorder("<")).tobytes()
    return {"type": dtype.str[1:], "data": base64.b64encode(raw).decode()}
