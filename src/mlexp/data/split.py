"""Drawing rows at random, with the shares of the classes kept."""

from __future__ import annotations

import numpy as np


def choose(codes: np.ndarray, count: int, *, stratify: bool, rng: np.random.Generator) -> np.ndarray:
    """Draw `count` positions of `codes` without replacement, in ascending order.

    Parameters
    ----------
    codes : int64 array of shape (n,)
        Class of each row; only its length matters when `stratify` is false.
    count : int
        Number of rows, 0 to n.
    stratify : bool
        Draw from every class its share of `count`, exact to within one row (largest remainders, as in
        proportional representation; ties are broken at random).
    rng : numpy.random.Generator
        Source of randomness; advanced by the draw.

    Returns
    -------
    int64 array of shape (count,)
    """
    if not stratify:
        return np.sort(rng.permutation(len(codes))[:count])
    classes, sizes = np.unique(codes, return_counts=True)
    wanted = apportion(sizes, count, rng=rng)
    drawn = [
        rng.permutation(np.flatnonzero(codes == code))[:k] for code, k in zip(classes, wanted, strict=True)
    ]
    return np.sort(np.concatenate(drawn)) if drawn else np.empty(0, np.int64)


def deal(codes: np.ndarray, folds: int, *, stratify: bool, rng: np.random.Generator) -> np.ndarray:
    """Deal all positions of `codes` into folds of equal size, to within one row.

    Parameters
    ----------
    codes : int64 array of shape (n,)
        Class of each row; only its length matters when `stratify` is false.
    folds : int
        Number of folds.
    stratify : bool
        Deal class by class, so that every fold has its share of each, to within one row.
    rng : numpy.random.Generator
        Source of randomness; advanced by the same amount whichever fold is wanted.

    Returns
    -------
    int64 array of shape (n,)
        Fold of each row, from 0.

    Examples
    --------
    >>> np.bincount(deal(np.zeros(10), 3, stratify=False, rng=np.random.default_rng(0)))
    array([4, 3, 3])
    """
    order = rng.permutation(len(codes))
    if stratify:
        order = order[np.argsort(codes[order], kind="stable")]
    dealt = np.empty(len(codes), np.int64)
    dealt[order] = np.arange(len(codes)) % folds
    return dealt


def apportion(sizes: np.ndarray, count: int, *, rng: np.random.Generator) -> np.ndarray:
    """Share `count` among groups in proportion to `sizes`, each within one of its exact share.

    A group is not used up while another one can give the row instead, so that what is left for
    training keeps a row of every class wherever that is possible.

    Examples
    --------
    >>> apportion(np.array([50, 30, 20]), 10, rng=np.random.default_rng(0))
    array([5, 3, 2])
    """
    exact = sizes * (count / sizes.sum())
    given: np.ndarray = np.minimum(np.floor(exact + 1e-9).astype(np.int64), sizes)
    short = count - int(given.sum())
    used_up = given + 1 >= sizes
    order = np.lexsort((rng.random(len(sizes)), np.round(given - exact, 9), used_up))
    given[order[:short]] += 1
    return given
