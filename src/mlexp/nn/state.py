"""The state of a training run: all that is needed to resume it as if it had never been interrupted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mlexp.nn.device import host
from mlexp.nn.network import Network
from mlexp.nn.optimizers import Optimizer

COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "learning_rate",
)
Record = dict[str, float]

RUNNING, PATIENCE, EPOCHS, INTERRUPTED, DIVERGED, CALLBACK = STATUSES = (
    "running",
    "patience",
    "epochs",
    "interrupted",
    "diverged",
    "callback",
)


@dataclass
class State:
    """Weights, optimizer, generators, history and best so far of R replicas.

    Attributes
    ----------
    theta : ndarray of shape (R, P); running : (R, S); slots : arrays of shape (R, P)
    step : number of updates made; epoch : number of epochs made by the replicas that still run
    rngs : for each replica the generators of its batch order and of its dropout
    status : for each replica one of `STATUSES`
    best_theta, best_running, best_loss, best_epoch : at the best validation loss so far; epoch 0 is the start
    history : for each replica one row of numbers an epoch, in the order of `columns`; NaN where not measured
    measured : which of `columns` this run measures
    metrics : names of the metrics that it records besides
    seconds : seconds of each epoch of the whole stack (not part of `to_arrays`, which repeats byte for byte)
    """

    theta: np.ndarray
    running: np.ndarray
    slots: list[np.ndarray]
    rngs: list[tuple[np.random.Generator, np.random.Generator]]
    status: list[str]
    best_theta: np.ndarray
    best_running: np.ndarray
    best_loss: np.ndarray
    best_epoch: np.ndarray
    history: list[list[tuple[float, ...]]]
    step: int = 0
    epoch: int = 0
    measured: tuple[bool, ...] = (True,) * len(COLUMNS)
    metrics: tuple[str, ...] = ()
    seconds: list[float] = field(default_factory=list)

    @property
    def columns(self) -> tuple[str, ...]:
        """What a row of the history holds: `COLUMNS`, then each further metric of training and validation part."""
        return (*COLUMNS, *(f"{part}_{name}" for part in ("train", "validation") for name in self.metrics))

    def start_recording(self, metrics: Sequence[str]) -> None:
        """Record these metrics from the first epoch on; a history that has begun keeps its own."""
        if not any(self.history):
            self.metrics = tuple(metrics)

    @property
    def active(self) -> list[int]:
        """Replicas that still train."""
        return [replica for replica, status in enumerate(self.status) if status in (RUNNING, INTERRUPTED)]

    def final(self, replica: int, restore_best: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return parameters and running values to predict with: the best ones if asked and there are any."""
        if restore_best and self.best_epoch[replica] > 0:
            return host(self.best_theta[replica].copy()), host(self.best_running[replica].copy())
        return host(self.theta[replica].copy()), host(self.running[replica].copy())

    def move(self, like: np.ndarray | None = None) -> None:
        """Move the arrays to the device of an array, or to the memory of this machine."""

        def moved(array: np.ndarray) -> np.ndarray:
            return host(array) if like is None else np.asarray(array, like=like)

        self.theta, self.running = moved(self.theta), moved(self.running)
        self.best_theta, self.best_running = moved(self.best_theta), moved(self.best_running)
        self.slots = [moved(slot) for slot in self.slots]

    def records(self, replica: int, first: int = 0) -> list[Record]:
        """Return the history of one replica, from place `first` on, one record an epoch.

        What is not measured (accuracy of a regression, losses without a validation part) is left out.
        """
        rows = self.history[replica]
        known = [place for place, measured in enumerate(self.measured) if measured]
        columns = self.columns
        return [
            {"epoch": int(row[0])} | {columns[place]: row[place] for place in known[1:]}
            for row in rows[first:]
        ]

    def only(self, replica: int) -> State:
        """Return the state that one replica would have had it trained alone; the arrays are views.

        Examples
        --------
        >>> from mlexp.nn.layers import Dense
        >>> from mlexp.nn.optimizers import SGD
        >>> pair, alone = (begin([Network((Dense(1),), 2)] * len(seeds), SGD(), seeds) for seeds in ([0, 1], [1]))
        >>> bool((pair.only(1).theta == alone.theta).all())
        True
        """
        own = slice(replica, replica + 1)
        return State(
            theta=self.theta[own],
            running=self.running[own],
            slots=[slot[own] for slot in self.slots],
            rngs=self.rngs[own],
            status=self.status[own],
            best_theta=self.best_theta[own],
            best_running=self.best_running[own],
            best_loss=self.best_loss[own],
            best_epoch=self.best_epoch[own],
            history=self.history[own],
            step=self.step,
            epoch=len(self.history[replica]),
            measured=self.measured,
            metrics=self.metrics,
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the state as plain arrays, for a file without pickle.

        They are not copies: write them before training goes on.

        Examples
        --------
        >>> from mlexp.nn.layers import Dense
        >>> from mlexp.nn.optimizers import SGD
        >>> state = begin([Network((Dense(1),), 2)], SGD(), [0])
        >>> again = from_arrays(state.to_arrays())
        >>> bool((again.theta == state.theta).all())
        True
        """
        lengths = [len(rows) for rows in self.history]
        rows = [row for rows in self.history for row in rows]
        arrays = {
            "theta": host(self.theta),
            "running": host(self.running),
            "best_theta": host(self.best_theta),
            "best_running": host(self.best_running),
            "best_loss": self.best_loss,
            "best_epoch": self.best_epoch,
            "status": np.array(self.status),
            "rngs": np.array([[_packed(rng) for rng in pair] for pair in self.rngs], dtype=np.uint64),
            "history": np.array(rows, dtype=np.float64).reshape(-1, len(self.columns)),
            "history_lengths": np.array(lengths, dtype=np.int64),
            "measured": np.array(self.measured),
            "counters": np.array([self.step, self.epoch], dtype=np.int64),
        }
        arrays |= {"metrics": np.array(self.metrics)} if self.metrics else {}
        return arrays | {f"slot_{number}": host(slot) for number, slot in enumerate(self.slots)}


def from_arrays(arrays: Mapping[str, np.ndarray]) -> State:
    """Make a state of what `State.to_arrays` returned; the arrays are copied."""
    ends = np.cumsum(arrays["history_lengths"])
    parts = np.split(arrays["history"], ends[:-1])
    n_slots = sum(name.startswith("slot_") for name in arrays)
    return State(
        theta=arrays["theta"].copy(),
        running=arrays["running"].copy(),
        slots=[arrays[f"slot_{number}"].copy() for number in range(n_slots)],
        rngs=[(_unpacked(pair[0]), _unpacked(pair[1])) for pair in arrays["rngs"]],
        status=[str(status) for status in arrays["status"]],
        best_theta=arrays["best_theta"].copy(),
        best_running=arrays["best_running"].copy(),
        best_loss=arrays["best_loss"].copy(),
        best_epoch=arrays["best_epoch"].copy(),
        history=[[tuple(row) for row in part.tolist()] for part in parts],
        measured=tuple(bool(known) for known in arrays["measured"]),
        metrics=tuple(str(name) for name in arrays.get("metrics", ())),
        step=int(arrays["counters"][0]),
        epoch=int(arrays["counters"][1]),
    )


def begin(
    networks: Sequence[Network], optimizer: Optimizer, seeds: Sequence[int], dtype: str = "float32"
) -> State:
    """Draw the start of R replicas.

    Parameters
    ----------
    networks : one for each replica; they may differ in their initialisers only
    optimizer : Optimizer
    seeds : one for each replica; each gives independent streams for weights, batch order and dropout
    dtype : {"float32", "float64"}

    Returns
    -------
    State
    """
    streams = [
        [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(3)] for seed in seeds
    ]
    theta = np.stack([network.start(rngs[0], dtype) for network, rngs in zip(networks, streams, strict=True)])
    running = np.stack([network.start_running(dtype) for network in networks])
    n_replicas = len(seeds)
    return State(
        theta=theta,
        running=running,
        slots=[np.zeros_like(theta) for _ in range(optimizer.n_slots)],
        rngs=[(rngs[1], rngs[2]) for rngs in streams],
        status=[RUNNING] * n_replicas,
        best_theta=theta.copy(),
        best_running=running.copy(),
        best_loss=np.full(n_replicas, np.inf),
        best_epoch=np.zeros(n_replicas, dtype=np.int64),
        history=[[] for _ in range(n_replicas)],
    )


def _packed(rng: np.random.Generator) -> list[int]:
    """Return the state of a PCG64 generator as six unsigned 64-bit numbers."""
    whole = rng.bit_generator.state
    state, increment = whole["state"]["state"], whole["state"]["inc"]
    low = (1 << 64) - 1
    return [
        state >> 64,
        state & low,
        increment >> 64,
        increment & low,
        whole["has_uint32"],
        whole["uinteger"],
    ]


def _unpacked(numbers: np.ndarray) -> np.random.Generator:
    high, low, inc_high, inc_low, has, left = (int(number) for number in numbers)
    bits = np.random.PCG64()
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": (high << 64) | low, "inc": (inc_high << 64) | inc_low},
        "has_uint32": has,
        "uinteger": left,
    }
    return np.random.Generator(bits)
