"""Pictures of a comparison, drawn from its folder and the run folders that it names."""

from __future__ import annotations

from pathlib import Path

from mlexp.comparisons.figures import beside, classes, curves, datasets, leaderboard, looks, paired, scores
from mlexp.comparisons.figures.arms import Arms
from mlexp.drawing import style
from mlexp.drawing.figure import Drawing
from mlexp.drawing.wanted import ALL, Wanted
from mlexp.store import Comparison

# The most important first; a figure is None where the runs do not hold what it shows.
FIGURES = {
    "leaderboard": Drawing(
        leaderboard.leaderboard,
        "The arms in the order of their validation score, each with its mean on the test set and the interval of that",
        "Is the first arm, which validation chose, among those that may be best on the test set? A diamond far "
        "above the interval: the validation score was too good to be true.",
    ),
    "scores": Drawing(
        scores.scores,
        "The score of every run, arm by arm, with the mean of each arm",
        "Where the dots of two arms overlap, chance decides which looks better.",
    ),
    "boundaries": Drawing(
        beside.boundaries,
        "Decision boundaries of the arms side by side, of the first run of each, with the test samples",
        "Which arms can follow the shape of the classes, and where do the others cut through them?",
    ),
    "clusterings": Drawing(
        beside.clusterings,
        "The true classes and the clusters of each arm side by side, of the first run of each",
        "Do the colours follow the visible groups, and which arm cuts through them?",
    ),
    "reconstructions": Drawing(
        beside.reconstructions,
        "Test images and their reconstructions by each arm, of the first run of each",
        "Which arm keeps the details, and which blurs them?",
    ),
    "curves_by_arm": Drawing(
        curves.curves_by_arm,
        "Loss and accuracy on the training and validation set by epoch, one panel per arm",
        "Lines that part: overfitting; flat lines: nothing is learnt; a loss that still falls: more epochs may help.",
    ),
    "learning_curves": Drawing(
        curves.learning_curves,
        "Training and validation loss by epoch, and accuracy, all arms in one view",
        "Which arm learns faster, and which one ends better?",
    ),
    "differences": Drawing(
        scores.differences,
        "Differences with their intervals: between pairs of arms, or of many arms from the best other one",
        "An interval that excludes zero: significant. Of many arms, those that reach above zero may be best.",
    ),
    "looks": Drawing(
        looks.looks,
        "Differences between arms with their intervals at each look, and the boundary of that look",
        "A point outside the grey band is settled: its interval, at the level of that look, leaves zero out.",
    ),
    "confusion": Drawing(
        classes.confusion,
        "Confusion matrices of the two best arms, in percent and counts, and their difference",
        "Which mistakes does one arm make that the other does not?",
    ),
    "confusions": Drawing(
        classes.confusions,
        "Confusion matrices of the arms side by side, in percent of each true class",
        "Dark columns: the arm predicts few classes for all samples. Off the diagonal: classes that are confused.",
    ),
    "per_class": Drawing(
        classes.per_class,
        "Accuracy of every class, arm by arm",
        "Which classes make the difference?",
    ),
    "epochs_to_target": Drawing(
        curves.epochs_to_target,
        "Epochs that each run needed to reach the target",
        "Fewer is faster; some never get there.",
    ),
    "ranking": Drawing(
        scores.ranking,
        "Arms by their mean",
        "A bar joins arms that do not differ significantly; of many arms, those that may be best.",
    ),
    "paired_differences": Drawing(
        paired.paired_differences,
        "Histogram of the differences between the two best arms, one by one",
        "All on one side of zero: one arm is ahead every time. On both sides: which is ahead depends on the run.",
    ),
    "per_class_radar": Drawing(
        classes.radar,
        "Accuracy of every class as a radar chart, one line per arm",
        "Classes in which the lines part are those in which the arms differ; the centre is not zero.",
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


def draw(comparison: Comparison, wanted: Wanted = ALL, into: Path | None = None) -> list[Path]:
    """Draw what the folder of a comparison allows, as `wanted`, into its ``figures/`` or those of `into`."""
    found = OF_SEVERAL if "benchmark" in comparison.info else FIGURES
    arms = shown(comparison)
    return [] if arms is None else style.draw(into or comparison.path, found, arms, wanted)


def shown(comparison: Comparison) -> Arms | None:
    """Return what the figures are drawn from; None as long as there is no answer."""
    return Arms(comparison) if "answer" in comparison.info else None


def figures(_: Comparison) -> dict[str, Drawing]:
    """Return the figures that a comparison can have, those of several data sets first."""
    return OF_SEVERAL | FIGURES
