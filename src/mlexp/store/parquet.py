"""Tables as Parquet files, for programs that read many rows."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Sequence
from typing import Any

from mlexp.store.result import Columns


def as_parquet(columns: Columns) -> bytes | None:
    """Return columns as a Parquet file; None where pyarrow is not installed.

    A column of whole numbers, of numbers or of truth values keeps its type, anything else is text; an empty cell is
    null.
    """
    if importlib.util.find_spec("pyarrow") is None:
        return None
    import pyarrow
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table({name: _typed(cells) for name, cells in columns.items()}), buffer)
    return buffer.getvalue()


def _typed(cells: Sequence[Any]) -> list[Any]:
    """Return cells of one type, None for an empty one."""
    kinds = {type(cell) for cell in cells if not _empty(cell)}
    if kinds <= {int, float} and float in kinds:
        return [None if _empty(cell) else float(cell) for cell in cells]
    if len(kinds) == 1 and kinds <= {int, bool}:
        return [None if _empty(cell) else cell for cell in cells]
    return [None if _empty(cell) else str(cell) for cell in cells]


def _empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell)
