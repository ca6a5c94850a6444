"""The site of the documentation: `sphinx-build -W -b html docs build/site`, with the extra `site` installed."""

from __future__ import annotations

import contextlib
import io
import os
import re
import textwrap
from pathlib import Path
from typing import Any

import mlexp
from mlexp import cli
from mlexp.verbs import table

project = "mlexp"
author = "the mlexp developers"
release = version = mlexp.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["images"]
html_theme = "furo"
html_title = "mlexp"
html_copy_source = False
html_show_copyright = False
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
autodoc_typehints = "none"  # the docstrings give shapes and types
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_param = False  # types are words, not names to link
napoleon_use_rtype = False
napoleon_use_ivar = True
suppress_warnings = ["ref.python"]  # a word of a type that several classes have as an attribute is no link
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True
highlight_language = "console"
nitpicky = False
default_role = "code"  # a name in single backticks


def setup(app: Any) -> None:
    """Connect what Sphinx calls while it builds."""
    app.connect("builder-inited", lambda app: commands(Path(app.srcdir) / "reference" / "commands.md"))
    app.connect("autodoc-process-docstring", absolute_values)
    app.connect("autodoc-skip-member", lambda _, __, name, ___, skip, ____: skip or requested(name))


def absolute_values(_app: Any, _what: str, _name: str, _member: Any, _options: Any, lines: list[str]) -> None:
    """Turn indented lines before the sections into literal blocks, and keep |W| from being read as a substitution."""
    text = "\n".join(line if "`" in line else line.replace("|", r"\|") for line in lines)
    head, fields, rest = re.split(r"(^(?=[:.])|\Z)", text, maxsplit=1, flags=re.MULTILINE)
    lines[:] = (re.sub(r"(?m)^(\S.*)\n\n(?= {4}\S)", r"\1\n\n::\n\n", head) + fields + rest).split("\n")


def requested(name: str) -> bool:
    """Return whether scikit-learn made this method: its text links into scikit-learn's own site."""
    return name.startswith("set_") and name.endswith("_request")


def commands(page: Path) -> None:
    """Write the page of the command line: what `mlexp --help` and `mlexp VERB --help` print."""
    shown = {"mlexp": table.HELP} | {f"mlexp {verb}": printed(verb) for verb in table.VERBS}
    parts = [f"## {name}\n\n{textwrap.indent(text, '    ')}" for name, text in shown.items()]
    page.write_text("\n".join(["# The command line\n", *parts]), encoding="utf-8")


def printed(verb: str) -> str:
    """Return what `mlexp VERB --help` prints."""
    out = io.StringIO()
    os.environ["COLUMNS"] = "100"
    with contextlib.redirect_stdout(out):
        cli.main([verb, "--help"])
    return out.getvalue()
