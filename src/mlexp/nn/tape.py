"""The NumPy calls of a training step, recorded once and made again on the same memory.

A step of a small network is thirty calls on arrays of a few hundred numbers: the Python around them takes longer than
they do. Shapes and calls do not change from step to step, so the calls are written down while one step runs, with the
arrays that they read and fill, and are then made again without layers, closures and new arrays. They are the same
calls on the same layouts: not a bit differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mlexp.nn.layers import Activation, Dense
from mlexp.nn.losses import LOSSES, Loss
from mlexp.nn.network import Network

LONGEST = 1 << 14
"""Numbers in a batch of all replicas up to which steps are recorded: beyond, to copy it in costs more than is saved."""
NEW = (np.empty, np.empty_like)

Function = Callable[[np.ndarray, np.ndarray], np.ndarray]
Call = Callable[[], Any]


class Unrecordable(Exception):
    """A call that is none of those that can be made again."""


class _Recording(np.ndarray):
    """An array whose universal functions are written down; results are arrays of the same tape."""

    calls: list[Call]

    def __array_finalize__(self, origin: Any) -> None:
        self.calls = getattr(origin, "calls", [])

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        if method not in ("__call__", "reduce"):
            raise Unrecordable(f"{ufunc.__name__}.{method}")
        function: Any = ufunc if method == "__call__" else ufunc.reduce
        plain = tuple(map(_plain, inputs))
        if out is not None:
            options["out"] = tuple(map(_plain, out))
        result = function(*plain, **options)
        dtypes = {array.dtype for array in plain if isinstance(array, np.ndarray)}
        if len(dtypes) == 1 and method == "__call__":  # arrays without axes take part faster than numbers do
            plain = tuple(np.array(one, *dtypes) if type(one) in (int, float) else one for one in plain)
        options.pop("out", None)
        if options or ufunc in (np.maximum, np.minimum):  # these two take no third argument by place
            self.calls.append(partial(function, *plain, out=result, **options))
        else:
            self.calls.append(partial(function, *plain, result))
        return self._mine(result)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        plain = tuple(map(_plain, args))
        options = {name: _plain(value) for name, value in options.items()}
        if function in NEW:
            return self._mine(function(*plain, **options))
        if function is np.ones_like:  # is kept for other tapes, and nobody writes to it
            return function(*plain, **options)
        if function is not np.copyto:
            raise Unrecordable(function.__name__)
        function(*plain, **options)
        self.calls.append(partial(function, *plain, **options))
        return None

    def _mine(self, array: np.ndarray) -> _Recording:
        mine = array.view(_Recording)
        mine.calls = self.calls
        return mine

    def _refuse(self, *args: Any, **options: Any) -> Any:
        raise Unrecordable("a method that makes a copy")

    astype = copy = take = argmax = argsort = cumsum = __setitem__ = __iadd__ = _refuse


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, _Recording) else value


@dataclass(frozen=True)
class Tape:
    """The calls of a function of two arrays, and the arrays that they read and fill."""

    X: np.ndarray
    T: np.ndarray
    Y: np.ndarray
    calls: list[Call]

    def play(self, X: np.ndarray, T: np.ndarray) -> np.ndarray:
        """Return what the function returns for `X` and `T`, after doing all else that it does."""
        np.copyto(self.X, X)
        np.copyto(self.T, T)
        for call in self.calls:
            call()
        return self.Y.copy("K")


def record(function: Function, X: np.ndarray, T: np.ndarray) -> Tape | None:
    """Run a function and return the tape of its calls; None if one of them cannot be made again.

    Examples
    --------
    >>> tape = record(lambda X, T: np.exp(X) - T, np.zeros((1, 2)), np.ones((1, 2)))
    >>> tape.play(np.zeros((1, 2)), np.array([[0.0, 3.0]])).tolist()
    [[1.0, -2.0]]
    """
    calls: list[Call] = []
    kept = [np.empty_like(array) for array in (X, T)]
    inputs = []
    for mine, array in zip(kept, (X, T), strict=True):
        np.copyto(mine, array)
        inputs.append(mine.view(_Recording))
        inputs[-1].calls = calls
    try:
        Y = function(*inputs)
    except Unrecordable:
        return None
    return Tape(kept[0], kept[1], Y.view(np.ndarray), calls)


def is_recordable(network: Network, loss: Loss, X: np.ndarray) -> bool:
    """Return whether the calls of a step are the same in each: layers and losses of our own, without random numbers."""
    known = all(
        type(layer) is Dense or (type(layer) is Activation and isinstance(layer.kind, str))
        for layer in network.layers
    )
    return (
        known and type(X) is np.ndarray and X.size <= LONGEST and any(loss is one for one in LOSSES.values())
    )
