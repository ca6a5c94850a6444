"""Scaling of the features: fitted on the training part alone, applied when rows are read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlexp.data.dataset import Part, Split
from mlexp.data.rows import Factor, Rows
from mlexp.errors import ConfigError, did_you_mean
from mlexp.names import SCALES


@dataclass(frozen=True, eq=False)
class Scaling:
    """What was fitted: ``x * scale + shift`` for every value x.

    Attributes
    ----------
    how : none, unit, signed, standard or minmax ("auto" is resolved)
    scale, shift : float, or float64 array of shape (n_features,), or None for nothing to do
    n_rows : number of training rows that were looked at; 0 where nothing had to be
    """

    how: str
    scale: Factor
    shift: Factor
    n_rows: int


def prepare(
    split: Split, how: str = "auto", pixel_max: float | None = None, *, dtype: Any = np.float32
) -> tuple[Split, Scaling]:
    """Scale all three parts of a split by what is fitted on its training part.

    Parameters
    ----------
    split : Split
        Three parts as `split` made them.
    how : str, default "auto"
        See `fit_scale`.
    pixel_max : float or None
        Largest value of a pixel (``Dataset.pixel_max``).
    dtype : float32 or float64, default float32
        Type of the rows that the parts hand out.

    Returns
    -------
    (Split, Scaling)
        The same rows, scaled when they are read, and the record of what was fitted. Steps that change
        the features themselves can follow here: a step takes a split and returns a split and a record.
    """
    how = resolve(how, pixel_max)
    scale, shift = fit_scale(split.train, how, pixel_max)
    record = Scaling(how, scale, shift, len(split.train) if how in FITTED else 0)

    def scaled(part: Part) -> Part:
        return replace(part, X=part.X.scaled(scale, shift, dtype))

    return Split(scaled(split.train), scaled(split.validation), scaled(split.test)), record


def resolve(how: str, pixel_max: float | None) -> str:
    """Return the name of the scaling that `how` stands for, checked.

    Raises
    ------
    ConfigError
        `how` is unknown, or is unit or signed where the features are no pixels.

    Examples
    --------
    >>> resolve("auto", 255), resolve("auto", None)
    ('unit', 'standard')
    """
    if how not in SCALES:
        raise ConfigError(
            f"prepare.scale must be one of {', '.join(SCALES)}. Got {how!r}.{did_you_mean(str(how), SCALES)}"
        )
    if how == "auto":
        return "standard" if pixel_max is None else "unit"
    if how in ("unit", "signed") and pixel_max is None:
        raise ConfigError(
            f"prepare.scale={how} needs pixels with a known largest value. The features of this data set "
            "are no pixels: use prepare.scale=minmax or prepare.scale=standard."
        )
    return how


def fit_scale(train_part: Part, how: str, pixel_max: float | None = None) -> tuple[Factor, Factor]:
    """Find scale and shift so that ``x * scale + shift`` is the scaled value.

    Parameters
    ----------
    train_part : Part
        Only its rows are looked at.
    how : str
        none: nothing; unit: x / pixel_max, in [0, 1]; signed: 2 x / pixel_max - 1, in [-1, 1];
        standard: (x - mean) / deviation, each feature, the deviation divided by n (not n - 1) as in
        scikit-learn's StandardScaler; minmax: (x - min) / (max - min), each feature; auto: unit where
        `pixel_max` is known, else standard. A constant feature keeps scale 1 and is only shifted, to 0.
    pixel_max : float or None
        Largest value of a pixel; None where the features are no pixels.

    Returns
    -------
    scale, shift : float, float64 array of shape (n_features,), or None
        Statistics are summed in float64 over chunks of rows, so memory stays flat.
    """
    how = resolve(how, pixel_max)
    if how in FITTED:
        low, width = FITTED[how](train_part.X)
        scale = np.divide(1.0, width, out=np.ones_like(width), where=width > 0)
        return scale, -low * scale
    if how == "none":
        return None, None
    assert pixel_max is not None
    return (1 / pixel_max, None) if how == "unit" else (2 / pixel_max, -1.0)


def _mean_and_deviation(X: Rows) -> tuple[np.ndarray, np.ndarray]:
    stored = X.scaled(None, None, np.float64)
    mean = sum((stored[part].sum(axis=0) for part in stored.chunks()), np.zeros(X.shape[1])) / len(X)
    # The second pass over centred values: one pass with squares loses all digits when mean >> deviation.
    squares = np.zeros_like(mean)
    for part in stored.chunks():
        squares += np.square(stored[part] - mean).sum(axis=0)
    deviation = np.sqrt(squares / len(X))
    # The mean of equal values is rounded, so a constant feature shows a deviation of a few ulp, not 0.
    deviation[deviation <= 10 * np.finfo(np.float64).eps * np.abs(mean)] = 0.0
    return mean, deviation


def _low_and_width(X: Rows) -> tuple[np.ndarray, np.ndarray]:
    stored = X.scaled(None, None, np.float64)
    low, high = np.full(X.shape[1], np.inf), np.full(X.shape[1], -np.inf)
    for part in stored.chunks():
        rows = stored[part]
        np.minimum(low, rows.min(axis=0), out=low)
        np.maximum(high, rows.max(axis=0), out=high)
    return low, high - low


FITTED = {"standard": _mean_and_deviation, "minmax": _low_and_width}
