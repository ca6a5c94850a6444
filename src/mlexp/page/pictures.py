"""The figures of a folder, in the order of the page, with the words that belong to them."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from mlexp.config.untrusted import read_bytes
from mlexp.errors import DataError
from mlexp.page.page import Picture

Words = Mapping[str, tuple[str, str]]
MOST_PIXELS = 25_000_000  # of a picture that a page holds; ours have less than a million
MOST_LETTERS = 1000  # of its headline
HEADLINE = "Title"  # where drawing.style.png writes what stands above the axes


def pictures(folder: Path, words: Words, first: str = "") -> list[Picture]:
    """Return every figure of a folder in the order of `words`; those without words of their own follow by name."""
    places = {name: place for place, name in enumerate(words)} | {first: -1}
    files = sorted(
        (folder / "figures").glob("*.png"), key=lambda file: (places.get(file.stem, 99), file.stem)
    )
    return [picture(file, words) for file in files]


def picture(file: Path, words: Words = MappingProxyType({})) -> Picture:
    """Return one figure with what it says of itself.

    Raises
    ------
    DataError
        If the file is no PNG picture, or one of more than `MOST_PIXELS`.
    """
    from PIL.PngImagePlugin import PngImageFile

    data = read_bytes(file)
    try:
        with PngImageFile(
            io.BytesIO(data)
        ) as image:  # reads what stands before the pixels, in bounded memory
            (width, height), title = image.size, str(image.info.get(HEADLINE, ""))
    except (SyntaxError, ValueError, OSError) as error:
        raise DataError(
            f"{file} is no PNG picture, and a page shows nothing else. Remove it, and draw the figures of the folder "
            "again: mlexp report FOLDER."
        ) from error
    if width * height > MOST_PIXELS:
        raise DataError(
            f"{file} is too large for a page: at most {MOST_PIXELS:,} pixels. It has {width:,} x {height:,}: remove it."
        )
    headline = " ".join(re.sub(r"[^\S ]|[\x00-\x1f\x7f-\x9f]", " ", title[:MOST_LETTERS]).split())
    alt, look = words.get(file.stem, (file.stem.replace("_", " ").capitalize(), ""))
    return Picture(file.stem, f"figures/{file.name}", data, (width, height), headline, alt, look)
