"""What the folder of a trained network shows of its training: a sentence for each finding, none where there is none.

Each function below looks at one thing and returns at most one sentence. Its threshold is a constant, so that a sentence
means the same on every page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mlexp.kinds.weights import DenseLayer, by_layer, dense_layers
from mlexp.page.words import listed, number, percent
from mlexp.store import Run

KINDS = ("classification", "regression", "autoencoder", "layers")
CHANCE = 0.01  # macro recall above 1/k, and R² above 0, up to which nothing was learnt
LATER = 3  # epochs after the best one before its validation loss is compared with theirs
RISE = 1.05  # validation loss at the end, as a multiple of the lowest, from which a network overfits
GAP = 0.02  # accuracy on the training set above that of the validation set, beside two standard errors
FALL = 0.02  # share of the whole fall of the training loss that falls to the last tenth of the epochs
POOR_ACCURACY, POOR_R2 = 0.9, 0.5  # on the training set: below, what has not converged underfits
VANISHED = 0.01  # gradient of the first layer as a share of that of the last
DEAD = 0.1  # share of the units of a layer
SATURATED = 0.5  # share of the outputs of a layer
EQUAL = 1e-5  # relative difference up to which the units of a layer are equal


def network_findings(run: Run, config: Mapping[str, Any]) -> list[str]:
    """Return what the folder of a trained network shows, a sentence each; nothing for other runs.

    Parameters
    ----------
    run : the run folder
    config : its configuration, as `config.yaml` holds it
    """
    model = config.get("model", {})
    if run.info["task"]["kind"] not in KINDS or "train_loss" not in run.history or not model:
        return []
    diverged = run.status == "diverged"
    layers = [] if diverged else dense_layers(run)
    looked = (_chance, _overfits, _gap, _unfinished)
    said = [] if diverged else [sentence for look in looked for sentence in look(run, model)]
    said += [sentence for look in (_gradients, _dead, _saturated) for sentence in look(run.diagnostics)]
    return [*said, *_symmetric(layers, model), *_linear(layers, model)]


def _chance(run: Run, model: Mapping[str, Any]) -> Iterator[str]:
    """Say that a classifier recalls no more than a constant does, or a regression explains nothing."""
    scores, k = run.metrics.get("train", {}), len(run.info["dataset"].get("classes") or ())
    recall, r2 = scores.get("macro_recall"), scores.get("r2")
    if k > 1 and recall is not None and recall <= 1 / k + CHANCE:
        yield (
            f"It is at chance level: mean recall over the classes is {number(recall)} on the training set; always "
            f"predicting one class gives {number(1 / k)}."
        )
    elif not k and r2 is not None and r2 <= CHANCE:
        yield f"It explains nothing: R² is {r2:.3f} on the training set; predicting the mean gives 0.".replace(
            "-", "−"
        )


def _overfits(run: Run, model: Mapping[str, Any]) -> Iterator[str]:
    """Say from which epoch on the validation loss rises while the training loss falls."""
    losses, best = _losses(run)
    if losses is None or len(losses["train"]) - best - 1 < LATER:
        return
    lowest, end = losses["validation"][best], float(np.mean(losses["validation"][-LATER:]))
    at_best, last = losses["train"][best], losses["train"][-1]
    if end < RISE * lowest or last >= at_best:
        return
    epochs = run.history["epoch"]
    kept = f" The weights of epoch {epochs[best]:.0f} were kept." if model.get("restore_best") else ""
    yield (
        f"It overfits from epoch {epochs[best]:.0f} on: by epoch {epochs[-1]:.0f} the validation loss has risen from "
        f"{number(lowest)} to {number(end)}, while the training loss has fallen from {number(at_best)} to "
        f"{number(last)}.{kept}"
    )


def _gap(run: Run, model: Mapping[str, Any]) -> Iterator[str]:
    """Say how far the accuracy on the training set is above that on the validation set."""
    train, held = (run.metrics.get(part, {}).get("accuracy") for part in ("train", "validation"))
    rows = run.info["split"].get("validation", 0)
    if train is None or held is None or not rows:
        return
    noise = 2 * float(np.sqrt(held * (1 - held) / rows))
    if train - held > GAP + noise:
        yield (
            f"It fits its training samples better than others: accuracy {percent(train)} on the training set, "
            f"{percent(held)} on the validation set, a gap of {100 * (train - held):.1f} points."
        )


def _unfinished(run: Run, model: Mapping[str, Any]) -> Iterator[str]:
    """Say that the losses were still falling when the epochs were used up; with a poor fit that is underfitting."""
    losses, best = _losses(run)
    if losses is None or run.info["facts"].get("stopped") != "epochs":
        return
    train = losses["train"]
    back = max(2, len(train) // 10)
    if len(train) <= LATER or best < len(train) - 1 - back:
        return
    fall, whole = train[-1 - back] - train[-1], train[0] - train[-1]
    if fall <= 0 or fall < FALL * whole:
        return
    scores = run.metrics.get("train", {})
    poor = scores.get("accuracy", 1) < POOR_ACCURACY or scores.get("r2", 1) < POOR_R2
    yield (
        f"It {'underfits: it ' if poor else ''}had not converged at its limit of {len(train)} epochs: in the last "
        f"{back} the training loss still fell from {number(train[-1 - back])} to {number(train[-1])}."
    )


def _losses(run: Run) -> tuple[dict[str, np.ndarray] | None, int]:
    """Return training and validation losses, and the place of the lowest validation loss; None if not all are known."""
    losses = {part: run.history.get(f"{part}_loss", np.array([])) for part in ("train", "validation")}
    whole = all(len(values) and np.isfinite(values).all() for values in losses.values())
    return (losses, int(np.argmin(losses["validation"]))) if whole else (None, 0)


def _gradients(diagnostics: Mapping[str, np.ndarray]) -> Iterator[str]:
    """Say that gradients vanish on their way to the first layer, never reach it, or are no finite numbers."""
    norms = by_layer(diagnostics, "gradient_norm")
    if len(norms) < 2 or "epoch" not in diagnostics:
        return
    first, last = norms[min(norms)], norms[max(norms)]
    never = [layer for layer, values in norms.items() if not values.any()]
    if wrong := [epoch for epoch, *row in zip(diagnostics["epoch"], *norms.values(), strict=True)
                 if not np.isfinite(row).all()]:  # fmt: skip
        yield f"Gradients explode: after epoch {wrong[0]:.0f} they were no longer finite."
    elif never:
        which = f"layer{'s' * (len(never) > 1)} {listed([str(layer) for layer in never])}"
        yield f"No gradient reaches {which} at the end of any epoch: nothing is learnt there any more."
    elif last.any() and (ratio := float(np.median(first[last > 0] / last[last > 0]))) < VANISHED:
        yield (
            "Gradients vanish on their way to the input: the gradient norm of the first layer is "
            f"{number(ratio)} times that of the last (median over the recorded epochs)."
        )


def _dead(diagnostics: Mapping[str, np.ndarray]) -> Iterator[str]:
    """Say how many ReLU units are 0 on every sample at the end of the training, in the layer that has most."""
    shares = {layer: float(values[-1]) for layer, values in by_layer(diagnostics, "dead").items()}
    worst = max(shares, key=lambda layer: shares[layer], default=0)
    if worst and shares[worst] >= DEAD:
        yield (
            f"Dead ReLU units: {percent(shares[worst])} of the units of hidden layer {worst} are 0 on every training "
            "sample examined and get no gradient from them."
        )


def _saturated(diagnostics: Mapping[str, np.ndarray]) -> Iterator[str]:
    """Say how many outputs lie on the flat ends of their sigmoid, in the layer that has most."""
    found = by_layer(diagnostics, "saturated")
    worst = max(found, key=lambda layer: found[layer][-1], default=0)
    if worst and found[worst][-1] >= SATURATED:
        early = found[worst][0]
        since = f" (already {percent(float(early))} after the first epoch)" if early >= SATURATED else ""
        yield (
            f"Saturated units: {percent(float(found[worst][-1]))} of the outputs of hidden layer {worst} lie where the "
            f"slope of the activation is below a twentieth of its largest{since}, so that they pass on hardly any "
            "gradient."
        )


def _symmetric(layers: list[DenseLayer], model: Mapping[str, Any]) -> Iterator[str]:
    """Say in which hidden layers all units are equal: they have the same weights and keep having them."""
    equal = [
        k
        for k, (W, b) in enumerate(layers[:-1], 1)
        if W.shape[1] > 1 and _all_equal(W) and _all_equal(b[None])
    ]
    if not equal:
        return
    which = f"hidden layer{'s' * (len(equal) > 1)} {listed([str(k) for k in equal])}"
    init = model.get("init")
    alike = f"model.init={init} initialises them equally, and " if init in ("zeros", "ones") else ""
    nothing = " All their weights are 0." if not any(layers[k - 1].W.any() for k in equal) else ""
    yield (
        f"Symmetric weights: all units of {which} have equal weights and act as one unit; {alike}equal units get "
        f"equal gradients.{nothing}"
    )


def _all_equal(weights: np.ndarray) -> bool:
    """Return whether the columns of a matrix are equal, up to rounding."""
    reach = float(np.abs(weights).max(initial=0))
    return bool((np.abs(weights - weights[:, :1]) <= EQUAL * reach).all())


def _linear(layers: list[DenseLayer], model: Mapping[str, Any]) -> Iterator[str]:
    """Say which layers are one linear layer, for want of an activation between them."""
    kinds = model.get("activation")
    kinds = [kinds] * (len(layers) - 1) if isinstance(kinds, str) else list(kinds or ())
    if len(kinds) != len(layers) - 1:
        return
    start = 0
    for place in range(1, len(layers) + 1):
        if place < len(layers) and kinds[place - 1] == "linear":
            continue
        if place - start > 1:
            group = [layer.W.shape for layer in layers[start:place]]
            rank = min(min(shape) for shape in group)
            count = {2: "two", 3: "three", 4: "four"}.get(len(group), str(len(group)))
            which = "" if len(group) == len(layers) else f" (layers {start + 1} to {place})"
            yield (
                f"Its {count} layers without an activation between them{which} act as one linear layer, of rank at "
                f"most {rank}: they can compute nothing that a single one could not."
            )
        start = place
