"""What a document says of a run, a sweep or a comparison, gathered from its folder alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from mlexp import report, store
from mlexp.documents import theory
from mlexp.documents.theory import Theory
from mlexp.drawing.wanted import MAIN_FIGURES, Wanted
from mlexp.errors import DataError
from mlexp.page.mathml import known
from mlexp.page.page import Page, PageAnswer, Picture, Step, Table
from mlexp.page.study import settings
from mlexp.store import Comparison, Run, Sweep

METHODS = Path(__file__).with_name("methods.bib")
PLAIN = {"lt": "<", "gt": ">", "odot": r"\circ"}  # for commands that not every reader of TeX has
SOFTWARE = ("harris2020", "pedregosa2011")
# Columns that fit on paper; of other tables the first ones.
PRINTED = {
    "arms": ("arm", "runs", "mean", "low", "high", "sd", "loss", "epochs", "epochs to target"),
    "pairs": ("a", "b", "difference", "low", "high", "p", "p adjusted"),
    "datasets": ("dataset", "arm", "runs", "mean", "low", "high"),
    "dataset_pairs": ("dataset", "a", "b", "difference", "low", "high", "p adjusted"),
}
LEFT_OUT = re.compile(
    r"confusion|first_rows$|runs$|settings$|p_matrix$|thresholds$|tuning$|epochs_to_target$"
)
MOST_TABLES, MOST_COLUMNS, MOST_ROWS = 6, 9, 30


@dataclass(frozen=True)
class Content:
    """What a document says.

    Attributes
    ----------
    page : the page of the folder
    tables : those that are printed, cut to paper
    theory : the methods that ran
    """

    page: Page
    tables: Sequence[Table]
    theory: Sequence[Theory]

    @property
    def answer(self) -> PageAnswer:
        """Question, sentences, key figures."""
        return self.page.answer

    @property
    def sources(self) -> list[str]:
        """Names of the entries of `methods.bib` that the document cites, in the order of the theory."""
        return list(dict.fromkeys([*(name for row in self.theory for name in row.sources), *SOFTWARE]))


def content(folder: Path) -> Content:
    """Gather what a document says.

    Raises
    ------
    DataError
        If the folder holds no result yet, or a file of it is damaged.
    """
    opened = store.open(folder)
    done = "answer" in opened.info if isinstance(opened, Comparison) else _completed(opened)
    if not done:
        raise DataError(
            f"{folder} has no results to write a document of: its status is {opened.status}. Finish it with mlexp "
            f"resume {folder}, or name a completed run."
        )
    page = report.page(folder)
    tables = [table for table in (*page.members, *page.tables) if not LEFT_OUT.match(table.name)]
    if isinstance(opened, Comparison):
        tables = [table for table in tables if table.name != "jobs"]
    return Content(page, [printed(table) for table in tables[:MOST_TABLES]], methods(opened))


def _completed(opened: Run | Sweep) -> bool:
    if isinstance(opened, Run):
        return opened.status == "completed"
    return "completed" in opened.summary.get("status", ())


def methods(opened: Run | Sweep | Comparison) -> list[Theory]:
    """Return the theory of all that ran, and of the test of a comparison."""
    if isinstance(opened, Comparison):
        configs = [settings(group[0].path) for group in opened.runs.values() if group]
        return [*theory.of_runs(configs), *theory.of_comparison(opened.info)]
    if isinstance(opened, Sweep):
        found = [opened.run(name) for name in opened.summary.get("run", ())] if opened.summary else []
        return theory.of_runs([settings(opened.path), *(settings(run.path) for run in found[:20] if run)])
    return theory.of_run(settings(opened.path))


def printed(table: Table) -> Table:
    """Return a table cut to what fits on paper; what is left out is in the file of the table."""
    bare = [re.sub(r" \((?:%|points)\)$", "", name) for name in table.header]
    wanted = PRINTED.get(table.name, ())
    places = [bare.index(name) for name in wanted if name in bare] or list(range(len(bare)))[:MOST_COLUMNS]
    if table.name == "pairs" and len(table.rows) == 1:
        places = [place for place in places if bare[place] != "p adjusted"]
    rows = [[row[place] for place in places] for row in table.rows[:MOST_ROWS]]
    foot = [[row[place] for place in places] for row in table.foot]
    left = table.left_out + max(0, len(table.rows) - MOST_ROWS)
    return replace(
        table,
        name=re.sub(r"[^A-Za-z0-9_-]", "-", table.name),
        header=[table.header[place] for place in places],
        numeric=[table.numeric[place] for place in places],
        rows=rows,
        foot=foot,
        left_out=left,
    )


def table_caption(made: Table) -> str:
    """Return the title of a table, its note and how many rows it leaves out."""
    note = f" {made.note}" if made.note else ""
    left = f" {made.left_out:,} more rows are in its file." if made.left_out else ""
    return f"{made.title}.{note}{left}"


def short(text: str, most: int) -> str:
    """Return a text of at most `most` letters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def pictures(folder: Path, formats: Sequence[str], into: Path) -> list[Picture]:
    """Draw the most important figures without their headline, which goes into the caption, into another folder."""
    return report.drawn(folder, Wanted(MAIN_FIGURES, tuple(formats), title=False), into)


def caption(picture: Picture) -> str:
    """Return the finding of a figure, what it shows and what to look for."""
    said = [part.strip().rstrip(".") for part in (picture.headline, picture.alt, picture.look)]
    text = ". ".join(part for part in dict.fromkeys(said) if part)
    return text if text.endswith(("?", "!")) else f"{text}."


def formulas(step: Step) -> list[str]:
    r"""Return the formulas of a step of a derivation in plain TeX; one that is not of the known part of it is left out.

    Examples
    --------
    >>> formulas(Step("", "z > 0", r"\input{x}"))
    ['z > 0']
    """
    kept = [one for one in (step.symbols, step.numbers) if one and known(one)]
    return [re.sub(r"\\(lt|gt|odot)(?![A-Za-z])", lambda found: PLAIN[found[1]], one) for one in kept]


@cache
def _entries() -> dict[str, str]:
    text = METHODS.read_text(encoding="utf-8")
    return {found[1]: found[0] for found in re.finditer(r"@\w+\{(\w+),\n.*?\n\}\n", text, re.DOTALL)}


def bibliography(names: Sequence[str]) -> str:
    """Return entries of `methods.bib` by their names."""
    return "\n".join(_entries()[name] for name in names)
