"""How many groups there are, how well they keep apart, and whether they are the classes."""

from __future__ import annotations

from mlexp.page.study import Said, Study, by_method, three

CLUSTERINGS = {
    "kmeans": "K-means", "minibatch_kmeans": "K-means in small batches", "gmm": "Gaussian mixture", "dbscan": "DBSCAN",
    "spectral_neighbors": "Spectral clustering of neighbours", "agglomerative": "Agglomerative clustering",
    "spectral_gaussian": "Spectral clustering by distance",
}  # fmt: skip


def question(study: Study) -> str:
    """Return what was asked."""
    return f"Which groups are there in {study.data}?"


def answer(study: Study) -> Said:
    """How many groups there are, how well they keep apart, and whether they are the classes."""
    facts, methods = study.info["facts"], by_method(study, "k")
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
    return sentences, three(scores, labels, name)
