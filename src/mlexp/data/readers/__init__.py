"""Readers of data sets, one a module; what each needs stands in `mlexp.config.readers`."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from mlexp.config import schema
from mlexp.config.readers import READERS
from mlexp.data.dataset import Dataset
from mlexp.data.packed import PACKED, check_regular, existing
from mlexp.data.pictured import as_images, with_class_names
from mlexp.data.roles import NO_LABEL
from mlexp.data.rows import MEMORY_MB
from mlexp.data.split import limited
from mlexp.data.table import Source, assembled
from mlexp.errors import ConfigError, DataError, did_you_mean

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


def load(data_dir: str | None = None, memory_mb: int = MEMORY_MB, **keys: Any) -> Dataset:
    """Load the data set that the configuration's node `dataset` describes.

    Parameters
    ----------
    data_dir : str or None, default None
        Folder with data sets; None: the environment variable MLEXP_DATA_DIR.
    memory_mb : int, default 4000
        Refuse files of one's own that would need more megabytes than this.
    **keys
        The keys of `mlexp.config.schema.Dataset`, with its defaults: name, reader, path, label, target and so on.

    Returns
    -------
    Dataset

    Raises
    ------
    ConfigError
        A key does not fit the reader.
    DataError
        A file is missing, damaged, or holds what cannot be learnt from.
    """
    wanted = schema.Dataset(**keys)
    reader = READERS.get(wanted.reader)
    if reader is None:
        raise ConfigError(
            f"dataset.reader must be one of {', '.join(READERS)}. "
            f"Got {wanted.reader!r}.{did_you_mean(wanted.reader, READERS)}"
        )
    for key, what in reader.needs.items():
        if (value := getattr(wanted, key)) in (None, []):
            got = "null" if value is None else "none"
            raise ConfigError(f"dataset.{key} must {what}. Got {got}: add dataset.{key}=... to the command.")
    if reader.suffixes:
        dataset = _load_table(wanted, memory_mb)
    else:
        dataset = _module(wanted.reader).load(wanted, data_dir, memory_mb)
    if wanted.image_shape and wanted.reader != "folder":
        dataset = as_images(dataset, wanted.image_shape)
    if wanted.class_names:
        dataset = with_class_names(dataset, wanted.class_names)
    return limited(dataset, wanted.limit, seed=wanted.seed)


def _module(reader: str) -> Any:
    return import_module(READERS[reader].module or f"mlexp.data.readers.{reader}")


def _load_table(wanted: schema.Dataset, memory_mb: int) -> Dataset:
    """Load a file with a table, with `test_path` a second one of the same columns.

    The label column is found as `label_column` says; labels become classes in sorted order. What each column
    holds is decided on the first file. Rows in messages are counted from 1 after the header line.
    """
    path = existing(str(wanted.path), key="dataset.path", what="a file with a table")
    other = None
    if wanted.test_path is not None:
        other = existing(wanted.test_path, key="dataset.test_path", what="a table with the same columns")
    main = opened(path, wanted, memory_mb)
    if wanted.image_shape and wanted.label is None and len(main.names) == math.prod(wanted.image_shape):
        wanted = replace(wanted, label=NO_LABEL)  # all columns are pixels
    test = None if other is None else partial(opened, other, wanted, memory_mb)
    return assembled(wanted, main, test, source=f"a file of the user's ({main.format})")


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


def opened(path: Path, wanted: schema.Dataset, memory_mb: int = MEMORY_MB) -> Source:
    """Open a file with a table.

    Parameters
    ----------
    path : Path
        With dataset.reader=csv its suffix says what it is; files with a suffix of no row of `READERS` are text.
    wanted : schema.Dataset
        What is known of how it is written.
    memory_mb : int
        Refuse a file whose table would need more megabytes than this.

    Raises
    ------
    DataError
        A damaged or too large file, one of a kind that is not read, or a library that is not installed.
    """
    kind, reader = suffix(path), wanted.reader
    if reader == "csv" or not READERS[reader].suffixes:
        if kind in NOT_READ:
            raise DataError(f"{path} is a {kind} file, which mlexp does not read. {NOT_READ[kind]}.")
        reader = next((name for name, row in READERS.items() if kind in row.suffixes), "csv")
    if path.is_dir():
        raise DataError(f"{path} is a folder. dataset.path must name a file with a table.")
    check_regular(path)
    source: Source = _module(reader).read(path, wanted, memory_mb)
    return source
