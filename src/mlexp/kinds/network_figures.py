"""Figures of the inside of a network: gradients and idle units by epoch, weights of the first layer and of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.drawing import matrix, style, tiles
from mlexp.drawing.figure import Drawing
from mlexp.kinds.weights import DenseLayer, by_layer, dense_layers, inputs
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LAYERS = 8  # that a legend names, and that have histograms of their own
MOST_UNITS = 48  # of a first layer
MOST_INPUTS = 30
WRITTEN = 14  # columns of weights up to which the numbers stand in the cells
SHARES = {"dead": "dead units", "saturated": "saturated outputs"}
DASHES: dict[str, Any] = {"dead": "-", "saturated": (0, (4, 1.2))}


def diagnostics(run: Run) -> Figure | None:
    """Draw the gradient norm of each layer by epoch, and its share of dead units or saturated outputs."""
    epochs, norms = run.diagnostics.get("epoch"), by_layer(run.diagnostics, "gradient_norm")
    idle = {(what, k): values for what in SHARES for k, values in by_layer(run.diagnostics, what).items()}
    idle = {
        place: values for place, values in idle.items() if place[1] in norms and np.isfinite(values).any()
    }
    if epochs is None or not any(np.isfinite(values).any() for values in norms.values()):
        return None
    figure = style.new_figure(2.9, _state(epochs, norms))
    axes = figure.subplots(1, 2 if idle else 1, squeeze=False)[0]
    colours = _colours(list(norms))
    _draw_norms(axes[0], epochs, norms, colours)
    for (what, k), values in idle.items():
        _line(axes[1], epochs, 100 * values, colours[k], DASHES[what])
    if idle:
        kinds = list(dict.fromkeys(SHARES[what] for what, _ in idle))
        top = max(5.0, 100 * float(np.nanmax(list(idle.values()))))
        axes[1].set(ylabel=f"{' or '.join(kinds).capitalize()} (%)", ylim=(-0.03 * top, 1.08 * top))
    _name_layers(figure, run, colours, {what for what, _ in idle})
    return figure


def _state(epochs: np.ndarray, norms: dict[int, np.ndarray]) -> str:
    """Describe the gradients at the last look at which all were numbers."""
    values = np.array(list(norms.values()))
    at = np.flatnonzero(np.isfinite(values).all(axis=0))
    if not at.size:
        return "Gradient norm by layer"
    first, last = (f"{values[layer, at[-1]]:.2g}" for layer in (0, -1))
    where = f"{first} in the first layer, {last} in the last" if len(norms) > 1 else first
    return f"Gradient norm after epoch {epochs[at[-1]]:.0f}: {where}"


def _colours(layers: Sequence[int]) -> dict[int, Any]:
    """Return a colour for each layer, dark at the input and light at the output."""
    import matplotlib

    return dict(zip(layers, matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(layers))), strict=True))


def _draw_norms(
    axes: Axes, epochs: np.ndarray, norms: dict[int, np.ndarray], colours: dict[int, Any]
) -> None:
    """Draw the norms on a log axis, on which those that are 0 have no place."""
    from matplotlib.ticker import LogLocator

    values = np.array(list(norms.values()))
    shown = np.where(np.isfinite(values) & (values > 0), values, np.nan)
    for k, line in zip(norms, shown, strict=True):
        _line(axes, epochs, line, colours[k], "-")
    if np.isnan(shown).all():
        axes.set_ylabel("Gradient norm: 0 in all layers")
        return
    low, high = float(np.nanmin(shown)), float(np.nanmax(shown))
    axes.set(ylabel="Gradient norm (log scale)", yscale="log", ylim=(low / 1.3, high * 1.3))
    if high / low < 100:
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        axes.yaxis.set_minor_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:g}")


def _line(axes: Axes, epochs: np.ndarray, values: np.ndarray, colour: Any, dashes: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot(
        epochs, values, color=colour, linestyle=dashes, marker="o" if epochs.size < 20 else "", markersize=3
    )
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axes.grid(axis="y")


def _name_layers(figure: Figure, run: Run, colours: dict[int, Any], idle: set[str]) -> None:
    """Name the layers below the axes, of many layers the first and the last and some between."""
    from matplotlib.lines import Line2D

    titles = [name for name in run.tables.get("layers", {}).get("layer", []) if name.startswith("Dense")]
    layers = list(colours)
    some = np.unique(np.linspace(0, len(layers) - 1, min(len(layers), MOST_LAYERS)).round().astype(int))
    handles = []
    for k in (layers[place] for place in some):
        title = style.class_names([titles[k - 1]], 1.2)[0] if 0 < k <= len(titles) else "layer"
        handles.append(Line2D([], [], color=colours[k], label=f"{k}: {title}"))
    if len(idle) > 1:
        handles += [
            Line2D([], [], color=style.INK, linestyle=DASHES[what], label=SHARES[what]) for what in SHARES
        ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4))


def first_weights(run: Run) -> Figure | None:
    """Draw the weights that enter each unit of the first layer: as an image where the inputs are pixels, else as a map.

    Of many units those with the largest weights are drawn; the colours of all share one scale.
    """
    layers = dense_layers(run)
    if not layers or not np.isfinite(layers[0].W).all():
        return None
    W, n_layers = layers[0].W, len(layers)
    shape: Sequence[int] = run.info["dataset"].get("image_shape") or ()
    strongest = np.argsort(-np.square(W, dtype=np.float64).sum(axis=0), kind="stable")
    drawable = len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)
    sizes = [n for n in shape if isinstance(n, int)]  # a record may hold anything
    pixels = drawable and "input_names" not in run.arrays and len(sizes) == len(shape)
    if pixels and math.prod(sizes) == len(W):
        return _as_images(W, strongest, tuple(sizes), n_layers)
    return _as_map(W, strongest, inputs(run, len(W)), run, n_layers)


def _units(n_shown: int, n_units: int, n_layers: int) -> str:
    """Describe which columns of the first layer are shown."""
    what = "unit" if n_layers > 1 else "output"
    if n_units == 1:
        return f"the only {what}"
    return (
        f"all {n_units} {what}s"
        if n_shown == n_units
        else f"the {n_shown} of {n_units} {what}s with the largest weights"
    )


def _as_images(W: np.ndarray, strongest: np.ndarray, shape: tuple[int, ...], n_layers: int) -> Figure:
    shown = np.sort(strongest[:MOST_UNITS])
    columns = min(12, max(len(shown), 6))
    rows = math.ceil(len(shown) / columns)
    (h, w), what = shape[:2], "unit" if n_layers > 1 else "output"
    gap, line = max(1, round(0.12 * w)), 0.13  # pixels between images, inches of a number
    wide = style.WIDTH - 1.0
    inch = columns * (w + gap) / wide  # pixels of the images to one inch of paper
    cell = (h + gap + round(line * inch), w + gap)
    high = rows * cell[0] / inch
    headline = f"Weights of the first layer: {_units(len(shown), W.shape[1], n_layers)}"
    figure = style.new_figure(high + 0.25, headline, placed=True)
    axes = style.place(figure, 0.1, 0.2, wide, high)
    axes.set_axis_off()
    images = W[:, shown].T.reshape(-1, *shape)
    reach = float(np.quantile(np.abs(images), 0.999)) or 1.0
    colour = len(shape) == 3  # then grey stands for 0 in each channel
    if colour:
        images = np.clip(0.5 + images / (2 * reach), 0, 1)
    in_rows = [images[k : k + columns] for k in range(0, len(images), columns)]
    grid = tiles.mosaic(in_rows, columns, cell)
    look = {} if colour else {"cmap": _signed(), "vmin": -reach, "vmax": reach}
    drawn = axes.imshow(grid, aspect="auto", interpolation="nearest", **look)
    for k, unit in enumerate(shown):
        x, y = k % columns * cell[1] + (w - 1) / 2, k // columns * cell[0] + h - 0.5 + 0.1 * gap
        axes.text(x, y, str(unit + 1), ha="center", va="top", fontsize=tiles.CAPTION, color=style.GREY)
    if not colour:
        bar = style.place(figure, style.WIDTH - 0.75, max(0.3, high - 1.4), 0.12, min(high - 0.1, 1.6))
        figure.colorbar(drawn, cax=bar).set_label("Weight", fontsize=style.SMALL)
    zero = (
        f"grey is 0, the channels reach from {-reach:.2g} to {reach:.2g}" if colour else "one scale for all"
    )
    note = f"Below each image: number of the {what}; {zero}".replace("-", "−")
    figure.text(0.016, 0.05 / figure.get_figheight(), note, fontsize=style.SMALL, color=style.GREY)
    return figure


def _signed() -> Any:
    """Return purple for negative, white for 0, orange for positive, and white for what is not an image."""
    import matplotlib

    return matplotlib.colormaps["PuOr_r"].with_extremes(bad="white")


def _as_map(W: np.ndarray, strongest: np.ndarray, names: Sequence[str], run: Run, n_layers: int) -> Figure:
    units = np.sort(strongest[:MOST_UNITS])
    rows = np.sort(np.argsort(-np.square(W, dtype=np.float64).sum(axis=1), kind="stable")[:MOST_INPUTS])
    values = W[np.ix_(rows, units)]
    left_out = f", the {len(rows)} of {len(W)} inputs with the largest" if len(rows) < len(W) else ""
    classes = run.info["dataset"].get("classes") or []
    height = max(0.17 * len(rows), 0.5) + 0.75
    headline = f"Weights of the first layer: {_units(len(units), W.shape[1], n_layers)}{left_out}"
    figure = style.new_figure(height, headline)
    axes = figure.subplots()
    drawn = matrix.differences(axes, values)
    axes.set_aspect("auto")
    axes.set_yticks(range(len(rows)), style.class_names([names[k] for k in rows], 1.8))
    named = n_layers == 1 and len(classes) == W.shape[1]
    labels = style.class_names([classes[k] for k in units], 0.6) if named else [str(k + 1) for k in units]
    step = math.ceil(len(units) / 24)
    axes.set_xticks(
        range(0, len(units), step), labels[::step], rotation=90 if named and len(units) > 6 else 0
    )
    axes.tick_params(length=0)
    axes.set_xlabel("Class" if named else "Output" if n_layers == 1 else "Unit of the first hidden layer")
    if len(units) <= WRITTEN:
        dark = np.abs(values) > 0.6 * max(float(np.abs(values).max()), 1e-9)
        matrix.write(
            axes, [[f"{value:.2g}".replace("-", "−") for value in line] for line in values], dark, 5.5
        )
    figure.colorbar(drawn, label="Weight")
    return figure


def weights(run: Run) -> Figure | None:
    """Draw the distribution of weights and of biases of each dense layer."""
    layers = dense_layers(run)
    if not layers or not all(np.isfinite(part).all() for layer in layers for part in layer):
        return None
    numbered = list(enumerate(layers, 1))
    shown = numbered if len(layers) <= MOST_LAYERS else [*numbered[: MOST_LAYERS - 1], numbered[-1]]
    biased = any(layer.b.size for layer in layers)
    total = sum(layer.W.size + layer.b.size for layer in layers)
    more = (
        f" (of {len(layers)} layers, the first {MOST_LAYERS - 1} and the last)"
        if len(shown) < len(layers)
        else ""
    )
    figure = style.new_figure(
        1.05 * len(shown) + 0.3, f"Distribution of {total:,} weights and biases by layer{more}"
    )
    grid = figure.subplots(len(shown), 2 if biased else 1, squeeze=False)
    for line, (number, layer) in zip(grid, shown, strict=True):
        _histogram(line[0], layer.W.ravel(), f"Layer {number}: {_count(layer)}", style.BLUE)
        if biased and layer.b.size:
            _histogram(line[1], layer.b, f"{layer.b.size:,} bias{'es' * (layer.b.size > 1)}", style.VERMILION)
        elif biased:
            line[1].set_axis_off()
    grid[-1, 0].set_xlabel("Weight")
    if biased:
        grid[-1, 1].set_xlabel("Bias")
    return figure


def _count(layer: DenseLayer) -> str:
    n_in, n_out = layer.W.shape
    return f"{n_in:,} × {n_out:,} weights"


def _histogram(axes: Axes, values: np.ndarray, title: str, colour: str) -> None:
    from matplotlib.ticker import MaxNLocator

    values = values.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        said, low, high = f"all {values[0]:.3g}", low - 0.5, high + 0.5
    else:
        said = f"mean {values.mean():.2g}, SD {values.std():.2g}"
    bins = int(np.clip(math.sqrt(values.size), 5, 60))
    axes.hist(values, bins=bins, range=(low, high), color=colour)
    axes.set_title(f"{title}; {said}".replace("-", "−"), fontsize=style.SMALL)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.axvline(0, color=style.GREY, linewidth=0.6, zorder=0)
    axes.set_ylabel("Count", fontsize=style.SMALL)


FIGURES = {
    "diagnostics": Drawing(
        diagnostics,
        "Gradient norm of each layer by epoch, and its dead units or saturated outputs",
        "Lines far below that of the last layer are vanishing gradients; dead or saturated units learn little.",
    ),
    "first_weights": Drawing(
        first_weights,
        "Weights of the first layer",
        "What does each unit respond to? Noise without structure suggests that little was learnt; equal units are "
        "symmetric.",
    ),
    "weights": Drawing(
        weights,
        "Histograms of weights and biases by layer",
        "A single bar: parameters that are all equal; long tails: a few weights that are much larger than the others.",
    ),
}
