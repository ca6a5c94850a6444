"""task=which_model and its sister: planned for both kinds; killed and resumed, the answer is the same."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from tests.process import start

from mlexp.cli import main
from mlexp.comparisons import study
from mlexp.errors import ConfigError

SMALL = ("-q", "task=which_model", "size=smoke", "dataset=iris", "tune.budget=2", "comparison.seeds=2",
         "comparison.arms={support vectors: null, random forest: null, gradient boosting: null}",
         "comparison.first=5", "figures=false")  # fmt: skip
MARKS = {"searches": "tuning/*/tuning.json", "jobs": "runs/*/metrics.json"}


@pytest.mark.parametrize(
    ("task", "words"),
    [("which_model", ()), ("which_regressor", ()), ("which_regressor", ("dataset.limit=90",))],
)
def test_eight_arms_are_tuned_with_one_budget_and_validation_chooses(
    task: str, words: tuple[str, ...]
) -> None:
    planned = study.plan([f"task={task}", *words])
    assert planned.settings.choose
    assert len(planned.arms) == len(planned.searches) == 8
    assert {config.tune.budget for config in planned.searches.values()} == {8}
    assert all(not config.split.judge for config in planned.searches.values())


def test_numbers_are_sent_to_the_regressors() -> None:
    with pytest.raises(ConfigError, match="which_regressor"):
        study.plan(["task=which_model", "dataset=diabetes", "dataset.target=numbers"])


@pytest.mark.slow
@pytest.mark.parametrize("during", MARKS)
def test_killed_and_resumed_it_answers_as_if_it_had_not_been(tmp_path: Path, during: str) -> None:
    for place in ("whole", "killed"):
        process = start(tmp_path, *SMALL, f"outputs={tmp_path}", f"sweep.dir={tmp_path / place}")
        if place == "killed":
            while process.poll() is None and len(list((tmp_path / place).glob(MARKS[during]))) < 2:
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGKILL)
        said = process.communicate()
        assert process.returncode == (0 if place == "whole" else -signal.SIGKILL), said
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert info(killed)["status"] == "running"
    assert main(["-q", "resume", str(killed)]) == 0
    assert len(answers(whole)) > 1000
    assert answers(whole) == answers(killed)
    for name in ("pairs", "p_matrix", "runs"):
        assert (whole / f"tables/{name}.csv").read_bytes() == (killed / f"tables/{name}.csv").read_bytes()


def info(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "comparison.json").read_text()))


def answers(folder: Path) -> bytes:
    """Return all that `comparison.json` says of scores, as bytes; what takes time is not repeated."""
    found = info(folder)
    names = (
        "question",
        "answer",
        "choice",
        "findings",
        "details",
        "warnings",
        "pairs",
        "with_best",
        "ranking",
        "tuning",
    )
    return json.dumps({name: found[name] for name in names}).encode()
