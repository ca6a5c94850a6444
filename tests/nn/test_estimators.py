"""The scikit-learn face: scikit-learn's own checks, storage, what is learnt, what is refused."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, make_circles, make_moons
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from mlexp.errors import ConfigError, DataError
from mlexp.nn.estimators import Autoencoder, MLPClassifier, MLPRegressor
from mlexp.nn.hyperparameters import stack_key
from mlexp.nn.stack import fit_stack

WEIGHTS = "check_sample_weight_equivalence_on_dense_data"
WHOLE = {
    "batch_size": "full",
    "validation_fraction": 0.0,
    "dtype": "float64",
    "epochs": 60,
    "learning_rate": 0.02,
}
digits = load_digits()
X, y = digits.data / 16, digits.target


@pytest.mark.parametrize(
    ("model", "excused"),
    [
        (MLPClassifier(epochs=60), {WEIGHTS}),
        (MLPClassifier(**WHOLE), set()),
        (MLPRegressor(epochs=60), {WEIGHTS}),
        (MLPRegressor(**WHOLE), set()),
        (Autoencoder(hidden=(2,), epochs=60), set()),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, set) else str(len(value)),
)
def test_scikit_learns_own_checks(model, excused):
    """A row of weight 2 is the row twice only without batches drawn by chance: scikit-learn runs that
    check on its own networks with a solver without them (lbfgs), here it runs on the full batch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(model, on_fail=None, on_skip=None)
    failed = {
        result["check_name"]: str(result["exception"]) for result in results if result["status"] == "failed"
    }
    passed = sum(result["status"] == "passed" for result in results)
    print(f"{type(model).__name__}: {passed} of {len(results)} checks passed")
    assert set(failed) <= excused, failed
    assert passed >= 45


def test_digits_are_learnt_and_the_model_can_be_stored():
    model = MLPClassifier(learning_rate=3e-3).fit(X[:1400], y[:1400])
    assert model.score(X[1400:], y[1400:]) > 0.9
    assert model.status_ == "patience"
    assert len(model.history_) == model.best_epoch_ + 10 == len(model.seconds_)
    file = io.BytesIO()
    np.savez(file, **model.to_arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        again = MLPClassifier.from_arrays(dict(arrays))
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.get_params()["learning_rate"] == 3e-3


@pytest.mark.parametrize("labels", [["no", "yes"], [-1, 1], [False, True], [2.0, 7.0]])
def test_any_labels_come_back_as_they_were(labels):
    targets = np.array(labels)[(X[:, 20] > 0.5).astype(int)]
    model = MLPClassifier(epochs=5).fit(X, targets)
    assert model.predict(X).dtype == targets.dtype
    again = MLPClassifier.from_arrays(model.to_arrays())
    assert np.array_equal(again.predict(X), model.predict(X))


def test_codes_of_a_class_without_rows():
    model = MLPClassifier(hidden=[], epochs=2).fit(X, np.where(y == 9, 0, y), n_classes=11)
    assert model.predict_proba(X).shape == (len(X), 11)
    with pytest.raises(DataError, match="Label 9 is not among the 9 classes"):
        MLPClassifier(epochs=1).fit(X, y, n_classes=9)


def test_two_classes_through_one_logistic_output():
    rows, codes = make_moons(400, noise=0.1, random_state=0)
    model = MLPClassifier(hidden=[25, 25], output="sigmoid", learning_rate=0.01).fit(rows, codes)
    assert model.score(rows, codes) > 0.97
    assert model.predict_proba(rows).sum(axis=1) == pytest.approx(1)
    assert model.n_parameters_ == 2 * 25 + 25 + 25 * 25 + 25 + 25 + 1


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_xor(activation):
    rows, codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 25, dtype=float), np.array([0, 1, 1, 0] * 25)
    model = MLPClassifier(hidden=[8], activation=activation, learning_rate=0.05, epochs=300, patience=None)
    assert model.fit(rows, codes).score(rows, codes) == 1


@pytest.mark.parametrize("make", [make_moons, make_circles])
def test_moons_and_circles(make):
    options = {"factor": 0.4} if make is make_circles else {}
    rows, codes = make(600, noise=0.05, random_state=1, **options)
    model = MLPClassifier(hidden=[16, 16], learning_rate=0.01).fit(rows[:400], codes[:400])
    assert model.score(rows[400:], codes[400:]) > 0.98


def test_works_with_pipelines_searches_and_frames():
    frame = pd.DataFrame(X[:300], columns=digits.feature_names)
    model = make_pipeline(
        StandardScaler().set_output(transform="pandas"), MLPClassifier(hidden=[16], epochs=15)
    )
    search = GridSearchCV(model, {"mlpclassifier__learning_rate": [1e-4, 1e-2]}, cv=2).fit(frame, y[:300])
    assert search.best_params_ == {"mlpclassifier__learning_rate": 1e-2}
    assert list(search.best_estimator_[-1].feature_names_in_) == digits.feature_names
    assert cross_val_score(search.best_estimator_, frame, y[:300], cv=3).mean() > 0.8


def test_codes_as_frames_within_a_pipeline():
    """What `fit_transform` and `transform` return of a row has one type, else scoring warns of missing names."""
    frame = pd.DataFrame(X[:120], columns=digits.feature_names)
    model = make_pipeline(
        StandardScaler(), Autoencoder(hidden=(2,), epochs=2), MLPClassifier(hidden=[8], epochs=2)
    )
    model.set_output(transform="pandas")
    names = ["autoencoder0", "autoencoder1"]
    assert list(model[:-1].fit_transform(frame).columns) == list(model[:-1].transform(frame).columns) == names
    assert len(cross_val_score(model, frame, y[:120], cv=2)) == 2
    assert list(clone(model).fit(frame, y[:120])[-1].feature_names_in_) == names
    grid = {"autoencoder__hidden": [(2,), (3,)], "mlpclassifier__seed": [0, 1]}
    assert len(GridSearchCV(model, grid, cv=2).fit(frame, y[:120]).cv_results_["params"]) == 4


def test_a_stack_of_models_equals_models_one_by_one():
    models = [
        MLPClassifier(
            hidden=[12],
            optimizer="sgd",
            momentum=momentum,
            learning_rate=rate,
            seed=seed,
            init=init,
            patience=2,
            epochs=40,
        )
        for seed, (rate, momentum, init) in enumerate(
            [(0.1, 0.9, "auto"), (0.5, 0.5, "normal"), (0.02, 0.7, "random")]
        )
    ]
    assert len({stack_key(model.get_params()) for model in models}) == 1
    alone = [clone(model).fit(X, y) for model in models]
    fit_stack(models, X, y)
    for one, other in zip(alone, models, strict=True):
        assert one.theta_.tobytes() == other.theta_.tobytes()
        assert one.history_ == other.history_
        assert one.status_ == other.status_
        assert np.array_equal(one.predict_proba(X), other.predict_proba(X))
    assert len({len(model.history_) for model in models}) > 1
    with pytest.raises(ConfigError, match="must agree"):
        fit_stack([models[0], clone(models[0]).set_params(momentum=0.0)], X, y)


def test_a_stored_state_goes_on_with_the_same_bits():
    model = MLPClassifier(hidden=[8], dropout=0.1, epochs=9, patience=None)
    whole = clone(model).fit(X, y)
    part = clone(model).fit(X, y, should_stop=lambda: True)
    assert part.status_ == "interrupted"
    again = clone(model).fit(X, y, resume=part.state_.to_arrays())
    assert again.theta_.tobytes() == whole.theta_.tobytes()
    assert again.history_ == whole.history_


def test_callback_gets_record_and_seconds_and_may_stop():
    seen = []

    def on_epoch(record, seconds):
        seen.append((record["epoch"], seconds > 0))
        return record["epoch"] == 3

    model = MLPClassifier(epochs=9).fit(X, y, on_epoch=on_epoch)
    assert seen == [(1, True), (2, True), (3, True)]
    assert model.status_ == "callback"


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_a_rate_of_a_million_diverges(optimizer, activation):
    model = MLPClassifier(learning_rate=1e6, optimizer=optimizer, activation=activation).fit(X, y)
    assert model.status_ == "diverged"
    assert len(model.history_) < 20


def test_hidden_outputs_are_those_of_each_activation():
    model = MLPClassifier(hidden=[7, 5], activation=["relu", "tanh"], dropout=0.2, epochs=2).fit(X, y)
    first, second = model.hidden_outputs(X)
    views = model.network_.bind(model.theta_)
    W, b = views[0]
    assert first == pytest.approx(np.maximum(X @ W + b, 0), abs=1e-5)
    assert second.shape == (len(X), 5)
    assert [row["layer"] for row in model.summary()] == [
        "Dense(7)", "relu", "Dropout(0.2)", "Dense(5)", "tanh", "Dropout(0.2)", "Dense(10)",
    ]  # fmt: skip


def test_regression_of_several_outputs_reports_the_loss_that_it_minimises():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 3))
    T = np.stack([rows[:, 0] ** 2, np.sin(rows[:, 1]), rows.sum(axis=1)], axis=1)
    model = MLPRegressor(hidden=[32, 32], activation="tanh", learning_rate=0.01).fit(
        rows[:300], T[:300], rows[300:], T[300:]
    )
    assert model.score(rows[300:], T[300:]) > 0.9
    best = model.history_[model.best_epoch_ - 1]["validation_loss"]
    assert best == pytest.approx(((model.predict(rows[300:]) - T[300:]) ** 2).mean())


def test_linear_regression_finds_the_least_squares_solution():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3))
    t = rows @ [1.0, -2.0, 0.5] + 3 + 0.1 * rng.normal(size=200)
    model = MLPRegressor(
        hidden=[], optimizer="sgd", learning_rate=0.1, batch_size="full", epochs=500, validation_fraction=0.0
    )
    exact = np.linalg.lstsq(np.c_[rows, np.ones(200)], t, rcond=None)[0]
    assert model.fit(rows, t).theta_ == pytest.approx(exact, abs=1e-8)


def test_a_linear_autoencoder_reaches_pca_and_does_not_beat_it():
    rows = X[:500] - X[:500].mean(axis=0)
    pca = PCA(8).fit(rows)
    floor = ((pca.inverse_transform(pca.transform(rows)) - rows) ** 2).mean()
    model = Autoencoder(
        hidden=[8],
        activation="linear",
        learning_rate=0.01,
        epochs=400,
        patience=None,
        validation_fraction=0.0,
    )
    reached = -model.fit(rows).score(rows)
    assert floor <= reached < 1.02 * floor
    codes = model.transform(rows)
    assert codes.shape == (500, 8)
    assert model.inverse_transform(codes) == pytest.approx(model.predict(rows), abs=1e-6)
    assert model.get_feature_names_out()[0] == "autoencoder0"
    assert Autoencoder(hidden=[32, 4, 32], epochs=1).fit(rows).transform(rows).shape == (500, 4)


def test_partial_fit_makes_one_pass_a_call():
    model = MLPClassifier(learning_rate=0.01)
    for _ in range(15):
        model.partial_fit(X[:700], y[:700], classes=np.arange(10))
        model.partial_fit(X[700:1400], y[700:1400])
    assert len(model.history_) == 30
    assert model.score(X[1400:], y[1400:]) > 0.85
    line = MLPRegressor(hidden=[], learning_rate=0.1)
    for _ in range(50):
        line.partial_fit(X[:, 20:22], X[:, 20])
    assert line.score(X[:, 20:22], X[:, 20]) > 0.99


def test_weights_of_classes_move_predictions():
    rows = np.random.default_rng(0).normal(size=(400, 2))
    codes = (rows[:, 0] + np.random.default_rng(1).normal(size=400) > 1.5).astype(int)
    plain = MLPClassifier(hidden=[], learning_rate=0.05).fit(rows, codes)
    balanced = MLPClassifier(hidden=[], learning_rate=0.05, class_weight="balanced").fit(rows, codes)
    assert balanced.predict(rows).sum() > 1.5 * plain.predict(rows).sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"hidden": [4, 4], "activation": ["relu"]},
            "'activation' must be one name or one for each of the 2",
        ),
        ({"hidden": [0]}, "'units' of Dense must be a whole number of at least 1. Got 0"),
        ({"optimizer": "adm"}, "'optimizer' must be one of .* Got 'adm'. Did you mean 'adam'"),
        ({"activation": "rleu"}, "'kind' of Activation must be one of .* Did you mean 'relu'"),
        ({"dropout": 1.0}, r"'rate' of Dropout must be in \[0, 1\). Got 1.0"),
        ({"learning_rate": -1}, "'learning_rate' must be above 0. Got -1"),
        ({"momentum": 1.0}, r"'momentum' must be in \[0, 1\). Got 1.0"),
        ({"batch_size": "half"}, "'batch_size' must be at least 1, or full. Got 'half'"),
        ({"dtype": "float16"}, "'dtype' must be float32 or float64. Got 'float16'"),
        (
            {"schedule": "step", "schedule_options": {"evry": 3}},
            "'schedule_options' do not fit schedule step",
        ),
        ({"output": "sigmoid"}, "'output' of a classifier may be sigmoid for 2 classes only. Got 10"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(options, message):
    with pytest.raises(ConfigError, match=message):
        MLPClassifier(**options).plan(64, 10)


def test_refuses_data_that_do_not_fit():
    model = MLPClassifier(epochs=1)
    with pytest.raises(NotFittedError):
        model.predict(X)
    model.fit(X, y)
    with pytest.raises(ValueError, match="63 features"):
        model.predict(X[:, 1:])
    with pytest.raises(DataError, match="Label 10 is not among the 10 classes"):
        MLPClassifier(epochs=1).fit(X, y, X, y + 3)
    with pytest.raises(ConfigError, match="cannot be saved"):
        MLPClassifier(activation=(np.sin, np.cos), epochs=1).fit(X, y).to_arrays()
