"""The scripts are one line each that call one launcher; the workflow runs it on three systems and four Pythons."""

from __future__ import annotations

import ast
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "scripts"
WORKFLOWS = ROOT / ".github" / "workflows"
LAUNCHED = ("mlexp", "test", "check", "reproduce")
NEEDS = {"runs-on", "steps"}
KEYS = NEEDS | {
    "name",
    "needs",
    "if",
    "env",
    "strategy",
    "timeout-minutes",
    "permissions",
    "defaults",
    "services",
}
STEP = {"name", "id", "if", "uses", "with", "run", "env", "shell", "working-directory", "timeout-minutes"}
SYSTEMS = {"ubuntu-latest", "macos-latest", "windows-latest"}


@pytest.mark.parametrize("name", LAUNCHED)
def test_a_script_is_one_call_of_the_launcher_on_every_system(name: str) -> None:
    shell, batch = (SCRIPTS / name).read_text("utf-8"), (SCRIPTS / f"{name}.cmd").read_bytes().decode()
    assert shell.startswith("#!/bin/sh\n")
    assert [line for line in shell.splitlines() if not line.startswith("#")] == [
        f'exec "${{MLEXP_PYTHON:-python3}}" "$(dirname "$0")/launch.py" {name} "$@"'
    ]
    assert f'"%~dp0launch.py" {name} %*' in batch.splitlines()[-1]
    assert batch.count("\r\n") == batch.count("\n")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a checkout of a project in which `mlexp` and pip are programs that print what they are given."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPTS / "launch.py", tmp_path / "scripts")
    for name in ("mlexp", "test"):
        shutil.copy(SCRIPTS / name, tmp_path / "scripts")
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text("one", "utf-8")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("mlexp", "python"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@"\nexit $CODE\n', "utf-8")
        (programs / name).chmod(0o755)
    return tmp_path


def launched(project: Path, *words: str, code: str = "0", **more: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [str(project / "scripts" / words[0]), *words[1:]], capture_output=True, text=True, check=False,
        env=os.environ | {"CODE": code, "MLEXP_PYTHON": sys.executable, "MLEXP_VENV": ""} | more,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="the programs of the stand-in project are shell scripts")
def test_the_environment_is_set_up_once_and_again_when_its_needs_change(project: Path) -> None:
    code, said, errors = launched(project, "mlexp", "show", "my run")
    assert (code, said) == (0, "mlexp show my run\n")
    assert "setting up" in errors
    assert "--editable" in errors
    assert launched(project, "mlexp") == (0, "mlexp\n", "")
    (project / "constraints.txt").write_text("two", "utf-8")
    assert "setting up" in launched(project, "mlexp")[2]
    assert launched(project, "mlexp", code="5")[0] == 5
    assert "-m pytest" in launched(project, "test", "-k", "x")[1]
    (project / "constraints.txt").write_text("three", "utf-8")
    code, said, errors = launched(project, "mlexp", code="1")
    assert (code, said) == (1, "")
    assert "cannot be installed" in errors


def test_the_launcher_is_read_by_old_pythons_too() -> None:
    """It must be able to say that Python is too old."""
    ast.parse((SCRIPTS / "launch.py").read_text("utf-8"), feature_version=(3, 6))


def jobs(file: Path) -> dict[str, Any]:
    said = yaml.load(file.read_text("utf-8"), yaml.BaseLoader)  # "on" stays a word
    assert {"name", "on", "jobs"} <= set(said)
    found: dict[str, Any] = said["jobs"]
    return found


@pytest.mark.parametrize("file", sorted(WORKFLOWS.glob("*.y*ml")), ids=lambda file: file.name)
def test_a_workflow_has_the_shape_that_github_takes(file: Path) -> None:
    for name, job in jobs(file).items():
        assert re.fullmatch(r"[A-Za-z_][\w-]*", name)
        assert set(job) >= NEEDS
        assert set(job) <= KEYS, set(job) - KEYS
        matrix = job.get("strategy", {}).get("matrix", {})
        assert set(re.findall(r"matrix\.(\w+)", str(job))) <= set(matrix)
        for system in matrix.get("os", [job["runs-on"]]):
            assert system in SYSTEMS
        for step in job["steps"]:
            assert set(step) <= STEP
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@v\d+", step.get("uses", "a/b@v1"))
            for script in re.findall(r"scripts/[\w./]+|tests/[\w./]+", step.get("run", "")):
                assert (ROOT / script).exists()


def test_the_tests_run_on_three_systems_and_every_supported_python() -> None:
    matrix = jobs(WORKFLOWS / "tests.yml")["test"]["strategy"]["matrix"]
    pairs = set(itertools.product(matrix["os"], matrix["python"]))
    assert pairs == set(itertools.product(SYSTEMS, ("3.11", "3.12", "3.13", "3.14")))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == ">=3.11"
