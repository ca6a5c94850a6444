"""Whatever is done to a saved model, predict and export end with one line: no crash, no endless loop, no traceback."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from tests.hostile import harness, tampered
from tests.running import run

IRIS = ("dataset=iris", "figures=false")
GROUPS = ("task=spiral_clustering", "task.kind=clustering", "clustering.methods=[]", "clustering.k=3", "figures=false",
          "dataset=iris")  # fmt: skip
CODER = ("task=fashion_autoencoder", "dataset=iris", "model.hidden=[2]", "size=smoke", "prepare.scale=minmax",
         "figures=false")  # fmt: skip
RUNS = {
    "tree": (*IRIS, "model=decision_tree"),
    "knn": (*IRIS, "model=knn"),
    "svm": (*IRIS, "model=svm"),
    "forest": (*IRIS, "model=random_forest", "model.params.n_estimators=5"),
    "logistic": (*IRIS, "model=logistic", "prepare.pca=2"),
    "hist": (*IRIS, "model=hist_gradient_boosting", "model.params.max_iter=5"),
    "kmeans": (*GROUPS, "model=kmeans"),
    "gmm": (*GROUPS, "model=gmm"),
    "mlp": (*IRIS, "size=smoke"),
    "mlp_pca": (*IRIS, "size=smoke", "prepare.pca=2"),
    "coder": (*CODER, "model=autoencoder"),
    "their_coder": (*CODER, "model=sklearn_mlp"),
}  # fmt: skip


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run folder of each model."""
    folder = tmp_path_factory.mktemp("honest")
    return {name: run(folder / name, *words).path for name, words in RUNS.items()}


def check(cwd: Path, runs: dict[str, Path], cases: list[tuple[str, int, str]]) -> None:
    """Tamper with models and predict, or export, with each; `cases` are names of runs, seeds and tamperings."""
    (cwd / "outputs").mkdir()
    rows = [
        "sepal_l,sepal_w,petal_l,petal_w",
        *(f"{5 + k % 3},{3 + k % 2},{1 + k % 5},{k % 3}" for k in range(60)),
    ]
    np.savez(cwd / "new.npz", X=np.array([row.split(",") for row in rows[1:]], np.float64))
    words, labels = [], []
    for number, (name, seed, how) in enumerate(cases):
        folder = cwd / "outputs" / f"{number}_{name}"
        change = getattr(tampered, how) if how else None
        labels.append(f"{name} {tampered.made(folder, runs[name], seed, change)} {seed}")
        if seed % 9 == 8:
            words.append(["export", str(folder), "--onnx", "outputs/model.onnx"])
        else:
            words.append(["predict", str(folder), "new.npz", "--out", "outputs/new.csv"])
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # other work makes every second longer
    results = harness.run(words, cwd, limit=harness.LIMIT * busy)
    troubles = [
        f"{label}: {line}"
        for label, result in zip(labels, results, strict=True)
        for line in result.troubles()
    ]
    assert not troubles, "\n".join(troubles)
    assert not list(cwd.rglob("escaped.npy"))
    assert not list(Path("/tmp").glob("escaped.npy"))


# What crashed or hung the process itself before the model had one of its own.
WORST = [
    ("tree", 1, "own_children"),
    ("knn", 2, "all_the_same"),
    ("hist", 3, "all_the_same"),
    ("logistic", 5, "bomb"),
    ("kmeans", 6, "nested"),
]


def test_the_worst(tmp_path: Path, runs: dict[str, Path]) -> None:
    check(tmp_path, runs, WORST)


def test_networks(tmp_path: Path, runs: dict[str, Path]) -> None:
    cases = [("mlp", "coder", "their_coder")[seed % 3] for seed in range(18)]
    check(tmp_path, runs, [(name, 9 * (seed // 3) + 1 + seed % 3, "") for seed, name in enumerate(cases)])


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_hundred_tampered_models(tmp_path: Path, runs: dict[str, Path]) -> None:
    names = itertools.cycle(runs)
    check(tmp_path, runs, [(next(names), 1000 + seed, "") for seed in range(120)])
