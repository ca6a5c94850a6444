"""mlexp from Python: what a notebook would do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import mlexp
from mlexp.data.readers import load
from mlexp.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> mlexp.RunView:
    own = {"model.hidden": [16]}
    outputs = tmp_path_factory.mktemp("api")
    return mlexp.run("size=smoke", seed=1, model={"activation": "tanh"}, outputs=outputs, **own)


def test_settings_by_keyword(done: mlexp.RunView) -> None:
    assert done.status == "completed"
    assert (done.config["seed"], done.config["model.activation"], done.config["model.hidden"]) == (
        1,
        "tanh",
        [16],
    )
    assert done.info["command"][:4] == ["mlexp", "size=smoke", "seed=1", "model.activation=tanh"]


def test_what_a_run_holds(done: mlexp.RunView) -> None:
    assert 0 < done.metrics["test"]["accuracy"] <= 1
    assert done.history["epoch"].tolist() == [1, 2, 3]
    test = done.predictions[done.predictions["part"] == "test"]
    assert (test["true"] == test["predicted"]).mean() == done.metrics["test"]["accuracy"]
    np.testing.assert_allclose(test.filter(like="probability ").sum(axis=1), 1, rtol=1e-5)
    X = load(name="digits", limit=1000).X[test["row"]]
    assert done.model.predict(X).tolist() == test["predicted"].tolist()
    assert {"confusion", "learning_curves"} <= set(done.figures)
    assert done.tables["per_class"].shape == (10, 5)
    assert done.report.read_text().startswith("<!")


def test_shown_in_a_notebook(done: mlexp.RunView) -> None:
    html = done._repr_html_()
    assert "digits_mlp: completed" in html
    assert html.count("data:image/png") == 4
    assert f"{done.metrics['test']['accuracy']:.4f}" in html
    assert "digits_mlp: completed, test accuracy 0." in repr(done)


def test_load(done: mlexp.RunView) -> None:
    for name in (done.path, "digits_mlp", "latest"):
        again = mlexp.load(name, outputs=done.path.parents[1])
        assert isinstance(again, mlexp.RunView)
        assert again.metrics == done.metrics
    with pytest.raises(DataError, match="no folder of a run"):
        mlexp.compare("nope")
    with pytest.raises(DataError, match="no folder of a run"):
        mlexp.load("nothing", outputs=done.path.parents[1])


def test_sweep(tmp_path: Path) -> None:
    found = mlexp.sweep("size=smoke", seed=range(2), outputs=tmp_path, **{"model.hidden": [[8], [8, 8]]})
    assert found.status == "completed"
    assert found.summary["model.hidden"].tolist() == ["[8]", "[8,8]"] * 2
    assert [run.config["seed"] for run in found.runs] == [0, 0, 1, 1]
    assert isinstance(mlexp.load(found.path), mlexp.SweepView)
    assert found.summary["test_accuracy"][3] == found.runs[3].metrics["test"]["accuracy"]
    assert "4 runs" in found._repr_html_()


def test_compare(tmp_path: Path) -> None:
    arms = {"small": {"model.hidden": [4]}, "large": {"model.hidden": [64]}}
    with pytest.raises(ConfigError, match=r"mlexp\.compare"):
        mlexp.run("task.kind=comparison", comparison={"arms": arms}, outputs=tmp_path)
    found = mlexp.compare("size=smoke", "task.kind=comparison", outputs=tmp_path,
                          comparison={"arms": arms, "seeds": 3})  # fmt: skip
    assert "large" in found.answer[0]
    assert found.arms.shape[0] == 2
    assert isinstance(mlexp.load(found.path), mlexp.ComparisonView)
    assert found.answer[0][:20] in found._repr_html_()


def test_compare_what_ran_already(tmp_path: Path) -> None:
    small = [
        mlexp.run("size=smoke", "figures=false", "model.hidden=[4]", seed=seed, outputs=tmp_path)
        for seed in (0, 1)
    ]
    large = mlexp.sweep("size=smoke", "figures=false", "model.hidden=[64]", seed=range(2), outputs=tmp_path)
    found = mlexp.compare(*small, large.path, by="model.hidden")
    assert isinstance(found, mlexp.Answer)
    assert list(found.arms["arm"]) == ["hidden 64", "hidden 4"]
    assert found.answer[0] in repr(found)
    assert found.answer[0][:20] in found._repr_html_()
    saved = mlexp.compare(*small, large, metric="test.macro_f1", save=tmp_path / "kept")
    assert isinstance(saved, mlexp.ComparisonView)
    assert saved.report.exists()
    with pytest.raises(ConfigError, match="kept is there already"):
        mlexp.compare(*small, large, save=tmp_path / "kept")
    with pytest.raises(ConfigError, match=r"alhpa does not apply.*'alpha'"):
        mlexp.compare(*small, large, alhpa=0.1)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: mlexp.run(3), "Got 3"),  # type: ignore[arg-type]
        (lambda: mlexp.run(["size=smoke"]), r"\*words"),  # type: ignore[arg-type]
        (lambda: mlexp.run({"size": "smoke"}), r"\*\*settings"),  # type: ignore[arg-type]
        (lambda: mlexp.sweep(3), "Got 3"),  # type: ignore[arg-type]
        (lambda: mlexp.compare([]), r"Got \[\]"),  # type: ignore[arg-type]
        (lambda: mlexp.compare("seed=0", "nope"), "Got 'nope'"),
        (lambda: mlexp.run("seed=0,1"), r"mlexp\.sweep"),
        (lambda: mlexp.run(config_dir="nowhere"), "Got nowhere"),
        (lambda: mlexp.sweep("seed=0,1", config_dir="nowhere"), "Got nowhere"),
    ],
)
def test_misuse_is_a_configuration_error(call: Callable[[], object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        call()


def test_importing_mlexp_costs_next_to_nothing() -> None:
    script = "import sys, mlexp; assert 'run' in dir(mlexp); print(sorted(sys.modules))"
    names = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "numpy" not in names
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = mlexp.nothing
