"""The table of the five reports: what it reads, how it judges, and that every row of it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy import stats

from mlexp.store import Run, record
from mlexp.store.files import write_json
from mlexp.store.result import Result

SCRIPTS = Path(__file__).parents[1] / "scripts" / "reproduction"
sys.path.insert(0, str(SCRIPTS))

import page  # noqa: E402
import readings  # noqa: E402
import reproduce  # noqa: E402

STUDIES = yaml.safe_load((SCRIPTS / "published.yaml").read_text(encoding="utf-8"))
KNOWN = {
    "quantity",
    "run",
    "where",
    "published",
    "within",
    "expected",
    "verdict",
    "because",
    "row",
    "column",
    "at",
    "pair",
}
READS = ("metric", "fact", "history", "table", "array", "comparison", "chosen")


@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_names_a_run_of_its_study_and_one_number(name: str) -> None:
    study = STUDIES[name]
    assert study["report"] in "ABCDE"
    for entry in study["figures"]:
        assert entry["run"] in study["runs"]
        assert sum(word in entry for word in READS) == 1, entry["quantity"]
        assert entry.get("verdict", "wrong") in ("wrong", "not comparable")
        assert set(entry) <= KNOWN | set(READS), f"{entry['quantity']}: a comma outside quotes?"
        assert "because" in entry or "verdict" not in entry, f"{entry['quantity']} says no reason"
    for run in study["runs"].values():
        assert run["settings"][0].startswith("task=")
        assert run["minutes"] > 0


def made(path: Path, seed: int, accuracy: float) -> readings.Run:
    """Write a small run folder."""
    folder = record.create(path, "study", f"{seed:08x}")
    folder.write_config(f"seed: {seed}\nmodel:\n  hidden: [64, 32]\n  learning_rate: 0.001\n")
    folder.write_result(
        Result(
            metrics={"test": {"accuracy": accuracy}},
            tables={"step": {"parameter": ["w1", "b1"], "after": [0.25, 0.5]}},
            arrays={"share": np.array([0.75, 0.25])},
        )
    )
    folder.write_info({"status": "completed", "facts": {"k": {"gmm": 7}}, "split": {"test": 400}})
    folder.close(keep_checkpoint=False)
    return Run.open(folder.path)


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ({"metric": "test.accuracy"}, 0.9),
        ({"metric": "test.loss"}, None),
        ({"fact": "k.gmm"}, 7),
        ({"table": "step", "column": "after", "row": {"parameter": "b1"}}, 0.5),
        ({"array": "share", "at": 1}, 0.25),
    ],
)
def test_what_a_figure_reads(tmp_path: Path, entry: dict[str, Any], value: float | None) -> None:
    assert readings.read(made(tmp_path, 1, 0.9), entry) == value


def test_runs_are_matched_by_their_configuration(tmp_path: Path) -> None:
    run = made(tmp_path, 1, 0.9)
    same = {"model.hidden": "[64,32]", "model.learning_rate": "1e-3"}
    assert [one.path for one in readings.matching(tmp_path, same)] == [run.path]
    assert not list(readings.matching(tmp_path, {"model.hidden": "[64]"}))


def test_verdict_is_a_prediction_interval_with_the_error_of_the_test_rows() -> None:
    values = [0.80, 0.82, 0.81]
    spread = stats.t.ppf(0.975, 2) * np.std(values, ddof=1) * np.sqrt(1 + 1 / 3)
    rows = 1.96 * np.sqrt(0.81 * 0.19 / 400)
    one = readings.Found({"published": 0.81}, values, test_rows=400)
    assert one.tolerance == pytest.approx(np.hypot(spread, rows))
    edge = 0.81 + np.hypot(spread, rows)
    inside, outside = ({"published": edge + step} for step in (-1e-6, 1e-6))
    assert readings.Found(inside, values, test_rows=400).verdict == "agrees"
    assert readings.Found(outside, values, test_rows=400).verdict == "differs"
    assert readings.Found({"published": 1}, []).verdict == "not run"
    assert readings.Found({"expected": [0.9, 1.0]}, values).missed
    low, high = stats.t.interval(0.95, 2, 0.81, stats.sem(values))
    assert one.half_width == pytest.approx((high - low) / 2)


def test_page_says_what_is_not_explained(tmp_path: Path) -> None:
    study = {
        "report": "A",
        "asks": "Is it so?",
        "runs": {"plain": {"settings": ["task=a"], "seeds": 3, "minutes": 1}},
    }
    study["figures"] = [{"quantity": "<b>accuracy</b>", "run": "plain", "published": 0.5}]
    found = {"study": [readings.Found(study["figures"][0], [0.9, 0.91])]}  # type: ignore[index]
    written = page.write({"study": study}, found, tmp_path / "full", docs=None)
    text, html = (path.read_text() for path in written)
    assert "| <b>accuracy</b> | 0.5 | 0.905 | ± 0.064 | 2 | differs | not explained |" in text
    assert "seed=0,1,2" in text
    assert "&lt;b&gt;accuracy" in html


def test_commands_are_those_that_ran() -> None:
    compared = {"settings": ["task=a"], "comparison": True, "seeds": 3}
    assert page.words(compared, quick=False) == ["task=a", "comparison.seeds=3"]
    assert page.words({"settings": ["task=a"], "seeds": 60}, quick=False) == [
        "-m",
        "task=a",
        "seed=range(60)",
    ]


def test_a_stack_of_networks_takes_its_time_once(tmp_path: Path) -> None:
    for seed in range(4):
        run = made(tmp_path / "plain", seed, 0.9)
        write_json(run.path / "run.json", run.info | {"wall_seconds": 120.0, "stack": 4})
    assert sum(run.seconds or 0.0 for run in readings.completed(tmp_path / "plain")) == pytest.approx(30.0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif("MLEXP_DATA_DIR" not in os.environ, reason="needs the folder named by MLEXP_DATA_DIR")
def test_every_row_runs_at_quick_size_and_a_second_time_for_nothing(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPTS / "reproduce.py"), "--size", "quick"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    quick = tmp_path / "outputs/reproduction/quick"
    text = (quick / "reproduction.md").read_text()
    for name, study in STUDIES.items():
        assert f"## {name} " in text
        for picture in study["pictures"]:
            assert list((quick / "images").glob(f"{name}_*_{picture}.png")), f"{name}: no {picture}"
    assert "| ran |" in text
    assert "| not run |" not in text
    first = sorted(path.stat().st_mtime for path in tmp_path.rglob("metrics.json"))
    again = [sys.executable, str(SCRIPTS / "reproduce.py"), "--size", "quick", "mnist_mlp", "sign_forest"]
    assert subprocess.run(again, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    assert sorted(path.stat().st_mtime for path in tmp_path.rglob("metrics.json")) == first


def test_a_study_that_is_none_is_refused() -> None:
    with pytest.raises(SystemExit, match="'F' is no report and no study"):
        reproduce.chosen(STUDIES, ["F"])
