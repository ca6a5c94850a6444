"""Reconstruction error, compared with PCA of the same width."""

from __future__ import annotations

from mlexp.page.page import KeyFigure
from mlexp.page.study import RecordedRun, Said
from mlexp.page.words import number, percent


def question(study: RecordedRun) -> str:
    """Return the question."""
    return f"How well does an autoencoder reconstruct {study.data}?"


def answer(study: RecordedRun) -> Said:
    """Reconstruction error, compared with PCA of the same width."""
    facts, error = study.info["facts"], study.scores["mse"]
    sentences = [
        f"With a code of width {facts['width']}, {study.rows:,} {study.part} {study.things} are reconstructed with a "
        "mean "
        f"squared error of {number(error)}.",
        *study.untested(),
    ]
    floor = facts.get(f"pca_{study.part}_mse")
    if floor:
        ratio = error / floor
        verdict = f"{percent(1 - ratio)} less than" if ratio < 1 else f"{ratio:.3g} times the error of"
        sentences.append(
            f"That is {verdict} PCA of the same width ({number(floor)}), the best that a linear "
            "autoencoder can achieve."
        )
    width = KeyFigure(
        "Width of the code", str(facts["width"]), f"of {study.info['dataset']['n_features']:,} features"
    )
    return sentences, [*study.figures({"mse": "Mean squared error", "r2": "R², mean over features"}), width]
