"""Arms on several data sets: what is run, what each data set and all of them say, and that a kill costs nothing."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from tests.comparisons.conftest import Make, scores
from tests.process import start
from tests.running import in_this_process

from mlexp.cli import main
from mlexp.comparisons import benchmark
from mlexp.comparisons import study as studies
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.comparisons.verdict import evaluate
from mlexp.data.readers import openml
from mlexp.errors import ConfigError
from mlexp.kinds.comparison.settings import Comparison

KIND = "task.kind=comparison"
ARMS = "comparison.arms={net: {model: mlp, model.hidden: [8]}, forest: {model: random_forest}, near: {model: knn}}"
ACCURACY = PartMetric("test", "accuracy")


def test_arms_times_data_sets_times_seeds_are_jobs() -> None:
    moons = "{dataset: moons, dataset.noise: 0.3},{dataset: moons, split.test: 0.3}"
    listed = f"comparison.datasets=[iris,Digits,my.csv,'~/other/my.csv.gz',{moons}]"
    study = studies.plan([KIND, ARMS, listed, "comparison.seeds=2", "seed=4"])
    assert len(study.plan.jobs) == 3 * 6 * 2
    assert [str(job) for job in study.plan.jobs[:3]] == [
        "arm=net dataset=iris seed=4",
        "arm=net dataset=iris seed=5",
        "arm=forest dataset=iris seed=4",
    ]
    other = str(Path("~/other/my.csv.gz").expanduser())
    configs = {job.swept["dataset"]: job.config for job in study.plan.jobs}
    assert list(configs) == [
        "iris", "digits", "my path my.csv", f"my path {other}", "moons noise 0.3", "moons test 0.3",
    ]  # fmt: skip
    assert configs[f"my path {other}"].dataset.path == other
    assert configs["my path my.csv"].dataset.reader == "csv"
    assert (configs["moons noise 0.3"].dataset.noise, configs["moons test 0.3"].dataset.noise) == (0.3, 0.1)
    assert (configs["moons noise 0.3"].split.test, configs["moons test 0.3"].split.test) == (0.2, 0.3)
    assert study.metric == ACCURACY


def test_each_data_set_may_have_folds() -> None:
    study = studies.plan([KIND, ARMS, "comparison.datasets=[iris,wine]", "comparison.folds=3"])
    assert len(study.plan.jobs) == 3 * 2 * 3


def test_a_benchmark_of_numbers_compares_what_has_no_unit() -> None:
    arms = "comparison.arms={line: {model: linear}, forest: {model: random_forest}}"
    other = "{dataset: my.csv, dataset.target: numbers, dataset.label: y}"
    study = studies.plan([KIND, arms, f"comparison.datasets=[diabetes,{other}]"])
    assert str(study.metric) == "test.r2"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["comparison.datasets=[iris,iris]"], "names iris twice"),
        (["comparison.datasets=[iris,diabetes]"], "mixes numbers to predict (diabetes) with classes (iris)"),
        (["comparison.datasets=[diabetes]", "comparison.of=classification"], "does not suit the data set diabetes"),
        (["comparison.datasets=[irys,wine]"], "Did you mean 'iris'?"),
        (["comparison.datasets=[openml:suite:99]"], "members of a suite are not looked up"),
        (["comparison.datasets=[openml:0]"], "must be openml:NUMBER"),
        (["comparison.datasets=[iris,wine]", "dataset=digits"], "dataset is set by the command line"),
        (
            ["comparison.datasets=[iris,{dataset: moons, dataset.noise: 0.3}]", "dataset.noise=0.2"],
            "dataset.noise is set by the command line, and the data set moons",
        ),
        (["comparison.datasets=[iris,wine]", "comparison.arms.net.dataset=wine"], "set by the arm 'net'"),
        (
            ["comparison.datasets=[{dataset: iris, split.test: 0.3}]", "split={test: 0.2}"],
            "split is set by the command line, and the data set iris",
        ),
        (["comparison.datasets=[iris,{model.hidden: [3]}]"], "model.hidden does not belong to a data set"),
        (["comparison.datasets=[iris,{dataset: wine, seed: 3}]"], "seed cannot be set there"),
        (["comparison.datasets=[iris,{}]"], "must name a data set in each entry"),
        (["comparison.datasets=[iris,3]"], "must be a list of data sets"),
        (["comparison.datasets=iris"], "must be a list of data sets"),
        (["comparison.datasets=[iris,wine]", "comparison.draws=3"], "Leave one of the two out"),
        (["comparison.datasets=[iris,wine]", "comparison.tune_arms=true"], "chooses settings on one data set"),
        (["comparison.datasets=[iris,wine]", "comparison.test=corrected"], "it needs several splits"),
        (
            ["comparison.datasets=[iris,wine]", "comparison.arms.net.split={test: 0.3}"],
            "split.test is 0.3 and 0.2",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_a_benchmark_is_refused(more: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        studies.plan([KIND, ARMS, *more])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tables_at_openml_are_named_by_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = {}
    for number in (61, 62):
        y = rng.integers(0, 2, 80)
        frames[number] = pd.DataFrame(
            {"a": y + rng.normal(0, 1, 80), "b": rng.normal(0, 1, 80), "y": y.astype(str)}
        )

    class Bunch:
        def __init__(self, number: int) -> None:
            self.frame, self.target_names = frames[number], ["y"]

    monkeypatch.setattr(openml, "download", Bunch)
    in_this_process(monkeypatch)
    arms = "comparison.arms={tree: {model: decision_tree}, near: {model: knn}}"
    words = [
        "-q",
        KIND,
        arms,
        "comparison.datasets=[openml:61,openml:62]",
        "comparison.seeds=1",
        "figures=false",
    ]
    assert main([*words, f"outputs={tmp_path}", f"sweep.dir={tmp_path / 'one'}"]) == 0
    assert [one["name"] for one in info(tmp_path / "one")["benchmark"]["datasets"]] == [
        "openml:61",
        "openml:62",
    ]


def info(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "comparison.json").read_text()))


SHARES = {"iris": (0.9, 0.7), "wine": (0.85, 0.8), "digits": (0.95, 0.75)}


@pytest.fixture
def suite(make: Make) -> Callable[..., Evidence]:
    """Return a function that makes two arms on data sets, with any number of runs of each on each."""

    def suite(
        shares: dict[str, tuple[float, float]], seeds: dict[tuple[str, str], int] | None = None
    ) -> Evidence:
        entries: dict[str, list[Entry]] = {"sharp": [], "blunt": []}
        for at, (name, pair) in enumerate(shares.items()):
            for place, (arm, share) in enumerate(zip(entries, pair, strict=True)):
                for seed in range((seeds or {}).get((arm, name), 5)):
                    right = scores(share, 1000 * at + 10 * seed + place)
                    entries[arm].append(replace(make(arm, seed, right, dataset=name), dataset=name))
        return Evidence(ACCURACY, entries)

    return suite


def test_each_data_set_gets_the_verdict_of_a_comparison_on_it_alone(suite: Callable[..., Evidence]) -> None:
    evidence, node = suite(SHARES), Comparison(test="auto")
    found = benchmark.analyse(evidence, node).info["benchmark"]["datasets"]
    assert [one["name"] for one in found] == list(SHARES)
    for one in found:
        alone = {
            arm: [e for e in entries if e.dataset == one["name"]] for arm, entries in evidence.entries.items()
        }
        pair = evaluate(Evidence(ACCURACY, alone), node).pairs[0]
        assert one["test"] == pair.outcome.name == "crossed t (seeds × rows)"
        assert (one["pairs"][0]["p"], one["pairs"][0]["low"]) == (pair.outcome.p, pair.outcome.low)
        assert one["pairs"][0]["better"] == pair.better
    rows = {row["arm"]: row for row in found[0]["arms"]}
    assert (rows["sharp"]["rank"], rows["sharp"]["best"], rows["blunt"]["best"]) == (1.0, True, False)


def test_over_all_data_sets_each_counts_once(suite: Callable[..., Evidence]) -> None:
    evidence = suite(SHARES, {("sharp", "iris"): 2, ("blunt", "wine"): 1})
    done = benchmark.analyse(evidence, Comparison())
    means = {
        arm: np.array([np.mean([e.value for e in entries if e.dataset == name]) for name in SHARES])
        for arm, entries in evidence.entries.items()
    }
    row = done.info["benchmark"]["mean_differences"][0]
    expected = scipy.stats.ttest_rel(means["sharp"], means["blunt"])
    interval = expected.confidence_interval(0.95)
    assert row["difference"] == pytest.approx((means["sharp"] - means["blunt"]).mean())
    assert (row["p"], row["low"], row["high"]) == pytest.approx(
        (expected.pvalue, interval.low, interval.high)
    )
    known = {arm["name"]: arm["mean"] for arm in done.info["arms"]}
    assert known["sharp"] == pytest.approx(means["sharp"].mean())
    wilcoxon = scipy.stats.wilcoxon(means["sharp"], means["blunt"])
    assert done.info["pairs"][0]["p"] == pytest.approx(wilcoxon.pvalue) == 0.25
    assert done.info["benchmark"]["mean_ranks"] == {"sharp": 1.0, "blunt": 2.0}
    assert set(done.tables) >= {"datasets", "dataset_pairs", "mean_differences", "arms", "pairs", "runs"}
    assert len(done.tables["datasets"]["arm"]) == 6


def test_too_few_data_sets_are_said_and_enough_are_tested(suite: Callable[..., Evidence]) -> None:
    few = benchmark.analyse(suite(SHARES), Comparison()).info
    assert "3 data sets" in few["answer"][0]
    assert "No result on 3 data sets can be significant" in few["answer"][3]
    assert "needs 6." in few["answer"][3]
    assert len(few["answer"]) <= 4
    enough = {f"set {k}": (0.9, 0.7) for k in range(6)}
    found = benchmark.analyse(suite(enough), Comparison(margin=0.5)).info
    assert found["answer"][0] == "sharp is significantly better than blunt in test accuracy over 6 data sets."
    assert "p = 0.031" in found["answer"][3]
    assert found["pairs"][0]["p"] == pytest.approx(2 / 2**6)
    assert "equal to within ±50 points" in found["answer"][1]
    assert len(found["answer"]) <= 4


def test_errors_in_the_unit_of_the_target_are_warned_of(suite: Callable[..., Evidence]) -> None:
    entries = suite(SHARES).entries
    for arm, found in entries.items():
        for entry in found:
            path = entry.run.path / "metrics.json"  # type: ignore[union-attr]
            path.write_text(
                json.dumps({"test": {"mae": 0.5 if arm == "sharp" else 0.7 + len(entry.dataset) / 100}})
            )
    metric = PartMetric("test", "mae")
    renamed = {
        arm: [replace(entry, metric=metric, run=type(entry.run)(entry.run.path)) for entry in found]  # type: ignore
        for arm, found in entries.items()
    }
    done = benchmark.analyse(Evidence(metric, renamed), Comparison()).info
    assert done["answer"][0].startswith("sharp has the best mean")  # less is better
    assert any("unit of each target" in warning for warning in done["warnings"])
    row = done["benchmark"]["mean_differences"][0]
    assert (row["a"], row["difference"] < 0) == ("sharp", True)


def test_many_arms_are_compared_by_all_pairs_on_a_suite(make: Make) -> None:
    entries = {
        f"arm {place}": [
            replace(
                make(f"arm {place}", seed, scores(0.9 - 0.04 * place, 10 * at + seed), dataset=name),
                dataset=name,
            )
            for at, name in enumerate(SHARES)
            for seed in range(2)
        ]
        for place in range(6)
    }
    found = benchmark.analyse(Evidence(ACCURACY, entries), Comparison()).info
    assert "after adjustment for 15 pairs: Wilcoxon's test needs 10." in found["answer"][3]
    assert found["with_best"] is None
    assert len(found["benchmark"]["mean_differences"]) == 15
    assert all(len(one["pairs"]) == 15 for one in found["benchmark"]["datasets"])


def test_a_data_set_on_which_an_arm_fails_is_shown_and_does_not_count(
    suite: Callable[..., Evidence], make: Make
) -> None:
    evidence = suite(SHARES)
    entries = {arm: list(found) for arm, found in evidence.entries.items()}
    for arm in entries:
        broken = make(
            arm, 9, scores(0.9, 77), dataset="moons", status="diverged" if arm == "blunt" else "completed"
        )
        entries[arm].append(replace(broken, dataset="moons"))
    entries["blunt"].append(Entry("blunt", "seed=10", None, ACCURACY, ("failed", "no such file"), "moons"))
    found = benchmark.analyse(Evidence(ACCURACY, entries), Comparison()).info
    moons = found["benchmark"]["datasets"][-1]
    assert (moons["name"], moons["counted"], moons["pairs"]) == ("moons", False, [])
    assert "over 3 data sets" in found["answer"][0]
    assert any(
        "moons is left out" in warning and "no run of blunt" in warning for warning in found["warnings"]
    )


def test_samples_of_one_generator_are_no_suite_and_its_settings_are(make: Make) -> None:
    def evidence(noises: tuple[float, float]) -> Evidence:
        entries: dict[str, list[Entry]] = {"sharp": [], "blunt": []}
        for at, noise in enumerate(noises):
            data = {"name": "moons", "fingerprint": f"{noise}{at}", "source": "generated"}
            for place, arm in enumerate(entries):
                run = make(arm, 0, scores(0.9 - 0.1 * place, 10 * at + place), dataset=data)
                told = run.run.path / "run.json"  # type: ignore[union-attr]
                settings = {"dataset.noise": noise, "dataset.seed": at}
                told.write_text(json.dumps(json.loads(told.read_text()) | {"settings": settings}))
                entries[arm].append(replace(run, run=type(run.run)(run.run.path)))  # type: ignore
        return Evidence(ACCURACY, entries)

    assert evidence((0.1, 0.1)).generated
    assert not evidence((0.1, 0.3)).generated


SMALL = (
    "task=benchmark",
    "size=smoke",
    "comparison.datasets=[iris,wine,{dataset: moons, dataset.n_samples: 100}]",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outputs = tmp_path_factory.mktemp("suite")
    with pytest.MonkeyPatch.context() as patched:
        in_this_process(patched)
        assert main(["-q", *SMALL, f"outputs={outputs}"]) == 0
    return (outputs / "benchmark" / "latest").resolve()


def test_the_shipped_benchmark_answers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = info(folder)
    assert found["status"] == "completed"
    assert found["question"].endswith("on 3 data sets: network or forest?")
    assert {file.stem for file in (folder / "figures").iterdir()} == {"datasets"}
    assert {"datasets.csv", "dataset_pairs.csv", "mean_differences.csv"} <= {
        file.name for file in (folder / "tables").iterdir()
    }
    page = (folder / "report.html").read_text()
    assert "Data sets and arms" in page
    assert "<strong>" in page
    assert "mean rank" in page
    assert "**" in (folder / "report.md").read_text()
    capsys.readouterr()
    assert main(["compare", str(folder)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert found["answer"][0] in said
    assert "mean of data sets" in said


def test_two_names_of_the_same_rows_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twice = "comparison.datasets=[iris,{dataset: iris, prepare.pca: 2}]"
    assert main(["-q", *SMALL[:2], twice, f"outputs={tmp_path}"]) == 3
    assert "hold the same rows" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_benchmark_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    for place in ("whole", "killed"):
        process = start(
            tmp_path,
            "-q",
            *SMALL[:2],
            "figures=false",
            f"outputs={tmp_path}",
            f"sweep.dir={tmp_path / place}",
        )
        if place == "killed":
            runs = tmp_path / place / "runs"
            while process.poll() is None and len(list(runs.glob("*/metrics.json"))) < 7:
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    killed = tmp_path / "killed"
    assert info(killed)["status"] == "running"
    assert main(["-q", "resume", str(killed)]) == 0
    for name in ("datasets", "dataset_pairs", "mean_differences", "pairs", "p_matrix", "runs"):
        one, other = (
            (tmp_path / place / "tables" / f"{name}.csv").read_bytes() for place in ("whole", "killed")
        )
        assert one == other, name
    found = [info(tmp_path / place) for place in ("whole", "killed")]
    for name in ("answer", "benchmark", "pairs", "ranking", "warnings"):
        assert found[0][name] == found[1][name]


def test_an_interval_that_disagrees_with_the_test_by_ranks_is_explained(
    suite: Callable[..., Evidence],
) -> None:
    """Six data sets, five won clearly and one lost by little: by ranks p = 0.0625, by t over data sets below 0.05."""
    won = {f"data {k}": (0.95, 0.65 + k / 100) for k in range(5)}
    done = benchmark.analyse(suite(won | {"lost": (0.80, 0.83)}), Comparison()).info
    assert done["pairs"][0]["p"] == pytest.approx(2 * 2 / 64)
    assert done["pairs"][0]["better"] is None
    assert "disagree" in done["answer"][2], done["answer"]
