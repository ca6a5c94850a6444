"""The distribution is mlexp-lab, command and import are mlexp; nothing sends a user to another project's package."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import mlexp
from mlexp.errors import LIBRARIES, ConfigError, optional

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SHIPPED = (
    "README.md",
    "CONTRIBUTING.md",
    "CITATION.cff",
    "src",
    "docs",
    "conf",
    "scripts",
    "examples",
    ".github",
)
WRITTEN = {".py", ".md", ".yaml", ".yml", ".j2", ".html", ".sh", ".cmd", ".toml", ".ipynb", ".cff", ""}


def files() -> list[Path]:
    places = [ROOT / name for name in SHIPPED]
    found = [file for place in places for file in ([place] if place.is_file() else place.rglob("*"))]
    return [
        file
        for file in found
        if file.is_file() and file.suffix in WRITTEN and "__pycache__" not in file.parts
    ]


def test_nothing_says_to_install_what_is_another_project_or_not_published() -> None:
    pattern = re.compile(r"""pip install [^\n`|;]*?["'\s]?(?<![\w/.-])mlexp(?!\w)""")
    assert pattern.search("pip install mlexp")
    assert pattern.search("pip install -U 'mlexp[onnx]'")
    assert not pattern.search("pip install PATH/TO/mlexp")
    assert pattern.search('pip install "mlexp-lab[ui]"')
    assert not [str(file) for file in files() if pattern.search(file.read_text("utf-8"))]


def test_the_distribution_is_named_apart_from_command_and_import() -> None:
    assert PROJECT["name"] == "mlexp-lab"
    assert list(PROJECT["scripts"]) == [mlexp.__name__]
    assert PROJECT["version"] == mlexp.__version__


def test_each_extra_has_the_libraries_that_a_hint_names() -> None:
    declared = {name: needs for name, needs in PROJECT["optional-dependencies"].items() if name != "dev"}
    names = {
        extra: " ".join(re.split(r"[<>=~]", one)[0] for one in needs) for extra, needs in declared.items()
    }
    assert names == LIBRARIES


@pytest.mark.parametrize("extra", LIBRARIES)
def test_a_missing_library_is_answered_with_what_pip_takes(extra: str) -> None:
    with pytest.raises(ConfigError, match=f"pip install {LIBRARIES[extra]}$"):
        optional("no_such_module", "this", extra)


def test_the_citation_names_the_version_and_licence_of_the_project() -> None:
    said = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(said)  # what the format requires
    assert (said["version"], said["license"]) == (PROJECT["version"], PROJECT["license"])
