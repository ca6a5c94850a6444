"""The figures of a folder, in the order of the page, with the words that belong to them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from mlexp.config.untrusted import read_bytes
from mlexp.errors import DataError
from mlexp.page.page import Picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"
Words = Mapping[str, tuple[str, str]]
MOST_PIXELS = 25_000_000  # of a picture that a page holds; ours have less than a million
MOST_LETTERS = 1000  # of its headline
HEADLINE = b"Title"  # where plots.style.png writes what stands above the axes


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
    data = read_bytes(file)
    found = list(chunks(data))
    if not found or found[0][0] != b"IHDR" or len(found[0][1]) != 13:
        raise DataError(
            f"{file} is no PNG picture, and a page shows nothing else. Remove it, and draw the figures of the folder "
            "again: mlexp report FOLDER."
        )
    width, height = struct.unpack(">II", found[0][1][:8])
    if not 0 < width * height <= MOST_PIXELS:
        raise DataError(
            f"{file} is too large for a page: at most {MOST_PIXELS:,} pixels. It has {width:,} x {height:,}: remove it."
        )
    alt, look = words.get(file.stem, (file.stem.replace("_", " ").capitalize(), ""))
    return Picture(file.stem, f"figures/{file.name}", data, (width, height), _headline(found), alt, look)


def _headline(found: Sequence[tuple[bytes, bytes]]) -> str:
    """Return the title that a picture has, from text that is not packed."""
    for kind, content in found:
        name, _, text = content.partition(b"\0")
        if name != HEADLINE or kind not in (b"tEXt", b"iTXt"):
            continue
        if kind == b"iTXt":  # packed or not, how; then language and title in it, each ended by a zero
            text = text[2:].split(b"\0", 2)[-1] if text[:1] == b"\0" else b""
        letters = text[:MOST_LETTERS].decode("latin-1" if kind == b"tEXt" else "utf-8", "replace")
        return " ".join(re.sub(r"[^\S ]|[\x00-\x1f\x7f-\x9f]", " ", letters).split())
    return ""


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and content of the chunks of a PNG file that stand before its pixels; none if it is no PNG file."""
    at = len(SIGNATURE)
    while data.startswith(SIGNATURE) and at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IDAT":
            return
        yield kind, data[at + 8 : at + 8 + length]
        at += length + 12
