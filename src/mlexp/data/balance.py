"""Balanced sampling of a training set: classes of equal size, drawn after the split and from the training set alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlexp.data.split import Part


def balanced(train: Part, how: str, *, rng: np.random.Generator) -> Part:
    """Return samples of a training set in which every class that it holds has the same number.

    Parameters
    ----------
    train : training set with classes
    how : "over": every sample stays, and those of the smaller classes are repeated, each nearly equally often;
        "under": as many samples of each class as the smallest has, drawn without replacement
    rng : draws the samples

    Returns
    -------
    Part
        The samples in the order of the training set, copies side by side.
    """
    classes, counts = np.unique(train.y, return_counts=True)
    size = counts.max() if how == "over" else counts.min()
    chosen = []
    for one in classes:
        members = np.flatnonzero(train.y == one)
        whole, rest = divmod(int(size), len(members))
        chosen += [np.repeat(members, whole), rng.permutation(members)[:rest]]
    positions = np.sort(np.concatenate(chosen))
    groups = None if train.groups is None else train.groups[positions]
    return replace(
        train, X=train.X.select(positions), y=train.y[positions], index=train.index[positions], groups=groups
    )
