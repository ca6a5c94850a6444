"""What the method of a page says of conventions that other programs do not share, and of one-hot features."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.running import run

from mlexp import cli
from mlexp.errors import DataError
from mlexp.kinds.method import method
from mlexp.page.study import RecordedRun, settings


def terms(path: Path) -> dict[str, str]:
    from mlexp.store import Run

    return dict(method(RecordedRun(Run.open(path), settings(path))))


def test_scores_say_how_they_are_clipped_and_averaged(tmp_path: Path) -> None:
    from sklearn.metrics import f1_score

    said = terms(run(tmp_path, "task=digits_mlp", "size=smoke", "figures=false").path)["Scores"]
    assert "2⁻¹⁰⁴" in said
    assert "72.1" in said
    assert np.log(2.0**104) == pytest.approx(72.1, abs=0.02)
    assert -np.log(np.finfo(float).eps) == pytest.approx(36.0, abs=0.05)
    assert "a class without any is skipped" in said
    # scikit-learn's other convention: class 1 has no samples, and is predicted once
    assert f1_score([0, 0, 0], [0, 0, 1], average="macro", zero_division=0) == pytest.approx(0.4)
    from mlexp.metrics import label_scores

    assert label_scores(np.array([0, 0, 0]), np.array([0, 0, 1]), 2)["macro_f1"] == pytest.approx(0.8)


def test_a_model_without_probabilities_has_no_log_loss_to_explain(tmp_path: Path) -> None:
    said = terms(run(tmp_path, "task=classify", "model=svm", "figures=false").path)["Scores"]
    assert "Log loss" not in said
    assert "Macro" in said
    assert "Scores" not in terms(run(tmp_path, "task=regress", "size=smoke", "figures=false").path)


@pytest.mark.parametrize("activation", ["hard_sigmoid", "[relu,hard_sigmoid]", "relu"])
def test_the_hard_sigmoid_is_named(tmp_path: Path, activation: str) -> None:
    words = ("task=digits_mlp", "size=smoke", "model.hidden=[8,8]", f"model.activation={activation}")
    said = terms(run(tmp_path, *words, "figures=false").path)["Model"]
    assert ("0.2 x + 0.5" in said) is ("hard_sigmoid" in activation)


def dates(path: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = [f"{rng.normal():.4f},{'abcdefgh'[i % 8]},{'xyz'[i % 3]},{'yn'[i % 2]}" for i in range(120)]
    path.write_text("size,letter,axis,label\n" + "\n".join(rows) + "\n")
    return path


def test_one_hot_features_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = dates(tmp_path / "letters.csv")
    words = ["task=classify", "dataset=csv", f"dataset.path={table}", "prepare.one_hot=true", "figures=false"]
    assert cli.main([*words, "size=smoke", f"outputs={tmp_path}"]) == 0
    assert "3 features → 12 after one-hot" in capsys.readouterr().out  # 1 number, 8 letters, 3 axes
    (path,) = {file.parent.resolve() for file in tmp_path.rglob("run.json")}
    assert "3 features → 12 after one-hot" in terms(path)["Data"]
    assert json.loads((path / "run.json").read_text())["preparation"]["one_hot"] == {"features": 12}
    assert cli.main(["show", str(path)]) == 0
    assert "3 features → 12 after one-hot" in capsys.readouterr().out


def test_products_are_counted_too(tmp_path: Path) -> None:
    said = terms(
        run(tmp_path, "task=classify", "model=logistic", "prepare.polynomial=2", "figures=false").path
    )
    assert "4 features → 14 after polynomial" in said["Data"]


def test_logistic_regression_warns_of_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, "task=classify", "model=logistic", "figures=false").info["warnings"] == []


@pytest.mark.parametrize("size", [1e100, 1e-100, 1e160, 1e-160])
def test_targets_of_any_size_are_learnt_or_refused(tmp_path: Path, size: float) -> None:
    x = np.linspace(0, 1, 60)
    rows = [f"{a:.6f},{float((3 * a + 1) * size)!r}" for a in x]
    (table := tmp_path / "line.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    words = ("task=regress", "dataset=csv", f"dataset.path={table}", "model=linear", "figures=false")
    if size in (1e160, 1e-160):
        with pytest.raises(DataError, match="'y'"):
            run(tmp_path, *words)
        return
    scores = run(tmp_path, *words).metrics["test"]
    assert scores["r2"] == pytest.approx(1, abs=1e-6)
    assert scores["mae"] < 1e-4 * size


@pytest.mark.parametrize("size", [1e160, 1e-160])
@pytest.mark.parametrize("model", ["mlp", "logistic", "knn"])
def test_columns_of_any_size_are_learnt_from(tmp_path: Path, size: float, model: str) -> None:
    rng = np.random.default_rng(0)
    rows = [
        f"{float(rng.normal())!r},{float((rng.random() + 4 * (i % 2)) * size)!r},{'ab'[i % 2]}"
        for i in range(120)
    ]
    (table := tmp_path / "far.csv").write_text("noise,far,label\n" + "\n".join(rows) + "\n")
    words = ("task=classify", "dataset=csv", f"dataset.path={table}", f"model={model}", "figures=false")
    assert run(tmp_path, *words).metrics["test"]["accuracy"] == 1
