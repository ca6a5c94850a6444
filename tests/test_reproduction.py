"""The table of the five reports: what it reads, how it judges, and that every row of it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlexp.store import Run, record
from mlexp.store.files import write_json
from mlexp.store.result import Result

SCRIPTS = Path(__file__).parents[1] / "scripts" / "reproduction"
sys.path.insert(0, str(SCRIPTS))

import kept  # noqa: E402
import logs  # noqa: E402
import page  # noqa: E402
import readings  # noqa: E402
import reproduce  # noqa: E402
import rule  # noqa: E402
from rule import Printed  # noqa: E402

STUDIES = readings.studies()
KNOWN = {
    "key", "quantity", "run", "where", "minus", "published", "rows", "exact", "verdict", "because", "row", "column",
    "at", "pair",
}  # fmt: skip


@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_names_a_run_of_its_study_and_one_number(name: str) -> None:
    study = STUDIES[name]
    assert study["report"] in "ABCDE"
    for entry in study["figures"]:
        assert sum(word in entry for word in readings.READS) == 1, entry["quantity"]
        assert set(entry) <= KNOWN | set(readings.READS), f"{entry['quantity']}: a comma outside quotes?"
        assert entry.get("verdict", "cannot") in rule.BY_HAND
        assert "because" in entry or "verdict" not in entry, f"{entry['quantity']} says no reason"
        assert "as above" not in entry.get("because", "")
    every = readings.every_figure(study)
    assert all(entry["run"] in study["runs"] for entry in every)
    assert len({entry["quantity"] for entry in every}) == len(every)
    for run in study["runs"].values():
        assert run["settings"][0].startswith("task=")
        assert run["minutes"] > 0


def test_no_window_and_no_tolerance_is_typed_by_hand() -> None:
    text = (SCRIPTS / "published.yaml").read_text(encoding="utf-8")
    assert "expected:" not in text
    assert "within:" not in text


@pytest.mark.parametrize("name", STUDIES)
def test_claims_name_figures_that_are_there(name: str) -> None:
    study = STUDIES[name]
    found = [readings.Found(entry, [0.5, 0.5]) for entry in readings.every_figure(study)]
    for (_, ours), claim in zip(page.claims(study, found), study["claims"], strict=True):
        assert rule.NOT_RUN not in ours, claim


def test_causes_are_tested_with_three_seeds_at_least() -> None:
    """As the page says of its rule; a run that no chance touches needs one."""
    tested = [(name, cause["run"]) for name, study in STUDIES.items() for cause in study.get("causes", [])]
    assert tested
    few = [(name, run) for name, run in tested if STUDIES[name]["runs"][run].get("seeds", 1) < 3]
    assert [one for one in few if not STUDIES[one[0]]["runs"][one[1]].get("once")] == []


def test_logs_of_the_reports_are_read() -> None:
    for study in STUDIES.values():
        for log in study.get("logs", []):
            assert log["run"] in study["runs"]
            assert len(logs.printed(log["log"])["train_loss"]) >= 5


def test_pictures_of_a_study_that_ran_elsewhere_stay_on_the_page(tmp_path: Path) -> None:
    name = "svm_margin"
    parts = kept.load()[name]
    stale = tmp_path / "full" / "images" / f"{name}_gone.png"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"")
    page.write({name: STUDIES[name]}, tmp_path / "full", {name: parts}, docs=None)
    assert parts["pictures"]
    assert {file.name for file in stale.parent.iterdir()} == set(parts["pictures"])
    text = (tmp_path / "full" / "reproduction.md").read_text(encoding="utf-8")
    assert all(f"![{alt}](images/{file})" in text for file, alt in parts["pictures"].items())


def test_committed_pictures_are_those_of_the_kept_studies() -> None:
    known = {file for parts in kept.load().values() for file in parts["pictures"]}
    assert {file.name for file in page.IMAGES.iterdir()} == known


def test_answers_of_why_are_kept_beside_the_figures(tmp_path: Path) -> None:
    name = "mnist_mlp"
    command = page.case(STUDIES[name]["why"])
    parts = {"why": {"command": command, "commits": ["1234567"], "answer": ["The last weights explain it."]}}
    page.write({name: STUDIES[name]}, tmp_path / "full", {name: parts}, docs=None)
    for file in ("reproduction.md", "reproduction.html"):
        text = (tmp_path / "full" / file).read_text(encoding="utf-8")
        assert command in text
        assert "The last weights explain it." in text
    other = {name: {"why": parts["why"] | {"command": "mlexp why another"}}}
    assert page.why(STUDIES[name], other[name]) == {"command": command, "commits": [], "answer": []}


def test_cases_of_the_studies_are_shipped() -> None:
    shipped = {path.stem for path in (SCRIPTS.parents[1] / "conf" / "why").glob("*.yaml")}
    assert {study["why"][0] for study in STUDIES.values() if "why" in study} == shipped


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
    around = {
        "git": {"commit": "0123456789", "uncommitted_changes": False},
        "processor": "CPU",
        "packages": {"numpy": "2.4"},
    }
    known = {"facts": {"k": {"gmm": 7}}, "split": {"test": 400}, "environment": around}
    folder.write_info({"status": "completed"} | known)
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


def test_band_is_a_prediction_interval_with_rows_and_rounding() -> None:
    values, published = [0.80, 0.82, 0.81], Printed("0.81")
    seeds = stats.t.ppf(0.975, 2) * np.std(values, ddof=1) * np.sqrt(1 + 1 / 3)
    rows = 1.96 * np.sqrt(0.81 * 0.19 / 400)
    assert rule.band(values, published, rows=400) == pytest.approx(np.hypot(seeds, rows) + 0.005)
    assert rule.band(values, published) == pytest.approx(seeds + 0.005)
    assert rule.band([0.81], published) is None
    assert rule.band([0.81], published, exact=True) == 0.005


@given(
    values=st.lists(st.floats(0.01, 40), min_size=1, max_size=12),
    text=st.decimals(0, 40, places=3).map(str),
    share=st.booleans(),
    exact=st.booleans(),
)
def test_nothing_agrees_outside_the_band_that_is_printed(
    values: list[float], text: str, share: bool, exact: bool
) -> None:
    entry = {"quantity": "q", "metric": "test.accuracy" if share else "test.loss", "exact": exact}
    cells = page.row(readings.Found(entry | {"published": Printed(text)}, values))
    if cells["verdict"] == rule.AGREES:
        shown, band = float(cells["ours"].replace(",", "")), float(cells["band"].replace(",", "")[2:])
        assert abs(shown - float(cells["published"])) <= band + 1e-9
        assert exact or band <= (0.01 if share else 0.1 * abs(shown)) + 1e-12
    if cells["verdict"] == rule.DIFFERS:
        shown, band = float(cells["ours"].replace(",", "")), float(cells["band"].replace(",", "")[2:])
        assert abs(shown - float(cells["published"])) > band - 1e-9


@pytest.mark.parametrize(
    ("entry", "values", "published", "ours"),
    [
        ({"metric": "test.accuracy"}, [-0.0011942], None, "−0.001194"),
        ({"comparison": "p"}, [0.82423], None, "0.82"),
        ({"comparison": "epochwise.rho.p"}, [1.2345e-17], Printed("2.4e-15"), "1.2e-17"),
        ({"fact": "after", "exact": True}, [0.134286], Printed("0.11143"), "0.13429"),
        ({"fact": "rate", "exact": True}, [0.0001], Printed("0.0001"), "0.0001"),
        ({"fact": "k", "exact": True}, [128], Printed("64"), "128"),
        ({"metric": "test.loss"}, [-0.1, -0.3], Printed("-0.5"), "−0.2 ± 2.3"),
    ],
)
def test_figures_of_a_sentence_have_digits_that_mean_something(
    entry: dict[str, Any], values: list[float], published: Printed | None, ours: str
) -> None:
    found = readings.Found({"quantity": "q", "published": published} | entry, values)
    assert page.ours(found) == ours
    assert not page.row(found)["published"].startswith("-")


def test_page_is_the_same_whether_figures_are_of_run_folders_or_kept(tmp_path: Path) -> None:
    study: dict[str, Any] = {
        "report": "A",
        "asks": "Is it so?",
        "runs": {"plain": {"settings": ["task=a"], "seeds": 3, "minutes": 1}},
        "figures": [
            {"key": "acc", "quantity": "<b>accuracy</b>", "run": "plain", "metric": "test.accuracy",
             "published": Printed("0.50")},
            {"quantity": "another", "run": "other", "fact": "k", "published": Printed("3")},
        ],
        "claims": [{"report": "half", "ours": "it is {{ acc }}"}],
    }  # fmt: skip
    study["runs"]["other"] = study["runs"]["plain"]
    folder = tmp_path / "full"
    made(folder / "study" / "plain", 1, 0.9)
    found = readings.found(study, folder / "study")
    assert [list(one.values) for one in found] == [[0.9], []]
    stored = kept.restored(study, {"figures": kept.figures(found)})
    assert [page.row(one) for one in stored] == [page.row(one) for one in found]
    text, html = (path.read_text() for path in page.write({"study": study}, folder, {}, docs=None))
    assert "| another | 3 |  |  |  | not run yet |" in text
    assert "0123456" in text
    assert "**A**: 0 of 2 agree" in text
    assert "it is 0.9" in text
    assert "&lt;b&gt;accuracy" in html


def test_a_cause_is_held_against_figures_of_the_table() -> None:
    study = {
        "figures": [{"key": "acc", "quantity": "accuracy", "run": "plain", "where": {"a": 1}, "metric": "test.accuracy",
                     "published": Printed("0.90")}],
        "causes": [{"cause": "patience", "run": "why", "figures": [{"of": "acc", "where": {"b": 2}}]}],
    }  # fmt: skip
    entry = readings.every_figure(study)[1]
    assert (entry["run"], entry["where"], entry["metric"]) == ("why", {"a": 1, "b": 2}, "test.accuracy")
    found = [readings.Found(study["figures"][0], [0.8, 0.8]), readings.Found(entry, [0.9, 0.9001])]
    (cause,) = page.causes(study, found)
    assert cause["verdict"] == "explains"
    assert cause["rows"][0]["verdict"] == rule.AGREES


def test_figures_whose_commands_have_changed_say_nothing_of_the_code() -> None:
    study: dict[str, Any] = {
        "runs": {
            "plain": {"settings": ["task=a"], "seeds": 3, "minutes": 1},
            "longer": {"settings": ["task=a", "model.epochs=9"], "seeds": 3, "minutes": 1},
        },
        "figures": [
            {"quantity": "accuracy", "run": "plain", "metric": "test.accuracy"},
            {"quantity": "accuracy in the end", "run": "longer", "metric": "test.accuracy"},
        ],
    }
    found = [readings.Found(entry, [0.5]) for entry in readings.every_figure(study)]
    before = reproduce.commands(study) | {"longer": "task=a model.epochs=3"}
    quick = {"accuracy": [0.5], "accuracy in the end": [0.4]}
    parts = {"commands": before, "quick": quick}
    assert reproduce.of_same_commands(study, parts, found) == {"accuracy": [0.5]}
    assert reproduce.of_same_commands(study, parts | {"commands": reproduce.commands(study)}, found) == quick
    assert reproduce.of_same_commands(study, {}, found) == {}


def test_kept_figures_survive_writing(tmp_path: Path) -> None:
    stored = {"a": {"commands": {"plain": "task=a"}, "quick": {"loss": [0.5]}, "quick_commit": "1234567"}}
    kept.save(stored, tmp_path / "kept.json")
    assert kept.load(tmp_path / "kept.json") == stored
    assert kept.differences({"loss": [0.5]}, {"loss": [0.5 + 1e-6]}) == []
    assert kept.differences({"loss": [0.5]}, {}) != []


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
        assert f"<b>{name}</b>" in text
        for picture in study["pictures"]:
            assert list((quick / "images").glob(f"{name}_*_{picture}.png")), f"{name}: no {picture}"
    assert "| ran |" in text
    assert "| not run yet |" not in text
    first = sorted(path.stat().st_mtime for path in tmp_path.rglob("metrics.json"))
    again = [sys.executable, str(SCRIPTS / "reproduce.py"), "--size", "quick", "mnist_mlp", "sign_forest"]
    assert subprocess.run(again, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    assert sorted(path.stat().st_mtime for path in tmp_path.rglob("metrics.json")) == first


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif("MLEXP_DATA_DIR" not in os.environ, reason="needs the folder named by MLEXP_DATA_DIR")
@pytest.mark.skipif(not kept.FILE.exists(), reason="no quick figures are recorded")
def test_the_committed_table_still_holds_at_quick_size(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPTS / "reproduce.py"), "--check"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_study_that_is_none_is_refused() -> None:
    with pytest.raises(SystemExit, match="'F' is neither a report nor a study"):
        reproduce.chosen(STUDIES, ["F"])
