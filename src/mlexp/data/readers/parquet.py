"""Tables in Parquet files, through pyarrow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mlexp.config import schema
from mlexp.data.columns import short
from mlexp.data.sniff import named
from mlexp.data.table import Frame
from mlexp.data.typed import library
from mlexp.errors import DataError

ROWS_AT_A_TIME = 1 << 16
CELL_BYTES = 40
_INDEX = re.compile(r"__index_level_\d+__")


def read(path: Path, wanted: schema.Dataset, memory_mb: int) -> Frame:
    """Read the columns of a Parquet file; row numbers that pandas wrote beside them are left out.

    Numbers, truth values, dates, times and text are read; a column of lists or of bytes is refused.
    """
    pq, pa = library("pyarrow.parquet", "pyarrow", path), library("pyarrow", "pyarrow", path)
    try:
        with pq.ParquetFile(path) as file:
            names = [name for name in file.schema_arrow.names if not _INDEX.fullmatch(name)]
            words = [
                field.name for field in file.schema_arrow if _is_text(pa, field.type) and field.name in names
            ]
            _check(pa, file, names, path, memory_mb)
        with pq.ParquetFile(path, read_dictionary=words) as file:
            table = _table(pa, file, names, path, memory_mb)
        frame = table.to_pandas(
            ignore_metadata=True, date_as_object=True, timestamp_as_object=True, types_mapper=_mapper(pa)
        )
    except (pa.ArrowException, OSError, ValueError, TypeError, NotImplementedError, OverflowError) as error:
        raise DataError(f"{path} cannot be read as Parquet ({short(error, 100)}).") from error
    frame.columns = named(names, path)
    known = dict(zip(names, frame.columns, strict=True))
    return Frame(str(path), frame, words=frozenset(known[name] for name in words), format="Parquet")


def _check(pa: Any, file: Any, names: list[str], path: Path, memory_mb: int) -> None:
    """Refuse what cannot be a table of cells, or is too large, by what the file says of itself."""
    if not names:
        raise DataError(f"{path} holds no table.")
    for name in names:
        kind = file.schema_arrow.field(name).type
        if not (_is_text(pa, kind) or _is_value(pa, kind)):
            raise DataError(
                f"{path} has column '{short(name)}' of type {short(kind)}, which is not a number, word or date. Leave "
                "it out of the file."
            )
    meta = file.metadata
    groups = sum(meta.row_group(place).total_byte_size for place in range(meta.num_row_groups))
    megabytes = (max(groups, 0) + CELL_BYTES * meta.num_rows * len(names)) / 1e6
    if megabytes > memory_mb:
        raise _too_large(path, megabytes, memory_mb)


def _too_large(path: Path, megabytes: float, memory_mb: int) -> DataError:
    return DataError(
        f"{path} holds a table that needs about {megabytes:,.0f} MB; memory_mb={memory_mb} allows less. Raise "
        "memory_mb, or use a smaller file."
    )


def _table(pa: Any, file: Any, names: list[str], path: Path, memory_mb: int) -> Any:
    """Read a few rows at a time, for what the file says of its size may be wrong."""
    parts, size = [], 0
    for batch in file.iter_batches(batch_size=ROWS_AT_A_TIME, columns=names, use_threads=False):
        size += batch.nbytes + CELL_BYTES * batch.num_rows * batch.num_columns
        if size > memory_mb * 1e6:
            raise _too_large(path, size / 1e6, memory_mb)
        parts.append(batch)
    if not parts:
        raise DataError(f"{path} holds no rows.")
    table = pa.Table.from_batches(parts).select(names)
    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(pa.float64()))
        elif pa.types.is_timestamp(field.type) and field.type.tz is not None:
            plain = table.column(place).cast(pa.timestamp(field.type.unit))
            table = table.set_column(place, field.name, plain)
    return table


def _is_text(pa: Any, kind: Any) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(
        pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner)
    )


def _is_value(pa: Any, kind: Any) -> bool:
    checks = ("integer", "floating", "boolean", "date", "timestamp", "decimal", "null")
    return any(getattr(pa.types, f"is_{check}")(kind) for check in checks)


def _mapper(pa: Any) -> Any:
    """Return what keeps whole numbers whole though some cells be empty."""
    import pandas as pd

    kinds = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    types = {
        getattr(pa, kind)(): getattr(pd, f"{kind.replace('u', 'U').replace('int', 'Int')}Dtype")()
        for kind in kinds
    }
    return lambda kind: types.get(kind)
