"""The recipe for a reader, followed with toys: a module in data/readers, and its row in config/readers.py."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.running import run

from mlexp import cli
from mlexp.config import schema
from mlexp.config.readers import READERS, Reader, suffixes
from mlexp.data import readers
from mlexp.data.dataset import Dataset, Raw, assemble
from mlexp.data.table import Frame, Source
from mlexp.errors import ConfigError, DataError


def load(wanted: schema.Dataset, data_dir: str | None = None, memory_mb: int = 0) -> Dataset:
    """Read rows of one whole number a line; the label is its parity."""
    text = Path(str(wanted.path)).read_text()
    if "x" in text:
        raise DataError(f"{wanted.path} must hold whole numbers. Correct it.")
    numbers = np.array(text.split(), np.int64)
    raw = Raw(np.column_stack([numbers, numbers % 2]), numbers % 2)
    return assemble(wanted, raw, where=str(wanted.path), source="a toy")


def read(path: Path, wanted: schema.Dataset, memory_mb: int) -> Source:
    """Read a table with a column for each letter of the file."""
    letters = path.read_text().split()
    return Frame(str(path), pd.DataFrame({"a": np.arange(len(letters)) % 7, "label": letters}), format="toy")


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, "parity", Reader({"path": "name a file of whole numbers"}))
    monkeypatch.setitem(sys.modules, "mlexp.data.readers.parity", SimpleNamespace(load=load))  # type: ignore[arg-type]
    monkeypatch.setitem(READERS, "letters", Reader({"path": "name a file"}, True, (".letters",)))
    monkeypatch.setitem(sys.modules, "mlexp.data.readers.letters", SimpleNamespace(read=read))  # type: ignore[arg-type]


def words(path: Path, reader: str = "parity") -> list[str]:
    return [
        "dataset=npz",
        f"dataset.reader={reader}",
        f"dataset.path={path}",
        "model.epochs=2",
        "figures=false",
    ]


@pytest.mark.usefixtures("toys")
def test_a_data_set_of_a_new_reader_is_trained_on(tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    file.write_text(" ".join(map(str, range(60))))
    done = run(tmp_path, *words(file))
    assert done.info["status"] == "completed"
    assert done.info["dataset"]["classes"] == ["0", "1"]


@pytest.mark.usefixtures("toys")
def test_a_file_of_a_new_kind_is_read_by_its_suffix_and_by_the_readers_name(tmp_path: Path) -> None:
    for name, reader in (("own.letters", "csv"), ("own", "letters")):
        (tmp_path / name).write_text("u v " * 30)
        dataset = readers.load(name="own", reader=reader, path=str(tmp_path / name))
        assert (dataset.classes, dataset.feature_names) == (("u", "v"), ("a",))


@pytest.mark.usefixtures("toys")
def test_mistakes_of_a_new_reader_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong").write_text("1 x 2")
    outputs = f"outputs={tmp_path}/out"
    mistakes: dict[int, list[list[str]]] = {
        ConfigError.exit_code: [
            ["dataset=npz", "dataset.reader=parity", outputs],
            ["dataset.reader=partiy", outputs],
            ["dataset.reader=parity", "dataset.ignore=[a]", outputs],
        ],
        DataError.exit_code: [
            [*words(tmp_path / "wrong"), outputs],
            [*words(tmp_path / "away", "letters"), outputs],
        ],
    }
    for code, commands in mistakes.items():
        for command in commands:
            assert cli.main(command) == code, command
            (line,) = capsys.readouterr().err.strip().splitlines()
            assert "dataset." in line or "wrong" in line


def test_every_reader_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "keys", "dataset.reader"]) == 0
    assert set(READERS) <= set(re.findall(r"\w+", capsys.readouterr().out))


def test_each_row_has_its_module_and_each_module_its_row() -> None:
    folder = Path(readers.__file__).parent
    modules = {
        path.stem: ast.parse(path.read_text()) for path in folder.glob("*.py") if path.stem != "__init__"
    }
    assert set(modules) == set(READERS)
    for name, module in modules.items():
        functions = {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
        assert ("read" if READERS[name].suffixes else "load") in functions


def test_needed_keys_exist_and_no_suffix_has_two_readers() -> None:
    declared: dict[str, Any] = schema.declared(schema.Dataset)
    for row in READERS.values():
        assert set(row.needs) <= set(declared)
    assert len(set(suffixes())) == len(suffixes())
    assert not set(suffixes()) & set(readers.NOT_READ)
