"""However a run ends, its folder says so, and lets the next process in."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.running import written

from mlexp import dispatch, store
from mlexp.cli import main
from mlexp.config import compose as configuration
from mlexp.config.schema import Config
from mlexp.errors import DataError, Interrupted, MlexpError, NotWritten
from mlexp.runs import session
from mlexp.runs.terminal import QUIET, Terminal
from mlexp.store import Run, files, lock, record
from mlexp.store.record import RunFolder
from mlexp.sweeps.worker import JobRequest

WORDS = ("size=smoke", "figures=false", "model.epochs=4", "model.patience=null", "checkpoint_seconds=0")


def composed(outputs: Path, *more: str) -> Config:
    return configuration.compose([*WORDS, *more, f"outputs={outputs}"])


def stopped(config: Config, place: Path) -> Run:
    """Return a run that was stopped after its first epoch."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        dispatch.run(config, place=place, stop=stop)
    return Run(place)


def change(place: Path, **more: Any) -> None:
    info = json.loads((place / "run.json").read_text())
    (place / "run.json").write_text(json.dumps(info | more))


def let_go(place: Path) -> bool:
    """Return whether the next process can have the folder."""
    record.reopen(place).close(keep_checkpoint=True)
    return True


def recorded(place: Path) -> tuple[str, str]:
    info = Run.open(place).info
    return info["status"], info["error"]


def test_what_fails_while_the_result_is_written_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, place = composed(tmp_path), tmp_path / "place"

    def out_of_memory(path: Path, content: Any) -> None:
        if path.name == "metrics.json":
            raise MemoryError
        files.write_json(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(record, "write_json", out_of_memory)
        with pytest.raises(MemoryError):
            dispatch.run(config, place=place)
    assert recorded(place) == ("failed", "MemoryError")
    assert let_go(place)
    assert written(dispatch.resume(place)) == written(dispatch.run(config))


def test_what_fails_after_the_end_leaves_the_run_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(path: Path) -> Run:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(Run, "open", unreadable)
        with pytest.raises(MemoryError):
            dispatch.run(composed(tmp_path), place=tmp_path / "place")
    assert recorded(tmp_path / "place") == ("completed", None)
    assert not (tmp_path / "place" / lock.LOCK).exists()


def test_a_run_whose_data_changed_says_so_and_can_go_on_once_they_are_back(tmp_path: Path) -> None:
    config, place = composed(tmp_path), tmp_path / "place"
    dataset = stopped(config, place).info["dataset"]
    change(place, dataset=dataset | {"fingerprint": "0" * 64})
    with pytest.raises(DataError, match="dataset has changed"):
        dispatch.resume(place)
    status, problem = recorded(place)
    assert status == "failed"
    assert "The dataset has changed" in problem
    assert (place / store.CHECKPOINT).exists()
    assert let_go(place)
    change(place, dataset=dataset)
    assert written(dispatch.resume(place)) == written(dispatch.run(config))


def test_a_run_whose_data_are_missing_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(config: Config) -> None:
        raise DataError("The rows are missing.")

    stopped(composed(tmp_path), tmp_path / "place")
    monkeypatch.setattr(session, "load", missing)
    with pytest.raises(DataError, match="missing"):
        dispatch.resume(tmp_path / "place")
    assert recorded(tmp_path / "place") == ("failed", "The rows are missing.")
    assert let_go(tmp_path / "place")


def together(configs: list[Config], places: list[Path]) -> list[MlexpError | None]:
    return list(
        session.run_together(
            configs,
            dispatch.program(),
            command=(),
            terminals=[Terminal(QUIET)] * len(configs),
            places=places,
            stop=threading.Event(),
            dataset=session.load(configs[0]),
        )
    )


def test_a_stack_that_cannot_go_on_lets_go_of_all_its_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = [composed(tmp_path, f"seed={seed}") for seed in range(3)]
    places = [tmp_path / f"place{seed}" for seed in range(3)]
    for config, place in zip(configs, places, strict=True):
        stopped(config, place)
    change(places[1], split=Run(places[1]).info["split"] | {"fingerprint": "0" * 64})
    with pytest.raises(DataError, match="split has changed"):
        together(configs, places)
    assert all(map(let_go, places))
    monkeypatch.setattr(session, "PATIENCE", 0.0)
    held = record.reopen(places[2])
    with pytest.raises(MlexpError, match="has not ended"):
        together(configs, places)
    assert all(map(let_go, places[:2]))
    held.close(keep_checkpoint=True)


@pytest.mark.parametrize("at", ["write_result", "figures"])
def test_a_full_disk_says_what_to_type_once_there_is_room(
    at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise NotWritten("The disk is full.")

    if at == "figures":
        monkeypatch.setattr("mlexp.report.run.draw", full)
    else:
        monkeypatch.setattr(RunFolder, at, full)
    with pytest.raises(Interrupted, match=r"The disk is full\. .*mlexp resume ") as caught:
        dispatch.run(composed(tmp_path, "figures=true"))
    place = Path(str(caught.value).rpartition(" ")[2])
    monkeypatch.undo()
    assert main(["resume", str(place)]) == 0
    assert recorded(place) == ("completed", None)
    assert (place / "figures" / "confusion.png").exists()


def test_a_full_disk_costs_a_stack_the_job_that_found_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = [composed(tmp_path, f"seed={seed}") for seed in range(2)]
    places = [tmp_path / f"place{seed}" for seed in range(2)]

    def full(path: Path, content: Any) -> None:
        if path == places[0] / "metrics.json":
            raise NotWritten("The disk is full.")
        files.write_json(path, content)

    monkeypatch.setattr(record, "write_json", full)
    problems = together(configs, places)
    assert [str(problem) for problem in problems] == ["The disk is full.", "None"]
    assert recorded(places[0]) == ("interrupted", "The disk is full.")
    assert recorded(places[1]) == ("completed", None)
    assert let_go(places[0])


def test_a_disk_too_full_for_the_record_frees_the_folder_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is let go of although nothing can be written: the jobs of a stack do not wait for each other."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    configs = [composed(tmp_path, f"seed={seed}") for seed in range(3)]
    places = [tmp_path / f"place{seed}" for seed in range(3)]
    messages: list[Any] = []
    monkeypatch.setattr(session.Session, "epoch", lambda *_: monkeypatch.setattr(os, "fsync", full))
    begun = time.monotonic()
    requests = [JobRequest(seed, configs[seed], places[seed], (), "") for seed in range(3)]
    assert not dispatch.work(requests, threading.Event(), messages.append)
    assert time.monotonic() - begun < 2
    assert [message.status for message in messages] == ["running"] * 3 + ["not written"] * 3
    assert all("No space left" in message.problem for message in messages[3:])
    assert not any(map(lock.is_locked, places))
    monkeypatch.undo()
    assert [Run.open(place).info["status"] for place in places] == ["interrupted"] * 3
    for place in places:
        dispatch.resume(place)
        assert recorded(place) == ("completed", None)


@pytest.mark.parametrize("where", ["report.run.draw", "page.render.write", "page.render.markdown"])
def test_drawing_that_was_interrupted_is_taken_up_by_resume(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ctrl_c(*_: object) -> None:
        raise KeyboardInterrupt

    whole = dispatch.run(composed(tmp_path / "whole", "figures=true")).path
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(f"mlexp.{where}", ctrl_c)
        assert main([*WORDS, "figures=true"]) == 5
    place = next(tmp_path.glob("outputs/digits_mlp/[!l]*"))
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"mlexp resume {place.relative_to(tmp_path)}" in said
    assert recorded(place) == ("completed", None)
    assert not lock.is_locked(place)
    assert main(["show", str(place)]) == 0
    assert f"mlexp resume {place.relative_to(tmp_path)}" in capsys.readouterr().out
    assert main(["resume", str(place), "-q"]) == 0
    assert (place / "report.html").exists()
    for figure in whole.glob("figures/*.png"):
        assert figure.read_bytes() == (place / "figures" / figure.name).read_bytes(), figure.name
    assert {file.name for file in place.iterdir()} == {file.name for file in whole.iterdir()}
    assert main(["show", str(place)]) == 0
    assert "missing" not in capsys.readouterr().out
    assert main(["resume", str(place)]) == 2  # there is nothing left to do


def test_a_page_of_an_interrupted_run_is_not_taken_for_that_of_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    place = tmp_path / "place"
    stopped(composed(tmp_path, "figures=true"), place)
    assert (place / "report.md").exists()
    monkeypatch.setattr("mlexp.report.run.draw", killed)
    with pytest.raises(KeyboardInterrupt, match="mlexp resume"):
        dispatch.resume(place)
    assert Run.open(place).is_undrawn


def test_ctrl_c_before_there_is_a_folder_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def loading(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    monkeypatch.setattr(session, "load", loading)
    monkeypatch.chdir(tmp_path)
    assert main([*WORDS]) == 5
    assert capfd.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_while_training(
    presses: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def epoch(*_: object) -> None:
        for _press in range(presses):
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(Terminal, "epoch", epoch)
    monkeypatch.chdir(tmp_path)
    assert main([*WORDS]) == 5
    said = capfd.readouterr().err
    assert said.count("\n") == 2
    assert "mlexp resume outputs/digits_mlp/" in said
    assert signal.getsignal(signal.SIGINT) == before
    assert Run.open(tmp_path / "outputs/digits_mlp/latest").info["status"] == "interrupted"


def test_a_run_killed_when_all_was_done_is_tidied_up(tmp_path: Path) -> None:
    place = dispatch.run(composed(tmp_path)).path
    (place / lock.LOCK).write_text("")  # what a kill leaves after the last file was written
    before = (place / "model.npz").read_bytes()
    dispatch.resume(place)
    assert {file.name for file in place.iterdir()} & {lock.LOCK, store.CHECKPOINT} == set()
    assert (place / "model.npz").read_bytes() == before
    with pytest.raises(MlexpError, match="is completed"):
        dispatch.resume(place)


def test_a_job_whose_figures_are_missing_is_drawn_and_not_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    dispatch.run(composed(tmp_path, "figures=true"), place=place)
    figures = {file.name: file.read_bytes() for file in (place / "figures").iterdir()}
    for file in (*(place / "figures").iterdir(), place / "report.md"):
        file.unlink()
    monkeypatch.setattr(session.Session, "started", None)  # nothing may begin
    dispatch.run(composed(tmp_path, "figures=true"), place=place)
    assert {file.name: file.read_bytes() for file in (place / "figures").iterdir()} == figures
    assert (place / "report.md").exists()
