"""A device without a device: arrays that follow NumPy's dispatch as CuPy's do, and refuse what CuPy refuses.

They compute with NumPy, so that results can be compared bit by bit. Nothing converts them silently, no NumPy array
takes part in their arithmetic, not even one without axes, and only what CuPy was measured to dispatch is let through.
`LAUNCHES` counts what would start a kernel there, `COPIES` what goes to the device and what comes back.
"""

from __future__ import annotations

import collections

import numpy as np

LAUNCHES: collections.Counter[str] = collections.Counter()
COPIES: collections.Counter[str] = collections.Counter()

REDUCED = {np.add, np.multiply}  # ufuncs of which CuPy dispatches `reduce`
COMPUTED = {
    np.sum,
    np.max,
    np.stack,
    np.concatenate,
    np.copyto,
    np.take,
    np.argmax,
    np.where,
    np.zeros_like,
    np.ones_like,
}
VIEWED = {np.empty_like, np.moveaxis, np.swapaxes, np.broadcast_to}
METHODS = {"max", "sum", "all", "mean", "argmax", "take", "astype", "copy"}


class Strict(np.lib.mixins.NDArrayOperatorsMixin):
    """An array "on the device"."""

    def __init__(self, inner: np.ndarray) -> None:
        assert type(inner) is np.ndarray, type(inner)
        self.inner = inner

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    __float__ = __int__ = __bool__ = __iter__ = __index__ = __array__

    def get(self):
        """Copy to the host."""
        COPIES["to host"] += 1
        return self.inner.copy()

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        if method == "reduce":
            assert ufunc in REDUCED, f"CuPy does not dispatch {ufunc.__name__}.reduce"
        else:
            assert method == "__call__", method
        assert hasattr(np, ufunc.__name__), f"CuPy has no {ufunc.__name__}"
        LAUNCHES[ufunc.__name__] += 1
        if out:
            kwargs["out"] = tuple(plain(one) for one in out)
        return wrapped(getattr(ufunc, method)(*map(plain, inputs), **kwargs))

    def __array_function__(self, func, types, args, kwargs):
        if func is np.asarray:  # from `like=`: an upload, or nothing
            (value,) = args
            if isinstance(value, Strict):
                return value
            COPIES["to device"] += 1
            return Strict(np.array(value))
        if func in (np.empty, np.zeros):
            LAUNCHES[func.__name__] += func is np.zeros
            return Strict(func(*args, **kwargs))
        assert func in COMPUTED | VIEWED, f"CuPy was not seen to dispatch {func.__name__}"
        LAUNCHES[func.__name__] += func in COMPUTED
        kwargs.pop("subok", None)
        return wrapped(func(*unwrapped(args), **{name: unwrapped(value) for name, value in kwargs.items()}))

    def __getattr__(self, name):
        if name in METHODS:
            LAUNCHES[name] += 1
            return lambda *args, **kwargs: wrapped(getattr(self.inner, name)(*unwrapped(args), **kwargs))
        if name in ("reshape", "swapaxes"):
            return lambda *args: wrapped(getattr(self.inner, name)(*args))
        if name in ("shape", "strides", "dtype", "ndim", "size", "itemsize", "nbytes"):
            return getattr(self.inner, name)
        if name in ("T", "mT"):
            return wrapped(getattr(self.inner, name))
        raise AttributeError(name)

    def __len__(self):
        return len(self.inner)

    def __getitem__(self, key):
        LAUNCHES["[list]"] += isinstance(key, list | Strict)
        found = self.inner[unwrapped(key)]
        return Strict(found if isinstance(found, np.ndarray) else np.array(found))

    def __setitem__(self, key, value):
        LAUNCHES["[]="] += 1
        self.inner[unwrapped(key)] = plain(value)


def plain(value):
    """What stands behind an operand; a NumPy array is refused, as CuPy does."""
    if isinstance(value, Strict):
        return value.inner
    assert not isinstance(value, np.ndarray), (
        f"a NumPy array of shape {value.shape} in arithmetic of the device"
    )
    assert isinstance(value, bool | int | float | np.generic), type(value)
    return value


def unwrapped(value):
    """The same through lists and tuples."""
    if isinstance(value, list | tuple):
        return type(value)(map(unwrapped, value))
    assert not isinstance(value, np.ndarray), f"a NumPy array of shape {value.shape} on the device"
    return value.inner if isinstance(value, Strict) else value


def wrapped(value):
    """Back on the device: results without axes too, as CuPy's are arrays."""
    if isinstance(value, tuple | list):
        return type(value)(map(wrapped, value))
    return Strict(np.asarray(value)) if isinstance(value, np.ndarray | np.generic) else value


def device() -> Strict:
    """An array that names the device."""
    return Strict(np.zeros(1, np.float32))
