"""Words of a stranger stay words: in CSV files, in pages, in pictures and on the terminal."""

from __future__ import annotations

import csv
import io
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.running import run

from mlexp import cli, report, views
from mlexp.errors import DataError
from mlexp.page import render
from mlexp.page.pictures import picture
from mlexp.page.study import page_in
from mlexp.store import Run, files

LINK = '=HYPERLINK("http://host/x")'
FORMULAS = (
    LINK,
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "-x",
    "'=x",
    "''@x",
    "\uff1d1+1",
    "=\n1",
)
TEXTS = ("relu", "-1.5", "+5", "-inf", "1e-5", "-", "+", "", "'quoted'", "a=b", "2-3", "nan", "–")
cells = st.one_of(
    st.text(max_size=8), st.sampled_from([*FORMULAS, *TEXTS]), st.text("'=+-@\t\r 1ae", max_size=5)
)


@settings(max_examples=200, derandomize=True)
@given(st.lists(cells, min_size=1, max_size=3, unique=True), st.lists(cells, min_size=3, max_size=3))
@example([*FORMULAS], ["a", "b", "c"])
def test_tables_hold_no_formula_and_are_read_as_they_were(names: list[str], row: list[str]) -> None:
    columns = {name: [row[place % 3]] for place, name in enumerate(names)}
    text = files.as_table(columns)
    for cell in (cell for line in csv.reader(io.StringIO(text, newline="")) for cell in line):
        if len(cell) > 1 and cell[0] in "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20":
            float(cell)  # a number, which is not calculated
    place = Path("unused")
    assert read(text, place) == columns


def read(text: str, place: Path) -> dict[str, list[str]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "read_bytes", lambda _: text.encode("utf-8", "surrogatepass"))
        return files.read_table(place)


@pytest.mark.parametrize("value", [-1.5, -3, 2.0, float("-inf"), "-1.5", "+7", "-1e-5"])
def test_numbers_stay_numbers(value: Any) -> None:
    assert float(files.cell(value)) == float(value)


def test_names_of_a_data_file_reach_no_spreadsheet_as_formulas(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [LINK, "@SUM(1)", "plain"]
    table = {"x": [], "@wide": [], "-z": [], "label": []}  # type: dict[str, list[Any]]
    for i in range(90):
        table["x"].append(i % 3 - 1)
        table["@wide"].append(-0.5 * (i % 7))
        table["-z"].append(i % 2)
        table["label"].append(names[i % 3])
    pd.DataFrame(table).to_csv(tmp_path / "bad.csv", index=False)
    words = (
        "task=classify",
        "dataset=csv",
        f"dataset.path={tmp_path / 'bad.csv'}",
        "size=smoke",
        "model=logistic",
    )
    done = run(tmp_path / "outputs", *words, "figures=false")
    out = tmp_path / "answers.csv"
    asked = ["predict", str(done.path), str(tmp_path / "bad.csv"), "--out", str(out), "--probabilities"]
    assert cli.main([*asked, "--keep", "@wide,label"]) == 0
    assert cli.main(["list", "runs", "--csv", "--outputs", str(tmp_path / "outputs")]) == 0
    for file in [out, *done.path.rglob("*.csv")]:
        for line in csv.reader(io.StringIO(file.read_text(), newline="")):
            for cell in line:
                assert cell in ("", "-") or cell[0] not in "=+-@\t\r" or float(cell) <= 0, file
    assert sum(float(cell) < 0 for cell in pd.read_csv(out)["'@wide"]) > 10
    assert set(files.read_table(out)["label"]) == set(names)
    assert set(done.tables["per_class"]["class"]) == set(names)
    view = views.Run(done.path)
    assert set(view.tables["per_class"]["class"]) == set(names)
    assert LINK in view.tables["confusion"].columns


URLS = ("//host/x", "http://host/x", "javascript:alert(1)", "www.host.com", "data:text/html,x", "mailto:a@b.c",
        "a@b.co", "ftp://host", r"\\host\x", "HTTPS://HOST")  # fmt: skip
MARKS = ("![x](http://host/x.png)", "[x](//host)", "<img src=//host>", "<http://host>", "[x]: http://host", "a\n\n# b",
         "a\r\r<script>1</script>", "`http://host`", "| a | http://b |", "\n    code", "a\n---")  # fmt: skip


@pytest.mark.parametrize("text", [*URLS, *MARKS])
def test_no_text_of_a_record_becomes_a_link_or_markup(
    text: str, make_whole: Callable[..., Run], tmp_path: Path
) -> None:
    named = {"name": text, "kind": "classification"}
    info = {"task": named, "status": text, "warnings": [text], "command": ["mlexp", text], "error": text,
            "started": f"2026-01-01T00:00:00 {text}"}  # fmt: skip
    made = make_whole(info)
    files.write_table(made.path / "tables" / "x.csv", {"a": [text], text: ["b"]})
    html, md = (path.read_text() for path in report.write(made.path))
    addresses = re.findall(r'(?:href|src)="([^"]*)"', html)
    assert all(re.match(r"#|data:(image/png;base64)?,|[\w.%-]+(/[\w.%-]+)*/?$", one) for one in addresses), (
        addresses
    )
    assert "<script>1" not in html
    assert "<img src=//" not in html
    outside = re.sub(
        r"`[^`\n]*`", "", "\n".join(line for line in md.splitlines() if not line.startswith("    "))
    )
    assert not re.search(r"://|www\.|[^\\]\]\(//|<", outside), outside
    assert not re.search(r"(?m)^# b|^---$|\r", md)
    addresses = re.findall(r"(?<!\\)\]\(([^)]*)\)", outside)
    assert all(re.fullmatch(r"[\w.%-]+(/[\w.%-]+)*", one) for one in addresses), addresses


@pytest.mark.parametrize("folder", ["//host/x", "/etc", "http://host/x", "javascript:alert(1)"])
def test_a_table_of_jobs_leads_to_no_other_host(folder: str, tmp_path: Path) -> None:
    assert page_in(tmp_path, folder) == ""
    assert render.address(folder)[:1] not in ("/", "\\")
    assert ":" not in render.address(folder)


BOMB = zlib.compress(b"x" * 50_000_000, 9)


def png(*chunks: tuple[bytes, bytes], size: tuple[int, int] = (1, 1)) -> bytes:
    whole = [
        (b"IHDR", struct.pack(">II5B", *size, 8, 0, 0, 0, 0)),
        *chunks,
        (b"IDAT", zlib.compress(b"\0\0")),
        (b"IEND", b""),
    ]
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in whole
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", b"<svg onload='alert(1)'/>", png()[:20], png(size=(100_000, 100_000)), png(size=(0, 5)),
     b"\x89PNG\r\n\x1a\n" + b"\xff" * 50, b"%PDF-1.7", png((b"iTXt", b"Title\0\1\0\0\0" + BOMB)),
     png((b"zTXt", b"Title\0\0" + BOMB))],
)  # fmt: skip
def test_a_page_holds_pictures_alone(data: bytes, make_whole: Callable[..., Run]) -> None:
    made = make_whole()
    (made.path / "figures").mkdir()
    (made.path / "figures" / "zzz.png").write_bytes(data)
    for write in (report.write, report.page):
        with pytest.raises(DataError, match=r"zzz\.png is (no PNG picture|too large for a page)"):
            write(made.path)


@pytest.mark.parametrize(
    ("chunk", "headline"),
    [
        ((b"tEXt", b"Title\0<script>\x1b]0;x\x07"), "<script> ]0;x"),
        ((b"iTXt", b"Title\0\0\0en\0t\0" + "Größe".encode()), "Größe"),
        ((b"iTXt", b"Title\0"), ""),
        ((b"iTXt", b"Title\0\0\0\0\0\xff\xff\xff"), ""),
        ((b"tEXt", b"Title\0" + b"y" * 1_000_000), "y" * 1000),
        ((b"tEXt", b"Title"), ""),
    ],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_the_headline_of_a_picture_is_bounded_text(
    chunk: tuple[bytes, bytes], headline: str, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png(chunk))
    assert picture(tmp_path / "a.png").headline == headline
