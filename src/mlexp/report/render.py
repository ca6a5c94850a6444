"""Pages to text: jinja2 templates with every value escaped, and one script of our own that alone may run."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from markupsafe import Markup, escape

from mlexp.report.page import Page

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
SPECIAL = "\\`*_[]|~"


def html(page: Page) -> str:
    """Return a page as one HTML file with pictures, style and script inside."""
    return _environment().get_template("page.html").render(page=page, policy=_policy())


def markdown(page: Page) -> str:
    """Return a page as Markdown that points to the pictures beside it."""
    return _environment().get_template("page.md").render(page=page)


def index(**content: object) -> str:
    """Return the list of all runs as HTML."""
    return _environment().get_template("index.html").render(policy=_policy(), **content)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"inline": _inline, "address": _address, "md": _md}
    environment.globals |= {"style": Markup(_read("style.css")), "script": Markup(_read("script.js"))}
    return environment


def _policy() -> str:
    """Return the rule by which a browser loads nothing and runs no script but ours, whatever the page says."""
    digest = base64.b64encode(hashlib.sha256(_read("script.js").encode()).digest()).decode()
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _inline(png: bytes) -> str:
    """Return a picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _address(path: str) -> str:
    """Return a relative path as an address; a colon would make it a scheme."""
    return quote(path)


def _md(text: object) -> Markup:
    """Keep Markdown and HTML from reading anything into a text.

    Examples
    --------
    >>> str(_md("<b>a|b</b>"))
    '&lt;b&gt;a\\\\|b&lt;/b&gt;'
    """
    safe = str(escape(" ".join(str(text).split(" "))))
    return Markup("".join(f"\\{letter}" if letter in SPECIAL else letter for letter in safe))
