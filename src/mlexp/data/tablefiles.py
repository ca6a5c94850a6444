"""Files with a table, by their suffix: text, JSON lines, ARFF, Parquet, Excel.

Cells keep the type that a file gives them: numbers are numbers, text is words though it looks like numbers. What a
file leaves open (a column of numbers and text) is decided as in text files. None of these readers unpickles or
fetches anything.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.config import schema
from mlexp.data import table as tabular
from mlexp.data.columns import short
from mlexp.data.dataset import Dataset
from mlexp.data.packed import PACKED, bounded, check_regular, existing
from mlexp.data.readers import csv as csvfile
from mlexp.data.readers import excel, parquet
from mlexp.data.sniff import decoded, named
from mlexp.data.typed import CELL_BYTES, typed_frame
from mlexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TEXT = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data")
NOT_READ = {
    ".xls": "Save it as .xlsx", ".xlsb": "Save it as .xlsx", ".ods": "Save it as .xlsx or CSV",
    ".feather": "Save it as Parquet or CSV", ".arrow": "Save it as Parquet or CSV", ".orc": "Save it as Parquet or CSV",
    ".pkl": "Files of Python objects may run code: save it as Parquet or CSV",
    ".pickle": "Files of Python objects may run code: save it as Parquet or CSV",
    ".joblib": "Files of Python objects may run code: save it as Parquet or CSV",
    ".h5": "Save it as Parquet, CSV or npz", ".hdf5": "Save it as Parquet, CSV or npz",
    ".sav": "Save it as CSV", ".dta": "Save it as CSV", ".sas7bdat": "Save it as CSV", ".rds": "Save it as CSV",
    ".rdata": "Save it as CSV", ".mat": "Save its arrays as npz or CSV",
}  # fmt: skip


def suffix(path: Path) -> str:
    """Return what a file is by its name, without what it is packed by.

    Examples
    --------
    >>> suffix(Path("a.JSONL.xz")), suffix(Path("a.parquet")), suffix(Path("a.gz"))
    ('.jsonl', '.parquet', '')
    """
    kinds = [kind.lower() for kind in path.suffixes]
    if kinds and kinds[-1] in PACKED:
        kinds.pop()
    return kinds[-1] if kinds else ""


def is_table(path: Path) -> bool:
    """Return whether a file is a table by its name."""
    return suffix(path) in TEXT or suffix(path) in READERS


def opened(path: Path, wanted: schema.Dataset, memory_mb: int = csvfile.MEMORY_MB) -> tabular.Source:
    """Open a file with a table.

    Parameters
    ----------
    path : Path
        Its suffix says what it is; files that are none of `READERS` are text.
    wanted : schema.Dataset
        What is known of how it is written.
    memory_mb : int
        Refuse a file whose table would need more megabytes than this.

    Raises
    ------
    DataError
        A damaged or too large file, one of a kind that is not read, or a library that is not installed.
    """
    kind = suffix(path)
    if kind in NOT_READ:
        raise DataError(f"{path} is a {kind} file, which mlexp does not read. {NOT_READ[kind]}.")
    if kind not in READERS:
        return csvfile.opened(path, csvfile.dialect_of(wanted), memory_mb)
    if path.is_dir():
        raise DataError(f"{path} is a folder. dataset.path must name a file with a table.")
    check_regular(path)
    return READERS[kind](path, wanted, memory_mb)


def load(wanted: schema.Dataset, data_dir: str | None = None, memory_mb: int = csvfile.MEMORY_MB) -> Dataset:
    """Load a file with a table of one's own, with `test_path` a second one of the same columns.

    The label column is found as `label_column` says; labels become classes in sorted order. What each column
    holds is decided on the first file. Rows in messages are counted from 1 after the header line.
    """
    path = existing(wanted.path, key="dataset.path", what="a file with a table")
    other = None
    if wanted.test_path is not None:
        other = existing(wanted.test_path, key="dataset.test_path", what="a table with the same columns")
    main = opened(path, wanted, memory_mb)
    test = None if other is None else partial(opened, other, wanted, memory_mb)
    return tabular.assembled(wanted, main, test, source=f"a file of the user's ({main.format})")


def json_lines(path: Path, wanted: schema.Dataset, memory_mb: int) -> tabular.Frame:
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
    return tabular.Frame(str(path), frame, words=words, format="JSON lines")


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


def arff(path: Path, wanted: schema.Dataset, memory_mb: int) -> tabular.Frame:
    """Read an ARFF file (Weka), dense, with numeric, nominal and date attributes."""
    import pandas as pd
    from scipy.io import arff as theirs

    data, _ = decoded(bounded(path, memory_mb // 4), "auto", path)
    try:
        records, meta = theirs.loadarff(io.StringIO(_ascii(data.decode("utf-8"))))
        names, kinds = meta.names(), meta.types()
        cells = [_arff_column(records[name], kind) for name, kind in zip(names, kinds, strict=True)]
    except Exception as error:  # its parser lets many kinds of error through
        raise DataError(
            f"{path} cannot be read as ARFF ({short(error, 100) or type(error).__name__})."
        ) from error
    frame = pd.DataFrame(dict(enumerate(cells)))
    frame.columns = pd.Index(named([_letters(name) for name in names], path))
    words = frozenset(
        name for name, kind in zip(frame.columns, kinds, strict=True) if kind in ("nominal", "string")
    )
    return tabular.Frame(str(path), frame, words=words, format="ARFF")


def _arff_column(cells: np.ndarray, kind: str) -> pd.Series:
    import pandas as pd

    if kind == "date":
        return pd.Series(pd.to_datetime(cells))
    if kind != "nominal":
        return pd.Series(cells)
    return pd.Series([None if cell == b"?" else _letters(cell.decode()) for cell in cells], dtype=object)


# SciPy keeps nominal values as ASCII: other letters are written as their numbers while it reads.
def _ascii(text: str) -> str:
    return re.sub(r"[^\x00-\x7f]", lambda found: f"\x01{ord(found[0]):x}\x02", text)


def _letters(text: str) -> str:
    return re.sub(r"\x01([0-9a-f]+)\x02", lambda found: chr(int(found[1], 16)), text)


READERS: dict[str, Callable[[Path, schema.Dataset, int], tabular.Frame]] = {
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".json": json_lines,
    ".arff": arff,
    ".parquet": parquet.read,
    ".pq": parquet.read,
    ".xlsx": excel.read,
    ".xlsm": excel.read,
}
SUFFIXES: Sequence[str] = (*TEXT, *READERS)
