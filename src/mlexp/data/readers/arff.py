"""ARFF files (Weka), through SciPy."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlexp.config import schema
from mlexp.data.columns import short
from mlexp.data.packed import bounded
from mlexp.data.sniff import decoded, named
from mlexp.data.table import Frame
from mlexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def read(path: Path, wanted: schema.Dataset, memory_mb: int) -> Frame:
    """Read an ARFF file (Weka), dense, with numeric, nominal and date attributes."""
    import pandas as pd
    from scipy.io.arff import loadarff

    data, _ = decoded(bounded(path, memory_mb // 4), "auto", path)
    try:
        records, meta = loadarff(io.StringIO(_ascii(data.decode("utf-8"))))
        names, kinds = meta.names(), meta.types()
        cells = [_column(records[name], kind) for name, kind in zip(names, kinds, strict=True)]
    except Exception as error:  # its parser lets many kinds of error through
        raise DataError(
            f"{path} cannot be read as ARFF ({short(error, 100) or type(error).__name__})."
        ) from error
    frame = pd.DataFrame(dict(enumerate(cells)))
    frame.columns = pd.Index(named([_letters(name) for name in names], path))
    words = frozenset(
        name for name, kind in zip(frame.columns, kinds, strict=True) if kind in ("nominal", "string")
    )
    return Frame(str(path), frame, words=words, format="ARFF")


def _column(cells: np.ndarray, kind: str) -> pd.Series:
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
