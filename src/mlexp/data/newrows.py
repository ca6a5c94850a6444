"""Rows to predict on: tables, pictures and arrays without labels, held against what a model was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlexp.config import schema
from mlexp.config.readers import suffixes
from mlexp.data import images, readers
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
    found = _with_class_names(_read(paths, trained, keep, memory_mb), trained)
    known, shape = trained.get("pixels"), trained["image_shape"]
    if known is None or found.X.shape[1] != trained["n_features"]:
        return found
    return replace(found, warnings=(*found.warnings, *unlike(found.X, tuple(shape), known)))


def _read(paths: Sequence[Path], trained: Mapping[str, Any], keep: Sequence[str], memory_mb: int) -> NewRows:
    first, labels = paths[0], None
    for path in paths:
        if not path.exists():
            raise DataError(f"{path} does not exist. Name a table, an npz or idx file, or images.")
    if first.is_dir() or images.is_image(first):
        return pictures(paths, trained, memory_mb)
    if len(paths) > 1:
        raise DataError(f"Only images can be several files. Got {first} and {len(paths) - 1} more.")
    check_regular(first)
    if readers.suffix(first) in (*suffixes(), *readers.NOT_READ):
        wanted = schema.Dataset(**(trained.get("table") or {}).get("dialect", {}))
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
    known = trained.get("table") or {}
    columns = [column["name"] for column in known.get("columns", ())]
    rest = [name for name in source.names if name not in {*keep, *known.get("left_out", ())}]
    label = [name for name in rest if name == trained["target"] or name.lower() in LABEL_NAMES]
    if len(rest) == trained["n_features"] + 1 and len(label) == 1:
        rest.remove(label[0])
    else:
        label = []
    if len(rest) != trained["n_features"]:
        raise DataError(
            f"{source.where} must have {trained['n_features']} columns of pixels, and perhaps one named label. Got "
            f"{len(rest)}."
        )
    if columns and set(columns) == set(rest):
        rest = columns
    cells = source.table({*keep, *label})
    found = features(cells, rest, source.where, known=[Column(name) for name in rest])
    kept = {name: cells.texts[name].tolist() for name in keep}
    return _numbered(_bytes(found.X), kept, labels=cells.texts[label[0]] if label else None)


def pictures(paths: Sequence[Path], trained: Mapping[str, Any], memory_mb: float = MEMORY_MB) -> NewRows:
    """Read image files, light pixels as large numbers; a folder's subfolders give labels if they are called as classes.

    Transparent pixels are laid over the background of the training images, the median of their border pixels.
    """
    shape = trained["image_shape"]
    if shape is None:
        raise DataError(
            f"The model was trained on a table of {trained['n_features']} columns, not on images."
        )
    files, labels = _files(paths, trained)
    if not files:
        raise DataError(f"{paths[0]} holds no images ({', '.join(images.SUFFIXES)}).")
    largest = trained.get("pixel_max") or 255
    background = round((trained.get("pixels") or {}).get("background", 0) / largest * 255)
    wanted = images.ImageFormat(
        shape=(shape[0], shape[1]),
        resize=bool(trained.get("reading", {}).get("resized")),
        channels=3 if len(shape) == 3 else 1,
        background=background,
    )
    X, seen, _ = images.read(files, wanted, memory_mb)
    said = f"{seen.transparent:,} of {len(files):,} images have transparent pixels, which are laid over grey "
    said += f"{background}, the background of the training images."
    names = [str(file) for file in files]
    return NewRows(
        X if largest == 255 else X / 255 * largest,
        {"file": names},
        (said,) if seen.transparent else (),
        np.array(labels) if any(labels) else None,
    )


def _files(paths: Sequence[Path], trained: Mapping[str, Any]) -> tuple[list[Path], list[str]]:
    """Return the image files that `paths` name, and the class of each, empty where its folder is not called as one."""
    known = {str(name) for name in (trained.get("reading", {}).get("labels") or trained.get("classes") or ())}
    files, labels = [], []
    for path in paths:
        for file in images.inside(path, []) if path.is_dir() else [path]:
            files.append(file)
            labels.append(file.parent.name if path.is_dir() and file.parent.name in known else "")
    return files, labels


def _with_class_names(found: NewRows, trained: Mapping[str, Any]) -> NewRows:
    """Return rows whose labels are the names that dataset.class_names gave the classes of the training file."""
    written = trained.get("reading", {}).get("labels")
    if written is None or found.labels is None:
        return found
    names = dict(zip(written, trained["classes"], strict=True))
    return replace(found, labels=np.array([names.get(label, label) for label in found.labels.tolist()]))


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
