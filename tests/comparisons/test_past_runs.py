"""Comparing runs that are there: what counts as another data set, as a copy, as a repeat."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.running import in_this_process

from mlexp.cli import main
from mlexp.comparisons import past_runs
from mlexp.errors import DataError

LOGISTIC = ("-q", "task=classify", "dataset=csv", "figures=false", "model=logistic")


pytestmark = pytest.mark.usefixtures("in_process")


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


def test_details_are_printed_where_they_are_asked_for(runs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["compare", str(runs / "logistic-easy"), str(runs / "tree-easy")]
    said = []
    for more in ([], ["--details"]):
        capfd.readouterr()
        assert main([*words, *more]) == 0
        said.append(capfd.readouterr().out)
    assert "Scope of inference" not in said[0]
    assert "Scope of inference: " in said[1]
    assert "Test: McNemar" in said[1]
    before, warnings, _ = said[0].partition("warning:")  # the answer is followed by what limits it
    assert warnings
    assert len(before.strip().splitlines()) <= 4
    for other in (["task=digits_mlp"], ["-m", "task=digits_mlp", "seed=0,1"]):
        assert main([*other, "--dry-run", "--details"]) == 2
        assert "--details applies to comparisons" in capfd.readouterr().err


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
    assert "2 of the 4 runs" in often["details"]["Identical runs"]
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


def test_keys_that_only_another_kind_of_study_reads_tell_no_runs_apart() -> None:
    def ran(kind: str, epochs: int, first: int) -> past_runs.PastRun:
        values = {
            "task.kind": kind,
            "seed": 1,
            "model.epochs": epochs,
            "clustering.first": first,
            "layers.rows": first,
        }
        return past_runs.PastRun(None, values)

    assert past_runs.differences([ran("classification", 3, 1), ran("classification", 9, 2)]) == [
        "model.epochs"
    ]
    assert past_runs.differences([ran("clustering", 3, 1), ran("clustering", 3, 2)]) == ["clustering.first"]
    assert len(past_runs.distinct([ran("classification", 3, 1), ran("classification", 3, 2)])[0]) == 1


def swept(runs: Path, place: Path, activations: str, rates: str) -> Path:
    """Run a sweep of activations × rates × 2 decays × 5 seeds."""
    with pytest.MonkeyPatch.context() as patched:
        in_this_process(patched)
        assert main(["-q", "-m", "task=classify", "dataset=csv", f"dataset.path={runs / 'easy.csv'}", "figures=false",
                     "seed=0,1,2,3,4", "model.hidden=[4]", "model.epochs=2", "model.l2=0,0.5",
                     f"model.activation={activations}", f"model.learning_rate={rates}",
                     f"sweep.dir={place}"]) == 0  # fmt: skip
    return place


@pytest.fixture(scope="module")
def grid(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return swept(runs, tmp_path_factory.mktemp("grid") / "grid", "relu,tanh", "0.001,0.01,0.1")


def asked(
    *paths: Path, by: str = "model.activation", best_of: str | None = None, **more: str
) -> dict[str, Any]:
    """Return what a comparison of these runs found; nothing is written."""
    keys = by.split(",") if by else []
    return dict(past_runs.compare(paths, past_runs.asked(more), by=keys, best_of=best_of).info)


def means_of(info: dict[str, Any]) -> dict[str, float]:
    return {arm["name"]: arm["mean"] for arm in info["arms"]}


def table_of(grid: Path, metric: str = "test_accuracy") -> pd.DataFrame:
    names = {"model.activation": "arm", "model.learning_rate": "rate", "model.l2": "l2", metric: "score"}
    return pd.read_csv(grid / "summary.csv").rename(columns=names)[["arm", "rate", "l2", "seed", "score"]]


def check_blocks(info: dict[str, Any], table: pd.DataFrame) -> None:
    """Hold the answer against what pandas finds in the summary."""
    assert info["design"]["blocks"] == len(table.groupby(["rate", "l2"]))
    assert info["design"]["seeds"] == 5
    assert info["test"] == "crossed"
    assert "model.learning_rate, model.l2" in " ".join(info["answer"])
    assert means_of(info) == pytest.approx(dict(table.groupby("arm").score.mean()))
    inside = table.groupby(["arm", "rate", "l2"]).score.mean().unstack("arm")
    of_seeds = table.groupby(["arm", "seed"]).score.mean().unstack("seed")
    for pair in info["pairs"]:
        assert pair["difference"] == pytest.approx((inside[pair["a"]] - inside[pair["b"]]).mean(), abs=1e-12)
        # runs of one seed start alike in every block: what varies are the means of the seeds over blocks
        wanted = of_seeds.loc[[pair["a"], pair["b"]]].var(axis=1, ddof=1).sum() / 5
        assert pair["details"]["v_seed"] == pytest.approx(wanted)
    sd = np.sqrt(table.groupby(["arm", "rate", "l2"]).score.var().groupby("arm").mean())
    assert {arm["name"]: arm["sd"] for arm in info["arms"]} == pytest.approx(dict(sd))


def test_other_keys_that_differ_are_blocks(grid: Path) -> None:
    check_blocks(asked(grid), table_of(grid))
    # without other keys every setting is an arm, as before
    info = asked(grid, by="")
    assert info["design"]["blocks"] == 1
    assert [arm["runs"] for arm in info["arms"]] == [5] * 12


@pytest.mark.slow
def test_a_grid_of_four_keys_by_one_of_them(
    runs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rates = "0.001,0.003,0.01,0.03,0.1"
    place = swept(runs, tmp_path / "grid", "relu,tanh,sigmoid,leaky_relu", rates)
    code, said, info = compared(capfd, tmp_path / "a", place, "--by", "model.activation")
    assert code == 0, said
    assert "10 blocks, 5 seeds per arm" in " ".join(said.split())
    check_blocks(info, table_of(place))
    assert (tmp_path / "a" / "report.html").exists()


def test_blocks_that_lack_an_arm_are_left_out(grid: Path) -> None:
    jobs = {job["number"]: job["swept"] for job in json.loads((grid / "sweep.json").read_text())["jobs"]}

    def chosen(arm: str, *rates: str, seeds: int = 5) -> list[Path]:
        wanted = {
            number
            for number, of in jobs.items()
            if (of["model.activation"], of["model.l2"]) == (arm, "0")
            and of["model.learning_rate"] in rates
            and int(of["seed"]) < seeds
        }
        return [path for path in sorted((grid / "runs").iterdir()) if int(path.name[:3]) in wanted]

    table = table_of(grid)
    table = table[table.l2 == 0]
    every = ("0.001", "0.01", "0.1")
    info = asked(*chosen("relu", *every), *chosen("tanh", *every[:2]))
    assert info["design"]["blocks"] == 2
    (note,) = [words for words in info["warnings"] if "left out" in words]
    assert "1 of 3 blocks" in note
    assert "learning rate 0.1" in note
    wanted = table[table.rate < 0.1].groupby("arm").score.mean()
    assert means_of(info) == pytest.approx(dict(wanted))
    # a block with one run of an arm says nothing of how runs vary; blocks of other numbers of seeds weigh alike
    few = [*chosen("relu", "0.001"), *chosen("relu", "0.01", seeds=1), *chosen("relu", "0.1", seeds=2)]
    info = asked(*few, *chosen("tanh", *every))
    assert info["design"]["blocks"] == 2
    assert "learning rate 0.01" in " ".join(words for words in info["warnings"] if "left out" in words)
    left = table[(table.rate != 0.01) & ((table.arm == "tanh") | (table.rate == 0.001) | (table.seed < 2))]
    assert means_of(info) == pytest.approx(
        dict(left.groupby(["arm", "rate"]).score.mean().groupby("arm").mean())
    )
    # one run in every block: these fitted models, over new rows
    info = asked(*chosen("relu", *every, seeds=1), *chosen("tanh", *every, seeds=1))
    assert "for these fitted models only" in info["scope"]
    # no block in common
    apart = [*chosen("relu", "0.001", "0.01"), *chosen("tanh", "0.1")]
    with pytest.raises(DataError, match="--best-of validation"):
        asked(*apart)
    assert asked(*apart, best_of="validation")["design"]["blocks"] == 1


def test_each_arm_at_its_best_by_the_validation_set(grid: Path) -> None:
    info = asked(grid, best_of="validation", metric="test.loss")
    assert [arm["runs"] for arm in info["arms"]] == [5] * 2
    validation = table_of(grid, "validation_loss").groupby(["arm", "rate", "l2"]).score.mean()
    test = table_of(grid, "test_loss").groupby(["arm", "rate", "l2"]).score.mean()
    for arm in info["arms"]:
        rate, l2 = validation.loc[arm["name"]].idxmin()
        assert arm["mean"] == pytest.approx(test.loc[(arm["name"], rate, l2)])
        assert f"{arm['name']} at learning rate {rate:g}, l2 {l2:g}" in " ".join(info["answer"])
    assert "best of 6" in " ".join(info["answer"])
    jobs = {job["number"]: job["swept"] for job in json.loads((grid / "sweep.json").read_text())["jobs"]}
    fewer = [
        path
        for path in sorted((grid / "runs").iterdir())
        if (of := jobs[int(path.name[:3])])["model.activation"] == "relu" or of["model.l2"] == "0"
    ]
    assert "relu 6, tanh 3" in " ".join(asked(*fewer, best_of="validation")["warnings"])


def test_what_blocks_refuse(grid: Path, capfd: pytest.CaptureFixture[str]) -> None:
    by = ("--by", "model.activation")
    for words, said in (
        ((*by, "--best-of", "validation", "--metric", "validation.accuracy"), "name one of the test set"),
        (("--best-of", "validation"), "every arm here has one"),
        ((*by, "--test", "anova"), "blocks"),
        ((*by, "--test", "mcnemar"), "blocks"),
        ((*by, "--best-of", "test"), "validation"),
    ):
        assert main(["compare", str(grid), *words]) == 2, words
        line = capfd.readouterr().err
        assert said in line
        assert line.count("\n") == 1 or "usage" in line
    assert main(["compare", str(grid), *by, "--test", "welch", "--details"]) == 0
    assert "Welch t in blocks" in " ".join(capfd.readouterr().out.split())


def test_a_sweep_over_data_sets_takes_them_for_data_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["-q", "-m", "task=classify", "dataset=iris,wine", "model=knn,decision_tree", "seed=3,4",
                 "figures=false", "sweep.dir=both"]) == 0  # fmt: skip
    code, said, info = compared(capfd, tmp_path / "a", "both")
    assert code == 0, said
    assert info["design"]["datasets"] == 2
    assert info["design"]["blocks"] == 1
    assert info["test"] == "wilcoxon"
    assert "on 2 data sets" in info["question"]
    assert "repeat" not in said
    assert "which may explain the result" not in said
    names = (tmp_path / "a" / "tables" / "runs.csv").read_text()
    assert "data=iris" in names
    assert "data=wine" in names
    summary = pd.read_csv("both/summary.csv")
    means = summary.groupby(["model", "dataset"]).test_accuracy.mean().unstack("model")
    assert abs(info["pairs"][0]["difference"]) == pytest.approx(
        abs(float((means.knn - means.decision_tree).mean()))
    )
