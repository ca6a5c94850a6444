"""What stands on a page, whatever it is rendered to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

MOST_COLUMNS = 24  # a wider table is for a spreadsheet, not for a page
MOST_ROWS = 200
OPEN = ("scores",)  # tables that are never folded
FOLDED = 12  # rows up to which a table is open when the page is


@dataclass(frozen=True)
class KeyFigure:
    """One of the few numbers of the first screen."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class PageAnswer:
    """The question of a study, and what the recorded numbers say to it, the most important sentence first.

    Attributes
    ----------
    warnings : what a reader must know with the sentences, directly below them
    details : term and description, folded until the reader asks
    """

    question: str
    sentences: Sequence[str]
    key_figures: Sequence[KeyFigure] = ()
    warnings: Sequence[str] = ()
    details: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Cell:
    """A cell of a table: what is shown, what sorting compares, where it leads, whether it stands out."""

    text: str
    value: str = ""
    link: str = ""
    svg: Markup = Markup("")
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes
    ----------
    name : of the element and of its CSV file
    numeric : whether each column holds numbers
    foot : rows of totals, which stay below when the others are sorted
    left_out : rows of the file that are not shown
    filters : column -> its values, for tables with a choice above them
    """

    name: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numeric: Sequence[bool]
    note: str = ""
    source: str = ""
    foot: Sequence[Sequence[Cell]] = ()
    left_out: int = 0
    filters: dict[int, Sequence[str]] = field(default_factory=dict)

    @property
    def folded(self) -> bool:
        """Whether the reader has to open it."""
        return len(self.rows) > FOLDED and not self.filters and self.name not in OPEN


@dataclass(frozen=True)
class Picture:
    """A figure of the folder with its words.

    Attributes
    ----------
    file : relative to the folder
    png : its bytes
    size : width and height in pixels
    headline : what the picture itself says above its axes
    alt : what kind of picture it is, for those who cannot see it
    look : what to look at
    """

    name: str
    file: str
    png: bytes
    size: tuple[int, int]
    headline: str
    alt: str
    look: str


@dataclass(frozen=True)
class Step:
    """A step of a derivation: a sentence, and its formula in symbols and in numbers, in LaTeX; either may be empty."""

    sentence: str
    symbols: str = ""
    numbers: str = ""


@dataclass(frozen=True)
class Derivation:
    """A derivation with its numbers.

    Attributes
    ----------
    parts : heading and steps
    given : number of parts, from the first, that state the exercise
    folded : whether all after these, and every result of the page, is folded until the reader asks
    """

    parts: Sequence[tuple[str, Sequence[Step]]]
    given: int = 0
    folded: bool = False


@dataclass(frozen=True)
class Living:
    """A network that a page carries, so that its script computes; or why it does not.

    Attributes
    ----------
    title : heading
    data : what `templates/living/` reads, as JSON holds it; empty: nothing computes
    note : a line in its place
    """

    title: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Page:
    """Everything that a page says, in its order.

    Attributes
    ----------
    kind : run, sweep or comparison
    how : heading of the method
    method, record : term and description
    commands : how to run it again
    links : words and relative address
    """

    title: str
    kind: str
    status: str
    date: str
    answer: PageAnswer
    problem: str = ""
    derivation: Derivation | None = None
    up: tuple[str, str] | None = None
    pictures: Sequence[Picture] = ()
    living: Living = Living()
    members: Sequence[Table] = ()
    tables: Sequence[Table] = ()
    how: str = "How it was done"
    method: Sequence[tuple[str, str]] = ()
    warnings: Sequence[str] = ()
    record: Sequence[tuple[str, str]] = ()
    commands: Sequence[tuple[str, str]] = ()
    links: Sequence[tuple[str, str]] = ()
