"""The user cache: decoded copies of data sets, which later runs memory-map.

A decoded copy is a folder with one .npy file for each array and `facts.json` (digests of the features, and
size and time of the source files whose checksums were found right). It is written under a temporary name
and renamed when complete, so a copy is either whole or not there, whatever is killed in between.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mlexp.data.dataset import digest

FEATURES = ("X", "X_test")
STALE_SECONDS = 3600
Stamps = dict[str, list[int]]


@dataclass(frozen=True, eq=False)
class Decoded:
    """A decoded copy: arrays (features memory-mapped), digests of the features, known source files."""

    arrays: dict[str, np.ndarray]
    digests: dict[str, str]
    stamps: Stamps


def cache_folder() -> Path:
    """Return the user cache: MLEXP_CACHE_DIR, or the folder `mlexp` where this system keeps caches."""
    if own := os.environ.get("MLEXP_CACHE_DIR"):
        return Path(own).expanduser()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared).expanduser() / "mlexp"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mlexp"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "mlexp" / "cache"
    return Path.home() / ".cache" / "mlexp"


def open_decoded(folder: Path, shapes: dict[str, tuple[int, ...]]) -> Decoded | None:
    """Open a decoded copy, or return None where there is none that fits.

    Parameters
    ----------
    folder : Path
        Where `save_decoded` put it.
    shapes : name of array -> shape
        What must be there, as bytes. Shape, type and size of each file are checked, not its values.
    """
    try:
        facts = json.loads((folder / "facts.json").read_text("utf-8"))
        arrays = {name: _open_array(folder / f"{name}.npy", name, shape) for name, shape in shapes.items()}
        return Decoded(arrays, dict(facts["digests"]), dict(facts["stamps"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        warn_once(f"The decoded copy in {folder} is unusable ({error}): it will be made again.")
        return None


def _open_array(path: Path, name: str, shape: tuple[int, ...]) -> np.ndarray:
    mode: Any = "r" if name in FEATURES else None
    array: np.ndarray = np.load(path, mmap_mode=mode, allow_pickle=False)
    if array.shape != shape or array.dtype != np.uint8:
        raise ValueError(f"{path.name} holds {array.dtype} {array.shape}, expected uint8 {shape}")
    if mode and path.stat().st_size != getattr(array, "offset", 0) + array.size:
        raise ValueError(f"{path.name} has the wrong size")
    return array


def save_decoded(folder: Path, arrays: dict[str, np.ndarray], stamps: Stamps) -> Decoded:
    """Keep a decoded copy and open it; without a writable cache hand the arrays back as they are.

    Parameters
    ----------
    folder : Path
        Where the copy is to stand. Another process may be writing the same one: the first wins.
    arrays : name -> uint8 array
        The features are handed back as memory maps.
    stamps : path of a source file -> [bytes, time of change in ns]
        Files whose checksums were right.
    """
    digests = {name: digest(arrays[name]) for name in FEATURES if name in arrays}
    shapes = {name: array.shape for name, array in arrays.items()}
    temporary = folder.parent / f".{folder.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    try:
        temporary.mkdir(parents=True)
        _remove_stale(folder.parent)
        for name, array in arrays.items():
            with (temporary / f"{name}.npy").open("wb") as file:
                np.save(file, array, allow_pickle=False)
                _flush(file)
        write_json(temporary / "facts.json", {"digests": digests, "stamps": stamps})
        _move_in_place(temporary, folder, shapes)
    except OSError as error:
        warn_once(
            f"The user cache {folder.parent} cannot be written ({error.strerror or error}): each run decodes the data "
            "set again. Set MLEXP_CACHE_DIR to a folder that can be written."
        )
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return open_decoded(folder, shapes) or Decoded(arrays, digests, stamps)


def _move_in_place(temporary: Path, folder: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    try:
        temporary.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        if open_decoded(folder, shapes) is None:
            broken = temporary.with_name(temporary.name + ".old")
            folder.rename(broken)
            temporary.rename(folder)
            shutil.rmtree(broken, ignore_errors=True)


def _remove_stale(folder: Path) -> None:
    """Remove what killed writers left behind."""
    for left in folder.glob(".*.tmp*"):
        if time.time() - left.stat().st_mtime > STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def add_stamps(folder: Path, decoded: Decoded, stamps: Stamps) -> None:
    """Remember that these files, too, were checked and hold what is decoded in `folder`."""
    try:
        write_json(folder / "facts.json", {"digests": decoded.digests, "stamps": decoded.stamps | stamps})
    except OSError as error:
        warn_once(f"{folder} cannot be written ({error.strerror or error}): files are checked by each run.")


def stamp(path: Path) -> tuple[str, list[int]]:
    """Return a file's full path, and its size and time of change: cheap signs that it is the same."""
    state = path.stat()
    return str(path.resolve()), [state.st_size, state.st_mtime_ns]


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file whole: temporary name, flush, rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, sort_keys=True)
        _flush(file)
    temporary.replace(path)


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


@cache
def warn_once(message: str) -> None:
    """Log a warning the first time that it comes up."""
    logging.getLogger(__name__).warning(message)
