"""Rows to predict on: tables, pictures and arrays without labels, held against what a model was trained on."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.data import csvfile, idx
from mlexp.data.tables import LABEL_NAMES
from mlexp.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

PICTURES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, eq=False)
class NewRows:
    """Raw rows, and what names them.

    Attributes
    ----------
    X : data frame with the training columns, or array of shape (n_rows, n_features)
    beside : column -> one cell a row, to stand beside the predictions
    """

    X: Any
    beside: dict[str, list[Any]] = field(default_factory=dict)


def read(paths: Sequence[Path], trained: Mapping[str, Any], keep: Sequence[str] = ()) -> NewRows:
    """Read rows for a model.

    Parameters
    ----------
    paths : one CSV, npz or idx file; or PNG and JPEG files, or a folder of them
    trained : what the record of the run says of its data set: features, n_features, target, image_shape, pixel_max
    keep : columns of a CSV file that are no features and are handed on

    Raises
    ------
    DataError
        A file is missing or of another kind, columns are missing or unknown, or a picture has another size.
    """
    first = paths[0]
    for path in paths:
        if not path.exists():
            raise DataError(f"{path} does not exist. Name a CSV, npz or idx file, or pictures.")
    if first.is_dir() or first.suffix.lower() in PICTURES:
        return pictures(paths, trained)
    if len(paths) > 1:
        raise DataError(f"Only pictures can be several files. Got {first} and {len(paths) - 1} more.")
    if first.suffix == ".npz":
        X = _archive(first)
    elif "idx" in first.name:
        X = idx.read(first)
    elif ".csv" in first.suffixes:
        return table(csvfile.read(first), trained, keep, str(first))
    else:
        raise DataError(
            f"{first} must be .csv, .npz, .png, .jpg or have 'idx' in its name (each CSV or idx perhaps with .gz)."
        )
    return _numbered(X.reshape(len(X), -1))


def table(frame: pd.DataFrame, trained: Mapping[str, Any], keep: Sequence[str], where: str) -> NewRows:
    """Take the features of a table by name; pixels, which have no names of their own, by their order."""
    for name in keep:
        if name not in frame.columns:
            raise DataError(f"{where} has no column '{name}' to keep.{did_you_mean(name, frame.columns)}")
    if not len(frame):
        raise DataError(f"{where} holds a header line but no rows.")
    kept = {name: frame[name].tolist() for name in keep}
    wanted = trained["features"]
    if not wanted:
        rest = [name for name in frame.columns if name not in keep]
        if len(rest) == trained["n_features"] + 1:
            rest = [name for name in rest if name.lower() not in LABEL_NAMES]
        if len(rest) != trained["n_features"]:
            raise DataError(
                f"{where} must have {trained['n_features']} columns of pixels, and perhaps one named label. Got "
                f"{len(rest)}."
            )
        return _numbered(_bytes(frame[rest].to_numpy(np.float64)), kept)
    extra = [name for name in frame.columns if name not in {*wanted, *keep, trained["target"]}]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        near = did_you_mean(missing[0], extra)
        raise DataError(
            f"{where} lacks columns that the model was trained on: {', '.join(missing[:10])}.{near}"
        )
    if extra:
        raise DataError(
            f"{where} has columns that the model does not know: {', '.join(extra[:10])}. Leave them out, or copy "
            f"them to the predictions with --keep {','.join(extra[:10])}."
        )
    return _numbered(frame[wanted], kept)


def pictures(paths: Sequence[Path], trained: Mapping[str, Any]) -> NewRows:
    """Read PNG and JPEG files as grey pixels, light ones as large numbers."""
    shape = trained["image_shape"]
    if shape is None:
        raise DataError(
            f"The model was trained on a table of {trained['n_features']} columns, not on pictures."
        )
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    files = [file for file in files if file.suffix.lower() in PICTURES]
    if not files:
        raise DataError(f"{paths[0]} holds no pictures ({', '.join(PICTURES)}).")
    X = np.stack([_grey(file, tuple(shape)) for file in files]).reshape(len(files), -1)
    largest = trained.get("pixel_max") or 255
    return NewRows(X if largest == 255 else X / 255 * largest, {"file": [str(file) for file in files]})


def _grey(path: Path, shape: tuple[int, int]) -> np.ndarray:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if (image.height, image.width) != shape:
                raise DataError(
                    f"{path} must be {shape[1]} pixels wide and {shape[0]} high, as the training pictures are. Got "
                    f"{image.width} x {image.height}."
                )
            if image.mode.startswith(("I", "F")):
                raise DataError(
                    f"{path} must have 8 bits a channel. Got mode {image.mode}: save it as 8-bit grey."
                )
            return np.asarray(image.convert("L"))
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(f"{path} cannot be read as a picture: {error}.") from error


def _archive(path: Path) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as archive:
            if "X" in archive.files:
                return np.asarray(archive["X"])
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as an archive of plain arrays: {error}.") from error
    raise DataError(f"{path} must hold an array X of shape (rows, features) or (rows, height, width).")


def _bytes(X: np.ndarray) -> np.ndarray:
    """Return whole numbers from 0 to 255 as bytes, which is what pictures are trained on."""
    whole = np.isfinite(X).all() and (np.round(X) == X).all() and X.min() >= 0 and X.max() <= 255
    return X.astype(np.uint8) if whole else X


def _numbered(X: Any, kept: dict[str, list[Any]] | None = None) -> NewRows:
    return NewRows(X, {"row": list(range(1, len(X) + 1))} | (kept or {}))
