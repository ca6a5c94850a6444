"""What is recorded by epoch: metrics against those of the predictions, gradient norms and idle units by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlexp.metrics import label_scores
from mlexp.nn import recording
from mlexp.nn.batches import Coded, one_hot
from mlexp.nn.estimators import MLPClassifier, MLPRegressor
from mlexp.nn.losses import LOSSES
from mlexp.nn.network import perceptron
from mlexp.nn.stack import fit_stack
from mlexp.nn.state import from_arrays

X = np.random.default_rng(0).normal(size=(90, 3))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.8)


def looked_at(kinds, weights, X, T, loss):
    """Look at a network without biases that has these weights."""
    hidden = [W.shape[1] for W in weights[:-1]]
    network = perceptron(X.shape[1], hidden, weights[-1].shape[1], activation=kinds, bias=False)
    theta = np.concatenate([W.ravel() for W in weights])[None]
    views, grads = network.bind(theta), network.bind(np.full_like(theta, np.nan))
    return recording.look(network, LOSSES[loss], views, grads, (X, T))[0]


def test_gradient_norms_of_a_chain_by_hand() -> None:
    """y = c tanh(b tanh(a x)): dE/dc, dE/db and dE/da of E = (y - t)² by the chain rule."""
    a, b, c, x, t = 0.5, -2.0, 1.5, 0.8, 0.3
    h, k = np.tanh(a * x), np.tanh(b * np.tanh(a * x))
    dy = 2 * (c * k - t)
    by_hand = [dy * c * (1 - k**2) * b * (1 - h**2) * x, dy * c * (1 - k**2) * h, dy * k]
    weights = [np.array([[one]]) for one in (a, b, c)]
    found = looked_at(["tanh", "tanh"], weights, np.array([[x]]), np.array([[t]]), "mse")
    assert [found[f"gradient_norm_{layer}"] for layer in (1, 2, 3)] == pytest.approx(np.abs(by_hand))


def test_dead_units_are_those_that_no_sample_of_the_training_set_switches_on() -> None:
    W = np.array([[1.0, -1.0, -1.0, 0.0], [0.0, 0.0, -1.0, 1.0]])
    points = np.array(
        [[1.0, 0.0], [2.0, 1.0], [0.5, 0.25]]
    )  # the second and the third unit see nothing above 0
    out = np.ones((4, 1))
    found = looked_at(["relu"], [W, out], points, np.zeros((3, 1)), "mse")
    assert found["dead_1"] == 0.5
    assert "saturated_1" not in found
    # Only units that are on learn: the gradient of the first layer by hand.
    H = np.maximum(points @ W, 0)
    dZ = (2 / 3 * H.sum(axis=1, keepdims=True)) * (H > 0)
    assert found["gradient_norm_1"] == pytest.approx(np.linalg.norm(points.T @ dZ))


EDGE = np.arctanh(np.sqrt(0.95))  # where the slope of tanh is 0.05; a sigmoid is a tanh of half its input


@pytest.mark.parametrize(("kind", "edge"), [("sigmoid", 2 * EDGE), ("tanh", EDGE), ("hard_sigmoid", 2.5)])
def test_saturated_outputs_are_those_beyond_the_point_of_a_twentieth_of_the_slope(kind, edge) -> None:
    z = np.array([-3.0, -1.01, -0.99, 0.0, 0.99, 1.01, 5.0, 8.0])[:, None] * edge
    found = looked_at([kind], [np.eye(1), np.eye(1)], z, np.zeros_like(z), "mse")
    assert found["saturated_1"] == 5 / 8


@settings(max_examples=25)
@given(st.integers(2, 5), st.integers(1, 40), st.integers(0, 1000), st.sampled_from(["softmax", "sigmoid"]))
def test_metrics_by_epoch_are_those_of_the_predictions(n_classes, n, seed, output) -> None:
    """Against `metrics`, which is held against scikit-learn; classes may have no row, and rows come in batches."""
    rng = np.random.default_rng(seed)
    n_outputs = 1 if output == "sigmoid" else n_classes
    n_classes = 2 if output == "sigmoid" else n_classes
    Z, codes = rng.normal(size=(2, 3, n, n_outputs)), rng.integers(0, n_classes, (2, 1, n))
    table = one_hot(n_classes, "float64", 0.2)[:, -n_outputs:]
    gathered = recording.Confusion(3, n_outputs)
    gathered.add(Z, table[codes])
    predicted = (Z[..., 0] > 0).astype(int) if n_outputs == 1 else Z.argmax(axis=-1)
    for replica, values in enumerate(gathered.values(["precision", "recall", "f1"])):
        expected = label_scores(codes[:, 0].ravel(), predicted[:, replica].ravel(), n_classes)
        assert values.tolist() == pytest.approx(
            [expected[f"macro_{name}"] for name in ("precision", "recall", "f1")]
        )


def recorded(models, stop=None, resume=None, metrics=("precision", "recall", "f1"), targets=Y):
    """Train a stack; return history and looks of each model, and the state when it was stopped."""
    looks, epochs = [[] for _ in models], iter(range(1, 1000))
    state = fit_stack(
        models, X[:70], targets[:70], X[70:], targets[70:], metrics=metrics, resume=resume,
        on_diagnosis=lambda replica, row: looks[replica].append(row), should_stop=lambda: next(epochs) == stop,
    )  # fmt: skip
    return [model.history_ for model in models], looks, state.to_arrays()


OPTIONS = {"hidden": [6, 4], "epochs": 17, "batch_size": 10, "patience": None, "dropout": 0.2}


@pytest.mark.parametrize("activation", ["relu", "sigmoid", ["tanh", "relu"]])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_stack_records_the_bits_of_each_network_alone(activation, batch_norm) -> None:
    options = OPTIONS | {"activation": activation, "batch_norm": batch_norm}
    together = recorded([MLPClassifier(**options, seed=seed) for seed in range(4)])
    for seed in range(4):
        history, looks, _ = recorded([MLPClassifier(**options, seed=seed)])
        assert (history[0], looks[0]) == (together[0][seed], together[1][seed])


def test_r2_of_a_stack_is_that_of_each_network_alone_and_of_the_predictions() -> None:
    numbers = X @ [1.0, 2.0, 0.5] + 3
    models = [MLPRegressor(**OPTIONS | {"restore_best": False, "seed": seed}) for seed in range(5)]
    history, _, _ = recorded(models, metrics=("r2",), targets=numbers)
    for seed, model in enumerate(models):
        alone = MLPRegressor(**model.get_params())
        assert recorded([alone], metrics=("r2",), targets=numbers)[0][0] == history[seed]
        assert history[seed][-1]["validation_r2"] == pytest.approx(model.score(X[70:], numbers[70:]))


def test_a_run_that_goes_on_records_what_one_in_one_go_does() -> None:
    whole, looks, _ = recorded([MLPClassifier(**OPTIONS, seed=s) for s in (0, 1)])
    _, before, state = recorded([MLPClassifier(**OPTIONS, seed=s) for s in (0, 1)], stop=9)
    history, after, _ = recorded([MLPClassifier(**OPTIONS, seed=s) for s in (0, 1)], resume=state)
    assert history == whole
    assert [a + b for a, b in zip(before, after, strict=True)] == looks


def test_recording_changes_no_bit_of_the_training() -> None:
    plain = MLPClassifier(**OPTIONS, batch_norm=True).fit(X, Y)
    watched = MLPClassifier(**OPTIONS, batch_norm=True).fit(
        X, Y, metrics=["f1"], on_diagnosis=lambda *_: None
    )
    assert (plain.theta_ == watched.theta_).all()
    assert (plain.running_ == watched.running_).all()
    assert [row | {"train_f1": 0, "validation_f1": 0} for row in plain.history_] == [
        row | {"train_f1": 0, "validation_f1": 0} for row in watched.history_
    ]


def test_a_checkpoint_of_a_training_that_records_nothing_else_is_what_it_was() -> None:
    state = MLPClassifier(**OPTIONS).fit(X, Y).state_
    assert "metrics" not in state.to_arrays()
    assert from_arrays(state.to_arrays()).metrics == ()


@given(st.integers(1, 100_000), st.one_of(st.none(), st.integers(1, 512)), st.integers(1, 2000))
def test_looks_have_a_fortieth_of_the_steps_and_rows(n_rows, batch_size, epochs) -> None:
    """In steps, and in rows that go through the network; but for those after epochs 1, 2, 4, 8 ..."""
    every = [e for e in range(1, epochs + 1) if recording.due(e, n_rows, batch_size) and e & (e - 1)]
    steps = epochs * -(-n_rows // (batch_size or n_rows))
    assert len(every) <= steps / 40 + 1
    assert len(every) * min(n_rows, 256) <= epochs * n_rows / 40 + 256
    assert recording.due(1, n_rows, batch_size)


def test_coded_targets_serve_as_the_sample_of_a_look() -> None:
    network = perceptron(3, [4], 3)
    theta = network.start(np.random.default_rng(0), "float64")[None]
    found = recording.look(
        network, LOSSES["cross_entropy"], network.bind(theta), network.bind(np.empty_like(theta)),
        (X, Coded(Y, one_hot(3, "float64"))),
    )  # fmt: skip
    assert set(found[0]) == {"gradient_norm_1", "gradient_norm_2", "dead_1"}
