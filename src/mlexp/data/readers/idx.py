"""The idx format of the MNIST files: a header of sizes, then the values, big end first."""

from __future__ import annotations

import math
from pathlib import Path
from typing import IO

import numpy as np

from mlexp.config import schema
from mlexp.data.dataset import Dataset, Raw, assemble
from mlexp.data.packed import BLOCK, CURE, SUFFIXES, existing, is_packed, unpacked
from mlexp.errors import DataError

# http://yann.lecun.com/exdb/mnist/, "The IDX file format": third byte of the header.
DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_AXES = 8
GZIP_LIMIT = 1032  # deflate cannot pack tighter, so larger sizes than this times the file are a lie

STANDARD = {
    "X": "train-images-idx3-ubyte",
    "y": "train-labels-idx1-ubyte",
    "X_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


def read(path: Path, memory_mb: int | None = None) -> np.ndarray:
    """Read an idx file, plain or packed.

    Parameters
    ----------
    path : Path
        A plain file of bytes is memory-mapped, all others are read.
    memory_mb : int or None, default None
        Refuse a packed file that holds more megabytes than this.

    Returns
    -------
    array of the shape in the header; bytes as uint8, all else in this machine's byte order

    Raises
    ------
    DataError
        Not an idx file, an unknown type of values, or a size that does not fit the header.
    """
    with unpacked(path) as stream:
        dtype, shape, offset = _header(stream, path)
        n_bytes = math.prod(shape) * dtype.itemsize
        if not is_packed(path):
            _check_size(n_bytes, path.stat().st_size - offset, path)
            if dtype.itemsize == 1 and n_bytes:
                return np.asarray(np.memmap(path, dtype.newbyteorder("="), "r", offset, shape))
        elif n_bytes > GZIP_LIMIT * path.stat().st_size + BLOCK:
            raise DataError(f"{path} says that it holds {n_bytes} bytes, more than it can. {CURE}")
        elif memory_mb is not None and n_bytes > memory_mb * 1e6:
            raise DataError(
                f"{path} holds {n_bytes / 1e6:,.0f} MB when unpacked; memory_mb={memory_mb} allows no more. Raise "
                "memory_mb, or unpack the file first."
            )
        values = _read_exactly(stream, n_bytes, path)
    return values.view(dtype).astype(dtype.newbyteorder("="), copy=False).reshape(shape)


def _header(stream: IO[bytes], path: Path) -> tuple[np.dtype[np.generic], tuple[int, ...], int]:
    start = stream.read(4)
    if len(start) < 4:
        raise DataError(f"{path} is empty or shorter than the header of an idx file. {CURE}")
    code, n_axes = start[2], start[3]
    if start[:2] != b"\0\0" or not 1 <= n_axes <= MOST_AXES:
        raise DataError(
            f"{path} is not an idx file: its first bytes must be 00 00, a type and a number of axes. "
            f"Got {start.hex(' ')}."
        )
    if code not in DTYPES:
        known = ", ".join(f"{known:02x}" for known in DTYPES)
        raise DataError(f"{path} has values of unknown type {code:02x}. The idx format has {known}.")
    sizes = stream.read(4 * n_axes)
    if len(sizes) < 4 * n_axes:
        raise DataError(f"{path} is cut short within its header. {CURE}")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    return np.dtype(DTYPES[code]), shape, 4 + 4 * n_axes


def _read_exactly(stream: IO[bytes], n_bytes: int, path: Path) -> np.ndarray:
    values = np.empty(n_bytes, np.uint8)
    filled = 0
    while filled < n_bytes and (block := stream.read(min(BLOCK, n_bytes - filled))):
        values[filled : filled + len(block)] = np.frombuffer(block, np.uint8)
        filled += len(block)
    while block := stream.read(BLOCK):  # to the very end, where gzip keeps its own checksum
        filled += len(block)
    _check_size(n_bytes, filled, path)
    return values


def _check_size(expected: int, got: int, path: Path) -> None:
    if expected != got:
        state = "is cut short" if got < expected else "holds more than its header says"
        raise DataError(f"{path} {state}: {expected} bytes of values expected, got {got}. {CURE}")


def write(path: Path, array: np.ndarray) -> None:
    """Write an array as a plain idx file.

    Parameters
    ----------
    path : Path
        Overwritten if it exists.
    array : array of uint8, int8, int16, int32, float32 or float64
        Of one to eight axes.
    """
    codes = {np.dtype(name).newbyteorder("="): code for code, name in DTYPES.items()}
    code = codes.get(array.dtype.newbyteorder("="))
    if code is None:
        raise DataError(f"The idx format holds {', '.join(map(str, codes))}. Got {array.dtype}.")
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(header + array.astype(DTYPES[code]).tobytes())


def load(wanted: schema.Dataset, data_dir: str | None = None, memory_mb: int | None = None) -> Dataset:
    """Load a data set of idx files of one's own.

    `path` is a folder with the four standard names (the test pair may be missing), or the file of images;
    then the labels are in the file that `label` names (beside it), or in the one whose name has "labels" and
    "idx1" where the images have "images" and "idx3". `test_path` is a file of images likewise.
    """
    path = existing(str(wanted.path), key="dataset.path", what="a folder of idx files or a file of images")
    if path.is_dir():
        files = {role: find(path, name) for role, name in STANDARD.items()}
        train = _pair(_required(files["X"], path, "X"), _required(files["y"], path, "y"), memory_mb)
        test = None
        if files["X_test"] or files["y_test"]:
            images, labels = (_required(files[role], path, role) for role in ("X_test", "y_test"))
            test = _pair(images, labels, memory_mb)
    else:
        train, test = _pair(path, labels_beside(path, wanted.label), memory_mb), None
    if wanted.test_path is not None:
        other = existing(wanted.test_path, key="dataset.test_path", what="a file of test images")
        test = _pair(other, labels_beside(other, None), memory_mb)
    is_image = train.X.ndim == 3
    return assemble(
        wanted,
        _flat(train, str(path)),
        _flat(test, str(path)) if test else None,
        image_shape=(int(train.X.shape[1]), int(train.X.shape[2])) if is_image else None,
        pixel_max=255.0 if is_image and train.X.dtype == np.uint8 else None,
        where=str(path),
        source="idx files",
    )


def find(folder: Path, name: str) -> Path | None:
    """Return the file of this name in `folder`, plain or packed, or None; `.idx` may stand for `-idx`."""
    for spelling in (name, name.replace("-idx", ".idx")):
        for suffix in SUFFIXES:
            if (path := folder / f"{spelling}{suffix}").is_file():
                return path
    return None


def _required(path: Path | None, folder: Path, role: str) -> Path:
    if path is None:
        raise DataError(
            f"{folder} must hold {STANDARD[role]} (plain, .gz or .zip). It is missing: put it there, or name a "
            "file of images with dataset.path."
        )
    return path


def labels_beside(images: Path, label: object) -> Path:
    """Return the file of labels that belongs to a file of images."""
    name = (
        str(label) if label is not None else images.name.replace("images", "labels").replace("idx3", "idx1")
    )
    path = images.parent / name
    if path == images or not path.is_file():
        raise DataError(
            f"{images} needs a file of labels beside it, '{name}' is not there: name it with dataset.label=FILE."
        )
    return path


def _pair(images: Path, labels: Path, memory_mb: int | None) -> Raw:
    X, y = read(images, memory_mb), read(labels, memory_mb)
    if y.ndim != 1 or y.dtype.kind == "f":
        raise DataError(
            f"{labels} must hold one whole number for each row. Got {y.dtype} of shape {y.shape}."
        )
    if X.ndim < 2:
        raise DataError(f"{images} must have two axes or more (rows first). Got shape {X.shape}.")
    if len(X) != len(y):
        raise DataError(
            f"{images} holds {len(X)} rows, but {labels} holds {len(y)} labels: they do not belong together."
        )
    return Raw(X, y)


def _flat(part: Raw, where: str) -> Raw:
    if 0 in part.X.shape:
        raise DataError(f"{where} holds no values: its shape is {part.X.shape}.")
    return Raw(part.X.reshape(len(part.X), -1), part.labels)
