"""Files of JSON objects, one a line or as one list.

Cells keep the type that the file gives them: numbers are numbers, text is words though it looks like numbers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlexp.config import schema
from mlexp.data.columns import short
from mlexp.data.packed import bounded
from mlexp.data.sniff import decoded
from mlexp.data.table import Frame
from mlexp.data.typed import CELL_BYTES, typed_frame
from mlexp.errors import DataError


def read(path: Path, wanted: schema.Dataset, memory_mb: int) -> Frame:
    """Read objects of names and values, one a line or as one list."""
    data, _ = decoded(bounded(path, memory_mb), "auto", path)
    text = data.decode("utf-8")
    limit = memory_mb * 1e6 / CELL_BYTES
    columns: dict[str, list[Any]] = {}
    n_cells = 0
    for n_rows, (number, one) in enumerate(_objects(text, path)):
        if not isinstance(one, dict):
            raise DataError(
                f'{path} must hold an object in each line, as in {{"width": 1.5}}. Line {number} holds {short(one)!r}.'
            )
        for name, value in one.items():
            if isinstance(value, list | dict):
                raise DataError(
                    f"{path} holds a {type(value).__name__} in '{short(name)}', line {number}. Give each value a name "
                    "of its own."
                )
            cells = columns.setdefault(name, [None] * n_rows)
            cells.append(value)
        n_cells += len(columns)
        if n_cells > limit:
            raise DataError(
                f"{path} holds more than {int(limit):,} cells; memory_mb={memory_mb} allows no more. Raise memory_mb, "
                "or use a smaller file."
            )
        for cells in columns.values():
            if len(cells) <= n_rows:
                cells.append(None)
    frame, words = typed_frame(list(columns), list(columns.values()), path)
    return Frame(str(path), frame, words=words, format="JSON lines")


def _objects(text: str, path: Path) -> Any:
    try:
        if text.lstrip()[:1] == "[":
            yield from enumerate(json.loads(text), 1)
            return
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield number, json.loads(line)
    except (ValueError, RecursionError) as error:
        where = f"line {number}" if "number" in locals() else "the list"
        raise DataError(f"{path} is no JSON in {where} ({short(error, 100)}). Correct it.") from error
