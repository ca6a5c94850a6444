"""The NumPy calls of a training step, recorded once and made again on the same memory.

A step of a small network is thirty calls on arrays of a few hundred numbers: the Python around them takes longer than
they do. Shapes and calls do not change from step to step, so the calls are written down while one step runs, with the
arrays that they read and fill, and are then made again without layers, closures and new arrays. Each call has the
form that takes NumPy the least time, on the same layouts, so that not a bit differs: a product of two matrices, one
network's, is made by `ndarray.dot`, which hands it to the same function of BLAS in a third of the time; what is
repeated along an axis (biases, a number beside `np.maximum`) or has another type (a mask) is first spread out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


class _Log:
    """What is written down: calls, and one array for each piece of memory that they read or fill.

    NumPy looks whether two arrays overlap unless they are one object, which takes a small network as long as the call.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.arrays: dict[Any, np.ndarray] = {}

    def plain(self, value: Any) -> Any:
        """Return the plain array of a recording one; anything else as it is."""
        if not isinstance(value, _Recording):
            return value
        if value.plain is None:
            key = value.__array_interface__["data"], value.shape, value.strides, value.dtype
            value.plain = self.arrays.setdefault(key, value.view(np.ndarray))
        return value.plain

    def add(self, function: Any, *args: Any, **options: Any) -> None:
        """Write down a call."""
        self.calls.append(partial(function, *args, **options))

    def product(self, A: np.ndarray, B: np.ndarray, out: np.ndarray) -> None:
        """Write down a product; that of single matrices in the order that `np.matmul` takes for such a result."""
        singles = [array[0] if array.ndim == 3 and len(array) == 1 else array for array in (A, B, out)]
        first, second, product = singles
        if all(array.ndim == 2 for array in singles) and product.flags.c_contiguous:
            self.add(first.dot, second, product)
        elif all(array.ndim == 2 for array in singles) and product.flags.f_contiguous:
            self.add(second.T.dot, first.T, product.T)
        else:
            self.add(np.matmul, A, B, out)

    def elementwise(self, ufunc: np.ufunc, operands: Sequence[Any], out: np.ndarray) -> None:
        """Write down a call of a universal function, with its operands in the form that takes the least time."""
        dtypes = {one.dtype for one in operands if isinstance(one, np.ndarray)}
        if ufunc in (np.maximum, np.minimum):
            whole = [one if isinstance(one, np.ndarray) else np.full_like(out, one) for one in operands]
            self.add(ufunc, *whole, out=out)  # takes no third argument by place
            return
        if any(_alike(one, out) for one in operands):
            operands = [self._spread(one, out) for one in operands]
        if len(dtypes) == 1:  # arrays without axes take part faster than numbers do
            operands = [np.array(one, *dtypes) if type(one) in (int, float) else one for one in operands]
        self.add(ufunc, *operands, out)

    def _spread(self, operand: Any, out: np.ndarray) -> Any:
        """Return an array of the form and type of the result that holds an operand, once this call is made."""
        if not isinstance(operand, np.ndarray) or not operand.ndim or _alike(operand, out):
            return operand
        whole = np.empty_like(out)
        self.add(whole.__setitem__, ..., operand)  # np.copyto takes twice as long for a small network
        return whole


def _alike(one: Any, other: np.ndarray) -> bool:
    return isinstance(one, np.ndarray) and one.shape == other.shape and one.dtype == other.dtype


class _Recording(np.ndarray):
    """An array whose universal functions are written down; results are arrays of the same tape."""

    log: _Log
    plain: np.ndarray | None = None

    def __array_finalize__(self, origin: Any) -> None:
        if isinstance(origin, _Recording):
            self.log = origin.log

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        if method not in ("__call__", "reduce"):
            raise Unrecordable(f"{ufunc.__name__}.{method}")
        function: Any = ufunc if method == "__call__" else ufunc.reduce
        plain = tuple(map(self.log.plain, inputs))
        if out is not None:
            options["out"] = tuple(map(self.log.plain, out))
        mine = self._mine(function(*plain, **options))
        result = self.log.plain(mine)
        options.pop("out", None)
        if ufunc is np.matmul and not options:
            self.log.product(plain[0], plain[1], result)
        elif method == "__call__" and not options:
            self.log.elementwise(ufunc, plain, result)
        else:
            self.log.add(function, *plain, out=result, **options)
        return mine

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        plain = tuple(map(self.log.plain, args))
        options = {name: self.log.plain(value) for name, value in options.items()}
        if function in NEW:
            return self._mine(function(*plain, **options))
        if function is np.ones_like:  # is kept for other tapes, and nobody writes to it
            return function(*plain, **options)
        if function is not np.copyto:
            raise Unrecordable(function.__name__)
        function(*plain, **options)
        if options:
            self.log.add(function, *plain, **options)
        else:
            self.log.add(plain[0].__setitem__, ..., plain[1])
        return None

    def _mine(self, array: np.ndarray) -> _Recording:
        return _recording(array, self.log)

    def _refuse(self, *args: Any, **options: Any) -> Any:
        raise Unrecordable("a method that makes a copy")

    astype = copy = take = argmax = argsort = cumsum = __setitem__ = __iadd__ = _refuse


def _recording(array: np.ndarray, log: _Log) -> _Recording:
    mine = array.view(_Recording)
    mine.log = log
    return mine


@dataclass(frozen=True)
class Tape:
    """The calls of a function of two arrays, and the arrays that they read and fill."""

    X: np.ndarray
    T: np.ndarray
    Y: np.ndarray
    calls: list[Call]

    def play(self, X: np.ndarray, T: np.ndarray) -> np.ndarray:
        """Return what the function returns for `X` and `T`, in memory that is used again, after doing all else."""
        self.X[...] = X  # does nothing where both are the same memory
        self.T[...] = T
        for call in self.calls:
            call()
        return self.Y


def record(function: Function, X: np.ndarray, T: np.ndarray) -> Tape | None:
    """Run a function and return the tape of its calls; None if one of them cannot be made again.

    The tape is for arrays of these shapes and strides. It keeps `X`, and writes other features there: those that
    come in the same memory are not copied.

    Examples
    --------
    >>> tape = record(lambda X, T: np.exp(X) - T, np.zeros((1, 2)), np.ones((1, 2)))
    >>> tape.play(np.zeros((1, 2)), np.array([[0.0, 3.0]])).tolist()
    [[1.0, -2.0]]
    """
    log, kept = _Log(), T.copy("K")
    try:
        Y = function(_recording(X, log), _recording(kept, log))
    except Unrecordable:
        return None
    return Tape(X, kept, Y.view(np.ndarray), log.calls)


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
