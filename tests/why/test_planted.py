"""A planted case: a report made by our own runs, whose settings are found among others; killed and resumed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests import running

from mlexp.cli import main
from mlexp.report import index
from mlexp.store import Why, events

STATED: dict[str, Any] = {
    "task": "digits_mlp", "dataset.limit": 400, "split.test": 0.25, "split.validation": 0.25, "model.epochs": 15,
    "model.restore_best": False,
}  # fmt: skip
PLANTED = ("model.learning_rate=0.01", "model.batch_size=20", "model.patience=1")
UNSTATED = {
    "model.learning_rate": [0.0033, 0.01, 0.03],
    "model.batch_size": [7, 20, 60],
    "patience": {"1": {"model.patience": 1}, "3": {"model.patience": 3}},
}


def published(outputs: Path, width: int, seed: int) -> dict[str, Any]:
    """Return what a report would print of one run."""
    words = [*(f"{key}={value}" for key, value in STATED.items()), f"model.hidden=[{width}]", *PLANTED]
    run = running.run(outputs, *words, f"seed={seed}", "figures=false")
    epochs = len(run.history["epoch"])
    return {
        "settings": {"model.hidden": [width]},
        "figures": [
            {"metric": "test.loss", "value": round(run.metrics["test"]["loss"], 4)},
            {"fact": "epochs", "value": epochs},
        ],
        "curves": [
            {
                "column": column,
                "epochs": list(range(1, epochs + 1)),
                "values": [round(float(value), 4) for value in run.history[column]],
            }
            for column in ("train_loss", "validation_loss")
        ],
    }


@pytest.fixture(scope="module")
def here() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        running.in_this_process(patched)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, here: None) -> Path:
    """Return the folder of the planted case, run to its end."""
    outputs = tmp_path_factory.mktemp("planted")
    runs = {f"{width} units": published(outputs, width, seed) for width, seed in ((16, 78), (64, 80))}
    case = {
        "settings": STATED,
        "seeds": 4,
        "finalists": 4,
        "prefixes": [4],
        "runs": runs,
        "unstated": UNSTATED,
    }
    (outputs / "planted.yaml").write_text(yaml.safe_dump(case))
    words = ["why", "-q", str(outputs / "planted.yaml"), f"outputs={outputs}", f"sweep.dir={outputs}/found"]
    assert main(words) == 0
    return outputs / "found"


def test_the_planted_settings_are_found_among_others_that_differ_threefold(folder: Path) -> None:
    why = Why.open(folder)
    best = {name: cells[0] for name, cells in why.tables["candidates"].items()}
    assert (best["learning rate"], best["batch size"], best["patience"]) == ("0.01", "20", "1")
    columns = (why.tables["unstated_settings"][name] for name in ("setting", "value", "told_apart"))
    apart = {(setting, value) for setting, value, told in zip(*columns, strict=True) if told == "True"}
    assert {("learning rate", "0.0033"), ("patience", "3")} <= apart
    assert not apart & {("learning rate", "0.01"), ("batch size", "20"), ("patience", "1")}
    assert int(best["outside"]) <= 0.2 * int(best["of"])


def test_short_stages_rule_out_most_and_full_length_is_for_the_finalists(folder: Path) -> None:
    why = Why.open(folder)
    stages = why.tables["candidates"]["stage"]
    assert stages.count("full length") == 4
    assert len(stages) == 18
    jobs = why.info["jobs"]
    short = [job for job in jobs if job["swept"]["epochs at most"] != "15"]
    assert len(short) == 18 * 2 * 3
    judged = [json.loads((folder / "runs" / f"{job['number']:03d}-{job['hash']}" / "metrics.json").read_text())
              for job in short]  # fmt: skip
    assert not any("test" in metrics for metrics in judged)


def test_the_page_shows_the_published_curves_and_every_table(folder: Path) -> None:
    assert {file.name for file in (folder / "figures").iterdir()} == {
        "curves.png",
        "numbers.png",
        "candidates.png",
    }
    page = (folder / "report.md").read_text()
    for title in ("Candidates", "Values of the unstated settings", "Published numbers and predictions"):
        assert f"### {title}" in page
    before = {file: file.read_bytes() for file in [*folder.glob("figures/*"), *folder.glob("report.*")]}
    assert main(["report", "-q", str(folder)]) == 0
    assert {file: file.read_bytes() for file in before} == before


@pytest.mark.parametrize(
    "at",
    [
        pytest.param("in the first stage", marks=pytest.mark.slow),
        "between stages",
        pytest.param("at full length", marks=pytest.mark.slow),
    ],
)
def test_a_kill_changes_nothing(folder: Path, tmp_path: Path, here: None, at: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    sweep = json.loads((copy / "sweep.json").read_text())
    first = sweep["begun_with"]
    gone = {"in the first stage": range(first - 4, 999), "between stages": range(first + 1, 999),
            "at full length": range(first + 10, 999), "before the answer": ()}[at]  # fmt: skip
    for number in gone:
        for run in (copy / "runs").glob(f"{number:03d}-*"):
            shutil.rmtree(run)
    if at in ("in the first stage", "between stages"):
        sweep["jobs"] = sweep["jobs"][:first]
        del sweep["begun_with"]
    (copy / "sweep.json").write_text(json.dumps(sweep | {"status": "running"}))
    asked = json.loads((copy / "why.json").read_text())
    kept = {name: asked[name] for name in ("format", "name", "case", "candidates") if name in asked}
    (copy / "why.json").write_text(json.dumps(kept | {"status": "running"}))
    shutil.rmtree(copy / "tables")
    assert main(["resume", "-q", str(copy)]) == 0
    for name in ("why.json", *(f"tables/{file.name}" for file in (folder / "tables").iterdir())):
        assert (copy / name).read_bytes() == (folder / name).read_bytes()


def test_a_damaged_record_is_one_line(
    folder: Path, tmp_path: Path, here: None, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    info = json.loads((copy / "why.json").read_text())
    info["candidates"][0]["runs"]["16 units"]["outputs"] = "/elsewhere"
    (copy / "why.json").write_text(json.dumps(info))
    assert main(["resume", str(copy)]) == 3
    info["case"]["seeds"] = "many"
    (copy / "why.json").write_text(json.dumps(info))
    assert main(["resume", str(copy)]) == 3
    assert all("damaged" in line or "typed" in line for line in capsys.readouterr().err.splitlines())


def test_lists_say_what_the_case_answered_and_its_events_end(folder: Path) -> None:
    answered = Why.open(folder).question["answer"]
    listed = index.listed(folder.parent, folder, [entry.name for entry in folder.iterdir()])
    assert listed is not None
    assert list(listed.answer) == answered[:2]
    last = events.read(folder).rows[-1]
    assert (last["event"], last["answer"]) == ("finished", answered)
