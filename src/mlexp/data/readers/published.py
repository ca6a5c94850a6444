"""Loading a published set: find its files or fetch them, check them once, decode them once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mlexp.config import schema
from mlexp.data import cache
from mlexp.data.dataset import Dataset, Raw, assemble
from mlexp.data.download import download
from mlexp.data.packed import BLOCK, checksum, existing, unpacked
from mlexp.data.published_sets import KNOWN, KnownFile, PublishedSet
from mlexp.data.readers import idx
from mlexp.errors import ConfigError, DataError, did_you_mean

SYSTEM_FOLDER = Path("/usr/share/datasets")
PARSE_BYTES = 4 * BLOCK


@dataclass(frozen=True)
class FilePlace:
    """A kind of place where files may be: its name in words, the folders there, whether a person named it."""

    words: str
    folders: tuple[Path, ...]
    named: bool = False


@dataclass(frozen=True)
class FoundFiles:
    """The files of a set, and the place that they are in."""

    place: FilePlace
    files: dict[str, Path]


def load(wanted: schema.Dataset, data_dir: str | None = None, memory_mb: int = 0) -> Dataset:
    """Load a published set, from its decoded copy where there is one.

    Files in a place that a person named (dataset.path, data_dir, MLEXP_DATA_DIR) come first, and are checked
    whenever their size or time differs from when they were last found right. Then come the decoded copy,
    the other places, and the download.
    """
    known = lookup(wanted.name)
    named = find(wanted.name, named_places(known, wanted.path, data_dir))
    decoded = cache.open_decoded(decoded_folder(wanted.name), known.shapes)
    source = named.place.words if named else "the decoded copy in the user cache"
    if named or decoded is None:
        found = named or find(wanted.name, quiet_places(wanted.name)) or _download(wanted.name, data_dir)
        source = found.place.words
        decoded = _checked(wanted.name, found, decoded)
    arrays = decoded.arrays
    dataset = assemble(
        wanted,
        Raw(arrays["X"], arrays["y"]),
        Raw(arrays["X_test"], arrays["y_test"]),
        image_shape=(28, 28),
        pixel_max=255.0,
        names=known.labels,
        where=f"data set '{wanted.name}'",
        source=f"published files, from {source}",
    )
    return replace(dataset, digests=decoded.digests)


def lookup(name: str) -> PublishedSet:
    """Return what is known of a published set."""
    if name not in KNOWN:
        raise ConfigError(
            f"dataset.name must be one of {', '.join(KNOWN)} with dataset.reader=published. "
            f"Got {name!r}.{did_you_mean(name, KNOWN)}"
        )
    return KNOWN[name]


def named_places(known: PublishedSet, path: str | None, data_dir: str | None) -> Iterator[FilePlace]:
    """Give the places that a person named, in the order of search."""
    if path is not None:
        folder = existing(path, key="dataset.path", what="a folder with the files of the set")
        yield FilePlace("dataset.path", (folder, *(folder / name for name in known.folders)), named=True)
        return
    key, chosen = ("data_dir", data_dir) if data_dir else ("MLEXP_DATA_DIR", os.environ.get("MLEXP_DATA_DIR"))
    if chosen:
        folder = existing(chosen, key=key, what="a folder with data sets")
        yield FilePlace(key, tuple(folder / name for name in known.folders), named=True)


def quiet_places(name: str) -> Iterator[FilePlace]:
    """Give the places that need no naming, in the order of search."""
    yield FilePlace("the user cache", (download_folder(name),))
    yield FilePlace("the system data folder", tuple(SYSTEM_FOLDER / folder for folder in KNOWN[name].folders))


def find(name: str, places: Iterator[FilePlace]) -> FoundFiles | None:
    """Return the files in the first place that has them all.

    Raises
    ------
    DataError
        A folder that a person named holds some of the files and not others, or dataset.path holds none.
    """
    for place in places:
        for folder in place.folders:
            files = {role: idx.find(folder, file.name) for role, file in KNOWN[name].files.items()}
            there = {role: path for role, path in files.items() if path}
            if len(there) == len(files):
                return FoundFiles(place, there)
            if place.named and there:
                raise _missing(name, folder, files)
        if place.words == "dataset.path":
            raise _missing(name, place.folders[0], dict.fromkeys(KNOWN[name].files))
    return None


def _missing(name: str, folder: Path, files: dict[str, Path | None]) -> DataError:
    names = [KNOWN[name].files[role].name for role, path in files.items() if path is None]
    return DataError(
        f"{folder} must hold all files of data set '{name}'. Missing: {', '.join(names)} (plain, .gz or .zip): "
        f"put them there, or get the set with `mlexp data fetch {name}` and leave that folder out."
    )


def download_folder(name: str) -> Path:
    """Return the folder of the user cache that downloads go to."""
    return cache.cache_folder() / name


def decoded_folder(name: str) -> Path:
    """Return the folder of the decoded copy; its name holds the checksums, so other files mean another copy."""
    sums = "".join(file.sums[0] for file in KNOWN[name].files.values())
    return cache.cache_folder() / "decoded" / f"{name}-{hashlib.sha256(sums.encode()).hexdigest()[:16]}"


def check_file(path: Path, file: KnownFile, name: str) -> None:
    """Refuse a file whose unpacked bytes are not the published ones."""
    got = checksum(path)
    if got not in file.sums:
        again = (
            "get"
            if path.parent == download_folder(name)
            else "copy it again, or take its folder away and get"
        )
        raise DataError(
            f"{path} is damaged or another file: SHA-256 of its unpacked bytes must be {file.sums[0]}. Got {got}: "
            f"{again} the set with `mlexp data fetch {name}`."
        )


def _checked(name: str, found: FoundFiles, decoded: cache.Decoded | None) -> cache.Decoded:
    """Check the files that have changed since they were last right, and decode them if no copy is there."""
    known = KNOWN[name]
    stamps = dict(cache.stamp(path) for path in found.files.values())
    trusted = decoded.stamps if decoded else {}
    for role, path in found.files.items():
        key, state = cache.stamp(path)
        if trusted.get(key) != state:
            check_file(path, known.files[role], name)
    if decoded is None:
        return cache.save_decoded(decoded_folder(name), _decode(known, found.files), stamps)
    if any(trusted.get(key) != state for key, state in stamps.items()):
        cache.add_stamps(decoded_folder(name), decoded, stamps)
    return decoded


def _decode(known: PublishedSet, files: dict[str, Path]) -> dict[str, np.ndarray]:
    if "X" in files:
        arrays = {role: idx.read(path) for role, path in files.items()}
    else:
        X, y = parse_bytes(files["train"])
        X_test, y_test = parse_bytes(files["test"])
        arrays = {"X": X, "y": y, "X_test": X_test, "y_test": y_test}
    return {role: array.reshape(known.shapes[role]) for role, array in arrays.items()}


def parse_bytes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a table of bytes (header line, label first) a few megabytes of text at a time."""
    import io

    import pandas as pd

    blocks = []
    with unpacked(path) as stream:
        stream.readline()
        while text := stream.read(PARSE_BYTES):
            text += stream.readline()
            frame = pd.read_csv(io.BytesIO(text), header=None, dtype=np.uint8)
            blocks.append(frame.to_numpy())
    table = np.concatenate(blocks)
    return np.ascontiguousarray(table[:, 1:]), table[:, 0].copy()


def _download(name: str, data_dir: str | None) -> FoundFiles:
    place = FilePlace("a download", (download_folder(name),))
    try:
        return FoundFiles(place, fetch(name))
    except DataError as error:
        named = data_dir or os.environ.get("MLEXP_DATA_DIR") or "not set"
        raise DataError(
            f"Data set '{name}' is not here. {error} Looked in: dataset.path (not set), data_dir or "
            f"MLEXP_DATA_DIR ({named}), the user cache ({cache.cache_folder()}), {SYSTEM_FOLDER}. Put the files in "
            f"a folder '{KNOWN[name].folders[0]}' and set data_dir or MLEXP_DATA_DIR to the folder above it, or try "
            "a task that needs no download: mlexp task=digits_mlp"
        ) from error


def fetch(name: str) -> dict[str, Path]:
    """Make sure that the user cache holds the right files of a set; download what is missing or damaged.

    Returns
    -------
    role -> file

    Raises
    ------
    DataError
        No mirror has a file, or the cache cannot be written.
    """
    known, folder = lookup(name), download_folder(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be made ({error.strerror}): set MLEXP_CACHE_DIR to a folder that can be written."
        ) from error
    files: dict[str, Path] = {}
    for role, file in known.files.items():
        files[role] = _kept(folder, file, name) or _fetch_file(folder, file, name, [*files])
    return files


def _kept(folder: Path, file: KnownFile, name: str) -> Path | None:
    """Return the file in the cache if it is right; take it away if it is not."""
    path = idx.find(folder, file.name)
    try:
        if path is not None:
            check_file(path, file, name)
    except DataError:
        path.unlink()  # type: ignore[union-attr]
        return _kept(folder, file, name)
    return path


def _fetch_file(folder: Path, file: KnownFile, name: str, done: list[str]) -> Path:
    known = KNOWN[name]
    target = folder / f"{file.name}{known.suffix}"
    urls = [mirror.format(file=target.name) for mirror in known.mirrors]
    failures = download(urls, target, lambda path: check_file(path, file, name))
    if failures:
        missing = [one.name for role, one in known.files.items() if role not in done]
        raise DataError(f"Missing: {', '.join(missing)}. Download failed ({'; '.join(failures)}).")
    return target
