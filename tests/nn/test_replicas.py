"""The contract: a replica in a stack gets, bit for bit, what it gets alone; and a run that stops and
goes on gets what it gets in one go."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlexp.nn.batches import Coded, one_hot
from mlexp.nn.fit import Data, Settings, fit
from mlexp.nn.losses import LOSSES
from mlexp.nn.network import perceptron
from mlexp.nn.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from mlexp.nn.schedules import cosine, on_plateau
from mlexp.nn.state import begin, from_arrays

ACTIVATIONS = ("relu", "sigmoid", "tanh", "leaky_relu", "hard_sigmoid", "softmax", "gelu", "linear")
INITS = ("auto", "normal", "uniform", "zeros", "orthogonal")


@st.composite
def studies(draw):
    """A random architecture, way of training and data set."""
    R = draw(st.integers(1, 7))
    hidden = draw(st.lists(st.integers(1, 9), max_size=3))
    n_rows = draw(st.integers(2, 70))
    return {
        "R": R,
        "hidden": hidden,
        "activation": [draw(st.sampled_from(ACTIVATIONS)) for _ in hidden],
        "n_features": draw(st.integers(1, 6)),
        "n_classes": draw(st.integers(2, 7)),
        "n_rows": n_rows,
        "batch_size": draw(st.one_of(st.none(), st.integers(1, n_rows))),
        "dtype": draw(st.sampled_from(["float32", "float64"])),
        "dropout": draw(st.sampled_from([0.0, 0.0, 0.4])),
        "batch_norm": draw(st.sampled_from([False, False, True])),
        "optimizer": draw(
            st.sampled_from(["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "adagrad"])
        ),
        "l1": draw(st.sampled_from([0.0, 1e-3])),
        "l2": draw(st.sampled_from([0.0, 1e-2])),
        "clip_norm": draw(st.sampled_from([None, 0.5])),
        "max_norm": draw(st.sampled_from([None, 1.0])),
        "patience": draw(st.sampled_from([None, 1, 2])),
        "schedule": draw(st.sampled_from([None, cosine(5), on_plateau(0.5, 0)])),
        "reduction": draw(st.sampled_from(["mean", "sum"])),
        "drop_last": draw(st.booleans()),
        "weighted": draw(st.booleans()),
        "rates": draw(st.lists(st.sampled_from([0.003, 0.1, 0.5, 3.0]), min_size=R, max_size=R)),
        "inits": draw(st.lists(st.sampled_from(INITS), min_size=R, max_size=R)),
        "seed": draw(st.integers(0, 1000)),
    }


def optimizer_for(name, replicas):
    momentum = [0.5 + 0.05 * replica for replica in replicas]
    return {
        "sgd": SGD(),
        "momentum": SGD(momentum),
        "nesterov": SGD(momentum, nesterov=True),
        "adam": Adam(),
        "adamw": AdamW([0.1 * (1 + replica) for replica in replicas]),
        "rmsprop": RMSprop(),
        "adagrad": Adagrad(),
    }[name]


def train(study, replicas, epochs=5, state=None, stop_after=None):
    """Train some of the replicas of a study together."""
    rng = np.random.default_rng(study["seed"])
    X = rng.normal(size=(study["n_rows"] + 20, study["n_features"]))
    codes = rng.integers(0, study["n_classes"], len(X))
    targets = Coded(codes, one_hot(study["n_classes"], study["dtype"]))
    weights = rng.uniform(size=study["n_rows"]).astype(study["dtype"]) if study["weighted"] else None
    networks = [
        perceptron(
            study["n_features"],
            study["hidden"],
            study["n_classes"],
            activation=study["activation"],
            init=study["inits"][replica],
            dropout=study["dropout"],
            batch_norm=study["batch_norm"],
        )
        for replica in replicas
    ]
    optimizer = optimizer_for(study["optimizer"], replicas)
    how = Settings(
        learning_rate=[study["rates"][replica] for replica in replicas],
        batch_size=study["batch_size"],
        epochs=epochs,
        patience=study["patience"],
        schedule=study["schedule"],
        l1=[study["l1"] * (1 + replica) for replica in replicas],
        l2=[study["l2"] * (1 + replica) for replica in replicas],
        clip_norm=study["clip_norm"],
        max_norm=study["max_norm"],
        reduction=study["reduction"],
        drop_last=study["drop_last"],
    )
    if state is None:
        state = begin(networks, optimizer, [10 + replica for replica in replicas], study["dtype"])
    data = Data(X[: study["n_rows"]], Coded(codes[: study["n_rows"]], targets.table), weights)
    others = Data(X[study["n_rows"] :], Coded(codes[study["n_rows"] :], targets.table))
    stop = None if stop_after is None else lambda: state.epoch >= stop_after
    return fit(networks[0], LOSSES["cross_entropy"], optimizer, how, state, data, others, should_stop=stop)


def bits(state, replica):
    """Everything that a run leaves behind for one replica."""
    return [
        state.theta[replica].tobytes(),
        state.running[replica].tobytes(),
        state.best_theta[replica].tobytes(),
        int(state.best_epoch[replica]),
        state.status[replica],
        np.array(state.history[replica]).tobytes(),
        [rng.bit_generator.state for rng in state.rngs[replica]],
    ]


@settings(max_examples=120, derandomize=True)
@given(studies())
def test_alone_and_in_a_stack_every_bit_agrees(study):
    together = train(study, range(study["R"]))
    for replica in range(study["R"]):
        assert bits(together, replica) == bits(train(study, [replica]), 0)


@settings(max_examples=80, derandomize=True)
@given(studies(), st.integers(1, 4))
def test_stopped_and_resumed_every_bit_agrees(study, stop_after):
    whole = train(study, range(study["R"]))
    part = train(study, range(study["R"]), stop_after=stop_after)
    again = train(study, range(study["R"]), state=from_arrays(part.to_arrays()))
    for name, array in whole.to_arrays().items():
        assert array.tobytes() == again.to_arrays()[name].tobytes(), name


def test_a_stack_survives_leavers_of_every_kind():
    study = {
        "R": 4, "hidden": [8], "activation": ["relu"], "n_features": 3, "n_classes": 3, "n_rows": 50,
        "batch_size": 7, "dtype": "float32", "dropout": 0.0, "batch_norm": False, "optimizer": "momentum",
        "l1": 0.0, "l2": 0.0, "clip_norm": None, "max_norm": None, "patience": 2, "schedule": None,
        "reduction": "mean", "drop_last": False, "weighted": False, "rates": [1e12, 0.1, 1e-5, 0.5],
        "inits": ["auto"] * 4, "seed": 3,
    }  # fmt: skip
    state = train(study, range(4), epochs=12)
    assert state.status[0] == "diverged"
    assert len(state.history[0]) < 12
    assert state.status[2] == "epochs"
    assert "patience" in state.status
    for replica in range(4):
        assert bits(state, replica) == bits(train(study, [replica], epochs=12), 0)


@pytest.mark.parametrize("width", [1, 2, 7, 33])
@pytest.mark.parametrize("n_rows", [1, 2, 31])
def test_wider_layers_and_single_rows(width, n_rows):
    study = {
        "R": 5, "hidden": [width, 40], "activation": ["tanh", "relu"], "n_features": 50, "n_classes": 10,
        "n_rows": 31, "batch_size": n_rows, "dtype": "float32", "dropout": 0.2, "batch_norm": False,
        "optimizer": "adam", "l1": 0.0, "l2": 1e-3, "clip_norm": 1.0, "max_norm": None, "patience": None,
        "schedule": None, "reduction": "mean", "drop_last": False, "weighted": True, "rates": [1e-3] * 5,
        "inits": ["auto"] * 5, "seed": 1,
    }  # fmt: skip
    together = train(study, range(5), epochs=2)
    for replica in (0, 4):
        assert bits(together, replica) == bits(train(study, [replica], epochs=2), 0)
