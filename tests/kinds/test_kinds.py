"""The recipe for a kind of study: a folder, a row, a task file; and it runs, sweeps, is compared and has its page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlexp.cli import main
from mlexp.kinds import KINDS, Kind
from mlexp.store import Run
from mlexp.store.files import read_table

TASK = """# @package _global_
# Guess the classes of iris.
#   mlexp task=guess
defaults:
  - override /dataset: iris
task: {name: guess, kind: guess}
"""


@pytest.fixture
def toy(in_process: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Add the kind `guess`, whose modules are `tests.toy`; jobs run in this process, for workers do not see tests."""
    kind = Kind("guess", compares=True, metrics=("accuracy",), package="tests.toy")
    monkeypatch.setitem(KINDS, kind.name, kind)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own" / "task").mkdir(parents=True)
    (tmp_path / "own" / "task" / "guess.yaml").write_text(TASK)
    return ["-q", "--config-dir", str(tmp_path / "own"), "task=guess"]


def test_the_toy_kind_runs_and_has_its_page(toy: list[str], tmp_path: Path) -> None:
    assert main([*toy, "model.learning_rate=0.9"]) == 0
    run = Run.open(next(tmp_path.glob("outputs/guess/2*")))
    right = run.predictions["test_correct"]
    assert run.metrics["test"]["accuracy"] == right.mean()
    assert (run.path / "figures" / "guesses.png").exists()
    page = (run.path / "report.md").read_text()
    assert "How well can the classes of iris be guessed?" in page
    assert "of the guesses are right" in page
    assert "Is the upper bar the longer one?" in page


def test_the_toy_kind_sweeps(toy: list[str], tmp_path: Path) -> None:
    assert main(["-m", *toy, "model.learning_rate=0.5,0.9", "seed=0,1"]) == 0
    summary = read_table(next(tmp_path.glob("outputs/guess/*/summary.csv")))
    assert summary["status"] == ["completed"] * 4
    low, high = (
        [float(cell) for cell, rate in zip(summary["test_accuracy"], summary["model.learning_rate"], strict=True)
         if rate == value]
        for value in ("0.5", "0.9")
    )  # fmt: skip
    assert max(low) < min(high)


def test_the_toy_kind_is_compared(toy: list[str], tmp_path: Path) -> None:
    arms = "comparison.arms={sure: {model.learning_rate: 0.95}, unsure: {model.learning_rate: 0.3}}"
    words = ["task.kind=comparison", "comparison.of=guess", arms, "comparison.seeds=5"]
    assert main([*toy, *words]) == 0
    found = json.loads(next(tmp_path.glob("outputs/guess/*/comparison.json")).read_text())
    assert found["metric"] == "test.accuracy"
    assert "sure is significantly better than unsure" in found["answer"][0]


def test_every_kind_has_what_its_row_says() -> None:
    for name, kind in KINDS.items():
        assert kind.name == name
        if name != "comparison":
            assert callable(kind.study.study)
            assert kind.figures.FIGURES
            assert callable(kind.answer.question)
            assert callable(kind.answer.answer)
        assert callable(getattr(kind.study, "studies", None)) is kind.stacks


def test_a_kind_of_a_plugin_reads_the_keys_that_there_are() -> None:
    """Its row is in the table before the configuration is made from it, and adds no node."""
    program = (
        "from mlexp.kinds import KINDS, Kind; KINDS['mine'] = Kind('mine', 'clustering', package='nowhere')\n"
        "from mlexp.config.schema import declared; print('clustering.k' in declared())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
