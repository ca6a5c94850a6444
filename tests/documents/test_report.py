"""A lab report: every part is there, no text of a record is markup, and every format opens."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.documents.test_latex import EVIL
from tests.documents.test_theory import ROWS
from tests.drawing.seen import NASTY, Make
from tests.running import comparison_of_widths, run

from mlexp.cli import main
from mlexp.documents import markdown, report
from mlexp.documents.content import content
from mlexp.documents.markdown import ProgramListing, Title, escape
from mlexp.store import Comparison, Run, find

MARKS = ["# a", "- b", "1. c", "![x](http://h/x.png)", "<script>1</script>", "[@kingma2015]", "```{python}",
         "{{< x >}}", "$x$", r"\input{x}", "a\n\n# b",
         "| a | b |", ": d", "---", "@kingma2015", "~~a~~", "``````"]  # fmt: skip
PARTS = ["Objective", "Theory", "Data", "Method", "Results", "Discussion", "Conclusion", "References"]


@pytest.fixture(autouse=True)
def few_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlexp.documents.content.MAIN_FIGURES", 1)


def pandoc(text: str, to: str, *options: str) -> str:
    path = pytest.importorskip("pypandoc").get_pandoc_path()
    done = subprocess.run(
        [path, f"--from={report.FORMAT}", f"--to={to}", *options],
        input=text.encode(),
        capture_output=True,
        check=True,
    )
    assert not done.stderr, done.stderr.decode()
    return done.stdout.decode(errors="replace")


def markdown_of(folder: Path, title: Title = Title()) -> str:  # noqa: B008
    listing = ProgramListing("x = 1", "rows.npz", b"", "mlexp")
    return markdown.text(content(folder), [], listing, title, "<f/{name}.png>")


def headings(text: str) -> list[str]:
    return [line[2:] for line in text.splitlines() if line.startswith("# ")]


@pytest.mark.parametrize("text", [*MARKS, *EVIL, *NASTY])
def test_pandoc_prints_a_text_of_a_record_as_it_is(text: str) -> None:
    shown = pandoc(escape(text), "plain", "--wrap=none").rstrip("\n")
    assert shown.split() == text.replace("\xa0", " ").split()
    tree = json.loads(pandoc(escape(text), "json"))
    assert [block["t"] for block in tree["blocks"]] == ["Para"]
    assert {part["t"] for part in tree["blocks"][0]["c"]} <= {"Str", "Space"}


@given(st.text(max_size=30))
@settings(max_examples=200)
def test_no_letter_of_a_text_opens_anything(text: str) -> None:
    made = escape(text)
    assert "\n" not in made
    bare = made.replace("\\\\", "")
    assert not any(f"{letter}" in bare.replace(f"\\{letter}", "") for letter in "`*_[]<>$@{}|~^#")


def test_every_formula_is_converted_for_word_and_for_typst() -> None:
    text = "\n\n".join(row.text for row in ROWS.values())
    pandoc(text, "docx", "--output=-")
    made = pandoc(text, "typst", "--standalone")
    typst = pytest.importorskip("typst")
    assert typst.compile(made.encode()).startswith(b"%PDF")


def test_a_report_has_its_parts_in_their_order(make_whole: Make) -> None:
    text = markdown_of(make_whole(n=60).path, Title("T: 1", 'A "B"', "C"))
    assert headings(text) == ["Objective", "Data", "Method", "Program listing", *PARTS[4:]]
    for line in ('title: "T\\\\: 1"', 'author: "A \\\\\\"B\\\\\\""', 'subtitle: "C"'):
        assert line in text
    assert "Table: Scores" in text


def test_a_hostile_record_is_only_text(make_whole: Make) -> None:
    evil = "![x](/etc/passwd) [@kingma2015] $x$ <b> # h"
    info = {"task": {"name": evil, "kind": "classification"}, "warnings": [evil], "command": ["mlexp", evil]}
    folder = make_whole(info, classes=tuple(MARKS[:10])).path
    tree = pandoc(markdown_of(folder), "json")
    plain = pandoc(markdown_of(make_whole(n=60).path), "json")
    for kind in ("Image", "RawInline", "RawBlock", "Link"):
        assert f'"t":"{kind}"' not in tree
    for kind in ("Math", "Cite"):
        assert tree.count(f'"t":"{kind}"') == plain.count(f'"t":"{kind}"')


def test_a_run_without_results_or_an_unknown_ending_is_refused(
    make_whole: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_whole(n=60).path
    assert main(["export", str(folder), "--document", str(tmp_path / "a.odt")]) == 2
    (folder / "run.json").write_text((folder / "run.json").read_text().replace('"completed"', '"failed"'))
    assert main(["export", str(folder), "--document", str(tmp_path / "a.qmd")]) == 3
    assert len(capsys.readouterr().err.strip().splitlines()) == 2
    assert not list(tmp_path.glob("a*"))


def test_a_missing_library_is_one_line_that_names_it(
    make_whole: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypandoc", None)
    assert main(["export", str(make_whole(n=60).path), "--document", str(tmp_path / "a.docx")]) == 2
    said = capsys.readouterr().err.strip()
    assert "pip install pypandoc-binary typst" in said
    assert "\n" not in said
    assert not list(tmp_path.glob("a*"))


@pytest.mark.parametrize("suffix", [".docx", ".pdf", ".tex", ".qmd"])
def test_every_format_is_written_and_repeats(suffix: str, make_whole: Make, tmp_path: Path) -> None:
    pytest.importorskip("pypandoc")
    if suffix == ".pdf":
        pytest.importorskip("typst")
    folder = make_whole(n=60, classes=("a&b", "$x$", "日本")).path
    target = tmp_path / f"report{suffix}"
    asked = ["export", str(folder), "--document", str(target), "--author", "A_1", "-q"]
    assert main(asked) == 0
    data = {file: file.read_bytes() for file in tmp_path.rglob("report*") if file.is_file()}
    assert main(asked) == 0
    if suffix == ".docx":
        word = zipfile.ZipFile(io.BytesIO(data[target]))
        assert any(name.startswith("word/media/") for name in word.namelist())
        assert {b"Table", b"Figure"} <= set(re.findall(rb"\w+", word.read("word/document.xml")))
        assert b'<w:sz w:val="15"' in (styles := word.read("word/styles.xml"))
        assert b"<w:tblBorders><w:top" in styles
    if suffix in (".tex", ".qmd"):
        for file in (tmp_path / "report_files").iterdir():
            assert f"report_files/{file.name}" in target.read_text()
    assert data == {file: file.read_bytes() for file in data}


def test_the_notebook_gives_the_numbers_of_the_run(tmp_path: Path) -> None:
    pytest.importorskip("pypandoc")
    made = run(tmp_path, "task=classify", "dataset=iris", "model=decision_tree", "figures=false")
    target = tmp_path / "report.ipynb"
    assert main(["export", str(made.path), "--document", str(target), "-q"]) == 0
    book = json.loads(target.read_text())
    pytest.importorskip("nbformat").validate(book)
    assert {cell["cell_type"] for cell in book["cells"]} == {"markdown", "code"}
    script = "\n".join("".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code")
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"test accuracy: {made.metrics['test']['accuracy']:.6f}" in done.stdout


def test_a_derivation_stands_in_every_document(tmp_path: Path) -> None:
    made = run(tmp_path, "task=backprop_by_hand", "figures=false")
    text = markdown_of(made.path)
    assert headings(text)[1:4] == ["Theory", "Derivation", "Data"]
    assert text.count(r"$$\frac{\partial E}{\partial w_1} =") == 2
    assert r"\gt" not in text
    assert main(["export", str(made.path), "--latex", str(tmp_path / "paper"), "-q"]) == 0
    assert r"\frac{\partial E}{\partial w_1}" in (tmp_path / "paper/derivation.tex").read_text()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_the_report_compiles_as_latex(make_whole: Make, tmp_path: Path) -> None:
    pytest.importorskip("pypandoc")
    if subprocess.run(["kpsewhich", "lmodern.sty"], capture_output=True, check=False).returncode:
        pytest.skip("needs lmodern")
    folder = make_whole(n=300, classes=tuple([*EVIL, *MARKS][:20])).path
    assert (
        main(["export", str(folder), "--document", str(tmp_path / "a.tex"), "--author", EVIL[0], "-q"]) == 0
    )
    for _ in range(2):
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
    log = (tmp_path / "a.log").read_text(errors="replace")
    assert done.returncode == 0, log[-3000:]
    assert "LaTeX Warning" not in log


@pytest.mark.slow
@pytest.mark.parametrize("study", ["by_hand", "clustering", "embedding", "regression", "comparison", "sweep"])
def test_each_kind_of_folder_makes_a_report(
    study: str, tmp_path: Path, in_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {
        "by_hand": ["task=backprop_by_hand"],
        "clustering": ["task=cluster", "dataset=iris"],
        "embedding": ["task=embed", "dataset=iris", "model=pca"],
        "regression": ["task=regress", "model=ridge"],
        "comparison": ["--config-dir", str(tmp_path), "task=widths", "size=smoke"],
        "sweep": ["-m", "size=smoke", "seed=0,1"],
    }[study]
    (tmp_path / "task").mkdir()
    (tmp_path / "task/widths.yaml").write_text(comparison_of_widths(2))
    assert main(["-q", *words, "figures=false", f"outputs={tmp_path / 'outputs'}"]) == 0
    folder = find("latest", tmp_path / "outputs")
    text = markdown_of(folder)
    assert set(PARTS) - {"Theory", "Data"} <= set(headings(text))
    assert text.count("Table: ") >= 1
    assert (report.program(folder, "rows.npz") is not None) == (study in ("regression", "comparison"))
    assert isinstance(content(folder).page.title, str)
    assert Run.is_at(folder) or Comparison.is_at(folder) or (folder / "sweep.json").exists()
    pandoc(text, "docx", "--output=-")
    assert os.listdir(folder)
