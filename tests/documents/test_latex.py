"""The folder of LaTeX: whole or not there, no text of a record is a command, and it compiles."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drawing.seen import NASTY, Make
from tests.folders import build

from mlexp.cli import main
from mlexp.documents.tex import ACCENTS, GREEK, MATHS, SPECIAL, command, escape, numbers, table
from mlexp.page import tables
from mlexp.store import record

EVIL = [
    r"\input{/etc/passwd}",
    r"\write18{rm}",
    "a & b",
    "100 %",
    "_x^y~",
    r"\\",
    "#1",
    "{",
    "$$",
    "é 日本 ½",
    "^^41",
]
TOKEN = re.compile(r"\\([A-Za-z]+|.)")
OURS = {
    *(name for made in (*SPECIAL.values(), *MATHS.values()) for name in TOKEN.findall(made)),
    *GREEK.values(), *ACCENTS.values(), "ensuremath", "i", "j",
}  # fmt: skip


@given(st.text(max_size=40) | st.sampled_from([*EVIL, *NASTY]))
def test_no_text_is_a_command(text: str) -> None:
    made = escape(text)
    assert made.isascii()
    assert "\n" not in made
    assert "%" not in made.replace(r"\%", "")
    assert "^^" not in made
    bare = made.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    assert not re.search(r"(?<!\\)[&#$]|(?<!\\)_", made)
    assert set(TOKEN.findall(made)) <= OURS


@pytest.mark.parametrize("words", [["--latex", "tex"], ["--document", "report.qmd"]])
def test_a_cell_of_a_stranger_is_one_line(
    tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = build(tmp_path / "outputs", shape=None, n=60).path
    (folder / "tables/permutation_importance.csv").write_text("feature,mean,low,high\nx,0.1,0.0,x\n")
    assert main(["export", str(folder), *words]) == 3
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / words[1]).exists()


@given(st.lists(st.text(max_size=20), max_size=3))
def test_the_name_of_a_number_is_letters_alone(words: list[str]) -> None:
    assert re.fullmatch(r"\\res[A-Za-z]*", command(*words))


def test_a_table_has_rules_caption_label_and_a_command_a_number() -> None:
    made = tables.of("arms", {"arm": ["a&b", "relu"], "mean (%)": ["97.5", "-1"], "runs": ["3", "4"]})
    text = table(made)
    for part in (
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
        r"\label{tab:arms}",
        r"\caption{",
        r"a\&b & 97.5 & 3 \\",
    ):
        assert part in text
    assert r"\newcommand{\resMeanRelu}{" in numbers([made])
    assert r"\newcommand{\resMeanAB}{97.5\,\%}" in numbers([made])
    names = re.findall(r"\\newcommand\{(\S+?)\}", numbers([made, made]))
    assert len(names) == len(set(names)) == 4


def test_the_folder_holds_what_its_text_inputs(
    make_whole: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlexp.documents.content.MAIN_FIGURES", 1)
    target = tmp_path / "paper"
    assert main(["export", str(make_whole(n=60).path), "--latex", str(target), "-q"]) == 0
    text = (target / "main.tex").read_text()
    inputs = re.findall(r"\\input\{([\w/.-]+)\}", text)
    assert {"numbers", "tables/scores"} <= set(inputs)
    assert all((target / f"{name}.tex").is_file() for name in inputs)
    for file in target.glob("figures/*.tex"):
        assert file.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    labels = {
        name for file in target.rglob("*.tex") for name in re.findall(r"\\label\{(\S+?)\}", file.read_text())
    }
    assert set(re.findall(r"\\ref\{(\S+?)\}", text)) == labels
    cited = {name for one in re.findall(r"\\cite\{(\S+?)\}", text) for name in one.split(",")}
    assert cited == set(re.findall(r"@\w+\{(\w+),", (target / "methods.bib").read_text()))
    before = {file: file.read_bytes() for file in target.rglob("*.*")}
    assert main(["export", str(make_whole(n=60).path), "--latex", str(target), "-q"]) == 0
    assert before == {file: file.read_bytes() for file in target.rglob("*.*")}


def test_a_run_without_results_is_refused_in_one_line(
    make_whole: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_whole(n=60).path
    record.write_info(type(made := make_whole(n=60)), folder, made.info | {"status": "failed", "error": "x"})
    assert main(["export", str(folder), "--latex", str(tmp_path / "paper")]) == 3
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "paper").exists()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs latexmk")
def test_it_compiles_without_a_missing_reference(make_whole: Make, tmp_path: Path) -> None:
    folder = make_whole(n=300, classes=tuple(EVIL[:9])).path
    assert main(["export", str(folder), "--latex", str(tmp_path), "-q"]) == 0
    done = subprocess.run(
        ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "main"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    log = (tmp_path / "main.log").read_text(errors="replace")
    assert done.returncode == 0, log[-3000:]
    assert "Warning" not in log
    assert (tmp_path / "main.pdf").stat().st_size > 20_000
