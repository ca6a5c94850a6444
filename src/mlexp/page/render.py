"""Pages to text: jinja2 templates with every value escaped, and one script of our own that alone may run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup, escape

from mlexp.page import mathml
from mlexp.page.page import Living, Page
from mlexp.store import PAGE
from mlexp.store.files import write_bytes

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
LARGEST = 2_000_000  # bytes of a page that carries a network: it is sent by mail and opened on a telephone
SPECIAL = "\\`*_[]|~"
LINKED = re.compile(
    r"://|www\.|@|^\W*(?:mailto|xmpp|javascript|data):", re.IGNORECASE
)  # what readers make a link of


def html(page: Page) -> str:
    """Return a page as one HTML file with pictures, style and scripts inside.

    A network that would make the file larger than `LARGEST` is left out.
    """
    text = _html(page)
    if page.living.data and len(text.encode()) > LARGEST:
        note = f"The network is not part of this page, which would then be larger than {LARGEST / 1e6:g} MB."
        text = _html(replace(page, living=Living(note=note)))
    return text


def _html(page: Page) -> str:
    scripts = [_read("script.js"), *([_living(page.living.data["mode"])] if page.living.data else [])]
    template = _environment().get_template("page.html")
    return template.render(page=page, policy=_policy(*scripts), scripts=[Markup(text) for text in scripts])


def _living(mode: str) -> str:
    """Return the script of a page that computes: the network, what all such pages share, and what its data need."""
    parts = "".join(_read(f"living/{name}.js") for name in ("network", "shared", mode, "begin"))
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def markdown(page: Page) -> str:
    """Return a page as Markdown that points to the pictures beside it."""
    return _environment().get_template("page.md").render(page=page)


def index(**content: object) -> str:
    """Return the list of all runs as HTML."""
    return _environment().get_template("index.html").render(policy=_policy(_read("script.js")), **content)


def environment_of(templates: Path, **more: Any) -> Environment:
    """Return a Jinja environment that escapes every value, and refuses a name that is not given."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **more,
    )


@cache
def _environment() -> Environment:
    environment = environment_of(TEMPLATES, keep_trailing_newline=True)
    environment.filters |= {"inline": _inline, "address": address, "md": _md, "oneline": _oneline}
    environment.filters |= {"math": math, "mathmd": math_md, "json": _json}
    environment.globals |= {"style": Markup(_read("style.css")), "script": Markup(_read("script.js"))}
    environment.globals |= {"living_style": Markup(_read("living/style.css"))}
    return environment


def _policy(*scripts: str) -> str:
    """Return the rule by which a browser loads nothing and runs no script but ours, whatever the page says."""
    hashes = " ".join(f"'sha256-{digest(text)}'" for text in scripts)
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {hashes}"


def digest(text: str) -> str:
    """Return the SHA-256 of a script or a style, as a content security policy names it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _inline(png: bytes) -> str:
    """Return a picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def address(path: str) -> str:
    """Return a path within the folder as an address; a colon would make it a scheme, a slash in front another host.

    Examples
    --------
    >>> address("runs/003-ab/report.html"), address("//host/x"), address("javascript:alert(1)")
    ('runs/003-ab/report.html', 'host/x', 'javascript%3Aalert%281%29')
    """
    return quote(path.lstrip("/"))


def _json(data: object) -> Markup:
    """Return data as JSON within a script element: no text of theirs can end it or begin another.

    Examples
    --------
    >>> print(_json(["</script><!--"]))
    ["\\u003c/script\\u003e\\u003c!--"]
    """
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return Markup("".join(f"\\u{ord(letter):04x}" if letter in "<>&" else letter for letter in text))


def _oneline(command: str) -> Markup:
    """Return a command as the line of an indented block, in which Markdown reads nothing else."""
    return Markup(" ".join(command.split()))


def math(latex: str) -> Markup:
    """Return a formula as MathML; one that is not known is shown as the text that it is.

    Examples
    --------
    >>> str(math("<b>"))
    '<code>&lt;b&gt;</code>'
    """
    try:
        return Markup(mathml.mathml(latex))
    except mathml.UnknownFormula:
        return Markup("<code>{}</code>").format(latex[: mathml.MOST_LETTERS])


def math_md(latex: str) -> Markup:
    """Return a formula for Markdown, between dollars; one that is not known is shown as the text that it is."""
    if not mathml.known(latex):
        return Markup("<code>{}</code>").format(_md(latex[: mathml.MOST_LETTERS]))
    return Markup(f"$$\n{' '.join(latex.split())}\n$$")


def _md(text: object) -> Markup:
    """Keep Markdown and HTML from reading anything into a text: no markup, no picture, no link.

    A word that some readers make a link of by themselves becomes code.

    Examples
    --------
    >>> str(_md("<b>a|b</b>"))
    '&lt;b&gt;a\\\\|b&lt;/b&gt;'
    >>> str(_md("from http://host/x"))
    'from `http://host/x`'
    """
    return Markup(" ".join(map(_md_word, str(text).split())))


def _md_word(word: str) -> str:
    if LINKED.search(word):
        return f"`{word.replace('`', chr(39)).replace('|', chr(92) + '|')}`"
    return "".join(f"\\{letter}" if letter in SPECIAL else letter for letter in str(escape(word)))


def write(folder: Path, page: Page) -> list[Path]:
    """Write `report.html` and `report.md` into a folder and return the two files; the same page gives the same bytes.

    Raises
    ------
    ConfigError
        If the files cannot be written.
    """
    written = [folder / name for name in PAGE]
    for path, text in zip(written, (html(page), markdown(page)), strict=True):
        write_bytes(path, text.encode())
    return written
