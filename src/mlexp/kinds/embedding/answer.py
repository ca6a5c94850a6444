"""The embedding that best preserves neighbourhoods; the number of components that retain the variance."""

from __future__ import annotations

from mlexp.kinds.embedding.names import called
from mlexp.page.page import KeyFigure
from mlexp.page.study import RecordedRun, Said, by_method, three
from mlexp.page.words import listed, percent


def question(study: RecordedRun) -> str:
    """Return the question."""
    if study.pca_alone:
        return f"How many principal components does {study.data} need?"
    return f"What does {study.data} look like in two dimensions?"


def answer(study: RecordedRun) -> Said:
    """The embedding that best preserves neighbourhoods; the number of components that retain the variance."""
    facts, methods = study.info["facts"], by_method(study, "rows")
    kept = {method: scores["trustworthiness"] for method, scores in methods.items()}
    best, *others = sorted(kept, key=lambda method: -kept[method])
    name, sentences, figures = called(best), [], []
    if study.pca_alone:
        held, of = f"{facts['components']:,}", f"of {facts['features']:,}"
        sentences.append(
            f"{held} {of} principal components retain {percent(facts['variance'])} of the variance."
        )
        figures.append(KeyFigure("Components", held, of))
    keeps = f"Of {len(methods)} methods, {name} best preserves" if others else f"{name} preserves"
    beside = listed([f"{called(one)} {kept[one]:.3f}" for one in others])
    sentences.append(
        f"{keeps} neighbourhoods in two dimensions: trustworthiness {kept[best]:.3f} of 1"
        f"{f' ({beside})' if others else ''}."
    )
    labels = {
        "trustworthiness": "Trustworthiness",
        "continuity": "Continuity",
        "class_silhouette": "Class silhouette",
    }
    return sentences, [*figures, *three(methods[best], labels, name)][:3]
