"""The journal of a search: cut short anywhere, it goes on as if it had not been; a killed process does not block it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.tuning.test_space import space_of

from mlexp.tuning import bayes, space
from mlexp.tuning.trials import Trial

SPACES = {
    "finite, to its end": ["tune.space.model.learning_rate=[0.001,0.01,0.03]", "tune.space.model.hidden=[[4]]"],
    "a range": ["+tune.space={model.learning_rate: {low: 0.0001, high: 0.1, log: true}}"],
}  # fmt: skip
BUDGET = 6


class Killed(BaseException):
    """Stands for a process that ends in the middle."""


def searched(searched_space: space.Space, place: Path, scores: dict[str, float]) -> list[str]:
    """Propose and tell until nothing is left, as a process does that was begun, or begun again."""
    study = bayes.JournalStudy(searched_space, "accuracy", place)
    found = []
    while batch := study.propose(2, BUDGET):
        for number, setting in batch:
            score = scores.setdefault(space.canonical(setting), 1 / (2 + len(scores)))
            study.tell(number, Trial(number, setting, "completed", score))
            found.append(space.canonical(setting))
    return found


@pytest.mark.parametrize("name", list(SPACES))
def test_a_search_cut_at_any_line_of_its_journal_proposes_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    journal = pytest.importorskip("optuna").storages.journal
    append = journal.JournalFileBackend.append_logs
    left: Iterator[int] = iter(())

    def cut(self: Any, logs: list[dict[str, Any]]) -> None:
        append(self, logs)
        if next(left, None) == 0:
            raise Killed

    monkeypatch.setattr(journal.JournalFileBackend, "append_logs", cut)
    monkeypatch.setattr(os, "fsync", lambda file: None)  # nothing here pulls the plug
    grid = space_of("model=mlp", "tune=bayes", f"tune.budget={BUDGET}", *SPACES[name])
    scores: dict[str, float] = {}
    whole = searched(grid, tmp_path / "whole", scores)
    lines = (tmp_path / "whole" / bayes.JOURNAL).read_text().count("\n")
    assert len(whole) == (3 if grid.finite else BUDGET)
    for line in range(1, lines):
        place = tmp_path / str(line)
        left = iter(range(line - 1, -1, -1))
        with pytest.raises(Killed):
            searched(grid, place, scores)
        left = iter(())
        assert searched(grid, place, scores) == whole, f"cut after line {line}"


def test_a_killed_process_lets_go_of_the_journal(tmp_path: Path) -> None:
    script = "import sys, time; from pathlib import Path; from mlexp.tuning.bayes import JournalLock\n"
    script += "JournalLock(Path(sys.argv[1])).acquire(); print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "journal")], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    lock = bayes.JournalLock(tmp_path / "journal")
    assert lock.acquire()
    lock.release()
