"""Learning curves small enough for a cell of a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from mlexp.store import Run

WIDTH, HEIGHT, MARGIN = 96, 28, 2
POINTS = 48  # a curve is thinned to so many
WIDE = 30.0  # ratio of losses from which the scale is logarithmic


def thumbnails(runs: Sequence[Run | None]) -> tuple[list[Markup], str]:
    """Return a drawing of the loss by epoch for each run, on one scale, and the part whose loss it is.

    A run without a history gets an empty drawing; the part is empty if none has one.
    """
    histories = [run.history if run is not None else {} for run in runs]
    part = next((one for one in ("validation", "train") if any(f"{one}_loss" in h for h in histories)), "")
    losses = [np.asarray(history.get(f"{part}_loss", []), dtype=float) for history in histories]
    known = np.concatenate([loss[np.isfinite(loss)] for loss in losses]) if losses else np.array([])
    if not known.size:
        return [Markup("")] * len(runs), ""
    logarithmic = known.min() > 0 and known.max() / known.min() > WIDE
    low, high = (np.log(known.min()), np.log(known.max())) if logarithmic else (known.min(), known.max())
    epochs = max(len(loss) for loss in losses)
    drawn = []
    for loss in losses:
        at = np.unique(np.linspace(0, len(loss) - 1, min(len(loss), POINTS)).astype(int))
        values = loss[at]
        finite = np.isfinite(values)
        y = (np.log(values[finite]) if logarithmic else values[finite]) - low
        drawn.append(_svg(at[finite] / max(epochs - 1, 1), y / ((high - low) or 1.0), loss, part))
    return drawn, part


def _svg(x: np.ndarray, y: np.ndarray, loss: np.ndarray, part: str) -> Markup:
    """Return a line through points of the unit square."""
    if not len(x):
        return Markup("")
    across = MARGIN + x * (WIDTH - 2 * MARGIN)
    down = HEIGHT - MARGIN - y * (HEIGHT - 2 * MARGIN)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True))
    last = loss[np.isfinite(loss)][-1]
    label = f"{part} loss from {loss[0]:.3g} to {last:.3g} in {len(loss)} epochs"
    return Markup(
        '<svg class="curve" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{label}">'
        '<polyline points="{points}"/></svg>'
    ).format(w=WIDTH, h=HEIGHT, label=label, points=points)
