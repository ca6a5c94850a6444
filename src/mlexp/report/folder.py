"""What a folder is, and its page and figures with it."""

from __future__ import annotations

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
    return [*_draw(opened, wanted), *_write(opened, wanted.living)]


def drawn(folder: Path, wanted: Wanted, into: Path) -> list[Picture]:
    """Draw the figures of a folder into ``figures/`` of another one, and return them with their words."""
    opened = store.open(folder)
    _draw(opened, wanted, into)
    return pictures(into, words(drawings(opened)))


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
    known = drawings(opened)
    if name not in known:
        raise ConfigError(
            f"'{shortened(name, 60)}' is no figure of {folder}. Its figures: {', '.join(known)}."
            f"{did_you_mean(name, known)}"
        )
    found = None
    if (shown := _shown(opened)) is not None:
        with style.settings():
            found = known[name].draw(shown)
            if found is not None:
                style.freeze(found)
    if found is None:
        raise DataError(f"{folder} did not record what the figure '{name}' shows.")
    drawn: Figure = found
    return drawn


def drawings(opened: Run | Sweep | Comparison) -> dict[str, Drawing]:
    """Return the figures that a folder of this kind can have, the most important first.

    A package is imported for folders of its own alone.
    """
    if isinstance(opened, Run):
        return run.figures(opened.info["task"]["kind"])
    if isinstance(opened, Comparison):
        from mlexp.comparisons import figures as of_comparison

        return of_comparison.OF_SEVERAL | of_comparison.FIGURES
    if isinstance(opened, Why):
        from mlexp.why import figures as of_why

        return of_why.FIGURES
    from mlexp.sweeps.figures import FIGURES

    return FIGURES


def _shown(opened: Run | Sweep | Comparison) -> Any:
    """Return what the figures of a folder are drawn from; None where there is nothing yet."""
    if isinstance(opened, Run):
        return opened
    if isinstance(opened, Comparison):
        from mlexp.comparisons.figures.arms import Arms

        return Arms(opened) if "answer" in opened.info else None
    if isinstance(opened, Why):
        return opened if "answer" in opened.question else None
    from mlexp.sweeps.findings import findings

    found = findings(opened)
    return None if found is None else (found, opened)


def _draw(opened: Run | Sweep | Comparison, wanted: Wanted, into: Path | None = None) -> list[Path]:
    if isinstance(opened, Run):
        return run.draw(opened, wanted, into)
    if isinstance(opened, Comparison):
        from mlexp.comparisons import figures as of_comparison

        return of_comparison.draw(opened, wanted, into) if "answer" in opened.info else []
    if isinstance(opened, Why):
        from mlexp.why import figures as of_why

        return of_why.draw(opened, wanted, into)
    from mlexp.sweeps import figures as of_sweep

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


def _page(opened: Run | Sweep | Comparison, living: object = None) -> Page:
    if isinstance(opened, Run):
        return run.page(opened, living)
    if isinstance(opened, Why):
        from mlexp.why import page as why

        return why.page(opened)
    if isinstance(opened, Comparison):
        from mlexp.comparisons import page as comparisons

        return comparisons.page(opened)
    from mlexp.sweeps import answer as sweeps

    return sweeps.page(opened)


def _write(opened: Run | Sweep | Comparison, living: object = None) -> list[Path]:
    return render.write(opened.path, _page(opened, living))
