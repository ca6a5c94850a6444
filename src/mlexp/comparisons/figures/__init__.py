"""Pictures of a comparison, drawn from its folder and the run folders that it names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlexp.comparisons.figures import classes, curves, datasets, looks, scores
from mlexp.comparisons.figures.arms import Arms
from mlexp.drawing import style
from mlexp.store.comparison_folder import Comparison

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A figure is None where the runs do not hold what it shows.
FIGURES: dict[str, Callable[[Arms], Figure | None]] = {
    "scores": scores.scores,
    "differences": scores.differences,
    "ranking": scores.ranking,
    "looks": looks.looks,
    "learning_curves": curves.learning_curves,
    "epochs_to_target": curves.epochs_to_target,
    "paired_differences": curves.paired_differences,
    "per_class": classes.per_class,
    "per_class_radar": classes.radar,
    "confusion": classes.confusion,
    "mistakes": classes.mistakes,
}

# Over several data sets: what pools their runs or rows would show the data sets, not the arms.
OF_SEVERAL: dict[str, Callable[[Arms], Figure | None]] = {
    "datasets": datasets.datasets,
    "ranking": scores.ranking,
}


def draw(comparison: Comparison) -> list[Path]:
    """Draw what the folder of a comparison allows into its ``figures/``, and return the files."""
    figures = OF_SEVERAL if "benchmark" in comparison.info else FIGURES
    return style.draw(comparison.path, figures, Arms(comparison))
