"""NumPy archives (.npz) with arrays X and y, and perhaps X_test and y_test; never unpickled."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from mlexp import schema
from mlexp.data.assemble import Raw, assemble
from mlexp.data.dataset import Dataset
from mlexp.data.packed import CURE, existing
from mlexp.errors import DataError

REQUIRED = ("X", "y")
OPTIONAL = ("X_test", "y_test")


def load(wanted: schema.Dataset, data_dir: str | None = None) -> Dataset:
    """Load an archive of one's own: X (n, d), or pictures (n, height, width); y (n,) of numbers or words."""
    path = existing(wanted.path, key="dataset.path", what="an .npz file with arrays X and y")
    arrays = read(path)
    train, shape = _part(arrays, "X", "y", path)
    test = _part(arrays, *OPTIONAL, path)[0] if "X_test" in arrays else None
    if wanted.test_path is not None:
        other = existing(wanted.test_path, key="dataset.test_path", what="an .npz file with arrays X and y")
        test = _part(read(other), "X", "y", other)[0]
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


def read(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays X, y, X_test and y_test of an archive; the last two may be missing together.

    Parameters
    ----------
    path : Path
        As written by ``numpy.savez`` or ``numpy.savez_compressed``.

    Raises
    ------
    DataError
        No such archive, an array missing, or arrays of Python objects.
    """
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(
                    f"{path} holds a single array. Save X and y together: numpy.savez(file, X=X, y=y)."
                )
            _check_names(list(archive), path)
            return {name: archive[name] for name in (*REQUIRED, *OPTIONAL) if name in archive}
    except (EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} is empty, cut short or garbled ({error}). {CURE}") from error
    except ValueError as error:
        raise DataError(
            f"{path} must be an archive of plain arrays, as numpy.savez(file, X=X, y=y) writes it, without Python "
            f"objects (words: use dtype str). Reading it says: {str(error).splitlines()[0]}"
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def _check_names(names: list[str], path: Path) -> None:
    wanted = REQUIRED + (OPTIONAL if set(OPTIONAL) & set(names) else ())
    missing = [name for name in wanted if name not in names]
    if missing:
        raise DataError(
            f"{path} must hold the arrays {', '.join(wanted)}. Missing: {', '.join(missing)} "
            f"(it holds {', '.join(names) or 'none'})."
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
