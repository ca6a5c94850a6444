"""Files that are whole or not there: written to a temporary name, flushed to the disk and renamed."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from mlexp.errors import DataError, NotWritten
from mlexp.result import Columns

EVERY = "*"  # in a shape: all names of a mapping
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
            os.replace(file.name, path)


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
        file = open(path.with_name(f".{path.name}.{os.getpid()}.tmp"), "wb")  # noqa: SIM115
        waiting.append((file, path))
        file.write(data)
        file.flush()


def write_json(path: Path, content: Any) -> None:
    """Write JSON; numbers that are not finite become null, for JSON has no word for them."""
    write_bytes(path, (json.dumps(_plain(content), indent=2, allow_nan=False) + "\n").encode())


class Known(dict[str, Any]):
    """What a file says, by name; to ask for what it does not say is a `DataError` that names the file."""

    path = Path("the record")  # of a copy, which knows no file

    @classmethod
    def of(cls, path: Path, values: Mapping[str, Any]) -> Known:
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
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_hook=partial(Known.of, path))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}. Run the task again.") from error
    if wrong := _misfit(content, shape):
        raise DataError(f"{path} is damaged: {wrong}. Run the task again.")
    return content


def _misfit(value: Any, shape: Any, where: str = "it") -> str:
    """Say what of a value has not the shape it should have; nothing if all has."""
    kind: Any = shape if isinstance(shape, type | tuple) else type(shape)
    if not isinstance(value, kind):
        return f"{where} must not be {type(value).__name__}"
    inside: Iterable[tuple[Any, Any]] = ()
    if isinstance(shape, list):
        inside = ((number, shape[0]) for number in range(len(value)))
    elif isinstance(shape, dict):
        inside = ((name, shape.get(name, shape.get(EVERY, object))) for name in value)
    found = (_misfit(value[name], inner, f"'{name}'") for name, inner in inside)
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


def write_table(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write a CSV table with one header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(map(_cell, column) for column in columns.values()), strict=True))
    write_bytes(path, text.getvalue().encode())


def append_rows(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Add lines to a CSV file, with the header if the file is new."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if not path.exists():
        writer.writerow(rows[0])
    writer.writerows(map(_cell, row.values()) for row in rows)
    with writing(path), open(path, "a", encoding="utf-8", newline="") as file:
        file.write(text.getvalue())


def read_table(path: Path) -> Columns:
    """Return the columns of a CSV table as text; a last line cut short by a crash is left out."""
    try:
        whole_lines, _, _ = path.read_bytes().decode().rpartition("\n")
        rows = list(csv.reader(io.StringIO(whole_lines, newline="")))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}. Run the task again.") from error
    header, body = (rows[0], rows[1:]) if rows else ([], [])
    if ragged := [number for number, row in enumerate(body, 2) if len(row) != len(header)]:
        raise DataError(
            f"{path} is damaged: row {ragged[0]} has not the {len(header)} cells of the header. Run the task again."
        )
    return {name: [row[column] for row in body] for column, name in enumerate(header)}


def _cell(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return repr(value) if isinstance(value, float) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
