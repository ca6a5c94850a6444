"""Tables in other files than CSV: the same rows, the same model, the same answers, whatever the file."""

from __future__ import annotations

import bz2
import gzip
import importlib
import json
import lzma
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.running import run

from mlexp import cli
from mlexp.data import packed, readers
from mlexp.data.readers import load
from mlexp.errors import DataError
from mlexp.store.files import read_table

RNG = np.random.default_rng(0)
N = 60
CODE = [["007", "7", "07"][k % 3] for k in range(N)]
FRAME = pd.DataFrame(
    {
        "width": [round(float(x), 3) for x in RNG.normal(5, 2, N)],
        "count": pd.array([None if k == 5 else k % 4 for k in range(N)], dtype="Int64"),
        "code": CODE,
        "day": [date(2024, 1, 1) + timedelta(days=k) for k in range(N)],
        "open": [bool(k % 2) for k in range(N)],
        "kind": [{"007": "a", "7": "b", "07": "c"}[code] for code in CODE],
    }
)


def parquet(path: Path, frame: pd.DataFrame) -> None:
    pytest.importorskip("pyarrow")
    frame.to_parquet(path, index=False)


def excel(path: Path, frame: pd.DataFrame) -> None:
    pytest.importorskip("openpyxl")
    frame.to_excel(path, index=False)


def lines(path: Path, frame: pd.DataFrame) -> None:
    rows = [
        {
            name: None if pd.isna(cell) else (str(cell) if isinstance(cell, date) else cell)
            for name, cell in row.items()
        }
        for row in frame.to_dict("records")
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))


def listed(path: Path, frame: pd.DataFrame) -> None:
    lines(path, frame)
    path.write_text("[" + ",".join(path.read_text().split("\n")) + "]")


def arff(path: Path, frame: pd.DataFrame) -> None:
    own = {"width": "numeric", "count": "numeric", "code": "{007,7,07}", "day": 'date "yyyy-MM-dd"',
           "open": "{True,False}", "kind": "{a,b,c}"}  # fmt: skip
    text = "@relation t\n" + "".join(f"@attribute {name} {own[name]}\n" for name in frame.columns) + "@data\n"
    for row in frame.itertuples(index=False):
        text += ",".join("?" if pd.isna(cell) else f"{cell}" for cell in row) + "\n"
    path.write_text(text)


def packed_csv(pack: Any) -> Any:
    def write(path: Path, frame: pd.DataFrame) -> None:
        path.write_bytes(pack(frame.to_csv(index=False).encode()))

    return write


WRITERS = {
    "t.parquet": parquet, "t.xlsx": excel, "t.jsonl": lines, "t.json": listed, "t.arff": arff,
    "t.csv.bz2": packed_csv(bz2.compress), "t.csv.xz": packed_csv(lzma.compress), "t.csv.gz": packed_csv(gzip.compress),
    "T.CSV.XZ": packed_csv(lzma.compress), "plain.csv": packed_csv(bytes),
}  # fmt: skip
TYPED = ("t.parquet", "t.xlsx", "t.jsonl", "t.json", "t.arff")


@pytest.mark.parametrize("name", WRITERS)
def test_every_file_trains_and_predicts(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    WRITERS[name](path := tmp_path / name, FRAME)
    words = () if name in TYPED else ("dataset.words=[code]",)
    done = run(
        tmp_path, "task=classify", "dataset=csv", f"dataset.path={path}", "model=decision_tree", *words,
        "prepare.one_hot=true", "prepare.impute=mean", "figures=false",
    )  # fmt: skip
    assert done.metrics["test"]["accuracy"] == 1  # 007, 7 and 07 are three words
    data = done.info["dataset"]
    assert data["features"] == ["width", "count", "code", "day", "open"]
    kinds = {column["name"]: column.get("kind", "number") for column in data["table"]["columns"]}
    assert kinds["width"] == kinds["count"] == "number"
    assert (kinds["code"], kinds["day"]) == ("word", "date")
    assert kinds["open"] == ("word" if name == "t.arff" else "boolean")
    assert any("date" in note and "day" in note for note in data["notes"])
    capsys.readouterr()
    out = tmp_path / "out.csv"
    one = FRAME.iloc[[4]]  # 7, alone in its file: a number to every library that infers
    WRITERS[name](alone := tmp_path / f"one-{name}", one)
    for file, n in ((path, N), (alone, 1)):
        assert cli.main(["predict", str(done.path), str(file), "--out", str(out), "--keep", "code"]) == 0
        said = capsys.readouterr()
        assert f"{n} rows with a label ('kind'): accuracy 1.0000" in said.out
        assert "warning" not in said.err
        assert read_table(out)["prediction"] == (FRAME if n > 1 else one)["kind"].tolist()


@pytest.mark.parametrize("name", TYPED)
def test_numbers_are_those_of_pandas(tmp_path: Path, name: str) -> None:
    WRITERS[name](path := tmp_path / name, FRAME)
    data = load(name="t", reader="csv", path=str(path), words=["code"])
    np.testing.assert_allclose(data.X[:, 0], FRAME["width"])
    np.testing.assert_array_equal(data.X[:, 1], FRAME["count"].to_numpy(np.float64, na_value=np.nan))
    days = (pd.to_datetime(FRAME["day"]) - pd.Timestamp("1970-01-01")).dt.days
    np.testing.assert_array_equal(data.X[:, 3], days)
    assert data.categories[2] == ("007", "07", "7")
    assert data.classes == ("a", "b", "c")


def test_one_file_trains_and_another_is_predicted(tmp_path: Path) -> None:
    parquet(train := tmp_path / "t.parquet", FRAME)
    done = run(tmp_path, "task=classify", "dataset=csv", f"dataset.path={train}", f"dataset.test_path={train}",
               "model=decision_tree", "prepare.one_hot=true", "prepare.impute=mean", "figures=false")  # fmt: skip
    for name in WRITERS:
        if name != "t.arff":  # whose truth values are words
            WRITERS[name](path := tmp_path / name, FRAME)
            out = tmp_path / f"{name}.out.csv"
            assert cli.main(["predict", str(done.path), str(path), "--out", str(out)]) == 0
            assert read_table(out)["prediction"] == FRAME["kind"].tolist(), name


@pytest.mark.parametrize(("name", "module", "package"), [("t.parquet", "pyarrow", "pyarrow"),
                                                          ("t.xlsx", "openpyxl", "openpyxl")])  # fmt: skip
def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str,
                                    package: str) -> None:  # fmt: skip
    WRITERS[name](path := tmp_path / name, FRAME)
    real = importlib.import_module

    def without(wanted: str) -> Any:
        if wanted.startswith(module):
            raise ImportError(f"No module named {wanted!r}")
        return real(wanted)

    monkeypatch.setattr(importlib, "import_module", without)
    assert "\n" not in refused(path, f"pip install {package}$")


def refused(path: Path, match: str, memory_mb: int = 4000, **keys: Any) -> str:
    with pytest.raises(DataError, match=match) as caught:
        readers.load(memory_mb=memory_mb, reader="csv", name="t", path=str(path), **keys)
    assert len(str(caught.value)) < 600
    return str(caught.value)


def test_dates_with_times_and_zones(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    when = [datetime(2024, 1, 1, 12, tzinfo=UTC) + timedelta(hours=6 * k) for k in range(30)]
    frame = pd.DataFrame({"when": when, "y": ["a", "b"] * 15})
    frame.to_parquet(path := tmp_path / "z.parquet")
    data = load(name="t", reader="csv", path=str(path))
    np.testing.assert_allclose(data.X[:, 0], [moment.timestamp() / 86400 for moment in when])


def test_index_columns_of_pandas_are_no_features(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    FRAME.set_index(pd.Index(range(100, 100 + N))).sample(frac=1, random_state=0).to_parquet(
        path := tmp_path / "i.parquet"
    )
    assert "width" in load(name="t", reader="csv", path=str(path)).feature_names
    assert not [
        name for name in load(name="t", reader="csv", path=str(path)).feature_names if "index" in name
    ]


def test_large_whole_numbers_are_labels_to_the_digit(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    big = 2**60
    frame = pd.DataFrame({"x": range(20), "y": pd.array([big, big + 1] * 10, dtype="Int64")})
    frame.to_parquet(path := tmp_path / "big.parquet")
    assert load(name="t", reader="csv", path=str(path)).classes == (str(big), str(big + 1))
    lines(path := tmp_path / "big.jsonl", frame)
    assert load(name="t", reader="csv", path=str(path)).classes == (str(big), str(big + 1))


def test_workbooks_as_people_make_them(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    first = book.active
    first.title = "Notes"
    first["B3"] = "a title, not a table"
    sheet = book.create_sheet("Data")
    sheet.append([])
    sheet.append(["width ", None, "mixed", "kind"])
    for k in range(N):
        sheet.append([k / 4, None, "12" if k % 2 else 12, "ab"[k % 2]])
        if k == 30:
            sheet.append([None, None, None, None])
    sheet.cell(5000, 12).fill = openpyxl.styles.PatternFill("solid", fgColor="FFFF00")
    hidden = book.create_sheet("Old", 0)
    hidden.sheet_state = "hidden"
    book.save(path := tmp_path / "book.xlsx")
    refused(path, r"two columns|no rows|no feature|label|one class|header")
    data = load(name="t", reader="csv", path=str(path), sheet="Data")
    assert data.feature_names == ("width", "mixed")
    assert data.n_samples == N
    assert set(data.X[:, 1]) == {12}  # a number, though some cells are text: read as in a text file
    assert any("'Data', one of 3" in note for note in data.notes)
    assert "Did you mean 'Data'" in refused(path, "must name a sheet", sheet="data")


def test_excel_names_its_faults(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["x", "y"], *[[k, "ab"[k % 2]] for k in range(20)], ["#DIV/0!", "a"]):
        book.active.append(row)
    book.save(path := tmp_path / "e.xlsx")
    assert "#DIV/0!" in refused(path, "text in column 'x'")
    book = openpyxl.Workbook()
    book.save(path := tmp_path / "empty.xlsx")
    refused(path, "empty")
    (path := tmp_path / "no.xlsx").write_bytes(b"not a zip")
    refused(path, "not an Excel workbook")
    with zipfile.ZipFile(path := tmp_path / "other.xlsx", "w") as package:
        package.writestr("a.txt", "x")
    refused(path, "cannot be read as an Excel workbook")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_workbook_that_defines_entities_is_refused(tmp_path: Path, encoding: str) -> None:
    pytest.importorskip("openpyxl")
    excel(path := tmp_path / "t.xlsx", FRAME)
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><sst>&a;</sst>'
    with zipfile.ZipFile(path, "w") as package:
        for name, content in parts.items():
            package.writestr(name, bomb.encode(encoding) if name.endswith("sheet1.xml") else content)
    refused(path, "defines entities")


def test_files_are_bounded_by_the_memory(tmp_path: Path) -> None:
    rows = 20_000
    wide = pd.DataFrame({f"c{k}": np.arange(rows) for k in range(20)})
    for name, write in (("a.parquet", parquet), ("a.jsonl", lines)):
        write(path := tmp_path / name, wide)
        refused(path, "memory_mb=10", memory_mb=10)
    excel(path := tmp_path / "a.xlsx", wide.head(3000))
    refused(path, "memory_mb=3", memory_mb=3)
    for name, pack in (("b.csv.xz", lzma.compress), ("b.csv.bz2", bz2.compress)):
        (path := tmp_path / name).write_bytes(pack(b"x,y\n" + b"1,2\n" * 5_000_000))
        assert path.stat().st_size < 20_000
        refused(path, "memory_mb=5", memory_mb=5)


def test_packed_text_is_read_to_its_end(tmp_path: Path) -> None:
    data = b"x,y\n" + b"".join(b"%d,%d\n" % (k, k % 2) for k in range(300_000))
    for name, content in (
        ("two.xz", lzma.compress(data[:1_000_000]) + lzma.compress(data[1_000_000:])), ("one.xz", lzma.compress(data)),
        ("a.bz2", bz2.compress(data)), ("b", lzma.compress(data)), ("c", bz2.compress(data)),
    ):  # fmt: skip
        (path := tmp_path / name).write_bytes(content)
        assert packed.is_packed(path)
        assert packed.bounded(path, 100) == data
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(DataError, match=r"cut short|garbled"):
            packed.bounded(path, 100)


@pytest.mark.parametrize(("name", "content", "match"), [
    ("a.jsonl", '{"x": 1}\n[2]', "line 2|Line 2"),
    ("a.jsonl", '{"x": 1}\n{"x": [1, 2]}', "list in 'x', line 2"),
    ("a.jsonl", '{"x": 1}\n{"x": ', "no JSON in line 2"),
    ("a.json", "[" * 100_000, "no JSON"),
    ("a.json", '{"x": 1, "y": "\\ud800"}\n{"x": 2, "y": "b"}', "half a letter"),
    ("a.jsonl", "", "no table|empty"),
    ("a.arff", "@relation t\n@attribute x string\n@data\nq\n", "ARFF"),
    ("a.arff", "nonsense", "ARFF"),
    ("a.parquet", "PAR1 nonsense PAR1", "Parquet"),
    ("a.pkl", "x", "may run code"),
    ("a.xls", "x", "xlsx"),
])  # fmt: skip
def test_faults_are_one_line(tmp_path: Path, name: str, content: str, match: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (path := tmp_path / name).write_text(content)
    assert "\n" not in refused(path, match)


def test_columns_of_lists_are_refused_by_name(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"x": [1, 2], "l": [[1], [2]], "y": ["a", "b"]}), path := tmp_path / "l.parquet")
    refused(path, "column 'l' of type list")
    decimal = pa.array([1, 2] * 10).cast(pa.decimal128(25, 2))
    pq.write_table(pa.table({"x": decimal, "y": pa.array(["a", "b"] * 10).dictionary_encode()}), path)
    data = load(name="t", reader="csv", path=str(path))
    assert data.X[:, 0].tolist() == [1.0, 2.0] * 10
    assert data.classes == ("a", "b")


def test_letters_of_arff(tmp_path: Path) -> None:
    rows = "\n".join(f"{k},{'ä' if k % 2 else 'β'}" for k in range(20))
    (path := tmp_path / "a.arff").write_text(
        f"@relation t\n@attribute größe numeric\n@attribute y {{ä,β}}\n@data\n{rows}\n"
    )
    data = load(name="t", reader="csv", path=str(path))
    assert (data.classes, data.feature_names) == (("ä", "β"), ("größe",))


@pytest.mark.parametrize("name", ["t.parquet", "t.xlsx", "t.jsonl"])
def test_look_says_what_is_in_them(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    WRITERS[name](path := tmp_path / name, FRAME)
    assert cli.main(["data", "look", str(path)]) == 0
    said = capsys.readouterr().out
    assert {"t.parquet": "Parquet", "t.xlsx": "Excel", "t.jsonl": "JSON lines"}[name] in said
    assert "3 classes" in said
    assert "word, 3 different" in said
    assert cli.main(["data", "look", str(path), "--yaml"]) == 0
