"""Where arms are right and wrong: by class, in confusion matrices, and whether they make the same mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.comparisons.figures.arms import Arms
from mlexp.drawing import matrix, style
from mlexp.kinds.classification import classes
from mlexp.kinds.classification.confusion import percent_text
from mlexp.kinds.classification.figures import axis_start

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ARMS = 4  # drawn by class; more would lie on one another
SHAPES = "os^D"
LARGEST = 5  # differences that are put into words


def per_class(arms: Arms) -> Figure | None:
    """Draw the accuracy of each class as dots, with the t interval of its mean over runs."""
    shown = _shown(arms)
    found = {arm: recall for arm in shown if (recall := _recalls(arms, arm)) is not None}
    if len(found) < 2:
        return None
    names = arms.classes
    pitch = 0.1 + 0.1 * len(found)
    figure = style.new_figure(0.95 + pitch * len(names), f"Accuracy by class{_which(arms, found)}")
    axes = figure.subplots()
    for place, (arm, recall) in enumerate(found.items()):
        mean, half = 100 * recall.mean(axis=0), 100 * _half(recall)
        at = np.arange(len(names)) + (place - (len(found) - 1) / 2) * 0.7 / len(found)
        bar = (np.minimum(half, mean), np.minimum(half, 100 - mean))
        axes.errorbar(mean, at, xerr=bar, fmt=SHAPES[place], color=arms.colour(arm), markersize=3.5,
                      linewidth=1, label=arm)  # fmt: skip
    axes.set_yticks(range(len(names)), style.class_names(names, 1.6))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.hlines(np.arange(1, len(names)) - 0.5, 0, 1, transform=axes.get_yaxis_transform(), color=style.PALE,
                linewidth=0.4)  # fmt: skip
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    several = max(len(recall) for recall in found.values()) > 1
    axes.set_xlabel(
        f"Rows of the class that are right (%){', mean and 95 % t interval over runs' if several else ''}"
    )
    figure.legend(*_legend(axes, arms, found), loc="outside lower center", ncols=len(found))
    return figure


def _legend(axes: Axes, arms: Arms, found: dict[str, np.ndarray]) -> tuple[list[Any], list[str]]:
    handles, _ = axes.get_legend_handles_labels()
    return handles, arms.labels(5.2 / len(found), list(found))


def radar(arms: Arms) -> Figure | None:
    """Draw the accuracy of each class as a radar; its centre is not zero but stated."""
    from matplotlib.ticker import MaxNLocator

    found = {arm: recall for arm in _shown(arms) if (recall := _recalls(arms, arm)) is not None}
    names = arms.classes
    if len(found) < 2 or not 3 <= len(names) <= 40:
        return None
    means = {arm: 100 * recall.mean(axis=0) for arm, recall in found.items()}
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
    figure.legend(*_legend(axes, arms, found), loc="outside lower center", ncols=len(found))
    return figure


def _shown(arms: Arms) -> list[str]:
    return arms.names[:MOST_ARMS]


def _which(arms: Arms, found: dict[str, np.ndarray]) -> str:
    return f", the {len(found)} best of {len(arms.names)} arms" if len(arms.names) > len(found) else ""


def _recalls(arms: Arms, arm: str) -> np.ndarray | None:
    """Return the share of right rows of each class, shape (runs, classes); None without classes or rows."""
    counts = _confusions(arms, arm)
    if counts is None or len(counts) == 0:
        return None
    rows = counts.sum(axis=2)
    return None if (rows == 0).any() else np.diagonal(counts, axis1=1, axis2=2) / rows


def _confusions(arms: Arms, arm: str) -> np.ndarray | None:
    """Return the confusion matrix of every run of an arm."""
    part, n = arms.part, len(arms.classes)
    kept = [
        [run.predictions.get(f"{part}_{what}") for what in ("true", "predicted")] for run in arms.runs[arm]
    ]
    if n < 2:
        return None
    whole = [(true, predicted) for true, predicted in kept if true is not None and predicted is not None]
    return (
        np.stack([classes.count(*pair, n) for pair in whole]) if whole and len(whole) == len(kept) else None
    )


def _half(recall: np.ndarray) -> np.ndarray:
    from scipy.special import stdtrit

    n = len(recall)
    if n < 2:
        return np.zeros(recall.shape[1])
    return np.asarray(stdtrit(n - 1, 0.975) * recall.std(axis=0, ddof=1) / np.sqrt(n))


def confusion(arms: Arms) -> Figure | None:
    """Draw the confusion matrices of the two best arms, in percent of each true class, and their difference."""
    counts = [_confusions(arms, arm) for arm in arms.lead]
    if counts[0] is None or counts[1] is None:
        return None
    shares = [_percent(one.sum(axis=0)) for one in counts if one is not None]
    gap = shares[0] - shares[1]
    names = style.class_names(arms.classes, 0.9)
    room = max(style.text_width(name, style.SMALL) for name in names) + 0.3
    side = (style.WIDTH - 2 * room - 0.2) / 2
    figure = style.new_figure(
        2 * side + 2 * room + 0.55,
        f"{arms.lead_words}: percent of each true class, over all runs",
        placed=True,
    )
    low, high = room, room + side + room + 0.28
    places = ((room, high), (2 * room + side + 0.1, high), (room, low))
    titles = (
        *arms.labels(side, list(arms.lead)),
        f"Difference (points): {' − '.join(arms.labels(side / 3, arms.lead))}",
    )
    for place, values, title in zip(places, (*shares, gap), titles, strict=True):
        axes = style.place(figure, *place, side, side)
        (matrix.differences if values is gap else matrix.counts)(axes, values)
        axes.set(title=title, ylabel="True class", xlabel="Predicted class")
        matrix.name_classes(axes, names, 72 * side / len(names), turned=room - 0.3 > 0.9 * side / len(names))
        _write(axes, values, 72 * side / len(names), signed=values is gap)
    _say_largest(figure, arms, gap, (2 * room + side + 0.1, low, side))
    return figure


def _percent(counts: np.ndarray) -> np.ndarray:
    total = counts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(100 * counts, total, out=np.zeros(counts.shape), where=total > 0))


def _write(axes: Axes, values: np.ndarray, cell: float, *, signed: bool) -> None:
    """Write the values that round to something into their cells, if they can be read there."""
    size = matrix.text_size(cell, 4)
    if not size:
        return
    dark = np.abs(values) / max(float(np.abs(values).max()), 1e-9) > 0.6 if signed else matrix.is_dark(values)
    texts = [
        [
            "" if abs(v) < 0.05 else f"{v:+.1f}".replace("-", "−") if signed else percent_text(v, True)
            for v in row
        ]
        for row in values
    ]
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


def mistakes(arms: Arms) -> Figure | None:
    """Draw how often the two best arms are right and wrong on the same rows, and how far all arms err alike."""
    found = {arm: arms.rows(arm, "correct") for arm in arms.names}
    wrong = {arm: 1 - right.astype(float) for arm, right in found.items() if right is not None}
    if len(wrong) < 2 or any(arm not in wrong for arm in arms.lead):
        return None
    alike = np.array([[_alike(wrong[a], wrong[b], a == b) for b in wrong] for a in wrong])
    if not np.isfinite(alike).any():
        return None
    height = 2.4 if len(wrong) < 4 else 3.6
    headline = "Mistakes that two runs have in common, of all that either makes; diagonal: seeds of one arm"
    figure = style.new_figure(height, headline)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.5))
    _agreement(left, arms, *(wrong[arm].mean(axis=0) for arm in arms.lead))
    _heat(right, alike, arms.labels(1.5, list(wrong)))
    return figure


def _alike(a: np.ndarray, b: np.ndarray, same: bool) -> float:
    """Return the rows that two runs both get wrong over those that at least one does, on average; NaN without mistakes.

    Within an arm the two are different runs: what agreement there is where nothing but the seed differs.
    """
    if same and len(a) < 2:
        return np.nan
    both = (a.mean(axis=0) * b.mean(axis=0)).mean()
    if same:  # leave out each run with itself
        both = ((a.sum(axis=0) ** 2 - (a**2).sum(axis=0)) / (len(a) * (len(a) - 1))).mean()
    either = a.mean() + b.mean() - both
    return float(both / either) if either > 0 else np.nan


def _agreement(axes: Axes, arms: Arms, a: np.ndarray, b: np.ndarray) -> None:
    """Draw the four shares of rows for one run of each of two arms."""
    shares = 100 * np.array(
        [[((1 - a) * (1 - b)).mean(), ((1 - a) * b).mean()], [(a * (1 - b)).mean(), (a * b).mean()]]
    )
    axes.imshow(np.log10(np.maximum(shares, 0.01)), cmap="Blues", vmin=-2, vmax=4, aspect="auto")
    for (row, column), value in np.ndenumerate(shares):
        axes.text(column, row, f"{value:.2f} %", ha="center", va="center")
    names = arms.labels(1.6, list(arms.lead))
    axes.set_xticks((0, 1), ("right", "wrong"))
    axes.set_yticks((0, 1), ("right", "wrong"))
    axes.set(xlabel=names[1], ylabel=names[0], title="Rows, two best arms")
    axes.tick_params(length=0)


def _heat(axes: Axes, alike: np.ndarray, names: Sequence[str]) -> None:
    percent = 100 * alike
    axes.imshow(percent, cmap="cividis", vmin=0, vmax=100, aspect="auto")
    size = style.NORMAL if len(names) < 7 else 5.0
    texts = [[f"{value:.0f}" if np.isfinite(value) else "" for value in row] for row in percent]
    matrix.write(axes, texts, percent < 55, size)
    turned = len(names) > 3
    axes.set_xticks(range(len(names)), names, rotation=90 if turned else 0)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    axes.set_title("Shared mistakes (%)")
