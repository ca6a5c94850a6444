"""What the methods are called in sentences and titles."""

from __future__ import annotations

CLUSTERINGS = {
    "kmeans": "K-means", "minibatch_kmeans": "Mini-batch k-means", "gmm": "Gaussian mixture", "dbscan": "DBSCAN",
    "spectral": "Spectral clustering", "spectral_neighbors": "Spectral clustering (nearest neighbours)",
    "agglomerative": "Agglomerative clustering", "spectral_gaussian": "Spectral clustering (Gaussian)",
}  # fmt: skip


def called(method: str) -> str:
    """Return the name of a method as prose writes it."""
    return CLUSTERINGS.get(method, method)
