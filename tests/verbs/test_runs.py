"""`list runs`, `show`, `clean` and how runs are named."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from pathlib import Path

import pytest

from mlexp.cli import main
from mlexp.errors import ConfigError, DataError
from mlexp.report.index import write_index
from mlexp.store import find, find_run
from mlexp.store.latest import point
from mlexp.store.lock import locked
from mlexp.verbs.clean import clean
from mlexp.verbs.list import list_verb
from mlexp.verbs.show import show


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, str]]:
    list_verb(["runs", "--csv", *words])
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_newest_first_and_filtered(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--outputs", str(outputs))
    rows = listed(capsys, *where)
    assert [row["task"] for row in rows] == ["two", "classify-flowers", "digits_mlp"]
    assert [row["kind"] for row in rows] == ["sweep", "run", "run"]
    assert (
        float(rows[2]["value"])
        == json.loads((outputs / "digits_mlp/latest/metrics.json").read_text())["test"]["accuracy"]
    )
    assert [row["task"] for row in listed(capsys, *where, "model.name=random_forest")] == ["classify-flowers"]
    assert [
        row["task"] for row in listed(capsys, *where, "model.hidden=[64,32]", "seed=0.0", "--task", "two")
    ] == ["two"]
    assert [row["task"] for row in listed(capsys, *where, "--jobs", "seed=1")] == ["two"]
    assert listed(capsys, *where, "--status", "failed") == []
    assert main(["list", "runs", *where, "--json", "--task", "two"]) == 0
    assert json.loads(capsys.readouterr().out)["result"]["runs"][0]["status"] == "completed"
    list_verb(["runs", *where, "--status", "failed"])
    assert "contains 3 runs in all" in capsys.readouterr().out


def test_what_tells_runs_apart_is_listed(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--outputs", str(outputs))
    sweep = listed(capsys, *where)[0]
    assert "accuracy" in sweep["answer"]  # the result and its score
    jobs = [
        row["settings"] for row in listed(capsys, *where, "--jobs", "--task", "two") if row["kind"] == "run"
    ]
    assert len(set(jobs)) == len(jobs) > 1
    assert all(settings.startswith("seed=") for settings in jobs)
    list_verb(["runs", *where])
    lines = capsys.readouterr().out.splitlines()
    assert "two" in lines[0]
    assert sum(not line.startswith(" ") for line in lines) == 3


def test_why_runs_failed_is_listed(outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(outputs / "digits_mlp", tmp_path / "digits_mlp", symlinks=True)
    file = tmp_path / "digits_mlp/latest/run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"status": "failed", "error": "No column y."}))
    assert listed(capsys, "--outputs", str(tmp_path))[0]["reason"] == "No column y."
    assert "No column y." in write_index(tmp_path).read_text()


def test_a_filter_that_cannot_be(outputs: Path) -> None:
    with pytest.raises(ConfigError, match=r"Did you mean 'model\.activation'"):
        list_verb(["runs", "--outputs", str(outputs), "model.activaton=relu"])
    with pytest.raises(ConfigError, match="key=value"):
        list_verb(["runs", "--outputs", str(outputs), "relu"])


@pytest.mark.parametrize(
    ("name", "text"), [("run.json", "{"), ("run.json", "[]"), ("metrics.json", '{"test": {"accuracy": "x"}}')]
)
def test_a_damaged_record_is_shown_as_such(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    shutil.copytree(outputs / "digits_mlp", tmp_path / "digits_mlp", symlinks=True)
    (tmp_path / "digits_mlp/latest" / name).write_text(text)
    assert [row["status"] for row in listed(capsys, "--outputs", str(tmp_path))] == ["damaged"]
    assert "damaged" in write_index(tmp_path).read_text()


@pytest.mark.parametrize(
    ("name", "key", "text"),
    [
        ("run.json", "wall_seconds", '"x"'), ("run.json", "wall_seconds", "[]"), ("run.json", "wall_seconds", "NaN"),
        ("run.json", "wall_seconds", "1e999"), ("run.json", "wall_seconds", "9" * 400), ("run.json", "started", "5"),
        ("run.json", "command", "[1]"), ("run.json", "task", "null"), ("run.json", "facts", "[" * 50_000),
        ("run.json", "status", '"a", "status": "b"'), ("run.json", "status", r'"\ud800"'),
        ("run.json", "stack", "null"),
        ("run.json", "dataset", '{"name": 3}'), ("metrics.json", "test", '{"accuracy": Infinity}'),
        ("metrics.json", "test", "7"),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_one_wrong_value_hides_no_other_run(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, key: str, text: str
) -> None:
    for task in ("digits_mlp", "classify-flowers"):
        shutil.copytree(outputs / task, tmp_path / task, symlinks=True)
    file = tmp_path / "digits_mlp/latest" / name
    content = {"placeholder": None} | json.loads(file.read_text())
    content.pop(key, None)
    file.write_text(json.dumps(content).replace('"placeholder": null', f'"{key}": {text}'))
    rows = listed(capsys, "--outputs", str(tmp_path))
    assert {row["task"]: row["status"] for row in rows} == {
        "digits_mlp": "damaged",
        "classify-flowers": "completed",
    }
    page = write_index(tmp_path).read_text()
    assert "damaged" in page
    assert "completed" in page
    assert main(["clean", "--status", "damaged", "--dry-run", "--outputs", str(tmp_path)]) == 0
    assert str(tmp_path / "digits_mlp") in capsys.readouterr().out
    assert main(["show", str(file.parent)]) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert name in said


@pytest.mark.parametrize("name", ["sweep.json", "comparison.json"])
def test_a_damaged_sweep_or_comparison_is_shown_as_such(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    shutil.copytree(outputs / "two", tmp_path / "two", symlinks=True)
    (tmp_path / "two/latest" / name).write_text("{")
    assert [row["status"] for row in listed(capsys, "--outputs", str(tmp_path))] == ["damaged"]


@pytest.mark.parametrize(
    "text", ["a: [1", "", "model: 3", "seed: 1"], ids=["no yaml", "empty", "no node", "cut short"]
)
@pytest.mark.parametrize("verb", ["show", "report", "predict", "rerun", "export"])
def test_a_damaged_configuration_is_told_in_one_line(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, text: str
) -> None:
    folder = tmp_path / "run"
    shutil.copytree((outputs / "digits_mlp/latest").resolve(), folder)
    whole = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(
        whole.replace("model:\n", "model: 3\nother:\n") if "model" in text else text
    )
    more = {"predict": ["new.csv"], "export": ["--config", str(tmp_path / "x.yaml")]}
    assert main([verb, str(folder), *more.get(verb, [])]) == 3
    line = capsys.readouterr().err
    assert line.startswith("mlexp: ")
    assert "config.yaml is damaged" in line
    assert line.count("\n") == 1


def test_names_of_runs(outputs: Path) -> None:
    newest = (outputs / "digits_mlp/latest").resolve()
    assert find(str(newest), "nowhere") == newest
    assert find("digits_mlp", outputs) == find("digits_mlp/latest", outputs) == newest
    assert find("latest", outputs).parent.name == "two"
    with pytest.raises(DataError, match="Did you mean 'classify-flowers'"):
        find("clasify", outputs)
    with pytest.raises(DataError, match=r"a sweep of 2 runs.*runs/001-"):
        find_run("two", outputs)


def test_the_newest_is_that_which_began_last(tmp_path: Path) -> None:
    place = tmp_path / "study"
    began = {"z_copied": "2026-03-01T10:00:00+00:00", "newest": "2026-03-01T11:30:00.250+00:00",
             "zone": "2026-03-01T12:00:00+01:00", "old": "2026-02-01T23:59:59+00:00"}  # fmt: skip
    for name, started in began.items():
        (place / name).mkdir(parents=True)
        (place / name / "run.json").write_text(json.dumps({"started": started}))
        point(place / name)
    (place / "damaged").mkdir()
    (place / "damaged" / "run.json").write_text("{")
    os.utime(place / "damaged", (0, 0))
    assert find("study", tmp_path) == find("latest", tmp_path) == place / "newest"
    assert (place / "latest").resolve() == place / "newest"


def test_a_task_for_any_table_is_known_by_its_table(outputs: Path, tmp_path: Path) -> None:
    for table in ("flowers", "wines"):
        shutil.copytree(
            (outputs / "classify-flowers/latest").resolve(), tmp_path / f"classify-{table}" / table
        )
        if table == "flowers":
            assert find("classify", tmp_path) == tmp_path / "classify-flowers" / "flowers"
    with pytest.raises(DataError, match="several tables: classify-flowers, classify-wines"):
        find("classify", tmp_path)
    assert find("classify-wines", tmp_path).name == "wines"
    assert find("latest", tmp_path).name == "wines"


def test_show(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, words in {
        "digits_mlp": ("1,000 samples", "720 train", "accuracy", "predictions.npz"),
        "two": ("varied: seed", "2 completed", "summary.csv"),
    }.items():
        show([name, "--outputs", str(outputs)])
        text = capsys.readouterr().out
        assert all(word in text for word in words), text


def test_clean_removes_what_was_asked_for_and_nothing_else(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "digits_mlp"
    old, new = place / "2020-01-01_00-00-00-aaaaaaaa", place / "2020-01-02_00-00-00-bbbbbbbb"
    for folder, status in ((old, "completed"), (new, "failed")):
        shutil.copytree((outputs / "digits_mlp/latest").resolve(), folder)
        info = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps(info | {"status": status}))
    (place / "latest").symlink_to(new.name)
    (place / "notes").mkdir()
    where = ["--outputs", str(tmp_path)]
    clean([*where, "--dry-run"])
    assert "1 folder" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="Add --yes"):
        clean(where)
    clean([*where, "--older-than", "1d", "--yes"])
    assert "Nothing" in capsys.readouterr().out
    busy = locked(new)
    clean([*where, "--yes"])
    assert new.exists()  # someone is at work there
    os.close(busy)
    clean([*where, "--yes"])
    assert sorted(path.name for path in place.iterdir()) == [old.name, "latest", "notes"]
    assert (place / "latest").resolve() == old
    with pytest.raises(ConfigError, match="30d"):
        clean([*where, "--older-than", "soon"])


def test_clean_keeps_a_sweep_in_which_runs_completed(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One job of two diverged: neither the sweep nor the job that completed goes, unless that is asked for."""
    sweep = tmp_path / "two" / "sweep"
    shutil.copytree((outputs / "two/latest").resolve(), sweep)
    bad, good = sorted((sweep / "runs").iterdir())
    for folder, name, status in ((sweep, "sweep.json", "failed"), (bad, "run.json", "diverged")):
        info = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(info | {"status": status}))
    alone = tmp_path / "two" / "alone"
    shutil.copytree(bad, alone)
    where = ["--outputs", str(tmp_path), "--yes"]
    clean(where)
    assert "1 of 2 runs completed" in capsys.readouterr().out
    clean([*where, "--status", "failed", "--status", "diverged"])
    said = capsys.readouterr().out
    assert "1 of 2 runs completed" in said
    assert "1 folder" in said
    assert not alone.exists()
    assert (good / "metrics.json").exists()
    clean([*where, "--status", "failed", "--with-completed"])
    assert not sweep.exists()


def test_clean_takes_a_killed_run_for_interrupted(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "digits_mlp" / "killed"
    shutil.copytree((outputs / "digits_mlp/latest").resolve(), folder)
    info = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(info | {"status": "running"}))
    busy = locked(folder)
    clean(["--outputs", str(tmp_path), "--status", "interrupted", "--yes"])
    assert folder.exists()
    os.close(busy)
    clean(["--outputs", str(tmp_path), "--status", "interrupted", "--yes"])
    assert not folder.exists()
