"""How pages look: jinja2 templates with every value escaped, and one style and one script of our own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from markupsafe import Markup

from mlexp.page import render
from mlexp.page.scores import cell

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def html(template: str, base: str, **content: object) -> str:
    """Return a page.

    Parameters
    ----------
    template : its name
    base : path of the server that its links begin with, without a slash at the end
    """
    return _environment().get_template(f"{template}.html").render(base=base, **content)


@cache
def policy() -> str:
    """Return the rule by which a browser loads nothing from elsewhere, and runs no script and no style but ours."""
    script, style = (render.digest(text) for text in (_script(), _style()))
    return (
        f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'"
    )


@cache
def _environment() -> Environment:
    environment = render.environment_of(TEMPLATES)
    environment.filters |= {"place": quote, "score": cell}
    environment.globals |= {"style": Markup(_style()), "script": Markup(_script())}
    return environment


def _script() -> str:
    return (TEMPLATES / "ui.js").read_text(encoding="utf-8")


def _style() -> str:
    return "\n".join(
        path.read_text(encoding="utf-8") for path in (render.TEMPLATES / "style.css", TEMPLATES / "ui.css")
    )
