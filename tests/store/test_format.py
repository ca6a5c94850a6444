"""Folders of another version: those of 0.1.0 are read but not written on, those of a newer version are refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mlexp.cli import main
from mlexp.config import recorded
from mlexp.config.schema import ADDED_KEYS, Config, Task, flat
from mlexp.store import Sweep, stamp
from mlexp.store.files import read_table

OLD = Path(__file__).parent / "folders_of_0_1_0"
HALF = Path(__file__).parent / "half_sweep_of_format_1"  # job 1 of 2 done, before the keys schema.ADDED_KEYS
RECORD = {"run": "run.json", "sweep": "sweep.json", "comparison": "sweep.json"}


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an outputs folder with a run, a sweep and a comparison of mlexp 0.1.0, made from my.csv."""
    shutil.copytree(OLD, tmp_path / "outputs")
    shutil.copy(OLD / "my.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    next((tmp_path / "outputs" / "classify").glob("2026-*")).rename(tmp_path / "outputs" / "classify" / "run")
    return tmp_path / "outputs"


def edited(path: Path, **more: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


@pytest.mark.parametrize("kind", RECORD)
def test_folders_of_0_1_0_are_shown_and_reported(
    outputs: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = outputs / "classify" / kind
    assert main(["show", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "2026-11-27" in said
    assert "completed" in said
    assert main(["report", str(folder)]) == 0
    assert (folder / "report.html").exists()


def test_folders_of_0_1_0_are_listed_compared_and_predicted_from(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "runs", "--jobs", "--csv"]) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert len(rows) == 9
    assert all("completed" in row for row in rows)
    assert main(["compare", str(outputs / "classify" / "comparison")]) == 0
    assert "relu" in capsys.readouterr().out
    assert main(["predict", str(outputs / "classify" / "run"), "my.csv"]) == 0
    assert len(Path("predictions.csv").read_text().splitlines()) == 61
    assert main(["rerun", "-q", str(outputs / "classify" / "run")]) == 0
    assert "same bytes" in capsys.readouterr().out


@pytest.mark.parametrize("kind", RECORD)
def test_resume_refuses_folders_of_0_1_0(
    outputs: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = outputs / "classify" / kind
    edited(folder / RECORD[kind], status="interrupted")
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert main(["resume", str(folder)]) == 2
    said = capsys.readouterr().err
    assert "mlexp 0.1.0" in said
    assert said.count("\n") == 1
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_the_same_command_does_not_take_over_a_sweep_of_0_1_0(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-q", "-m", "task=classify", "dataset=csv", "dataset.path=my.csv", "model.hidden=[4]", "model.epochs=5",
             "figures=false", "seed=0,1", "sweep.resume=true"]  # fmt: skip
    assert main([*words, "sweep.dir=outputs/classify/sweep"]) == 2
    assert "mlexp 0.1.0" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["show", "report", "compare", "predict", "export", "rerun", "resume"])
@pytest.mark.parametrize("kind", RECORD)
def test_a_folder_of_a_newer_format_is_refused(
    outputs: Path, kind: str, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = outputs / "classify" / kind
    for name in stamp.RECORDS:
        if (folder / name).exists():
            edited(folder / name, format=stamp.FORMAT + 1)
    before = sorted(folder.rglob("*"))
    more = {"predict": ["my.csv"], "export": ["--config", "task.yaml"]}
    code = main([verb, str(folder), *more.get(verb, [])])
    said = capsys.readouterr().err
    assert code in (2, 3), said
    assert f"format {stamp.FORMAT + 1}" in said or (kind != "run" and verb in ("predict", "export")), said
    assert said.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_a_folder_of_a_newer_format_is_listed_and_not_taken_for_damaged(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited(outputs / "classify" / "run" / "run.json", format=stamp.FORMAT + 1)
    assert main(["list", "runs", "--csv", "--status", "newer"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(["clean", "--status", "damaged", "--yes"]) == 0
    assert (outputs / "classify" / "run").exists()


def test_what_is_written_now_states_its_format(tmp_path: Path) -> None:
    words = ["-q", "size=smoke", "figures=false", f"outputs={tmp_path}"]
    assert main(words) == 0
    assert main(["-m", *words, "seed=0,1", f"sweep.dir={tmp_path / 'sweep'}"]) == 0
    arms = "comparison.arms={relu: {model.activation: relu}, tanh: {model.activation: tanh}}"
    assert (
        main([*words, "task.kind=comparison", arms, "comparison.seeds=2", f"sweep.dir={tmp_path / 'both'}"])
        == 0
    )
    written = [json.loads(file.read_text()) for name in stamp.RECORDS for file in tmp_path.rglob(name)]
    assert [info["format"] for info in written] == [stamp.FORMAT] * 10
    assert Sweep.open(tmp_path / "both").info["format"] == stamp.FORMAT


def test_a_half_done_sweep_without_the_keys_of_today_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(HALF, tmp_path / "half")
    done = next((tmp_path / "half").glob("runs/001-*")) / "metrics.json"
    before = done.read_bytes()
    assert main(["resume", "-q", "half"]) == 0, capsys.readouterr().err
    assert read_table(tmp_path / "half" / "summary.csv")["status"] == ["completed"] * 2
    assert done.read_bytes() == before


def test_a_key_that_was_added_enters_a_hash_once_it_is_set() -> None:
    usual = Config(task=Task(kind="regression"))
    assert set(ADDED_KEYS) <= set(flat(usual))
    other = replace(usual, model=replace(usual.model, loss="mae"))
    assert recorded.config_hash(other) != recorded.config_hash(usual)
    assert recorded.config_hash(usual) == recorded.config_hash(usual, without=ADDED_KEYS)
