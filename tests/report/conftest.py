"""Run folders as the program leaves them, some by the program itself, some made to be nasty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.running import comparison_of_widths

from mlexp import cli

STUDIES = {
    "digits": ["size=smoke"],
    "clustering": ["task=sign_kmeans", "dataset=digits", "size=smoke"],
    "embedding": ["task=sign_embeddings", "dataset=digits", "size=smoke", "embedding.methods=[pca,lle]"],
    "sweep": ["-m", "size=smoke", "model.activation=relu,sigmoid", "seed=0,1", "execution.workers=1"],
    "search": ["size=smoke", "tune=random", "tune.budget=3", "execution.workers=1"],
}


@pytest.fixture(scope="session")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Return folders that the command line wrote: runs of three kinds, a sweep, a search and a comparison."""
    place = tmp_path_factory.mktemp("studies")
    (place / "mine/task").mkdir(parents=True)
    (place / "mine/task/widths.yaml").write_text(comparison_of_widths(2))
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
