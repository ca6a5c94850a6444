"""A page shows its most important figures first, and all of them on request."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image
from tests.drawing.seen import Make

from mlexp import report
from mlexp.cli import main
from mlexp.config import yamltext
from mlexp.config.schema import Config, Page
from mlexp.drawing import style
from mlexp.drawing.wanted import MAIN_FIGURES, wanted
from mlexp.report import run as of_run
from mlexp.store import Run

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("asked", ["main", "all", None])
def test_the_configuration_says_how_many_figures_are_drawn(make_whole: Make, asked: str | None) -> None:
    folder = make_whole(n=600).path
    values = asdict(Config(page=Page(figures=asked or "main")))
    if asked is None:  # as records made before there was the node
        del values["page"]
    (folder / "config.yaml").write_text(yamltext.dumped(values))
    report.show(folder, figures=True)
    drawn = {file.stem for file in (folder / "figures").glob("*.png")}
    possible = [path.stem for path in of_run.draw(Run.open(folder))]
    assert drawn == set(possible if asked == "all" else possible[:MAIN_FIGURES])


def size(file: Path) -> tuple[int, int]:
    with Image.open(file) as image:
        assert image.info["Title"]
        return image.size


def test_figures_are_redrawn_as_vectors_without_headline(make_whole: Make) -> None:
    folder = make_whole(n=60).path
    few = dict(list(of_run.figures("classification").items())[:2])
    style.draw(folder, few, Run.open(folder))
    before = {file: size(file) for file in (folder / "figures").glob("*.png")}
    asked = wanted(folder, {"format": ["svg", "pdf"], "title": False})
    drawn = style.draw(folder, few, Run.open(folder), asked)
    assert {file.suffix for file in drawn} == {".png", ".pdf", ".svg"}
    data = [file.read_bytes() for file in drawn]
    style.draw(folder, few, Run.open(folder), asked)
    assert data == [file.read_bytes() for file in drawn]
    for file in drawn:
        assert (b"FontFile2" in file.read_bytes()) == (file.suffix == ".pdf")
        assert (b"<text" in file.read_bytes()) == (file.suffix == ".svg")
    assert before
    assert all(size(file)[0] == width and size(file)[1] < height for file, (width, height) in before.items())


def test_what_is_typed_counts_before_the_record(make_whole: Make) -> None:
    folder = make_whole(n=60).path
    assert main(["report", str(folder), "-q", "page.figures=main", "page.format=[pdf]"]) == 0
    assert {file.suffix for file in (folder / "figures").iterdir()} == {".png", ".pdf"}


@pytest.mark.parametrize(
    "word", ["model.epochs=3", "page.format=[jpg]", "page.titel=false", "page.format=null"]
)
def test_what_is_no_setting_of_a_page_is_refused(word: str, make_whole: Make, capsys: Capture) -> None:
    folder = make_whole(n=60).path
    assert main(["report", str(folder), word]) == 2
    assert word.partition("=")[0].rpartition(".")[2] in capsys.readouterr().err


@pytest.mark.parametrize("page", [{}, {"format": "pdf"}, {"format": [["pdf"], 3], "title": "no"}])
def test_a_record_that_says_nonsense_of_its_figures_is_drawn_as_png(page: object, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(yamltext.dumped(asdict(Config()) | {"page": page}))
    assert wanted(tmp_path).formats == ("png",)
    assert wanted(tmp_path).title
