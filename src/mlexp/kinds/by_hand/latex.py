r"""Derivations as they are recorded: numbers and matrices in LaTeX, and the steps with their sentences.

A derivation is the table ``derivation.csv`` of a run: `part` (heading), `given` (whether it states the exercise),
`sentence`, `symbols` and `numbers`, both formulas in the part of LaTeX that `mlexp.page.mathml` knows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from mlexp.store.result import Columns

MOST = 7  # rows and columns of a matrix that are written out
GREATEST = 12  # numbers of a row vector
NOTHING = 1e-14  # beside numbers of about 1, what a number below it is: a rounding error
DOTS = r"\ldots"
BREAK = r" \\ "
ON_THE_LINE = "on the line"  # the class of a point that has none
NAME = "derivation"  # of the table


def num(value: float, digits: int = 5) -> str:
    r"""Return a number with `digits` significant digits.

    Examples
    --------
    >>> num(2), num(-0.123456789), num(1.5e-9), num(1234567.0)
    ('2', '-0.12346', '1.5 \\times 10^{-9}', '1.2346 \\times 10^{6}')
    """
    if not math.isfinite(value):
        return r"\infty" if value == math.inf else r"-\infty" if value == -math.inf else r"\text{undefined}"
    text = f"{0.0 if abs(value) < NOTHING else value:.{digits}g}"
    mantissa, _, exponent = text.partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa


def difference(value: float) -> str:
    """Return a difference that rounding leaves, as a sentence says it.

    Examples
    --------
    >>> difference(6.179e-17), difference(0)
    ('6.2e-17', '0')
    """
    return f"{value:.1e}" if value else "0"


def signed(value: float) -> str:
    """Return a number as a factor or a term: in parentheses if it is negative.

    Examples
    --------
    >>> signed(2.5), signed(-1)
    ('2.5', '(-1)')
    """
    return f"({num(value)})" if value < 0 else num(value)


def total(values: Iterable[float]) -> str:
    """Return numbers with plus and minus between them; of many the first and the last.

    Examples
    --------
    >>> total([1, -2.5, 3])
    '1 - 2.5 + 3'
    """
    words = [num(value) for value in values]
    if len(words) > MOST:
        words = [*words[: MOST - 2], r"\ldots", words[-1]]
    return " ".join(words[:1] + [f"- {w[1:]}" if w.startswith("-") else f"+ {w}" for w in words[1:]])


def matrix(values: np.ndarray, digits: int = 4, most: int = MOST) -> str:
    r"""Return a matrix, or a vector as a column; the middle of one with more than `most` rows or columns becomes dots.

    Examples
    --------
    >>> matrix(np.array([[1.0, 2.0], [3.0, -4.0]]))
    '\\begin{pmatrix} 1 & 2 \\\\ 3 & -4 \\end{pmatrix}'
    """
    table = values[:, None] if values.ndim == 1 else values
    if table.size == 1:
        return num(table.item(), digits)
    rows = [
        " & ".join(_shortened([num(value, digits) for value in cells], r"\cdots", most))
        for cells in table.tolist()
    ]
    n_columns = min(table.shape[1], most)
    rows = _shortened(rows, " & ".join([r"\vdots"] * n_columns), most)
    return rf"\begin{{pmatrix}} {BREAK.join(rows)} \end{{pmatrix}}"


def row(values: np.ndarray) -> str:
    """Return a point or a row vector."""
    return f"({', '.join(_shortened([num(value) for value in values], DOTS, GREATEST))})"


def _shortened(items: list[str], dots: str, most: int) -> list[str]:
    return items if len(items) <= most else [*items[: most - 2], dots, items[-1]]


@dataclass
class Script:
    """The steps of a derivation, in their order."""

    rows: list[tuple[str, bool, str, str, str]] = field(default_factory=list)
    heading: str = ""
    given: bool = False

    def part(self, heading: str, *, given: bool = False) -> None:
        """Begin a part; `given` ones state the exercise."""
        self.heading, self.given = heading, given

    def step(self, sentence: str, symbols: str = "", numbers: str = "") -> None:
        """Add a step."""
        self.rows.append((self.heading, self.given, sentence, symbols, numbers))

    def table(self) -> Columns:
        """Return the columns of the table."""
        names = ("part", "given", "sentence", "symbols", "numbers")
        return {name: [entry[place] for entry in self.rows] for place, name in enumerate(names)}
