"""A page gives a share of the samples in percent wherever it names it: in sentences, captions and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from mlexp.drawing import style
from mlexp.metrics.table import METRICS

SHARES = "|".join(name for name, row in METRICS.items() if row.share)
NUMBER = r"(?:0\.\d+|1\.0+)"
SAID = re.compile(
    rf"(?<!balanced )\b({SHARES})\b[^.;|(]{{0,60}}?(?<![\w.−]){NUMBER}(?![\d ,–-]*( ?%| points| to ))"
)


def mixed(page: str) -> Iterator[str]:
    """Yield what a page in Markdown gives as a number though it is a share of the samples."""
    page = page.replace("\u00a0", " ")
    for in_table, lines in groupby(page.splitlines(), lambda line: line.startswith("|")):
        if in_table:
            yield from _in_table([_cells(line) for line in lines])
        else:
            yield from (found.group() for line in lines for found in SAID.finditer(line))


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("*") for cell in line.strip("|").split(" | ")]


def _in_table(rows: list[list[str]]) -> Iterator[str]:
    head, _, *body = rows
    for row in body:
        if re.fullmatch(SHARES, row[0]):
            yield " ".join(row)
        for name, cell in zip(head, row, strict=False):
            if re.search(rf"(?<!balanced )\b({SHARES})$", name) and re.fullmatch(f"{NUMBER}|1", cell):
                yield f"{name} {cell}"


@pytest.mark.parametrize("study", ["digits", "sweep", "search", "comparison", "clustering"])
def test_a_share_is_in_percent_wherever_a_page_names_it(studies: dict[str, Path], study: str) -> None:
    page = (studies[study] / "report.md").read_text("utf-8")
    assert re.search(SHARES, page, re.IGNORECASE)
    assert not [*mixed(page)]


@pytest.mark.parametrize(
    ("measure", "ticks", "label"),
    [("accuracy", ["57", "93.75"], "Score (%)"), ("loss", ["0.57", "0.9375"], "Score")],
)
def test_an_axis_of_shares_is_in_percent(measure: str, ticks: list[str], label: str) -> None:
    axes = style.new_figure(2.0, "").subplots()
    axes.plot([0, 1], [0.57, 0.9375])
    axes.set(ylabel="Score", yticks=[0.57, 0.9375])
    style.measured(axes.yaxis, measure)
    shown = axes.yaxis.get_major_formatter().format_ticks([0.57, 0.9375])
    assert [f"{float(tick):g}" for tick in shown] == ticks
    assert axes.get_ylabel() == label


@pytest.mark.parametrize(
    "page",
    [
        "The best has a validation accuracy of 0.9375.",
        "optimistic by about 0.01: accuracy 0.9000 on the 80 samples",
        "| metric | test |\n| --- | ---: |\n| accuracy | 0.885 |",
        "| job | test accuracy |\n| ---: | ---: |\n| 1 | 0.885 |",
    ],
)
def test_a_share_that_is_a_number_is_found(page: str) -> None:
    assert len([*mixed(page)]) == 1


@pytest.mark.parametrize(
    "page",
    [
        "validation accuracy 93.8 %, macro F1 0.8826",
        "| metric | test |\n| --- | ---: |\n| accuracy (%) | 88.50 |\n| balanced accuracy | 0.885 |",
    ],
)
def test_other_numbers_are_left_alone(page: str) -> None:
    assert not [*mixed(page)]
