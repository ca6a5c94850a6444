"""Formulas become MathML of known elements, whatever a run folder of a stranger holds."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlexp.page import render
from mlexp.page.mathml import COMMANDS, LETTERS, OPERATORS, UnknownFormula, known, mathml

ELEMENTS = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "msub", "msup", "msubsup", "munder", "mover",
    "munderover", "mtable", "mtr", "mtd",
}  # fmt: skip
ATTRIBUTES = {"display", "stretchy", "form", "accent", "class", "width", "mathvariant"}


def elements(latex: str) -> list[ET.Element]:
    return list(ET.fromstring(mathml(latex)).iter())


@pytest.mark.parametrize(
    ("latex", "written"),
    [
        (r"\frac{a}{b}", "<mfrac><mi>a</mi><mi>b</mi></mfrac>"),
        ("x_i^2", "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>"),
        (r"\log p", '<mrow><mrow><mi>log</mi><mspace width="0.17em"/></mrow><mi>p</mi></mrow>'),
        ("a < b", '<mrow><mi>a</mi><mo stretchy="false">&lt;</mo><mi>b</mi></mrow>'),
        (r"\sqrt{2}", "<msqrt><mn>2</mn></msqrt>"),
        (r"\text{at most}", "<mtext>at\u00a0most</mtext>"),
        (r"\hat{y}", '<mover accent="true"><mi>y</mi><mo stretchy="false">^</mo></mover>'),
    ],
)
def test_what_a_formula_becomes(latex: str, written: str) -> None:
    assert mathml(latex) == f'<math display="block">{written}</math>'


def test_a_sign_after_an_operator_stands_close_to_its_number() -> None:
    assert mathml("a = -2").count('form="prefix"') == 1
    assert mathml("a - 2").count('form="prefix"') == 0


@pytest.mark.parametrize(
    "latex",
    [
        "<script>alert(1)</script>", r"\href{javascript:alert(1)}{x}", r"\text{<b>}", r"\text{&lt;}", r"\style{x}{y}",
        r"\class{x}{y}", r"\begin{array}{c}1\end{array}", r"\begin{pmatrix}1", r"\frac{1}", "x^", "x^1^2", "{", "}",
        r"\left( x", r"\left< x \right>", "&", "é", "$", "`", r"\def\a{b}", "{" * 500, "x" * 100_000, r"\text{a",
        "\x00", r"\mathbf{<}", r"\begin{pmatrix} \end{cases}", r"\operatorname{a&b}", "<b >", " <b> ", '"', "\u202e",
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_and_shown_as_text(latex: str) -> None:
    with pytest.raises(UnknownFormula):
        mathml(latex)
    shown = str(render.math(latex))
    assert "<math" not in shown
    assert not any(sign in shown.removeprefix("<code>").removesuffix("</code>") for sign in "<>")
    assert not any(sign in str(render.math_md(latex))[6:-7] for sign in "<>")


WORDS = st.sampled_from(
    [
        *(f"\\{name}" for name in (*COMMANDS, *LETTERS, *OPERATORS)),
        " < ",
        " > ",
        *"{}^_&()[]|ab12 +-=<>\"'`$;\\",
        "\\\\",
        "pmatrix",
    ]
)


@given(st.lists(WORDS, max_size=30).map("".join) | st.text(max_size=40))
def test_whatever_is_accepted_is_markup_of_known_elements_alone(latex: str) -> None:
    if known(latex):
        for element in elements(latex):
            assert element.tag in ELEMENTS
            assert set(element.attrib) <= ATTRIBUTES
        assert not re.search(r"<\S|\S>|[$`]", str(render.math_md(latex))[2:-2])
