"""Comparing runs that are there: what counts as another data set, as a copy, as a repeat."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from mlexp.cli import main
from mlexp.execution.here import Here
from mlexp.sweeps import work

LOGISTIC = ("-q", "task=classify", "dataset=csv", "figures=false", "model=logistic")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["mlexp.sweeps.run"], "backend", lambda *_, **__: Here(work.work))
    monkeypatch.setattr(work, "busy", False)
    monkeypatch.setattr(work, "_last", None)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with runs of two settings on each of two tables: strong-easy, weak-easy, strong-hard, ..."""
    folder = tmp_path_factory.mktemp("existing")
    x = [*range(60), *range(100, 160)]
    easy = "".join(f"{value},{'a' if value < 60 else 'b'}\n" for value in x)
    hard = "".join(f"{37 * i % 120},{'a' if i % 3 else 'b'}\n" for i in range(120))
    for table, rows in (("easy", easy), ("hard", hard)):
        (folder / f"{table}.csv").write_text(f"x,label\n{rows}")
        for name, model in (("logistic", "logistic"), ("tree", "decision_tree")):
            words = [
                *LOGISTIC[:-1],
                f"model={model}",
                f"dataset.path={folder / table}.csv",
                f"outputs={folder / 'out'}",
            ]
            place = folder / f"{name}-{table}"
            assert main([*words, f"task.name={name}-{table}"]) == 0
            shutil.move(str((folder / "out" / f"{name}-{table}" / "latest").resolve()), place)
    return folder


def compared(
    capfd: pytest.CaptureFixture[str], save: Path, *words: object
) -> tuple[int, str, dict[str, Any]]:
    capfd.readouterr()
    code = main(["compare", *map(str, words), "--save", str(save)])
    said = capfd.readouterr()
    info = json.loads((save / "comparison.json").read_text()) if code == 0 else {}
    return code, said.out + said.err, info


def test_other_data_are_another_data_set_whatever_the_order(
    runs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    places = [runs / name for name in ("logistic-easy", "tree-easy", "logistic-hard", "tree-hard")]
    answers = set()
    for number, order in enumerate(itertools.islice(itertools.permutations(places), 0, 24, 5)):
        code, said, info = compared(capfd, tmp_path / str(number), *order)
        assert code == 0, said
        assert info["design"]["datasets"] == 2
        assert "repeat" not in said
        answers.add(json.dumps([info["answer"], info["pairs"], info["ranking"], info["warnings"]]))
        means = {arm["name"]: arm["mean"] for arm in info["arms"]}
        logistic = next(mean for name, mean in means.items() if "logistic" in name)
        assert logistic == pytest.approx((1 + 16 / 24) / 2)
    assert len(answers) == 1


def test_runs_on_one_data_set_each_cannot_be_compared(
    runs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for pair in (("logistic-easy", "tree-hard"), ("tree-hard", "logistic-easy")):
        code, said, _ = compared(capfd, tmp_path / "a", *(runs / name for name in pair))
        assert code == 3
        assert "different data" in said
        assert said.count("\n") == 1
    for pair in (("logistic-easy", "logistic-hard"), ("logistic-hard", "logistic-easy")):
        code, said, _ = compared(capfd, tmp_path / "a", *(runs / name for name in pair))
        assert code == 2
        assert "the data" in said
        assert said.count("\n") == 1
    code, said, _ = compared(
        capfd, tmp_path / "a", runs / "logistic-easy", runs / "logistic-hard", "--by", "dataset.name"
    )
    assert code == 2
    # an arm with runs on both tables, another on one: only the table that both have counts
    three = [runs / name for name in ("logistic-easy", "logistic-hard", "tree-hard")]
    code, said, info = compared(capfd, tmp_path / "b", *three)
    assert code == 0
    assert {arm["name"]: arm["runs"] for arm in info["arms"]} == {"logistic": 1, "decision_tree": 1}
    assert min(arm["mean"] for arm in info["arms"]) <= 16 / 24
    assert "left out" in " ".join(info["warnings"])


def test_seeds_of_a_deterministic_model_and_settings_without_effect_count_once(
    runs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mlp = ("-q", "-m", "task=classify", "dataset=csv", f"dataset.path={runs / 'hard.csv'}", "figures=false", "seed=0,1",
           "model.hidden=[8]", "model.epochs=6", "model.activation=relu,tanh")  # fmt: skip
    assert main([*mlp, "sweep.dir=once"]) == 0
    assert main([*mlp, "model.max_norm=1000,2000", "sweep.dir=often"]) == 0
    assert main([*mlp, "threads=1,2", "sweep.dir=threads"]) == 0
    _, _, once = compared(capfd, Path("a"), "once", "--by", "model.activation")
    code, said, often = compared(capfd, Path("b"), "often", "--by", "model.activation")
    assert code == 0, said
    assert "2 of the 4 runs" in said
    _, said, threads = compared(capfd, Path("c"), "threads", "--by", "model.activation")
    assert "4 runs repeat another" in said
    for found in (often, threads):
        assert found["pairs"][0]["p"] == once["pairs"][0]["p"]
        assert [arm["runs"] for arm in found["arms"]] == [2, 2]
    words = [*LOGISTIC[:-1], f"dataset.path={runs / 'hard.csv'}"]
    assert main(["-m", *words, "model=logistic,knn", "seed=0,1,2", "sweep.dir=fixed"]) == 0
    code, said, fixed = compared(capfd, Path("d"), "fixed")
    assert [arm["runs"] for arm in fixed["arms"]] == [1, 1]
    assert fixed["test"] == "mcnemar"
    assert fixed["details"]["Identical runs"].count("deterministic") == 2


def test_runs_that_differ_in_another_key_are_not_pooled(
    runs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["-q", "-m", "task=classify", "dataset=csv", f"dataset.path={runs / 'hard.csv'}", "figures=false",
                 "seed=0,1", "model.hidden=[8],[4]", "model.epochs=3", "model.activation=relu,tanh", "model.l2=0,0.5",
                 "sweep.dir=grid"]) == 0  # fmt: skip
    code, said, _ = compared(capfd, Path("a"), "grid", "--by", "model.activation")
    assert code == 2
    assert "model.hidden, model.l2" in said
    assert "--by model.activation,model.hidden,model.l2" in said
    assert said.count("\n") == 1
    code, said, info = compared(capfd, Path("b"), "grid", "--by", "model.activation,model.hidden,model.l2")
    assert code == 0, said
    assert [arm["runs"] for arm in info["arms"]] == [2] * 8
    swept = {job["number"]: job["swept"] for job in json.loads(Path("grid/sweep.json").read_text())["jobs"]}
    wanted = [
        number for number, keys in swept.items() if keys["model.hidden"] == "[8]" and keys["model.l2"] == "0"
    ]
    one_setting = [path for path in sorted(Path("grid/runs").iterdir()) if int(path.name[:3]) in wanted]
    code, said, info = compared(capfd, Path("c"), *one_setting, "--by", "model.activation")
    assert code == 0, said
    assert [arm["runs"] for arm in info["arms"]] == [2, 2]
