"""The NumPy calls of a training step, recorded once and made again on the same memory.

A step of a small network is thirty calls on arrays of a few hundred numbers: the Python around them takes longer than
they do. Shapes and calls do not change from step to step, so the calls are written down while one step runs, with the
arrays that they read and fill, and are then made again without layers, closures and new arrays. They are the same
calls on the same layouts: not a bit differs. The features are read where they are; a product of two matrices, one
network's, is made by `np.dot`, which hands it to the same function of BLAS in half the time.
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

LARGEST = 1 << 18
"""Numbers in the outputs of all layers up to which steps are recorded: beyond, memory that is used again is faster."""
NEW = (np.empty, np.empty_like)

Function = Callable[[np.ndarray, np.ndarray], np.ndarray]
Call = Callable[[], Any]


class Unrecordable(Exception):
    """A call that is none of those that can be made again."""


class Features:
    """The features of the step that is played: themselves, turned, and both as matrices of a single network."""

    def __init__(self, X: np.ndarray) -> None:
        first = X[0] if X.ndim == 3 and len(X) == 1 else X
        self.now = [X, X.mT, first, first.mT]
        self.as_stack = self.as_matrix = False  # which of them are read

    def show(self, X: np.ndarray) -> None:
        """Let calls read these features."""
        now = self.now
        if self.as_stack:
            now[0], now[1] = X, X.mT
        if self.as_matrix:
            now[2] = first = X[0]
            now[3] = first.T

    def reading(self, call: partial[Any], place: int) -> Call:
        """Return a call that reads the features of the step in a place of those with which it was recorded.

        Raises
        ------
        Unrecordable
            It reads them neither as they are nor turned.
        """
        function, options = call.func, call.keywords
        same = [k for k, X in enumerate(self.now) if _alike(X, call.args[place])]
        if not same:
            raise Unrecordable("features in another form")
        now, which, before, after = self.now, same[0], call.args[:place], call.args[place + 1 :]
        self.as_stack, self.as_matrix = self.as_stack or which < 2, self.as_matrix or which > 1
        return lambda: function(*before, now[which], *after, **options)


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and one.strides == other.strides


def _product(A: np.ndarray, B: np.ndarray, out: np.ndarray) -> tuple[partial[Any], bool]:
    """Return the call of a product, and whether its factors are exchanged.

    The product of single matrices is made by `np.dot`, in the order that `np.matmul` takes for such a result.
    """
    single = all(array.ndim == 3 and len(array) == 1 and min(array.shape[1:]) > 1 for array in (A, B, out))
    if single and out[0].flags.c_contiguous:
        return partial(np.dot, A[0], B[0], out[0]), False
    if single and out[0].flags.f_contiguous:
        return partial(np.dot, B[0].T, A[0].T, out[0].T), True
    return partial(np.matmul, A, B, out), False


class _Recording(np.ndarray):
    """An array whose universal functions are written down; results are arrays of the same tape."""

    calls: list[Call]
    features: Features | None

    def __array_finalize__(self, origin: Any) -> None:
        self.calls = getattr(origin, "calls", [])
        self.features = getattr(origin, "features", None)

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
        places = [k for k, one in enumerate(inputs) if type(one) is _View]
        if ufunc is np.matmul and not options:
            call, exchanged = _product(plain[0], plain[1], result)
            self._add(call, [1 - k for k in places] if exchanged else places)
        elif options or ufunc in (np.maximum, np.minimum):  # these two take no third argument by place
            self._add(partial(function, *plain, out=result, **options), places)
        else:
            self._add(partial(function, *plain, result), places)
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
        self._add(
            partial(function, *plain, **options), [k for k, one in enumerate(args) if type(one) is _View]
        )
        return None

    def _add(self, call: partial[Any], places: list[int]) -> None:
        """Write down a call that reads the features in some places."""
        if len(places) > 1:
            raise Unrecordable("features twice in one call")
        self.calls.append(self.features.reading(call, places[0]) if places and self.features else call)

    def _mine(self, array: np.ndarray) -> _Recording:
        mine = array.view(_Recording)
        mine.calls, mine.features = self.calls, self.features
        return mine

    def _refuse(self, *args: Any, **options: Any) -> Any:
        raise Unrecordable("a method that makes a copy")

    astype = copy = take = argmax = argsort = cumsum = __setitem__ = __iadd__ = _refuse


class _View(_Recording):
    """The features, or a part of them: read where they are in each step."""


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, _Recording) else value


@dataclass(frozen=True)
class Tape:
    """The calls of a function of two arrays, and the arrays that they read and fill."""

    features: Features
    T: np.ndarray
    Y: np.ndarray
    calls: list[Call]

    def play(self, X: np.ndarray, T: np.ndarray) -> np.ndarray:
        """Return what the function returns for `X` and `T`, after doing all else that it does."""
        self.features.show(X)
        np.copyto(self.T, T)
        for call in self.calls:
            call()
        return self.Y.copy("K")


def record(function: Function, X: np.ndarray, T: np.ndarray) -> Tape | None:
    """Run a function and return the tape of its calls; None if one of them cannot be made again.

    The tape is for arrays of these shapes and strides.

    Examples
    --------
    >>> tape = record(lambda X, T: np.exp(X) - T, np.zeros((1, 2)), np.ones((1, 2)))
    >>> tape.play(np.zeros((1, 2)), np.array([[0.0, 3.0]])).tolist()
    [[1.0, -2.0]]
    """
    calls: list[Call] = []
    features, kept = Features(X), np.empty_like(T)
    np.copyto(kept, T)
    inputs: list[_Recording] = [X.view(_View), kept.view(_Recording)]
    for one in inputs:
        one.calls, one.features = calls, features
    try:
        Y = function(*inputs)
    except Unrecordable:
        return None
    return Tape(features, kept, Y.view(np.ndarray), calls)


def is_recordable(network: Network, loss: Loss, X: np.ndarray) -> bool:
    """Return whether the calls of a step are the same in each: layers and losses of our own, without random numbers."""
    known = all(
        type(layer) is Dense or (type(layer) is Activation and isinstance(layer.kind, str))
        for layer in network.layers
    )
    n_outputs = X.size // X.shape[-1] * sum(network.widths[1:])
    return (
        known
        and type(X) is np.ndarray
        and n_outputs <= LARGEST
        and any(loss is one for one in LOSSES.values())
    )
