"""Where arms are right and wrong: by class, and in confusion matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.comparisons.figures.arms import Arms
from mlexp.drawing import matrix, style
from mlexp.kinds.classification.classes import count
from mlexp.kinds.classification.confusion import percent_text
from mlexp.kinds.classification.figures import axis_start

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ARMS = 4  # drawn by class; more would lie on one another
MOST_CLASSES = 25  # drawn by class
ACROSS = 3  # matrices side by side
SHAPES = "os^D"
LARGEST = 5  # differences that are put into words


def per_class(arms: Arms) -> Figure | None:
    """Draw the accuracy of each class as dots, with the t interval of its mean over runs.

    Of many classes those in which the arms differ most, and none that has no samples.
    """
    found = _found(arms)
    if len(found) < 2:
        return None
    kept, note = _told_apart(found)
    names = style.class_names(arms.classes, 1.6)
    pitch = 0.1 + 0.1 * len(found)
    figure = style.new_figure(0.95 + pitch * len(kept), f"Accuracy by class{_which(arms, found)}{note}")
    axes = figure.subplots()
    for place, (arm, recall) in enumerate(found.items()):
        mean, half = 100 * recall.mean(axis=0)[kept], 100 * _half(recall)[kept]
        at = np.arange(len(kept)) + (place - (len(found) - 1) / 2) * 0.7 / len(found)
        bar = (np.minimum(half, mean), np.minimum(half, 100 - mean))
        axes.errorbar(mean, at, xerr=bar, fmt=SHAPES[place], color=arms.colour(arm), markersize=3.5,
                      linewidth=1, label=arm)  # fmt: skip
    axes.set_yticks(range(len(kept)), [names[k] for k in kept])
    axes.set_ylim(len(kept) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.hlines(np.arange(1, len(kept)) - 0.5, 0, 1, transform=axes.get_yaxis_transform(), color=style.PALE,
                linewidth=0.4)  # fmt: skip
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    several = max(len(recall) for recall in found.values()) > 1
    axes.set_xlabel(
        f"Samples of the class predicted correctly (%){', mean and 95 % t interval over runs' if several else ''}"
    )
    arms.legend(figure, axes.get_legend_handles_labels()[0], list(found))
    return figure


def _told_apart(found: dict[str, np.ndarray]) -> tuple[np.ndarray, str]:
    """Return the classes to draw, in their order, and how a headline says which those are."""
    means = np.array([recall.mean(axis=0) for recall in found.values()])
    known = np.flatnonzero(np.isfinite(means).all(axis=0))
    if len(known) <= MOST_CLASSES:
        return known, ""
    order = np.argsort(-np.ptp(means[:, known], axis=0), kind="stable")[:MOST_CLASSES]
    return np.sort(
        known[order]
    ), f", the {MOST_CLASSES} of {means.shape[1]} classes that differ most between them"


def radar(arms: Arms) -> Figure | None:
    """Draw the accuracy of each class as a radar; its centre is not zero but stated."""
    from matplotlib.ticker import MaxNLocator

    found = _found(arms)
    kept = np.flatnonzero(np.all([np.isfinite(recall.mean(axis=0)) for recall in found.values()], axis=0))
    if len(found) < 2 or not 3 <= len(kept) <= MOST_CLASSES:
        return None
    names = [arms.classes[k] for k in kept]
    means = {arm: 100 * recall.mean(axis=0)[kept] for arm, recall in found.items()}
    lowest = min(float(mean.min()) for mean in means.values())
    start = axis_start(lowest / 100) * 100
    figure = style.new_figure(3.9, f"Accuracy by class{_which(arms, found)}; the centre is {start:g} %")
    axes = figure.add_subplot(projection="polar")
    angles = np.linspace(0, 2 * np.pi, len(names), endpoint=False)
    for place, (arm, mean) in enumerate(means.items()):
        axes.plot(np.append(angles, angles[0]), np.append(mean, mean[0]), color=arms.colour(arm),
                  marker=SHAPES[place], markersize=3, linewidth=1.2, label=arm)  # fmt: skip
    axes.set_xticks(angles, style.class_names(names, 1.2))
    axes.set_ylim(start, 100)
    axes.set_theta_zero_location("N")  # type: ignore[attr-defined]
    axes.set_theta_direction(-1)  # type: ignore[attr-defined]
    axes.tick_params(axis="x", pad=6)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_rlabel_position(180 / len(names))  # type: ignore[attr-defined]
    axes.grid(True)
    arms.legend(figure, axes.get_legend_handles_labels()[0], list(found))
    return figure


def _found(arms: Arms) -> dict[str, np.ndarray]:
    """Return the share of right samples of each class, (runs, classes), of the arms that are drawn by class."""
    return {arm: found for arm in arms.names[:MOST_ARMS] if (found := _recalls(arms, arm)) is not None}


def _which(arms: Arms, found: dict[str, np.ndarray]) -> str:
    return f", the {len(found)} best of {len(arms.names)} arms" if len(arms.names) > len(found) else ""


def _recalls(arms: Arms, arm: str) -> np.ndarray | None:
    """Return the share of right samples of each class, (runs, classes), NaN for a class without any; None without."""
    counts = _confusions(arms, arm)
    if counts is None:
        return None
    rows = counts.sum(axis=2)
    right = np.diagonal(counts, axis1=1, axis2=2)
    return np.asarray(np.divide(right, rows, out=np.full(rows.shape, np.nan), where=rows > 0))


def _confusions(arms: Arms, arm: str) -> np.ndarray | None:
    """Return the confusion matrix of every run of an arm."""
    part, n = arms.part, len(arms.classes)
    kept = [
        [run.predictions.get(f"{part}_{what}") for what in ("true", "predicted")] for run in arms.runs[arm]
    ]
    if n < 2:
        return None
    whole = [(true, predicted) for true, predicted in kept if true is not None and predicted is not None]
    return np.stack([count(*pair, n) for pair in whole]) if whole and len(whole) == len(kept) else None


def _half(recall: np.ndarray) -> np.ndarray:
    from scipy.special import stdtrit

    n = len(recall)
    if n < 2:
        return np.zeros(recall.shape[1])
    return np.asarray(stdtrit(n - 1, 0.975) * recall.std(axis=0, ddof=1) / np.sqrt(n))


def confusion(arms: Arms) -> Figure | None:
    """Draw the confusion matrices of the two best arms, in percent and counts, and their difference."""
    counts = [_confusions(arms, arm) for arm in arms.lead]
    if counts[0] is None or counts[1] is None:
        return None
    summed = [one.sum(axis=0) for one in counts if one is not None]
    shares = [_percent(one) for one in summed]
    gap = shares[0] - shares[1]
    names = style.class_names(arms.classes, 0.9)
    room = max(style.text_width(name, style.SMALL) for name in names) + 0.3
    side = (style.WIDTH - 2 * room - 0.2) / 2
    figure = style.new_figure(
        2 * side + 2 * room + 0.55,
        f"{arms.lead_words}: percent of each true class, counts below, over all runs",
        placed=True,
    )
    low, high = room, room + side + room + 0.28
    places = ((room, high), (2 * room + side + 0.1, high), (room, low))
    titles = (
        *arms.labels(side, list(arms.lead)),
        f"Difference (points): {' − '.join(arms.labels(side / 3, arms.lead))}",
    )
    for place, values, number, title in zip(places, (*shares, gap), (*summed, None), titles, strict=True):
        axes = style.place(figure, *place, side, side)
        (matrix.differences if number is None else matrix.counts)(axes, values)
        axes.set(ylabel="True class", xlabel="Predicted class")
        axes.set_title(title, fontsize=style.SMALL)
        matrix.name_classes(axes, names, 72 * side / len(names), turned=room - 0.3 > 0.9 * side / len(names))
        _write(axes, values, 72 * side / len(names), number)
    _say_largest(figure, arms, gap, (2 * room + side + 0.1, low, side))
    return figure


def confusions(arms: Arms) -> Figure | None:
    """Draw the confusion matrix of each of more than two arms, in percent of each true class."""
    found = {arm: counts for arm in arms.shown if (counts := _confusions(arms, arm)) is not None}
    if len(arms.names) < 3 or len(found) < 2:
        return None
    names = style.class_names(arms.classes, 0.7)
    room = max(style.text_width(name, style.SMALL) for name in names) + 0.12
    side = (style.WIDTH - room - 0.25) / ACROSS - 0.12
    turned = room - 0.12 > 0.9 * side / len(names)
    deep = -(-len(found) // ACROSS)
    head, foot = 0.26, (room if turned else 0.2) + 0.16
    headline = (
        f"Percent of each true class, over all runs{arms.which}; rows: true class, columns: predicted class"
    )
    figure = style.new_figure(deep * (side + head) + foot, headline, placed=True)
    for place, (arm, title) in enumerate(zip(found, arms.labels(0.95 * side, list(found)), strict=True)):
        row, column = divmod(place, ACROSS)
        left, bottom = 0.2 + room + column * (side + 0.12), foot + (deep - 1 - row) * (side + head)
        axes = style.place(figure, left, bottom, side, side)
        percent, cell = _percent(found[arm].sum(axis=0)), 72 * side / len(names)
        matrix.counts(axes, percent)
        axes.set_title(title, fontsize=style.SMALL)
        matrix.name_classes(axes, names, cell, turned=turned)
        axes.tick_params(labelleft=column == 0, labelbottom=place + ACROSS >= len(found))
        texts = [[f"{value:.0f}" if value >= 0.5 else "" for value in line] for line in percent]
        if size := matrix.text_size(cell, 3):
            matrix.write(axes, texts, matrix.is_dark(percent), size)
    return figure


def _percent(counts: np.ndarray) -> np.ndarray:
    total = counts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(100 * counts, total, out=np.zeros(counts.shape), where=total > 0))


def _write(axes: Axes, values: np.ndarray, cell: float, counts: np.ndarray | None) -> None:
    """Write the values that round to something into their cells, each over its count where it has one."""
    if counts is None:
        dark = np.abs(values) / max(float(np.abs(values).max()), 1e-9) > 0.6
        texts = [["" if abs(v) < 0.05 else f"{v:+.1f}".replace("-", "−") for v in row] for row in values]
        longest = 5
    else:
        dark = matrix.is_dark(values)
        longest = max(4, len(str(counts.max())))
        both = 2.4 * matrix.text_size(cell, longest) < cell  # lines of text that a cell has room for
        texts = [
            [percent_text(v, True) + (f"\n{n}" if both and n else "") for v, n in zip(*row, strict=True)]
            for row in zip(values, counts, strict=True)
        ]
    if size := matrix.text_size(cell, longest):
        matrix.write(axes, texts, dark, size)


def _say_largest(figure: Figure, arms: Arms, gap: np.ndarray, place: tuple[float, float, float]) -> None:
    """Put the largest differences into words, where the fourth matrix would stand."""
    left, bottom, side = place
    names = style.class_names(arms.classes, 1.0)
    order = np.argsort(-np.abs(gap), axis=None)[:LARGEST]
    lines = ["Largest differences (points)", ""]
    for row, column in zip(*np.unravel_index(order, gap.shape), strict=True):
        if abs(gap[row, column]) >= 0.05:
            said = "right" if row == column else f"taken for {names[column]}"
            lines.append(f"{gap[row, column]:+.2f}  {names[row]} {said}".replace("-", "−"))
    x, y = (left + 0.05) / style.WIDTH, (bottom + side) / figure.get_figheight()
    figure.text(x, y, "\n".join(lines), va="top", fontsize=style.NORMAL, linespacing=1.5)
