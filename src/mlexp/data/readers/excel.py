"""Tables in Excel workbooks (.xlsx), through openpyxl."""

from __future__ import annotations

import re
import struct
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlexp.config import schema
from mlexp.data.columns import short
from mlexp.data.table import Frame
from mlexp.data.typed import CELL_BYTES, library, typed_frame
from mlexp.errors import DataError, MlexpError, did_you_mean

MOST_ROWS = 1 << 20  # of a sheet
BLOCK = 1 << 20
_ENTITIES = re.compile(rb"<!(DOCTYPE|ENTITY)|<\0!\0(D\0O\0C|E\0N\0T)|\0<\0!\0D\0O|\0<\0!\0E\0N")


def read(path: Path, wanted: schema.Dataset, memory_mb: int) -> Frame:
    """Read one sheet: `wanted.sheet`, else the first that is not hidden.

    Its first row that is not empty names the columns; rows and columns without any cell are left out. Formulas
    count as the values that Excel saved beside them.
    """
    openpyxl = library("openpyxl", "openpyxl", path)
    _check_package(path, memory_mb)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and rules that have no bearing on the cells
            book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
            try:
                sheet = _sheet(book, wanted.sheet, path)
                rows = list(_rows(sheet, path, memory_mb))
            finally:
                book.close()
    except MlexpError:
        raise
    except Exception as error:  # its parser lets many kinds of error through
        raise DataError(
            f"{path} cannot be read as an Excel workbook ({short(error, 100) or type(error).__name__})."
        ) from error
    if not rows:
        raise DataError(
            f"Sheet '{short(sheet.title)}' of {path} is empty. Name another one: dataset.sheet=NAME."
        )
    header, *cells = rows
    width = max(len(row) for row in rows)
    columns = [[row[place] if place < len(row) else None for row in cells] for place in range(width)]
    titles = [header[place] if place < len(header) else None for place in range(width)]
    kept = [
        place
        for place in range(width)
        if titles[place] is not None or any(x is not None for x in columns[place])
    ]
    names = ["" if titles[place] is None else str(titles[place]) for place in kept]
    frame, words = typed_frame(names, [columns[place] for place in kept], path)
    others = len(book.worksheets) - 1
    notes = [f"read from sheet '{short(sheet.title)}', one of {others + 1} (dataset.sheet names another)"]
    return Frame(str(path), frame, True, notes if others else (), words=words, format="Excel")


def _check_package(path: Path, memory_mb: int) -> None:
    """Refuse what is not a workbook, unpacks to more than the memory, or brings definitions of its own."""
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path} is not an Excel workbook of this kind. Save it again as .xlsx.")
    try:
        with zipfile.ZipFile(path) as package:
            entries = package.infolist()
            megabytes = sum(entry.file_size for entry in entries) / 1e6
            if megabytes > memory_mb:
                raise DataError(
                    f"{path} holds {megabytes:,.0f} MB when unpacked; memory_mb={memory_mb} allows no more. Raise "
                    "memory_mb, or use a smaller file."
                )
            for entry in entries:
                if entry.filename.lower().endswith((".xml", ".rels", ".vml")):
                    _check_entities(package, entry, path)
    except (zipfile.BadZipFile, RuntimeError, OSError, ValueError, EOFError, struct.error) as error:
        raise DataError(f"{path} is garbled and cannot be unpacked ({short(error, 100)}).") from error


def _check_entities(package: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    tail = b""
    with package.open(entry) as stream:
        while block := stream.read(BLOCK):
            if _ENTITIES.search(tail + block):
                raise DataError(
                    f"{path} defines entities in its part {short(entry.filename)}, which no Excel file does."
                )
            tail = block[-24:]


def _sheet(book: Any, wanted: str | None, path: Path) -> Any:
    titles = [sheet.title for sheet in book.worksheets]
    if wanted is None:
        shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if not (shown or titles):
            raise DataError(f"{path} holds no sheet with cells.")
        return (shown or book.worksheets)[0]
    if wanted not in titles:
        names = ", ".join(short(title) for title in titles[:10])
        raise DataError(
            f"dataset.sheet must name a sheet of {path} ({names}). Got '{short(wanted)}'.{did_you_mean(wanted, titles)}"
        )
    return book[wanted]


def _rows(sheet: Any, path: Path, memory_mb: int) -> Iterator[list[Any]]:
    """Give the rows that have a cell, without the empty cells at their end."""
    sheet.reset_dimensions()  # what the file says of its size may be wrong, or include formatted empty cells
    n_cells, limit = 0, memory_mb * 1e6 / CELL_BYTES
    for place, row in enumerate(sheet.iter_rows(values_only=True)):
        n_cells += len(row)
        if place > MOST_ROWS or n_cells > limit:
            raise DataError(
                f"Sheet '{short(sheet.title)}' of {path} holds more than {place:,} rows or {int(limit):,} cells; "
                f"memory_mb={memory_mb} allows no more. Raise memory_mb, or use a smaller sheet."
            )
        cells = [None if cell == "" or (isinstance(cell, str) and not cell.strip()) else cell for cell in row]
        while cells and cells[-1] is None:
            cells.pop()
        if cells:
            yield cells
