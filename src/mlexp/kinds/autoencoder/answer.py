"""How well rows are rebuilt, against principal components of the same width."""

from __future__ import annotations

from mlexp.page.page import KeyFigure
from mlexp.page.study import Said, Study
from mlexp.page.words import number, percent


def question(study: Study) -> str:
    """Return what was asked."""
    return f"How well can an autoencoder rebuild {study.data}?"


def answer(study: Study) -> Said:
    """How well rows are rebuilt, against principal components of the same width."""
    facts, error = study.info["facts"], study.scores["mse"]
    sentences = [
        f"Squeezed through {facts['width']} numbers, {study.rows:,} {study.part} {study.things} come back with a mean "
        f"squared error of {number(error)}.",
        *study.untested(),
    ]
    floor = facts.get(f"pca_{study.part}_mse")
    if floor:
        ratio = error / floor
        verdict = f"{percent(1 - ratio)} less than" if ratio < 1 else f"{ratio:.3g} times the error of"
        sentences.append(
            f"That is {verdict} principal components of the same width ({number(floor)}), the best that a linear "
            "network can do."
        )
    width = KeyFigure(
        "Width of the code", str(facts["width"]), f"of {study.info['dataset']['n_features']:,} features"
    )
    return sentences, [*study.figures({"mse": "Mean squared error", "r2": "R², mean over features"}), width]
