"""Near-duplicates: the distance of rows to the nearest other, and the groups of rows that lie near each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from mlexp.errors import ConfigError

ROWS_AT_A_TIME = 4096
SLACK = 8  # with the root of the features: units of rounding that a squared distance may be off by
LARGEST_SHARE = 0.5  # of all rows: a group larger than that cannot be divided sensibly


def nearest(queries: Any, rows: Any) -> np.ndarray:
    """Return the Euclidean distance of each query to the nearest row.

    |a - b|² = |a|² - 2 a·b + |b|² by float32 matrix products, a block of rows at a time, finds the nearest
    row; its distance is then computed from the differences, for the sum loses digits where it is small.

    Parameters
    ----------
    queries, rows : arrays or rows of shape (n_queries, d) and (n_rows, d)

    Returns
    -------
    float64 array of shape (n_queries,)
    """
    Q = np.asarray(queries, np.float32)
    best, which = np.full(len(Q), np.inf, np.float32), np.zeros(len(Q), np.intp)
    for start, block in _blocks(rows):
        half = np.einsum("ij,ij->i", block, block) / 2
        for first in range(0, len(Q), ROWS_AT_A_TIME):
            some = slice(first, first + ROWS_AT_A_TIME)
            score = half - Q[some] @ block.T  # half of |a - b|² without |a|², which is the same for all rows
            place = score.argmin(axis=1)
            value = score[np.arange(len(place)), place]
            better = value < best[some]
            best[some] = np.where(better, value, best[some])
            which[some] = np.where(better, place + start, which[some])
    found = np.empty(len(Q))
    for first in range(0, len(Q), ROWS_AT_A_TIME):
        some = slice(first, first + ROWS_AT_A_TIME)
        found[some] = np.linalg.norm(Q[some].astype(np.float64) - rows[which[some]], axis=1)
    return found


def _blocks(rows: Any, dtype: Any = np.float32) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        yield start, np.asarray(rows[start : start + ROWS_AT_A_TIME], dtype)


def _centred(rows: Any, centre: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for start, block in _blocks(rows, np.float64):
        yield start, (block - centre).astype(np.float32)


def _nearer(X: Any, pairs: np.ndarray, distance: float) -> np.ndarray:
    """Return the pairs of rows that lie nearer to each other than `distance`, by their differences in float64."""
    kept = [pairs[:0]]
    for first in range(0, len(pairs), ROWS_AT_A_TIME):
        some = pairs[first : first + ROWS_AT_A_TIME]
        one, other = (np.asarray(X[places], np.float64) for places in some.T)
        kept.append(some[np.linalg.norm(one - other, axis=1) < distance])
    return np.concatenate(kept)


def near_groups(X: Any, distance: float) -> np.ndarray:
    """Return the group of each row: rows nearer to each other than `distance`, directly or through others.

    The groups are the connected components of the graph that joins every pair of rows whose Euclidean
    distance, in the units in which the values are stored, is below `distance`. Distances come from float32
    products of the centred rows; where their rounding could decide, from the differences.

    Parameters
    ----------
    X : array of shape (n_rows, d)
    distance : above 0

    Returns
    -------
    int64 array of shape (n_rows,)
        Number of the group, from 0.

    Raises
    ------
    ConfigError
        One group holds more than half of the rows.

    Examples
    --------
    >>> near_groups(np.array([[0.0], [1.0], [5.0], [6.5]]), 1.2)
    array([0, 0, 1, 2])
    """
    found = np.arange(len(X))
    centre = sum(block.sum(axis=0) for _, block in _blocks(X, np.float64)) / len(X)
    squares = np.concatenate([np.einsum("ij,ij->i", block, block) for _, block in _centred(X, centre)])
    doubt = (SLACK + math.sqrt(X.shape[1])) * np.finfo(np.float32).eps
    for start, block in _centred(X, centre):
        for other, rows in _centred(X[: start + len(block)], centre):
            square = squares[start : start + len(block), None] + squares[other : other + len(rows)]
            short = square - 2 * block @ rows.T - distance**2
            sure = short < -doubt * square
            unsure = np.argwhere((short < doubt * square) & ~sure) + np.array([start, other])
            near = np.concatenate(
                [np.argwhere(sure) + np.array([start, other]), _nearer(X, unsure, distance)]
            )
            pairs = np.unique(found[near], axis=0)
            found = _connected(pairs.T, len(X))[found]
    _check_sizes(found, distance)
    return np.asarray(np.unique(found, return_inverse=True)[1])


def connected(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the groups of rows that hang together by either of two groupings.

    Examples
    --------
    >>> connected(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]))
    array([0, 0, 0, 1])
    """
    first, second = (np.unique(groups, return_inverse=True)[1] for groups in (one, other))
    second = second + first.max() + 1
    n_nodes = int(second.max()) + 1
    numbers = _connected((first, second), n_nodes)[first]
    return np.asarray(np.unique(numbers, return_inverse=True)[1])


def _connected(edges: Any, n_nodes: int) -> np.ndarray:
    """Return the connected component of each node of a graph; `edges` holds the first and second nodes."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(edges[0]), bool), tuple(edges)), shape=(n_nodes, n_nodes))
    return np.asarray(connected_components(graph, directed=False)[1])


def _check_sizes(groups: np.ndarray, distance: float) -> None:
    largest = np.bincount(groups).max() / len(groups)
    if largest > LARGEST_SHARE:
        raise ConfigError(
            f"split.near must be small enough to leave groups apart. Got {distance:g}, which joins {100 * largest:.0f} "
            "% of the rows into one group. mlexp task=sign_explore (with your data set) shows the distances between "
            "rows."
        )
