"""A data set of images as PNG files in a folder, with a table of their names and labels."""

from __future__ import annotations

import csv
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mlexp.data.dataset import Dataset
from mlexp.errors import DataError
from mlexp.system import is_reserved

TABLE = "images.csv"


def write(dataset: Dataset, folder: Path) -> int:
    """Write ``SET/CLASS/NUMBER.png`` for each image, and `TABLE` with the columns file, label, set and path.

    Without a test set of its own the data set has no folders of sets, and without classes none of classes. The folder
    appears when it is complete. Grey levels are scaled to 0 to 255.

    Parameters
    ----------
    dataset : Dataset
    folder : Path
        Made; may exist if it is empty.

    Returns
    -------
    int
        Number of images.

    Raises
    ------
    DataError
        The data set holds no images, the folder is not empty, or cannot be written.
    """
    if dataset.image_shape is None:
        raise DataError(
            f"Data set '{dataset.name}' holds no images. If its features are pixels: image_shape=[height,width]."
        )
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DataError(f"{folder} exists and is not empty. Name a folder that does not exist yet.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.parent / f".{folder.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
        temporary.mkdir()
        try:
            rows = list(_written(dataset, temporary))
            with (temporary / TABLE).open("w", encoding="utf-8", newline="") as file:
                table = csv.writer(file, lineterminator="\n")
                table.writerow(["file", "label", "set", "path"])
                table.writerows(rows)
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror or error}.") from error
    return len(rows)


def _written(dataset: Dataset, folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Write the images; yield file name, label, set and path of each."""
    from PIL import Image

    assert dataset.image_shape is not None
    names = folder_names(dataset.classes)
    largest = dataset.pixel_max or float(np.nanmax(dataset.X)) or 1.0
    parts = {"train": (dataset.X, dataset.y)}
    if dataset.X_test is not None and dataset.y_test is not None:
        parts["test"] = dataset.X_test, dataset.y_test
    for part, (X, y) in parts.items():
        digits = len(str(len(X)))
        for row, target in enumerate(y.tolist()):
            where = Path(part if len(parts) > 1 else "", names[int(target)] if names else "")
            if not (folder / where).is_dir():
                (folder / where).mkdir(parents=True)
            path = where / f"{row + 1:0{digits}}.png"
            Image.fromarray(_bytes(X[row], largest).reshape(dataset.image_shape)).save(folder / path)
            label = dataset.classes[int(target)] if names else repr(target) if dataset.has_labels else ""
            yield path.name, label, part, path.as_posix()


def _bytes(pixels: np.ndarray, largest: float) -> np.ndarray:
    """Return grey levels of 0 to `largest` as bytes."""
    if pixels.dtype == np.uint8 and largest == 255:
        return np.asarray(pixels)
    return np.round(np.clip(pixels / largest, 0, 1) * 255).astype(np.uint8)


def folder_names(classes: Sequence[str]) -> list[str]:
    """Return the name of a folder for each class: letters, digits, and ``_`` for what a file system may refuse.

    Examples
    --------
    >>> folder_names(["T-shirt/top", "..", "T-shirt:top", "con"])
    ['T-shirt_top', '_', 'T-shirt_top_2', 'con_']
    """
    found: list[str] = []
    for number, name in enumerate(classes):
        safe = re.sub(r"[^\w+=() -]+", "_", name).strip(" ")[:100].rstrip(" ") or "_"
        if is_reserved(safe):
            safe += "_"
        found.append(f"{safe}_{number}" if safe.lower() in {one.lower() for one in found} else safe)
    return found
