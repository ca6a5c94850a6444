"""Rows to predict on: tables, pictures and arrays without labels, held against what a model was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlexp.config import schema
from mlexp.config.readers import suffixes
from mlexp.data import readers
from mlexp.data.cells import features, stripped
from mlexp.data.columns import Column, listed, short
from mlexp.data.packed import PACKED, check_regular
from mlexp.data.pixels import unlike
from mlexp.data.readers import idx, npz
from mlexp.data.readers.csv import TextFile
from mlexp.data.roles import LABEL_NAMES
from mlexp.data.rows import MEMORY_MB
from mlexp.data.table import Source, unseen
from mlexp.errors import DataError, did_you_mean

PICTURES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, eq=False)
class NewRows:
    """Raw rows, and what names them.

    Attributes
    ----------
    X : array of shape (n_rows, n_features); words by their number in the training table
    beside : column -> one cell a row, to stand beside the predictions
    warnings : what a reader of the predictions must know of the rows
    labels : text of what is predicted, where the file holds it too; "" for an empty cell
    """

    X: Any
    beside: dict[str, list[Any]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    labels: np.ndarray | None = None


def read(
    paths: Sequence[Path],
    trained: Mapping[str, Any],
    keep: Sequence[str] = (),
    memory_mb: int = MEMORY_MB,
) -> NewRows:
    """Read rows for a model.

    Parameters
    ----------
    paths : one table, npz or idx file; or PNG and JPEG files, or a folder of them
    trained : what the record of the run says of its data set: features, n_features, target, table and so on
    keep : columns of a CSV file that are no features and are handed on
    memory_mb : refuse files that would need more megabytes than this

    Raises
    ------
    DataError
        A file is missing or of another kind, columns are missing or unknown, or a picture has another size.
    """
    found = _read(paths, trained, keep, memory_mb)
    known, shape = trained.get("pixels"), trained["image_shape"]
    if known is None or found.X.shape[1] != trained["n_features"]:
        return found
    return replace(found, warnings=(*found.warnings, *unlike(found.X, tuple(shape), known)))


def _read(paths: Sequence[Path], trained: Mapping[str, Any], keep: Sequence[str], memory_mb: int) -> NewRows:
    first, labels = paths[0], None
    for path in paths:
        if not path.exists():
            raise DataError(f"{path} does not exist. Name a table, an npz or idx file, or pictures.")
    if first.is_dir() or first.suffix.lower() in PICTURES:
        return pictures(paths, trained)
    if len(paths) > 1:
        raise DataError(f"Only pictures can be several files. Got {first} and {len(paths) - 1} more.")
    check_regular(first)
    if readers.suffix(first) in (*suffixes(), *readers.NOT_READ):
        wanted = schema.Dataset(**trained.get("table", {}).get("dialect", {}))
        source = readers.opened(first, wanted, memory_mb)
        as_trained = len(source.names) == trained["n_features"]
        if isinstance(source, TextFile) and not source.has_header and as_trained:
            source = replace(source, names=tuple(trained["features"]))  # by position, without the label
        return table(source, trained, keep)
    if first.suffix == ".npz":
        arrays = npz.read(first, memory_mb, ("X", "y") if npz.holds(first, "y") else ("X",))
        X = arrays["X"]
        y = arrays.get("y")
        labels = None if y is None or y.shape != (len(X),) else stripped(y.astype(object))
    elif "idx" in first.name:
        X = idx.read(first, memory_mb)
    else:
        raise DataError(
            f"{first} must be a table ({', '.join(suffixes())}), .npz, .png, .jpg, or have 'idx' in its name "
            f"(texts and idx perhaps with {', '.join(PACKED)})."
        )
    if X.ndim < 2 or 0 in X.shape or X.dtype.kind not in "biuf":
        raise DataError(
            f"{first} must hold numbers of shape (rows, features) or (rows, height, width), none of them 0. Got "
            f"{X.dtype} of shape {X.shape}."
        )
    return _numbered(X.reshape(len(X), -1), labels=labels)


def table(source: Source, trained: Mapping[str, Any], keep: Sequence[str]) -> NewRows:
    """Take the features of a table by name; pixels, which have no names of their own, by their order.

    Every cell is read as the training file said, whatever else stands in this one.
    """
    where, names = source.where, list(source.names)
    for name in keep:
        if name not in names:
            raise DataError(f"{where} has no column '{short(name)}' to keep.{did_you_mean(name, names)}")
    if not trained["features"]:
        return _pixels(source, trained, keep)
    columns = columns_of(trained)
    known = trained.get("table", {})
    wanted = [column.name for column in columns]
    passed = {*wanted, *keep, trained["target"], known.get("groups"), *known.get("left_out", ())}
    extra = [name for name in names if name not in passed]
    missing = [name for name in wanted if name not in names]
    if missing:
        near = did_you_mean(missing[0], extra)
        raise DataError(f"{where} lacks columns that the model was trained on: {listed(missing)}.{near}")
    if extra:
        raise DataError(
            f"{where} has columns that the model does not know: {listed(extra)}. Leave them out, or copy them to the "
            f"predictions with --keep {','.join(short(name) for name in extra[:10])}."
        )
    empty = known.get("missing", ())
    target = ({trained["target"]} - {""}) & {*names} - {*wanted}
    cells = source.table({*keep, *target, *(column.name for column in columns if not column.is_plain)}, empty)
    found = features(cells, wanted, where, known=columns, missing=empty)
    kept = {name: cells.texts[name].tolist() for name in keep}
    labels = cells.texts[trained["target"]] if target else None
    return _numbered(found.X, kept, tuple(unseen(found.X, columns, where)), labels)


def columns_of(trained: Mapping[str, Any]) -> list[Column]:
    """Return what each feature of a training table holds, from the record of the run."""
    words = {int(place): tuple(known) for place, known in trained["categories"].items()}
    recorded = trained.get("table", {}).get("columns") or [
        {"name": name} | ({"kind": "word"} if place in words else {})
        for place, name in enumerate(trained["features"])
    ]
    return [Column(**column, words=words.get(place, ())) for place, column in enumerate(recorded)]


def _pixels(source: Source, trained: Mapping[str, Any], keep: Sequence[str]) -> NewRows:
    rest = [name for name in source.names if name not in keep]
    label = [name for name in rest if name.lower() in LABEL_NAMES]
    if len(rest) == trained["n_features"] + 1 and len(label) == 1:
        rest.remove(label[0])
    else:
        label = []
    if len(rest) != trained["n_features"]:
        raise DataError(
            f"{source.where} must have {trained['n_features']} columns of pixels, and perhaps one named label. Got "
            f"{len(rest)}."
        )
    cells = source.table({*keep, *label})
    found = features(cells, rest, source.where, known=[Column(name) for name in rest])
    kept = {name: cells.texts[name].tolist() for name in keep}
    return _numbered(_bytes(found.X), kept, labels=cells.texts[label[0]] if label else None)


def pictures(paths: Sequence[Path], trained: Mapping[str, Any]) -> NewRows:
    """Read PNG and JPEG files as grey pixels, light ones as large numbers.

    Transparent pixels are laid over the background of the training pictures, the median of their border pixels.
    """
    shape = trained["image_shape"]
    if shape is None:
        raise DataError(
            f"The model was trained on a table of {trained['n_features']} columns, not on pictures."
        )
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    files = [file for file in files if file.suffix.lower() in PICTURES]
    if not files:
        raise DataError(f"{paths[0]} holds no pictures ({', '.join(PICTURES)}).")
    largest = trained.get("pixel_max") or 255
    background = round((trained.get("pixels") or {}).get("background", 0) / largest * 255)
    greys = [_grey(file, tuple(shape), background) for file in files]
    X = np.stack([grey for grey, _ in greys]).reshape(len(files), -1)
    laid = sum(is_transparent for _, is_transparent in greys)
    said = f"{laid:,} of {len(files):,} pictures have transparent pixels, which are laid over grey {background}, the "
    said += "background of the training pictures."
    names = [str(file) for file in files]
    return NewRows(X if largest == 255 else X / 255 * largest, {"file": names}, (said,) if laid else ())


def _grey(path: Path, shape: tuple[int, int], background: int) -> tuple[np.ndarray, bool]:
    """Return the grey pixels of a picture, and whether some were transparent and laid over the background."""
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
            if not image.has_transparency_data:
                return np.asarray(image.convert("L")), False
            ink, below = image.convert("RGBA"), Image.new("RGBA", image.size, (*[background] * 3, 255))
            is_transparent = bool((np.asarray(ink)[..., 3] < 255).any())
            return np.asarray(Image.alpha_composite(below, ink).convert("L")), is_transparent
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(f"{path} cannot be read as a picture: {error}.") from error


def _bytes(X: np.ndarray) -> np.ndarray:
    """Return whole numbers from 0 to 255 as bytes, which is what pictures are trained on."""
    whole = np.isfinite(X).all() and (np.round(X) == X).all() and X.min() >= 0 and X.max() <= 255
    return X.astype(np.uint8) if whole else X


def _numbered(
    X: Any,
    kept: dict[str, list[Any]] | None = None,
    warnings: tuple[str, ...] = (),
    labels: np.ndarray | None = None,
) -> NewRows:
    return NewRows(X, {"row": list(range(1, len(X) + 1))} | (kept or {}), warnings, labels)
