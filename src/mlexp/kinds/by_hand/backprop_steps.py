"""The step of a small network in symbols and numbers: given, forward, the chain rule back, update, check."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from mlexp.config.schema import Config
from mlexp.kinds.by_hand.functions import ACTIVATIONS, LOSSES, PER_OUTPUT, UPDATES
from mlexp.kinds.by_hand.latex import Script, difference, matrix, num, row, signed, total
from mlexp.kinds.by_hand.net import Net
from mlexp.page.words import TITLES

GREATEST = 12  # rows whose numbers stand in a sum


def script(
    config: Config,
    net: Net,
    X: np.ndarray,
    T: np.ndarray,
    after: Net,
    errors: tuple[float, float],
    checked: Mapping[str, float],
) -> Script:
    """Return the derivation of one step.

    Parameters
    ----------
    net, after : the network before and after the step
    X, T : inputs (n, d) and targets (n, m)
    errors : the loss before and after
    checked : largest gradient, and largest differences of engine, finite differences and update
    """
    found = Script()
    _state(found, config, net, X, T)
    _forwards(found, net, X, T, errors[0])
    if net.is_smallest and net.loss == "mse":
        _scalar(found, net, X, T)
    else:
        _backwards(found, net, X, T)
    _update(found, config, net, X, T, after, errors)
    _check(found, checked)
    return found


def _state(found: Script, config: Config, net: Net, X: np.ndarray, T: np.ndarray) -> None:
    found.part("Given", given=True)
    layers = len(net.weights)
    widths = ", ".join(str(W.shape[0]) for W, _ in net.weights) + f" and {net.weights[-1][0].shape[1]}"
    what = (
        "softmax regression"
        if net.loss == "cross_entropy" and layers == 1
        else f"a network of widths {widths}"
    )
    rule = TITLES.get(config.model.optimizer, config.model.optimizer)
    found.step(
        f"One step of {what} on {len(X)} row{'s' * (len(X) != 1)}, loss {LOSSES[net.loss].title}, optimizer {rule} at "
        f"rate {config.model.learning_rate:g}. Rows of X and Y are samples.",
        "",
        rf"X = {matrix(X)}, \quad Y = {matrix(T)}, \quad \eta = {num(config.model.learning_rate)}",
    )
    for layer, (W, b) in enumerate(net.weights, 1):
        bias = rf", \quad {_b(net, layer)} = {_row(b)}" if net.bias else ""
        found.step("", "", f"{_W(net, layer)} = {matrix(W)}{bias}")
    for name in dict.fromkeys(net.activations):
        function = ACTIVATIONS[name]
        slope = function.derivative if name == "softmax" else f"f'(z) = {function.derivative}"
        found.step(
            f"The activation {TITLES.get(name, name)} and its derivative.",
            rf"f(z) = {function.formula}, \quad {slope}",
        )
    found.step("The loss.", rf"E = {_factor(net, T)} {LOSSES[net.loss].formula}")


def _W(net: Net, layer: int) -> str:
    return f"w_{layer}" if net.is_smallest else f"W_{{{layer}}}"


def _b(net: Net, layer: int) -> str:
    return f"b_{{{layer}}}"


def _row(values: np.ndarray) -> str:
    return num(values.item()) if values.size == 1 else matrix(values)


def _factor(net: Net, T: np.ndarray, times: int = 1) -> str:
    """Return what stands before the sum of the loss."""
    parts = [
        str(n)
        for n, counts in ((len(T), net.factor * _outputs(net, T) < 1), (_outputs(net, T), True))
        if counts
    ]
    product = int(np.prod([int(part) for part in parts]))
    shared = math.gcd(times, product)
    above, below = times // shared, product // shared
    if below == 1:
        return "" if above == 1 else str(above)
    return rf"\frac{{{above}}}{{{below}}}"


def _outputs(net: Net, T: np.ndarray) -> int:
    return T.shape[1] if net.loss in PER_OUTPUT else 1


def _by(what: str) -> str:
    return rf"\frac{{\partial E}}{{\partial {what}}}"


def _forwards(found: Script, net: Net, X: np.ndarray, T: np.ndarray, error: float) -> None:
    found.part("Forward")
    Zs, As = net.forward(X)
    if net.is_smallest:
        (w1, b1), (w2, b2) = ((W.item(), b.item()) for W, b in net.weights)
        names = ("z_i", "w_1 x_i + b_1"), ("a_i", "f(z_i)"), (r"\hat{y}_i", "w_2 a_i + b_2")
        in_numbers = (_line(w1, X, b1), "", _line(w2, As[1], b2))
        for (name, formula), values, line in zip(names, (Zs[0], As[1], As[2]), in_numbers, strict=True):
            plain = name.replace("_i", "")
            found.step("", f"{name} = {formula}", f"{plain} = {line}{row(values[:, 0])}")
    else:
        _matrices(found, net, Zs, As)
    if "entropy" in net.loss:
        found.step("Probabilities.", "", f"P = {matrix(_probabilities(net, X, T))}")
    found.step("The loss of these numbers.", "", _loss_in_numbers(net, As[-1], T, error))


def _line(slope: float, values: np.ndarray, offset: float) -> str:
    return rf"{num(slope)} \cdot {row(values[:, 0])} + {signed(offset)} = "


def _matrices(found: Script, net: Net, Zs: list[np.ndarray], As: list[np.ndarray]) -> None:
    for layer, (Z, (W, b)) in enumerate(zip(Zs, net.weights, strict=True), 1):
        last = layer == len(Zs)
        name = rf"\hat{{Y}} = Z_{{{layer}}}" if last else f"Z_{{{layer}}}"
        times = r"\cdot " if W.size == 1 else ""
        below = "X" if layer == 1 else f"A_{{{layer - 1}}}"
        plus = (rf" + \mathbf{{1}} {_b(net, layer)}", f" + {_factored(b)}") if net.bias else ("", "")
        found.step(
            "The output layer." if last else f"Layer {layer}: pre-activations, one row a sample.",
            f"{name} = {below} {_W(net, layer)}{plus[0]}",
            f"{name} = {matrix(As[layer - 1])} {times}{_factored(W)}{plus[1]} = {matrix(Z)}",
        )
        if not last:
            found.step("", f"A_{{{layer}}} = f(Z_{{{layer}}})", f"A_{{{layer}}} = {matrix(As[layer])}")


def _probabilities(net: Net, X: np.ndarray, T: np.ndarray) -> np.ndarray:
    found: np.ndarray = LOSSES[net.loss].gradient(net.forward(X)[1][-1], T) + T
    return found


def _loss_in_numbers(net: Net, output: np.ndarray, T: np.ndarray, error: float) -> str:
    rows = LOSSES[net.loss].value(output, T) * _outputs(net, T)
    factor = _factor(net, T)
    inside = total(rows)
    return (
        rf"E = {factor} \left( {inside} \right) = {num(error)}" if factor else f"E = {inside} = {num(error)}"
    )


def _backwards(found: Script, net: Net, X: np.ndarray, T: np.ndarray) -> None:
    """Go back layer by layer, in matrices."""
    found.part("Backward, by the chain rule")
    grads, dZs, dAs = net.backward(X, T)
    _, As = net.forward(X)
    layers = len(net.weights)
    if net.loss == "cross_entropy":
        found.step(
            "Softmax and logarithm together: with the derivative of softmax, the sum over the classes leaves the "
            "difference of probability and target, since the targets of a row sum to 1.",
            r"\frac{\partial p_k}{\partial \hat{y}_j} = p_k (\delta_{k j} - p_j), \quad "
            r"\frac{\partial}{\partial \hat{y}_j} \left( -\sum_k y_k \log p_k \right) = "
            r"-\sum_k y_k (\delta_{k j} - p_j) = p_j - y_j",
        )
    for layer in range(layers, 0, -1):
        dZ, name = dZs[layer - 1], f"Z_{{{layer}}}"
        if layer == layers:
            loss = LOSSES[net.loss]
            derivative = f"{_factor(net, T, loss.multiple)} {loss.derivative}"
            output = _by(r"\hat{Y}")
            found.step(
                "At the output, the derivative of the loss.",
                rf"{_by(name)} = {output} = {derivative}",
                f"{_by(name)} = {matrix(dZ)}",
            )
        else:
            _through_activation(found, net, layer, (dAs[layer - 1], dZ, dZs[layer]))
        above = "X" if layer == 1 else f"A_{{{layer - 1}}}"
        found.step(
            f"Weights of layer {layer}: products of inputs and gradients at the output, summed over the samples.",
            rf"{_by(_W(net, layer))} = {above}^\top {_by(name)}",
            rf"{_by(_W(net, layer))} = {matrix(As[layer - 1].T)} {matrix(dZ)} = {matrix(grads[layer - 1][0])}",
        )
        if net.bias:
            found.step(
                f"Biases of layer {layer}: the sum over the samples.",
                rf"{_by(_b(net, layer))} = \mathbf{{1}}^\top {_by(name)}",
                f"{_by(_b(net, layer))} = {matrix(grads[layer - 1][1])}",
            )


def _through_activation(
    found: Script, net: Net, layer: int, passed: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> None:
    """Pass the gradient through the weights above and the activation of a hidden layer."""
    dA, dZ, above = passed
    W = net.weights[layer][0]
    A, Z, Z_above = (
        f"{letter}_{{{number}}}" for letter, number in (("A", layer), ("Z", layer), ("Z", layer + 1))
    )
    found.step(
        f"Through the weights of layer {layer + 1}.",
        rf"{_by(A)} = {_by(Z_above)} {_W(net, layer + 1)}^\top",
        rf"{_by(A)} = {matrix(above)} {matrix(W.T)} = {matrix(dA)}",
    )
    if net.activations[layer - 1] == "softmax":
        symbols = (
            rf"{_by('z_{i j}')} = a_{{i j}} \left( g_{{i j}} - \sum_k g_{{i k}} a_{{i k}} \right), "
            rf"\quad G = {_by(A)}"
        )
    else:
        symbols = rf"{_by(Z)} = {_by(A)} \odot f'({Z})"
    found.step(f"Through the activation of layer {layer}.", symbols, f"{_by(Z)} = {matrix(dZ)}")


def _scalar(found: Script, net: Net, X: np.ndarray, T: np.ndarray) -> None:
    """Write the chain rule of the smallest network out, a sum over the samples for each parameter."""
    found.part("Backward, by the chain rule")
    grads, _, _ = net.backward(X, T)
    (Z, _), (_, A, Y) = net.forward(X)
    slope = ACTIVATIONS[net.activations[0]].slope(Z)
    w2 = net.weights[1][0].item()
    n = len(X)
    found.step(
        "The error of each sample.",
        r"e_i = \hat{y}_i - y_i",
        rf"e = {row((Y - T)[:, 0])}",
    )
    found.step(
        "The slope of the activation at each sample.",
        "f'(z_i)",
        f"f'(z) = {row(slope[:, 0])}",
    )
    path = r"\frac{\partial E}{\partial \hat{y}_i} \, \frac{\partial \hat{y}_i}{\partial"
    hidden = rf"{path} a_i}} \, \frac{{\partial a_i}}{{\partial z_i}} \, \frac{{\partial z_i}}{{\partial"
    scale = "2" if net.factor == 1 else rf"\frac{{2}}{{{n}}}"
    ones = np.ones_like(X)
    for name, chain, terms, factors in (
        ("w_2", rf"{path} w_2}}", "e_i a_i", (A,)),
        ("b_2", rf"{path} b_2}}", "e_i", (ones,)),
        ("w_1", rf"{hidden} w_1}}", "e_i w_2 f'(z_i) x_i", (w2 * ones, slope, X)),
        ("b_1", rf"{hidden} b_1}}", "e_i w_2 f'(z_i)", (w2 * ones, slope)),
    ):
        parts = [Y - T, *(factor for factor in factors if factor is not ones)]
        layer, place = int(name[-1]) - 1, name[0] == "b"
        found.step(
            f"The derivative by {name.replace('_', '')}: every sample adds the product along its path.",
            rf"{_by(name)} = \sum_i {chain} = {scale} \sum_i {terms}",
            rf"{_by(name)} = {scale} \left[ {_products(parts)} \right] = {num(grads[layer][place].item())}",
        )


def _products(factors: list[np.ndarray]) -> str:
    """Return the sum over samples of the products of their factors, (n, 1) each; of many samples the first few."""
    rows = [
        r" \cdot ".join([signed(values[0]) if place else num(values[0]), *map(signed, values[1:])])
        for place, values in enumerate(np.hstack(factors)[:GREATEST].tolist())
    ]
    return " + ".join([*rows, *([r"\ldots"] if len(factors[0]) > GREATEST else [])])


def _update(
    found: Script,
    config: Config,
    net: Net,
    X: np.ndarray,
    T: np.ndarray,
    after: Net,
    errors: tuple[float, float],
) -> None:
    found.part("Update")
    more, rule = UPDATES[config.model.optimizer]
    if config.model.optimizer == "sgd" and config.model.momentum:
        more = " The velocity is zero before the first step" + (
            ", and Nesterov's step goes on by the momentum."
            if config.model.nesterov
            else ", which is then the gradient."
        )
        rule = r"\theta \leftarrow \theta - \eta (1 + \mu) g" if config.model.nesterov else rule
    found.step(f"Each parameter moves against its gradient g.{more}", rule)
    grads, _, _ = net.backward(X, T)
    for layer, ((W, b), (W2, b2), (dW, db)) in enumerate(
        zip(net.weights, after.weights, grads, strict=True), 1
    ):
        pairs = [(_W(net, layer), W, dW, W2)] + ([(_b(net, layer), b, db, b2)] if net.bias else [])
        for name, old, slope, new in pairs:
            plain = config.model.optimizer == "sgd" and not config.model.nesterov
            taken = (
                rf"{matrix(old)} - {num(config.model.learning_rate)} \cdot {_factored(slope)} = "
                if plain
                else ""
            )
            found.step("", "", rf"{name} \leftarrow {taken}{matrix(new, 5)}")
    change = "falls" if errors[1] < errors[0] else "does not fall"
    found.step(
        f"The loss {change} with this step.",
        "",
        rf"E = {num(errors[0])} \rightarrow {num(errors[1])}",
    )


def _factored(values: np.ndarray) -> str:
    return signed(values.item()) if values.size == 1 else matrix(values)


def _check(found: Script, checked: Mapping[str, float]) -> None:
    found.part("Check")
    engine, apart = difference(checked["engine"]), difference(checked["finite differences"])
    found.step(
        "The same gradient by the layers of the engine, and by central differences of the loss; the same update by the "
        f"engine's optimizer. The largest gradient is {checked['largest']:.4g}. Largest differences from the formulas: "
        f"engine {engine}, central differences {apart}, updated parameters "
        f"{difference(checked['update'])}."
    )
