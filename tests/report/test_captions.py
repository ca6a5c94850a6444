"""Every figure of every kind has a caption of its own: what it shows, and what to look for."""

from __future__ import annotations

import re

import pytest

from mlexp.comparisons.figures import FIGURES as COMPARED
from mlexp.drawing.figure import Drawing
from mlexp.kinds import KINDS, ROWS
from mlexp.sweeps.figures import FIGURES as SWEPT
from mlexp.tuning.figures import FIGURES as SEARCHED

OWN = {row.name: KINDS[row.name].figures.FIGURES for row in ROWS if row.name != "comparison"}
ALL = OWN | {"comparisons": COMPARED, "sweeps": SWEPT, "searches": SEARCHED}
CAPTIONS = [
    pytest.param(name, drawing, id=f"{kind}-{name}")
    for kind, figures in ALL.items()
    for name, drawing in figures.items()
]
# As nobody writes them: t-SNE, PCA, LLE, MDS, AIC, BIC, ROC, ARI and NMI have their own spelling.
ACRONYM = re.compile(r"\b(Pca|pca|Tsne|tsne|t-sne|Lle|lle|Mds|mds|Aic|aic|Bic|bic|Roc|roc|Ari|ari|Nmi|nmi)\b")


@pytest.mark.parametrize(("name", "drawing"), CAPTIONS)
def test_a_caption_says_what_is_shown_and_what_to_look_for(name: str, drawing: Drawing) -> None:
    shown = drawing.shows.lower().replace(" ", "_").rstrip(".")
    assert shown != name
    assert len(drawing.shows.split()) >= 3
    assert drawing.shows[0].isupper() or drawing.shows.startswith("t-SNE")
    assert drawing.question.endswith((".", "?"))
    assert len(drawing.question.split()) >= 4
    assert not ACRONYM.search(f"{drawing.shows} {drawing.question}")
