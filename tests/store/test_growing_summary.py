"""The summary of a sweep while it grows: appended, repaired, and the same at the end as if written at once."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from mlexp.store import sweep_folder
from mlexp.store.files import read_table
from mlexp.store.parquet import as_parquet
from mlexp.store.sweep_folder import SweepFolder

DONE = [
    {"number": n, "seed": 9 - n, "status": "completed", "test_accuracy": n / 8, "seconds": 0.5, "problem": ""}
    for n in range(1, 6)
]
FAILED = {
    "number": 3,
    "seed": 6,
    "status": "failed",
    "seconds": "",
    "folder": "",
    "problem": "it, failed\nhere",
}


def folder(path: Path) -> SweepFolder:
    return SweepFolder(path, 0)


def grow(path: Path, rows: list[dict[str, object]], found: list[dict[str, object]] | None = None) -> None:
    growing = folder(path)
    found = [] if found is None else found
    for row in rows:
        found.append(row)
        growing.add_to_summary(row, found)


def test_lines_are_appended_and_the_end_is_as_if_written_at_once(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    rows = [FAILED, DONE[4], DONE[0]]
    grow(tmp_path, rows)
    table = read_table(tmp_path / "summary.csv")
    assert table["number"] == ["3", "5", "1"]
    assert table["test_accuracy"] == ["", "0.625", "0.125"]
    in_order = sorted(rows, key=lambda row: row["number"])
    folder(tmp_path).write_summary(in_order)
    folder(tmp_path / "whole").write_summary(in_order)
    assert (tmp_path / "summary.csv").read_bytes() == (tmp_path / "whole" / "summary.csv").read_bytes()


def test_only_a_new_column_has_the_file_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[Path] = []
    write = sweep_folder.write_table
    monkeypatch.setattr(
        sweep_folder, "write_table", lambda path, table: (times.append(path), write(path, table))
    )
    grow(tmp_path, DONE)
    assert len(times) == 1
    assert read_table(tmp_path / "summary.csv")["number"] == list("12345")


@pytest.mark.parametrize("cut", range(1, 24, 4))
def test_a_line_cut_short_by_a_crash_is_left_out_and_repaired_by_resuming(tmp_path: Path, cut: int) -> None:
    grow(tmp_path, DONE[:3])
    file = tmp_path / "summary.csv"
    file.write_bytes(file.read_bytes()[:-cut])
    assert read_table(file)["number"] == ["1", "2"]
    grow(tmp_path, DONE[3:], DONE[:3])
    assert read_table(file)["number"] == list("12345")


def test_many_jobs_are_also_written_as_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "summary.parquet"
    folder(tmp_path).write_summary(DONE)
    assert not file.exists()
    monkeypatch.setattr(sweep_folder, "MANY", 3)
    folder(tmp_path).write_summary([*DONE[:2], FAILED])
    found = parquet.read_table(file).to_pydict()
    assert found["number"] == [1, 2, 3]
    assert found["test_accuracy"] == [0.125, 0.25, None]
    assert found["problem"] == [None, None, "it, failed\nhere"]
    assert list(found) == list(read_table(tmp_path / "summary.csv"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    folder(tmp_path).write_summary([*DONE[:2], FAILED])
    assert not file.exists()


def test_columns_of_several_types_are_text_in_parquet() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    made = as_parquet(
        {"init": ["he", 0.1, [1, 2]], "rate": [1, 0.5, ""], "on": [True, False, ""], "none": ["", "", None]}
    )
    assert made is not None
    found = parquet.read_table(io.BytesIO(made)).to_pydict()
    assert found == {"init": ["he", "0.1", "[1, 2]"], "rate": [1.0, 0.5, None], "on": [True, False, None],
                     "none": [None] * 3}  # fmt: skip
