"""The figures of a folder, in the order of the page, with the words that belong to them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mlexp.config.untrusted import read_bytes
from mlexp.errors import DataError
from mlexp.page.page import Picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"
Words = Mapping[str, tuple[str, str]]
MOST_PIXELS = 25_000_000  # of a picture that a page holds; ours have less than a million
MOST_LETTERS = 1000  # of its headline
HEADLINE = b"Title"  # where plots.style.png writes what stands above the axes

# name -> what kind of picture it is, what to look at; the order is that of the page
WORDS = {
    "sweep": (
        "The score by the swept settings",
        "How much does each key move the score, and is the best setting at an edge of the grid?",
    ),
    "confusion": (
        "Confusion matrix: true classes as rows, predicted classes as columns",
        "Right answers lie on the diagonal; the darkest cells beside it are the classes that are mixed up.",
    ),
    "predicted_against_true": (
        "Scatter of predicted over true values of the test part",
        "Points on the diagonal are right; a slope flatter than it means that extremes are drawn to the mean.",
    ),
    "clusters": (
        "Scatter of the rows in two dimensions, coloured by cluster",
        "Do the colours follow the groups that the eye sees?",
    ),
    "embedding": (
        "Scatter of the rows in two dimensions, coloured by class",
        "Classes that form islands are easy to tell apart from these features.",
    ),
    "reconstructions": (
        "Test images above their reconstructions",
        "What is lost first: fine patterns and edges.",
    ),
    "features": (
        "Accuracy of classifiers on several features of the same rows",
        "Which features lose least?",
    ),
    "separation": (
        "Silhouette of the classes by layer",
        "A curve that rises from layer to layer: the network pulls the classes apart.",
    ),
    "hidden_layers": (
        "Maps of the rows as each layer sees them, coloured by class",
        "Colours that mix at the input and part towards the output.",
    ),
    "computation_graph": (
        "Graph of the calculation with the value and the gradient of every step",
        "Follow values from left to right and gradients back.",
    ),
    "step_sizes": (
        "Relative error of finite differences by step size, both logarithmic",
        "The error falls with the step until rounding takes over.",
    ),
    "nearest_distances": (
        "Distances from validation and test rows to their nearest training row",
        "Two curves that lie apart mean that one part is made of near copies.",
    ),
    "boundary": (
        "Decision boundary over the points of the plane",
        "Does the boundary follow the classes, or single points?",
    ),
    "mistakes": (
        "Test images that were classified wrongly, the surest mistakes first",
        "Would a person have known better? Some labels are wrong themselves.",
    ),
    "gallery": ("Random test images with predicted and true class", "What the rows look like."),
    "per_class": (
        "Precision, recall and F1 of every class",
        "The lowest ones need more rows or better features.",
    ),
    "learning_curves": (
        "Loss and accuracy by epoch, training and validation part",
        "A validation curve that turns away from the training curve shows over-fitting from there on.",
    ),
    "tuning": (
        "Validation score of the trials by the settings that were tried",
        "Is the best setting well inside what was tried, or at its edge?",
    ),
    "tuning_curves": (
        "Validation score of the best trials by epoch",
        "Do the best settings lie apart, or within the noise of one another?",
    ),
    "tuning_importance": (
        "Share of the variation between trials that each key explains",
        "Keys at the bottom need no more search.",
    ),
    "losses": (
        "Loss by epoch, one line a job",
        "Lines that still fall at the end asked for more epochs; lines that jump, for a smaller rate.",
    ),
    "error_curves": (
        "Reconstruction error by epoch, with that of principal components of the same width",
        "Below the line, the network has found more than a linear method can.",
    ),
    "clusters_by_k": (
        "Quality of the clustering by number of clusters",
        "A peak or a knee speaks for a number; a smooth curve for none.",
    ),
    "cluster_gallery": ("Images of each cluster", "Is a row one thing, or several?"),
    "embedding_images": ("The embedding with the images themselves", "Neighbours should look alike."),
    "pca_variance": (
        "Share of the variance by number of principal components",
        "How many components are worth keeping.",
    ),
    "random_images": ("Random test images with their classes", "What the rows look like."),
    "class_balance": ("Rows of every class in each part", "Rare classes are learnt last."),
    "importances": (
        "Features by how much the model relies on them",
        "The longest bars carry the prediction.",
    ),
}


# of a comparison
COMPARED = {
    "datasets": (
        "Differences between the best arm and each other arm by data set, with their intervals (forest plot)",
        "Do the data sets agree? Where they differ more than their intervals are wide, the answer depends on the data.",
    ),
    "scores": (
        "The score of every run, arm by arm, with the mean of each arm",
        "Where the dots of two arms overlap, chance decides which looks better.",
    ),
    "differences": (
        "Differences with their intervals: between pairs of arms, or of many arms from the best other one",
        "An interval that excludes zero: significant. Of many arms, those that reach above zero may be best.",
    ),
    "ranking": (
        "Arms by their mean",
        "A bar joins arms that do not differ significantly; of many arms, those that may be best.",
    ),
    "looks": (
        "Differences between arms with their intervals at each look, and the boundary of that look",
        "A point outside the grey band is settled: its interval, at the level of that look, leaves zero out.",
    ),
    "learning_curves": (
        "Learning curves of every arm, with the spread of its runs",
        "Which arm learns faster, and which one ends better?",
    ),
    "epochs_to_target": ("Epochs that each run needed to reach the target", "Fewer is faster; some never get there."),
    "paired_differences": ("Differences one by one", "Their spread sets the standard error of their mean."),
    "per_class": ("Accuracy of every class, arm by arm", "Which classes make the difference?"),
    "per_class_radar": ("Accuracy of every class as a radar chart, one line per arm", "The same on radial axes."),
    "confusion": (
        "Confusion matrices of the arms and their difference",
        "Which mistakes does one arm make that the other does not?",
    ),
    "mistakes": (
        "Share of mistakes that pairs of runs have in common",
        "Mistakes that all runs share lie in the data, not in the model.",
    ),
}  # fmt: skip


def pictures(folder: Path, words: Words = WORDS, first: str = "") -> list[Picture]:
    """Return every figure of a folder in the order of `words`; those without words of their own follow by name."""
    places = {name: place for place, name in enumerate(words)} | {first: -1}
    files = sorted(
        (folder / "figures").glob("*.png"), key=lambda file: (places.get(file.stem, 99), file.stem)
    )
    return [picture(file, words) for file in files]


def picture(file: Path, words: Words = WORDS) -> Picture:
    """Return one figure with what it says of itself.

    Raises
    ------
    DataError
        If the file is no PNG picture, or one of more than `MOST_PIXELS`.
    """
    data = read_bytes(file)
    found = list(chunks(data))
    if not found or found[0][0] != b"IHDR" or len(found[0][1]) != 13:
        raise DataError(
            f"{file} is no PNG picture, and a page shows nothing else. Remove it, and draw the figures of the folder "
            "again: mlexp report FOLDER."
        )
    width, height = struct.unpack(">II", found[0][1][:8])
    if not 0 < width * height <= MOST_PIXELS:
        raise DataError(
            f"{file} is too large for a page: at most {MOST_PIXELS:,} pixels. It has {width:,} x {height:,}: remove it."
        )
    alt, look = words.get(file.stem, (file.stem.replace("_", " ").capitalize(), ""))
    return Picture(file.stem, f"figures/{file.name}", data, (width, height), _headline(found), alt, look)


def _headline(found: Sequence[tuple[bytes, bytes]]) -> str:
    """Return the title that a picture has, from text that is not packed."""
    for kind, content in found:
        name, _, text = content.partition(b"\0")
        if name != HEADLINE or kind not in (b"tEXt", b"iTXt"):
            continue
        if kind == b"iTXt":  # packed or not, how; then language and title in it, each ended by a zero
            text = text[2:].split(b"\0", 2)[-1] if text[:1] == b"\0" else b""
        letters = text[:MOST_LETTERS].decode("latin-1" if kind == b"tEXt" else "utf-8", "replace")
        return " ".join(re.sub(r"[^\S ]|[\x00-\x1f\x7f-\x9f]", " ", letters).split())
    return ""


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and content of the chunks of a PNG file that stand before its pixels; none if it is no PNG file."""
    at = len(SIGNATURE)
    while data.startswith(SIGNATURE) and at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IDAT":
            return
        yield kind, data[at + 8 : at + 8 + length]
        at += length + 12
