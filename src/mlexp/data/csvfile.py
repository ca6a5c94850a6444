"""CSV files with a header line, plain or packed."""

from __future__ import annotations

import csv
import io
import warnings
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mlexp import schema
from mlexp.data.assemble import Raw, assemble
from mlexp.data.dataset import Dataset
from mlexp.data.packed import CURE, existing, is_packed, unpacked
from mlexp.data.tables import group_codes, label_column, separate
from mlexp.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def load(wanted: schema.Dataset, data_dir: str | None = None) -> Dataset:
    """Load a CSV file of one's own, with `test_path` a second one of the same columns.

    The label column is found as `label_column` says; string labels become classes in sorted order.
    Rows in messages are counted from 1 after the header line.
    """
    path = existing(wanted.path, key="dataset.path", what="a CSV file with a header line")
    frame = read(path)
    columns = list(frame.columns)
    label = label_column(columns, wanted.label, str(path))
    groups = group_codes(frame, wanted.groups, label, str(path))
    if wanted.groups is not None:
        columns.remove(wanted.groups)
        frame = frame[columns]
    train, test = separate(frame, label, str(path)), None
    del frame  # a wide table and its copy are large enough without the next one
    if wanted.test_path is not None:
        other = existing(wanted.test_path, key="dataset.test_path", what="a CSV file with the same columns")
        test = _test_part(read(other), columns, label, str(other), train.categories)
    dataset = assemble(
        wanted,
        train,
        test,
        feature_names=[name for name in columns if name != label],
        target=label,
        may_be_empty=True,
        where=str(path),
        source="a CSV file",
    )
    return replace(dataset, groups=groups)


def _test_part(
    frame: pd.DataFrame, columns: list[str], label: str, where: str, known: dict[int, tuple[str, ...]]
) -> Raw:
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise DataError(
            f"{where} must have the columns of the training file. Missing: {', '.join(missing[:10])}."
        )
    return separate(frame[columns], label, where, known)


def read(path: Path) -> pd.DataFrame:
    """Read a CSV file into a table, as pandas infers the types of its columns.

    Parameters
    ----------
    path : Path
        UTF-8, commas, one header line; packed files are unpacked in memory.

    Raises
    ------
    DataError
        Empty, no text, columns without a name or with the same name, no header line, rows of other lengths.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder. dataset.path must name a CSV file in it.")
    with unpacked(path) as stream:
        # pandas hides why a stream failed, so a packed file is unpacked before it sees it.
        text: IO[bytes] = io.BytesIO(stream.read()) if is_packed(path) else stream
        _check_header(_header(text, path), path)
        text.seek(0)
        return _parse(text, path)


def _header(text: IO[bytes], path: Path) -> list[str]:
    try:
        line = text.readline().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no UTF-8 text ({error.reason}). Save it as CSV in UTF-8.") from error
    if not line.strip():
        raise DataError(
            f"{path} is empty or begins with an empty line. The first line must name the columns."
        )
    return next(csv.reader([line]))


def _check_header(names: list[str], path: Path) -> None:
    if len(names) < 2:
        raise DataError(
            f"{path} must have two columns or more, separated by commas. Its first line is {names[0][:60]!r}."
        )
    if any(_is_fraction(name) for name in names):
        raise DataError(
            f"{path} has no header line: its first line holds numbers ({', '.join(names[:4])}). Add one."
        )
    if "" in (stripped := [name.strip() for name in names]):
        raise DataError(
            f"{path} has no name for column {stripped.index('') + 1}. Name it, or leave it out if it only counts the "
            "rows (pandas: to_csv(..., index=False))."
        )
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise DataError(f"{path} has two columns named '{twice}'. Every column needs a name of its own.")


def _is_fraction(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return "." in name


def _parse(text: IO[bytes], path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(text, index_col=False, encoding="utf-8-sig", low_memory=False)
    except pd.errors.ParserWarning as error:
        raise DataError(
            f"{path} has rows with more cells than its header line has names. Correct it."
        ) from error
    except pd.errors.ParserError as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise DataError(
            f"{path} has a row that does not fit the header line ({reason}). Correct it."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is no UTF-8 text ({error.reason}). Save it as CSV in UTF-8. {CURE}"
        ) from error
