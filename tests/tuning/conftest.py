from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlexp import dispatch
from mlexp.config import compose as configuration
from mlexp.store import Run

Searched = Callable[..., Run]


@pytest.fixture
def searched(tmp_path: Path, in_process: None) -> Searched:
    """Return a function that runs a search; its trials run in this process, which spares the start of workers."""

    def run(*words: str, outputs: str = "outputs") -> Run:
        config = configuration.compose([*words, "figures=false", f"outputs={tmp_path / outputs}"])
        return dispatch.run(config)

    return run
