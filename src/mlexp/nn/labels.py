"""Labels as class numbers, weights of rows, and which rows validate."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlexp.errors import DataError


def codes_of(labels: Any, classes: np.ndarray) -> np.ndarray:
    """Return the number of each label among the sorted classes.

    Examples
    --------
    >>> codes_of(["b", "a"], np.array(["a", "b"])).tolist()
    [1, 0]
    """
    found = np.asarray(labels)
    numbered = found.dtype.kind in "iu" and found.size and np.array_equal(classes, np.arange(len(classes)))
    if numbered and found.min() >= 0 and found.max() < len(classes):
        return found  # not copied: it may be a memory map
    codes = np.minimum(np.searchsorted(classes, found), len(classes) - 1)
    strange = classes[codes] != found
    if strange.any():
        known = ", ".join(str(one) for one in classes[:20].tolist()) + (" ..." if len(classes) > 20 else "")
        raise DataError(
            f"Label {found[strange].tolist()[0]!r} is not among the {len(classes)} classes of the model ({known}). "
            "Train on rows of every class, or give all classes."
        )
    return codes


def class_weights(class_weight: Any, codes: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the weight of each row that its class gives it.

    "balanced" is n / (n_classes n_class), over the classes that have rows; a mapping is read by scikit-learn's rules.

    Examples
    --------
    >>> class_weights("balanced", np.array([0, 0, 0, 1]), np.array(["a", "b"])).round(2).tolist()
    [0.67, 0.67, 0.67, 2.0]
    """
    present, counts = np.unique(codes, return_counts=True)
    own = np.ones(len(classes))
    if isinstance(class_weight, str) and class_weight == "balanced":
        own[present] = len(codes) / (len(present) * counts.astype(np.float64))
    else:
        from sklearn.utils.class_weight import compute_class_weight

        own[present] = compute_class_weight(class_weight, classes=classes[present], y=classes[codes])
    weights: np.ndarray = own[codes]
    return weights


def scaled_weights(weights: Any, n_rows: int, dtype: str) -> np.ndarray:
    """Return weights of rows scaled to mean 1.

    Examples
    --------
    >>> scaled_weights([1, 3], 2, "float64").tolist()
    [0.5, 1.5]
    """
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != (n_rows,) or not np.isfinite(found).all() or (found < 0).any():
        raise ValueError(f"'sample_weight' must be {n_rows} numbers of at least 0. Got shape {found.shape}.")
    if found.sum() == 0:
        raise ValueError("'sample_weight' must have a weight above 0. Got weights that are all zero.")
    scaled: np.ndarray = (found / found.mean()).astype(dtype)
    return scaled


def set_apart(values: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Choose rows for validation evenly over sorted values, the same for every seed.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Class numbers or targets; equal shares of every range of values are taken.
    share : float in [0, 1)
        Fewer than 10 rows are not divided.

    Returns
    -------
    kept, held : ndarray of int
        Row numbers, in order.

    Examples
    --------
    >>> kept, held = set_apart(np.repeat([0, 1], 10), 0.2)
    >>> len(kept), (held < 10).sum().item()
    (16, 2)
    """
    n_rows = len(values)
    n_held = round(share * n_rows) if n_rows >= 10 else 0
    order = np.random.default_rng(0).permutation(n_rows)
    grouped = order[np.argsort(values[order], kind="stable")]
    held = np.sort(grouped[((np.arange(n_held) + 0.5) * n_rows / max(n_held, 1)).astype(np.int64)])
    return np.delete(np.arange(n_rows), held), held
