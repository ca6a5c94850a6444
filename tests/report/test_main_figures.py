"""A page shows its most important figures first, and all of them on request."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from tests.drawing.seen import Make

from mlexp import report
from mlexp.config import yamltext
from mlexp.config.schema import Config, Page
from mlexp.page.study import MAIN_FIGURES
from mlexp.report import run as of_run
from mlexp.store import Run


@pytest.mark.parametrize("asked", ["main", "all", "unsaid"])
def test_the_configuration_says_how_many_figures_are_drawn(make_whole: Make, asked: str) -> None:
    folder = make_whole(n=600).path
    values = asdict(Config(page=Page(figures=asked)))
    if asked == "unsaid":  # as records made before there was the node
        del values["page"]
    (folder / "config.yaml").write_text(yamltext.dumped(values))
    report.show(folder, figures=True)
    drawn = {file.stem for file in (folder / "figures").glob("*.png")}
    possible = [path.stem for path in of_run.draw(Run.open(folder))]
    assert drawn == set(possible if asked == "all" else possible[:MAIN_FIGURES])
