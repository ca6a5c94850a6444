"""The training loop, the only one: batches, early stopping, history, divergence.

It always trains a stack of R replicas, R = 1 for a single network. Each replica has its own start,
batch order, dropout masks and, if wanted, learning rate, momentum and penalties; it gets the same
bits as if it had trained alone, and leaves the stack when it stops.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mlexp.nn.batches import AT_ONCE, AT_ONCE_ON_DEVICE, Kept, Rows, blocks, chunks, on_device, read
from mlexp.nn.device import host, on_host
from mlexp.nn.layers import Mode, Views
from mlexp.nn.losses import Loss
from mlexp.nn.network import Network
from mlexp.nn.optimizers import SGD, Number, Optimizer, Rate, Slots, cast, column, for_replicas
from mlexp.nn.recording import Counter, counter, due, look
from mlexp.nn.regularizers import add_l1, add_l2, clip, limit_norms
from mlexp.nn.schedules import Schedule
from mlexp.nn.shuffle import shuffled
from mlexp.nn.state import CALLBACK, COLUMNS, DIVERGED, EPOCHS, INTERRUPTED, PATIENCE, RUNNING, Record, State
from mlexp.nn.tape import Tape, is_recordable, record

OnEpoch = Callable[[int, Record], "bool | None"]
OnDiagnosis = Callable[[int, Record], None]


@dataclass(frozen=True)
class Settings:
    """How to train. Values marked (R) may be one number, or one for each replica.

    Attributes
    ----------
    learning_rate : (R) float
    schedule : factor of the learning rate by epoch and losses so far; None is constant
    batch_size : int; None is the whole training part, which is then not shuffled
    epochs : int, passes over the training part at most
    patience : epochs without a better validation loss before a replica stops; None is never
    l1, l2 : (R) coefficients of |W| and of W²/2 added to the loss of a batch, on weights only
    reduction : "mean" or "sum" of the losses of a batch's rows
    drop_last : leave out the last batch of an epoch if it is smaller than the others
    clip_norm : largest length of a replica's gradient, penalties included; None is no limit
    max_norm : largest length of the weights that enter one unit; None is no limit
    """

    learning_rate: Number = 1e-3
    schedule: Schedule | None = None
    batch_size: int | None = 32
    epochs: int = 200
    patience: int | None = 10
    l1: Number = 0.0
    l2: Number = 0.0
    reduction: str = "mean"
    drop_last: bool = False
    clip_norm: float | None = None
    max_norm: float | None = None


SCORED_AT_ONCE = 1 << 14
"""Outputs of batches that are scored together: twenty calls for many batches instead of each."""
AT_A_TIME = 1 << 16
"""Parameters of all replicas that are updated at a time: larger networks would go through memory in each pass."""


class Data(NamedTuple):
    """Features, targets (None: the features themselves) and weights of the rows (None: all 1)."""

    X: Rows
    T: Rows | None
    weights: np.ndarray | None = None

    def on(self, like: np.ndarray) -> Data:
        """Return the same data on the device of an array; bytes stay bytes and are scaled there."""
        return Data(*(on_device(source, like) for source in self))


class Measure(NamedTuple):
    """Loss, share of hits (NaN for regression) and further metrics (R, n_metrics) of each replica."""

    loss: np.ndarray
    accuracy: np.ndarray
    further: np.ndarray


def fit(
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    settings: Settings,
    state: State,
    train: Data,
    validation: Data | None = None,
    *,
    metrics: Sequence[str] = (),
    on_epoch: OnEpoch | None = None,
    on_diagnosis: OnDiagnosis | None = None,
    should_stop: Callable[[], bool] | None = None,
    on_state: Callable[[State], None] | None = None,
    like: np.ndarray | None = None,
) -> State:
    """Train until every replica has stopped; go on from `state`, which is changed in place.

    The training loss and accuracy of an epoch are means over its rows as they were trained on, each
    batch before its own update. Losses of both parts are means over rows of the data loss alone,
    without penalties and whatever the `reduction`, so the two curves can be compared.

    Parameters
    ----------
    network, loss, optimizer, settings : what to train and how
    state : State
        From `begin`, from an interrupted run, or from a file.
    train, validation : Data
        Without a validation part nothing stops early and no epoch is the best.
    metrics : names of further metrics to record by epoch, optional
        "precision", "recall", "f1" of a classifier: macro means; "r2" of a regression. Like the accuracy, that of the
        training part is of its rows as they were trained on. A state that goes on keeps those it began with.
    on_epoch : function (replica, record) -> bool or None, optional
        Called after each epoch for each replica that trained; True stops that replica.
    on_diagnosis : function (replica, record), optional
        Called after some epochs (`recording.due`) with the state of the layers (`recording.look`); costs less than
        5 % of the time of training, and changes no bit of it.
    should_stop : function () -> bool, optional
        Asked after each epoch; True interrupts all replicas, and `fit` can go on later.
    on_state : function (state) -> None, optional
        Called after each epoch with a complete state: the place to write a checkpoint.
    like : ndarray, optional
        An array of the device to train on; state and data are moved there, and the state stays. Starting values, orders
        of rows and dropout masks are drawn by the generators of the host, so it is the same training up to rounding.

    Returns
    -------
    State
        The same object. Its `status` says for each replica why it stopped: "patience", "epochs",
        "interrupted", "diverged" (a loss that is not finite or above the loss's ceiling) or "callback".
    """
    state.status = [RUNNING if status == INTERRUPTED else status for status in state.status]
    if like is not None:
        state.move(like)
        train, validation = train.on(like), validation and validation.on(like)
    scored, seen = loss.hits is not None, validation is not None
    state.start_recording(metrics)
    further = state.columns[len(COLUMNS) :]
    state.measured = (True, True, scored, seen, seen and scored, True)
    state.measured += tuple(seen or not name.startswith("validation") for name in further)
    stack: _Stack | None = None
    while state.active and state.epoch < settings.epochs:
        started = time.perf_counter()
        if stack is None or stack.replicas != state.active:
            stack = _Stack(network, loss, optimizer, settings, state)
        with np.errstate(all="ignore"):  # a loss that overflows is found below and reported as diverged
            trained = stack.train(train, state)
            judged = stack.measure(validation) if validation is not None else None
            state.epoch += 1
            stack.write_back(state)
            if on_diagnosis is not None and due(state.epoch, train.X.shape[0], settings.batch_size):
                stack.diagnose(train, state.epoch, on_diagnosis)
        _judge(stack, state, settings, trained, judged, loss.ceiling)
        state.seconds.append(time.perf_counter() - started)
        _report(stack.replicas, state, on_epoch)
        if should_stop is not None and should_stop():
            state.status = [INTERRUPTED if status == RUNNING else status for status in state.status]
        if on_state is not None:
            on_state(state)
        if INTERRUPTED in state.status:
            return state
    state.status = [EPOCHS if status == RUNNING else status for status in state.status]
    return state


def _judge(
    stack: _Stack, state: State, settings: Settings, trained: Measure, judged: Measure | None, ceiling: float
) -> None:
    """Write the epoch into the history, keep what is best, and decide who stops."""
    patience = math.inf if settings.patience is None else settings.patience
    better = []
    for place, replica in enumerate(stack.replicas):
        train_loss = float(trained.loss[place])
        seen, further = (math.nan, math.nan), trained.further[place].tolist()
        further += [math.nan] * len(further) if judged is None else judged.further[place].tolist()
        if judged is not None:
            seen = (float(judged.loss[place]), float(judged.accuracy[place]))
            if seen[0] < state.best_loss[replica]:
                state.best_loss[replica], state.best_epoch[replica] = seen[0], state.epoch
                better.append(replica)
        state.history[replica].append(
            (
                float(state.epoch),
                train_loss,
                float(trained.accuracy[place]),
                *seen,
                stack.rates[place],
                *further,
            )
        )
        blown = judged is not None and not math.isfinite(seen[0])
        if blown or not train_loss <= ceiling or not math.isfinite(train_loss):
            state.status[replica] = DIVERGED
        elif judged is not None and state.epoch - state.best_epoch[replica] >= patience:
            state.status[replica] = PATIENCE
        if state.status[replica] == RUNNING and state.epoch >= settings.epochs:
            state.status[replica] = EPOCHS
    if better:
        places = better if len(better) > 1 else better[0]
        state.best_theta[places], state.best_running[places] = state.theta[places], state.running[places]


def _report(replicas: Sequence[int], state: State, on_epoch: OnEpoch | None) -> None:
    if on_epoch is None:
        return
    for replica in replicas:
        if on_epoch(replica, state.records(replica, -1)[0]) and state.status[replica] == RUNNING:
            state.status[replica] = CALLBACK


class _Stack:
    """The replicas that still train, side by side, with all that one step needs at hand."""

    def __init__(
        self, network: Network, loss: Loss, optimizer: Optimizer, settings: Settings, state: State
    ) -> None:
        self.network, self.loss, self.settings = network, loss, settings
        self.replicas = state.active
        self.whole = len(self.replicas) == len(state.status)
        self.theta, self.running = self._own(state.theta), self._own(state.running)
        self.slots = [self._own(slot) for slot in state.slots]
        self.rngs = [state.rngs[replica] for replica in self.replicas]
        self.grad = np.zeros_like(self.theta)
        self.views = network.bind(self.theta, self.running)
        self.grads = network.bind(self.grad)
        self.optimizer = for_replicas(optimizer, self.replicas, self.theta)
        self.n_weights, self.longest = network.n_weights, settings.max_norm
        self.mean = settings.reduction == "mean"
        self.before = self._changes()
        self.pieces = list(self._pieces())
        self.rates: list[float] = []
        self.metrics = state.metrics
        self.fixed: list[list[Any]] | None = None
        self.tapes: dict[Any, Tape | None] = {}
        self.kept: Kept = {}

    def _own(self, full: np.ndarray) -> np.ndarray:
        return full if self.whole else full[self.replicas]

    def _pieces(self) -> Iterator[tuple[np.ndarray, np.ndarray, list[np.ndarray], int]]:
        """Cut parameters, gradient and slots into pieces that stay in the cache through the passes of an update."""
        n_replicas, n_parameters = self.theta.shape
        size = max(1, AT_A_TIME // n_replicas) if on_host(self.theta) else n_parameters
        for first in reversed(range(0, n_parameters, size)):  # 1 % of a step faster than from the start
            part = np.s_[:, first : first + size]
            yield (
                self.theta[part],
                self.grad[part],
                [slot[part] for slot in self.slots],
                min(max(self.n_weights - first, 0), size),
            )

    def write_back(self, state: State) -> None:
        """Bring the numbers of a part of the replicas home."""
        if self.whole:
            return
        state.theta[self.replicas], state.running[self.replicas] = self.theta, self.running
        for full, part in zip(state.slots, self.slots, strict=True):
            full[self.replicas] = part

    def train(self, data: Data, state: State) -> Measure:
        """Make one epoch."""
        rate = self._rate(state)
        mode = Mode(True, [rngs[1] for rngs in self.rngs])
        updates = self._updates(rate, state)
        scores = _Scores(self)
        for X, T, weights in self._blocks(data):
            targets = X if T is None else as_outputs(T)
            scores.add(self._steps(X, targets, weights, mode, updates, state), targets, weights)
        return scores.measure()

    def new_counter(self) -> Counter | None:
        if not self.metrics:
            return None
        return counter(self.loss, len(self.replicas), self.network.n_outputs)

    def _rate(self, state: State) -> Rate:
        """Return the learning rate of the coming epoch, and keep it for the history."""
        base = column(self.settings.learning_rate, self.replicas)
        bases = [base] * len(self.replicas) if isinstance(base, float) else base[:, 0].tolist()
        schedule = self.settings.schedule
        self.rates = (
            bases
            if schedule is None
            else [
                one * schedule(state.epoch + 1, _losses(state.history[replica]))
                for one, replica in zip(bases, self.replicas, strict=True)
            ]
        )
        return self.rates[0] if len(set(self.rates)) == 1 else column(self.rates, like=self.theta)

    def _blocks(self, data: Data) -> Iterator[list[Any]]:
        n_rows, dtype = data.X.shape[0], self.theta.dtype.name
        batch_size = self.settings.batch_size or n_rows
        if batch_size >= n_rows:  # one batch: its order is of no concern, and all replicas share it
            if self.fixed is None:
                whole = np.asarray(np.arange(n_rows)[None], like=self.theta)
                self.fixed = list(blocks(data, whole, n_rows, dtype))
            return iter(self.fixed)
        order = shuffled([shuffler for shuffler, _ in self.rngs], n_rows)
        if isinstance(order, np.ndarray):
            order = np.asarray(order, like=self.theta)
        # features that are targets too are still needed when the block is scored
        kept = self.kept if on_host(self.theta) and data.T is not None else None
        return blocks(data, order, batch_size, dtype, self.settings.drop_last, self.theta, kept)

    def _steps(
        self,
        features: np.ndarray | Iterator[np.ndarray],
        T: np.ndarray,
        weights: np.ndarray | None,
        mode: Mode,
        updates: Sequence[Callable[[], Any]],
        state: State,
    ) -> np.ndarray:
        """Make an update for each of K batches; return the outputs before it, (K, R, B, m)."""
        tape, outputs = None, []
        for k in range(len(T)):
            X = next(features) if isinstance(features, Iterator) else features[k]
            if k == 0 and weights is None:
                tape = self._tape(X, T[0], mode, features is T)
            if tape is None:
                outputs.append(self._passes(X, T[k], None if weights is None else weights[k], mode))
            else:
                outputs.append(tape.play(X, T[k]).copy("K"))
            state.step += 1
            for update in updates:
                update()
        return outputs[0][None] if len(outputs) == 1 else np.stack([Y.mT for Y in outputs]).mT

    def _tape(self, X: np.ndarray, T: np.ndarray, mode: Mode, needed: bool) -> Tape | None:
        """Return the recorded calls of batches like this; None where a network cannot repeat those of its first.

        The tape takes the memory of `X` for other features, unless these are still needed.
        """
        key = X.shape, X.strides
        if key not in self.tapes:
            fits = is_recordable(self.network, self.loss, X)
            own = X.copy("K") if needed else X
            self.tapes[key] = record(lambda X, T: self._passes(X, T, None, mode), own, T) if fits else None
        return self.tapes[key]

    def _updates(self, rate: Rate, state: State) -> list[Callable[[], Any]]:
        """Return what follows each gradient of an epoch: penalties, clipping, the optimizer, max-norm."""
        updates = list(self.before)
        for theta, grad, slots, n_weights in self.pieces:
            if isinstance(self.optimizer, SGD):
                updates += self.optimizer.calls(theta, grad, slots, rate)
            else:
                updates.append(partial(self._update, theta, grad, slots, state, rate, n_weights))
        if self.longest is not None:
            updates.append(partial(limit_norms, self.network, self.views, self.longest))
        return updates

    def _update(
        self, theta: np.ndarray, grad: np.ndarray, slots: Slots, state: State, rate: Rate, n_weights: int
    ) -> None:
        self.optimizer.update(theta, grad, slots, state.step, rate, n_weights)

    def _passes(self, X: np.ndarray, T: np.ndarray, weights: np.ndarray | None, mode: Mode) -> np.ndarray:
        """Go forward and backward."""
        Y, backward = self.network.forward(self.views, X, mode)
        dY = self.loss.gradient(Y, T)
        if self.mean:
            np.multiply(dY, 1 / X.shape[-2], out=dY)
        if weights is not None:
            np.multiply(dY, weights[..., None], out=dY)
        backward(dY, self.grads)
        return Y

    def _changes(self) -> list[Callable[[], None]]:
        """Return what is done to the gradient before an update: penalties, then clipping."""
        settings, n_weights = self.settings, self.n_weights
        weights, grad = self.theta[:, :n_weights], self.grad[:, :n_weights]
        l1, l2 = (cast(column(value, self.replicas, grad), grad) for value in (settings.l1, settings.l2))
        changes: list[Callable[[], None]] = []
        if np.any(settings.l2):
            changes.append(lambda: add_l2(grad, weights, l2))
        if np.any(settings.l1):
            changes.append(lambda: add_l1(grad, weights, l1))
        longest = settings.clip_norm
        if longest is not None:
            changes.append(lambda: clip(self.grad, longest))
        return changes

    def measure(self, data: Data) -> Measure:
        """Return loss and accuracy over a part, in prediction mode, a chunk at a time."""
        return measure(self.network, self.loss, self.views, data, len(self.replicas), self.metrics)

    def diagnose(self, data: Data, epoch: int, tell: OnDiagnosis) -> None:
        """Look at the layers; the gradient of the last batch is overwritten, as the next one will."""
        for replica, found in zip(
            self.replicas, look(self.network, self.loss, self.views, self.grads, data[:2]), strict=True
        ):
            tell(replica, {"epoch": epoch} | found)


class _Scores:
    """Losses and hits of the batches of an epoch, taken from the outputs with which they were trained."""

    def __init__(self, stack: _Stack) -> None:
        self.loss, self.metrics = stack.loss, stack.metrics
        self.sums: list[np.ndarray] = []
        self.hits = np.zeros(len(stack.replicas), dtype=np.int64, like=stack.theta)
        self.counter = stack.new_counter()
        self.n_seen = 0
        self.waiting: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]] = []

    def add(self, Z: np.ndarray, T: np.ndarray, weights: np.ndarray | None) -> None:
        """Take outputs and targets of K batches, (K, R, B, m), and their weights; small single ones wait for more."""
        if self.waiting and self.waiting[0][0].shape != Z.shape:
            self._score()
        self.waiting.append((Z, T, weights))
        few = type(Z) is np.ndarray and Z.shape[-1] < Z.shape[-2] and 8 * Z.size <= SCORED_AT_ONCE
        if not few or Z.size * len(self.waiting) > SCORED_AT_ONCE:
            self._score()

    def measure(self) -> Measure:
        """Return the means over all rows."""
        if self.waiting:
            self._score()
        return _shares(self.sums, self.hits, self.n_seen, self.loss, self.counter, self.metrics)

    def _score(self) -> None:
        Z, T = (_joined([one[place] for one in self.waiting]) for place in (0, 1))
        some = [weights for _, _, weights in self.waiting if weights is not None]
        self.waiting = []
        losses = self.loss.rows(Z, T)
        self.sums.append(_sum(losses * np.concatenate(some) if some else losses))
        if self.loss.hits is not None:
            self.hits += self.loss.hits(Z, T).sum(axis=(0, 2), dtype=np.int64)
        if self.counter is not None:
            self.counter.add(Z, T)
        self.n_seen += Z.shape[0] * Z.shape[2]


def _joined(arrays: Sequence[Any]) -> np.ndarray:
    """Return arrays (K, R, B, m) one behind the other, in the layout of `as_outputs`."""
    joined: np.ndarray = arrays[0] if len(arrays) == 1 else np.concatenate([one.mT for one in arrays]).mT
    return joined


def measure(
    network: Network,
    loss: Loss,
    views: Sequence[Views],
    data: Data,
    n_replicas: int = 1,
    metrics: Sequence[str] = (),
) -> Measure:
    """Return the mean loss and the share of hits of each replica over a part of the data.

    Parameters
    ----------
    network, loss : what computes and what judges
    views : from `network.bind` of vectors with a replica axis
    data : Data
        With weights the loss is their weighted mean; the share of hits never is.
    n_replicas : int
    metrics : names of further metrics, as of `fit`

    Returns
    -------
    Measure
        Two arrays of shape (R,) and one of shape (R, n_metrics), float64.
    """
    like = next(view for mine in views for view in mine)
    sums, hits = [], np.zeros(n_replicas, dtype=np.int64, like=like)
    dtype = like.dtype.name
    gathered = counter(loss, n_replicas, network.n_outputs) if metrics else None
    at_once = AT_ONCE if on_host(like) else AT_ONCE_ON_DEVICE // n_replicas
    for piece in chunks(data.X.shape[0], max(network.widths), at_once):
        indices = np.asarray(piece, like=like)
        X = read(data.X, indices[None], dtype)
        T = X if data.T is None else read(data.T, indices[None], dtype)
        Z, _ = network.forward(views, X)
        losses = loss.rows(Z, T)
        sums.append(_sum((losses if data.weights is None else losses * data.weights[indices])[None]))
        if loss.hits is not None:
            hits += loss.hits(Z, T).sum(axis=-1, dtype=np.int64)
        if gathered is not None:
            gathered.add(Z, T)
    n_rows = data.X.shape[0]
    return _shares(sums, hits, n_rows, loss, gathered, metrics)


def _shares(
    sums: list[np.ndarray],
    hits: np.ndarray,
    n_rows: int,
    loss: Loss,
    gathered: Counter | None,
    metrics: Sequence[str],
) -> Measure:
    """Divide what was collected batch by batch, (K, R) each, by the number of rows.

    Sums are added up for each replica by itself, so the bits do not depend on how the rows were cut.
    """
    total = np.add.reduce(np.ascontiguousarray(host(np.concatenate(sums)).T), axis=-1)
    hits = host(hits)
    further = np.zeros((len(hits), 0)) if gathered is None else gathered.values(metrics)
    accuracy = hits / n_rows if loss.hits is not None else np.full(len(hits), np.nan)
    return Measure(total / n_rows, accuracy, further)


def as_outputs(T: np.ndarray) -> np.ndarray:
    """Return targets in the memory layout that a dense layer gives its outputs; see `rows_like`."""
    return T.mT.copy().mT if T.shape[-1] < T.shape[-2] else T


def _sum(losses: np.ndarray) -> np.ndarray:
    """Sum (K, R, B) over the last axis in float64; cast first, as a buffered cast would regroup the sum."""
    sums: np.ndarray = np.add.reduce(losses.astype(np.float64), axis=-1)
    return sums


def _losses(history: Sequence[tuple[float, ...]]) -> list[float]:
    """Return the validation losses so far, or the training losses where there is no validation."""
    return [row[1] if math.isnan(row[3]) else row[3] for row in history]
