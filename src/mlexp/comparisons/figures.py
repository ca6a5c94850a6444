"""Pictures of a comparison, drawn from its folder and the run folders that it names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlexp.comparisons import class_figures as comparison_classes
from mlexp.comparisons import curve_figures as comparison_curves
from mlexp.comparisons import dataset_figures as comparison_datasets
from mlexp.comparisons import look_figures as comparison_looks
from mlexp.comparisons import score_figures as comparison_scores
from mlexp.comparisons.arm_figures import Arms
from mlexp.drawing import style
from mlexp.store.comparison_folder import Comparison

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A figure is None where the runs do not hold what it shows.
FIGURES: dict[str, Callable[[Arms], Figure | None]] = {
    "scores": comparison_scores.scores,
    "differences": comparison_scores.differences,
    "ranking": comparison_scores.ranking,
    "looks": comparison_looks.looks,
    "learning_curves": comparison_curves.learning_curves,
    "epochs_to_target": comparison_curves.epochs_to_target,
    "paired_differences": comparison_curves.paired_differences,
    "per_class": comparison_classes.per_class,
    "per_class_radar": comparison_classes.radar,
    "confusion": comparison_classes.confusion,
    "mistakes": comparison_classes.mistakes,
}

# Over several data sets: what pools their runs or rows would show the data sets, not the arms.
OF_SEVERAL: dict[str, Callable[[Arms], Figure | None]] = {
    "datasets": comparison_datasets.datasets,
    "ranking": comparison_scores.ranking,
}


def draw(comparison: Comparison) -> list[Path]:
    """Draw what the folder of a comparison allows into its ``figures/``, and return the files."""
    figures = OF_SEVERAL if "benchmark" in comparison.info else FIGURES
    return style.draw(comparison.path, figures, Arms(comparison))
