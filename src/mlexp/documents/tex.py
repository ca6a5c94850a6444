"""Text, numbers and tables as LaTeX: ASCII alone, so that every engine reads it, and nothing of a text is a command."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from mlexp.documents.content import short, table_caption
from mlexp.page.page import Table

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "'": r"{'}", "`": r"{`}", "-": r"{-}", "[": r"{[}", "]": r"{]}",
    "\u00a0": "~", "\u2009": r"\,", "–": "--", "—": "---", "…": r"\dots{}", "ß": r"{\ss}", "æ": r"{\ae}",
    "Æ": r"{\AE}", "œ": r"{\oe}", "Œ": r"{\OE}", "ø": r"{\o}", "Ø": r"{\O}", "ł": r"{\l}", "Ł": r"{\L}",
    "“": "``", "”": "{''}", "‘": "{`}", "’": "{'}", "§": r"\S{}",
}  # fmt: skip
MATHS = {
    "−": "-", "·": r"\cdot", "×": r"\times", "±": r"\pm", "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≈": r"\approx",
    "→": r"\rightarrow", "←": r"\leftarrow", "∞": r"\infty", "√": r"\surd", "∂": r"\partial", "Σ": r"\Sigma",
    "∑": r"\sum", "‖": r"\Vert", "°": r"^\circ", "¹": "^1", "²": "^2", "³": "^3", "⁴": "^4", "⁰": "^0", "⁻": "^-",
    "½": r"\frac12", "⊙": r"\odot", "ℓ": r"\ell", "Δ": r"\Delta", "Ω": r"\Omega", "Φ": r"\Phi",
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030a": "r", "\u0327": "c",
    "\u030c": "v", "\u0304": "=", "\u0306": "u", "\u0307": ".", "\u030b": "H",
}  # fmt: skip
GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip
DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
LONGEST = 60  # letters of a cell
WIDE = 6  # columns above which a table goes over both columns of the text
FITTED = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"


def escape(text: object) -> str:
    r"""Return a text as LaTeX prints it: no character is a command, what no font has is named by its number.

    Examples
    --------
    >>> escape("50 % of a_b"), escape(r"\input{x}"), escape("Müller, 字")
    ('50 \\% of a\\_b', '\\textbackslash{}input\\{x\\}', 'M{\\"{u}}ller, U+5B57')
    """
    return "".join(map(letter, " ".join(str(text).split(" ")).strip()))


def letter(one: str) -> str:
    """Return one character as LaTeX prints it."""
    if one in SPECIAL:
        return SPECIAL[one]
    if " " <= one <= "~":
        return one
    if one in MATHS or one in GREEK:
        return rf"\ensuremath{{{MATHS.get(one) or chr(92) + GREEK[one]}}}"
    base, *marks = list(unicodedata.normalize("NFD", one))
    if len(marks) == 1 and marks[0] in ACCENTS and base.isascii() and base.isalpha():
        base = {"i": r"\i", "j": r"\j"}.get(base, base)
        return rf"{{\{ACCENTS[marks[0]]}{{{base}}}}}"
    return " " if one.isspace() or unicodedata.category(one).startswith("C") else f"U+{ord(one):04X}"


def command(*words: str) -> str:
    r"""Return the name of a command of letters alone, made of words.

    Examples
    --------
    >>> command("test", "macro F1"), command("")
    ('\\resTestMacroFOne', '\\res')
    """
    spelled = re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", " ".join(words))
    return r"\res" + "".join(word[:1].upper() + word[1:] for word in re.findall("[A-Za-z]+", spelled))


def value(cell: str, header: str) -> str:
    """Return the number of a cell with the unit of its column."""
    text = escape(cell)
    return rf"{text}\,\%" if header.endswith(" (%)") and cell else text


def table(made: Table) -> str:
    """Return a table with rules of booktabs, its caption and the label ``tab:NAME``."""
    columns = "".join("r" if numeric else "l" for numeric in made.numeric)
    rows = [" & ".join(escape(short(name, LONGEST)) for name in made.header), *_rows(made)]
    kind = "table*" if len(made.header) > WIDE else "table"
    return "\n".join(
        [
            rf"\begin{{{kind}}}[tbp]",
            r"  \centering\footnotesize",
            rf"  \caption{{{escape(table_caption(made))}}}",
            rf"  \label{{tab:{made.name}}}",
            f"  {FITTED}",
            rf"  \begin{{tabular}}{{{columns}}}",
            r"    \toprule",
            rf"    {rows[0]} \\",
            r"    \midrule",
            *(rf"    {row} \\" for row in rows[1:]),
            r"    \bottomrule",
            r"  \end{tabular}}",
            rf"\end{{{kind}}}",
            "",
        ]
    )


def _rows(made: Table) -> Iterator[str]:
    for row in (*made.rows, *made.foot):
        cells = [escape(short(cell.text, LONGEST)) for cell in row]
        yield " & ".join(
            rf"\textbf{{{text}}}" if cell.strong else text for cell, text in zip(row, cells, strict=True)
        )


def numbers(tables: Sequence[Table]) -> str:
    """Return one command for each number of some tables, named by its column and the names of its row."""
    lines: dict[str, str] = {}
    for made in tables:
        n_names = next((k for k, numeric in enumerate(made.numeric) if numeric), len(made.header))
        for row in made.rows:
            names = [cell.text for cell in row[:n_names]]
            for header, cell, numeric in zip(made.header, row, made.numeric, strict=True):
                name = command(header.removesuffix(" (%)").removesuffix(" (points)"), *names)
                if numeric and cell.text and name not in lines:
                    lines[name] = rf"\newcommand{{{name}}}{{{value(cell.text, header)}}}"
    return "\n".join([*lines.values(), ""])
