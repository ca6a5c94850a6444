"""No shipped task makes Python warn: neither Hydra, scikit-learn nor ourselves, here or in a worker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.process import mlexp

from mlexp.config.groups import offered

IMAGES = ("mnist", "fashion", "sign")  # data sets that are not bundled


@pytest.mark.slow
@pytest.mark.parametrize("task", sorted(offered("task")))
def test_no_warning_at_smoke_size(task: str, tmp_path: Path) -> None:
    if task.startswith(IMAGES) and "MLEXP_DATA_DIR" not in os.environ:
        pytest.skip("needs the image sets (MLEXP_DATA_DIR)")
    done = mlexp(
        tmp_path, "-q", f"task={task}", "size=smoke", f"outputs={tmp_path}", PYTHONWARNINGS="default"
    )
    assert done.returncode == 0, done.stderr
    logs = [file.read_text() for file in tmp_path.rglob("run.log")]
    warned = [line for text in (done.stderr, *logs) for line in text.splitlines() if "Warning:" in line]
    assert not warned
