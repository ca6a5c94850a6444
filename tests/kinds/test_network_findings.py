"""What a run folder says about a network: each sentence where its cause was made, and silence elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.running import run

from mlexp.errors import DataError
from mlexp.kinds.network_findings import network_findings
from mlexp.kinds.weights import dense_layers, inputs, table
from mlexp.nn.estimators import Autoencoder, MLPClassifier, MLPRegressor
from mlexp.nn.layers import Dense
from mlexp.page.study import settings as recorded
from mlexp.store import Run, record
from mlexp.store.result import Result

MODEL: dict[str, Any] = {"activation": "relu", "init": "auto", "restore_best": True}
X = np.random.default_rng(0).normal(size=(60, 3))


def said(tmp_path: Path, train=(1.0, 0.5, 0.4, 0.4), validation=(1.0, 0.6, 0.5, 0.5), looks=(), model=None, fitted=None,
         metrics=None, stopped="patience", kind="classification") -> str:  # fmt: skip
    """Return what is said of a run folder with these curves, looks and weights."""
    folder = record.create(tmp_path, "made", "0a1b2c3d")
    for epoch, losses in enumerate(zip(train, validation, strict=True), 1):
        folder.append_epoch({"epoch": epoch, "train_loss": losses[0], "validation_loss": losses[1]}, 0.1)
    for look in looks:
        folder.append_diagnosis(look)
    folder.write_info({
        "status": "completed", "task": {"name": "made", "kind": kind}, "facts": {"stopped": stopped},
        "dataset": {"name": "made", "classes": ["a", "b"] if kind == "classification" else []},
        "split": {"train": 60, "validation": 100},
    })  # fmt: skip
    arrays = {} if fitted is None else fitted.to_arrays()
    folder.write_result(Result(metrics=metrics or {}, model=arrays))
    folder.close(keep_checkpoint=False)
    return " ".join(network_findings(Run.open(folder.path), {"model": MODEL | (model or {})}))


def test_nothing_is_said_where_nothing_holds(tmp_path: Path) -> None:
    looks = [{"epoch": 1, "gradient_norm_1": 0.5, "gradient_norm_2": 0.4, "dead_1": 0.05, "saturated_2": 0.4}]
    fitted = MLPClassifier(hidden=[4], epochs=2).fit(X, X[:, 0] > 0)
    scores = {"train": {"accuracy": 0.96, "macro_recall": 0.95}, "validation": {"accuracy": 0.95}}
    assert said(tmp_path, looks=looks, fitted=fitted, metrics=scores) == ""


def test_over_fitting_is_dated_by_its_best_epoch(tmp_path: Path) -> None:
    found = said(tmp_path, (1, 0.5, 0.3, 0.2, 0.1, 0.05), (1, 0.6, 0.7, 0.8, 0.8, 0.8))
    assert "overfits from epoch 2 on" in found
    assert "0.6 to 0.8" in found
    assert "epoch 2 were kept" in found
    assert "kept" not in said(
        tmp_path, (1, 0.5, 0.3, 0.2, 0.1), (1, 0.6, 0.7, 0.8, 0.8), model={"restore_best": False}
    )
    # Neither a rise of a hundredth nor a training loss that rises too is overfitting.
    assert said(tmp_path, (1, 0.5, 0.3, 0.2, 0.1), (1, 0.6, 0.606, 0.606, 0.606)) == ""
    assert said(tmp_path, (1, 0.5, 0.6, 0.7, 0.8), (1, 0.6, 0.7, 0.8, 0.8)) == ""


def test_a_gap_is_one_beyond_two_standard_errors(tmp_path: Path) -> None:
    def gap(train: float, held: float) -> str:
        return said(tmp_path, metrics={"train": {"accuracy": train}, "validation": {"accuracy": held}})

    assert "gap of 15.0 points" in gap(0.95, 0.80)  # two standard errors of 0.8 over 100 samples are 8 points
    assert gap(0.89, 0.80) == ""


@pytest.mark.parametrize(("accuracy", "word"), [(0.6, "underfits"), (0.97, "had not converged")])
def test_losses_that_still_fall_at_the_limit_of_epochs(tmp_path: Path, accuracy: float, word: str) -> None:
    falling, scores = np.linspace(1, 0.5, 20), {"train": {"accuracy": accuracy}}
    assert word in said(tmp_path, falling, falling, metrics=scores, stopped="epochs")
    assert said(tmp_path, falling, falling, metrics=scores, stopped="patience") == ""
    done = np.r_[np.linspace(1, 0.5, 18), 0.4999, 0.4998]
    assert said(tmp_path, done, done, metrics=scores, stopped="epochs") == ""


def test_chance_is_that_of_a_constant(tmp_path: Path) -> None:
    assert "chance level: " in said(tmp_path, metrics={"train": {"macro_recall": 0.5}})
    assert said(tmp_path, metrics={"train": {"macro_recall": 0.53}}) == ""
    assert "explains nothing: " in said(tmp_path, metrics={"train": {"r2": -0.001}}, kind="regression")


def look(epoch: int, **columns: float) -> dict[str, float]:
    return {"epoch": epoch} | columns


@pytest.mark.parametrize(
    ("looks", "word"),
    [
        ([look(k, gradient_norm_1=1e-4, gradient_norm_2=1e-2, gradient_norm_3=0.5) for k in (1, 2, 4)], "vanish"),
        ([look(k, gradient_norm_1=0.0, gradient_norm_2=0.0, gradient_norm_3=0.5) for k in (1, 2)], "layers 1 and 2"),
        ([look(1, gradient_norm_1=1, gradient_norm_2=1), look(2, gradient_norm_1=np.nan, gradient_norm_2=1)],
         "after epoch 2"),
        ([look(1, dead_1=0.5, dead_2=0.0), look(2, dead_1=0.1, dead_2=0.3)], "hidden layer 2"),
        ([look(1, saturated_1=0.9), look(2, saturated_1=0.6)], "already"),
        ([look(1, saturated_1=0.2), look(2, saturated_1=0.6)], "Saturated"),
        ([look(1, saturated_1=0.9), look(2, saturated_1=0.4)], ""),
        ([look(1, gradient_norm_1=0.0, gradient_norm_2=0.0)] * 2, "No gradient"),
    ],
)  # fmt: skip
def test_what_the_layers_show(tmp_path: Path, looks, word: str) -> None:
    found = said(tmp_path, looks=looks)
    assert word in found
    assert bool(found) == bool(word)


@pytest.mark.parametrize(("init", "equal"), [("zeros", True), ("ones", True), ("he", False)])
def test_units_that_start_alike_stay_alike(tmp_path: Path, init: str, equal: bool) -> None:
    fitted = MLPClassifier(hidden=[5, 4], activation="sigmoid", init=init, epochs=3).fit(X, X[:, 0] > 0)
    found = said(tmp_path, fitted=fitted, model={"init": init, "activation": "sigmoid"})
    assert ("hidden layers 1 and 2 have equal weights" in found) == equal


@pytest.mark.parametrize(
    ("activation", "which"),
    [
        ("linear", "three layers"),
        (["linear", "relu"], "(layers 1 to 2)"),
        (["relu", "linear"], "(layers 2 to 3)"),
        (["relu", "tanh"], ""),
    ],
)
def test_layers_without_an_activation_between_them_are_one(tmp_path: Path, activation, which: str) -> None:
    fitted = MLPClassifier(hidden=[5, 2], activation=activation, epochs=1).fit(X, X[:, 0] > 0)
    found = said(tmp_path, fitted=fitted, model={"activation": activation})
    assert which in found
    assert ("rank at most 2" in found) == bool(which)


@settings(max_examples=20)
@given(st.lists(st.integers(1, 4), max_size=3), st.booleans(), st.booleans(), st.integers(0, 3))
def test_weights_of_a_folder_are_those_of_the_network(
    tmp_path_factory, hidden, bias, batch_norm, kind
) -> None:
    """The outputs computed from them by hand are the network's own (without batch normalisation)."""
    y = X @ [[1.0], [2.0], [0.0]] if kind == 1 else (X[:, 0] > 0).astype(int) + (kind == 2) * (X[:, 1] > 1)
    options = {"hidden": hidden, "bias": bias, "batch_norm": batch_norm, "epochs": 1, "activation": "tanh"}
    if kind == 3:
        made = Autoencoder(**options | {"hidden": [*hidden, 2]})
    else:
        made = (
            MLPRegressor(**options)
            if kind == 1
            else MLPClassifier(**options, output=["sigmoid", "", "softmax"][kind])
        )
    made.fit(X, y)
    folder = record.create(tmp_path_factory.mktemp("made"), "made", "0a1b2c3d")
    folder.write_result(Result(model=made.to_arrays()))
    layers = dense_layers(Run(folder.path))
    folder.close(keep_checkpoint=False)
    assert sum(W.size for W, _ in layers) == made.network_.n_weights
    assert sum(b.size for _, b in layers) == made.n_biases_
    views = made.network_.bind(made.theta_)
    dense = [views[k] for k, layer in enumerate(made.network_.layers) if isinstance(layer, Dense)]
    for layer, (W, *b) in zip(layers, dense, strict=True):
        assert (layer.W == W).all()
        assert layer.b.tolist() == (b[0][0].tolist() if bias else [])
    cells = table(layers, ["p", "q", "r"], [])
    assert len(cells["value"]) == made.network_.n_weights + made.n_biases_
    if batch_norm and (hidden or kind == 3):
        return
    H = X.astype(made.dtype)
    for k, (W, b) in enumerate(layers):
        H = H @ W + (b if b.size else 0)
        H = np.tanh(H) if k < len(layers) - 1 else H
    np.testing.assert_allclose(H, made.logits(X), rtol=1e-4, atol=1e-5)


def test_a_damaged_network_is_one_line(tmp_path: Path) -> None:
    fitted = MLPClassifier(hidden=[4], epochs=1).fit(X, X[:, 0] > 0)
    for broken in ({"theta": np.zeros(3)}, {"settings": np.array("{}")}, {"n_features_in_": np.array("x")}):
        folder = record.create(tmp_path, "made", "0a1b2c3d")
        folder.write_result(Result(model=fitted.to_arrays() | broken))
        folder.close(keep_checkpoint=False)
        with pytest.raises(DataError, match=r"model\.npz"):
            dense_layers(Run(folder.path))


def test_small_networks_of_either_library_keep_their_numbers_with_names(tmp_path: Path) -> None:
    for model in ("mlp", "sklearn_mlp"):
        words = ("task=classify", "dataset=iris", f"model={model}", "model.hidden=[4]", "model.epochs=2")
        done = run(tmp_path, *words, "figures=false")
        cells = done.tables["weights"]
        assert len(cells["value"]) == done.info["facts"]["n_parameters"] == 4 * 4 + 4 + 4 * 3 + 3
        assert cells["from"][:5] == [
            "sepal length (cm)",
            "sepal width (cm)",
            "petal length (cm)",
            "petal width (cm)",
            "bias",
        ]
        assert set(cells["to"][-15:]) == {"setosa", "versicolor", "virginica"}
        ((first, _), *_) = dense_layers(done)
        assert first.T.ravel()[:4].tolist() == pytest.approx(
            [float(cell) for cell in cells["value"][:4]], rel=1e-5
        )
        network_findings(done, recorded(done.path))


def test_inputs_are_called_what_the_preparation_made_of_them(tmp_path: Path) -> None:
    for words, names in (
        (("prepare.pca=3",), ["pc1", "pc2", "pc3"]),
        (("dataset=moons", "prepare.polynomial=2"), ["x1", "x2", "x1^2"]),
    ):
        done = run(tmp_path, *words, "model.epochs=1", "dataset.limit=100", "figures=false")
        assert inputs(done, len(done.arrays["input_names"]))[:3] == names
