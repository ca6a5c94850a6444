"""The readers of data sets: one row each, by the name that dataset.reader takes.

The reader itself is the module of this name in data/readers. One with `suffixes` reads files with a table and has
``read(path, wanted, memory_mb) -> Source``; any other has ``load(wanted, data_dir, memory_mb) -> Dataset``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reader:
    """What is known of a reader before it is imported.

    Attributes
    ----------
    needs : key of the node `dataset` that must be set -> what it must do
    has_columns : whether the rows come with named columns, so that the keys of tables apply
    suffixes : endings of the files that it reads, where it reads files with a table
    module : dotted name of the module that reads; `mlexp.data.readers.NAME` unless it is somebody else's
    """

    needs: Mapping[str, str] = field(default_factory=dict)
    has_columns: bool = False
    suffixes: tuple[str, ...] = ()
    module: str = ""


def _of_files(*suffixes: str) -> Reader:
    return Reader({"path": "name a file with a table"}, has_columns=True, suffixes=suffixes)


READERS = {
    "published": Reader(),
    "idx": Reader({"path": "name a folder of idx files or a file of images"}),
    "csv": _of_files(
        ".csv", ".tsv", ".tab", ".txt", ".dat", ".data"
    ),  # or a file of another row, by its suffix
    "json_lines": _of_files(".jsonl", ".ndjson", ".json"),
    "arff": _of_files(".arff"),
    "parquet": _of_files(".parquet", ".pq"),
    "excel": _of_files(".xlsx", ".xlsm"),
    "folder": Reader({"path": "name a folder of images"}),
    "npz": Reader({"path": "name an .npz file with arrays X and y"}),
    "memory": Reader(has_columns=True),
    "sklearn": Reader(),
    "synthetic": Reader(),
    "openml": Reader({"openml_id": "be the number of a data set at OpenML"}, has_columns=True),
    "none": Reader(),
    "points": Reader({"points": "hold rows [x1, x2, ..., class]"}),
}


def suffixes() -> tuple[str, ...]:
    """Return the endings of all files that are read as tables."""
    return tuple(suffix for reader in READERS.values() for suffix in reader.suffixes)
