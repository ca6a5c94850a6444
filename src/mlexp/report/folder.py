"""What a folder is, and its page and figures with it."""

from __future__ import annotations

from pathlib import Path

from mlexp import store
from mlexp.comparisons import figures as of_comparison
from mlexp.comparisons import page as comparisons
from mlexp.drawing.figure import words
from mlexp.drawing.wanted import ALL, Wanted, wanted
from mlexp.page import render
from mlexp.page.page import Page, Picture
from mlexp.page.pictures import pictures
from mlexp.report import run
from mlexp.store import Comparison, Run, Sweep
from mlexp.sweeps import answer as sweeps
from mlexp.sweeps import figures as of_sweep


def write(folder: Path) -> list[Path]:
    """Write `report.html` and `report.md` of a run, sweep or comparison from what its folder holds.

    The same folder gives the same bytes.

    Returns
    -------
    list of Path
        The two files.

    Raises
    ------
    DataError
        If `folder` is none of these, or a file of it is damaged.
    ConfigError
        If the files cannot be written.
    """
    return _write(store.open(folder))


def redraw(folder: Path, wanted: Wanted = ALL) -> list[Path]:
    """Draw the figures of a folder anew, as many and in the formats that are `wanted`, and write its page.

    Returns
    -------
    list of Path
        All files written, the page last.
    """
    opened = store.open(folder)
    return [*_draw(opened, wanted), *_write(opened)]


def drawn(folder: Path, wanted: Wanted, into: Path) -> list[Picture]:
    """Draw the figures of a folder into ``figures/`` of another one, and return them with their words."""
    opened = store.open(folder)
    _draw(opened, wanted, into)
    if isinstance(opened, Run):
        figures = run.figures(opened.info["task"]["kind"])
    else:
        several = of_comparison.OF_SEVERAL | of_comparison.FIGURES
        figures = several if isinstance(opened, Comparison) else of_sweep.FIGURES
    return pictures(into, words(figures))


def _draw(opened: Run | Sweep | Comparison, wanted: Wanted, into: Path | None = None) -> list[Path]:
    if isinstance(opened, Run):
        return run.draw(opened, wanted, into)
    if isinstance(opened, Comparison):
        return of_comparison.draw(opened, wanted, into) if "answer" in opened.info else []
    return of_sweep.draw(opened, wanted, into)


def show(folder: Path, figures: bool) -> None:
    """Write the page of a folder that has just ended; if asked, with the figures that its configuration asks for."""
    if figures:
        redraw(folder, wanted(folder))
    else:
        write(folder)


def page(folder: Path) -> Page:
    """Return the page of a folder."""
    return _page(store.open(folder))


def _page(opened: Run | Sweep | Comparison) -> Page:
    if isinstance(opened, Run):
        return run.page(opened)
    return comparisons.page(opened) if isinstance(opened, Comparison) else sweeps.page(opened)


def _write(opened: Run | Sweep | Comparison) -> list[Path]:
    return render.write(opened.path, _page(opened))
