"""How a text file with a table is written: its encoding, what parts its cells, and whether a header line is there."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from mlexp.config.names import DELIMITERS, QUOTES
from mlexp.data.columns import as_number, listed, short
from mlexp.errors import DataError

LIKELIEST = (
    "\t",
    ";",
    "|",
    ",",
    " ",
)  # where several part every line alike: few files hold these in their cells
LOOKED_AT = 100  # records from which the delimiter is found
BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_LINE_END = re.compile(r"\s*[\r\n]+\s*")
_SEPARATOR_LINE = re.compile(rb"sep=(.)\r?\n", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How a table is written; what is "auto" is found in the file.

    Attributes
    ----------
    delimiter, quote : one character each; "" for no quotes; " " for one blank or more
    encoding : name of a codec
    header : "true" or "false": whether the first record names the columns
    """

    delimiter: str = "auto"
    quote: str = "auto"
    encoding: str = "auto"
    header: str = "auto"

    @property
    def meaning(self) -> str:
        """The dialect in words."""
        words = {sign: word for word, sign in (DELIMITERS | QUOTES).items()}
        quote = "" if self.quote == '"' else f", quotes {words.get(self.quote, self.quote)}"
        header = "" if self.header == "true" else ", no header line"
        return (
            f"delimiter {words.get(self.delimiter, self.delimiter)}, encoding {self.encoding}{quote}{header}"
        )

    @property
    def is_usual(self) -> bool:
        """Whether there is nothing to say of it."""
        return (self.delimiter, self.quote, self.encoding, self.header) == (",", '"', "utf-8", "true")


def decoded(data: bytes, encoding: str, path: Path) -> tuple[bytes, str]:
    """Return text as UTF-8 without a byte order mark, and the encoding that it had."""
    bom, name = next(((bom, name) for bom, name in BOMS if data.startswith(bom)), (b"", ""))
    if encoding == "auto":
        encoding = name or _encoding(data)
    if encoding == "utf-8" or (bom == codecs.BOM_UTF8 and codecs.lookup(encoding).name == "utf-8"):
        data = data.removeprefix(codecs.BOM_UTF8)
        encoding = "utf-8"
    if encoding == "utf-8" and data.isascii() and b"\0" not in data:
        return data, encoding
    try:
        text = data.decode(encoding)
    except (UnicodeError, LookupError) as error:
        raise DataError(
            f"{path} is not text in {encoding} ({short(getattr(error, 'reason', error))}). Name the right encoding, "
            "such as dataset.encoding=latin-1."
        ) from error
    if "\0" in text:
        raise DataError(
            f"{path} is not text: it holds zero bytes. A table must be a text file, such as CSV in UTF-8."
        )
    return (data if encoding == "utf-8" else text.encode("utf-8", "replace")), encoding


def _encoding(data: bytes) -> str:
    """Return UTF-8 for what is valid in it, UTF-16 where every other byte is 0, else Western European."""
    start = data[:1000]
    for name, offset in (("utf-16-le", 1), ("utf-16-be", 0)):
        if len(start) > 3 and start[offset::2].count(0) > 0.8 * (len(start) // 2):
            return name
    try:
        if not data.isascii():
            data.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1" if set(data) & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else "cp1252"
    return "utf-8"


def recognised(data: bytes, wanted: Dialect, path: Path) -> tuple[Dialect, int]:
    """Return the dialect of a text in UTF-8 and how many bytes stand before its first record.

    Excel's own first line ``sep=;`` names the delimiter and is not a record.
    """
    found = _SEPARATOR_LINE.match(data)
    if found and wanted.delimiter == "auto":
        wanted = replace(wanted, delimiter=found[1].decode("utf-8", "replace"))
    skipped = found.end() if found else 0
    data = data[skipped : skipped + (1 << 22)] if skipped else data
    quote = '"' if wanted.quote == "auto" else wanted.quote
    dialect = replace(wanted, quote=quote)
    if dialect.delimiter == "auto":
        dialect = replace(dialect, delimiter=_delimiter(data, dialect, path))
    first = list(islice(records(data, dialect, path), LOOKED_AT))
    if not first or not any(cell.strip() for cell in first[0]):
        raise DataError(
            f"{path} is empty or begins with an empty line. The first line must name the columns."
        )
    if dialect.header == "auto":
        dialect = replace(dialect, header=_header(first, path))
    return dialect, skipped


def records(data: bytes, dialect: Dialect, path: Path) -> Iterator[list[str]]:
    """Yield the records of a text, as far as they are asked for; blank lines are none."""
    lines = io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")
    if dialect.delimiter == " ":
        yield from (line.split() for line in lines if line.strip())
        return
    how = {"quotechar": dialect.quote} if dialect.quote else {"quoting": csv.QUOTE_NONE}
    try:
        for record in csv.reader(lines, delimiter=dialect.delimiter, skipinitialspace=True, **how):
            if record:
                yield record
    except csv.Error as error:
        raise DataError(
            f"{path} is not a table in this form ({short(error)}): a quote is not closed, or a cell is longer than "
            f"{csv.field_size_limit():,} characters. Correct it, or set dataset.quote=none."
        ) from error


def _delimiter(data: bytes, dialect: Dialect, path: Path) -> str:
    """Return what parts the first record, and the others into as many cells; a comma where nothing does."""
    scores = {}
    for sign in LIKELIEST:
        counts = _widths(data, replace(dialect, delimiter=sign), path)
        if counts and counts[0] > 1:
            alike = sum(count == counts[0] for count in counts) / len(counts)
            if sign != " " or (alike == 1 and len(counts) > 1):
                scores[sign] = alike
    return max(scores, key=lambda sign: (scores[sign], -LIKELIEST.index(sign))) if scores else ","


def _widths(data: bytes, dialect: Dialect, path: Path) -> list[int]:
    widths: list[int] = []
    with suppress(DataError):  # a quote that is not closed with this delimiter may be with another
        widths += (len(record) for record in islice(records(data, dialect, path), LOOKED_AT))
    return widths


def _header(first: Sequence[Sequence[str]], path: Path) -> str:
    """Return "true", for the first record names the columns; refuse one that holds values."""
    names = [name.strip() for name in first[0]]
    for place, name in enumerate(names):
        number = as_number(name)
        if number is not None and number not in (place, place + 1):
            raise headerless(path, f"its first line holds numbers ({listed(names, 4)})")
    return "true"


def headerless(path: Path | str, why: str) -> DataError:
    """Return the error for a first record that looks like a row."""
    return DataError(
        f"{path} seems to have no header line: {why}. Set dataset.header=false, which names the columns x1, x2 ...; or "
        "dataset.header=true if these are names."
    )


def column_names(first: Sequence[str], dialect: Dialect, path: Path) -> list[str]:
    """Return the names of the columns, without blanks around them and on one line.

    A column without a name is called ``Unnamed: 0`` by its position, as pandas calls it.

    Raises
    ------
    DataError
        Two columns of one name.
    """
    if dialect.header == "false":
        return [f"x{place + 1}" for place in range(len(first))]
    return named(first, path)


def named(first: Sequence[str], path: Path) -> list[str]:
    """Return names of columns as `column_names` does, from what stands above them."""
    names = [_LINE_END.sub(" ", name.strip()) or f"Unnamed: {place}" for place, name in enumerate(first)]
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(
                f"{path} has two columns named '{short(name)}'. Every column needs a name of its own."
            )
        seen.add(name)
    return names
