"""What is written down is current: the reference of the keys, and a notebook that runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlexp
from mlexp import cli
from mlexp.verbs import table

ROOT = Path(__file__).parents[1]


def test_the_reference_of_the_keys_is_current() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "configuration", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of Python on a page run one after the other, as they stand, and write nothing here but runs."""
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page.name, "exec"), space)
    assert {file.name for file in tmp_path.iterdir()} <= ({"outputs"} if page.name == "python.md" else set())
    if page.name == "statistics.md":
        assert "forest is significantly better than tree" in str(space["found"])


@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs(tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    import nbformat

    notebook = nbformat.read(ROOT / "docs" / "notebook.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in shown if output["output_type"] == "error"]
    progress, run = (output["data"]["text/html"] for output in shown[:2])
    assert re.search(r"classify-digits: completed after \d+ epochs", progress)
    assert run.count("data:image/png") == 4
    assert (
        "image/png" in next(o for o in shown if "Figure" in str(o.get("data", {}).get("text/plain")))["data"]
    )
    assert shown[-1]["data"]["text/plain"] == "True"


def test_the_notebook_holds_no_paths_of_a_machine() -> None:
    text = (ROOT / "docs" / "notebook.ipynb").read_text("utf-8")
    assert not re.search(r"/(home|root|tmp|work|Users)/", text)


PAGES = [page.name for page in sorted((ROOT / "docs").glob("*.md")) if page.name != "reproduction.md"]
RUN_AS_PRINTED = ("tutorial-student.md", "tutorial-teacher.md", "tutorial-researcher.md", "guide.md")
TOO_LONG = re.compile(r"task=(mnist|fashion|sign)")  # hours, and data that need not be on this machine


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """Yield each indented block of a page, with the file whose content the line before says it is."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    for found in re.finditer(r"(?P<before>.*)\n\n(?P<block>(?: {4}.*\n|\n(?= {4}))+)", text):
        named = re.search(r"`([\w/]+\.yaml)`:$", found["before"])
        yield named[1] if named else "", textwrap.dedent(found["block"])


def commands(block: str) -> list[list[str]]:
    """Return the command lines of mlexp in a block as words, without what they are said to do."""
    lines = block.replace("\\\n", " ").splitlines()
    typed = [
        re.split(r"\s{2,}#? ?(?![-'\"\w.]+[=.])", line.strip())[0]
        for line in lines
        if line.startswith("mlexp ")
    ]
    return [shlex.split(line, comments=True)[1:] for line in typed]


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page_are_taken(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Words of verbs are known to their parsers, and settings compose, but for those of files that the page makes."""
    own = {path.rpartition("/")[2].removesuffix(".yaml") for path, _ in blocks(page) if path}
    for _, block in blocks(page):
        for words in commands(block):
            if "──>" in words or any("HOST" in word or word == "execution=slurm" for word in words):
                continue
            if words and words[0] in table.VERBS:
                assert cli.main([words[0], "--help"]) == 0
            elif "--config-dir" not in words and not own & {word.partition("=")[2] for word in words}:
                done = cli.main([*words, "--dry-run"])  # 3: data that is not on this machine
                said = capsys.readouterr().err
                assert done in (0, 3) or "which is not installed" in said, (words, said)


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN_AS_PRINTED)
def test_a_page_runs_as_printed(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files are written and its commands are run, from the first to the last, in an empty folder."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for path, block in blocks(page):
        if path:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(block, encoding="utf-8")
        elif block.startswith("python -c"):
            subprocess.run(["bash", "-ec", block], cwd=tmp_path, check=True)
        for words in commands(block):
            if TOO_LONG.search(" ".join(words)) or words[:1] in (
                ["doctor"],
                ["ui"],
            ):  # ui serves until it is ended
                continue
            if "new.csv" in words:
                lines = (tmp_path / "tumours.csv").read_text("utf-8").splitlines()
                (tmp_path / "new.csv").write_text("\n".join(lines[:2]), encoding="utf-8")
            done = subprocess.run(
                ["mlexp", *words], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (words, done.stdout, done.stderr)


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx")
    pytest.importorskip("myst_parser")
    pytest.importorskip("furo")
    words = [
        "-q",
        "-W",
        "--keep-going",
        "-b",
        "html",
        "-d",
        tmp_path / "trees",
        ROOT / "docs",
        tmp_path / "site",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    commands_page = (tmp_path / "site" / "reference" / "commands.html").read_text("utf-8")
    assert all(f"mlexp {verb}" in commands_page for verb in table.VERBS)
    python_page = (tmp_path / "site" / "reference" / "python.html").read_text("utf-8")
    assert [name for name in mlexp.__all__ if f'id="mlexp.{name}"' not in python_page] == []
