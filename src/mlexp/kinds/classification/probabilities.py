"""Figures of the probabilities: ROC and precision-recall curves, calibration, confidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp import metrics
from mlexp.drawing import groups, style
from mlexp.kinds.classification.classes import FEW_ROWS
from mlexp.kinds.classification.intervals import interval, mean_with_interval
from mlexp.metrics import Operating
from mlexp.page.words import wilson
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CURVES = 7  # classes up to which each has its colour; of more, the `LOWEST` have
LOWEST = 3
LONGEST = 1.0  # inches of a class name
MOST_POINTS = 400  # of a curve
DASHES: Sequence[Any] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
CONFIDENCE_BINS = 20


def kept(run: Run) -> tuple[str, np.ndarray, np.ndarray] | None:
    """Return set, truth and probabilities of the test set, else of the validation set; None if there are none."""
    for name in ("test", "validation"):
        y, probability = run.predictions.get(f"{name}_true"), run.predictions.get(f"{name}_probability")
        n = len(run.info.get("dataset", {}).get("classes") or ())
        if (
            y is not None
            and probability is not None
            and y.size > FEW_ROWS
            and probability.shape == (y.size, max(n, 2))
        ):
            return name, y.astype(np.int64), probability
    return None


def roc_and_precision(run: Run) -> Figure | None:
    """Draw the ROC curve and the precision-recall curve of each class against the rest, with micro and macro mean.

    Of two classes there is one curve, that of the second class. Of more than `MOST_CURVES` the three with the lowest
    area have a colour, the others are grey.
    """
    found = kept(run)
    if found is None:
        return None
    part, y, probability = found
    codes = metrics.ranked(y, probability.shape[1])
    if not codes:
        return None
    points = {code: metrics.operating(y == code, probability[:, code]) for code in codes}
    below = 0.17 * _legend_lines(len(points)) + 0.53
    figure = style.new_figure(below + 2.82, _ranked_in_words(run, part, points), placed=True)
    left, right = (style.place(figure, at, below, 2.58, 2.58) for at in (0.5, 3.66))
    left.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.8, linestyle=":", label="chance")
    _draw_classes(left, right, points, style.class_names(run.info["dataset"]["classes"], LONGEST))
    if len(points) > 1:
        is_class = y[:, None] == np.arange(probability.shape[1])
        everything = metrics.operating(is_class.ravel(), probability.ravel())
        label = f"micro mean: AUC {everything.auc:.3f}, AP {everything.average_precision:.3f}"
        _draw_curves(left, right, everything, {"color": style.INK, "linewidth": 1.6, "label": label})
        _draw_macro(left, list(points.values()))
    left.set(xlabel="False positive rate", ylabel="True positive rate (recall)", title="ROC")
    right.set(xlabel="Recall", ylabel="Precision", title="Precision and recall")
    for axes in (left, right):
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.grid()
    figure.legend(*left.get_legend_handles_labels(), loc="lower center", ncols=2)
    return figure


def _draw_classes(left: Axes, right: Axes, points: dict[int, Operating], names: Sequence[str]) -> None:
    worst_first = sorted(points, key=lambda code: points[code].auc)
    coloured = sorted(worst_first[: LOWEST if len(points) > MOST_CURVES else None])
    for code, one in points.items():
        look: dict[str, Any] = {"color": style.PALE, "linewidth": 0.7, "zorder": 1}
        if code in coloured:
            place = coloured.index(code)
            look = {
                "color": groups.PALETTE[place],
                "linestyle": DASHES[place % len(DASHES)],
                "linewidth": 1.3,
            }
            look |= {"label": f"{names[code]}: AUC {one.auc:.3f}, AP {one.average_precision:.3f}"}
        _draw_curves(left, right, one, look)
    if len(points) > len(coloured):
        rest = f"the other {len(points) - len(coloured)} classes"
        left.plot([], [], color=style.PALE, linewidth=0.9, label=rest)


def _legend_lines(n_curves: int) -> int:
    return -(-(2 if n_curves == 1 else min(n_curves, MOST_CURVES) + 3) // 2)


def _ranked_in_words(run: Run, part: str, points: dict[int, Operating]) -> str:
    names = run.info["dataset"]["classes"]
    auc = float(np.mean([one.auc for one in points.values()]))
    precision = float(np.mean([one.average_precision for one in points.values()]))
    who = f"{style.fit(names[next(iter(points))], 2.0, style.LARGE)}: " if len(names) == 2 else "Macro mean: "
    sure = {
        name: interval(run, name) if part == "test" else None for name in ("roc_auc", "average_precision")
    }
    return (
        f"{who}ROC AUC {auc:.3f}{_within(sure['roc_auc'])}, average precision {precision:.3f}"
        f"{_within(sure['average_precision'])} on the {part} set"
    )


def _within(limits: tuple[float, float, float] | None) -> str:
    return f" ({limits[1]:.3f} to {limits[2]:.3f})" if limits else ""


def _draw_curves(left: Axes, right: Axes, points: Operating, look: dict[str, Any]) -> None:
    some = np.unique(np.linspace(0, len(points.tp) - 1, MOST_POINTS).astype(int))
    left.plot(np.r_[0, points.false_positive_rate[some]], np.r_[0, points.recall[some]], **look)
    precision = points.precision[some]
    right.plot(
        np.r_[0, points.recall[some]],
        np.r_[precision[0], precision],
        drawstyle="steps-pre",
        **look | {"label": None},
    )


def _draw_macro(axes: Axes, points: Sequence[Operating]) -> None:
    """Draw the mean of the true positive rates at each false positive rate."""
    grid = np.linspace(0, 1, MOST_POINTS)
    rates = [np.interp(grid, np.r_[0, one.false_positive_rate], np.r_[0, one.recall]) for one in points]
    auc, precision = (
        float(np.mean([getattr(one, name) for one in points])) for name in ("auc", "average_precision")
    )
    label = f"macro mean: AUC {auc:.3f}, AP {precision:.3f}"
    axes.plot(
        grid, np.mean(rates, axis=0), color=style.INK, linewidth=1.6, linestyle=(0, (1, 1)), label=label
    )


def calibration(run: Run) -> Figure | None:
    """Draw accuracy by confidence, and the confidence of right and of wrong predictions."""
    found = kept(run)
    if found is None:
        return None
    part, y, probability = found
    confidence = probability.max(axis=1).astype(np.float64)
    right = probability.argmax(axis=1) == y
    bins = metrics.reliability(y, probability)
    words = _calibrated_in_words(run, part, bins.error, confidence, right)
    figure = style.new_figure(3.24, words, placed=True)
    first, second = style.place(figure, 0.5, 0.72, 2.3, 2.3), style.place(figure, 3.5, 0.72, 2.72, 2.3)
    first.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.8, linestyle=":", label="perfect calibration")
    some = bins.count > 0
    shares, counts = bins.accuracy[some], bins.count[some]
    limits = np.array([wilson(share, int(n)) for share, n in zip(shares, counts, strict=True)]).T
    bars = np.clip([shares - limits[0], limits[1] - shares], 0, 1)
    first.errorbar(bins.confidence[some], shares, bars, fmt="o-", color=style.BLUE, markersize=4, linewidth=1.1,
                   elinewidth=0.9, label="samples, 95 % interval")  # fmt: skip
    first.set(xlabel="Mean confidence of the bin", ylabel="Share of correct samples")
    first.set(
        xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), title=f"Reliability, {metrics.BINS} bins of equal width"
    )
    _draw_confidence(second, confidence, right)
    for axes in (first, second):
        axes.grid()
    entries = [axes.get_legend_handles_labels() for axes in (first, second)]
    figure.legend(entries[0][0] + entries[1][0], entries[0][1] + entries[1][1], loc="lower center", ncols=4)
    return figure


def _draw_confidence(axes: Axes, confidence: np.ndarray, right: np.ndarray) -> None:
    edges = np.linspace(0, 1, CONFIDENCE_BINS + 1)
    for chosen, colour, dashes, word in (
        (right, style.BLUE, "-", "correct"),
        (~right, style.VERMILION, (0, (4, 1.2)), "wrong"),
    ):
        if chosen.any():
            shares = 100 * np.histogram(confidence[chosen], edges)[0] / chosen.sum()
            axes.stairs(shares, edges, color=colour, linestyle=dashes, linewidth=1.4,
                          label=f"{word} ({chosen.sum():,})")  # fmt: skip
    axes.set(xlabel="Confidence: probability of the predicted class", ylabel="Percent of these samples")
    axes.set(xlim=(-0.02, 1.02), title="Confidence")


def _calibrated_in_words(run: Run, part: str, error: float, confidence: np.ndarray, right: np.ndarray) -> str:
    brier = interval(run, "brier") if part == "test" else None
    scores = f"expected calibration error {error:.3f}"
    if brier:
        scores = f"Brier score {brier[0]:.3f}{_within(brier)}, {scores}"
    gap, low, high = mean_with_interval(confidence - right, run.predictions.get(f"{part}_group"))
    if low > 0 or high < 0:
        word = "Over" if gap > 0 else "Under"
        return f"{word}confident by {100 * abs(gap):.1f} points on the {part} set; {scores}"
    return f"On average over the {part} set confidence and accuracy agree; {scores}"
