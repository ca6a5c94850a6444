"""Events of runs and sweeps: whole lines, whatever is cut off, and few of them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.running import in_this_process, run

from mlexp import dispatch
from mlexp.errors import DivergedError, MlexpError
from mlexp.store import events


def kinds(folder: Path) -> list[str]:
    return [row["event"] for row in events.read(folder).rows]


@given(cut=st.integers(0, 400), planted=st.binary(max_size=30))
def test_a_line_cut_off_anywhere_is_passed_over_and_ended_by_the_next_writer(
    cut: int, planted: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    for number in range(3):
        events.append(folder, "epoch", epoch=number, metrics={"train_loss": float("nan")})
    path = folder / events.FILE
    text = path.read_bytes()
    cut = min(cut, len(text))
    path.write_bytes(text[:cut] + planted)
    whole = text[:cut].count(b"\n")
    assert [row["epoch"] for row in events.read(folder).rows[:whole]] == list(range(whole))
    events.append(folder, "finished")
    assert kinds(folder)[-1] == "finished"
    assert path.read_bytes().endswith(b"\n")


def test_a_reader_follows_a_file_that_grows(tmp_path: Path) -> None:
    assert events.read(tmp_path) == ([], 0)
    events.append(tmp_path, "planned", task="x")
    rows, end = events.read(tmp_path)
    assert [row["task"] for row in rows] == ["x"]
    with open(tmp_path / events.FILE, "ab") as file:
        file.write(b'{"time": "now", "event": "epo')
    assert events.read(tmp_path, end) == ([], end)
    with open(tmp_path / events.FILE, "ab") as file:
        file.write(b'ch"}\n')
    assert [row["event"] for row in events.read(tmp_path, end).rows] == ["epoch"]


def test_a_file_that_is_a_link_is_neither_read_nor_written(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    os.symlink(tmp_path / "elsewhere", tmp_path / events.FILE)
    for call in (events.read, lambda folder: events.append(folder, "started")):
        with pytest.raises(MlexpError):
            call(tmp_path)
    assert (tmp_path / "elsewhere").read_text() == ""


def test_ten_thousand_epochs_cost_little_and_the_last_one_is_kept(tmp_path: Path) -> None:
    log = events.Log(tmp_path)
    began = time.perf_counter()
    for epoch in range(1, 10_001):
        log.epoch({"epoch": epoch, "train_loss": 1 / epoch}, 0.001)
    seconds = time.perf_counter() - began
    log.add("finished")
    rows = events.read(tmp_path).rows
    assert len(rows) <= 4 + seconds / events.SECONDS_BETWEEN_EPOCHS
    assert [row.get("epoch") for row in rows[-2:]] == [10_000, None]
    assert seconds < 1


def test_a_run_tells_what_is_planned_and_how_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(tmp_path, "size=smoke", "figures=false", "model.epochs=2")
    first, begun, *epochs, last = events.read(done.path).rows
    assert (first["event"], first["epochs"], begun["resumed"]) == ("planned", 2, False)
    assert [row["epoch"] for row in epochs] == [1, 2]
    assert last["event"] == "finished"
    assert last["metrics"] == done.metrics
    with pytest.raises(DivergedError):
        run(
            tmp_path,
            "size=smoke",
            "figures=false",
            "model.optimizer=sgd",
            "model.learning_rate=1e30",
            "task.name=high",
        )
    last = events.read(next((tmp_path / "high").glob("2*"))).rows[-1]
    assert (last["event"], last["status"]) == ("failed", "diverged")


def test_a_sweep_tells_of_its_jobs_and_once_more_when_it_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_this_process(monkeypatch)
    words = [
        f"outputs={tmp_path}",
        "size=smoke",
        "model.epochs=1",
        "model.learning_rate=0.001,1e30",
        "model.optimizer=sgd",
    ]
    found = dispatch.run_sweep(dispatch.plan_sweep([*words, "figures=false", "sweep.stack=false"]))
    rows = events.read(found.path).rows
    told = [(row["event"], row.get("job")) for row in rows]
    assert told[:3] == [("planned", None), ("started", None), ("started", 1)]
    assert {("finished", 1), ("failed", 2)} <= set(told)
    assert (rows[-1]["event"], rows[-1]["jobs"]) == ("failed", {"completed": 1, "diverged": 1})
    assert rows[2]["settings"]["model.learning_rate"] == "0.001"
    assert kinds(found.path / rows[2]["folder"])[-1] == "finished"
    dispatch.resume(found.path)
    again = events.read(found.path).rows[len(rows) :]
    assert [row["event"] for row in again] == ["started", "failed"]
    assert again[0]["resumed"]


def test_every_line_is_json_that_any_parser_reads(tmp_path: Path) -> None:
    events.append(tmp_path, "epoch", metrics={"loss": float("inf"), "best": None}, job=1)

    def refused(word: str) -> None:
        raise AssertionError(word)

    for line in (tmp_path / events.FILE).read_text().splitlines():
        assert json.loads(line, parse_constant=refused)["metrics"] == {"loss": None, "best": None}
