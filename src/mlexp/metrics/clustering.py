"""How good a grouping or an embedding is: pure functions of labels and distances.

Labels are any whole numbers; scikit-learn's −1 for noise counts as one cluster of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def contingency(y: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Count rows by true class (first axis) and cluster (second axis), both in ascending order.

    Parameters
    ----------
    y, labels : int arrays of shape (n_samples,)

    Returns
    -------
    int64 array of shape (n_classes, n_clusters)

    Examples
    --------
    >>> contingency(np.array([0, 0, 1]), np.array([7, 3, 3]))
    array([[1, 1],
           [1, 0]])
    """
    classes, rows = np.unique(y, return_inverse=True)
    clusters, columns = np.unique(labels, return_inverse=True)
    cells = np.bincount(rows * len(clusters) + columns, minlength=len(classes) * len(clusters))
    return cells.reshape(len(classes), len(clusters))


def purity(y: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of rows that belong to the commonest class of their cluster, in (0, 1].

    Purity = sum over clusters of max over classes n_ck / n. It rises with the number of clusters and is 1
    when every row is alone: compare it at equal k only.

    Examples
    --------
    >>> purity(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1]))
    0.75
    """
    return float(contingency(y, labels).max(axis=0).sum() / len(y))


def matched_accuracy(y: np.ndarray, labels: np.ndarray) -> float:
    """Return the accuracy under the best one-to-one matching of clusters to classes, in [0, 1].

    The matching is the maximum-weight assignment over `contingency` (Kuhn 1955, "The Hungarian method",
    doi:10.1002/nav.3800020109). Rows of clusters that are left without a class count as wrong.

    Examples
    --------
    >>> matched_accuracy(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 1]))
    0.75
    """
    from scipy.optimize import linear_sum_assignment

    counts = contingency(y, labels)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    return float(counts[rows, columns].sum() / len(y))


def knee(x: Sequence[float], falling: Sequence[float]) -> int | None:
    """Return the position of the knee of a falling curve: the point farthest below its chord.

    Both axes are scaled to [0, 1]; the knee maximises (1 − x) − y, the height of the chord over the curve,
    as in the kneedle of Satopää et al. (2011, doi:10.1109/ICDCSW.2011.20) without smoothing.

    Parameters
    ----------
    x : ascending numbers
    falling : one value for each x, for instance the inertia

    Returns
    -------
    Position in `x`, never the first or the last; None where the curve has no point below its chord.

    Examples
    --------
    >>> knee([1, 2, 3, 4, 5], [100, 30, 20, 15, 12])
    1
    >>> knee([1, 2, 3], [3, 2, 1]) is None
    True
    """
    across, down = np.asarray(x, dtype=np.float64), np.asarray(falling, dtype=np.float64)
    if len(across) < 3 or not np.isfinite(down).all() or down[0] <= down[-1]:
        return None
    right = (across - across[0]) / (across[-1] - across[0])
    height = (down - down[-1]) / (down[0] - down[-1])
    below = 1 - right - height
    best = int(below[1:-1].argmax()) + 1
    return best if below[best] > 1e-9 else None


def pairwise_deviation(X: np.ndarray) -> float:
    """Return the standard deviation (divided by their number) of the distances between all pairs of rows.

    Parameters
    ----------
    X : float array of shape (n_samples, n_features); n (n − 1) / 2 distances are held at once

    Examples
    --------
    >>> pairwise_deviation(np.array([[0.0], [1.0], [3.0]])).__round__(4)
    0.8165
    """
    from scipy.spatial.distance import pdist

    return float(pdist(X).std())


def agreement_scores(y: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return how well clusters and classes agree: ari, nmi, accuracy under the best matching, purity.

    ARI is the Rand index corrected for chance (Hubert and Arabie 1985, doi:10.1007/BF01908075): 0 expected
    for random labels, 1 for the same grouping. NMI divides the mutual information by the arithmetic mean of
    the two entropies (Vinh et al. 2010, https://jmlr.org/papers/v11/vinh10a.html) and is not corrected.

    Examples
    --------
    >>> agreement_scores(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
    {'ari': 1.0, 'nmi': 1.0, 'accuracy': 1.0, 'purity': 1.0}
    """
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    return {
        "ari": float(adjusted_rand_score(y, labels)),
        "nmi": float(normalized_mutual_info_score(y, labels)),
        "accuracy": matched_accuracy(y, labels),
        "purity": purity(y, labels),
    }


def shape_scores(X: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> dict[str, float]:
    """Return silhouette, davies_bouldin and calinski_harabasz; rows of noise (−1) are left out.

    Silhouette in [−1, 1], higher is better (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7);
    Davies-Bouldin from 0, lower is better (1979, doi:10.1109/TPAMI.1979.4766909); Calinski-Harabasz from 0,
    higher is better (1974, doi:10.1080/03610927408827101).

    Parameters
    ----------
    X : float array of shape (n_samples, n_features)
    labels : int array of shape (n_samples,)
    rows : int array; the silhouette, whose cost grows with their square, is taken among these rows alone

    Returns
    -------
    A value is NaN where fewer than two clusters, or no two rows in one cluster, are left.

    Examples
    --------
    >>> X = np.array([[0.0], [0.1], [9.0], [9.1]])
    >>> round(shape_scores(X, np.array([0, 0, 1, 1]), np.arange(4))["silhouette"], 3)
    0.989
    """
    from sklearn import metrics

    def scored(score: str, chosen: np.ndarray) -> float:
        kept = chosen[labels[chosen] >= 0]
        if not 2 <= len(np.unique(labels[kept])) < len(kept):
            return float("nan")
        return float(getattr(metrics, f"{score}_score")(X[kept], labels[kept]))

    everything = np.arange(len(X))
    return {
        "silhouette": scored("silhouette", rows),
        "davies_bouldin": scored("davies_bouldin", everything),
        "calinski_harabasz": scored("calinski_harabasz", everything),
    }


def neighbourhood_scores(X: np.ndarray, embedding: np.ndarray, n_neighbors: int) -> dict[str, float]:
    """Return trustworthiness and continuity of an embedding, both in [0, 1], 1 is best.

    trustworthiness = 1 − 2 / (n k (2n − 3k − 1)) · sum over rows i and those j among the k nearest of i in the
    embedding but not in the data of (rank of j in the data − k); continuity is the same with data and
    embedding exchanged (Venna and Kaski 2006, doi:10.1016/j.neunet.2006.05.014).

    Parameters
    ----------
    X : float array of shape (n_samples, n_features)
    embedding : float array of shape (n_samples, n_components)
    n_neighbors : k, below n_samples / 2; distances are Euclidean

    Examples
    --------
    >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [4.0, 0.0], [7.0, 0.1]])
    >>> neighbourhood_scores(X, X[:, :1], 2)
    {'trustworthiness': 1.0, 'continuity': 1.0}
    """
    from sklearn.manifold import trustworthiness

    return {
        "trustworthiness": float(trustworthiness(X, embedding, n_neighbors=n_neighbors)),
        "continuity": float(trustworthiness(embedding, X, n_neighbors=n_neighbors)),
    }
