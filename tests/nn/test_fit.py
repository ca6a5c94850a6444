"""The training loop: what it records, why it stops, what it keeps, what it reads."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from mlexp.nn.batches import Coded, Subset, blocks, chunks, one_hot
from mlexp.nn.fit import Data, Settings, fit
from mlexp.nn.layers import BatchNorm, Dense, Dropout, Mode
from mlexp.nn.losses import LOSSES
from mlexp.nn.network import Network, perceptron
from mlexp.nn.optimizers import SGD, Adam
from mlexp.nn.state import COLUMNS, begin

rng = np.random.default_rng(0)
X = rng.normal(size=(203, 4)).astype("float32")
codes = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
train = Data(X[:150], Coded(codes[:150], one_hot(2)))
others = Data(X[150:], Coded(codes[150:], one_hot(2)))
network = perceptron(4, [8], 2)


def run(settings, optimizer=None, data=train, validation=others, seeds=(0,), loss="cross_entropy", **hooks):
    optimizer = optimizer or Adam()
    state = begin([network] * len(seeds), optimizer, seeds)
    return fit(network, LOSSES[loss], optimizer, settings, state, data, validation, **hooks)


def test_training_loss_is_the_mean_over_the_batches_as_they_were_trained_on():
    """With a learning rate of almost nothing every batch sees the same weights: the mean over all rows."""
    state = run(Settings(learning_rate=1e-30, epochs=1), SGD())
    Y, _ = network.forward(network.bind(state.theta[0]), X)
    rows = LOSSES["cross_entropy"].rows(Y, one_hot(2)[codes])
    _, train_loss, train_accuracy, loss, accuracy, rate = state.history[0][0]
    assert train_loss == pytest.approx(rows[:150].mean(), rel=1e-5)
    assert loss == pytest.approx(rows[150:].mean(), rel=1e-5)
    right = Y.argmax(1) == codes
    assert (train_accuracy, accuracy) == pytest.approx((right[:150].mean(), right[150:].mean()))
    assert rate == 1e-30


def test_one_epoch_equals_the_same_steps_written_out():
    optimizer = SGD(0.9)
    state = begin([network], optimizer, [5], "float64")
    theta, velocity, grad = (
        state.theta[0].copy(),
        np.zeros(network.n_parameters),
        np.zeros(network.n_parameters),
    )
    order = np.random.default_rng(np.random.SeedSequence(5).spawn(3)[1]).permutation(150)
    for first in range(0, 150, 32):
        rows = order[first : first + 32]
        Y, backward = network.forward(network.bind(theta), X[rows].astype("float64"))
        backward(LOSSES["cross_entropy"](Y, np.eye(2)[codes[rows]])[1], network.bind(grad))
        grad[: network.n_weights] += 0.01 * theta[: network.n_weights]
        velocity = 0.9 * velocity + grad
        theta -= 0.1 * velocity
    fit(
        network,
        LOSSES["cross_entropy"],
        optimizer,
        Settings(learning_rate=0.1, l2=0.01, epochs=1),
        state,
        train,
    )
    assert state.theta[0] == pytest.approx(theta, abs=1e-13)
    assert state.step == 5


def test_stops_when_validation_gets_no_better_and_keeps_the_best():
    state = run(Settings(learning_rate=0.1, epochs=400, patience=5))
    losses = [row[3] for row in state.history[0]]
    best = int(np.argmin(losses))
    assert state.status == ["patience"]
    assert state.best_epoch[0] == best + 1
    assert len(losses) == best + 1 + 5
    theta, _ = state.final(0, restore_best=True)
    Y, _ = network.forward(network.bind(theta), X[150:])
    assert LOSSES["cross_entropy"](Y, one_hot(2)[codes[150:]])[0] == pytest.approx(losses[best], rel=1e-5)
    assert not np.array_equal(theta, state.final(0, restore_best=False)[0])


def test_runs_to_the_last_epoch_without_patience_or_validation():
    assert run(Settings(epochs=7, patience=None)).status == ["epochs"]
    state = run(Settings(epochs=7, patience=1), validation=None)
    assert (state.status, len(state.history[0])) == (["epochs"], 7)
    assert set(state.records(0)[0]) == {"epoch", "train_loss", "train_accuracy", "learning_rate"}


@pytest.mark.parametrize("rate", [1e6, 1e30])
@pytest.mark.parametrize("optimizer", [SGD(0.9), Adam()])
def test_divergence_is_recorded_with_its_epoch(rate, optimizer):
    state = run(Settings(learning_rate=rate, epochs=50), optimizer)
    assert state.status == ["diverged"]
    last = state.history[0][-1][1]
    assert not last <= LOSSES["cross_entropy"].ceiling
    assert set(state.records(0)[-1]) == set(COLUMNS)


def test_a_callback_sees_every_record_and_may_stop():
    seen = []

    def on_epoch(replica, record):
        seen.append((replica, record))
        return replica == 1 and record["epoch"] == 2

    state = run(Settings(epochs=4, patience=None), seeds=(0, 1), on_epoch=on_epoch)
    assert state.status == ["epochs", "callback"]
    assert [replica for replica, _ in seen] == [0, 1, 0, 1, 0, 0]
    assert seen[0][1] == dict(zip(COLUMNS, state.history[0][0], strict=True))


def test_an_interrupted_run_can_go_on():
    state = run(Settings(epochs=6, patience=None), should_stop=lambda: True)
    assert (state.status, state.epoch) == (["interrupted"], 1)
    fit(network, LOSSES["cross_entropy"], Adam(), Settings(epochs=6, patience=None), state, train, others)
    assert (state.status, state.epoch) == (["epochs"], 6)
    whole = run(Settings(epochs=6, patience=None))
    assert state.theta.tobytes() == whole.theta.tobytes()


def test_a_checkpoint_sees_a_complete_state():
    found = []
    run(
        Settings(epochs=3, patience=None),
        on_state=lambda state: found.append(state.to_arrays()["counters"].tolist()),
    )
    assert found == [[5, 1], [10, 2], [15, 3]]


def test_drop_last_leaves_out_the_small_batch():
    assert run(Settings(epochs=1, batch_size=64, drop_last=True)).step == 2
    assert run(Settings(epochs=1, batch_size=64)).step == 3
    assert run(Settings(epochs=1, batch_size=150, drop_last=True)).step == 1


def test_the_sum_is_the_mean_at_a_smaller_rate():
    by_sum = run(Settings(learning_rate=1e-3, epochs=3, batch_size=50, reduction="sum"), SGD())
    by_mean = run(Settings(learning_rate=5e-2, epochs=3, batch_size=50), SGD())
    assert by_sum.theta == pytest.approx(by_mean.theta, abs=1e-5)
    assert by_sum.history[0][0][1] == pytest.approx(by_mean.history[0][0][1], rel=1e-4)


def test_weights_count_rows_more_than_once():
    """Full batch: a weight of 2 is the row twice (weights have mean 1, so the rates differ by nothing)."""
    twice = np.r_[np.arange(150), np.arange(50)]
    weights = np.r_[np.full(50, 2.0), np.ones(100)].astype("float32")
    settings = Settings(learning_rate=0.1, epochs=5, batch_size=None)
    weighted = run(settings, SGD(), Data(train.X, train.T, weights / weights.mean()), None)
    doubled = run(settings, SGD(), Data(X[twice], Coded(codes[twice], one_hot(2))), None)
    assert weighted.theta == pytest.approx(doubled.theta, abs=1e-6)
    assert weighted.history[0][-1][1] == pytest.approx(doubled.history[0][-1][1], rel=1e-5)


def test_zero_weights_stay_symmetrical_for_ever():
    """Zero initialisation: hidden units get no gradient, only the output biases learn."""
    plain = perceptron(4, [8], 2, init="zeros")
    optimizer = SGD(0.9)
    state = begin([plain], optimizer, [0])
    fit(plain, LOSSES["cross_entropy"], optimizer, Settings(learning_rate=0.1, epochs=5), state, train)
    assert (state.theta[0, : plain.n_weights] == 0).all()
    assert state.theta[0].any()
    same = perceptron(4, [8], 2, activation="sigmoid", init="ones")
    state = begin([same], optimizer, [0])
    fit(same, LOSSES["cross_entropy"], optimizer, Settings(learning_rate=0.1, epochs=5), state, train)
    W = same.bind(state.theta[0])[0][0]
    assert np.allclose(W, W[:, :1])


def test_reads_only_rows_that_it_needs():
    class Watched:
        shape = X[:150].shape
        most = 0

        def take(self, indices, axis=0):
            self.most = max(self.most, len(indices))
            return X[:150].take(indices, axis=0)

    rows = Watched()
    state = run(Settings(epochs=2, patience=None), data=Data(rows, train.T))
    assert state.theta.tobytes() == run(Settings(epochs=2, patience=None)).theta.tobytes()
    assert 0 < rows.most <= 150


def test_bytes_and_memory_maps_are_read_in_blocks(tmp_path):
    pixels = rng.integers(0, 256, size=(64, 3000), dtype=np.uint8)
    stored = np.memmap(tmp_path / "pixels", np.uint8, "w+", shape=pixels.shape)
    stored[:] = pixels
    order = rng.permutation(64)[None]
    sizes = [block[0].shape for block in blocks([stored], order, 16, "float32")]
    assert all(shape[2:] == (16, 3000) for shape in sizes)
    assert sum(shape[0] for shape in sizes) == 4
    found = np.concatenate([block[0].reshape(-1, 3000) for block in blocks([stored], order, 16, "float32")])
    assert found.dtype == np.float32
    assert np.array_equal(found, pixels[order[0]])


@pytest.mark.parametrize("stored", ["float32", "uint8"])
@pytest.mark.parametrize(("n_features", "one_by_one"), [(3, False), (3000, True)])
def test_features_in_memory_that_is_used_again_are_the_same(n_features, one_by_one, stored):
    features = rng.integers(0, 256, size=(70, n_features)).astype(stored)
    targets, order, kept = np.arange(70.0)[:, None], np.stack([rng.permutation(70) for _ in range(2)]), {}
    seen, memory = [], set()
    for X, T in blocks([features, targets], order, 16, "float32", kept=kept):
        assert isinstance(X, Iterator) == one_by_one
        for batch, target in zip(X, T, strict=True):
            assert np.array_equal(batch, features[target[..., 0].astype(int)])
            memory.add(batch.__array_interface__["data"][0])
            seen.append(target[1, :, 0])
    assert np.array_equal(np.concatenate(seen), order[1])
    assert len(memory) == (2 if one_by_one else 5)  # 4 batches of 16 samples, and one of 6


def test_features_that_are_targets_are_still_there_when_they_are_scored():
    """An autoencoder in one epoch without learning: its loss is that of all samples at the initial weights."""
    data = Data(X[:150].astype("float32"), None)
    coder = perceptron(4, [2], 4)
    state = begin([coder], SGD(), [0])
    fit(coder, LOSSES["mse"], SGD(), Settings(0.0, epochs=2, batch_size=16, patience=None), state, data)
    Y, _ = coder.forward(coder.bind(state.theta), data.X[None])
    wanted = float(np.mean((Y - data.X) ** 2))
    assert [row[1] for row in state.history[0]] == pytest.approx([wanted, wanted], rel=1e-5)


def test_each_replica_sees_every_row_once_in_its_own_order():
    numbers = np.arange(23.0)[:, None]
    order = np.stack([np.random.default_rng(seed).permutation(23) for seed in range(3)])
    parts = [block[0] for block in blocks([numbers], order, 5, "float64")]
    for replica in range(3):
        seen = np.concatenate([part[:, replica].ravel() for part in parts])
        assert np.array_equal(seen, order[replica])


def test_chunks_cover_all_rows():
    assert np.array_equal(np.concatenate(list(chunks(1001, 2000))), np.arange(1001))
    assert np.array_equal(Subset(X, np.array([5, 2])).take(np.array([1])), X[[2]])


def test_batch_norm_keeps_running_values_as_torch_defines_them():
    layer = Network((BatchNorm(momentum=0.5),), 2)
    running = layer.start_running("float64")
    rows = np.array([[0.0, 1.0], [2.0, 5.0]])
    layer.forward(layer.bind(np.array([1.0, 1.0, 0.0, 0.0]), running), rows, Mode(True))
    assert running == pytest.approx([0.5, 1.5, 0.5 + 0.5 * 2, 0.5 + 0.5 * 8])


def test_a_batch_of_one_sample_is_normalised_by_the_running_values_and_leaves_them():
    torch = pytest.importorskip("torch")
    layer, twin = Network((BatchNorm(),), 3), torch.nn.BatchNorm1d(3).double()
    running, theta = layer.start_running("float64"), np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    rng = np.random.default_rng(0)
    for size in (8, 1, 8, 1):
        rows = rng.normal(5, 3, (size, 3))
        before = running.copy()
        Y, _ = layer.forward(layer.bind(theta, running), rows, Mode(True))
        twin.train(size > 1)  # PyTorch itself refuses to train on one sample
        np.testing.assert_allclose(Y, twin(torch.from_numpy(rows)).detach().numpy(), rtol=1e-12)
        assert (size > 1) == (running != before).any()
    expected = np.concatenate([twin.running_mean.numpy(), twin.running_var.numpy()])
    np.testing.assert_allclose(running, expected, rtol=1e-12)


@pytest.mark.parametrize("n_rows", [65, 64])
def test_running_variances_are_those_of_the_rows_whatever_the_last_batch_holds(n_rows):
    rows = np.random.default_rng(0).normal(0, 2, (n_rows, 2))
    network = Network((BatchNorm(), Dense(2)), 2)
    data = Data(rows, Coded(np.arange(n_rows) % 2, one_hot(2, "float64")))
    state = begin([network], SGD(), [0], "float64")
    fit(
        network,
        LOSSES["cross_entropy"],
        SGD(),
        Settings(batch_size=32, epochs=60, patience=None),
        state,
        data,
    )
    found = state.running[0][2:] / rows.var(axis=0, ddof=1)
    assert found == pytest.approx(1, abs=0.06)  # 0.8 where the sample left over counted as a variance of 0


def test_batches_of_one_sample_do_not_go_with_batch_normalisation():
    from mlexp.config import compose
    from mlexp.errors import ConfigError
    from mlexp.nn.estimators import MLPClassifier

    with pytest.raises(ConfigError, match=r"batch_size.*at least 2"):
        MLPClassifier(batch_norm=True, batch_size=1).fit(rows_of_two(), np.arange(40) % 2)
    with pytest.raises(ConfigError, match=r"model.batch_size.*model.batch_norm"):
        compose.compose(["model.batch_norm=true", "model.batch_size=1"])
    compose.compose(["model.batch_norm=true", "model.batch_size=2"])
    MLPClassifier(batch_size=1, epochs=1).fit(rows_of_two(), np.arange(40) % 2)


def test_one_sample_left_over_costs_no_accuracy():
    from sklearn.datasets import make_moons

    from mlexp.nn.estimators import MLPClassifier

    X, y = make_moons(321, noise=0.1, random_state=0)
    for size in (32, 64, 20):
        assert 321 % size == 1
        model = MLPClassifier(
            hidden=[16, 16], batch_norm=True, batch_size=size, epochs=80, validation_fraction=0
        )
        assert model.fit(X, y).score(X, y) > 0.97


def rows_of_two() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(40, 2))


def test_dropout_keeps_the_mean_and_predicts_unchanged():
    rows = np.ones((1, 500, 40))
    kept, _ = Dropout(0.3).forward((), rows, Mode(True, [np.random.default_rng(0)]))
    assert set(np.unique(kept)) == {0.0, 1 / 0.7}
    assert kept.mean() == pytest.approx(1, abs=4 * math.sqrt(0.3 / 0.7 / rows.size))
    assert Dropout(0.3).forward((), rows, Mode())[0] is rows


def test_weights_come_first_in_the_flat_vector():
    mixed = Network((Dense(3), BatchNorm(), Dense(2, bias=False)), 4)
    theta = np.arange(float(mixed.n_parameters))
    views = mixed.bind(theta, mixed.start_running("float64"))
    assert mixed.n_weights == 4 * 3 + 3 * 2
    assert views[0][0].shape == (4, 3)
    assert np.shares_memory(views[0][0], theta)
    assert views[2][0].max() < mixed.n_weights <= views[0][1].min()
    assert [row["parameters"] for row in perceptron(784, [25], 10).summary()] == [19_625, 0, 260]
    assert perceptron(784, [200, 50], 25).n_parameters == 168_325
