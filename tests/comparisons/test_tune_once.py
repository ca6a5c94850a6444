"""A comparison of tuned arms that is killed between any two of its files goes on to the same answer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.running import in_this_process

from mlexp import dispatch
from mlexp.cli import main
from mlexp.comparisons import study as studies
from mlexp.store import Sweep
from mlexp.verbs.rerun import differences, rerun

WORDS = ("task=digits_mlp", "task.kind=comparison", "dataset.limit=300", "model.hidden=[12]", "model.epochs=3",
         "model.patience=null", "comparison.seeds=2", "comparison.tune_arms=true", "tune=grid", "tune.epochs=2",
         "tune.space.model.learning_rate=[0.0001,0.01]", "tune.space.model.dropout=null",
         "tune.space.model.hidden=null", "figures=false",
         "comparison.arms={relu: {model.activation: relu}, tanh: {model.activation: tanh}}")  # fmt: skip


class Killed(BaseException):
    """Stands for the end of the process."""


pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    outputs = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patched:
        in_this_process(patched)
        yield dispatch.run_comparison(studies.plan([*WORDS, f"outputs={outputs}"])).path


def read(folder: Path, name: str = "comparison.json") -> dict[str, Any]:
    return dict(json.loads((folder / name).read_text()))


def die_before(patched: pytest.MonkeyPatch, target: str, *, tuned: bool) -> None:
    """End the process before a file of the folder `here` gets its name; with `tuned`, once all arms are."""
    rename, dead, last = os.replace, [], Path("here/tuning/02-tanh/tuning.json")

    def replace(source: str, goal: Path) -> None:
        if dead or (str(goal).endswith(f"here/{target}") and last.exists() == tuned):
            dead.append(goal)
            raise Killed
        rename(source, goal)

    patched.setattr(os, "replace", replace)


@pytest.mark.parametrize(
    ("target", "tuned"),
    [
        ("comparison.json", False),
        ("tuning/02-tanh/run.json", False),
        ("sweep.json", True),
        ("comparison.json", True),
    ],
)
def test_killed_between_two_files(
    target: str, tuned: bool, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = tmp_path / "here"
    with monkeypatch.context() as patched:
        die_before(patched, target, tuned=tuned)
        with pytest.raises(Killed):
            dispatch.run_comparison(studies.plan([*WORDS, "sweep.dir=here"]))
    let_go(here)
    started = read(here, "sweep.json")["started"]
    assert main(["resume", "-q", "here"]) == 0
    again, first = read(here), read(whole)
    for key in ("answer", "pairs", "tuning", "settings", "comparison", "status"):
        assert again[key] == first[key], key
    jobs, known = (sorted(path.name for path in (place / "runs").iterdir()) for place in (here, whole))
    assert jobs == known
    assert read(here, "sweep.json")["started"] == started
    assert read(here, "sweep.json")["hash"] == read(whole, "sweep.json")["hash"]


def let_go(place: Path) -> None:
    """Close what a process that ends would have closed."""
    for name in os.listdir("/proc/self/fd"):
        file = Path("/proc/self/fd") / name
        if file.exists() and file.readlink().is_relative_to(place):
            os.close(int(name))


def test_killed_before_there_is_a_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patched:
        die_before(patched, "sweep.json", tuned=False)
        with pytest.raises(Killed):
            dispatch.run_comparison(studies.plan([*WORDS, "sweep.dir=here"]))
    let_go(tmp_path / "here")
    assert main(["resume", "here"]) == 3
    (tmp_path / "here" / "of_mine.txt").touch()
    assert main(["-q", *WORDS, "sweep.dir=here", "sweep.resume=true"]) == 2
    assert "It holds no sweep: remove it, or name a new folder." in capfd.readouterr().err
    (tmp_path / "here" / "of_mine.txt").unlink()
    question = tmp_path / "here" / "question.json"
    question.write_text("{}")
    assert main(["-q", *WORDS, "sweep.dir=here", "sweep.resume=true"]) == 0
    assert read(tmp_path / "here")["status"] == "completed"


def test_rerun_repeats_the_searches_too(whole: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert rerun([str(whole), "--outputs", str(whole.parents[1]), "-q"]) == 0, capfd.readouterr().out
    again = sorted(whole.parent.glob("2*"))[-1]
    assert again != whole
    assert again.name.endswith(Sweep.open(whole).info["hash"])
    assert len(list(again.glob("tuning/*/tuning.json"))) == 2
    table = again / "tuning" / "01-relu" / "tuning.csv"
    table.write_text(table.read_text().replace("0.0001", "0.0002"))
    other = next(again.glob("tuning/02-tanh/predictions.npz"))
    other.unlink()
    lines = list(differences(whole, again))
    assert [line.split(":")[0] for line in lines] == ["01-relu/tuning.csv", "02-tanh/predictions.npz"]
