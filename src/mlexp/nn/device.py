"""Where arrays live: in the memory of this machine, or in that of a device whose arrays follow NumPy's dispatch.

The engine is written once, with NumPy's functions; the arrays that it is given decide where it runs (NEP 13, 18 and 35:
`__array_ufunc__`, `__array_function__`, `like=`). What is left is to bring arrays there and back, and what NumPy has
no function for.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from mlexp.errors import ConfigError
from mlexp.system import WORKER

Array = np.ndarray

STEP = 14_000_000
"""Replicas × parameters × batch size of a step below which one core is faster than a large GPU.

From one measurement (an H200 and a core of its machine, float32): a step takes that GPU at least 1.0 ms, which is the
time of launching its kernels, and that core does 14 million such products in 1.0 ms.
"""
KEPT = 0.8
"""Share of a device's free memory that a stack may take by estimate."""


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


def opened(device: str) -> Array | None:
    """Return an array that lies on a device; None for the processor.

    Raises
    ------
    ConfigError
        There is no CuPy, or it finds no GPU.
    """
    if device == "cpu":
        return None
    cupy: Any = _cupy()
    cupy.cuda.Device(of_process()).use()
    like: Array = cupy.zeros(1, "float32")
    return like


@cache
def of_process() -> int:
    """Return the device of this process, which stays with it: one of several workers has that of its number.

    They begin at the same time, and would all find the same one with most free memory, which any other process takes.
    """
    cupy: Any = _cupy()
    n_devices: int = cupy.cuda.runtime.getDeviceCount()
    if (number := os.environ.get(WORKER, "")).isdecimal():
        return int(number) % n_devices
    return max(range(n_devices), key=lambda number: _free(cupy, number))


def described(device: str) -> dict[str, Any] | None:
    """Return what a run on a device ran on, for its record: library, name and driver; None for the processor."""
    if device == "cpu":
        return None
    cupy: Any = _cupy()
    found = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
    name = found["name"]
    return {
        "device": device,
        "name": name.decode() if isinstance(name, bytes) else str(name),
        "library": f"cupy {cupy.__version__}",
        "driver": _version(cupy.cuda.runtime.driverGetVersion()),
        "runtime": _version(cupy.cuda.runtime.runtimeGetVersion()),
        "memory_mb": round(found["totalGlobalMem"] / 1e6),
    }


def count(device: str) -> int:
    """Return the number of devices of this machine; one worker uses each."""
    return 0 if device == "cpu" else int(_cupy().cuda.runtime.getDeviceCount())


def room(device: str) -> int:
    """Return the bytes that a stack may take on the device of this process."""
    cupy: Any = _cupy()
    return int(KEPT * _free(cupy, cupy.cuda.Device().id))


def bytes_of(
    n_parameters: int, widths: int, batch_size: int, n_rows: int, itemsize: int, n_slots: int = 2
) -> int:
    """Estimate what one network of a stack takes on a device, in bytes.

    Parameters, slots of the optimizer, gradient and best values, and once more what is copied when a network leaves
    the stack; outputs and gradients of all layers of a batch, four times; the order of the rows.

    Parameters
    ----------
    n_parameters, n_slots : numbers of a network, and arrays of the optimizer
    widths : sum of the widths of input and layers
    batch_size, n_rows : rows of a batch and of the training set
    itemsize : bytes of a number

    Examples
    --------
    >>> bytes_of(111_146, 1018, 128, 54_000, 4)  # 4·(9·111,146 + 4·128·1,018) + 8·54,000
    6518120
    """
    vectors = 2 * (2 + n_slots) + 1
    return itemsize * (vectors * n_parameters + 4 * batch_size * widths) + 8 * n_rows


def slower(n_replicas: int, n_parameters: int, batch_size: int) -> bool:
    """Return whether the processor is expected to be faster: see `STEP`.

    Examples
    --------
    >>> slower(1, 111_146, 32), slower(8, 111_146, 128)
    (True, False)
    """
    return n_replicas * n_parameters * batch_size < STEP


def _cupy() -> Any:
    try:
        cupy = import_module("cupy")
        n_devices = cupy.cuda.runtime.getDeviceCount()
    except ImportError as error:
        raise ConfigError(
            "device=cuda needs CuPy, which is not installed. pip install cupy-cuda12x or cupy-cuda13x, whichever CUDA "
            "the driver has, or set device=cpu."
        ) from error
    except Exception as error:  # CuPy's own, which cannot be named without it
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(f"device=cuda finds no GPU ({reason}). Set device=cpu.") from error
    if not n_devices:
        raise ConfigError("device=cuda finds no GPU. Set device=cpu.")
    return cupy


def _free(cupy: Any, number: int) -> int:
    with cupy.cuda.Device(number):
        return int(cupy.cuda.runtime.memGetInfo()[0])


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def ndtr(X: Array) -> Array:
    """Return the normal distribution function, which NumPy lacks."""
    special: Any = import_module("scipy.special" if on_host(X) else "cupyx.scipy.special")
    values: Array = special.ndtr(X)
    return values
