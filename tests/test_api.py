"""mlexp from Python: what a notebook would do."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

import mlexp
from mlexp import cli
from mlexp.api import settings
from mlexp.api.data import Given, apart
from mlexp.config.compose import compose_run
from mlexp.data.readers import load
from mlexp.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> mlexp.Run:
    own = {"model.hidden": [16]}
    outputs = tmp_path_factory.mktemp("api")
    return mlexp.run("size=smoke", seed=1, model={"activation": "tanh"}, outputs=outputs, **own)


def test_settings_by_keyword(done: mlexp.Run) -> None:
    assert done.status == "completed"
    assert (done.config["seed"], done.config["model.activation"], done.config["model.hidden"]) == (
        1,
        "tanh",
        [16],
    )
    assert done.info["command"][:4] == ["mlexp", "size=smoke", "seed=1", "model.activation=tanh"]


def test_what_a_run_holds(done: mlexp.Run) -> None:
    assert 0 < done.metrics["test"]["accuracy"] <= 1
    assert done.history["epoch"].tolist() == [1, 2, 3]
    assert done.history["epoch"].dtype == np.int64
    test = done.predictions[done.predictions["part"] == "test"]
    assert (test["true"] == test["predicted"]).mean() == done.metrics["test"]["accuracy"]
    np.testing.assert_allclose(test.filter(like="probability ").sum(axis=1), 1, rtol=1e-5)
    X = load(name="digits", limit=1000).X[test["row"]]
    assert done.model.predict(X).tolist() == test["predicted"].tolist()
    assert {"confusion", "learning_curves"} <= set(done.figures)
    assert done.tables["per_class"].shape == (10, 5)
    assert done.report.read_text().startswith("<!")


def test_shown_in_a_notebook(done: mlexp.Run) -> None:
    html = done._repr_html_()
    assert "digits_mlp: completed" in html
    assert html.count("data:image/png") == 4
    assert f"{done.metrics['test']['accuracy']:.4f}" in html
    assert "digits_mlp: completed, test accuracy 0." in repr(done)


def test_load(done: mlexp.Run) -> None:
    for name in (done.path, "digits_mlp", "latest"):
        again = mlexp.load(name, outputs=done.path.parents[1])
        assert isinstance(again, mlexp.Run)
        assert again.metrics == done.metrics
    with pytest.raises(DataError, match="neither the folder of a run"):
        mlexp.compare("nope")
    with pytest.raises(DataError, match="neither the folder of a run"):
        mlexp.load("nothing", outputs=done.path.parents[1])


def test_sweep(tmp_path: Path) -> None:
    found = mlexp.sweep("size=smoke", seed=range(2), outputs=tmp_path, **{"model.hidden": [[8], [8, 8]]})
    assert found.status == "completed"
    assert found.summary["model.hidden"].tolist() == ["[8]", "[8,8]"] * 2
    assert [run.config["seed"] for run in found.runs] == [0, 0, 1, 1]
    assert isinstance(mlexp.load(found.path), mlexp.Sweep)
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
    assert isinstance(mlexp.load(found.path), mlexp.Comparison)
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
    assert isinstance(saved, mlexp.Comparison)
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


X, y = load_iris(return_X_y=True)
FLOWERS = load_iris(as_frame=True).frame.assign(target=np.array(["setosa", "versicolor", "virginica"])[y])


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> mlexp.Run:
    outputs = tmp_path_factory.mktemp("memory")
    own = {"model": {"name": "decision_tree", "params": {"max_depth": 3}}, "test": 0.3}
    return mlexp.run(FLOWERS, "target", name="flowers", outputs=outputs, figures=False, **own)


def test_data_in_memory_are_recorded_as_those_of_a_file(flowers: mlexp.Run, tmp_path: Path) -> None:
    FLOWERS.to_csv(tmp_path / "flowers.csv", index=False)
    words = "task=classify dataset=csv dataset.label=target model=decision_tree model.params.max_depth=3 split.test=0.3"
    file = mlexp.run(
        *words.split(), dataset={"path": tmp_path / "flowers.csv"}, outputs=tmp_path, figures=False
    )
    assert flowers.metrics == file.metrics
    assert flowers.predictions.equals(file.predictions)
    for what in ("dataset", "split"):
        assert flowers.info[what]["fingerprint"] == file.info[what]["fingerprint"]
    assert flowers.info["dataset"]["source"] == "memory"
    assert flowers.info["task"]["name"] == "classify-flowers"
    assert (flowers.config["model.name"], flowers.config["split.test"]) == ("decision_tree", 0.3)
    assert flowers.model.predict(FLOWERS[:3]).tolist() == file.model.predict(FLOWERS[:3]).tolist()


def test_data_in_memory_can_be_used_again(
    flowers: mlexp.Run, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    outputs = flowers.path.parents[1]
    monkeypatch.chdir(outputs.parent)
    FLOWERS[:4].to_csv("new.csv", index=False)
    assert cli.main(["predict", str(flowers.path), "new.csv", "--out", "found.csv"]) == 0
    assert pd.read_csv("found.csv")["prediction"].tolist() == ["setosa"] * 4
    assert cli.main(["rerun", str(flowers.path), "--outputs", str(outputs)]) == 0
    (kept,) = (outputs / ".data").iterdir()
    text = kept.read_bytes()
    kept.unlink()
    assert cli.main(["rerun", str(flowers.path), "--outputs", str(outputs)]) == 3
    assert "Bring the file back" in capsys.readouterr().err
    kept.write_bytes(text)


def test_data_of_which_no_copy_is_kept(tmp_path: Path, capsys: Any) -> None:
    found = mlexp.run(X, y, model="naive_bayes", keep_data=False, outputs=tmp_path, figures=False)
    assert not (tmp_path / ".data").exists()
    assert cli.main(["rerun", str(found.path), "--outputs", str(tmp_path)]) == 3
    assert "keep_data=False" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="keep_data"):
        mlexp.run(X, y, keep_data=False, tune="grid", outputs=tmp_path)


def test_a_test_set_of_its_own(tmp_path: Path) -> None:
    more = {"model": "naive_bayes", "outputs": tmp_path, "figures": False}
    found = mlexp.run(X[::2], y[::2], test=(X[1::2], y[1::2]), feature_names=["a", "b", "c", "d"], **more)
    assert (found.predictions["part"] == "test").sum() == 75
    assert found.info["dataset"]["features"] == ["a", "b", "c", "d"]
    frame = mlexp.run(FLOWERS[::2], "target", test=FLOWERS[1::2], **more)
    assert frame.metrics["test"] == found.metrics["test"]
    with pytest.raises(ConfigError, match="X_test"):
        mlexp.run(FLOWERS[::2], "target", test=(X, y), **more)


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        (y, "classify"),
        (y.astype(float), "classify"),
        (["a", "b"] * 75, "classify"),
        (X[:, 0], "regress"),
        (pd.Series(X[:, 0]), "regress"),
    ],
)
def test_the_task_follows_from_the_labels(labels: Any, task: str) -> None:
    for rows in (X, FLOWERS):
        assert f"task={task}" in Given([rows, labels], None, None, []).settings()


def test_a_task_is_not_guessed() -> None:
    with pytest.raises(ConfigError, match="150 different whole numbers"):
        mlexp.run(X, np.arange(150))
    with pytest.raises(ConfigError, match="y is missing"):
        mlexp.run(X)
    with pytest.raises(DataError, match="missing label"):
        mlexp.run(X, [*y[1:], None])


def test_images_and_fractions(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 5, 4), dtype=np.uint8)
    found = mlexp.run(images, np.arange(60) % 2, hidden=[4], epochs=2, outputs=tmp_path, figures=False)
    assert (found.config["dataset.image_shape"], found.config["model.hidden"]) == ([5, 4], [4])
    assert len(found.model.predict(images)) == 60
    ridge = mlexp.run(X[:, :3], X[:, 3], model="ridge", outputs=tmp_path, figures=False)
    assert ridge.metrics["test"]["r2"] > 0.8


def test_compare_settings_on_data_in_memory(tmp_path: Path) -> None:
    arms = {
        "tree": {"model": "decision_tree"},
        "two words": {"model": {"name": "knn", "params": {"n_neighbors": 3}}},
    }
    found = mlexp.compare(arms, FLOWERS, "target", seeds=2, test=0.3, figures=False, outputs=tmp_path)
    assert set(found.arms["arm"]) == {"tree", "two words"}
    assert [run.config["seed"] for run in found.runs] == [0, 1, 0, 1]
    assert len(list((tmp_path / ".data").iterdir())) == 1
    assert r"\toprule" in found.to_latex()
    assert "two words" in found.to_latex("arms")
    assert mlexp.compare(*found.runs, metric="test.accuracy").arms.shape[0] >= 2
    with pytest.raises(ConfigError, match="'tree' must be a mapping"):
        mlexp.compare({"tree": "decision_tree", "b": {}}, X, y)


@pytest.mark.parametrize(
    "value", [len, object(), {1, 2}, b"x", 3 + 1j, np.float64, np.array([len]), {"a": object()}]
)
def test_what_no_file_can_say_is_no_setting(value: Any, tmp_path: Path) -> None:
    for key in ("model", "hidden", "model.epochs"):
        with pytest.raises(ConfigError, match="must be text, a number"):
            mlexp.run(X, y, outputs=tmp_path, **{key: value})
    assert not list(tmp_path.iterdir())


def test_an_estimator_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="model='random_forest'"):
        mlexp.run(X, y, model=DecisionTreeClassifier(), outputs=tmp_path)
    with pytest.raises(ConfigError, match="model='random_forest'"):
        mlexp.compare({"a": {"model": DecisionTreeClassifier()}, "b": {}}, X, y, outputs=tmp_path)
    with pytest.raises(ConfigError) as raised:
        mlexp.run(X, y, y)
    assert "\n" not in str(raised.value)


def test_sweep_over_data_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Planned(Exception):
        pass

    def stop(plan: Any, **more: Any) -> None:
        raise Planned(plan)

    monkeypatch.setattr("mlexp.dispatch.run_sweep", stop)
    with pytest.raises(Planned) as raised:
        mlexp.sweep(X, y, model=["knn", "naive_bayes"], outputs=tmp_path)
    (plan,) = raised.value.args
    assert [job.config.model.name for job in plan.jobs] == ["knn", "naive_bayes"]
    assert {job.config.dataset.path for job in plan.jobs} == {
        str(file) for file in (tmp_path / ".data").iterdir()
    }


def test_figures_and_tables_by_name(done: mlexp.Run) -> None:
    with matplotlib.rc_context({"font.size": 20}):
        figure = done.figure("confusion")
        figure.savefig(io.BytesIO())
    assert figure.get_suptitle()
    assert matplotlib.rcParams["font.size"] != 20
    with pytest.raises(ConfigError, match="'confusion'"):
        done.figure("confusoin")
    with pytest.raises(DataError, match="did not record"):
        done.figure("boundary")
    assert "Accuracy" in done.to_latex() or "accuracy" in done.to_latex()
    with pytest.raises(ConfigError, match="per_class"):
        done.to_latex("per_clas")


def test_shown_outside_a_notebook(done: mlexp.Run, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    asked: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: asked.append(address) or False)
    done.show()
    assert asked == [done.report.resolve().as_uri()]
    assert capsys.readouterr().out.strip().endswith("report.html")


def test_keywords_in_any_form() -> None:
    nested = settings.typed(
        {"model": {"name": "svm", "params": {"C": np.float64(2)}}, "split": {"test": 0.3}}
    )
    assert nested == ["model=svm", "model.params={C:2.0}", "split.test=0.3"]
    assert settings.typed({"hidden": (64, 32), "one_hot": True, "model.l2": 0.1, "seed": np.int64(3)}) == [
        "model.hidden=[64,32]", "prepare.one_hot=true", "model.l2=0.1", "seed=3"
    ]  # fmt: skip
    assert settings.of_comparison("test", "welch") == "comparison.test"
    assert settings.of_comparison("test", 0.2) == "split.test"
    assert settings.of_comparison("seeds", 3) == "comparison.seeds"
    with pytest.raises(ConfigError, match="given twice"):
        settings.typed({"hidden": [1], "model.hidden": [2]})


@pytest.mark.parametrize("name", ["a=b", "True", "\\x", "it's", "none", "größe (cm)"])
def test_any_name_of_the_column_with_labels(name: str) -> None:
    frame = pd.DataFrame({"p": [1.0, 2.0], name: ["u", "v"]})
    data, words, _ = apart([frame, name], {})
    assert words == []
    assert compose_run(Given(data, None, None, []).settings()).dataset.label == name
