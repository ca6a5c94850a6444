"""Comparisons that are looked at while they run: when they stop, what they say, and that a kill changes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.comparisons.conftest import Make, scores

from mlexp.cli import main
from mlexp.comparisons import looks
from mlexp.comparisons.analysis import analyse
from mlexp.comparisons.evidence import Evidence
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.comparisons.looks import Schedule
from mlexp.kinds.comparison.settings import Comparison
from mlexp.page.words import level_in_percent
from mlexp.store import Run

SMALL = (
    "task=digits_mlp",
    "task.kind=comparison",
    "dataset.limit=300",
    "model.epochs=8",
    "execution.workers=1",
)
ARMS = "comparison.arms={wide: {model.hidden: [16]}, narrow: {model.hidden: [4]}}"
UNTIL = "comparison.seeds=until_settled"
NODE = Comparison(seeds="until_settled")
ACCURACY = PartMetric.parse("test.accuracy")


def info(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "comparison.json").read_text()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a comparison of a wide and a narrow network, which was looked at."""
    outputs = tmp_path_factory.mktemp("looked")
    assert main(["-q", *SMALL, ARMS, UNTIL, f"outputs={outputs}"]) == 0
    return (outputs / "digits_mlp" / "latest").resolve()


def test_the_plan_is_five_looks_of_which_none_has_fewer_than_five_runs() -> None:
    planned = Schedule.of(30, arms=2, alpha=0.05)
    assert planned.runs == (5, 10, 15, 20, 30)
    assert planned.levels == pytest.approx((1.6e-6, 0.00069, 0.00531, 0.01426, 0.04349), rel=0.015)
    assert Schedule.of(100, arms=2, alpha=0.05).runs == (17, 33, 50, 67, 100)
    assert Schedule.of(6, arms=2, alpha=0.05).runs == (5, 6)
    alone = Schedule.of(4, arms=2, alpha=0.05)
    assert (alone.runs, alone.levels) == ((4,), pytest.approx((0.05,)))
    # Holm over three pairs: no step may spend more than its share of alpha over the looks
    three = Schedule.of(30, arms=3, alpha=0.05)
    assert three.levels[-1] == planned.levels[-1]
    assert all(one < other for one, other in zip(three.levels[:-1], planned.levels[:-1], strict=True))


def test_a_real_pair_stops_early_and_says_at_which_look(folder: Path) -> None:
    found = info(folder)
    assert found["looks"]["runs"] == [5, 10, 15, 20, 30]
    assert (found["looks"]["taken"], found["looks"]["settled"]) == (2, True)
    assert found["looks"]["runs_saved"] == 40
    assert len(list((folder / "runs").iterdir())) == 20
    said = " ".join(found["answer"])
    assert "look 2 of 5" in said
    assert "40 of 60 runs saved" in said
    pair = found["pairs"][0]
    level = found["looks"]["levels"][1]
    assert pair["level"] == pytest.approx(1 - level)
    assert pair["p"] <= level
    assert pair["low"] > 0
    assert "99.93 % interval" in said
    assert json.loads((folder / "sweep.json").read_text())["status"] == "completed"
    table = Run(folder).tables["looks"]
    assert table["runs"] == ["5", "10"]
    assert table["settled"] == ["False", "True"]
    assert float(table["p"][0]) > float(table["level"][0])
    assert (folder / "figures" / "looks.png").exists()
    assert "boundary of that look" in (folder / "report.md").read_text()


def test_the_plan_is_recorded_before_the_first_look(folder: Path) -> None:
    before = json.loads((folder / "question.json").read_text())["looks"]
    assert before == {name: info(folder)["looks"][name] for name in ("runs", "levels", "max_seeds", "alpha")}


@pytest.mark.parametrize("at", ["between looks", "in the second look", "before the answer"])
def test_a_kill_changes_nothing(folder: Path, tmp_path: Path, at: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    sweep = json.loads((copy / "sweep.json").read_text())
    gone = {"between looks": range(11, 21), "in the second look": range(13, 21), "before the answer": ()}[at]
    for number in gone:
        shutil.rmtree(next((copy / "runs").glob(f"{number:03d}-*")))
    if at == "between looks":
        sweep["jobs"] = sweep["jobs"][:10]
        del sweep["begun_with"]
    (copy / "sweep.json").write_text(json.dumps(sweep | {"status": "running"}))
    shutil.copy(copy / "question.json", copy / "comparison.json")
    shutil.rmtree(copy / "tables")
    shutil.rmtree(copy / "figures")
    assert main(["-q", "resume", str(copy)]) == 0
    for name in ("answer", "pairs", "looks", "status"):
        assert info(copy)[name] == info(folder)[name]
    for name in ("tables/looks.csv", "tables/pairs.csv", "tables/runs.csv", "figures/looks.png"):
        assert (copy / name).read_bytes() == (folder / name).read_bytes()
    runs = sorted(file.relative_to(folder) for file in folder.glob("runs/*/predictions.npz"))
    assert [(copy / name).read_bytes() for name in runs] == [(folder / name).read_bytes() for name in runs]


def test_the_same_command_takes_up_its_own_looks_and_no_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "-q",
        *SMALL,
        ARMS,
        "figures=false",
        "sweep.resume=true",
        f"sweep.dir={folder}",
        f"outputs={folder.parent}",
    ]
    before = (folder / "tables" / "runs.csv").read_bytes()
    assert main([*words, UNTIL]) == 0
    assert "data have changed" not in capsys.readouterr().err
    assert (folder / "tables" / "runs.csv").read_bytes() == before
    assert main([*words, UNTIL, "comparison.max_seeds=29"]) == 2
    assert "looks at 5, 10, 15, 20, 30 runs" in capsys.readouterr().err
    assert main([*words, "comparison.seeds=5"]) == 2
    assert "a fixed number" in capsys.readouterr().err


def test_comparing_with_runs_added_says_that_the_level_is_spent(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-q", *SMALL, ARMS, "comparison.seeds=[70,71]", "figures=false", f"outputs={tmp_path}"]) == 0
    more = (tmp_path / "digits_mlp" / "latest").resolve()
    assert main(["compare", str(folder), str(more), "--save", str(tmp_path / "saved")]) == 0
    warned = " ".join(info(tmp_path / "saved")["warnings"])
    assert "The level 0.05 is spent" in warned
    assert "4 runs that were not in it" in warned
    assert main(["compare", *map(str, sorted((folder / "runs").iterdir()))]) == 0
    assert "is spent" in " ".join(capsys.readouterr().out.split())
    assert main(["compare", str(more)]) == 0
    assert "spent" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("comparison.folds=3",), "comparison.folds=3"),
        (("comparison.repeats=2", "split.test=0.2"), "comparison.repeats=2"),
        (("comparison.draws=2",), "comparison.draws=2"),
        (("comparison.test=welch",), "comparison.test=auto or crossed"),
        (("comparison.max_seeds=1",), "at least 2"),
        (("comparison.seeds=4", "comparison.max_seeds=9"), "belongs to comparison.seeds=until_settled"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = [UNTIL] if not any(word.startswith("comparison.seeds=") for word in words) else []
    assert main([*SMALL, ARMS, *typed, *words, f"outputs={tmp_path}"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_dry_run_says_the_plan_and_smoke_makes_it_small(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMALL, ARMS, UNTIL, "--dry-run", f"outputs={tmp_path}"]) == 0
    said = capsys.readouterr().out
    assert "5 (1.6e-06), 10 (0.00069)" in said
    assert "10 jobs" in said
    assert main([*SMALL, ARMS, UNTIL, "size=smoke", "--dry-run", f"outputs={tmp_path}"]) == 0
    assert "5 (0.032), 6 (0.039)" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def arms_of(make: Make, shares: dict[str, float], runs: int) -> Evidence:
    entries = {
        arm: [make(arm, seed, scores(share, 100 * place + seed)) for seed in range(runs)]
        for place, (arm, share) in enumerate(shares.items())
    }
    return Evidence(ACCURACY, entries)


def test_three_arms_go_on_until_every_pair_is_settled(make: Make) -> None:
    evidence = arms_of(make, {"good": 0.9, "fair": 0.6, "alike": 0.6}, 10)
    planned = Schedule.of(30, arms=3, alpha=0.05)
    found = looks.taken(evidence, NODE, planned)
    assert [look.runs for look in found] == [5, 10]
    assert not any(look.is_last for look in found)
    assert found[1].verdict.pair("good", "fair").separated
    assert not found[1].verdict.pair("alike", "fair").separated
    assert "2 of 3 differences settled" in found[1].words(planned)
    done = analyse(evidence, NODE, planned=planned)
    assert done.info["looks"]["settled"] is False
    assert len(done.tables["looks"]["look"]) == 6
    two = arms_of(make, {"good": 0.9, "fair": 0.6}, 30)
    ended = looks.taken(two, NODE, Schedule.of(30, arms=2, alpha=0.05))
    assert ended[-1].settled
    assert len(ended) < 5


def test_the_answer_of_a_study_that_is_not_settled_is_that_of_its_last_look(make: Make) -> None:
    planned = Schedule.of(6, arms=2, alpha=0.05)
    done = analyse(arms_of(make, {"one": 0.7, "other": 0.7}, 6), NODE, planned=planned)
    assert done.info["looks"] | {"taken": 2, "settled": False, "runs_saved": 0} == done.info["looks"]
    assert done.info["pairs"][0]["level"] == pytest.approx(1 - planned.levels[-1])
    assert done.info["alpha"] == 0.05
    assert any("Not settled at the last look" in sentence for sentence in done.info["answer"])


def test_runs_beyond_the_look_that_settled_it_do_not_count(make: Make) -> None:
    evidence = arms_of(make, {"good": 0.95, "bad": 0.4}, 15)
    found = looks.taken(evidence, NODE, Schedule.of(30, arms=2, alpha=0.05))
    assert len(found[-1].evidence.used["good"]) == found[-1].runs < 15


def test_arms_that_do_not_vary_get_no_more_runs(make: Make) -> None:
    right = {arm: scores(share, place) for place, (arm, share) in enumerate({"a": 0.9, "b": 0.8}.items())}
    entries = {arm: [make(arm, seed, right[arm]) for seed in range(5)] for arm in right}
    planned = Schedule.of(30, arms=2, alpha=0.05)
    done = analyse(Evidence(ACCURACY, entries), NODE, planned=planned)
    assert done.info["looks"]["taken"] == 1
    assert done.info["pairs"][0]["level"] == pytest.approx(0.95)  # one test, at alpha
    assert any("no arm varies over seeds" in sentence for sentence in done.info["answer"])


def test_arms_of_equal_results_do_not_go_on_for_ever(make: Make) -> None:
    entries = {arm: [make(arm, seed, scores(0.8, seed)) for seed in range(5)] for arm in ("a", "b")}
    found = looks.taken(Evidence(ACCURACY, entries), NODE, Schedule.of(30, arms=2, alpha=0.05))
    assert found[-1].is_last


def test_failed_runs_leave_the_plan_as_it_is(make: Make) -> None:
    good = [make("good", seed, scores(0.9, seed)) for seed in range(10)]
    bad = [
        make("bad", seed, scores(0.4, 50 + seed), status="diverged" if seed == 2 else "completed")
        for seed in range(10)
    ]
    found = looks.taken(
        Evidence(ACCURACY, {"good": good, "bad": bad}), NODE, Schedule.of(30, arms=2, alpha=0.05)
    )
    assert [len(look.evidence.used["bad"]) for look in found] == [4, 9]
    assert found[-1].settled


def test_an_arm_without_a_run_that_counts_ends_the_study_at_the_first_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = "comparison.arms={good: {model.learning_rate: 0.01}, bad: {model.learning_rate: 1.0e30}}"
    words = [
        *SMALL,
        arms,
        UNTIL,
        "model.hidden=[4]",
        "model.epochs=2",
        "model.optimizer=sgd",
        "figures=false",
    ]
    assert main(["-q", *words, f"outputs={tmp_path}"]) == 6
    assert "Fewer than two arms have a run" in capsys.readouterr().err
    assert len(list((tmp_path / "digits_mlp" / "latest" / "runs").iterdir())) == 10


def test_levels_that_would_read_as_certainty_have_more_digits() -> None:
    assert [level_in_percent(1 - level) for level in (0.05, 0.0417, 0.00531, 1.58e-6)] == [
        "95",
        "95.83",
        "99.47",
        "99.99984",
    ]
