r"""A folder of LaTeX: tables by booktabs, figures as PDF, a command a number, references, and a text that inputs them.

Everything is ASCII and compiles with pdfLaTeX, XeLaTeX and LuaLaTeX and the packages of a basic installation.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mlexp.documents.content import Content, bibliography, caption, content, formulas, pictures
from mlexp.documents.tex import FITTED, escape, numbers, table
from mlexp.page.page import Derivation, Picture
from mlexp.store.files import at_once, write_bytes

MAIN = r"""% Compile with: latexmk -pdf main
\documentclass[10pt,a4paper,twocolumn]{article}
\usepackage[margin=17mm]{geometry}
\usepackage{amsmath,booktabs,graphicx,textcomp}
\providecommand{\textquotedbl}{''}
\input{numbers}
\title{<title>}
\author{}
\date{<date>}
\begin{document}
\maketitle
\noindent\textbf{<question>}

<sentences>

<derivation>

\paragraph{Methods.} <methods>

\paragraph{Tables and figures.} <listed>

<tables>
<figures>
\typeout{}% so that latexmk finds in the log, on a line of its own, that references are not there yet
{\small\bibliographystyle{plain}
\bibliography{methods}}
\end{document}
"""


def write(folder: Path, target: Path) -> list[Path]:
    """Write the LaTeX of a run, sweep or comparison into the folder `target`; all files or none.

    Returns
    -------
    list of Path
        ``main.tex``, ``numbers.tex``, ``methods.bib``, ``tables/*.tex``, ``figures/*.pdf`` and ``figures/*.tex``.

    Raises
    ------
    DataError
        If the folder holds no result yet.
    """
    said = content(folder)
    with tempfile.TemporaryDirectory() as place:
        drawn = pictures(folder, ["pdf"], Path(place))
        plots = {
            f"figures/{one.name}.pdf": (Path(place) / f"figures/{one.name}.pdf").read_bytes() for one in drawn
        }
    texts = {
        "main.tex": main(said, drawn),
        "numbers.tex": numbers(said.tables),
        "methods.bib": bibliography(said.sources),
        **{f"tables/{one.name}.tex": table(one) for one in said.tables},
        **{f"figures/{one.name}.tex": figure(one) for one in drawn},
    }
    if said.page.derivation:
        texts["derivation.tex"] = derivation(said.page.derivation)
    files = {name: text.encode("ascii") for name, text in texts.items()} | plots
    with at_once():
        for name, data in files.items():
            write_bytes(target / name, data)
    return [target / name for name in files]


def main(said: Content, drawn: Sequence[Picture]) -> str:
    """Return the text that inputs tables, figures and numbers."""
    sentences = [*said.answer.sentences, *said.answer.warnings]
    cited = [rf"{escape(row.title)}~\cite{{{','.join(row.sources)}}}" for row in said.theory if row.sources]
    cited.append(rf"software~\cite{{{','.join(said.sources[-2:])}}}")
    places = [rf"Table~\ref{{tab:{one.name}}}" for one in said.tables]
    places += [rf"Figure~\ref{{fig:{one.name}}}" for one in drawn]
    parts = {
        "title": escape(said.page.title),
        "date": escape(said.page.date[:10]),
        "question": escape(said.answer.question),
        "sentences": "\n\n".join(map(escape, sentences)),
        "derivation": r"\input{derivation}" if said.page.derivation else "",
        "methods": _sentence(cited),
        "listed": _sentence(places),
        "tables": "\n".join(rf"\input{{tables/{one.name}}}" for one in said.tables),
        "figures": "\n".join(rf"\input{{figures/{one.name}}}" for one in drawn),
    }
    return re.sub(r"<(\w+)>", lambda found: parts[found[1]], MAIN)


def _sentence(words: Sequence[str]) -> str:
    text = ", ".join(words)
    return f"{text[:1].upper()}{text[1:]}." if words else ""


def derivation(made: Derivation) -> str:
    """Return a derivation, step by step; a formula that is too wide is drawn smaller."""
    lines = []
    for heading, steps in made.parts:
        lines.append(rf"\paragraph{{{escape(heading)}.}}")
        for step in steps:
            shown = [rf"\[{FITTED}{chr(10)}  $\displaystyle {one}$}}\]" for one in formulas(step)]
            lines += [part for part in (escape(step.sentence), *shown) if part]
    return "\n".join([*lines, ""])


def figure(picture: Picture) -> str:
    """Return a figure with its caption and the label ``fig:NAME``."""
    return "\n".join(
        [
            r"\begin{figure}[tbp]",
            r"  \centering\footnotesize",
            rf"  \includegraphics[width=\linewidth]{{figures/{picture.name}.pdf}}",
            rf"  \caption{{{escape(caption(picture))}}}",
            rf"  \label{{fig:{picture.name}}}",
            r"\end{figure}",
            "",
        ]
    )
