"""docs/ci.md: its workflow is run step by step, and its gate closes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.process import environment

from mlexp import errors

PAGE = Path(__file__).parents[1] / "docs" / "ci.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def steps() -> list[dict[str, Any]]:
    workflow = yaml.safe_load(BLOCKS[1])
    found: list[dict[str, Any]] = workflow["jobs"]["gate"]["steps"]
    return found


def bash(cwd: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does, `mlexp` and `python` being those of the tests."""
    bin_ = cwd / "bin"
    bin_.mkdir(exist_ok=True)
    for name, words in (("mlexp", "-m mlexp.cli "), ("python", "")):
        (bin_ / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        (bin_ / name).chmod(0o755)
    more = {"PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(cwd / "summary.md")}
    (cwd / "step.sh").write_text(script)
    return subprocess.run(
        ["bash", "-e", "step.sh"],
        cwd=cwd,
        env=environment(cwd, **more),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_workflow_is_one() -> None:
    workflow = yaml.safe_load(BLOCKS[1])
    assert {"name", "jobs"} <= set(workflow)
    assert all(("uses" in step) != ("run" in step) for step in steps())


@pytest.mark.slow
def test_every_step_of_the_workflow_runs(tmp_path: Path) -> None:
    (tmp_path / "studies" / "task").mkdir(parents=True)
    (tmp_path / "studies" / "task" / "proposal.yaml").write_text(BLOCKS[0])
    for step in steps():
        if "run" in step and step["name"] != "Install":
            done = bash(tmp_path, step["run"])
            assert done.returncode == 0, (step["name"], done.stdout, done.stderr)
    assert (tmp_path / "summary.md").read_text().count("\n") >= 1
    gate = next(step["run"] for step in steps() if "score" in step.get("name", ""))
    closed = bash(tmp_path, gate.replace(">= 0.8", ">= 0.999"))
    assert closed.returncode == errors.ExpectationError.exit_code
    lines = closed.stderr.splitlines()
    assert sum(line.startswith("mlexp: ") for line in lines) == 1
    worse = "mlexp expect proposal 'proposed - in_use >= 0.5' 'verdict == proposed' 'in_use - proposed > -1'"
    closed = bash(tmp_path, worse)
    assert closed.returncode == errors.ExpectationError.exit_code
    assert 1 <= closed.stderr.count("\n") <= 2


def test_every_exit_code_is_explained_wherever_exit_codes_are() -> None:
    from mlexp.verbs.table import HELP

    codes = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    }
    tree = str(errors.__doc__)
    for code in codes - {0}:
        assert re.search(rf"\b{code}\b", HELP[HELP.index("exit codes") :]), code
        assert re.search(rf" {code}   ", tree), code
        for page in (PAGE, PAGE.with_name("design.md")):
            assert f"| {code} |" in page.read_text("utf-8"), (code, page.name)
