"""Where values lie so far from the others that they would hide what the others show."""

from __future__ import annotations

import numpy as np


def without_outliers(values: np.ndarray, *, low: bool = True) -> np.ndarray:
    """Return the values with the outlying ones of one side moved to Tukey's fence.

    The fence is Q1 − 1.5 (Q3 − Q1), or Q3 + 1.5 (Q3 − Q1) on the upper side, with quartiles by linear interpolation;
    where the quartiles are equal nothing is moved.

    Parameters
    ----------
    values : float array of shape (n,)
    low : bool, default True
        Whether it is the low values that are moved, as of an accuracy, or the high ones, as of a loss.

    Returns
    -------
    float array of shape (n,)

    Source: Tukey (1977), Exploratory Data Analysis, Addison-Wesley, section 2D.

    Examples
    --------
    >>> without_outliers(np.array([0.1, 0.95, 0.96, 0.97, 0.98])).round(3).tolist()
    [0.92, 0.95, 0.96, 0.97, 0.98]
    """
    first, third = np.quantile(values, [0.25, 0.75])
    if first == third:
        return values
    reach = 1.5 * (third - first)
    return np.asarray(np.maximum(values, first - reach) if low else np.minimum(values, third + reach))
