"""A program listing gives the numbers of its run without mlexp."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.running import run

from mlexp.cli import main
from mlexp.documents import snippets
from mlexp.nn.activations import ACTIVATIONS
from mlexp.nn.initializers import INITIALIZERS
from mlexp.nn.optimizers import OPTIMIZERS
from mlexp.nn.schedules import SCHEDULES
from mlexp.store import Run

NETWORK = ["task=classify", "dataset=digits", "dataset.limit=300", "model.epochs=4", "figures=false"]
MOONS = ["task=classify", "dataset=moons", "model.epochs=5", "figures=false"]
REGRESSION = ["task=regress", "model.epochs=4", "figures=false"]
NUMPY = {
    "plain": NETWORK,
    "adam, dropout, batch normalisation, two activations": [
        *NETWORK, "model.batch_norm=true", "model.dropout=0.2", "model.input_dropout=0.1", "model.hidden=[32,16]",
        "model.activation=[tanh,leaky_relu]",
    ],
    "two classes": [
        *MOONS, "model.hidden=[5,3]", "model.activation=silu", "model.optimizer=adamw", "model.epsilon=1e-5",
    ],
    "one output": [*MOONS, "model.output=sigmoid", "model.activation=sigmoid", "model.batch_size=full"],
    "numbers": [*REGRESSION, "model.clip_norm=0.5", "model.schedule=cosine", "model.dtype=float64"],
    "no validation": [
        *NETWORK, "split.validation=0", "model.patience=null", "prepare.pca=12", "model.bias_init=normal",
        "model.activation=hard_sigmoid", "model.optimizer=adagrad", "model.schedule=warm_up",
    ],
    "weights of classes": [
        *NETWORK, "model.class_weight=balanced", "model.label_smoothing=0.1", "model.schedule=on_plateau",
        "model.schedule_options.patience=1", "model.optimizer=rmsprop", "model.l1=1e-4", "model.max_norm=2",
    ],
    "sums": [
        *NETWORK, "model.optimizer=sgd", "model.momentum=0.5", "model.nesterov=true", "model.reduction=sum",
        "model.batch_size=7", "model.drop_last=true", "model.bias=false", "model.init=orthogonal", "model.l2=0.01",
        "model.activation=softmax", "prepare.scale=signed",
    ],
}  # fmt: skip
SKLEARN = {
    "forest": ["task=classify", "dataset=iris", "model=random_forest", "figures=false"],
    "no probabilities": ["task=classify", "dataset=iris", "model=svm", "figures=false"],
    "numbers": ["task=regress", "model=hist_gradient_boosting", "model.params.max_iter=5", "figures=false"],
}


def differences(made: Run, library: str, tmp_path: Path) -> dict[str, float]:
    """Export a listing, run it in a process of its own that cannot import mlexp, and return what it prints last."""
    script = tmp_path / "listing.py"
    assert main(["export", str(made.path), "--code", library, "--out", str(script), "-q"]) == 0
    assert "mlexp" not in {
        name.name.partition(".")[0]
        for node in ast.walk(ast.parse(script.read_text()))
        if isinstance(node, ast.Import)
        for name in node.names
    }
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | threads,
    )
    assert not done.returncode, done.stderr
    return {name: float(value) for name, value in re.findall(r"(\w+ \w+): .*difference (\S+)\)", done.stdout)}


@pytest.mark.parametrize("case", NUMPY)
def test_numpy_alone_gives_the_numbers_of_the_run(case: str, tmp_path: Path) -> None:
    made = run(tmp_path, *NUMPY[case])
    found = differences(made, "numpy", tmp_path)
    assert len(found) == 2 * len(made.metrics)
    # The matrix products are those of the run; only the last sum of a score may be grouped otherwise.
    assert max(map(abs, found.values())) < 1e-12


@pytest.mark.parametrize("case", ["plain", "two classes", "one output", "numbers", "weights of classes"])
def test_torch_agrees_to_four_digits(case: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    found = differences(run(tmp_path, *NUMPY[case]), "torch", tmp_path)
    assert max(abs(value) for name, value in found.items() if not name.endswith("rmse")) < 1e-4


@pytest.mark.parametrize("case", SKLEARN)
def test_scikit_learn_gives_the_numbers_of_the_run(case: str, tmp_path: Path) -> None:
    found = differences(run(tmp_path, *SKLEARN[case]), "sklearn", tmp_path)
    assert found
    assert max(map(abs, found.values())) < 1e-12


def test_there_is_a_piece_for_whatever_the_engine_can_do() -> None:
    assert set(snippets.ACTIVATIONS) == set(ACTIVATIONS)
    assert {snippets.SAME_INITIALIZER.get(name, name) for name in INITIALIZERS} == set(snippets.INITIALIZERS)
    assert set(OPTIMIZERS) <= set(snippets.OPTIMIZERS)
    assert set(snippets.TORCH_OPTIMIZERS) == set(OPTIMIZERS)
    assert set(snippets.SCHEDULES) == set(SCHEDULES)


@pytest.mark.parametrize(
    ("words", "library", "said"),
    [
        (NETWORK, "sklearn", "--code numpy"),
        (SKLEARN["forest"], "numpy", "--code sklearn"),
        (["task=cluster", "figures=false"], "numpy", "clustering"),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_left(
    words: list[str], library: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = run(tmp_path, *words)
    script = tmp_path / "listing.py"
    assert main(["export", str(made.path), "--code", library, "--out", str(script)]) == 2
    assert said in capsys.readouterr().err
    assert not script.exists()


def test_a_record_cannot_put_code_into_a_listing(tmp_path: Path) -> None:
    made = run(tmp_path, *MOONS)
    file = made.path / "run.json"
    file.write_text(file.read_text().replace(made.info["config_hash"], '\\"\\"\\"\\nraise SystemExit(9)\\n'))
    assert differences(Run.open(made.path), "numpy", tmp_path)
