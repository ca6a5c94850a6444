"""Autoencoders and their features, on digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import mean_squared_error, r2_score
from tests.running import run, written

from mlexp.config import compose as configuration
from mlexp.errors import ConfigError, DataError, DivergedError
from mlexp.kinds.reconstruction import reconstruction_scores
from mlexp.models import build_autoencoder

DIGITS = (
    "task=fashion_autoencoder",
    "dataset=digits",
    "model.hidden=[16,4,16]",
    "model.activation=tanh",
    "model.learning_rate=0.01",
    "model.epochs=8",
)


def test_scores_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 6)).astype(np.float32) + 100
    X[:, 4:] = 3  # constant features: one rebuilt exactly, one not
    rebuilt = X + rng.normal(size=X.shape).astype(np.float32) * [0.1, 0.5, 1, 2, 0, 1]
    place = {row.tobytes(): k for k, row in enumerate(X)}
    scores = reconstruction_scores(X, lambda rows: rebuilt[[place[row.tobytes()] for row in rows]])
    assert scores["mse"] == pytest.approx(mean_squared_error(X, rebuilt), rel=1e-6)
    assert scores["r2"] == pytest.approx(r2_score(X, rebuilt), rel=1e-6)
    total = ((X - X.astype(np.float64).mean(axis=0)) ** 2).sum()
    assert scores["r2_weighted"] == pytest.approx(1 - ((X - rebuilt) ** 2).sum() / total, rel=1e-5)


@pytest.mark.parametrize("model", ["autoencoder", "sklearn_mlp"])
def test_both_models_learn_and_draw(tmp_path: Path, model: str) -> None:
    done = run(tmp_path, *DIGITS, f"model={model}")
    assert done.history["validation_loss"][-1] < 0.7 * done.history["validation_loss"][0]
    assert done.metrics["validation"]["mse"] == pytest.approx(done.history["validation_loss"][-1], rel=1e-4)
    assert done.predictions["test_squared_error"].mean() == pytest.approx(
        done.metrics["test"]["mse"], rel=1e-6
    )
    drawn = {file.stem for file in (done.path / "figures").glob("*.png")}
    assert drawn >= {"error_curves", "reconstructions", "latent", "between", "first_weights"}
    np.testing.assert_allclose(done.arrays["between_pixels"][[0, -1]], done.arrays["between_ends"], atol=1e-3)
    assert done.arrays["picture_rebuilt"].shape == (10, 8, 8)


def test_a_linear_network_ends_above_pca_and_near_it(tmp_path: Path) -> None:
    linear = ("model.hidden=[4]", "model.activation=linear", "model.epochs=60", "figures=false")
    done = run(tmp_path, *DIGITS, *linear)
    floor, reached = done.info["facts"]["pca_train_mse"], done.metrics["train"]["mse"]
    assert floor < reached < 1.15 * floor
    parts = dict(
        zip(done.tables["reconstruction"]["part"][3:], done.tables["reconstruction"]["mse"][3:], strict=True)
    )
    assert float(parts["train"]) == floor


def test_their_layers_compute_what_their_own_predict_does(tmp_path: Path) -> None:
    config = configuration.compose([*DIGITS, "model=sklearn_mlp", "model.activation=tanh"])
    built = build_autoencoder(config.model, seed=0)
    X = np.random.default_rng(0).random((50, 7)).astype(np.float32)
    built.fit(X, X_validation=X)
    np.testing.assert_allclose(built.predict(X), built.network.predict(X), rtol=1e-5)
    np.testing.assert_allclose(built.inverse_transform(built.transform(X)), built.predict(X), rtol=1e-6)


def test_features_feed_classifiers(tmp_path: Path) -> None:
    done = run(
        tmp_path, "task=fashion_bottleneck", *DIGITS[1:], "features.epochs=30", "features.learning_rate=0.01"
    )
    table = done.tables["features"]
    assert table["features"] == ["bottleneck", "penultimate", "pca", "raw"]
    assert table["width"] == ["4", "16", "4", "64"]
    assert table["parameters"][1] == str(16 * 17 + 16 * 17 + 10 * 17)  # 16-16-16-10
    accuracy = dict(zip(table["features"], map(float, table["test_accuracy"]), strict=True))
    assert accuracy["raw"] > 0.85
    assert accuracy["raw"] > accuracy["pca"] > 0.4
    assert done.predictions["test_pca_correct"].mean() == pytest.approx(accuracy["pca"])
    assert (done.path / "figures" / "features.png").exists()
    assert len(done.tables["classifier_history"]["epoch"]) == 4 * 30


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for place, kind in enumerate(
        (("model=autoencoder",), ("model=sklearn_mlp",), ("task.kind=features", "features.epochs=2"))
    ):
        first, second = (
            written(
                run(
                    tmp_path / f"{name}{place}",
                    *DIGITS,
                    *kind,
                    "model.epochs=2",
                    "figures=false",
                )
            )
            for name in "ab"
        )
        assert first == second


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("model.hidden=[]", "narrowest layer"),
        ("model.hidden=[100]", "from 1 to 64"),
        ("model=kmeans", "belongs to the built-in networks"),
        ("model=sklearn_mlp model.activation=elu", "one of linear"),
        ("model=sklearn_mlp model.optimizer=rmsprop", "adam or sgd"),
        ("split.validation=0", "no validation set"),
        ("task.kind=features features.of=[]", "one kind of features"),
        ("task.kind=features features.of=[latent]", "bottleneck"),
    ],
)
def test_refused_before_a_folder_is_made(tmp_path: Path, typed: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        run(tmp_path, *DIGITS, *typed.split())
    assert not list(tmp_path.iterdir())


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="kind autoencoder"):
        run(tmp_path, "task=fashion_autoencoder", "dataset=digits", "model=kmeans")


def test_features_need_classes(tmp_path: Path) -> None:
    with pytest.raises((DataError, ConfigError)):
        run(tmp_path, "task=fashion_bottleneck", "dataset=none")


def test_a_run_that_diverges_says_so(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"model\.learning_rate"):
        run(tmp_path, *DIGITS, "model.optimizer=sgd", "model.learning_rate=1e6", "figures=false")


def test_an_autoencoder_that_learnt_nothing_is_warned_of(tmp_path: Path) -> None:
    done = run(tmp_path, *DIGITS, "model.learning_rate=1e-9", "model.epochs=1", "figures=false")
    assert "Nothing was learnt" in done.info["warnings"][0]
