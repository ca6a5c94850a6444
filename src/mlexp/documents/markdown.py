"""A lab report as one text: pandoc's Markdown with TeX formulas, from which every format of a document is made.

What comes from a folder is data: no letter of it is markup, a formula, a citation or code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlexp.documents.content import SOFTWARE, Content, caption, formulas, short, table_caption
from mlexp.documents.theory import Theory
from mlexp.page.page import Derivation, Picture, Table

SPECIAL = set("\\`*_{}[]<>#+-!|~^$@\"'=:&%/")
DATA = ("Data", "Table", "Samples", "Split", "Preparation")
LONGEST = 80  # letters of a cell


@dataclass(frozen=True)
class Title:
    """What the person who hands the report in says of it; empty: the study's name, nobody, no course."""

    title: str = ""
    author: str = ""
    course: str = ""


@dataclass(frozen=True)
class ProgramListing:
    """A program listing.

    Attributes
    ----------
    text : the script
    rows : name of the file that it reads
    data : what that file holds
    command : the command that writes both
    """

    text: str
    rows: str
    data: bytes
    command: str


def escape(text: object) -> str:
    r"""Return a text as one line that pandoc prints as it is.

    Examples
    --------
    >>> escape("a_b [x](y) $z$"), escape("1. first")
    ('a\\_b \\[x\\](y) \\$z\\$', '1\\. first')
    """
    line = " ".join(
        "".join(c if c.isprintable() or c.isspace() else "�" for c in str(text)).split(" ")
    ).strip()
    line = "".join(
        f"\\{letter}" if letter in SPECIAL else " " if letter in "\n\r\t\x0b\x0c" else letter
        for letter in line
    )
    return re.sub(r"^(\(?\w+)([.)])", r"\1\\\2", line)


def text(
    said: Content,
    drawn: Sequence[Picture],
    listing: ProgramListing | None,
    title: Title,
    figures: str,
    numbered: bool = False,
) -> str:
    """Return the report.

    Parameters
    ----------
    said : what the folder says
    drawn : its figures
    listing : the program listing; None where there is none
    title : the title block
    figures : where the figures lie, with `{name}` for the name of one
    numbered : whether captions say their number, for formats that do not count by themselves
    """
    parts = [
        _front(said, title),
        *("# Objective", escape(said.answer.question)),
        *_theory(said.theory),
        *_derivation(said.page.derivation),
        *_terms(said.page.method),
        *_program(listing),
        *_results(said, drawn, figures, numbered),
        *_discussion(said),
        *("# Conclusion", escape(said.answer.sentences[0] if said.answer.sentences else "")),
        *("# References", "::: {#refs}\n:::"),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front(said: Content, title: Title) -> str:
    """Return title, course, author and date as YAML; JSON is YAML, and its words are read as Markdown."""
    fields = {
        "title": title.title or said.page.title,
        "subtitle": title.course,
        "author": title.author,
        "date": said.page.date[:10],
    }
    lines = [
        f"{name}: {json.dumps(escape(words), ensure_ascii=False)}" for name, words in fields.items() if words
    ]
    return "\n".join(["---", *lines, "bibliography: BIBLIOGRAPHY", "---"])


def _theory(rows: Sequence[Theory]) -> Iterator[str]:
    if rows:
        yield "# Theory"
    for row in rows:
        cited = f" [{'; '.join(f'@{name}' for name in row.sources)}]" if row.sources else ""
        yield f"## {escape(row.title)}{cited}"
        yield row.text


def _derivation(derivation: Derivation | None) -> Iterator[str]:
    """Yield every step, the answers of an exercise among them."""
    if derivation:
        yield "# Derivation"
    for heading, steps in derivation.parts if derivation else ():
        yield f"## {escape(heading)}"
        for step in steps:
            yield "\n".join([escape(step.sentence), *(f"$${one}$$" for one in formulas(step))]).strip()


def _terms(method: Sequence[tuple[str, str]]) -> Iterator[str]:
    data = [pair for pair in method if pair[0] in DATA]
    other = [pair for pair in method if pair[0] not in DATA]
    for heading, pairs in (("# Data", data), ("# Method", other)):
        if pairs or heading == "# Method":
            yield heading
            yield "\n".join(f"- **{escape(term)}.** {escape(words)}" for term, words in pairs)
    numpy, sklearn = SOFTWARE
    yield f"Software: NumPy [@{numpy}] and scikit\\-learn [@{sklearn}]."


def _program(listing: ProgramListing | None) -> Iterator[str]:
    if listing:
        yield "# Program listing"
        where = f"The file {escape(listing.rows)} holds the samples that it reads; this command writes both:"
        yield f"{where} {escape(listing.command)}"
        yield f"::: {{.cell .code}}\n``````python\n{listing.text.rstrip()}\n``````\n:::"


def _results(said: Content, drawn: Sequence[Picture], figures: str, numbered: bool) -> Iterator[str]:
    yield "# Results"
    if said.answer.key_figures:
        yield "\n".join(
            f"- {escape(one.label)}: **{escape(one.value)}**{f' ({escape(one.note)})' if one.note else ''}"
            for one in said.answer.key_figures
        )
    for k, one in enumerate(said.tables, 1):
        yield table(one, f"Table {k}. " if numbered else "")
    for k, picture in enumerate(drawn, 1):
        number = f"Figure {k}. " if numbered else ""
        yield f"![{number}{escape(caption(picture))}]({figures.format(name=picture.name)}){{width=100%}}"


def table(made: Table, number: str = "") -> str:
    """Return a pipe table with its caption; columns are as wide as their words need."""
    rows = [list(made.header), *([cell.text for cell in row] for row in (*made.rows, *made.foot))]
    cells = [[escape(short(word, LONGEST)) for word in row] for row in rows]
    words = [
        [max(map(len, cell.split() or [""])) for cell in cells[0]],
        *([len(cell) for cell in row] for row in cells[1:]),
    ]
    widths = [max(8, *(row[k] for row in words)) for k in range(len(made.header))]
    marks = [
        f"{'-' * (width - 1)}:" if numeric else f":{'-' * (width - 1)}"
        for width, numeric in zip(widths, made.numeric, strict=True)
    ]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join(
        [
            lines[0],
            f"|{'|'.join(marks)}|",
            *lines[1:],
            "",
            f"Table: {number}{escape(table_caption(made))}",
        ]
    )


def _discussion(said: Content) -> Iterator[str]:
    sentences = [*said.answer.sentences, *said.answer.warnings, *said.page.warnings]
    details: Mapping[str, str] = dict(said.answer.details)
    yield "# Discussion"
    yield " ".join(map(escape, dict.fromkeys(sentences)))
    if details:
        yield "\n".join(f"- **{escape(term)}.** {escape(words)}" for term, words in details.items())
