"""The command line as a person meets it: whole processes, exit codes, one line of help, no debris."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from tests.process import mlexp, start

from mlexp import cli
from mlexp.store import Run

FOLDER = {
    "config.yaml",
    "run.json",
    "metrics.json",
    "history.csv",
    "timing.csv",
    "events.jsonl",
    "predictions.npz",
    "model.npz",
}
REPEATS = (
    "metrics.json",
    "history.csv",
    "predictions.npz",
    "model.npz",
    "arrays.npz",
    "tables/confusion.csv",
)


def assert_refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("mlexp: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    for word in words:
        assert word in done.stderr


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the default study has run once."""
    folder = tmp_path_factory.mktemp("digits")
    done = mlexp(folder)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


def test_default_study_leaves_a_complete_folder(digits: Path) -> None:
    run = Run.open(digits / "outputs" / "digits_mlp" / "latest")
    names = {str(file.relative_to(run.path)) for file in run.path.rglob("*") if file.is_file()}
    assert names >= FOLDER | {
        "arrays.npz",
        "tables/confusion.csv",
        "tables/per_class.csv",
        "tables/layers.csv",
    }
    figures = {"learning_curves", "confusion", "mistakes"}  # among the most important ones
    assert names >= {f"figures/{name}.png" for name in figures}
    assert run.info["status"] == "completed"
    assert run.metrics["test"]["accuracy"] >= 0.95
    facts = run.info["facts"]
    assert len(run.history["epoch"]) == facts["epochs"]
    best = int(run.history["epoch"][np.argmin(run.history["validation_loss"])])
    assert facts["best_epoch"] == best
    assert run.predictions["test_correct"].mean() == pytest.approx(run.metrics["test"]["accuracy"])
    assert not any(name.endswith((".tmp", ".lock")) for name in names)
    assert "completed after" in (run.path / "run.log").read_text()


def test_what_is_said(digits: Path) -> None:
    said = (digits / "said.txt").read_text()
    for words in ("digits", "train", "parameters", "epoch 1/", "accuracy", "outputs/digits_mlp/"):
        assert words in said


def test_record_says_what_ran(digits: Path) -> None:
    info = Run.open(digits / "outputs" / "digits_mlp" / "latest").info
    assert info["command"][0] == "mlexp"
    assert info["environment"]["packages"]["numpy"] == np.__version__
    assert info["environment"]["blas"][0]["num_threads"] >= 1
    assert len(info["dataset"]["fingerprint"]) == 64
    assert info["wall_seconds"] > 0
    assert info["peak_memory_mb"] > 10
    assert sum(info["split"][part] for part in ("train", "validation", "test")) == 1797


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path: Path) -> None:
    folders = []
    for seed in ("1", "1", "2"):
        done = mlexp(tmp_path, "-q", "size=smoke", f"seed={seed}", "figures=false")
        assert done.returncode == 0, done.stderr
        folders.append(tmp_path / done.stdout.strip())
    for name in REPEATS:
        first, again, other = ((folder / name).read_bytes() for folder in folders)
        assert first == again, name
        assert first != other or name == "tables/confusion.csv"


def test_config_of_a_run_repeats_it(digits: Path, tmp_path: Path) -> None:
    run = Run.open(digits / "outputs" / "digits_mlp" / "latest")
    (tmp_path / "own" / "task").mkdir(parents=True)
    text = (run.path / "config.yaml").read_text()
    (tmp_path / "own" / "task" / "again.yaml").write_text("# @package _global_\n" + text)
    done = mlexp(tmp_path, "-q", "--config-dir", "own", "task=again", "figures=false")
    assert done.returncode == 0, done.stderr
    again = tmp_path / done.stdout.strip()
    assert (again / "metrics.json").read_bytes() == (run.path / "metrics.json").read_bytes()
    assert (again / "model.npz").read_bytes() == (run.path / "model.npz").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["model.activaton=relu"], 2, ["Did you mean 'model.activation'?"]),
        (["model.learning_rate=fast"], 2, ["model.learning_rate", "fast"]),
        (["model.learning_rate=-1"], 2, ["model.learning_rate", "-1"]),
        (["model.hidden=[0]"], 2, ["model.hidden"]),
        (["model.hidden=[9,9,9]", "model.activation=[relu,tanh]"], 2, ["3", "Got 2"]),
        (["dataset=nosuch"], 2, ["dataset=nosuch", "mlexp list datasets"]),
        (["lisst"], 2, ["'list'"]),
        (["--verbos"], 2, ["'--verbose'"]),
        (["--config-dir", "nowhere"], 2, ["nowhere"]),
        (["split.validation=5000"], 2, ["split.validation", "5000"]),
        (["dataset=csv"], 2, ["dataset.path"]),
        (["dataset=csv", "dataset.path=nosuch.csv"], 3, ["nosuch.csv"]),
        (["task=mnist_mlp", "dataset.path=nowhere"], 3, ["nowhere"]),
        (["data", "verify", "nosuch"], 2, ["nosuch"]),
        (["task.kind=comparison"], 2, ["comparison.arms", "Got neither"]),
        (["model.epochs=${foo}"], 2, ["${foo} leads nowhere"]),
        (["~foo"], 2, ["foo is not a key"]),
        (["~model.epochs"], 2, ["model.epochs cannot be removed", "at least 1"]),
        (["=3"], 2, ["'=3' names no key", "key=value"]),
        (["-m", "model.l2=interval(0,1)"], 2, ["model.l2=interval(0,1)", "commas"]),
        (["-m", "hydra.sweeper=basic", "seed=0,1"], 2, ["hydra.sweeper=basic", "Leave it out"]),
        (["dataset.groups=foo"], 2, ["dataset.groups", "dataset=csv", "'foo'"]),
        (["list", "taks"], 2, ["'taks'", "Did you mean 'tasks'?", "Usage: mlexp list"]),
        (["list", "tasks", "--config-dir", "nowhere"], 2, ["config-dir", "nowhere"]),
        (
            ["predict", "a", "b", "--probabilty"],
            2,
            ["Did you mean '--probabilities'?", "Usage: mlexp predict"],
        ),
        (["resume"], 2, ["required: RUN", "[-q]"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes_cost_one_line_and_leave_nothing(
    arguments: list[str], code: int, words: list[str], tmp_path: Path
) -> None:
    done = mlexp(tmp_path, *arguments, MLEXP_DATA_DIR="")
    assert_refused(done, code, *words)
    assert not (tmp_path / "outputs").exists()


def test_text_in_a_number_column(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("a,b,species\n" + "1,2,x\n3,oops,y\n" * 9)
    done = mlexp(tmp_path, "task=classify", "dataset=csv", "dataset.path=bad.csv")
    assert_refused(done, 3, "bad.csv", "'b'", "oops")


def test_own_table_with_words_as_labels(tmp_path: Path) -> None:
    from sklearn.datasets import load_iris

    iris = load_iris()
    lines = [
        ",".join([iris.target_names[code], *map(str, row)])
        for row, code in zip(iris.data, iris.target, strict=True)
    ]
    (tmp_path / "my.csv").write_text("species,a,b,c,d\n" + "\n".join(lines) + "\n")
    done = mlexp(
        tmp_path, "-q", "task=classify", "dataset=csv", "dataset.path=my.csv", "dataset.label=species"
    )
    assert done.returncode == 0, done.stderr
    run = Run.open(tmp_path / done.stdout.strip())
    assert run.info["dataset"]["classes"] == ["setosa", "versicolor", "virginica"]
    assert run.metrics["test"]["accuracy"] > 0.8
    assert run.tables["confusion"]["true"] == ["setosa", "versicolor", "virginica"]


def test_divergence_is_recorded_and_says_what_to_try(tmp_path: Path) -> None:
    done = mlexp(tmp_path, "model.learning_rate=1e30", "model.optimizer=sgd", "prepare.scale=none")
    assert_refused(done, 4, "diverged", "epoch", "model.learning_rate=0.01")
    run = Run.open(tmp_path / "outputs" / "digits_mlp" / "latest")
    assert run.info["status"] == "diverged"
    assert "model.learning_rate" in run.info["error"]
    assert not run.metrics


def test_outputs_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("a file, not a folder")
    assert_refused(mlexp(tmp_path, "size=smoke"), 2, "outputs", "outputs=FOLDER")


@pytest.mark.parametrize(
    "settings",
    [["model.hidden=[]"], ["model.hidden=[5]"], ["model.hidden=[30,20,10,9,8,7]"],
     ["model.hidden=[9,8]", "model.activation=[relu,sigmoid]"], ["model.batch_size=full"], ["model.dtype=float64"],
     ["model.optimizer=sgd", "model.momentum=0.9", "model.nesterov=true", "model.l1=1e-4", "model.l2=1e-4"]],
    ids=" ".join,
)  # fmt: skip
def test_shapes_and_settings(settings: list[str], tmp_path: Path) -> None:
    done = mlexp(tmp_path, "-q", "size=smoke", "figures=false", *settings)
    assert done.returncode == 0, done.stderr


def test_sweep_runs_every_combination_and_keeps_the_good_ones(tmp_path: Path) -> None:
    diverging = ("model.optimizer=sgd", "prepare.scale=none", "model.learning_rate=0.01,1e30")
    done = mlexp(tmp_path, "-m", "size=smoke", "model.activation=relu,tanh", *diverging)
    assert done.returncode == 6
    assert "2 of 4 jobs did not complete" in done.stderr
    runs = list((tmp_path / "outputs" / "digits_mlp" / "latest" / "runs").glob("*/run.json"))
    assert sorted(Run.open(run.parent).info["status"] for run in runs) == ["completed"] * 2 + ["diverged"] * 2
    assert not any((run.parent / "figures").exists() for run in runs)
    assert {file.name for file in tmp_path.iterdir()} <= {"outputs", "cache"}


def test_grid_with_an_impossible_job_is_refused_at_once(tmp_path: Path) -> None:
    done = mlexp(tmp_path, "-m", "model.activation=relu,tanh", "model.learning_rate=0.01,-1")
    assert_refused(done, 2, "job 2 (model.activation=relu model.learning_rate=-1)", "above 0")
    assert not (tmp_path / "outputs").exists()


def test_ctrl_c_finishes_the_epoch_and_says_so(tmp_path: Path) -> None:
    process = start(tmp_path, "model.epochs=100000", "model.patience=null")
    history = tmp_path / "outputs" / "digits_mlp" / "latest" / "history.csv"
    for _ in range(600):
        if history.exists() and history.read_text().count("\n") > 3:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 5, errors
    run = Run.open(history.parent)
    assert run.info["status"] == "interrupted"
    assert len(run.history["epoch"]) == run.info["facts"]["epochs"]
    assert not run.metrics, "the test part must not be touched by a run that did not end"


def test_help_list_version_and_configuration(tmp_path: Path) -> None:
    assert "mlexp task=mnist_mlp" in mlexp(tmp_path, "--help").stdout
    assert mlexp(tmp_path, "--version").stdout.startswith("mlexp ")
    assert (cli.documents() / "guide.md").exists()
    assert str(cli.documents()) in mlexp(tmp_path, "--help").stdout
    listed = mlexp(tmp_path, "list").stdout
    for name in ("digits_mlp", "mnist_mlp", "fashion_mnist", "spirals", "mlp", "smoke"):
        assert name in listed
    shown = mlexp(tmp_path, "--cfg", "job", "task=mnist_mlp")
    assert "hidden:" in shown.stdout
    assert mlexp(tmp_path, "--info", "config").returncode == 0
    assert "digits" in mlexp(tmp_path, "data", "list").stdout
    assert not (tmp_path / "outputs").exists()


def test_own_file_hidden_by_ours_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "own" / "dataset").mkdir(parents=True)
    (tmp_path / "own" / "dataset" / "mnist.yaml").write_text("name: mine\nreader: csv\n")
    done = mlexp(tmp_path, "--config-dir", "own", "--cfg", "job")
    assert "warning: dataset/mnist.yaml in own is ignored" in done.stderr


def test_own_files_are_found_by_the_environment(tmp_path: Path) -> None:
    (tmp_path / "own" / "task").mkdir(parents=True)
    (tmp_path / "own" / "task" / "mine.yaml").write_text(
        "# @package _global_\n# yaml-language-server: $schema=x.json\n# What is mine.\n"
        "task: {name: mine, kind: classification}\nseed: 7\n"
    )
    env = {"MLEXP_CONFIG_DIR": str(tmp_path / "own")}
    assert "mine               What is mine." in mlexp(tmp_path, "list", "tasks", **env).stdout
    assert "What is mine." in mlexp(tmp_path, "explain", "task=mine", **env).stdout
    assert "seed: 7" in mlexp(tmp_path, "--cfg", "job", "task=mine", **env).stdout
    assert mlexp(tmp_path, "--cfg", "job", "task=mine", MLEXP_CONFIG_DIR="").returncode == 2
    done = mlexp(tmp_path, "--dry-run", "task=mine", MLEXP_CONFIG_DIR="nowhere")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "MLEXP_CONFIG_DIR" in done.stderr


def test_files_of_the_environment_are_as_bounded_as_others(tmp_path: Path) -> None:
    (tmp_path / "own" / "task").mkdir(parents=True)
    (tmp_path / "own" / "task" / "mine.yaml").write_text("# @package _global_\noutputs: /elsewhere\n")
    done = mlexp(tmp_path, "--dry-run", "task=mine", MLEXP_CONFIG_DIR="own")
    assert done.returncode == 2
    assert "outputs" in done.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = mlexp(tmp_path, "model.hidden=[0]", MLEXP_DEBUG="1")
    assert "Traceback" in done.stderr
    assert "ConfigError" in done.stderr


def test_metrics_are_plain_json(digits: Path) -> None:
    path = digits / "outputs" / "digits_mlp" / "latest" / "metrics.json"
    metrics = json.loads(path.read_text())
    assert set(metrics) == {"train", "validation", "test"}
    assert set(metrics["test"]) >= {"accuracy", "loss", "macro_f1", "weighted_precision"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["-q", "resume", "X"], ["resume", "-q", "X"]),
        (["-h", "list"], ["list", "-h"]),
        (["--dry-run", "clean"], ["clean", "--dry-run"]),
        (["-q", "-m", "seed=0,1"], ["-q", "-m", "seed=0,1"]),
        (["-q"], ["-q"]),
        (["--version", "list"], ["--version", "list"]),
        (["list", "-q"], ["list", "-q"]),
    ],
)
def test_options_may_come_before_a_verb(typed: list[str], meant: list[str]) -> None:
    assert cli.verb_first(typed) == meant
