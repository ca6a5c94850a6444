"""Reading files that may be packed: plain, gzip, bzip2, xz, or a zip archive with one file in it."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mlexp.errors import DataError

BLOCK = 1 << 20
MOST_BYTES = 1 << 28  # unpacked, of a published file; the largest has 87 MB
PACKED = (".gz", ".zip", ".bz2", ".xz")
SUFFIXES = ("", *PACKED)
XZ_MEMORY = 1 << 29  # bytes that unpacking may take, whatever the file asks for; xz -9 takes 65 MB
CURE = "Delete it and copy or download it again."


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading its unpacked bytes; what goes wrong while reading is a `DataError`.

    Parameters
    ----------
    path : Path
        A gzip, bzip2 or xz file, or a zip archive with one member, is told by its name or first bytes; every
        other file is read as it is.

    Raises
    ------
    DataError
        The file is missing, cut short, garbled or cannot be read.
    """
    try:
        with _open(path) as stream:
            yield stream
    except (
        NotImplementedError,
        RuntimeError,
    ) as error:  # zipfile: of an unknown packing, a password
        raise DataError(f"{path} cannot be unpacked ({str(error)[:100]}): unpack it first.") from error
    except EOFError as error:
        raise DataError(f"{path} is cut short: its packed data end too early. {CURE}") from error
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{path} is garbled and cannot be unpacked ({error}). {CURE}") from error
    except FileNotFoundError as error:
        raise DataError(
            f"{path} does not exist. Check the name, or the folder it is looked for in."
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    check_regular(path)
    with path.open("rb") as file:
        how = _packing(path, file.read(10))
        file.seek(0)
        if how == ".gz":
            with gzip.GzipFile(fileobj=file) as stream:
                yield stream  # type: ignore[misc]
        elif how == ".zip":
            with zipfile.ZipFile(file) as archive, archive.open(_only_member(archive, path)) as member:
                yield member
        elif how == ".bz2":
            with bz2.BZ2File(file) as stream:
                yield stream
        elif how == ".xz":
            yield io.BufferedReader(_Xz(file), BLOCK)
        else:
            yield file


def _packing(path: Path, start: bytes) -> str:
    """Return how a file is packed, one of `SUFFIXES`, by its name or its first ten bytes."""
    starts = {
        ".gz": start[:2] == b"\x1f\x8b",
        ".zip": start[:4] == b"PK\x03\x04",
        ".bz2": start[:3] == b"BZh" and start[4:] == b"1AY&SY",
        ".xz": start[:6] == b"\xfd7zXZ\0",
    }
    return next((kind for kind in PACKED if path.suffix.lower() == kind or starts[kind]), "")


class _Xz(io.RawIOBase):
    """The unpacked bytes of an .xz file, in bounded memory: `lzma.LZMAFile` takes what the file asks for."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._decoder = file, lzma.LZMADecompressor(memlimit=XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._decoder.eof:
                rest = self._decoder.unused_data.lstrip(b"\0") or self._file.read(BLOCK).lstrip(b"\0")
                if not rest:
                    return 0
                self._decoder = lzma.LZMADecompressor(memlimit=XZ_MEMORY)  # one stream after the other
            else:
                rest = self._file.read(BLOCK) if self._decoder.needs_input else b""
                if self._decoder.needs_input and not rest:
                    raise EOFError
            if part := self._decoder.decompress(rest, len(buffer)):
                buffer[: len(part)] = part
                return len(part)


def bounded(path: Path, memory_mb: int) -> bytes:
    """Return the unpacked bytes of a file, refused as soon as they are more than `memory_mb`.

    A small packed file may hold any number of bytes, whatever its header says.
    """
    with unpacked(path) as stream:
        if not is_packed(path) and path.stat().st_size <= memory_mb * 1_000_000:
            return stream.read()
        content, left = io.BytesIO(), memory_mb * 1_000_000
        while block := stream.read(min(BLOCK, left + 1)):
            left -= len(block)
            if left < 0:
                raise DataError(
                    f"{path} holds more than {memory_mb:,} MB{' when unpacked' if is_packed(path) else ''}; "
                    f"memory_mb={memory_mb} allows no more. Raise memory_mb, or use a smaller file."
                )
            content.write(block)
        return content.getvalue()


def check_regular(path: Path) -> None:
    """Refuse a pipe, a device or a socket: reading from it may never end."""
    kind = path.stat().st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise DataError(
            f"{path} is a pipe, a device or a socket, from which data cannot be read twice. Write them to a file first."
        )


def _only_member(archive: zipfile.ZipFile, path: Path) -> str:
    names = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
    if len(names) != 1:
        raise DataError(f"{path} must hold one file. It holds {len(names)}: unpack it first.")
    return names[0]


def is_packed(path: Path) -> bool:
    """Return whether the bytes on disk differ from the bytes that `unpacked` gives."""
    with path.open("rb") as file:
        return _packing(path, file.read(10)) != ""


def checksum(path: Path) -> str:
    """Return the SHA-256 of the unpacked bytes of a file, so that packing it anew changes nothing.

    Raises
    ------
    DataError
        It cannot be read, or unpacks to more than any published file has.
    """
    total, left = hashlib.sha256(), MOST_BYTES
    with unpacked(path) as stream:
        while block := stream.read(BLOCK):
            left -= len(block)
            if left < 0:
                raise DataError(
                    f"{path} unpacks to more than {MOST_BYTES:,} bytes: it is not the published file. {CURE}"
                )
            total.update(block)
    return total.hexdigest()


def existing(path: str, *, key: str, what: str) -> Path:
    """Return the file or folder that a configuration key names.

    Raises
    ------
    DataError
        What was named does not exist.
    """
    named = Path(path).expanduser()
    try:
        check_regular(named)
    except (OSError, ValueError) as error:
        why = (
            "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({reason(error)})"
        )
        raise DataError(f"{key} names '{str(path)[:200]}', which {why}. It must be {what}.") from error
    return named


def reason(error: OSError | ValueError) -> str:
    """Return why a file could not be read, without its name, which may be long."""
    return str(getattr(error, "strerror", None) or error)[:100]
