"""TensorBoard and MLflow hold what the run folder holds, read back with their own means."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.running import run, written

from mlexp import dispatch
from mlexp.config import compose as configuration
from mlexp.config import recorded
from mlexp.config.schema import Tracking
from mlexp.errors import ConfigError
from mlexp.runs import tracking

SMALL = ("size=smoke", "model.hidden=[8]")


def events(folder: Path) -> Iterator[Any]:
    """Yield the events of a folder; the format is length, checksum, event, checksum."""
    from tensorboardX.proto.event_pb2 import Event

    for file in folder.glob("events*"):
        data = file.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            yield Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]


def test_tracking_changes_no_result(tmp_path: Path) -> None:
    hashes = {
        recorded.config_hash(configuration.compose([*SMALL, f"tracking={name}", "tracking.experiment=x"]))
        for name in ("none", "tensorboard", "mlflow")
    }
    assert len(hashes) == 1
    pytest.importorskip("tensorboardX")
    plain = run(tmp_path, *SMALL, "figures=false")
    followed = run(tmp_path, *SMALL, "figures=false", "tracking=tensorboard")
    assert written(plain) == written(followed)


def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    done = run(tmp_path, *SMALL, "tracking=tensorboard")
    scalars: dict[str, list[float]] = {}
    texts, images = "", []
    for event in events(done.path / "tensorboard"):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                scalars.setdefault(value.tag, []).append(value.simple_value)
            elif value.HasField("image"):
                images.append(value.tag)
            elif value.tag.startswith("settings"):
                texts = value.tensor.string_val[0].decode()
    assert scalars["loss/train"] == pytest.approx(done.history["train_loss"].tolist())
    assert scalars["accuracy/validation"] == pytest.approx(done.history["validation_accuracy"].tolist())
    assert scalars["final/test_accuracy"] == pytest.approx([done.metrics["test"]["accuracy"]])
    assert sorted(images) == sorted(file.stem for file in (done.path / "figures").glob("*.png"))
    assert "| model.hidden | [8] |" in texts


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_mlflow(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    done = run(tmp_path, *SMALL, "tracking=mlflow", "tracking.experiment=mine")
    dispatch.run_sweep(dispatch.plan_sweep([*SMALL, "seed=0,1", "tracking=mlflow", f"outputs={tmp_path}"]))
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (single,) = client.search_runs([client.get_experiment_by_name("mine").experiment_id])
    assert single.info.status == "FINISHED"
    assert single.data.params["model.hidden"] == "[8]"
    assert single.data.tags["mlexp.folder"] == str(done.path)
    assert single.data.metrics["test.accuracy"] == done.metrics["test"]["accuracy"]
    history = sorted(client.get_metric_history(single.info.run_id, "train_loss"), key=lambda one: one.step)
    assert [one.step for one in history] == [1, 2, 3]
    assert [one.value for one in history] == done.history["train_loss"].tolist()
    kept = [
        file.path
        for folder in ("model", "figures")
        for file in client.list_artifacts(single.info.run_id, folder)
    ]
    assert "model/model.npz" in kept
    assert "figures/learning_curves.png" in kept
    local = client.download_artifacts(single.info.run_id, "model/model.npz", str(tmp_path))
    assert Path(local).read_bytes() == (done.path / "model.npz").read_bytes()

    found = client.search_runs([client.get_experiment_by_name("digits_mlp").experiment_id])
    parents = {one.data.tags.get("mlflow.parentRunId") for one in found}
    (parent,) = [one for one in found if "mlflow.parentRunId" not in one.data.tags]
    assert parents == {None, parent.info.run_id}
    assert len(found) == 3
    assert parent.data.metrics["jobs_completed"] == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    with pytest.raises(ConfigError, match=r"tracking=mlflow cannot be reached.*tracking\.uri"):
        run(tmp_path, *SMALL, "tracking=mlflow", "tracking.uri=http://127.0.0.1:9")
    assert not list(tmp_path.rglob("run.json"))


class Flaky:
    """A backend that is gone after the first epoch."""

    errors = (OSError,)

    def __init__(self, config: Any) -> None:
        self.epochs = 0

    def started(self, *told: Any) -> None:
        """All is well."""

    def epoch(self, row: Any) -> None:
        """Fail."""
        raise OSError("the server is gone")

    def ended(self, *told: Any) -> None:
        """Never come here."""
        raise AssertionError


def test_a_server_that_goes_away_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "Flaky", Flaky, raising=False)
    monkeypatch.setitem(tracking.BACKENDS, "tensorboard", ("mlexp.runs.tracking", "Flaky", "json"))
    done = run(tmp_path, *SMALL, "tracking=tensorboard", "figures=false")
    assert done.info["status"] == "completed"
    assert done.info["warnings"] == ["Tracking has stopped, the run has not: the server is gone."]
    assert json.loads((done.path / "run.json").read_text())["warnings"] == done.info["warnings"]


def test_a_missing_package_is_answered_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        tracking.BACKENDS, "mlflow", ("mlexp.runs.tracking.mlflow", "MLflow", "no_such_package")
    )
    config = configuration.compose([])
    config.tracking = Tracking(backend="mlflow")
    with pytest.raises(ConfigError, match=r"pip install mlflow"):
        tracking.Tracker(config, print)
