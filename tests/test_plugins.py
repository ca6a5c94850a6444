"""Plugins: the package of examples/ is installed and gives its five pieces; a plugin counts only where it is typed."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.process import OWN
from tests.process import mlexp as process

from mlexp import plugins, store
from mlexp.cli import main
from mlexp.config import plugged
from mlexp.config.names import ALL_ACTIVATIONS
from mlexp.config.readers import READERS, Reader
from mlexp.drawing.figure import Drawing
from mlexp.errors import ConfigError
from mlexp.kinds import KINDS, MORE_FIGURES, Kind
from mlexp.metrics.table import METRICS, Metric
from mlexp.nn.activations import ACTIVATIONS
from mlexp.plugins import Plugin
from mlexp.store import Run

EXAMPLE = Path(__file__).parents[1] / "examples" / "plugin"
TABLES: tuple[dict[str, Any], ...] = (
    ACTIVATIONS, ALL_ACTIVATIONS, KINDS, METRICS, MORE_FIGURES, READERS, plugged.LOADED,
)  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package of examples/ as its README says, into a folder of its own and without a network."""
    pytest.importorskip("setuptools", reason="building without isolation needs setuptools")
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(
        EXAMPLE, folder / "examples" / "plugin", ignore=shutil.ignore_patterns("__pycache__", "build")
    )
    (command,) = re.findall(
        r"^    (pip install .*)$", (EXAMPLE / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert "--no-build-isolation" not in command  # environments without setuptools, such as that of the wheel
    offline = ["-q", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", *command.split(), *offline, "--target", str(folder / "site")],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    return folder / "site"


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put back what a plugin adds, in this process and for its workers."""
    monkeypatch.delenv(plugged.TRUSTED, raising=False)
    before = [dict(table) for table in TABLES]
    yield
    for table, rows in zip(TABLES, before, strict=True):
        table.clear()
        table.update(rows)
    os.environ.pop(plugged.TRUSTED, None)


@pytest.fixture
def installed(site: Path, tables: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let this process find the plugin, in an empty folder; it is not loaded yet."""
    monkeypatch.syspath_prepend(site)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "mlexp_example"]:
        del sys.modules[name]


def newest(folder: Path) -> Run:
    return Run.open(max(folder.glob("outputs/*/2*"), key=lambda path: path.stat().st_mtime_ns))


def test_metric_figure_and_activation_of_the_example(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["task=classify", "model.activation=mish", "size=smoke"]
    assert main(["-q", "--plugin", "example", *words]) == 0
    run = newest(installed)
    y, predicted = run.predictions["test_true"], run.predictions["test_predicted"]
    recalls = [np.mean(predicted[y == c] == c) for c in range(3)]
    assert run.metrics["test"]["g_mean"] == pytest.approx(np.prod(recalls) ** (1 / 3))
    assert (run.path / "figures" / "recalls.png").exists()
    assert run.info["plugins"] == {"example": "mlexp-example 0.1.0"}
    assert run.info["environment"]["packages"]["mlexp-example"] == "0.1.0"
    assert run.info["command"][:3] == ["mlexp", "--plugin", "example"]
    capsys.readouterr()
    plugged.LOADED.clear()
    os.environ.pop(plugged.TRUSTED)
    for verb in (["show", "latest"], ["report", "classify"], ["resume", "latest"], ["rerun", "latest"]):
        assert main(verb) == 3
        (line,) = capsys.readouterr().err.splitlines()
        assert "'example' (mlexp-example 0.1.0)" in line
        assert "--plugin example" in line
    assert main(["list", "runs"]) == 0


def test_the_reader_of_the_example(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    lines = [f"{i % 2} 1:{rng.normal(3 * (i % 2)):.3f} 3:{rng.normal():.3f}" for i in range(60)]
    (installed / "rows.svm").write_text("\n".join(lines))
    words = ["dataset=npz", "dataset.reader=svmlight", "dataset.path=rows.svm", "size=smoke", "figures=false"]
    assert main(["-q", "--plugin=example", *words]) == 0
    assert newest(installed).info["dataset"]["n_features"] == 3
    (installed / "rows.svm").write_text("no such format")
    assert main(["-q", "--plugin=example", *words]) == 3
    assert "svmlight" in capsys.readouterr().err


def test_the_kind_of_the_example(installed: Path) -> None:
    assert main(["-q", "--plugin=example", "task=classify", "task.kind=majority"]) == 0
    run = newest(installed)
    y = run.predictions["test_true"]
    assert run.metrics["test"]["accuracy"] == pytest.approx(
        np.mean(y == run.predictions["test_predicted"][0])
    )
    assert (run.path / "figures" / "class_sizes.png").exists()
    assert "majority class" in (run.path / "report.md").read_text()


def test_the_gradient_of_the_activation_of_the_example(site: Path, installed: Path) -> None:
    mish = importlib.import_module("mlexp_example.activations").mish
    X = np.linspace(-30, 30, 101)
    Y, backward = mish(X)
    assert pytest.approx(X * np.tanh(np.log1p(np.exp(X)))) == Y
    h = 1e-6
    assert backward(np.ones_like(X)) == pytest.approx((mish(X + h)[0] - mish(X - h)[0]) / (2 * h), abs=1e-7)


@pytest.mark.slow
def test_workers_of_a_sweep_load_the_plugins_of_its_command(site: Path, tmp_path: Path) -> None:
    words = ("model.activation=mish,relu", "seed=0,1", "size=smoke", "figures=false", "sweep.dir=sw")
    path = os.pathsep.join([str(site), str(OWN)])
    done = process(tmp_path, "-m", "-q", "--plugin", "example", "task=classify", *words, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    assert set(store.Sweep.open(tmp_path / "sw").summary["status"]) == {"completed"}
    assert "test_g_mean" in store.Sweep.open(tmp_path / "sw").summary
    without = process(tmp_path, "show", "sw", PYTHONPATH=path)
    assert without.returncode == 3
    assert "--plugin example" in without.stderr


def test_what_lies_in_the_working_folder_is_no_installed_plugin(site: Path, tmp_path: Path) -> None:
    shutil.copytree(site, tmp_path, dirs_exist_ok=True)
    (tmp_path / "mlexp_example" / "__init__.py").write_text("open('ran', 'w')")
    script = "import sys; from mlexp.__main__ import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, "--plugin", "example", "list", "tasks"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "No plugin 'example' is installed" in done.stderr
    assert not (tmp_path / "ran").exists()


def test_no_file_loads_a_plugin(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (installed / "own" / "task").mkdir(parents=True)
    own = installed / "own" / "task" / "mine.yaml"
    for key in ("plugin", "plugins", "hydra: {searchpath"):
        own.write_text(f"# @package _global_\n{key}: [example]{'}' * key.count('{')}\ntask: {{name: mine}}\n")
        assert main(["--config-dir", "own", "task=mine"]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert "mlexp_example" not in sys.modules
    assert not plugged.LOADED


def clash(kind: str) -> Plugin:
    drawing = Drawing(lambda run: None, "nothing")
    return {
        "metric": Plugin(metrics=[Metric("new", "new"), Metric("accuracy", "mine")]),
        "reader": Plugin(metrics=[Metric("new", "new")], readers={"csv": Reader()}),
        "activation": Plugin(metrics=[Metric("new", "new")], activations={"relu": lambda X: (X, None)}),
        "kind": Plugin(metrics=[Metric("new", "new")], kinds=[Kind("clustering")]),
        "figure": Plugin(metrics=[Metric("new", "new")], figures={"classification": {"confusion": drawing}}),
    }[kind]


def entry_point(plugin: Plugin) -> Any:
    """Return what stands for an installed package that names this plugin."""
    return SimpleNamespace(dist=None, value="mine:PLUGIN", load=lambda: plugin)


@pytest.mark.parametrize("kind", ["metric", "reader", "activation", "kind", "figure"])
@pytest.mark.usefixtures("tables")
def test_a_name_that_is_taken_is_refused_and_nothing_of_the_plugin_stays(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [dict(table) for table in TABLES]
    monkeypatch.setattr(plugins, "installed", lambda: {"mine": [entry_point(clash(kind))]})
    with pytest.raises(ConfigError, match=rf"'mine' adds the {kind} '\w+'"):
        plugins.load(["mine"])
    assert [dict(table) for table in TABLES] == before


@pytest.mark.usefixtures("tables")
def test_no_figure_of_a_plugin_stays_where_another_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = Drawing(lambda run: None, "nothing")
    refused = Plugin(figures={"classification": {"fresh": drawing}, "nowhere": {"fresh": drawing}})
    monkeypatch.setattr(plugins, "installed", lambda: {"mine": [entry_point(refused)]})
    before = {kind: dict(figures) for kind, figures in MORE_FIGURES.items()}
    with pytest.raises(ConfigError, match="which there is not"):
        plugins.load(["mine"])
    assert before == MORE_FIGURES


@pytest.mark.parametrize(
    ("text", "said"),
    [("PLUGIN = 3", "Got int"), ("1 / 0", "ZeroDivisionError"), ("raise SystemExit", "SystemExit")],
)
@pytest.mark.usefixtures("tables")
def test_a_plugin_that_is_none_is_one_line(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    info = tmp_path / "broken_one-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-one\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mlexp.plugins]\nbroken = broken_one:PLUGIN\n")
    (tmp_path / "broken_one.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv(plugged.TRUSTED, "broken")
    sys.modules.pop("broken_one", None)
    assert main(["list", "tasks"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert "'broken'" in line


def test_a_flag_without_a_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--plugin"], ["--plugin", "-q"], ["--plugin="]):
        assert main(words) == 2
        assert "--plugin needs the name" in capsys.readouterr().err
