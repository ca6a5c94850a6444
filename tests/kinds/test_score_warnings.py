"""What is said of a fit that learnt nothing, or learnt its training rows by heart."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from tests.running import run

from mlexp import metrics, models
from mlexp.config import schema
from mlexp.config.schema import Config, Model
from mlexp.data.rows import Rows
from mlexp.data.split import Part, Split
from mlexp.kinds import score_warnings


def part(y: np.ndarray) -> Part:
    return Part(Rows(np.zeros((len(y), 1))), y, np.arange(len(y)))


def said(true: list[int], held: list[int], trained: list[int], name: str = "mlp") -> list[str]:
    """Advice for a model that answers `held` on validation and `trained` on training rows, both of classes `true`."""
    y = np.array(true)
    parts = Split(part(y), part(y), part(y[:0]))
    scores = {
        "train": metrics.label_scores(y, np.array(trained), 3),
        "validation": metrics.label_scores(y, np.array(held), 3),
    }
    return score_warnings.of_classes(Config(model=Model(name=name)), parts, scores, {"scale": "standard"})


RARE = [0] * 95 + [1] * 5


def test_macro_recall_not_accuracy_says_whether_anything_was_learnt() -> None:
    weighted = [0] * 76 + [1] * 19 + [1] * 5  # accuracy 0.81 < 0.95, macro recall 0.9
    assert said(RARE, weighted, weighted) == []
    blind = [0] * 100  # accuracy 0.95, macro recall 0.5
    (sentence,) = said(RARE, blind, blind)
    assert sentence.startswith("Nothing was learnt: macro recall is 0.5000")
    assert said([0] * 30, [0] * 30, [0] * 30) == []  # one class: nothing to tell apart


def test_equal_shares_of_any_number_of_classes() -> None:
    for k in (2, 3, 7, 11):
        y = np.repeat(np.arange(k), 4)
        parts = Split(part(y), part(y), part(y[:0]))
        scores = dict.fromkeys(("train", "validation"), metrics.label_scores(y, 0 * y, k))
        assert "Nothing was learnt" in score_warnings.of_classes(Config(), parts, scores, {})[0]


def test_learning_by_heart_has_words_of_its_own() -> None:
    y = [0, 1] * 50
    wrong = [0, 1] * 28 + [1, 0] * 22  # 0.56 of each class
    (sentence,) = said(y, wrong, y, "decision_tree")
    assert sentence.startswith("Overfitting: macro recall is 1.0000 on the training set and 0.5600")
    assert "model.params.max_depth" in sentence
    assert "Nothing" not in sentence
    assert said(y, [0, 1] * 45 + [1, 0] * 5, y) == []
    assert "Overfitting" in said(y, [1, 0] * 50, y)[0]
    assert said([0, 1] * 3, [0, 1, 0, 1, 1, 0], [0, 1] * 3) == []  # six rows show nothing


@pytest.mark.parametrize(
    "name", dict.fromkeys([*models.MODELS["classification"], *models.MODELS["regression"]])
)
def test_every_key_that_is_advised_is_one_of_the_model(name: str) -> None:
    config = Config(model=Model(name=name))
    sentence = " ".join(cure for cures in score_warnings.SETTINGS.get(name, ()) for cure in cures)
    sentence += score_warnings.of_divergence(config, 1, {}) if name in ("mlp", "sklearn_mlp") else ""
    for key in re.findall(r"model\.[a-z_0-9.]+[a-z]", sentence):
        if not key.startswith("model.params."):
            assert key in schema.declared()
            assert not schema.foreign(name, key)
            continue
        for kind in ("classification", "regression"):
            if name in models.MODELS[kind] and (kind, key) != ("regression", "model.params.C"):
                accepted = inspect.signature(models.imported(models.MODELS[kind][name])).parameters
                assert key.removeprefix("model.params.") in accepted


def test_scaling_is_advised_where_it_was_not_done_and_matters() -> None:
    for name, scale, wanted in (
        ("mlp", "none", True),
        ("mlp", "standard", False),
        ("naive_bayes", "none", False),
    ):
        y = np.array(RARE)
        parts = Split(part(y), part(y), part(y[:0]))
        scores = dict.fromkeys(("train", "validation"), metrics.label_scores(y, 0 * y, 2))
        sentences = score_warnings.of_classes(Config(model=Model(name=name)), parts, scores, {"scale": scale})
        assert ("prepare.scale=standard" in sentences[0]) is wanted


def imbalanced(path: Path) -> Path:
    rng = np.random.default_rng(0)
    rare = np.arange(1200) % 20 == 0
    X = rng.normal(size=(1200, 2)) + 2.0 * rare[:, None]
    rows = [f"{a:.5f},{b:.5f},{'rare' if r else 'usual'}" for (a, b), r in zip(X, rare, strict=True)]
    path.write_text("a,b,label\n" + "\n".join(rows) + "\n")
    return path


def test_class_weights_on_unequal_classes_are_learning(tmp_path: Path) -> None:
    table = imbalanced(tmp_path / "rare.csv")
    done = run(
        tmp_path, "task=classify", "dataset=csv", f"dataset.path={table}", "model=logistic",
        "model.params.class_weight=balanced", "figures=false",
    )  # fmt: skip
    scores = done.metrics["validation"]
    assert scores["accuracy"] < 0.95
    assert scores["macro_recall"] > 0.8
    assert done.info["warnings"] == []


def test_a_tree_on_noise_is_over_fitted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        f"{a:.6f},{b:.6f},{'yn'[c]}"
        for a, b, c in zip(*rng.normal(size=(2, 400)), rng.integers(0, 2, 400), strict=True)
    ]
    (table := tmp_path / "noise.csv").write_text("a,b,label\n" + "\n".join(rows) + "\n")
    words = ("task=classify", "dataset=csv", f"dataset.path={table}", "model=decision_tree", "figures=false")
    (sentence,) = run(tmp_path, *words).info["warnings"]
    assert sentence.startswith("Overfitting")
    numbers = (*words[1:], "task=regress", "dataset.target=numbers", "dataset.label=a", "dataset.limit=300")
    table.write_text(table.read_text().replace(",y\n", ",1\n").replace(",n\n", ",0\n"))
    (sentence,) = run(tmp_path, *numbers).info["warnings"]
    assert sentence.startswith("Overfitting: R² is 1.0000")
