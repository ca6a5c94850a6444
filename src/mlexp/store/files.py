"""The files of run folders: plain files of a bounded size are read, whole files or none are written.

Written is to a temporary name, flushed to the disk and renamed. Nothing is read or written through a link, a pipe or a
device: a run folder may come from a stranger.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import date
from pathlib import Path, PurePath
from typing import IO, Any

import numpy as np

from mlexp import system
from mlexp.config.untrusted import opened, plain, read_bytes, reading
from mlexp.errors import DataError, NotWritten, shortened
from mlexp.store.result import Columns

EVERY = "*"  # in a shape: all names of a mapping
MOST_UNPACKED, MOST_RATIO = 1 << 30, 16  # bytes of an archive, and times its own size: the larger of the two
MOST_DIGITS = 20  # of a whole number in JSON; a longer one would be no count, seed or size
FORMULA = re.compile(
    r"(?s)'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]."
)  # how a cell begins that a spreadsheet calculates
_waiting: ContextVar[list[tuple[IO[bytes], Path]] | None] = ContextVar("_waiting", default=None)


@contextmanager
def at_once() -> Iterator[None]:
    """Flush and rename the files that are written inside together, at the end: half the time of one by one."""
    waiting: list[tuple[IO[bytes], Path]] = []
    before = _waiting.set(waiting)
    try:
        yield
        _settle(waiting)
    finally:
        _waiting.reset(before)
        for file, _ in waiting:
            with suppress(OSError):  # on a full disk it cannot even be closed; that was said before
                file.close()
            Path(file.name).unlink(missing_ok=True)


def _settle(waiting: Sequence[tuple[IO[bytes], Path]]) -> None:
    """Flush files that were written under temporary names to the disk, and give them their own."""
    for file, path in waiting:
        with writing(path):
            os.fsync(file.fileno())
    for file, path in waiting:
        file.close()
        with writing(path):
            system.replace(file.name, path)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says of a full or forbidden disk into one line with a cure."""
    try:
        yield
    except OSError as error:
        raise NotWritten(
            f"{path} cannot be written: {error.strerror}. Free some space, or name another place (for a run: "
            "outputs=FOLDER)."
        ) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file or nothing: temporary name, flush, rename; within `at_once`, all of these at its end.

    Raises
    ------
    ConfigError
        If the file cannot be written; an older file of that name is left as it was.
    """
    waiting = _waiting.get()
    if waiting is None:
        with at_once():
            write_bytes(path, data)
        return
    with writing(path):
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path.with_name(f".{path.name}.{os.getpid()}.tmp"), "wb", opener=plain)  # noqa: SIM115
        waiting.append((file, path))
        file.write(data)
        file.flush()


@contextmanager
def appending(path: Path) -> Iterator[IO[str]]:
    """Open a text file to add lines at its end; one that is a link is left alone.

    Raises
    ------
    NotWritten
        If it cannot be written, or is not a plain file.
    """
    with writing(path), open(path, "a", encoding="utf-8", newline="", opener=plain) as file:
        yield file


def write_json(path: Path, content: Any) -> None:
    """Write JSON, as `jsonable` has it."""
    write_bytes(path, (json.dumps(jsonable(content), indent=2, allow_nan=False) + "\n").encode())


class CheckedRecord(dict[str, Any]):
    """What a file says, by name; to ask for what it does not say is a `DataError` that names the file."""

    path = Path("the record")  # of a copy, which knows no file

    @classmethod
    def of(cls, path: Path, values: Mapping[str, Any]) -> CheckedRecord:
        """Return what the file at `path` says."""
        known = cls(values)
        known.path = path
        return known

    def __missing__(self, name: str) -> Any:
        raise DataError(f"{self.path} is damaged: it lacks '{name}'. Run the task again.")


def read_json(path: Path, shape: Any = object) -> Any:
    """Return what a JSON file holds; a file that is not whole, or of another shape, is a `DataError`.

    Parameters
    ----------
    path : the file
    shape : a type, a list of one shape for all items, or a mapping of names, `EVERY` for all, to shapes; a name may
        be left out, and is an error when it is asked for
    """

    def named(pairs: list[tuple[str, Any]]) -> CheckedRecord:
        if len(known := CheckedRecord.of(path, dict(pairs))) < len(pairs):
            raise ValueError("it names something twice")
        return known

    text = read_bytes(path)
    try:
        content = json.loads(
            text.decode(),
            object_pairs_hook=named,
            parse_int=_whole,
            parse_float=_finite,
            parse_constant=_finite,
        )
        if b"\\ud" in text.lower():  # half a letter, which could not be printed
            json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read: {error}. Run the task again.") from error
    if wrong := misfit(content, shape):
        raise DataError(f"{path} is damaged: {wrong}. Run the task again.")
    return content


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    if not math.isfinite(value := float(digits)):
        raise ValueError(f"{digits[:MOST_DIGITS]} is not a finite number")
    return value


def misfit(value: Any, shape: Any, where: str = "it") -> str:
    """Say what of a value has not the shape it should have; nothing if all has."""
    kind: Any = shape if isinstance(shape, type | tuple) else type(shape)
    if not isinstance(value, kind):
        return f"{where} must not be {type(value).__name__}"
    inside: Iterable[tuple[Any, Any]] = ()
    if isinstance(shape, list):
        inside = ((number, shape[0]) for number in range(len(value)))
    elif isinstance(shape, dict):
        inside = ((name, shape.get(name, shape.get(EVERY, object))) for name in value)
    found = (misfit(value[name], inner, f"'{name}'") for name, inner in inside)
    return next((wrong for wrong in found if wrong), "")


def write_npz(path: Path, arrays: Mapping[str, np.ndarray], *, compress: bool = True) -> None:
    """Write arrays as an npz archive without time stamps: the same arrays give the same bytes."""
    buffer = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, member.getvalue(), method, 1)
    write_bytes(path, buffer.getvalue())


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an npz archive; nothing is unpickled, and no more unpacked than the file makes likely.

    Raises
    ------
    DataError
        If it is damaged, holds an array that its header claims to be larger than it is, or unpacks to more than
        `MOST_UNPACKED` and `MOST_RATIO` times its size.
    """
    arrays: dict[str, np.ndarray] = {}
    with reading(path), opened(path) as file, zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        whole, packed = sum(member.file_size for member in members), os.fstat(file.fileno()).st_size
        if whole > max(MOST_UNPACKED, MOST_RATIO * packed):
            raise ValueError(f"{packed / 1e6:,.1f} MB that unpack to {whole / 1e6:,.0f} MB")
        for member in members:
            with archive.open(member) as stream:
                shape, _, dtype = _npy_header(stream)
                if math.prod(shape) * dtype.itemsize != member.file_size - stream.tell():
                    raise ValueError(f"{member.filename} does not hold the values that its header announces")
                stream.seek(0)
                name = member.filename.removesuffix(".npy")
                if name in arrays:
                    raise ValueError(f"it holds {name} twice")
                arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
    return arrays


def _npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    if np.lib.format.read_magic(stream) == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    return np.lib.format.read_array_header_2_0(stream)


def damaged(path: Path, why: str) -> DataError:
    """Return the error for a file of a run that is not as it was written."""
    return DataError(f"{path} is damaged: {shortened(why).rstrip('.')}. Run the task again.")


def write_table(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write a CSV table with one header line; see `cell` for words that a spreadsheet would take for a formula."""
    write_bytes(path, as_table(columns).encode())


def as_table(columns: Mapping[str, Sequence[Any]]) -> str:
    """Return columns as the text of a CSV file."""
    text = _Lines()
    writer = csv.writer(text)
    writer.writerow(map(cell, columns))
    writer.writerows(zip(*(map(cell, column) for column in columns.values()), strict=True))
    return text.getvalue()


class _Lines(io.StringIO):
    """Text of lines that end with a newline alone, though a cell with a carriage return stands between quotes."""

    def write(self, line: str) -> int:
        """Take one row as `csv` writes it."""
        return super().write(line.removesuffix("\r\n") + "\n")


def append_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add lines to a CSV file, with the header if the file is new."""
    text = _Lines()
    writer = csv.writer(text)
    if not path.exists():
        writer.writerow(rows[0])
    writer.writerows(map(cell, row.values()) for row in rows)
    with appending(path) as file:
        file.write(text.getvalue())


def read_table(path: Path) -> Columns:
    """Return the columns of a CSV table as text; a last line cut short by a crash is left out."""
    try:
        whole_lines, _, _ = read_bytes(path).decode().rpartition("\n")
        rows = list(csv.reader(io.StringIO(whole_lines, newline="")))
    except (ValueError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}. Run the task again.") from error
    header, body = (rows[0], rows[1:]) if rows else ([], [])
    if ragged := [number for number, row in enumerate(body, 2) if len(row) != len(header)]:
        raise DataError(
            f"{path} is damaged: row {ragged[0]} has not the {len(header)} cells of the header. Run the task again."
        )
    if len(set(header)) < len(header):
        raise DataError(f"{path} is damaged: two of its columns have one name. Run the task again.")
    return {unquoted(name): [unquoted(row[column]) for row in body] for column, name in enumerate(header)}


def cell(value: Any) -> Any:
    """Return a value as a cell of a CSV file that a spreadsheet will not calculate.

    Names come from data and configurations, and ``=HYPERLINK(...)`` is a name too. An apostrophe goes before text that
    begins like a formula; numbers stay numbers, negative ones too. `unquoted` takes it away again.

    Examples
    --------
    >>> [cell(value) for value in ("=1+2", "-1.5", -1.5, "-", "relu", "'=x")]
    ["'=1+2", '-1.5', '-1.5', '-', 'relu', "''=x"]
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return repr(value)
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) and not _is_number(value) else value


def unquoted(text: str) -> str:
    """Return what `cell` made a cell of.

    Examples
    --------
    >>> [unquoted(text) for text in ("'=1+2", "-1.5", "relu", "''=x", "'relu'")]
    ['=1+2', '-1.5', 'relu', "'=x", "'relu'"]
    """
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def jsonable(value: Any) -> Any:
    """Return what JSON can say of a value: numbers that are not finite are null, paths and times are text.

    Examples
    --------
    >>> jsonable({"loss": float("nan"), "shape": (2, np.int64(3)), "at": Path("runs"), 1: np.array([0.5, np.inf])})
    {'loss': None, 'shape': [2, 3], 'at': 'runs', '1': [0.5, None]}
    """
    if isinstance(value, Mapping):
        return {str(name): jsonable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return jsonable(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, PurePath | date) else value
