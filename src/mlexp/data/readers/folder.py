"""Folders of images: one subfolder per class, or a table of file names and labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mlexp.config import schema
from mlexp.data import images, readers
from mlexp.data.cells import labels as labels_of
from mlexp.data.columns import listed, short
from mlexp.data.dataset import Dataset, Raw, assemble
from mlexp.data.packed import existing
from mlexp.data.roles import label_column
from mlexp.errors import ConfigError, DataError
from mlexp.system import is_plain_folder

SETS = {
    "train": "train", "training": "train", "test": "test", "testing": "test",
    "val": "validation", "valid": "validation", "validation": "validation",
}  # fmt: skip
FILE_NAMES = ("path", "file", "filename", "file_name", "image", "image_id", "name", "id")
SET_NAMES = ("set", "split")


@dataclass
class Files:
    """The image files of one set, and their labels; no labels where there are none."""

    paths: list[Path] = field(default_factory=list)
    labels: list[str] | np.ndarray | None = None
    skipped: list[str] = field(default_factory=list)


def load(wanted: schema.Dataset, data_dir: str | None = None, memory_mb: int = 4000) -> Dataset:
    """Load the images of a folder.

    The classes are the subfolders, or the labels of the table `labels`; images that lie in the folder itself have no
    label. Subfolders `train` and `test` that hold the classes are the data set's own split, as is a column ``set`` of
    the table; images of a subfolder `validation` join the training samples. `test_path` is a second such folder.
    """
    root = _folder(str(wanted.path), "dataset.path")
    found = _from_table(root, wanted) if wanted.labels is not None else _from_folders(root)
    if wanted.test_path is not None:
        if wanted.labels is not None or "test" in found:
            raise ConfigError(
                "dataset.test_path goes with a folder of classes that has no test set of its own. Leave it out; a "
                "table (dataset.labels) may name the set of each image, train or test, in a column 'set'."
            )
        found["test"] = _classes(_folder(wanted.test_path, "dataset.test_path"))
    notes = []
    if "validation" in found:
        notes.append(
            f"{len(found['validation'].paths):,} images of the validation folder join the training samples, from which "
            "split.validation is drawn"
        )
        found["train"] = _joined(found["train"], found.pop("validation"))
    return _dataset(wanted, root, found, notes, memory_mb)


def _dataset(
    wanted: schema.Dataset, root: Path, found: dict[str, Files], notes: list[str], memory_mb: int
) -> Dataset:
    height_width = tuple(wanted.image_shape[:2])
    how = images.ImageFormat(
        shape=(height_width[0], height_width[1]) if height_width else None,
        resize=bool(height_width),
        channels=3 if wanted.channels == "rgb" or len(wanted.image_shape) == 3 else 1,
    )
    parts: dict[str, Raw] = {}
    shape: tuple[int, ...] = ()
    for name in ("train", "test"):
        if name not in found:
            continue
        files = found[name]
        if not files.paths:
            kinds = listed(images.SUFFIXES, 9)
            raise DataError(f"{root} holds no images for the {name} set ({kinds}), hidden files left out.")
        X, seen, shape = images.read(files.paths, how, memory_mb)
        how, memory_mb = replace(how, shape=(shape[0], shape[1])), int(memory_mb - X.nbytes / 1e6)
        said = images.notes(seen, how, shape, files.skipped)
        notes += [f"{name} set: {words}" for words in said] if len(found) > 1 else said
        parts[name] = Raw(X, None if files.labels is None else np.asarray(files.labels))
    dataset = assemble(
        wanted,
        parts["train"],
        parts.get("test"),
        feature_names=[f"pixel{k + 1}" for k in range(parts["train"].X.shape[1])],
        image_shape=shape,
        pixel_max=255.0,
        target="" if found["train"].labels is None else "class",
        where=str(root),
        source="a folder of images",
    )
    return replace(dataset, notes=(*dataset.notes, *notes), reading={"resized": how.resize})


def _folder(path: str, key: str) -> Path:
    root = existing(path, key=key, what="a folder of images")
    if not root.is_dir():
        raise DataError(f"{key} must name a folder of images. {root} is a file: name the folder it lies in.")
    return root


def _from_folders(root: Path) -> dict[str, Files]:
    folders = subfolders(root)
    sets = {SETS.get(folder.name.lower(), "") for folder in folders}
    if "train" in sets and "" not in sets and len(sets) == len(folders):
        return {SETS[folder.name.lower()]: _classes(folder) for folder in folders}
    return {"train": _classes(root)}


def subfolders(folder: Path) -> list[Path]:
    """Return the subfolders in the order of their names, hidden ones left out."""
    return [Path(one.path) for one in images.entries(folder) if is_plain_folder(one)]


def _classes(root: Path) -> Files:
    """Return the images of the subfolders, labelled by their names; without subfolders those of the folder itself."""
    folders = subfolders(root)
    if not folders:
        found = Files()
        found.paths = list(images.inside(root, found.skipped))
        return found
    found, labels = Files(), []
    for name, paths in _by_class(root, folders, found.skipped):
        found.paths += paths
        labels += [name] * len(paths)
    found.labels = labels
    return found


def _by_class(root: Path, folders: Sequence[Path], skipped: list[str]) -> Iterator[tuple[str, list[Path]]]:
    for entry in images.entries(root):
        if entry.is_symlink() and entry.is_dir():
            raise DataError(f"{entry.path} is a link to a folder. Copy the folder instead.")
        if not entry.is_dir():
            skipped.append(entry.name)  # beside the folders of classes: nothing says its class
    for folder in folders:
        paths = list(images.inside(folder, skipped))
        if not paths:
            raise DataError(
                f"{folder} holds no images, though a subfolder is a class. Remove it, or fill it."
            )
        yield folder.name, paths


def _joined(one: Files, other: Files) -> Files:
    if one.labels is None or other.labels is None:
        return Files(one.paths + other.paths, None, one.skipped + other.skipped)
    labels = [*one.labels, *other.labels]
    return Files(one.paths + other.paths, labels, one.skipped + other.skipped)


def _from_table(root: Path, wanted: schema.Dataset) -> dict[str, Files]:
    """Return the images that a table names, with its labels and, where it has a column of them, its sets."""
    file = existing(str(wanted.labels), key="dataset.labels", what="a table of file names and labels")
    source = readers.opened(file, wanted)
    lower = {name.lower(): name for name in reversed(source.names)}
    named = next((lower[word] for word in FILE_NAMES if word in lower), None)
    if named is None:
        raise DataError(
            f"{file} must have a column of file names, called {listed(FILE_NAMES, 9)}. Got {listed(source.names)}."
        )
    others = [name for name in source.names if name not in (named, lower.get("set"), lower.get("split"))]
    label = label_column(others, wanted.label, str(file)) if others else None
    which = next((lower[word] for word in SET_NAMES if word in lower and lower[word] != label), None)
    as_text = {name for name in (named, label, which) if name is not None}
    as_text -= {label} if wanted.target == "numbers" else set()
    table = source.table(as_text)
    y = None
    if label is not None:
        y, _ = labels_of(table, label, str(file), as_numbers=wanted.target == "numbers")
    paths = [_named(root, str(name), file, row) for row, name in enumerate(table.texts[named], 1)]
    sets = np.array(
        [_set(str(word), file) for word in table.texts[which]] if which else ["train"] * len(paths)
    )
    sets[sets == "validation"] = "train"
    found = {}
    for name in np.unique(sets):
        places = np.flatnonzero(sets == name)
        found[str(name)] = Files([paths[k] for k in places], None if y is None else y[places])
    if "train" not in found:
        raise DataError(f"{file} names no image of the training set in its column '{short(which)}'.")
    return found


def _set(word: str, file: Path) -> str:
    if (found := SETS.get(word.strip().lower())) is None:
        raise DataError(
            f"{file}: the set of an image must be train, validation or test. Got {short(word)!r}."
        )
    return found


def _named(root: Path, name: str, table: Path, row: int) -> Path:
    """Return the file in `root` that a table names, with or without its suffix; it may not lie elsewhere."""
    for suffix in ("", *images.SUFFIXES):
        path = root / f"{name}{suffix}"
        if "\0" not in name and path.is_file():
            if not path.resolve().is_relative_to(root.resolve()):
                raise DataError(
                    f"{table}, row {row}: {short(name)!r} lies outside of {root}. Copy it into the folder."
                )
            return path
    raise DataError(f"{table}, row {row}: there is no image {short(name)!r} in {root}.")
