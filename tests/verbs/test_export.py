"""`export`: task files that repeat a run, and ONNX models that predict the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.running import run

from mlexp.config import compose as configuration
from mlexp.config import recorded
from mlexp.errors import ConfigError
from mlexp.store import Run
from mlexp.verbs.export import export


@pytest.mark.parametrize(
    "settings",
    [
        ("size=smoke", "model.learning_rate=1e-5", "model.activation=[tanh,relu]"),
        ("task=classify", "dataset=wine", "model=knn", "model.params.n_neighbors=3", "prepare.pca=0.9"),
    ],
    ids=" ".join,
)
def test_a_task_file_repeats_the_run(
    tmp_path: Path, settings: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    done = run(tmp_path, *settings, "figures=false")
    file = tmp_path / "own" / "task" / "mine.yaml"
    assert export([str(done.path), "--config", str(file)]) == 0
    assert f"mlexp --config-dir {tmp_path / 'own'} task=mine" in capsys.readouterr().out
    assert str(tmp_path) not in file.read_text()
    again = configuration.compose(["task=mine"], str(tmp_path / "own"))
    assert recorded.config_hash(again) == done.info["config_hash"]
    assert again.task.name == done.info["task"]["name"]
    varied = configuration.compose(["task=mine", "seed=7", "split.seed=2"], str(tmp_path / "own"))
    assert (varied.seed, varied.split.seed) == (7, 2)


def test_export_needs_to_know_what(flowers: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--onnx FILE, --config FILE"):
        export([str(flowers.path)])
    with pytest.raises(ConfigError, match=r"\.yaml"):
        export([str(flowers.path), "--config", str(tmp_path / "mine.json")])


def test_onnx_of_a_run(flowers: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("skl2onnx")
    assert export([str(flowers.path), "--onnx", str(tmp_path / "m.onnx")]) == 0
    assert "on 150 samples" in capsys.readouterr().out
    session = runtime.InferenceSession(str(tmp_path / "m.onnx"))
    label, _ = session.run(None, {"X": np.array([[5.0, 3.4, 1.5, 0.2]])})
    assert label.tolist() == ["setosa"]
