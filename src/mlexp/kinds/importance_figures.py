"""Figures of the features that a model relies on: permutation importance, partial dependence, coefficients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.drawing import groups, matrix, style
from mlexp.drawing.figure import Drawing
from mlexp.kinds.importance_answer import matters
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 20  # features in a figure
MOST_CLASSES = 30  # columns of the matrix of coefficients
ROW = 0.19  # inches
NAME = 2.1  # inches of the name of a feature
TARGET = 1.5  # inches of the name of a target
LINE = 0.6  # inches of a line of a legend and the space around it
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.2)), (0, (1, 1)), (0, (6, 1, 1, 1)), (0, (2, 2)))
Table = Mapping[str, Sequence[str]]


def importance(run: Run) -> Figure | None:
    """Draw the permutation importance of the features with intervals; beside it the trees' own, where there is one."""
    found, facts = run.tables.get("permutation_importance"), run.info["facts"].get("importance")
    if "patch_importance" in run.arrays:
        return None
    if not found or not facts or not found["feature"]:
        return _trees_alone(run.tables.get("importances"))
    unit = 100.0 if facts["measure"] == "accuracy" else 1.0
    mean, low, high = (unit * _numbers(found[name][:MOST]) for name in ("importance", "low", "high"))
    own = found.get("impurity_decrease")
    names = style.class_names(found["feature"][:MOST], NAME if own is None else 0.8 * NAME)
    note = _note(facts, len(found["feature"]) - len(names))
    figure = style.new_figure(
        ROW * len(names) + 0.85 + 0.13 * len(note), _headline(found, mean, low, high, run)
    )
    axes = figure.subplots(1, 1 if own is None else 2, sharey=True, squeeze=False)[0]
    places = np.arange(len(names))
    beyond = np.array(matters(found)[:MOST])
    for sure, colour in ((True, style.BLUE), (False, style.GREY)):
        shown = beyond == sure
        if shown.any():
            ends = np.abs(np.stack([mean - low, high - mean]))[:, shown]
            axes[0].errorbar(
                mean[shown], places[shown], xerr=np.nan_to_num(ends), fmt="o", markersize=4, color=colour,
                elinewidth=1.2,
            )  # fmt: skip
    axes[0].axvline(0, color=style.GREY, linewidth=0.8, zorder=0)
    axes[0].set_xlabel(_loss(run, facts["measure"]))
    _rows(axes[0], names)
    if own is not None:
        axes[1].barh(places, _numbers(own[:MOST]), height=0.6, color=style.PALE, edgecolor=style.GREY)
        axes[1].set_xlabel("Decrease of impurity in the trees\n(training set)")
        axes[1].tick_params(axis="y", length=0, labelleft=False)
        axes[1].grid(axis="x")
    figure.supxlabel("\n".join(note), x=0.01, ha="left", fontsize=style.SMALL, color=style.GREY)
    return figure


def _headline(found: Table, mean: np.ndarray, low: np.ndarray, high: np.ndarray, run: Run) -> str:
    measure = run.info["facts"]["importance"]["measure"]
    sure = [k for k, matter in enumerate(matters(found)[:MOST]) if matter]
    if not sure:
        return "No single feature matters significantly: shuffled alone, none lowers the score beyond chance"
    k = sure[0]
    first = _said(found["feature"][k], 2.6)
    what = {"accuracy": "accuracy falls by {} points", "r2": "R² falls by {}"}.get(
        measure, "the mean absolute error rises by {}"
    )
    said = what.format(_short(mean[k]))
    return f"{first} matters most: {said} when it is shuffled (95 % interval {_short(low[k])} to {_short(high[k])})"


def _loss(run: Run, measure: str) -> str:
    if measure == "accuracy":
        return "Fall in accuracy (percentage points)\nwhen the feature is shuffled"
    if measure == "r2":
        return "Fall in R²\nwhen the feature is shuffled"
    return f"Rise of the mean absolute error ({target(run)})\nwhen the feature is shuffled"


def _note(facts: Mapping[str, Any], hidden: int) -> list[str]:
    times = "1 shuffle" if facts["repeats"] == 1 else f"{facts['repeats']} shuffles"
    left = facts["of_columns"] - facts["columns"]
    words = f"{facts['set'].capitalize()} set, {facts['rows']:,} samples, {times} of each"
    words += f"; bars: 95 % interval over {facts.get('over', 'samples')}"
    words += f"; {hidden:,} less important not shown" if hidden > 0 else ""
    words += f"; {left:,} features not tested, chosen at random" if left > 0 else ""
    return style.wrap(words, style.WIDTH - 0.2, style.SMALL)


def _trees_alone(own: Table | None) -> Figure | None:
    """Draw the importances of trees of a run that recorded no others."""
    if not own or not own["feature"]:
        return None
    names, values = style.class_names(own["feature"][:MOST], NAME), _numbers(own["importance"][:MOST])
    first = _said(own["feature"][0], 3.0)
    figure = style.new_figure(
        ROW * len(names) + 0.5,
        f"{first} accounts for {100 * values[0]:.0f} % of the trees' decrease of impurity",
    )
    axes = figure.subplots()
    axes.barh(np.arange(len(names)), values, height=0.6, color=style.BLUE)
    axes.set_xlabel("Share of the decrease of impurity (training set)")
    _rows(axes, names)
    return figure


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(np.arange(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def partial_dependence(run: Run) -> Figure | None:
    """Draw the mean prediction against each of the three features that matter most, classes as lines."""
    table = run.tables.get("partial_dependence")
    if not table or not table["feature"]:
        return None
    features = list(dict.fromkeys(table["feature"]))
    classes = list(dict.fromkeys(table["class"])) if "class" in table else [""]
    many = len(classes) > 1
    width = (style.WIDTH - 0.7) / len(features)
    words = {name: _words(run, table, name, 0.9 * width) for name in features}
    below = max(
        [style.text_width(word, style.SMALL) for named, turned in words.values() for word in named if turned]
        or [0]
    )
    figure = style.new_figure(2.6 + (0.25 if many else 0) + below, _range_headline(table, run))
    panels = figure.subplots(1, len(features), sharey=True, squeeze=False)[0]
    deciles = run.arrays.get("partial_dependence_deciles")
    labels = style.class_names(classes, 1.2) if many else [""]
    for place, (axes, feature) in enumerate(zip(panels, features, strict=True)):
        for k, name in enumerate(classes):
            rows = _where(table, feature, name)
            _line(axes, table, rows, bool(words[feature][0]), k, labels[k], band=not many)
        _feature_axis(axes, feature, *words[feature], width)
        if deciles is not None and not words[feature][0] and np.isfinite(deciles[place]).all():
            ticks = axes.plot(
                deciles[place], np.zeros(len(deciles[place])), "|", color=style.INK, markersize=6, clip_on=False,
                transform=axes.get_xaxis_transform(),
            )  # fmt: skip
            ticks[0].set_in_layout(False)
    panels[0].set_ylabel(_output(run, classes))
    if many:
        handles, names = panels[0].get_legend_handles_labels()
        widest = max(style.text_width(name, style.NORMAL) for name in names)
        columns = max(1, min(len(names), int(style.WIDTH / (widest + LINE))))
        figure.legend(handles, names, loc="outside lower center", ncols=columns)
    return figure


def _feature_axis(axes: Axes, feature: str, words: Sequence[str], turned: bool, width: float) -> None:
    """Name a feature below its panel of `width` inches, and its words, if it has some."""
    if words:
        axes.set_xticks(range(len(words)), words, rotation=90 if turned else 0)
        axes.set_xlim(-0.5, len(words) - 0.5)
    else:
        axes.locator_params(axis="x", nbins=max(2, int(width / 0.65)))
    axes.set_xlabel(style.escape(style.fit(style.clean(feature), 0.9 * width, style.NORMAL)))
    axes.grid(axis="y")


def _line(
    axes: Axes, table: Table, rows: Sequence[int], words: bool, k: int, label: str, *, band: bool
) -> None:
    cells = [table["value"][row] for row in rows]
    mean, low, high = (_numbers([table[name][row] for row in rows]) for name in ("prediction", "low", "high"))
    colour = groups.PALETTE[k % len(groups.PALETTE)]
    x = np.arange(len(cells), dtype=np.float64) if words else _numbers(cells)
    style_of_line = "" if words else DASHES[k % len(DASHES)]
    marker = groups.SHAPES[k % len(groups.SHAPES)] if words or len(cells) == 1 else ""
    axes.plot(x, mean, color=colour, linestyle=style_of_line, marker=marker, markersize=4, label=label)
    if band and words:
        axes.vlines(x, low, high, color=colour, alpha=0.35, linewidth=4)
    elif band:
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)


def _words(run: Run, table: Table, feature: str, width: float) -> tuple[list[str], bool]:
    """Return the words of a column of words, and whether they must be turned to fit a panel of `width` inches."""
    data = run.info["dataset"]
    columns, categories = data.get("features") or [], data.get("categories") or {}
    if not any(int(k) < len(columns) and columns[int(k)] == feature for k in categories):
        return [], False
    cells = zip(table["feature"], table["value"], strict=True)
    words = list(dict.fromkeys(value for name, value in cells if name == feature))
    level = style.class_names(words, 0.9)
    return level, sum(style.text_width(word, style.SMALL) + 0.12 for word in level) > width


def _where(table: Table, feature: str, name: str) -> list[int]:
    classes = table.get("class", [""] * len(table["feature"]))
    return [
        row
        for row, (one, two) in enumerate(zip(table["feature"], classes, strict=True))
        if (one, two) == (feature, name)
    ]


def _output(run: Run, classes: Sequence[str]) -> str:
    if run.info["task"]["kind"] == "regression":
        return f"Mean predicted\n{target(run)}"
    name = "each class" if len(classes) > 1 else style.class_names(classes, 1.7)[0]
    return f"{_measured(run)}\n{name}"


def _measured(run: Run) -> str:
    sure = any(name.endswith("_probability") for name in run.predictions)
    return "Mean probability of" if sure else "Share of samples classified as"


def _range_headline(table: Table, run: Run) -> str:
    """State the widest range that a mean prediction runs through as one feature changes."""
    prediction = _numbers(table["prediction"])
    classes = table.get("class", [""] * len(prediction))
    ranges = {}
    for feature, name in dict.fromkeys(zip(table["feature"], classes, strict=True)):
        values = prediction[_where(table, feature, name)]
        ranges[feature, name] = (float(values.min()), float(values.max()))
    (feature, name), (low, high) = max(ranges.items(), key=lambda one: one[1][1] - one[1][0])
    shown = _said(feature, 2.4)
    if name:
        measured = _measured(run)
        of = f"The {measured[0].lower()}{measured[1:]} {_said(name, 2.6)}"
    else:
        of = f"The mean predicted {_said(run.info['dataset'].get('target') or 'target', 1.6)}"
    return f"{of} runs from {_short(low)} to {_short(high)} with {shown}, other features as they are"


def coefficients(run: Run) -> Figure | None:
    """Draw standardised coefficients: bars with their sign, or a matrix of features and classes."""
    table = run.tables.get("coefficients")
    if not table:
        return None
    if "standardised" not in table:
        return _coefficient_matrix(table) if "coefficient" not in table and len(table) > 2 else None
    rows = [k for k, cell in enumerate(table["standardised"]) if cell][:MOST]
    if not rows:
        return None
    values = _numbers([table["standardised"][k] for k in rows])
    names = style.class_names([table["feature"][k] for k in rows], NAME)
    regression = run.info["task"]["kind"] == "regression"
    of = target(run) if regression else f"log odds of {_second_class(run)}"
    first = _said(table["feature"][rows[0]], 2.4)
    figure = style.new_figure(
        ROW * len(names) + 0.7,
        f"{first} has the largest standardised coefficient: {_short(float(values[0]), signed=True)} "
        "per standard deviation of the feature",
    )
    axes = figure.subplots()
    places = np.arange(len(names))
    for positive, colour in ((True, style.BLUE), (False, style.VERMILION)):
        shown = (values >= 0) == positive
        axes.barh(places[shown], values[shown], height=0.6, color=colour)
    axes.axvline(0, color=style.GREY, linewidth=0.8)
    left = len([cell for cell in table["standardised"] if cell]) - len(rows)
    more = f" ({left:,} smaller ones not shown)" if left else ""
    axes.set_xlabel(f"Change of {of}\nper standard deviation of the feature{more}")
    _rows(axes, names)
    return figure


def _coefficient_matrix(table: Table) -> Figure:
    classes = [name for name in table if name != "feature"][:MOST_CLASSES]
    values = np.stack([_numbers(table[name][:MOST]) for name in classes], axis=1)
    features = style.class_names(table["feature"][:MOST], NAME)
    room = max(style.text_width(name, style.SMALL) for name in features) + 0.2
    wide = style.WIDTH - room - 0.75
    pitch = wide / len(classes)
    names = style.class_names(classes, 1.1)
    longest = max(style.text_width(name, style.SMALL) for name in names)
    turned = longest > 0.9 * pitch
    foot = 0.3 + (longest if turned else 0.12)
    shown = f"{len(features):,} of {len(table['feature']):,} features"
    shown += (
        f", the first {len(classes):,} of {len(table) - 1:,} classes" if len(classes) < len(table) - 1 else ""
    )
    high = ROW * len(features)
    k, j = (int(place) for place in np.unravel_index(np.abs(values).argmax(), values.shape))
    figure = style.new_figure(
        high + foot + 0.1,
        f"Largest standardised coefficient: {_said(table['feature'][k], 2.2)} for "
        f"{_said(classes[j], 2.6)} ({_short(float(values[k, j]), signed=True)})",
        placed=True,
    )
    axes = style.place(figure, room, foot, wide, high)
    image = matrix.differences(axes, values)
    axes.set_aspect("auto")
    step = math.ceil(matrix.LABEL_PITCH / (72 * pitch))
    axes.set_xticks(range(0, len(names), step), names[::step], rotation=90 if turned else 0)
    axes.set_yticks(range(len(features)), features)
    axes.tick_params(length=0)
    figure.text(0.01, 0.05 / figure.get_figheight(), shown, fontsize=style.SMALL, color=style.GREY)
    texts = [[_short(cell, signed=True) for cell in row] for row in values.tolist()]
    if 72 * pitch > 3.6 * max(len(text) for row in texts for text in row):
        dark = np.abs(values) > 0.6 * np.abs(values).max()
        matrix.write(axes, texts, dark, style.SMALL)
    figure.colorbar(image, cax=axes.inset_axes((1.02, 0.0, 0.02, 1.0)))
    return figure


def patches(run: Run) -> Figure | None:
    """Draw the importance of the patches of an image over the mean image."""
    heat, image = run.arrays.get("patch_importance"), run.arrays.get("patch_mean_image")
    facts = run.info["facts"].get("importance")
    if heat is None or image is None or not facts or not np.isfinite(heat).any():
        return None
    unit = 100.0 if facts["measure"] == "accuracy" else 1.0
    values = unit * np.asarray(heat, np.float64)
    image = image.mean(axis=-1) if image.ndim == 3 else image  # of the colours
    h, w = image.shape
    edges = [_edges(n, cells) for n, cells in ((h, heat.shape[0]), (w, heat.shape[1]))]
    row, column = np.unravel_index(np.nanargmax(values), values.shape)
    where = [
        _span(word, edge, int(k))
        for word, edge, k in zip(("row", "column"), edges, (row, column), strict=True)
    ]
    lost = {"accuracy": "points of accuracy", "r2": "of R²"}.get(facts["measure"], "of error")
    figure = style.new_figure(
        3.0,
        f"The patch of pixel {where[0]}, {where[1]} matters most: {_short(float(values[row, column]))} {lost} lost "
        "when it is shuffled",
    )
    left, right = figure.subplots(1, 2)
    left.imshow(image, cmap="gray")
    left.set_title("Mean image")
    reach = float(np.nanmax(np.abs(values))) or 1.0
    right.imshow(image, cmap="gray", alpha=0.5)
    mesh = right.pcolormesh(
        edges[1] - 0.5, edges[0] - 0.5, values, cmap="PuOr_r", vmin=-reach, vmax=reach, alpha=0.7, linewidth=0
    )
    right.set_title("Fall of the score by patch")
    figure.colorbar(mesh, ax=right, label="Percentage points" if unit > 1 else "", shrink=0.85)
    for axes in (left, right):
        axes.set(xticks=[], yticks=[], aspect="equal")
    left.set_xlabel(f"{facts['set'].capitalize()} set, {facts['rows']:,} samples")
    return figure


def _span(word: str, edges: np.ndarray, k: int) -> str:
    first, last = int(edges[k]) + 1, int(edges[k + 1])
    return f"{word} {first}" if first == last else f"{word}s {first} to {last}"


def _edges(n: int, cells: int) -> np.ndarray:
    return np.concatenate([[0], np.cumsum([len(part) for part in np.array_split(np.arange(n), cells)])])


def target(run: Run) -> str:
    """Return what a regression predicts, at most `TARGET` inches long, ready to draw."""
    name = run.info["dataset"].get("target") or "target"
    return style.escape(style.fit(style.clean(name), TARGET, style.NORMAL))


def _second_class(run: Run) -> str:
    names = run.info["dataset"].get("classes") or []
    return style.class_names(names, 1.7)[1] if len(names) == 2 else "the second class"


def _numbers(cells: Sequence[str]) -> np.ndarray:
    return np.array([float(cell or "nan") for cell in cells])


def _said(name: object, width: float) -> str:
    """Return a name for a headline, which is escaped as a whole."""
    return style.fit(style.clean(name), width, style.LARGE)


def _short(value: float, signed: bool = False) -> str:
    """Return three digits that count, with a proper minus.

    Examples
    --------
    >>> _short(-0.12345), _short(1234.5), _short(0.5, signed=True)
    ('−0.123', '1,230', '+0.5')
    """
    text = f"{value:.3g}" if abs(value) < 1000 or abs(value) >= 1e9 else f"{float(f'{value:.3g}'):,.0f}"
    text = text.replace("-", "−")
    return f"+{text}" if signed and value > 0 else text


FIGURES = {
    "importance": Drawing(
        importance,
        "Importance of the features",
        "Blue: significantly above 0, adjusted for the number of features; they carry information that the others do "
        "not replace. Correlated features share importance, so each of them looks less important.",
    ),
    "partial_dependence": Drawing(
        partial_dependence,
        "Mean prediction by the value of the most important features",
        "Steps, slopes and flat parts; ticks on the axis are deciles of the feature, the band holds the central 80 % "
        "of single samples. Where two features are correlated, some of the averaged combinations do not occur.",
    ),
    "coefficients": Drawing(
        coefficients,
        "Standardised coefficients of the linear model",
        "Sign and size for a step of one standard deviation, the other features held; correlated features can have "
        "large coefficients of opposite sign.",
    ),
    "patches": Drawing(
        patches,
        "Importance of the patches of the image over the mean image",
        "The model relies most on the patches whose replacement by those of another image costs most.",
    ),
}
