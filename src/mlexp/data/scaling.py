"""Scaling of the features: fitted on the training part alone, applied when rows are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlexp.config.names import SCALES
from mlexp.data.rows import Factor, Rows
from mlexp.data.split import Part
from mlexp.errors import ConfigError, DataError, did_you_mean


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
        Statistics are summed in float64 over chunks of rows, so memory stays flat, and of values brought near
        1 by a power of two, so that columns about 1e160 or 1e-160 have a variance.
    """
    how = resolve(how, pixel_max)
    if how in FITTED:
        return FITTED[how](train_part.X)
    if how == "none":
        return None, None
    assert pixel_max is not None
    return (1 / pixel_max, None) if how == "unit" else (2 / pixel_max, -1.0)


def centre_and_deviation(values: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation of some numbers, (value, 1) where all are equal.

    Examples
    --------
    >>> centre_and_deviation(np.array([1e200, 3e200]))
    (2e+200, 1e+200)
    >>> centre_and_deviation(np.array([0.1, 0.1, 0.1]))
    (0.1, 1.0)
    """
    column = Rows(values.astype(np.float64)[:, None], dtype=np.float64)
    low, high, unit = _limits(column)
    mean, deviation = _moments(column, unit)
    if _constant(low, high, unit, deviation)[0]:
        return float(low[0]), 1.0
    return float(mean[0] / unit[0]), float(deviation[0] / unit[0])


def _standard(X: Rows) -> tuple[np.ndarray, np.ndarray]:
    stored = X.scaled(None, None, np.float64)
    low, high, unit = _limits(stored)
    mean, deviation = _moments(stored, unit)
    return _factors(low, mean, deviation, unit, _constant(low, high, unit, deviation))


def _minmax(X: Rows) -> tuple[np.ndarray, np.ndarray]:
    low, high, unit = _limits(X.scaled(None, None, np.float64))
    width = high * unit - low * unit
    return _factors(low, low * unit, width, unit, _constant(low, high, unit, width))


def _factors(
    low: np.ndarray, centre: np.ndarray, width: np.ndarray, unit: np.ndarray, constant: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and shift that map `centre` to 0 and `width` to 1, both given in the unit of each column."""
    inverse = np.divide(1.0, width, out=np.ones_like(width), where=~constant)
    with np.errstate(over="ignore"):  # a scale beyond all numbers is refused by `check_factors`
        return np.where(constant, 1.0, inverse * unit), np.where(constant, -low, -centre * inverse)


def _limits(stored: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the lowest and the highest value of each column, and the power of two that brings them near 1."""
    low, high = np.full(stored.shape[1], np.inf), np.full(stored.shape[1], -np.inf)
    for part in stored.chunks():
        rows = stored[part]
        np.minimum(low, rows.min(axis=0), out=low)
        np.maximum(high, rows.max(axis=0), out=high)
    exponent = np.frexp(np.maximum(np.abs(low), np.abs(high)))[1]
    return low, high, np.ldexp(1.0, -np.clip(exponent, -1000, 1000))


def _moments(stored: Rows, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column times its unit: of numbers whose squares are numbers."""
    mean = sum(((stored[part] * unit).sum(axis=0) for part in stored.chunks()), np.zeros(len(unit))) / len(
        stored
    )
    # The second pass over centred values: one pass with squares loses all digits when mean >> deviation.
    squares = np.zeros_like(mean)
    for part in stored.chunks():
        squares += np.square(stored[part] * unit - mean).sum(axis=0)
    return mean, np.sqrt(squares / len(stored))


def _constant(low: np.ndarray, high: np.ndarray, unit: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Return which columns hold one value, or values that differ by a few roundings only."""
    size = np.maximum(np.abs(low), np.abs(high)) * unit
    return np.asarray((low == high) | (width <= 10 * np.finfo(np.float64).eps * size))


FITTED = {"standard": _standard, "minmax": _minmax}


def check_factors(scale: Factor, names: Sequence[str], where: str) -> None:
    """Refuse columns whose values lie nearer together than any scale can spread."""
    wrong = np.flatnonzero(~np.isfinite(np.atleast_1d(1.0 if scale is None else scale)))
    if len(wrong):
        raise DataError(
            f"{where} has values too close together in column '{names[wrong[0]]}': they differ by less than 1e-308. "
            "Change its unit (multiply it), or leave the column out."
        )


def check_reach(X: Rows, names: Sequence[str], where: str) -> None:
    """Refuse prepared rows that their type cannot hold: they would become infinite, or all zero.

    Parameters
    ----------
    X : prepared rows, not yet read
    names : name of each prepared feature
    where : the data set, for messages
    """
    if X.source_kind != "f":
        return
    exact, limits = X.astype(np.float64), np.finfo(X.dtype)
    largest = np.zeros(X.shape[1])
    with np.errstate(over="ignore"):
        for part in exact.chunks():
            np.maximum(largest, np.abs(exact[part]).max(axis=0, initial=0.0), out=largest)
    for wrong, word in (
        (largest > limits.max, "up to"),
        ((largest > 0) & (largest < limits.tiny), "of at most"),
    ):
        if wrong.any():
            column = int(wrong.argmax())
            raise DataError(
                f"{where} has values {word} {largest[column]:.3g} in column '{names[column]}' after its preparation; "
                f"{X.dtype} holds {limits.tiny:.1e} to {limits.max:.1e}. Set prepare.scale=standard, change the unit "
                "of the column, or set model.dtype=float64."
            )


def check_squares(X: np.ndarray, where: str) -> None:
    """Refuse rows without a difference that can be squared: distances and variances would be 0, infinite or NaN.

    Parameters
    ----------
    X : array of shape (n_rows, n_features), prepared
    where : what needs them, for messages
    """
    width, squarable = _span(X)
    if width == 0:
        raise DataError(f"{where}: all {len(X):,} rows are equal, so there is nothing to find in them.")
    if not squarable:
        size = "large" if width > 1 else "small"
        raise DataError(
            f"{where}: the differences between the rows are too {size} to be squared in {X.dtype} (the widest column "
            f"spans {width:.3g}). Set prepare.scale=standard, or change the unit of the columns."
        )


def has_squares(X: np.ndarray) -> bool:
    """Return whether the rows differ, by numbers whose squares are numbers; see `check_squares`."""
    return _span(X)[1]


def _span(X: np.ndarray) -> tuple[float, bool]:
    """Return the widest range of a column, and whether the sum of all squared ranges is a number well above 0."""
    limits = np.finfo(X.dtype)
    with np.errstate(over="ignore", under="ignore"):
        width = np.ptp(X, axis=0)
        total = np.square(width).sum() * X.dtype.type(len(X))
    return float(width.max()), bool(limits.tiny / limits.eps <= total <= limits.max)
