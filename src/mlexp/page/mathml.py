"""Formulas: a small, closed part of LaTeX as MathML.

A run folder may come from a stranger, and so may its formulas. What is not in the tables below is refused, every
letter of the output comes from these tables or is a letter, a digit or a mark of punctuation, and no attribute holds
anything that was read. The general converters know commands that set attributes and links, or undo their escaping.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MOST_LETTERS, MOST_NESTED = 6000, 24
TOKEN = re.compile(
    r"\\[A-Za-z]+|\\[\\,;{} |]|[A-Za-z]|\d+(?:\.\d+)?|[-+=(),.;:!/|'&^_{}\[\]*]|(?<= )[<>](?= )|\s+"
)
TEXT = re.compile(r"[A-Za-z0-9 .,:;()+=/'-]*")
LETTERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "eta": "η", "theta": "θ", "lambda": "λ",
    "mu": "μ", "nu": "ν", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "ϕ",
    "Delta": "Δ", "Lambda": "Λ", "Sigma": "Σ", "Phi": "Φ", "ell": "ℓ", "infty": "∞", "partial": "∂", "nabla": "∇",
    "top": "⊤",
}  # fmt: skip
OPERATORS = {
    "sum": "∑", "prod": "∏", "times": "×", "cdot": "·", "odot": "⊙", "le": "≤", "ge": "≥",
    "ne": "≠", "in": "∈", "leftarrow": "←", "rightarrow": "→", "Rightarrow": "⇒", "approx": "≈", "ldots": "…",
    "cdots": "⋯", "vdots": "⋮", "pm": "±", "mid": "∣", "lVert": "‖", "rVert": "‖",
}  # fmt: skip
FUNCTIONS = ("exp", "log", "max", "min", "tanh", "det")
ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~"}
SPACES = {",": "0.17em", ";": "0.28em", " ": "0.28em", "quad": "1em"}
DELIMITERS = {
    "(": "(",
    ")": ")",
    "[": "[",
    "]": "]",
    "|": "|",
    "{": "{",
    "}": "}",
    ".": "",
    "lVert": "‖",
    "rVert": "‖",
}
MATRICES = {"pmatrix": ("(", ")"), "bmatrix": ("[", "]"), "cases": ("{", ""), "aligned": ("", "")}
MARKS = {
    "-": "−",
    "*": "∗",
    "'": "′",
    "<": "&lt;",
    ">": "&gt;",
}  # the last two between spaces alone: no markup
BEFORE_A_SIGN = tuple(
    f">{sign}</mo>" for sign in ("=", "(", "[", ",", "·", "×", "≈", "≤", "≥", "←", "→", "⇒")
)
LIMITS = ("sum", "prod", "max", "min")  # what stands below them, not beside


class UnknownFormula(ValueError):
    """A formula that is too long, is no LaTeX, or uses more of it than is known here."""


def mathml(latex: str) -> str:
    r"""Return a displayed formula as a ``math`` element.

    Raises
    ------
    UnknownFormula
        It is too long or too deep, or something in it is not known.

    Examples
    --------
    >>> mathml(r"\frac{\partial E}{\partial w_1}") == (
    ...     '<math display="block"><mfrac><mrow><mi>∂</mi><mi>E</mi></mrow>'
    ...     '<mrow><mi>∂</mi><msub><mi>w</mi><mn>1</mn></msub></mrow></mfrac></math>')
    True
    """
    if len(latex) > MOST_LETTERS:
        raise UnknownFormula(f"it has {len(latex):,} letters")
    reader = _Reader(_tokens(latex))
    inside = reader.row(())
    return f'<math display="block">{inside}</math>'


def known(latex: str) -> bool:
    r"""Return whether a formula can be shown.

    Examples
    --------
    >>> known(r"a \odot b"), known(r"\href{javascript:x}{a}"), known("<b>")
    (True, False, False)
    """
    try:
        mathml(latex)
    except UnknownFormula:
        return False
    return True


def _tokens(latex: str) -> list[str]:
    found, place = [], 0
    while place < len(latex):
        token = TOKEN.match(latex, place)
        if token is None:
            raise UnknownFormula(f"{latex[place]!r} is not known")
        found.append(token[0] if token[0].strip() or token[0].startswith("\\") else " ")
        place = token.end()
    return found


def _mo(text: str, stretched: bool = False) -> str:
    return f"<mo>{text}</mo>" if stretched else f'<mo stretchy="false">{text}</mo>'


@dataclass
class _Reader:
    """Tokens, and how far they have been read."""

    tokens: list[str]
    place: int = 0
    nested: int = field(default=0)

    def next(self, blank: bool = False) -> str:
        """Return the next token; spaces are passed over unless they are wanted."""
        while self.place < len(self.tokens):
            token = self.tokens[self.place]
            self.place += 1
            if blank or token != " ":
                return token
        return ""

    def peek(self) -> str:
        place = self.place
        token = self.next()
        self.place = place
        return token

    def row(self, ends: tuple[str, ...]) -> str:
        """Return what stands before one of `ends`, which is left to be read; with none, all."""
        self.nested += 1
        if self.nested > MOST_NESTED:
            raise UnknownFormula("it is nested too deep")
        items: list[str] = []
        while (token := self.peek()) and token not in ends:
            item = self.scripted()
            if token in ("+", "-") and (not items or items[-1].endswith(BEFORE_A_SIGN)):
                item = item.replace("<mo", '<mo form="prefix"', 1)
            items.append(item)
        if ends and not token:
            raise UnknownFormula(f"it lacks {ends[0]}")
        self.nested -= 1
        return items[0] if len(items) == 1 else f"<mrow>{''.join(items)}</mrow>"

    def scripted(self) -> str:
        """Return one item with what stands below and above it."""
        first = self.peek()
        base = self.atom()
        scripts: dict[str, str] = {}
        while (sign := self.peek()) in ("_", "^"):
            self.next()
            if sign in scripts:
                raise UnknownFormula(f"it has {sign} twice")
            scripts[sign] = self.atom()
        if not scripts:
            return base
        tags = ("munder", "mover", "munderover") if first[1:] in LIMITS else ("msub", "msup", "msubsup")
        tag = tags[2 if len(scripts) == 2 else "^" in scripts]
        return f"<{tag}>{base}{''.join(scripts[sign] for sign in '_^' if sign in scripts)}</{tag}>"

    def group(self) -> str:
        """Return what stands in braces."""
        if self.next() != "{":
            raise UnknownFormula("a brace is missing")
        inside = self.row(("}",))
        self.next()
        return inside

    def plain(self) -> str:
        """Return text in braces, of letters, digits and a few marks."""
        if self.next() != "{":
            raise UnknownFormula("a brace is missing")
        words = ""
        while (token := self.next(blank=True)) != "}":
            if not token or not TEXT.fullmatch(token):
                raise UnknownFormula(f"{token!r} is not text")
            words += token
        return words

    def atom(self) -> str:
        token = self.peek()
        if token == "{":
            return self.group()
        self.next()
        if token.startswith("\\"):
            return self.command(token[1:])
        if token.isalpha():
            return f"<mi>{token}</mi>"
        if token[:1].isdigit():
            return f"<mn>{token}</mn>"
        if token in ("", "}", "&", "_", "^"):
            raise UnknownFormula(f"{token or 'the end'} is out of place")
        return _mo(MARKS.get(token, token))

    def command(self, name: str) -> str:
        if name in LETTERS:
            return f"<mi>{LETTERS[name]}</mi>"
        if name in OPERATORS:
            return _mo(OPERATORS[name], stretched=name in LIMITS)
        if name in SPACES:
            return f'<mspace width="{SPACES[name]}"/>'
        if name in ("{", "}", "|"):
            return _mo("‖" if name == "|" else name)
        if name in COMMANDS:
            return COMMANDS[name](self)
        if name in ACCENTS:
            return f'<mover accent="true">{self.group()}{_mo(ACCENTS[name])}</mover>'
        if name in FUNCTIONS:
            following = self.peek()
            apart = following.isalpha() or following[1:] in LETTERS  # log p, not logp
            space = f'<mspace width="{SPACES[","]}"/>' if apart else ""
            return f"<mrow><mi>{name}</mi>{space}</mrow>" if space else f"<mi>{name}</mi>"
        raise UnknownFormula(f"\\{name} is not known")

    def fraction(self) -> str:
        return f"<mfrac>{self.group()}{self.group()}</mfrac>"

    def root(self) -> str:
        return f"<msqrt>{self.group()}</msqrt>"

    def words(self) -> str:
        return f"<mtext>{self.plain().replace(' ', chr(160))}</mtext>"

    def upright(self) -> str:
        return f'<mi mathvariant="normal">{self.plain()}</mi>'

    def bold(self) -> str:
        return f"<mi>{''.join(map(_bold, self.plain()))}</mi>"

    def script(self) -> str:
        return f"<mi>{''.join('ℒ' if letter == 'L' else letter for letter in self.plain())}</mi>"

    def delimited(self) -> str:
        """Return what stands between ``\\left`` and ``\\right``, whose signs grow with it."""
        left = self.delimiter()
        inside = self.row(("\\right",))
        self.next()
        return f"<mrow>{left}{inside}{self.delimiter()}</mrow>"

    def delimiter(self) -> str:
        sign = self.next().removeprefix("\\")
        if sign not in DELIMITERS:
            raise UnknownFormula(f"{sign!r} is not a delimiter")
        return _mo(DELIMITERS[sign], stretched=True) if DELIMITERS[sign] else ""

    def matrix(self) -> str:
        """Return rows of cells between ``\\begin`` and ``\\end``."""
        name = self.plain()
        if name not in MATRICES:
            raise UnknownFormula(f"{name!r} is not known")
        rows: list[list[str]] = [[]]
        while True:
            rows[-1].append(self.row(("&", "\\\\", "\\end")))
            sign = self.next()
            if sign == "\\\\":
                rows.append([])
            elif sign == "\\end":
                break
        if self.plain() != name:
            raise UnknownFormula(f"{name} does not end")
        cells = "".join(f"<mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in row)}</mtr>" for row in rows)
        left, right = (_mo(sign, stretched=True) if sign else "" for sign in MATRICES[name])
        side = ' class="left"' if name in ("cases", "aligned") else ""
        return f"<mrow>{left}<mtable{side}>{cells}</mtable>{right}</mrow>"


COMMANDS = {
    "frac": _Reader.fraction, "sqrt": _Reader.root, "text": _Reader.words, "mathrm": _Reader.upright,
    "operatorname": _Reader.upright, "mathbf": _Reader.bold, "mathcal": _Reader.script, "left": _Reader.delimited,
    "begin": _Reader.matrix,
}  # fmt: skip


def _bold(letter: str) -> str:
    """Return a letter or digit of the bold mathematical alphabet, which browsers know without an attribute."""
    for first, bold in (("A", 0x1D400), ("a", 0x1D41A), ("0", 0x1D7CE)):
        if first <= letter <= {"A": "Z", "a": "z", "0": "9"}[first]:
            return chr(bold + ord(letter) - ord(first))
    return letter
