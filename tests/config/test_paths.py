"""Paths as people type them, and recorded ones that are relative to another working folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mlexp import cli
from mlexp.config import compose as configuration
from mlexp.config import recorded as recordings
from mlexp.config import schema
from mlexp.config.overrides import Override, quoted
from mlexp.errors import ConfigError, DataError
from mlexp.store import Run, Sweep

TABLE = "x,y\n" + "".join(f"{row},{'ab'[row % 2]}\n" for row in range(40))
WORDS = ("-q", "task=classify", "dataset=csv", "model=decision_tree", "figures=false")
NAMES = (
    "é.csv", "日本.csv", "a=b.csv", "a(1).csv", "a b.csv", "a'b.csv", "[a].csv", "~x.csv", "a#b{c}.csv", "a:b@c.csv",
    "x!&;^<>.csv", "a\\.csv", "ends'", "ends\\", "(", "=", "plain.csv",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_taken_as_the_shell_passes_it(name: str) -> None:
    for key in ("dataset.path", "dataset.test_path", "outputs", "data_dir", "sweep.dir", "dataset.label"):
        config = schema.flat(configuration.compose([f"{key}={name}"]))
        assert config[key] == name, key


def test_names_in_lists_and_sweeps_too() -> None:
    config = configuration.compose(["dataset=csv", "dataset.path=x", "dataset.ignore=[größe (cm),b]"])
    assert config.dataset.ignore == ["größe (cm)", "b"]
    assert quoted(Override.parse("dataset.path=é.csv,b.csv")).text == "dataset.path='é.csv',b.csv"


@pytest.mark.parametrize(
    "word",
    [
        "model.hidden=[64,32", "seed=(1", "model.activation=relu(", "dataset.path=choice(é,b)", "dataset.path='é(",
        'outputs="a"', "seed=range(0,3)", "dataset.path=${data_dir}/é.csv", "nosuch=é", "~seed", "tune.space={a:[é]}",
    ],
)  # fmt: skip
def test_what_is_no_text_stays_as_it_is(word: str) -> None:
    assert quoted(Override.parse(word)).text == word


@pytest.mark.parametrize("word", ["model.hidden=[64,32", "dataset.path=a,b.csv"])
def test_what_cannot_be_read_is_told_with_quotes(word: str) -> None:
    with pytest.raises(ConfigError, match=r"'[a-z.]+=\".*\"'"):
        configuration.compose([word])


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    for key in ("outputs", "data_dir", "dataset.path", "sweep.dir"):
        for word in (f"{key}=~/runs (é)", f"{key}='~/runs (é)'"):
            assert schema.flat(configuration.compose([word]))[key] == f"{home}/runs (é)"
    assert cli.main(["-q", "size=smoke", "figures=false", "outputs=~/runs"]) == 0
    assert os.listdir(here) == []
    assert cli.main(["list", "runs", "--outputs=~/runs"]) == 0
    assert cli.main(["show", "~/runs/digits_mlp/latest"]) == 0
    assert cli.main(["resume", "~/runs/digits_mlp/latest"]) == 2
    (home / "own.csv").write_text(TABLE)
    assert cli.main([*WORDS, "dataset.path=~/own.csv", "dataset.label=y", "outputs=~/runs"]) == 0


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a run of a table that was named relative to another folder than the present one."""
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    (there / "own.csv").write_text(TABLE)
    monkeypatch.chdir(there)
    assert cli.main([*WORDS, "dataset.path=own.csv", "dataset.label=y", "outputs=runs"]) == 0
    monkeypatch.chdir(here)
    return there


def test_a_run_is_repeated_and_resumed_from_another_folder(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = next(recorded.glob("runs/*/[!l]*"))
    assert cli.main(["rerun", str(folder), "-q"]) == 0
    assert "same bytes" in capsys.readouterr().out
    info = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(info | {"status": "interrupted"}))
    assert cli.main(["resume", str(folder), "-q"]) == 0
    found = Run.open(folder).info
    assert (found["status"], found["began_in"]) == ("completed", str(recorded))


def test_a_file_that_is_nowhere_is_told_with_both_folders(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = next(recorded.glob("runs/*/[!l]*"))
    (recorded / "own.csv").unlink()
    capsys.readouterr()
    assert cli.main(["rerun", str(folder), "-q"]) == 3
    said = capsys.readouterr().err
    assert str(recorded) in said
    assert os.getcwd() in said
    Path("own.csv").write_text(TABLE)
    assert cli.main(["rerun", str(folder), "-q"]) == 0


def test_a_sweep_is_resumed_from_another_folder(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = os.getcwd()
    monkeypatch.chdir(recorded)
    words = ("dataset.path=own.csv", "dataset.label=y", "seed=0,1", "sweep.dir=sweep", "execution.workers=1")
    assert cli.main(["-m", *WORDS, *words]) == 0
    monkeypatch.chdir(here)
    place = next((recorded / "sweep/runs").glob("002-*"))
    info = json.loads((place / "run.json").read_text())
    (place / "run.json").write_text(json.dumps(info | {"status": "interrupted"}))
    assert cli.main(["resume", str(recorded / "sweep"), "-q"]) == 0
    assert Sweep.open(recorded / "sweep").summary["status"] == ["completed", "completed"]
    with pytest.raises(DataError, match="neither in"):
        recordings.relocated(configuration.compose(["dataset.path=gone.csv"]), str(recorded))
