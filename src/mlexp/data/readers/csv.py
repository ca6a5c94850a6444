"""Text files with a table: CSV and its relatives, plain or packed."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.config import schema
from mlexp.config.names import DELIMITERS, QUOTES
from mlexp.data.cells import CellTable, stripped
from mlexp.data.columns import GAPS, short
from mlexp.data.packed import bounded
from mlexp.data.rows import MEMORY_MB
from mlexp.data.sniff import Dialect, column_names, decoded, recognised, records
from mlexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

GUESSED = ("cp1252", "latin-1")  # every byte is a letter in them, if perhaps not the right one
BYTES_A_CELL = 40  # of the parser's own pointers, the values, and the array made of them


@dataclass(frozen=True, eq=False)
class TextFile:
    """A text file with a table, its header line read.

    Attributes
    ----------
    path : the file
    text : its records in UTF-8
    dialect : how it is written
    names : its columns, in order
    encoding_typed : whether a person named the encoding
    """

    path: Path
    text: bytes = field(repr=False)
    dialect: Dialect
    names: tuple[str, ...]
    encoding_typed: bool = False

    @property
    def where(self) -> str:
        """The file, for messages."""
        return str(self.path)

    @property
    def words(self) -> Sequence[str]:
        """Columns that are words by their type; a text file knows none."""
        return ()

    @property
    def format(self) -> str:
        """What the file is, in words."""
        return "CSV"

    @property
    def written(self) -> str:
        """How the file is written, in words."""
        return self.dialect.meaning

    @property
    def has_header(self) -> bool:
        """Whether the names of the columns stand in the file."""
        return self.dialect.header == "true"

    @property
    def notes(self) -> list[str]:
        """How the file is written, where that is not the usual way."""
        return [] if self.dialect.is_usual else [f"read as: {self.dialect.meaning}"]

    @property
    def warnings(self) -> list[str]:
        """What may be wrong with how the file was read."""
        if self.encoding_typed or self.dialect.encoding not in GUESSED:
            return []
        return [
            f"{self.path.name} is not UTF-8 text and was read as {self.dialect.encoding}. If characters look wrong, "
            "name the encoding: dataset.encoding=NAME."
        ]

    def table(self, as_text: Collection[str] = (), missing: Sequence[str] = ()) -> CellTable:
        """Return the cells of all columns.

        Parameters
        ----------
        as_text : names of columns
            Their cells come as text; those of another column do unless all of them are plain numbers or empty.
        missing : sequence of str, default ()
            Further words for an empty cell.

        Raises
        ------
        DataError
            No rows, or rows of other lengths than the header line.
        """
        gaps = [*GAPS, *missing]
        own = {name: object for name in self.names if name in as_text}
        frame = self._parsed(dtype=own, keep_default_na=False, na_values=gaps)
        if not len(frame):
            raise DataError(f"{self.path} holds a header line but no rows.")
        numeric = [place for place, dtype in enumerate(frame.dtypes) if dtype.kind in "iuf"]
        block = frame.iloc[:, numeric].to_numpy(np.float64)
        filled = ~np.isnan(block).all(axis=0)  # gaps alone may be words
        places = zip(numeric, range(len(numeric)), filled.tolist(), strict=True)
        numbers = {self.names[place]: block[:, column] for place, column, known in places if known}
        cells = {name: stripped(frame[name].to_numpy()) for name in own if not frame[name].hasnans}
        texts = [name for name in self.names if name not in numbers and name not in cells]
        if texts:  # the parser took some of their words for gaps, or gave them another meaning
            frame = self._parsed(usecols=texts, dtype=object, na_filter=False)
            cells |= {name: stripped(frame[name].to_numpy()) for name in texts}
        return CellTable(len(frame), numbers, cells)

    def _parsed(self, **how: Any) -> pd.DataFrame:
        import pandas as pd

        dialect = self.dialect
        quotes: dict[str, Any] = (
            {"quotechar": dialect.quote} if dialect.quote else {"quoting": csv.QUOTE_NONE}
        )
        header = 0 if dialect.header == "true" else None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)
                frame: pd.DataFrame = pd.read_csv(
                    io.BytesIO(self.text),
                    sep=r"\s+" if dialect.delimiter == " " else dialect.delimiter,
                    header=header,
                    names=list(self.names),
                    index_col=False,
                    encoding="utf-8",
                    skipinitialspace=True,
                    low_memory=False,
                    **quotes,
                    **exact(),
                    **how,
                )
                return frame
        except pd.errors.ParserWarning as error:
            raise DataError(
                f"{self.path} has rows with more cells than its header line has names. Correct it."
            ) from error
        except (pd.errors.ParserError, OverflowError) as error:
            reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
            raise DataError(
                f"{self.path} has a row that does not fit the header line ({short(reason, 100)}). Correct it, or name "
                "what separates its cells: dataset.delimiter, dataset.quote."
            ) from error


def exact() -> dict[str, Any]:
    """Return what makes pandas read every number as the nearest float64, which from 3.1 on it does by itself."""
    import pandas as pd

    old = tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1)
    return {"float_precision": "round_trip"} if old else {}


def read(path: Path, wanted: schema.Dataset, memory_mb: int = MEMORY_MB) -> TextFile:
    """Read a text file, find how it is written, and its columns.

    Parameters
    ----------
    path : Path
        Plain or packed.
    wanted : schema.Dataset
        What is known of how it is written; "auto" is found.
    memory_mb : int
        Refuse a file whose table would need more megabytes than this.

    Raises
    ------
    DataError
        Empty, no text, too large, no header line, or two columns of one name.
    """
    dialect = Dialect(
        DELIMITERS.get(wanted.delimiter, wanted.delimiter),
        QUOTES.get(wanted.quote, wanted.quote),
        wanted.encoding,
        str(wanted.header).lower(),
    )
    data, encoding = decoded(bounded(path, memory_mb), dialect.encoding, path)
    found, skipped = recognised(data, replace(dialect, encoding=encoding), path)
    text = data[skipped:]
    _check_memory(text, found, path, memory_mb)
    (first,) = islice(records(text, found, path), 1)
    return TextFile(path, text, found, tuple(column_names(first, found, path)), dialect.encoding != "auto")


def _check_memory(text: bytes, dialect: Dialect, path: Path, memory_mb: int) -> None:
    if len(text) * (2 + BYTES_A_CELL / 2) <= memory_mb * 1e6:  # though every other byte parted two cells
        return
    cells = text.count(dialect.delimiter.encode()) + max(text.count(b"\n"), text.count(b"\r"))
    megabytes = (2 * len(text) + BYTES_A_CELL * cells) / 1e6
    if megabytes > memory_mb:
        raise DataError(
            f"{path} holds about {cells:,} cells in {len(text) / 1e6:,.0f} MB of text, whose table needs about "
            f"{megabytes:,.0f} MB; memory_mb={memory_mb} allows less. Raise memory_mb, or use a smaller file."
        )
