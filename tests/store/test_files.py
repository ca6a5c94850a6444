"""Files are whole or not there, one by one and together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlexp.errors import NotWritten
from mlexp.store import files


def test_files_written_at_once_appear_together_at_the_end(tmp_path: Path) -> None:
    with files.at_once():
        files.write_json(tmp_path / "a.json", {"x": float("nan")})
        files.write_table(tmp_path / "tables" / "b.csv", {"c": [1, 2.5]})
        assert not (tmp_path / "a.json").exists()
    assert (tmp_path / "a.json").read_text() == '{\n  "x": null\n}\n'
    assert (tmp_path / "tables" / "b.csv").read_text() == "c\n1\n2.5\n"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.json", "b.csv", "tables"]


def test_none_appears_if_one_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("older")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotWritten, match=r"a\.txt cannot be written: No space left"), files.at_once():  # noqa: PT012
        files.write_bytes(tmp_path / "a.txt", b"new")
        files.write_bytes(tmp_path / "b.txt", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "older"
