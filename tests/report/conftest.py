"""Run folders as the program leaves them, some by the program itself, some made to be nasty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.plots.conftest import build

from mlexp import cli
from mlexp.store import Run
from mlexp.store.files import write_json

ENVIRONMENT = {
    "python": "3.11.7",
    "packages": {"mlexp": "0.1.0", "numpy": "2.4.6"},
    "system": "Linux",
    "processor": "a processor",
    "blas": [{"user_api": "blas", "internal_api": "openblas", "version": "0.3", "num_threads": 1}],
    "git": {"commit": "0123abcd", "uncommitted_changes": True},
}
WHOLE = {
    "error": None,
    "config_hash": "0a1b2c3d",
    "command": ["mlexp", "dataset=npz", "dataset.path=a file.npz"],
    "started": "2026-11-21T06:14:28+00:00",
    "preparation": {"scale": "unit", "fitted_on_rows": 100},
    "environment": ENVIRONMENT,
    "warnings": [],
    "wall_seconds": 12.5,
    "cpu_seconds": 12.0,
    "peak_memory_mb": 300.0,
}


def whole(outputs: Path, info: dict[str, Any] | None = None, **given: Any) -> Run:
    """Write a run folder of predictions with every entry that `run.json` has; `info` overrides some of them."""
    run = build(outputs, **given)
    written = WHOLE | run.info | {"facts": run.info["facts"] | {"n_parameters": 1234}}
    written["dataset"] = {"n_features": 64, "source": "made up", "fingerprint": "ff"} | written["dataset"]
    write_json(run.path / "run.json", written | (info or {}))
    return Run.open(run.path)


@pytest.fixture
def make_whole(tmp_path: Path) -> Callable[..., Run]:
    """Return `whole` for a folder of this test."""
    return partial(whole, tmp_path)


STUDIES = {
    "digits": ["size=smoke"],
    "clustering": ["task=sign_kmeans", "dataset=digits", "size=smoke"],
    "embedding": ["task=sign_embeddings", "dataset=digits", "size=smoke", "embedding.methods=[pca,lle]"],
    "sweep": ["-m", "size=smoke", "model.activation=relu,sigmoid", "seed=0,1", "execution.workers=1"],
}
COMPARISON = """\
# @package _global_
# Two widths.
defaults:
  - override /dataset: digits
task: {name: widths, kind: comparison}
comparison:
  arms: {narrow: {model.hidden: [4]}, wide: {model.hidden: [32]}}
  seeds: 2
"""


@pytest.fixture(scope="session")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Return the folders of a run, a sweep, a comparison, a clustering and an embedding, run by the command line."""
    place = tmp_path_factory.mktemp("studies")
    (place / "mine/task").mkdir(parents=True)
    (place / "mine/task/widths.yaml").write_text(COMPARISON)
    compared = ["--config-dir", str(place / "mine"), "task=widths", "size=smoke", "execution.workers=1"]
    asked = STUDIES | {"comparison": compared}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        folders = {}
        for name, words in asked.items():
            outputs = place / "outputs" / name
            assert cli.main(["-q", *words, f"outputs={outputs}"]) == 0
            (folders[name],) = outputs.glob("*/latest")
        yield {name: folder.resolve() for name, folder in folders.items()}
