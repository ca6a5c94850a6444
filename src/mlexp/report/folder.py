"""What a folder is, and its page and figures with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlexp import store
from mlexp.drawing import style
from mlexp.drawing.figure import Drawing, words
from mlexp.drawing.wanted import ALL, Wanted, wanted
from mlexp.errors import ConfigError, DataError, did_you_mean, shortened
from mlexp.page import render
from mlexp.page.page import Page, Picture
from mlexp.page.pictures import pictures
from mlexp.report import run
from mlexp.store import Comparison, Run, Sweep, Why

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    return [*kind_of(opened).draw(opened, wanted, None), *_write(opened, wanted.living)]


def drawn(folder: Path, wanted: Wanted, into: Path) -> list[Picture]:
    """Draw the figures of a folder into ``figures/`` of another one, and return them with their words."""
    opened = store.open(folder)
    kind = kind_of(opened)
    kind.draw(opened, wanted, into)
    return pictures(into, words(kind.figures(opened)))


def figure(folder: Path, name: str) -> Figure:
    """Draw one figure of a folder from what it recorded, whether or not its page shows it.

    Raises
    ------
    ConfigError
        If folders of this kind have no figure of that name.
    DataError
        If what it shows was not recorded, or a file of the folder is damaged.
    """
    opened = store.open(folder)
    kind = kind_of(opened)
    known = kind.figures(opened)
    if name not in known:
        raise ConfigError(
            f"'{shortened(name, 60)}' is no figure of {folder}. Its figures: {', '.join(known)}."
            f"{did_you_mean(name, known)}"
        )
    found = None
    if (shown := kind.shown(opened)) is not None:
        with style.settings():
            found = known[name].draw(shown)
            if found is not None:
                style.freeze(found)
    if found is None:
        raise DataError(f"{folder} did not record what the figure '{name}' shows.")
    drawn: Figure = found
    return drawn


@dataclass(frozen=True)
class FolderKind:
    """What is made of folders of one kind.

    Attributes
    ----------
    page : says what the page holds; of a run with what makes it a page that computes, or None
    draw : draws figures into the folder, or into another one
    figures : those that a folder can have, the most important first
    shown : what they are drawn from; None where there is nothing yet
    """

    page: Callable[[Any, object], Page]
    draw: Callable[[Any, Wanted, Path | None], list[Path]]
    figures: Callable[[Any], dict[str, Drawing]]
    shown: Callable[[Any], Any] = lambda opened: opened


def kind_of(opened: Run | Sweep | Comparison) -> FolderKind:
    """Return what is made of a folder. A package is imported for folders of its own alone."""
    if isinstance(opened, Run):
        return FolderKind(run.page, run.draw, lambda found: run.figures(found.info["task"]["kind"]))
    if isinstance(opened, Comparison):
        from mlexp.comparisons import figures as of_comparison
        from mlexp.comparisons import page as comparisons

        return FolderKind(
            lambda found, _: comparisons.page(found),
            of_comparison.draw,
            of_comparison.figures,
            of_comparison.shown,
        )
    if isinstance(opened, Why):
        from mlexp.why import figures as of_why
        from mlexp.why import page as why

        return FolderKind(
            lambda found, _: why.page(found), of_why.draw, lambda _: of_why.FIGURES, of_why.shown
        )
    from mlexp.sweeps import answer as sweeps
    from mlexp.sweeps import figures as of_sweep

    return FolderKind(
        lambda found, _: sweeps.page(found), of_sweep.draw, lambda _: of_sweep.FIGURES, of_sweep.shown
    )


def show(folder: Path, figures: bool) -> None:
    """Write the page of a folder that has just ended; if asked, with the figures that its configuration asks for."""
    if figures:
        redraw(folder, wanted(folder))
    else:
        write(folder)


def page(folder: Path) -> Page:
    """Return the page of a folder."""
    return _page(store.open(folder))


def _page(opened: Run | Sweep | Comparison, living: object = None) -> Page:
    return kind_of(opened).page(opened, living)


def _write(opened: Run | Sweep | Comparison, living: object = None) -> list[Path]:
    return render.write(opened.path, _page(opened, living))
