"""Classification and regression with every kind of model, through one record."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from tests.running import run, written

from mlexp import metrics, models
from mlexp.config import compose as configuration
from mlexp.config.names import ENGINE_MODELS
from mlexp.config.schema import Model
from mlexp.errors import ConfigError, DataError
from mlexp.kinds import KINDS
from mlexp.models.sklearn_networks import EpochByEpoch
from mlexp.page import tables
from mlexp.page.study import RecordedRun, settings
from mlexp.report import run as pages
from mlexp.store import Run

FAST = ("figures=false", "dataset.limit=300")
needs_data = pytest.mark.skipif("MLEXP_DATA_DIR" not in os.environ, reason="MLEXP_DATA_DIR is not set")


def column(run: Run, table: str, name: str) -> list[float]:
    return [float(cell) for cell in run.tables[table][name]]


@pytest.mark.parametrize(
    "name", [name for name in models.MODELS["classification"] if name not in ENGINE_MODELS]
)
def test_every_classifier_fills_the_same_record(tmp_path: Path, name: str) -> None:
    passes = {"sklearn_mlp": ("model.epochs=9",), "thresholded": ("dataset=breast_cancer",)}.get(name, ())
    done = run(tmp_path, f"model={name}", "prepare.pca=0.9", *passes, *FAST)
    scores, found = done.metrics["test"], done.predictions
    assert scores["accuracy"] > 0.7
    assert found["test_correct"].mean() == pytest.approx(scores["accuracy"])
    assert ("test_probability" in found) == ("loss" in scores) == (name != "svm")
    if "loss" in scores:
        np.testing.assert_allclose(found["test_probability"].sum(axis=1), 1, rtol=1e-5)
        assert found["test_log_loss"].mean(dtype=float) == pytest.approx(scores["loss"])
    assert (done.path / "model.skops").exists()
    assert done.info["facts"]["fit_seconds"] >= 0
    assert done.info["preparation"]["pca"]["kept"].startswith("kept ")


@pytest.mark.parametrize("name", models.MODELS["regression"])
def test_every_regression_beats_the_mean(tmp_path: Path, name: str) -> None:
    done = run(tmp_path, "task=regress", f"model={name}", "figures=false")
    assert done.metrics["test"]["r2"] > (
        -0.3 if name == "decision_tree" else 0.3
    )  # a full tree learns by heart
    again = metrics.regression_scores(done.predictions["test_true"], done.predictions["test_predicted"])
    assert again == pytest.approx(done.metrics["test"])
    assert done.predictions["test_absolute_error"].mean() == pytest.approx(done.metrics["test"]["mae"])


def test_least_squares_in_the_unit_of_the_target(tmp_path: Path) -> None:
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import LinearRegression

    done = run(tmp_path, "task=regress", "model=linear", "model.dtype=float64", "figures=false")
    X, y = load_diabetes(return_X_y=True, scaled=False)
    held = np.concatenate([done.predictions[f"{part}_row"] for part in ("validation", "test")])
    rest = np.setdiff1d(np.arange(len(y)), held)
    oracle = LinearRegression().fit(X[rest], y[rest])
    rows = done.predictions["test_row"]
    np.testing.assert_allclose(done.predictions["test_predicted"], oracle.predict(X[rows]), rtol=1e-6)
    table = done.tables["coefficients"]
    place = table["feature"].index("bmi")
    assert column(done, "coefficients", "coefficient")[place] == pytest.approx(oracle.coef_[2], rel=1e-6)
    standardised = float(table["standardised"][place])
    assert standardised == pytest.approx(oracle.coef_[2] * X[rest, 2].std(), rel=1e-6)
    assert column(done, "coefficients", "coefficient")[-1] == pytest.approx(oracle.intercept_, rel=1e-6)


@pytest.mark.parametrize("task", [(), ("task=regress",)])
def test_scikit_learns_network_is_on_record_epoch_by_epoch(tmp_path: Path, task: tuple[str, ...]) -> None:
    done = run(tmp_path, *task, "model=sklearn_mlp", "model.epochs=6", "model.patience=null", *FAST)
    history = done.history
    np.testing.assert_array_equal(history["epoch"], np.arange(1, 7))
    assert history["train_loss"][-1] < history["train_loss"][0]
    best = int(history["validation_loss"].argmin())
    assert done.info["facts"]["best_epoch"] == best + 1
    if not task:  # the weights of the best epoch are those that were kept
        assert done.metrics["validation"]["loss"] == pytest.approx(history["validation_loss"][best])
        assert done.metrics["validation"]["accuracy"] == pytest.approx(history["validation_accuracy"][best])


def test_each_pass_of_scikit_learns_network_draws_a_new_order(tmp_path: Path) -> None:
    """With a number for a seed `partial_fit` would take the rows in the same order at each pass."""
    from sklearn.neural_network import MLPClassifier

    from mlexp.config.schema import Prepare
    from mlexp.data.preparation import prepared
    from mlexp.data.readers import load
    from mlexp.data.split import split

    done = run(tmp_path, "model=sklearn_mlp", "model.epochs=3", "model.restore_best=false", *FAST)
    dataset = load(limit=300)
    parts, _ = prepared(split(dataset, test=0.2), dataset, Prepare())
    oracle = MLPClassifier([64, 32], learning_rate_init=0.003, batch_size=32, alpha=0)
    oracle.set_params(random_state=np.random.RandomState(0))
    for _ in range(3):
        oracle.partial_fit(np.asarray(parts.train.X), parts.train.y, classes=np.arange(10))
    expected = oracle.predict_proba(np.asarray(parts.test.X))
    np.testing.assert_allclose(done.predictions["test_probability"], expected, rtol=1e-4, atol=1e-7)


def test_an_exploding_network_of_scikit_learn_is_a_diverged_run(tmp_path: Path) -> None:
    from mlexp.errors import DivergedError

    with pytest.raises(DivergedError, match=r"Training diverged.*Try model\.learning_rate"):
        run(
            tmp_path,
            "task=regress",
            "model=sklearn_mlp",
            "model.optimizer=sgd",
            "model.learning_rate=1e6",
            *FAST,
        )


@pytest.mark.parametrize("overrides", [("model=random_forest",), ("model=sklearn_mlp",), ("prepare.pca=5",)])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, overrides: tuple[str, ...]) -> None:
    if "forest" not in overrides[0]:
        overrides = (*overrides, "model.epochs=2")
    first, again = (run(tmp_path, *FAST, *overrides) for _ in range(2))
    assert written(first) == written(again)
    name = "preparation.skops" if "pca" in overrides[0] else "model.skops"
    assert (first.path / name).read_bytes() == (again.path / name).read_bytes()


def test_importances_are_named_and_sorted(tmp_path: Path) -> None:
    done = run(tmp_path, "dataset=iris", "model=random_forest", "figures=false")
    values = column(done, "importances", "importance")
    assert values == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(1)
    assert done.tables["importances"]["feature"][0].startswith("petal")


MARGINS = {
    "six_points": ([-2, -2], 3, np.sqrt(0.5), {(1, 1), (1, 0), (0, 1)}),
    "four_points": ([-2, 0], 5, 1.0, {(2, 3), (3, 3)}),
}


@pytest.mark.parametrize("name", MARGINS)
def test_margins_of_the_report(tmp_path: Path, name: str) -> None:
    w, b, margin, support = MARGINS[name]
    done = run(tmp_path, "task=svm_margin", f"dataset={name}", "figures=false")
    found = dict(zip(done.tables["margin"]["quantity"], column(done, "margin", "value"), strict=True))
    assert [found["w_1"], found["w_2"], found["b"], found["margin"]] == pytest.approx(
        [*w, b, margin], abs=1e-6
    )
    points = zip(column(done, "support_vectors", "x1"), column(done, "support_vectors", "x2"), strict=True)
    assert set(points) == support
    np.testing.assert_allclose(np.abs(column(done, "support_vectors", "score")), 1, atol=1e-6)
    found = column(done, "points", "y_score")
    assert found == pytest.approx(
        {"four_points": [3, 1, 1, 3, 3], "six_points": [3, 1, 1, 1, 5, 3]}[name], abs=1e-6
    )
    assert max(column(done, "kkt", "missed_by")) < 1e-6
    if name == "four_points":  # the point (1, 3) is of class +1
        assert done.info["dataset"]["classes"][done.predictions["test_predicted"][0]] == "+1"
        assert done.tables["points"]["predicted"][-1] == "+1"
        assert column(done, "points", "distance")[-1] == pytest.approx(1.5)
    else:
        assert any("No test set" in sentence for sentence in done.info["warnings"])
    said, figures = KINDS["classification"].answer.answer(RecordedRun(done, settings(done.path)))
    assert f"{found_margin(done):.4g}" in said[0]
    assert not any("%" in sentence for sentence in said)
    assert figures[0].value == f"{found_margin(done):.4g}"
    shown = {table.name for table in pages.page(done).tables}
    assert {"margin", "points", "support_vectors", "kkt"} <= shown
    assert not any(table.startswith(("confusion", "per_class")) for table in shown)
    assert {file.stem for file in pages.draw(done)}.isdisjoint({"confusion", "per_class", "importance"})


def found_margin(run: Run) -> float:
    return float(run.tables["margin"]["value"][run.tables["margin"]["quantity"].index("margin")])


def test_a_soft_margin_is_measured_on_every_point(tmp_path: Path) -> None:
    done = run(
        tmp_path, "dataset=moons", "model=svm", "+model.params.kernel=linear", "+model.params.C=0.5", *FAST
    )
    points = done.tables["points"]
    values = np.array([points[name] for name in list(points)[:2]], float).T
    kept = np.array(points["set"]) == "train"
    assert max(column(done, "kkt", "missed_by")) < 0.02  # the tolerance of the solver
    assert np.unique(np.array(points["multiplier"])[kept]).size > 1
    assert len(values) <= 400


def test_names_of_features_that_the_table_of_points_uses_itself(tmp_path: Path) -> None:
    lines = [f"{a},{b},{'x' if a > b else 'y'}" for a, b in np.random.default_rng(0).normal(size=(40, 2))]
    (tmp_path / "t.csv").write_text("\n".join(["score,set,kind", *lines]) + "\n")
    words = ["task=classify", "dataset=csv", f"dataset.path={tmp_path / 't.csv'}", "dataset.label=kind"]
    done = run(tmp_path, *words, "model=svm", "+model.params.kernel=linear", "figures=false")
    assert list(done.tables["points"])[:4] == ["score_", "set_", "set", "class"]
    assert set(done.tables["points"]["set"]) == {"train", "test"}


@pytest.mark.parametrize("rows", [1, 3])
def test_a_few_test_rows_are_counted_not_estimated(tmp_path: Path, rows: int) -> None:
    lines = [f"{a:.3f},{'x' if a > 0 else 'y'}" for a in np.random.default_rng(0).normal(size=30)]
    (tmp_path / "t.csv").write_text("\n".join(["a,kind", *lines]) + "\n")
    words = ["task=classify", "dataset=csv", f"dataset.path={tmp_path / 't.csv'}", "dataset.label=kind"]
    share = ["split.test=" + str(rows / 30 + 0.001), "split.stratify=false"]
    done = run(tmp_path, *words, *share, "model=logistic", "figures=false")
    n = int(done.info["split"]["test"])
    said, _ = KINDS["classification"].answer.answer(RecordedRun(done, settings(done.path)))
    assert n <= 3
    assert f" of {n} " in said[0]
    assert "%" not in " ".join(said)


def test_moons_boundary_is_recorded_in_raw_features(tmp_path: Path) -> None:
    done = run(tmp_path, "task=moons_boundary", "figures=false")
    assert done.info["preparation"]["polynomial"] == {"features": 5}
    assert done.metrics["train"]["accuracy"] == pytest.approx(0.917, abs=0.03)  # 60 seeds: 0.917 ± 0.010
    arrays = done.arrays
    assert (arrays["boundary_class"] == (arrays["boundary_probability"] > 0.5)).all()
    column_of = np.abs(arrays["boundary_x"][:, None] - arrays["test_points"][:, 0]).argmin(axis=0)
    row_of = np.abs(arrays["boundary_y"][:, None] - arrays["test_points"][:, 1]).argmin(axis=0)
    agree = arrays["boundary_class"][row_of, column_of] == done.predictions["test_predicted"]
    assert agree.mean() > 0.97


REFUSED = [
    (
        ("model=random_forest", "model.hidden=[3]"),
        ConfigError,
        r"model\.hidden belongs to the built-in networks",
    ),
    (("model=mlp", "+model.params.alpha=1"), ConfigError, r"belongs to scikit-learn's models"),
    (("model=random_forest", "model.params.n_estimators=-1"), ConfigError, r"'n_estimators' .* \[1, inf\)"),
    (("model=random_forest", "model.params.n_estimator=1"), ConfigError, r"Did you mean 'n_estimators'"),
    (
        ("model=knn", "model.params.n_neighbors=5000"),
        ConfigError,
        r"at most 1294, the number of training samples\. Got 5000",
    ),
    (("model.name=sklearn.linear_model.Ridge",), ConfigError, r"Ridge is not a classifier"),
    (("model.name=json.JSONDecoder",), ConfigError, r"package 'json', which is not trusted"),
    (("model=kmeans",), ConfigError, r"belongs to tasks of kind clustering"),
    (("model=sklearn_mlp", "model.activation=gelu"), ConfigError, r"with model=sklearn_mlp\. Got 'gelu'"),
    (("model=sklearn_mlp", "model.params.max_iter=3"), ConfigError, r"set model\.epochs"),
    (("model=sklearn_mlp", "model.params.solver=lbfgs"), ConfigError, r"set model\.optimizer"),
    (("model=sklearn_mlp", "model.params.early_stopping=true"), ConfigError, r"set model\.patience"),
    (("split.validation=0",), ConfigError, r"leaves nothing to stop by"),
    (("prepare.pca=1.5",), ConfigError, r"prepare\.pca must be null or a number in \(0, 1\) .* Got 1\.5"),
    (("dataset=diabetes",), DataError, r"has numbers to predict"),
    (("task=regress", "dataset=iris", "dataset.target=classes"), DataError, r"has classes"),
]


@pytest.mark.parametrize(
    ("overrides", "error", "message"), REFUSED, ids=[" ".join(case[0]) for case in REFUSED]
)
def test_what_cannot_run_leaves_nothing_behind(
    tmp_path: Path, overrides: tuple[str, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        run(tmp_path, *overrides)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_settings_of_a_file_are_no_mistake_of_the_person() -> None:
    config = configuration.compose(["task=digits_mlp", "model=random_forest", "size=smoke"])
    assert config.model.hidden == [64, 32]


def test_keys_of_the_node_in_scikit_learns_words() -> None:
    found = models.build(
        Model(name="sklearn_mlp", hidden=[5], activation="sigmoid", l2=0.01, batch_size=10), seed=3
    )
    assert (found.hidden_layer_sizes, found.activation, found.random_state) == ((5,), "logistic", 3)
    assert found.alpha == pytest.approx(0.1)  # divided by the rows of a batch there
    X, y = np.random.default_rng(0).normal(size=(108, 2)), np.arange(108) % 2
    for node, batch_size, alpha in (
        (Model(name="sklearn_mlp", l2=0.01, batch_size=512, epochs=1), 108, 1.08),
        (Model(name="sklearn_mlp", l2=0.01, params={"alpha": 0.5, "batch_size": 20}, epochs=1), 20, 0.5),
    ):
        network = EpochByEpoch(models.build(node, seed=3), node, 3).fit(X, y, n_classes=2).network
        assert network.batch_size == batch_size  # never more than there are rows
        assert network.alpha == pytest.approx(alpha)


def test_a_boundary_is_drawn_where_cells_are_empty(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    lines = [f"{a:.3f},{b:.3f},{'high' if a > 0 else 'low'}" for a, b in x]
    lines[3] = f",{x[3, 1]:.3f},low"
    (tmp_path / "two.csv").write_text("\n".join(["a,b,kind", *lines]) + "\n")
    words = ["task=classify", "dataset=csv", f"dataset.path={tmp_path / 'two.csv'}", "dataset.label=kind"]
    done = run(tmp_path, *words, "model=logistic", "prepare.impute=mean")
    assert np.isfinite(done.arrays["boundary_x"]).all()
    assert np.isfinite(done.arrays["train_points"]).all()
    assert (done.path / "figures" / "boundary.png").exists()


@needs_data
def test_kept_gaps_keep_the_output_of_the_unused_number(tmp_path: Path) -> None:
    done = run(tmp_path, "task=sign_mlp_rates", "task.kind=classification", "size=smoke", "figures=false")
    assert done.info["facts"]["n_parameters"] == 168_325


@pytest.mark.parametrize(
    ("loss", "closed_form"),
    [
        ("mse", lambda e: np.mean(e**2)),
        ("mae", lambda e: np.mean(np.abs(e))),
        # PyTorch's HuberLoss and SmoothL1Loss with delta = beta = 1
        ("huber", lambda e: np.mean(np.where(np.abs(e) < 1, 0.5 * e**2, np.abs(e) - 0.5))),
    ],
)
def test_a_network_minimises_the_loss_that_was_asked_for(tmp_path: Path, loss: str, closed_form) -> None:
    """The recorded loss of the best epoch is that of its errors, in standard deviations of the training targets."""
    words = (f"model.loss={loss}", "model.epochs=12", "record.metrics=[r2]", "figures=false")
    done = run(tmp_path, "task=regress", *words)
    best = done.info["facts"]["best_epoch"] - 1
    errors = done.predictions["validation_predicted"] - done.predictions["validation_true"]
    recorded = done.history["validation_loss"][best]
    assert recorded == pytest.approx(closed_form(errors / done.predictions["train_true"].std()))
    assert done.history["validation_r2"][best] == pytest.approx(done.metrics["validation"]["r2"])


def test_further_metrics_of_the_best_epoch_are_those_of_its_predictions(tmp_path: Path) -> None:
    for model in ("mlp", "sklearn_mlp"):
        words = (f"model={model}", "model.epochs=6", "record.metrics=[precision,recall,f1]")
        done = run(tmp_path, *words, *FAST)
        best = done.info["facts"]["best_epoch"] - 1
        for name in ("precision", "recall", "f1"):
            recorded = done.history[f"validation_{name}"][best]
            assert recorded == pytest.approx(done.metrics["validation"][f"macro_{name}"])


def test_the_table_of_layers_has_shapes_and_on_the_page_a_total(tmp_path: Path) -> None:
    done = run(tmp_path, "model.hidden=[5]", "model.batch_norm=true", "model.epochs=1", *FAST)
    table = done.tables["layers"]
    assert table["layer"] == ["Dense(5)", "BatchNorm", "relu", "Dense(10)"]
    assert table["weight_shape"] == ["64 × 5", "5", "", "5 × 10"]
    assert (table["inputs"][0], table["outputs"][0], table["bias_shape"][0]) == ("64", "5", "5")
    n_parameters, n_biases, n_not_trained = 64 * 5 + 5 + 2 * 5 + 5 * 10 + 10, 15, 10
    assert (done.info["facts"]["n_parameters"], done.info["facts"]["n_biases"]) == (n_parameters, n_biases)
    (shown,) = (table for table in tables.tables(done.path) if table.name == "layers")
    assert [cell.text for cell in shown.rows[-1]] == ["total", "", "", "", "", str(n_parameters)]
    for count in (n_parameters + n_not_trained, n_parameters, n_not_trained, n_biases):
        assert f" {count} " in shown.note
    assert shown.header[1:5] == ["input shape", "output shape", "weight shape", "bias shape"]


def test_a_table_of_layers_of_an_older_version_has_a_total_too(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/layers.csv").write_text(
        "layer,outputs,parameters\nDense(5),5,325\nrelu,5,0\nDense(10),10,60\n"
    )
    (shown,) = tables.tables(tmp_path)
    assert [cell.text for cell in shown.rows[-1]] == ["total", "", "385"]
