"""What is recorded of each clustering for its figures: silhouettes, members, merges, ellipses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlexp.data.dataset import Dataset
from mlexp.store.result import Columns

TYPICAL = 10  # images of a cluster, the nearest to its mean
NAMED = 5  # rows of a cluster whose numbers stand in the table
MERGES = 40  # last merges of an agglomerative clustering that are kept


def silhouettes(X: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the silhouette of some rows among themselves, NaN for noise, and for all where none is defined.

    s = (b − a) / max(a, b), with a the mean distance to the other rows of the cluster and b that to the nearest other
    cluster (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7).

    Parameters
    ----------
    X : float array of shape (n_samples, n_features)
    labels : int array of shape (n_samples,); negative for noise
    rows : int array, positions in `X`

    Returns
    -------
    float32 array of shape (n_rows,), in [−1, 1]
    """
    from sklearn.metrics import silhouette_samples

    found = np.full(len(rows), np.nan, np.float32)
    inside = labels[rows] >= 0
    kept = rows[inside]
    if 2 <= len(np.unique(labels[kept])) < len(kept):
        found[inside] = silhouette_samples(X[kept], labels[kept])
    return found


def nearest_to_mean(X: np.ndarray, labels: np.ndarray, count: int) -> dict[int, np.ndarray]:
    """Return for each cluster the rows nearest to its mean, the nearest first; noise has none.

    Parameters
    ----------
    X : float array of shape (n_samples, n_features)
    labels : int array of shape (n_samples,); negative for noise
    count : rows of each cluster at most
    """
    found = {}
    for name in np.unique(labels[labels >= 0]):
        rows = np.flatnonzero(labels == name)
        apart = np.square(X[rows] - X[rows].mean(axis=0)).sum(axis=1)
        found[int(name)] = rows[np.argsort(apart, kind="stable")[:count]]
    return found


def table(
    dataset: Dataset, labels: Mapping[str, np.ndarray], silhouette: Mapping[str, np.ndarray],
    typical: Mapping[str, Mapping[int, np.ndarray]], measured: np.ndarray,
) -> Columns:  # fmt: skip
    """Return one row per method and cluster: its size, most frequent class, silhouette and most typical rows.

    Rows are counted from 0, in the order of the file.
    """
    columns: dict[str, list[Any]] = {}
    for method, found in labels.items():
        for name in np.unique(found).tolist():
            inside = found == name
            row: dict[str, Any] = {"method": method, "cluster": "noise" if name < 0 else name}
            row |= {"samples": int(inside.sum()), "share": float(inside.mean())}
            if dataset.n_classes > 1:
                counts = np.bincount(dataset.y[inside], minlength=dataset.n_classes)
                row |= {
                    "most_frequent_class": dataset.classes[counts.argmax()],
                    "purity": float(counts.max() / inside.sum()),
                }
            own = silhouette[method][found[measured] == name]
            row["silhouette"] = float(own.mean()) if len(own) and not np.isnan(own).any() else ""
            row["typical_rows"] = " ".join(map(str, typical[method].get(name, np.empty(0))[:NAMED]))
            for column, value in row.items():
                columns.setdefault(column, []).append(value)
    return columns


def merges(children: np.ndarray, distances: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the last merges of an agglomerative clustering.

    Parameters
    ----------
    children : int array of shape (n_samples − 1, 2); below n_samples a sample, else the merge of that number
    distances : float array of shape (n_samples − 1,)
    labels : int array of shape (n_samples,)

    Returns
    -------
    dict
        linkage (n, 4) as SciPy writes it, of which the leaves are what was merged before; leaf_size (n + 1,) and
        leaf_cluster (n + 1,), the cluster of its samples, −1 where they are in several
    """
    n, kept = len(labels), min(MERGES, len(children))
    size, cluster = np.ones(2 * n - 1, np.int64), np.concatenate([labels, np.full(n - 1, -1)])
    for place, (a, b) in enumerate(children):
        size[n + place] = size[a] + size[b]
        cluster[n + place] = cluster[a] if cluster[a] == cluster[b] else -1
    first = n + len(children) - kept  # the first node that is kept as a merge
    leaves = np.sort(children[-kept:].ravel()[children[-kept:].ravel() < first])
    number = {int(node): place for place, node in enumerate(leaves)}
    number |= {first + place: len(leaves) + place for place in range(kept)}
    pairs = np.array([[number[int(a)], number[int(b)]] for a, b in children[-kept:]], np.int64)
    beneath = np.ones(2 * kept + 1)
    for place, (a, b) in enumerate(pairs):
        beneath[kept + 1 + place] = beneath[a] + beneath[b]
    return {
        "linkage": np.column_stack([pairs, distances[-kept:], beneath[kept + 1 :]]),
        "leaf_size": size[leaves],
        "leaf_cluster": cluster[leaves],
    }


def ellipses(mixture: Any, axes: np.ndarray | None, centre: np.ndarray) -> dict[str, np.ndarray]:
    """Return mean, covariance and weight of each component of a mixture in the plane of a figure.

    Parameters
    ----------
    mixture : fitted `sklearn.mixture.GaussianMixture` or one like it
    axes : float array of shape (2, n_features), orthonormal directions of the plane; None: the two features
    centre : float array of shape (n_features,), the origin of the plane
    """
    means = mixture.means_
    d = means.shape[1]
    covariances = _full(mixture.covariance_type, mixture.covariances_, len(means), d)
    way = np.eye(d) if axes is None else axes
    return {
        "mixture_mean": (means - centre) @ way.T,
        "mixture_covariance": way @ covariances @ way.T,
        "mixture_weight": mixture.weights_,
    }


def _full(kind: str, covariances: np.ndarray, n_components: int, n_features: int) -> np.ndarray:
    """Return the covariance matrix of each component, whatever scikit-learn keeps of them."""
    unit = np.eye(n_features)
    if kind == "tied":
        return np.broadcast_to(covariances, (n_components, n_features, n_features))
    if kind == "diag":
        return covariances[:, :, None] * unit
    if kind == "spherical":
        return covariances[:, None, None] * unit
    return covariances
