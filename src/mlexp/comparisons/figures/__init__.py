"""Pictures of a comparison, drawn from its folder and the run folders that it names."""

from __future__ import annotations

from pathlib import Path

from mlexp.comparisons.figures import classes, curves, datasets, looks, scores
from mlexp.comparisons.figures.arms import Arms
from mlexp.drawing import style
from mlexp.drawing.figure import Drawing
from mlexp.store import Comparison

# A figure is None where the runs do not hold what it shows.
FIGURES = {
    "scores": Drawing(
        scores.scores,
        "The score of every run, arm by arm, with the mean of each arm",
        "Where the dots of two arms overlap, chance decides which looks better.",
    ),
    "differences": Drawing(
        scores.differences,
        "Differences with their intervals: between pairs of arms, or of many arms from the best other one",
        "An interval that excludes zero: significant. Of many arms, those that reach above zero may be best.",
    ),
    "ranking": Drawing(
        scores.ranking,
        "Arms by their mean",
        "A bar joins arms that do not differ significantly; of many arms, those that may be best.",
    ),
    "looks": Drawing(
        looks.looks,
        "Differences between arms with their intervals at each look, and the boundary of that look",
        "A point outside the grey band is settled: its interval, at the level of that look, leaves zero out.",
    ),
    "learning_curves": Drawing(
        curves.learning_curves,
        "Learning curves of every arm, with the spread of its runs",
        "Which arm learns faster, and which one ends better?",
    ),
    "epochs_to_target": Drawing(
        curves.epochs_to_target,
        "Epochs that each run needed to reach the target",
        "Fewer is faster; some never get there.",
    ),
    "paired_differences": Drawing(
        curves.paired_differences,
        "Differences one by one",
        "Their spread sets the standard error of their mean.",
    ),
    "per_class": Drawing(
        classes.per_class,
        "Accuracy of every class, arm by arm",
        "Which classes make the difference?",
    ),
    "per_class_radar": Drawing(
        classes.radar,
        "Accuracy of every class as a radar chart, one line per arm",
        "The same on radial axes.",
    ),
    "confusion": Drawing(
        classes.confusion,
        "Confusion matrices of the arms and their difference",
        "Which mistakes does one arm make that the other does not?",
    ),
    "mistakes": Drawing(
        classes.mistakes,
        "Share of mistakes that pairs of runs have in common",
        "Mistakes that all runs share lie in the data, not in the model.",
    ),
}

# Over several data sets: what pools their runs or rows would show the data sets, not the arms.
OF_SEVERAL = {
    "datasets": Drawing(
        datasets.datasets,
        "Differences between the best arm and each other arm by data set, with their intervals (forest plot)",
        "Do the data sets agree? Where they differ more than their intervals are wide, the answer depends on the data.",
    ),
    "ranking": Drawing(
        scores.ranking,
        "Arms by their mean",
        "A bar joins arms that do not differ significantly; of many arms, those that may be best.",
    ),
}


def draw(comparison: Comparison, most: int | None = None) -> list[Path]:
    """Draw what the folder of a comparison allows into its ``figures/``, at most `most`; return the files."""
    figures = OF_SEVERAL if "benchmark" in comparison.info else FIGURES
    return style.draw(comparison.path, figures, Arms(comparison), most)
