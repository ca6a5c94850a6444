"""What arms make of the same data, side by side: decision boundaries, clusters, reconstructions; of the first run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.comparisons.figures.arms import Arms
from mlexp.drawing import groups, style
from mlexp.drawing.strips import strips
from mlexp.kinds import boundary_figure
from mlexp.kinds.clustering.figures import recoloured
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 3  # panels side by side
MOST_IMAGES = 10  # in a row of reconstructions


def boundaries(arms: Arms) -> Figure | None:
    """Draw the regions of the predicted classes and the test samples, one panel an arm."""
    found = _first(arms, "boundary_class")
    if len(found) < 2 or len(arms.classes) > len(boundary_figure.COLOURS):
        return None
    first = next(iter(found.values()))
    wide, high = (float(np.ptp(first.arrays[f"boundary_{name}"])) for name in "xy")
    if wide == 0:
        return None
    figure, panels = _panels(arms, found, high / wide, "Decision boundaries and test samples")
    for axes, run in zip(panels, found.values(), strict=True):
        boundary_figure.shade(axes, run.arrays, len(arms.classes))
        boundary_figure.draw_points(axes, run, "test" if len(run.arrays.get("test_points", ())) else "train")
        axes.set_aspect("equal")
    boundary_figure.legend(figure, first)
    return figure


def clusterings(arms: Arms) -> Figure | None:
    """Draw the true classes, then the clusters of each arm in colours of the classes that they overlap most with."""
    found = {arm: run for arm, run in _first(arms, "scatter_point").items() if _labels(run) is not None}
    if len(found) < 2 or any(run.arrays["scatter_point"].shape[1] != 2 for run in found.values()):
        return None
    first = next(iter(found.values()))
    true = first.predictions.get("true")
    truth = {f"True classes ({len(arms.classes)})": first} if true is not None else {}
    words = "True classes and clusters" if truth else "Clusters"
    figure, panels = _panels(arms, found, 0.95, words, before=list(truth))
    if true is not None:
        points, rows = first.arrays["scatter_point"], first.arrays["scatter_row"]
        groups.scatter(panels[0], points, true[rows], arms.classes)
        groups.legend(figure, arms.classes)
    for axes, run in zip(panels[len(truth) :], found.values(), strict=True):
        labels, known = _labels(run), run.predictions.get("true")
        assert labels is not None
        shown = labels if known is None else recoloured(labels, known)
        groups.scatter(axes, run.arrays["scatter_point"], shown[run.arrays["scatter_row"]])
    for axes in panels:
        axes.set_aspect("equal", adjustable="datalim")
    return figure


def reconstructions(arms: Arms) -> Figure | None:
    """Draw test images, and below them their reconstructions by each arm."""
    found = _first(arms, "picture_rebuilt")
    if len(found) < 2:
        return None
    first, *others = (run.arrays["picture_original"] for run in found.values())
    if first.ndim != 3 or any(one.shape != first.shape for one in others):
        return None
    run = next(iter(found.values()))
    rows = [("original", first[:MOST_IMAGES])]
    for one, label in zip(found.values(), arms.labels(1.1, list(found)), strict=True):
        rows.append((f"{label}\n{_score(arms, one)}", one.arrays["picture_rebuilt"][:MOST_IMAGES]))
    low, high = run.arrays["pixel_range"]
    scaled = [(name, (images - low) / ((high - low) or 1)) for name, images in rows]
    true, at = run.predictions.get("test_true"), run.arrays["picture_position"][:MOST_IMAGES]
    above = [arms.classes[code] for code in true[at]] if arms.classes and true is not None else []
    return strips(f"Test images and their reconstructions{arms.which}; {_whose(found)}", scaled, above=above)


def _first(arms: Arms, array: str) -> dict[str, Run]:
    """Return the first run of each arm that holds an array, of the data that the first arm's run has."""
    found: dict[str, Run] = {}
    for arm in arms.shown:
        for run in arms.runs[arm]:
            same = not found or _data(run) == _data(next(iter(found.values())))
            if same and array in run.arrays:
                found[arm] = run
                break
    return found


def _data(run: Run) -> tuple[Any, Any]:
    return run.info["dataset"]["fingerprint"], run.info["split"].get("fingerprint")


def _labels(run: Run) -> np.ndarray | None:
    """Return the clusters of a run's first method, shape (n,)."""
    return next((found for name, found in run.predictions.items() if name.endswith("_cluster")), None)


def _whose(found: dict[str, Run]) -> str:
    """Return which run of each arm is drawn."""
    seeds = list(dict.fromkeys(run.info.get("seed") for run in found.values()))
    return "first run of each arm" + (
        f", seed {seeds[0]}" if len(seeds) == 1 and seeds[0] is not None else ""
    )


def _score(arms: Arms, run: Run) -> str:
    """Return the compared metric of one run, in words."""
    metric = PartMetric.parse(str(arms.info["metric"]))
    value = run.metrics.get(metric.part, {}).get(metric.name)
    return "" if value is None else f"{metric.words} {metric.value(value)}"


def _panels(
    arms: Arms, found: dict[str, Run], shape: float, words: str, before: Sequence[str] = ()
) -> tuple[Figure, list[Axes]]:
    """Return a figure with a square panel for each title `before` and for each arm, named and without ticks."""
    n_panels = len(before) + len(found)
    across = min(n_panels, 2 if n_panels in (2, 4) else ACROSS)
    deep = math.ceil(n_panels / across)
    side = (style.WIDTH - 0.3) / across
    height = deep * (min(max(side * shape, 0.7 * side), 1.3 * side) + 0.4)
    more = groups.legend_height(arms.classes) if before else 0.3
    figure = style.new_figure(height + more, f"{words}{arms.which}; {_whose(found)}")
    panels = list(figure.subplots(deep, across, squeeze=False).flat)
    for spare in panels[n_panels:]:
        spare.remove()
    names = [*before, *arms.titles(side - 0.3, list(found))]
    scores = ["" for _ in before] + [_score(arms, run) for run in found.values()]
    for axes, name, score in zip(panels, names, scores, strict=False):
        axes.set_title(f"{name}\n{score}" if score else name, fontsize=style.SMALL)
        axes.tick_params(labelsize=6)
        axes.locator_params(nbins=4)
    return figure, panels[:n_panels]
