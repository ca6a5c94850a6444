"""Answers of studies that look for structure, and of those that calculate."""

from __future__ import annotations

from collections.abc import Mapping

from mlexp.kinds.embedding.figures import TITLES as EMBEDDINGS
from mlexp.page.page import KeyFigure
from mlexp.page.study import PARTS, Study
from mlexp.page.words import SPACE, listed, number, percent

CLUSTERINGS = {
    "kmeans": "K-means", "minibatch_kmeans": "K-means in small batches", "gmm": "Gaussian mixture", "dbscan": "DBSCAN",
    "spectral_neighbors": "Spectral clustering of neighbours", "agglomerative": "Agglomerative clustering",
    "spectral_gaussian": "Spectral clustering by distance",
}  # fmt: skip
GROWN = 0.1  # share of validation rows nearer than 5 % of the test rows from which copies are likely
Told = tuple[list[str], list[KeyFigure]]


def autoencoder(study: Study) -> Told:
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


def layers(study: Study) -> Told:
    """How far the classes are pulled apart from layer to layer."""
    named = {
        key: key.removeprefix("silhouette_").replace("_", " ")
        for key in study.scores
        if key.startswith("silhouette")
    }
    values = {name: study.scores[key] for key, name in named.items()}
    first, last = next(iter(values)), list(values)[-1]
    best = max(values, key=lambda name: values[name])
    sentence = (
        f"The classes lie furthest apart in layer '{best}': the silhouette of the {study.part} rows goes from "
        f"{values[first]:.3f} at the {first} to {values[last]:.3f} at the {last} (1: far apart, 0: mixed)."
    )
    figures = [KeyFigure(f"Silhouette, {name}", f"{values[name]:.3f}", study.part) for name in (first, last)]
    return [sentence], [*figures, *study.figures({"accuracy": "Accuracy"})]


def explore(study: Study) -> Told:
    """What the data are like, and whether validation rows are copies of training rows."""
    data, facts = study.info["dataset"], study.info["facts"]
    total, missing = sum(study.parts.values()), facts.get("missing_values", 0)
    of_classes = f" of {len(data['classes'])} classes" if data["classes"] else ""
    sentences = [
        f"{study.data} has {total:,} {study.things}{of_classes} and {data['n_features']:,} "
        f"features; {f'{missing:,}' if missing else 'no'} values are missing."
    ]
    near = facts.get("validation_rows_nearer_than_nearest_5_percent_of_test")
    if near is not None:
        grown = ": it looks grown from the training part" if near > GROWN else ""
        sentences.append(
            f"{percent(near)} of the validation rows lie nearer to a training row than the nearest 5{SPACE}% of the "
            f"test rows do; about 5{SPACE}% would be expected of independent rows{grown}."
        )
    sizes = ", ".join(f"{study.parts[part]:,} {part}" for part in reversed(PARTS) if study.parts.get(part))
    classes = [KeyFigure("Classes", str(len(data["classes"])))] if data["classes"] else []
    return sentences, [
        KeyFigure("Rows", f"{total:,}", sizes),
        *classes,
        KeyFigure("Missing values", f"{missing:,}"),
    ]


def by_hand(study: Study) -> Told:
    """What the calculation comes to."""
    if "before" in study.metrics:
        before, after = (study.metrics[when]["mse"] for when in ("before", "after"))
        sentence = f"One step of gradient descent takes the mean squared error from {number(before)} to "
        sentence += f"{number(after)}."
        return [sentence], [
            KeyFigure("Error before", number(before)),
            KeyFigure("Error after", number(after)),
        ]
    what, values = next(iter(study.metrics.items()))
    what = what.replace("_", " ")
    found = listed([f"{number(value)} for {name}" for name, value in values.items()])
    figures = [KeyFigure(name.capitalize(), number(value), what) for name, value in values.items()]
    return [f"Against the formula worked out by hand, the {what} is {found}."], figures


def clustering(study: Study) -> Told:
    """How many groups there are, how well they keep apart, and whether they are the classes."""
    facts, methods = study.info["facts"], _by_method(study, "k")
    best = max(methods, key=lambda method: methods[method].get("silhouette", -1.0))
    scores, name = methods[best], CLUSTERINGS.get(best, best)
    finds = (
        f"Of {len(methods)} methods, {name} gives the clearest groups:"
        if len(methods) > 1
        else f"{name} finds"
    )
    apart = scores.get("silhouette")
    measured = f"; their silhouette is {apart:.3f} (1: far apart, 0: touching)" if apart is not None else ""
    why = facts["why"][best]
    sentences = [
        f"{finds} {scores['clusters']:.0f} clusters in {facts['rows']:,} {study.things} ({why}){measured}."
    ]
    if "ari" in scores:
        nearest = max(methods, key=lambda method: methods[method].get("ari", -1.0))
        sentences.append(
            "The classes, which no method was shown, are met with an adjusted Rand index of "
            f"{methods[nearest]['ari']:.3f} by {CLUSTERINGS.get(nearest, nearest)} (1: the same groups, 0: chance)."
        )
    labels = {"silhouette": "Silhouette", "ari": "Adjusted Rand index", "purity": "Purity"}
    return sentences, _three(scores, labels, name)


def embedding(study: Study) -> Told:
    """Which map keeps neighbours together; how many components hold the variance."""
    facts, methods = study.info["facts"], _by_method(study, "rows")
    kept = {method: scores["trustworthiness"] for method, scores in methods.items()}
    best, *others = sorted(kept, key=lambda method: -kept[method])
    name, sentences, figures = EMBEDDINGS.get(best, best), [], []
    if study.pca_alone:
        held, of = f"{facts['components']:,}", f"of {facts['features']:,}"
        sentences.append(
            f"{held} {of} principal components hold {percent(facts['variance'])} of the variance."
        )
        figures.append(KeyFigure("Components", held, of))
    keeps = f"Of {len(methods)} methods, {name} best keeps" if others else f"{name} keeps"
    beside = listed([f"{EMBEDDINGS.get(one, one)} {kept[one]:.3f}" for one in others])
    sentences.append(
        f"{keeps} neighbours together in two dimensions: trustworthiness {kept[best]:.3f} of 1"
        f"{f' ({beside})' if others else ''}."
    )
    labels = {
        "trustworthiness": "Trustworthiness",
        "continuity": "Continuity",
        "class_silhouette": "Class silhouette",
    }
    return sentences, [*figures, *_three(methods[best], labels, name)][:3]


def _by_method(study: Study, fact: str) -> dict[str, dict[str, float]]:
    """Return method -> scores; a run of one method calls its scores 'all'."""
    if list(study.metrics) == ["all"]:
        return {next(iter(study.info["facts"][fact])): study.metrics["all"]}
    return study.metrics


def _three(scores: Mapping[str, float], labels: Mapping[str, str], note: str) -> list[KeyFigure]:
    return [
        KeyFigure(label, f"{scores[key]:.3f}".replace("-", "−"), note)
        for key, label in labels.items()
        if key in scores
    ]
