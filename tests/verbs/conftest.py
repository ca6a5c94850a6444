"""Runs that the tests of the verbs look at; made once, only read."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.running import run

from mlexp import dispatch
from mlexp.store import Run


@pytest.fixture(scope="session")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outputs folder with a run on digits, a run on a table and a sweep of two."""
    folder = tmp_path_factory.mktemp("verbs")
    table(folder / "flowers.csv")
    run(folder, "size=smoke", "figures=false")
    run(folder, "task=classify", "dataset=csv", f"dataset.path={folder / 'flowers.csv'}", "model=random_forest",
        "model.params.n_estimators=10", "figures=false")  # fmt: skip
    plan = dispatch.plan_sweep(
        ["size=smoke", "seed=0,1", f"outputs={folder}", "task.name=two", "figures=false"]
    )
    dispatch.run_sweep(plan)
    return folder


@pytest.fixture(scope="session")
def flowers(outputs: Path) -> Run:
    return Run((outputs / "classify-flowers" / "latest").resolve())


def table(path: Path) -> None:
    from sklearn.datasets import load_iris

    bunch = load_iris()
    rows = [
        ",".join(map(str, [*row, bunch.target_names[code]]))
        for row, code in zip(bunch.data, bunch.target, strict=True)
    ]
    path.write_text("\n".join(["sepal_l,sepal_w,petal_l,petal_w,species", *rows]) + "\n")
