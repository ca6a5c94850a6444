"""The run folder: whole files or none, the same bytes for the same result, no collisions."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mlexp.errors import ConfigError, DataError
from mlexp.store import Run, latest, lock, record
from mlexp.store.files import read_table, write_json, write_npz
from mlexp.store.result import Result


def make_result() -> Result:
    return Result(
        metrics={"test": {"accuracy": 0.5, "loss": float("nan")}},
        predictions={"test_true": np.arange(3)},
        arrays={"image": np.zeros((2, 3), dtype=np.uint8)},
        model={"W": np.ones((2, 2), dtype=np.float32), "name": np.array("relu")},
        tables={"confusion": {"true": ["a,b", 'say "c"'], "n": [1, 2.5]}},
    )


def test_round_trip(tmp_path: Path) -> None:
    folder = record.create(tmp_path, "study", "abcd1234")
    folder.write_info({"status": "completed"})
    folder.write_result(make_result())
    folder.append_epoch({"epoch": 1, "train_loss": 0.1 + 0.2}, 0.5)
    folder.append_epoch({"epoch": 2, "train_loss": np.float32(0.25)}, 0.5)
    folder.write_epochs()
    run = Run.open(folder.path)
    assert run.info["status"] == "completed"
    assert run.metrics == {"test": {"accuracy": 0.5, "loss": None}}
    assert run.history["train_loss"].tolist() == [0.1 + 0.2, 0.25]
    assert run.timing["seconds"].tolist() == [0.5, 0.5]
    assert run.predictions["test_true"].tolist() == [0, 1, 2]
    assert str(run.model["name"]) == "relu"
    assert run.tables["confusion"] == {"true": ["a,b", 'say "c"'], "n": ["1", "2.5"]}


def test_same_result_same_bytes(tmp_path: Path) -> None:
    first, second = (record.create(tmp_path, "study", name) for name in ("one", "two"))
    first.write_result(make_result())
    time.sleep(2.1)  # zip archives keep times in steps of two seconds
    second.write_result(make_result())
    first.close(keep_checkpoint=False)
    names = [str(file.relative_to(first.path)) for file in first.path.rglob("*") if file.is_file()]
    assert sorted(names) == [
        "arrays.npz",
        "metrics.json",
        "model.npz",
        "predictions.npz",
        "tables/confusion.csv",
    ]
    for name in names:
        assert (first.path / name).read_bytes() == (second.path / name).read_bytes(), name


def test_folders_never_collide(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: record.create(tmp_path, "study", "same"), range(40)))
    assert len({folder.path for folder in folders}) == 40


def test_latest_names_the_newest(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = record.create(tmp_path, "study", name)
        folder.write_info({"seed": name})
        latest.point(folder.path)
    assert Run.open(tmp_path / "study" / "latest").info["seed"] == "two"
    assert Run.open(tmp_path / "study" / "latest").path == folder.path


def test_a_failed_write_leaves_the_old_file_and_no_debris(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, {"a": 1})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        write_json(path, {"a": 2})
    assert path.read_text() == '{\n  "a": 1\n}\n'
    assert [file.name for file in tmp_path.iterdir()] == ["metrics.json"]


def test_a_folder_that_cannot_be_made_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"outputs=.*cannot be written.*outputs=FOLDER"):
        record.create(tmp_path / "file", "study", "x")


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("epoch,train_loss\n1,0.5\n2,0.4")
    assert read_table(path) == {"epoch": ["1"], "train_loss": ["0.5"]}


def test_damage_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not the folder of a run"):
        Run.open(tmp_path)
    (tmp_path / "run.json").write_text("{")
    (tmp_path / "model.npz").write_bytes(b"PK\x03\x04 broken")
    run = Run.open(tmp_path)
    with pytest.raises(DataError, match=r"run\.json cannot be read"):
        _ = run.info
    with pytest.raises(DataError, match=r"model\.npz is damaged"):
        _ = run.model


@pytest.mark.parametrize(
    ("name", "text", "attribute", "words"),
    [
        ("run.json", "[]", "info", "must not be list"),
        ("run.json", '{"task": 3}', "info", "'task' must not be int"),
        ("metrics.json", '{"train": 3}', "metrics", "'train' must not be int"),
        ("metrics.json", '{"test": {"accuracy": "x"}}', "metrics", "'accuracy' must not be str"),
        ("tuning.json", '{"chosen": []}', "tuning", "'chosen' must not be list"),
        ("predictions.npz", "", "predictions", "not a zip file"),
        ("history.csv", "a,b\n1\n", "history", "row 2 has not the 2 cells"),
        ("history.csv", "a,b\n1,x\n", "history", "could not convert"),
        ("tables/t.csv", "a,b\n1,2,3\n", "tables", "row 2"),
    ],
)
def test_what_is_whole_and_of_another_shape_is_damaged(
    tmp_path: Path, name: str, text: str, attribute: str, words: str
) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=rf"{name} is damaged: .*({words})"):
        getattr(Run(tmp_path), attribute)


def test_what_a_record_lacks_is_named_when_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"task": {}}')
    run = Run.open(tmp_path)
    assert run.info.get("status") is None
    for ask in (lambda: run.info["status"], lambda: run.info["task"]["name"]):
        with pytest.raises(DataError, match=r"run\.json is damaged: it lacks '(status|name)'"):
            ask()


@pytest.mark.parametrize("name", ["../evil", "a/b", "latest", ".hidden", "a b", "", "a\n"])
def test_a_task_that_cannot_name_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"task\.name names a folder"):
        record.create(tmp_path / "outputs", name, "x")
    assert not list(tmp_path.iterdir())


def test_the_folder_that_was_named_is_blamed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"sweep\.dir=.*file/x cannot be written.*sweep\.dir=FOLDER"):
        record.new_folder(tmp_path, "study", "x", tmp_path / "file" / "x")


def test_pickles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    np.savez(tmp_path / "model.npz", evil=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="damaged"):
        _ = Run.open(tmp_path).model


def test_a_killed_run_is_interrupted_and_one_under_way_is_running(tmp_path: Path) -> None:
    folder = record.create(tmp_path, "study", "abcd1234")
    folder.write_info({"status": "running", "error": None})
    assert lock.is_locked(folder.path)
    assert Run.open(folder.path).info["status"] == "running"
    os.close(folder.lock)  # as the system does where a process is killed
    assert not lock.is_locked(folder.path)
    assert not lock.is_locked(tmp_path / "nowhere")
    killed = Run.open(folder.path).info
    assert (killed["status"], "killed" in killed["error"]) == ("interrupted", True)
    again = record.reopen(folder.path)
    assert Run.open(folder.path).info["status"] == "running"
    again.close(keep_checkpoint=True)


def test_a_look_at_the_lock_keeps_no_run_from_beginning(tmp_path: Path) -> None:
    look = lock.locked(tmp_path)
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(lock.locked, tmp_path)
        time.sleep(0.02)
        os.close(look)
        os.close(begun.result())


def test_a_lock_that_is_a_link_or_a_pipe_is_none(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    (tmp_path / lock.LOCK).symlink_to(tmp_path / "other")
    assert not lock.is_locked(tmp_path)
    (tmp_path / lock.LOCK).unlink()
    os.mkfifo(tmp_path / lock.LOCK)
    assert not lock.is_locked(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"test_true": np.arange(2)}, "unlike the others"),
        ({"test_true": np.array(1)}, "unlike the others"),
        ({"test_predicted": np.full(3, 9)}, "codes of 3 classes"),
        ({"test_predicted": np.full(3, -1)}, "codes of 3 classes"),
        ({"test_predicted": np.zeros(3)}, "codes of 3 classes"),
        ({"test_predicted": np.array(["a", "b", "c"])}, "codes of 3 classes"),
        ({"test_predicted": np.zeros((3, 2), int)}, "codes of 3 classes"),
    ],
)
def test_predictions_of_another_shape_are_damaged(
    tmp_path: Path, change: dict[str, np.ndarray], words: str
) -> None:
    write_json(tmp_path / "run.json", {"dataset": {"classes": ["a", "b", "c"]}})
    whole = {"test_row": np.arange(3), "test_true": np.array([0, 1, 2]), "test_predicted": np.zeros(3, int)}
    write_npz(tmp_path / "predictions.npz", whole)
    assert list(Run(tmp_path).predictions) == list(whole)
    write_npz(tmp_path / "predictions.npz", whole | change)
    with pytest.raises(DataError, match=f"predictions.npz is damaged: .*{words}"):
        _ = Run(tmp_path).predictions
