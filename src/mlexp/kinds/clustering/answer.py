"""Number of clusters, their separation, and their agreement with the classes."""

from __future__ import annotations

from mlexp.page.study import Said, Study, by_method, three

CLUSTERINGS = {
    "kmeans": "K-means", "minibatch_kmeans": "Mini-batch k-means", "gmm": "Gaussian mixture", "dbscan": "DBSCAN",
    "spectral_neighbors": "Spectral clustering (nearest neighbours)", "agglomerative": "Agglomerative clustering",
    "spectral_gaussian": "Spectral clustering (Gaussian)",
}  # fmt: skip


def question(study: Study) -> str:
    """Return the question."""
    return f"Which clusters are there in {study.data}?"


def answer(study: Study) -> Said:
    """Number of clusters, their separation, and their agreement with the classes."""
    facts, methods = study.info["facts"], by_method(study, "k")
    best = max(methods, key=lambda method: methods[method].get("silhouette", -1.0))
    scores, name = methods[best], CLUSTERINGS.get(best, best)
    finds = (
        f"Of {len(methods)} methods, {name} gives the best-separated clusters:"
        if len(methods) > 1
        else f"{name} finds"
    )
    apart = scores.get("silhouette")
    measured = (
        f"; their silhouette is {apart:.3f} (1: well separated, 0: overlapping)" if apart is not None else ""
    )
    why = facts["why"][best]
    sentences = [
        f"{finds} {scores['clusters']:.0f} clusters in {facts['rows']:,} {study.things} ({why}){measured}."
    ]
    if "ari" in scores:
        nearest = max(methods, key=lambda method: methods[method].get("ari", -1.0))
        sentences.append(
            "Agreement with the classes, which were not used: adjusted Rand index of "
            f"{methods[nearest]['ari']:.3f} by {CLUSTERINGS.get(nearest, nearest)} (1: identical groups, 0: chance)."
        )
    labels = {"silhouette": "Silhouette", "ari": "Adjusted Rand index", "purity": "Purity"}
    return sentences, three(scores, labels, name)
