"""What is written down is current: the reference of the keys, and a notebook that runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

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
