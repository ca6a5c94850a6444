"""Shuffling: the order in which an epoch sees the samples, a permutation for each replica.

Up to `LISTED` rows it is listed in memory. Beyond, it is computed where it is needed, so that training
from a file larger than memory takes no memory that grows with the file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LISTED = 1 << 22
"""Rows whose order is listed: 32 MB a replica at most."""
ROUNDS = 6


class LazyPermutation:
    """Pseudo-random permutations of 0 .. n − 1 that are never listed as a whole.

    A Feistel network over the next power of four, walked until it falls below n (Black and Rogaway 2002,
    doi:10.1007/3-540-45760-7_9), with the mixer of SplitMix64 (Steele, Lea and Flood 2014,
    doi:10.1145/2660193.2660195) in each round. Each number of a slice is computed by itself.

    Parameters
    ----------
    rngs : sequence of numpy.random.Generator
        One for each replica; gives the keys.
    n_rows : int

    Examples
    --------
    >>> order = LazyPermutation([np.random.default_rng(0)], 5)
    >>> sorted(order[:, 0:5][0].tolist())
    [0, 1, 2, 3, 4]
    """

    itemsize = 8

    def __init__(self, rngs: Sequence[np.random.Generator], n_rows: int) -> None:
        self.shape = (len(rngs), n_rows)
        self.half = np.uint64(max(1, ((n_rows - 1).bit_length() + 1) // 2))
        self.keys = np.stack([rng.integers(0, 2**64, ROUNDS, dtype=np.uint64) for rng in rngs])

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        """Return the rows at places ``start:stop`` of the order of every replica, shape (R, stop − start)."""
        start, stop, _ = key[1].indices(self.shape[1])
        places = np.arange(start, stop, dtype=np.uint64)
        return np.stack([self._walked(places, key) for key in self.keys])

    def _walked(self, places: np.ndarray, keys: np.ndarray) -> np.ndarray:
        found = self._encrypted(places, keys)
        while (outside := np.flatnonzero(found >= np.uint64(self.shape[1]))).size:
            found[outside] = self._encrypted(found[outside], keys)
        return found.astype(np.int64)

    def _encrypted(self, numbers: np.ndarray, keys: np.ndarray) -> np.ndarray:
        mask = (np.uint64(1) << self.half) - np.uint64(1)
        left, right = numbers >> self.half, numbers & mask
        for key in keys:
            left, right = right, left ^ (_mixed(right + key) & mask)
        joined: np.ndarray = (left << self.half) | right
        return joined


def _mixed(numbers: np.ndarray) -> np.ndarray:
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = numbers ^ (numbers >> np.uint64(31))
    return mixed


def shuffled(rngs: Sequence[np.random.Generator], n_rows: int) -> np.ndarray | LazyPermutation:
    """Return the order of the rows for one epoch, each replica's from its own generator.

    Examples
    --------
    >>> shuffled([np.random.default_rng(0), np.random.default_rng(1)], 3).shape
    (2, 3)
    """
    if n_rows > LISTED:
        return LazyPermutation(rngs, n_rows)
    return np.stack([rng.permutation(n_rows) for rng in rngs])
