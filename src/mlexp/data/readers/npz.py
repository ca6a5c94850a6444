"""NumPy archives (.npz) with arrays X and y, and perhaps X_test and y_test; never unpickled."""

from __future__ import annotations

import lzma
import math
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlexp.config import schema
from mlexp.data.columns import listed, short
from mlexp.data.dataset import Dataset, Raw, assemble
from mlexp.data.packed import CURE, check_regular, existing, reason
from mlexp.errors import DataError

REQUIRED = ("X", "y")
OPTIONAL = ("X_test", "y_test")


def load(wanted: schema.Dataset, data_dir: str | None = None, memory_mb: int | None = None) -> Dataset:
    """Load an archive of one's own: X (n, d), or pictures (n, height, width); y (n,) of numbers or words."""
    path = existing(str(wanted.path), key="dataset.path", what="an .npz file with arrays X and y")
    arrays = read(path, memory_mb)
    train, shape = _part(arrays, "X", "y", path)
    test = _part(arrays, *OPTIONAL, path)[0] if "X_test" in arrays else None
    if wanted.test_path is not None:
        other = existing(wanted.test_path, key="dataset.test_path", what="an .npz file with arrays X and y")
        test = _part(read(other, memory_mb), "X", "y", other)[0]
    pixels = shape is not None and train.X.dtype == np.uint8
    return assemble(
        wanted,
        train,
        test,
        image_shape=shape,
        pixel_max=255.0 if pixels else None,
        may_be_empty=shape is None,
        where=str(path),
        source="an NPZ file",
    )


def read(
    path: Path, memory_mb: int | None = None, wanted: Sequence[str] = (*REQUIRED, *OPTIONAL)
) -> dict[str, np.ndarray]:
    """Read the arrays X, y, X_test and y_test of an archive; the last two may be missing together.

    An array is made only after its header was held against what the archive can hold: a header may claim any size.

    Parameters
    ----------
    path : Path
        As written by ``numpy.savez`` or ``numpy.savez_compressed``.
    memory_mb : int or None, default None
        Refuse arrays that hold more megabytes than this together.
    wanted : sequence of str
        The arrays to read, of those that are there; X alone is enough for new rows.

    Raises
    ------
    DataError
        No such archive, an array missing, too large, encrypted, or arrays of Python objects.
    """
    check_regular(path)
    try:
        with path.open("rb") as file:
            if file.read(6) == b"\x93NUMPY":
                raise DataError(
                    f"{path} holds a single array. Save X and y together: numpy.savez(file, X=X, y=y)."
                )
            with zipfile.ZipFile(file) as archive:
                members = {name.removesuffix(".npy"): name for name in archive.namelist()}
                check_names(list(members), path, wanted)
                chosen = {name: archive.getinfo(members[name]) for name in wanted if name in members}
                headers = {name: _header(archive, entry, name, path) for name, entry in chosen.items()}
                megabytes = sum(size for size, _ in headers.values()) / 1e6
                if memory_mb is not None and megabytes > memory_mb:
                    raise DataError(
                        f"{path} holds {megabytes:,.0f} MB when unpacked; memory_mb={memory_mb} allows no more. Raise "
                        "memory_mb, or use smaller arrays."
                    )
                return {name: _array(archive, entry) for name, entry in chosen.items()}
    except (EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error) as error:
        raise DataError(f"{path} is empty, cut short or garbled ({short(error, 100)}). {CURE}") from error
    except (NotImplementedError, RuntimeError) as error:
        raise DataError(f"{path} cannot be unpacked ({short(error, 100)}). {CURE}") from error
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise DataError(
            f"{path} must be an archive of plain arrays, as numpy.savez(file, X=X, y=y) writes it, without Python "
            f"objects (words: use dtype str). Reading it says: {short(error, 200)}"
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {reason(error)}.") from error


def _header(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, path: Path
) -> tuple[int, tuple[int, ...]]:
    """Return the bytes and the shape of an array, as far as its header can be believed."""
    if entry.flag_bits & 1:
        raise DataError(f"{path} is encrypted. Save it without a password: numpy.savez(file, X=X, y=y).")
    with archive.open(entry) as member:
        version = np.lib.format.read_magic(member)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)  # fmt: skip
        if read_header is None:
            raise DataError(
                f"{path}: '{name}' is written in version {version[0]}.{version[1]} of NumPy's format, which only "
                "arrays with named fields need. Save plain numbers or words."
            )
        shape, _, dtype = read_header(member)
        if dtype.hasobject:
            raise ValueError("Object arrays cannot be loaded when allow_pickle=False")
        if any(size < 0 for size in shape):
            raise ValueError(f"'{name}' has shape {shape}")
        size, held = math.prod(shape) * dtype.itemsize, entry.file_size - member.tell()
    if size != held:
        raise DataError(
            f"{path}: '{name}' must have {size:,} bytes by its header (shape {short(shape)}, {short(dtype)}), and has "
            f"{held:,}. {CURE}"
        )
    return size, shape


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(entry) as member:
        array: np.ndarray = np.lib.format.read_array(member, allow_pickle=False)
        member.read(1)  # to the very end, where the checksum stands
    return array


def holds(path: Path, name: str) -> bool:
    """Return whether a file is an archive with an array of this name; what is wrong with it `read` says."""
    try:
        with zipfile.ZipFile(path) as archive:
            return f"{name}.npy" in archive.namelist()
    except (OSError, EOFError, ValueError, RuntimeError, struct.error, zipfile.BadZipFile):
        return False


def check_names(names: Sequence[str], path: Path, asked: Sequence[str]) -> None:
    """Refuse an archive without the arrays that are needed."""
    wanted = [name for name in asked if name in REQUIRED or (set(OPTIONAL) & set(names) and name in OPTIONAL)]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise DataError(
            f"{path} must hold {'the arrays' if len(wanted) > 1 else 'the array'} {', '.join(wanted)}. "
            f"Missing: {', '.join(missing)} (it holds {listed(names) or 'none'})."
        )


def _part(
    arrays: dict[str, np.ndarray], X_name: str, y_name: str, path: Path
) -> tuple[Raw, tuple[int, int] | None]:
    X, y = arrays[X_name], arrays[y_name]
    if X.dtype.kind not in "biuf":
        raise DataError(f"{path}: '{X_name}' must hold numbers. Got {X.dtype}.")
    if X.ndim not in (2, 3) or 0 in X.shape:
        raise DataError(
            f"{path}: '{X_name}' must have shape (rows, features) or (rows, height, width), none of them 0. "
            f"Got {X.shape}."
        )
    if y.ndim != 1 or y.dtype.kind not in "biufU":
        raise DataError(
            f"{path}: '{y_name}' must be one number or word for each row. Got {y.dtype} of shape {y.shape}."
        )
    if len(X) != len(y):
        raise DataError(
            f"{path}: '{X_name}' has {len(X)} rows, but '{y_name}' has {len(y)}. They must be as many."
        )
    shape = (int(X.shape[1]), int(X.shape[2])) if X.ndim == 3 else None
    return Raw(X.reshape(len(X), -1), y), shape
