"""Images of the test set beside the class that the model took them for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlexp.drawing import style, tiles
from mlexp.errors import DataError
from mlexp.store import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AT_MOST = 48  # images in one figure


def gallery(run: Run) -> Figure | None:
    """Draw images of the test part; mistakes have a frame, a cross and the sign ≠ beside the colour."""
    columns = 8
    found = chosen(run, "gallery", AT_MOST)
    if found is None:
        return None
    images, positions = found
    names = style.class_names(run.info["dataset"]["classes"], _caption_width(columns), tiles.CAPTION)
    true, predicted = run.predictions["test_true"][positions], run.predictions["test_predicted"][positions]
    drawn = [
        tiles.Tile(image, (names[t], f"{'=' if t == p else '≠'} {names[p]}"), bool(t != p))
        for image, t, p in zip(images, true, predicted, strict=True)
    ]
    right = sum(not tile.wrong for tile in drawn)
    headline = f"Recognised: {right} of these {len(drawn)} test images"
    return tiles.draw_tiles(
        drawn, columns, headline, "Below each image: true class, then = or ≠ and the predicted class"
    )


def mistakes(run: Run) -> Figure | None:
    """Draw the most confident mistakes with true and predicted class and the probability given to the latter."""
    columns = 6
    found = chosen(run, "mistake", 4 * columns)
    if found is None:
        return None
    images, positions = found
    names = style.class_names(run.info["dataset"]["classes"], _caption_width(columns), tiles.CAPTION)
    true, predicted = run.predictions["test_true"], run.predictions["test_predicted"]
    probability = run.predictions.get("test_probability")
    drawn = []
    for image, k in zip(images, positions, strict=True):
        sure = "" if probability is None else probability_in_words(float(probability[k, predicted[k]]))
        drawn.append(tiles.Tile(image, (names[true[k]], f"≠ {names[predicted[k]]}", sure), wrong=False))
    n_wrong = int((true != predicted).sum())
    order = f"shown: the {len(drawn)} most confident" if len(drawn) < n_wrong else "the most confident first"
    if probability is None:
        order = f"shown: {len(drawn)}"
    headline = f"Misclassified: {n_wrong:,} of {true.size:,} test images; {order}"
    note = "Below each image: true class ≠ predicted class"
    note += "" if probability is None else ", and the probability given to it"
    return tiles.draw_tiles(drawn, columns, headline, note)


def chosen(run: Run, kind: str, at_most: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the recorded images of one kind and their positions in the test part."""
    images, positions = run.arrays.get(f"{kind}_image"), run.arrays.get(f"{kind}_position")
    true, predicted = (run.predictions.get(f"test_{what}") for what in ("true", "predicted"))
    if images is None or positions is None or true is None or predicted is None or not len(images):
        return None
    if len(images) != len(positions) or positions.min() < 0 or positions.max() >= true.size:
        raise DataError(
            f"{run.path / 'arrays.npz'}: {kind}_position must hold one position below {true.size} for each of "
            f"{len(images)} images. Run the task again."
        )
    return images[:at_most], positions[:at_most]


def _caption_width(columns: int) -> float:
    """Return the inches that a class name may take below a tile, beside its sign."""
    return tiles.INNER / columns - style.text_width("≠ ", tiles.CAPTION) - 0.05


def probability_in_words(probability: float) -> str:
    """Return a probability as percent, with more digits where it comes near to certainty."""
    if probability > 0.9999:
        return "> 99.99 %"
    return f"{100 * probability:.{2 if probability > 0.99 else 1}f} %"
