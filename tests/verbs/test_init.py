"""The study that ``mlexp init`` writes runs, is valid for editors, and takes the place of nothing."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from mlexp.cli import main
from mlexp.config.editor import dataset_schema, task_schema


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "plants"]) == 0
    monkeypatch.chdir("plants")
    monkeypatch.setenv("MLEXP_CONFIG_DIR", ".")
    return tmp_path / "plants"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_it_runs(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-q", "task=plants", "size=smoke", "figures=false"]) == 0
    assert "plants" in capsys.readouterr().out
    assert main(["list", "tasks"]) == 0
    assert "plants_models" in capsys.readouterr().out


def test_every_command_that_it_names_is_sound(study: Path) -> None:
    """In its README, its files and its workflow."""
    texts = [
        file.read_text()
        for file in (*study.rglob("*.yaml"), study / "README.md", study / ".github/workflows/study.yml")
    ]
    found = {
        line for text in texts for line in re.findall(r"mlexp (?:-m )?task=.*?(?=  |$|`)", text, re.MULTILINE)
    }
    assert len(found) >= 5
    for command in found:
        words = shlex.split(command)[1:]
        assert main(["--dry-run", *words]) == 0, command


def test_an_editor_finds_it_valid(study: Path) -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    for made, name, folder in ((task_schema(), "mlexp", "task"), (dataset_schema(), "dataset", "dataset")):
        assert json.loads((study / f"{name}.schema.json").read_text()) == made
        for file in (study / folder).glob("*.yaml"):
            text = file.read_text()
            assert f"# yaml-language-server: $schema=../{name}.schema.json" in text.splitlines()[:2]
            assert not list(validator(made).iter_errors(yaml.safe_load(text))), file


def test_the_workflow_is_one(study: Path) -> None:
    workflow = yaml.safe_load((study / ".github/workflows/study.yml").read_text())
    steps = workflow["jobs"]["study"]["steps"]
    assert all("uses" in step or "run" in step for step in steps)
    assert workflow[True] == ["push", "pull_request"]  # "on", as YAML 1.1 reads it


@pytest.mark.parametrize("there", ["README.md", "task/plants.yaml", "mlexp.schema.json"])
def test_nothing_is_overwritten(
    there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "plants" / there
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    assert main(["init", "plants"]) == 2
    assert there in capsys.readouterr().err
    assert contents(tmp_path / "plants") == {there: b"mine"}


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plants").mkdir()
    (tmp_path / "plants" / "task").write_text("a file where a folder must be")
    assert main(["init", "plants"]) == 2
    assert list(contents(tmp_path / "plants")) == ["task"]
    assert [path.name for path in (tmp_path / "plants").iterdir()] == ["task"]


@pytest.mark.parametrize("name", ["digits", "mnist_mlp", "1st", "a b", "..", "a-b", ""])
def test_names_that_no_study_can_have(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", name]) == 2
    assert not list(tmp_path.iterdir())
