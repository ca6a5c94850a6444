"""`rerun` says "same bytes" where they are, and names what differs and why where they are not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from mlexp.errors import DataError
from mlexp.store import Run
from mlexp.store.files import write_npz
from mlexp.verbs.rerun import rerun


@pytest.mark.parametrize("name", ["digits_mlp", "classify-flowers", "two"])
def test_same_bytes(outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    shutil.copytree(outputs / name, tmp_path / name, symlinks=True)
    assert rerun([name, "--outputs", str(tmp_path), "-q"]) == 0
    folder, verdict = capsys.readouterr().out.splitlines()
    assert Path(folder).is_dir()
    assert verdict.startswith("same bytes: ")
    assert len(list((tmp_path / name).glob("2*"))) == 2


def test_differences_and_their_likely_cause(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(outputs / "digits_mlp", tmp_path / "digits_mlp", symlinks=True)
    before = tmp_path / "digits_mlp" / "latest"
    metrics, info = (json.loads((before / name).read_text()) for name in ("metrics.json", "run.json"))
    metrics["test"]["accuracy"] = 0.5
    info["environment"]["packages"]["numpy"] = "1.0"
    (before / "metrics.json").write_text(json.dumps(metrics))
    (before / "run.json").write_text(json.dumps(info))
    arrays = Run(before).predictions
    changed = arrays["test_probability"] + np.float32(0.25)
    write_npz(before / "predictions.npz", arrays | {"test_probability": changed})
    (before / "tables" / "confusion.csv").unlink()
    assert rerun(["digits_mlp", "--outputs", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()[-4:]
    assert lines[0].startswith("metrics.json: test.accuracy was 0.5, is 0.")
    assert lines[1].startswith(
        "predictions.npz: test_probability differs by up to 0.25 in 2,000 of 2,000 values"
    )
    assert lines[2].startswith("tables/confusion.csv: only in ")
    assert lines[3].startswith(f"likely cause: numpy 1.0 then, {np.__version__} now")


def test_a_folder_in_the_place_of_a_file_is_one_line(outputs: Path, tmp_path: Path) -> None:
    shutil.copytree(outputs / "digits_mlp", tmp_path / "digits_mlp", symlinks=True)
    file = tmp_path / "digits_mlp" / "latest" / "model.npz"
    file.unlink()
    file.mkdir()
    with pytest.raises(DataError, match=r"model\.npz cannot be read"):
        rerun(["digits_mlp", "-q", "--outputs", str(tmp_path)])
