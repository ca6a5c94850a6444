"""Where arrays live: in the memory of this machine, or in that of a device whose arrays follow NumPy's dispatch.

The engine is written once, with NumPy's functions; the arrays that it is given decide where it runs (NEP 13, 18 and 35:
`__array_ufunc__`, `__array_function__`, `like=`). What is left is to bring arrays there and back, and what NumPy has
no function for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

Array = np.ndarray


def on_host(array: Array) -> bool:
    """Return whether an array is NumPy's own.

    Examples
    --------
    >>> on_host(np.zeros(2))
    True
    """
    return isinstance(array, np.ndarray)


def host(array: Array) -> Array:
    """Return an array in the memory of this machine: itself, or a copy of an array of a device.

    Examples
    --------
    >>> host(np.ones(2)).tolist()
    [1.0, 1.0]
    """
    if isinstance(array, np.ndarray | np.generic):
        return array
    copied: Array = array.get()  # the name that CuPy gave it; no device converts silently
    return copied


def ndtr(X: Array) -> Array:
    """Return the normal distribution function, which NumPy lacks."""
    special: Any = import_module("scipy.special" if on_host(X) else "cupyx.scipy.special")
    values: Array = special.ndtr(X)
    return values
