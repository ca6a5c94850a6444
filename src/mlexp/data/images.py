"""Image files as arrays of bytes: grey or in colour, resized on request, in bounded memory."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.data.columns import listed
from mlexp.data.packed import check_regular
from mlexp.errors import DataError
from mlexp.system import is_plain_folder

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF")
MOST_PIXELS = 100_000_000  # of one file, by its header, before anything is decoded
DEPTH = 8  # folders within folders


@dataclass(frozen=True)
class ImageFormat:
    """What image files become.

    Attributes
    ----------
    shape : height and width; None: those of the first image
    resize : whether an image of another size is resized, or refused
    channels : 1 for grey, 3 for red, green and blue
    background : grey level, 0 to 255, over which transparent pixels are laid
    """

    shape: tuple[int, int] | None = None
    resize: bool = False
    channels: int = 1
    background: int = 0


@dataclass
class ImageNotes:
    """What was found in the files that a person may want to know."""

    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    coloured: int = 0
    transparent: int = 0


def is_image(path: Path) -> bool:
    """Return whether a file is an image by its suffix."""
    return path.suffix.lower() in SUFFIXES


def inside(folder: Path, skipped: list[str], depth: int = DEPTH) -> Iterator[Path]:
    """Yield the image files in a folder and its subfolders in the order of their names; hidden files are left out.

    Files that are no images are appended to `skipped`. A link to a file is followed if that lies in `folder` too.

    Raises
    ------
    DataError
        A link that leads out of the folder or to another folder, a pipe or a device, or folders nested too deeply.
    """
    root = folder.resolve()
    for path in _walk(folder, depth):
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise DataError(
                f"{path} is a link that leads out of {folder}. Copy the file into the folder instead."
            )
        if is_image(path):
            yield path
        else:
            skipped.append(str(path.relative_to(folder)))


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    if depth < 0:
        raise DataError(f"{folder} lies more than {DEPTH} folders deep. Move its images to a higher folder.")
    for entry in entries(folder):
        if is_plain_folder(entry):
            yield from _walk(Path(entry.path), depth - 1)
        elif entry.is_dir():
            raise DataError(f"{entry.path} is a link to a folder. Copy the folder instead.")
        else:
            yield Path(entry.path)


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what a folder holds in the order of the names, without hidden files.

    Raises
    ------
    DataError
        It cannot be read.
    """
    try:
        with os.scandir(folder) as found:
            return sorted((one for one in found if not one.name.startswith(".")), key=lambda one: one.name)
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}.") from error


def read(
    files: Sequence[Path], wanted: ImageFormat, memory_mb: float
) -> tuple[np.ndarray, ImageNotes, tuple[int, ...]]:
    """Read image files.

    Parameters
    ----------
    files : sequence of Path
        At least one.
    wanted : ImageFormat
    memory_mb : float
        Refuse files whose pixels need more megabytes than this.

    Returns
    -------
    array of uint8, shape (n_files, n_pixels) or (n_files, 3 * n_pixels); ImageNotes; shape of one image

    Raises
    ------
    DataError
        A file that cannot be read, has more than 8 bits a channel, or another size than the others.
    """
    seen, X = ImageNotes(), np.empty((0, 0), np.uint8)
    shape: tuple[int, ...] = ()
    for place, file in enumerate(files):
        pixels = _decoded(file, wanted, seen)
        if not place:
            shape = pixels.shape
            wanted = ImageFormat((shape[0], shape[1]), wanted.resize, wanted.channels, wanted.background)
            _check_memory(files, pixels.size, memory_mb)
            X = np.empty((len(files), pixels.size), np.uint8)
        X[place] = pixels.ravel()
    return X, seen, shape


def notes(
    seen: ImageNotes, wanted: ImageFormat, shape: Sequence[int], skipped: Sequence[str] = ()
) -> list[str]:
    """Return in words what was done to the files, where that is not the usual way."""
    said = []
    others = {size: n for size, n in seen.sizes.items() if size != tuple(shape[:2])}
    if others:
        sizes = listed([f"{w} x {h}" for h, w in sorted(others)], 3)
        said.append(
            f"{sum(others.values()):,} images resized to {shape[1]} x {shape[0]} pixels (from {sizes})"
        )
    if seen.coloured and wanted.channels == 1:
        said.append(
            f"{seen.coloured:,} colour images converted to grey (dataset.channels=rgb keeps the colours)"
        )
    if seen.transparent:
        said.append(f"transparent pixels of {seen.transparent:,} images laid over grey {wanted.background}")
    if skipped:
        what = "file that is not an image" if len(skipped) == 1 else "files that are not images"
        said.append(f"{len(skipped):,} {what} skipped ({listed(list(skipped), 3)})")
    return said


def _check_memory(files: Sequence[Path], size: int, memory_mb: float) -> None:
    megabytes = len(files) * size / 1e6
    if megabytes > memory_mb:
        raise DataError(
            f"The {len(files):,} images of {files[0].parent} and beside it need {megabytes:,.0f} MB; "
            f"memory_mb={memory_mb:g} allows no more. Raise memory_mb, or set dataset.image_shape smaller."
        )


def _decoded(path: Path, wanted: ImageFormat, seen: ImageNotes) -> np.ndarray:
    """Return the pixels of a file: uint8 of shape (height, width), or (height, width, 3)."""
    from PIL import Image, UnidentifiedImageError

    try:
        check_regular(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged metadata; pixels that are missing are an error
            with Image.open(path, formats=FORMATS) as image:
                _check(path, image, wanted)
                return _pixels(image, wanted, seen)
    except UnidentifiedImageError as error:
        raise DataError(
            f"{path} cannot be read as an image: it is damaged, or no {listed(FORMATS, 9)} file. Remove or replace it."
        ) from error
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{path} has more pixels than any image of a data set. Remove or replace it."
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        why = str(getattr(error, "strerror", None) or error)[:100]
        raise DataError(f"{path} cannot be read as an image: {why}. Remove or replace it.") from error


def _check(path: Path, image: Image, wanted: ImageFormat) -> None:
    """Refuse by its header an image that is too large, has another size, or more than 8 bits a channel."""
    from PIL.ExifTags import Base

    width, height = image.size
    if width * height > MOST_PIXELS:
        raise DataError(
            f"{path} has {width:,} x {height:,} pixels; an image may have at most {MOST_PIXELS:,}."
        )
    if image.mode.startswith(("I", "F")):
        raise DataError(
            f"{path} must have 8 bits a channel. Got mode {image.mode}: save it as 8-bit grey or RGB."
        )
    if image.getexif().get(Base.Orientation, 1) >= 5:  # stored lying on its side
        width, height = height, width
    if wanted.shape is not None and not wanted.resize and (height, width) != wanted.shape:
        raise DataError(
            f"{path} must be {wanted.shape[1]} pixels wide and {wanted.shape[0]} high, as the other images are. Got "
            f"{width} x {height}: resize it, or train with dataset.image_shape=[height,width], which "
            "resizes all of them."
        )


def _pixels(image: Any, wanted: ImageFormat, seen: ImageNotes) -> np.ndarray:
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        ink = image.convert("RGBA")
        if (np.asarray(ink)[..., 3] < 255).any():
            seen.transparent += 1
            below = Image.new("RGBA", image.size, (*[wanted.background] * 3, 255))
            ink = Image.alpha_composite(below, ink)
        image = ink.convert("RGB")
    seen.sizes[image.height, image.width] += 1
    if wanted.channels == 1:
        seen.coloured += _has_colour(image)
    image = image.convert("L" if wanted.channels == 1 else "RGB")
    if wanted.shape is not None and (image.height, image.width) != wanted.shape:
        image = image.resize((wanted.shape[1], wanted.shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(image)


def _has_colour(image: Any) -> bool:
    """Return whether any pixel is not grey."""
    if image.mode in ("1", "L"):
        return False
    red, green, blue = np.moveaxis(np.asarray(image.convert("RGB")), -1, 0)
    return bool((red != green).any() or (green != blue).any())
