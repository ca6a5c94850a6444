"""Time one training epoch of the engine against PyTorch, scikit-learn, JAX and the bare matrix products.

    python scripts/bench/engine.py                  # all cases, a few minutes
    python scripts/bench/engine.py --only 2-5-2 --rounds 5

Every contestant trains the same architecture on the same float32 rows with the same batch size and
SGD with momentum, on one thread of one core. Epochs are interleaved, one of each in turn, so that a busy moment
hits all alike; the ratios of medians are what counts. PyTorch runs eagerly and without a DataLoader
(rows are gathered by an index tensor, the fastest simple loop); JAX runs an epoch as one compiled
scan. What is not installed is left out.
"""

from __future__ import annotations

# ruff: noqa: E402  (threads are set before NumPy is imported)
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.pop(
    "OPENBLAS_CORETYPE", None
)  # every library takes the widest instructions that the processor has
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(
        0, {max(os.sched_getaffinity(0))}
    )  # JAX's threads share the core instead of waiting for each other
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import argparse
import importlib.util
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlexp.nn.batches import Coded, one_hot
from mlexp.nn.fit import Data, Settings, fit
from mlexp.nn.losses import LOSSES
from mlexp.nn.network import perceptron
from mlexp.nn.optimizers import SGD
from mlexp.nn.state import RUNNING, begin
from mlexp.store.environment import blas

RATE, MOMENTUM = 0.01, 0.9
Epoch = Callable[[], None]


@dataclass(frozen=True)
class Case:
    """An architecture, its data and its batch."""

    widths: tuple[int, ...]
    rows: int
    batch: int
    replicas: int = 1

    @property
    def at_once(self) -> int:
        """Epochs in one measurement: enough that starting the loop and recording its first steps hardly count."""
        return 1 if self.rows > 10_000 else 10 if self.replicas > 1 else 50

    @property
    def name(self) -> str:
        stack = f", {self.replicas} replicas" if self.replicas > 1 else ""
        return f"{'-'.join(map(str, self.widths))} at {self.batch} of {self.rows}{stack}"


CASES = (
    Case((784, 128, 64, 32, 10), 54_000, 128),
    Case((784, 256, 128, 64, 32, 10), 54_000, 128),
    Case((784, 25, 10), 54_000, 128),
    Case((5, 25, 25, 2), 500, 64),
    Case((2, 5, 2), 1_000, 32),
    Case((2, 5, 2), 1_000, 1_000),
    Case((2, 5, 2), 1_000, 32, 8),
    Case((2, 5, 2), 1_000, 32, 32),
    Case((5, 25, 25, 2), 500, 64, 32),
)


def data_for(case: Case) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(case.rows, case.widths[0])).astype(np.float32)
    return X, rng.integers(0, case.widths[-1], case.rows)


def bare(case: Case) -> Epoch:
    """The matrix products of forward and backward passes and nothing else."""
    rng = np.random.default_rng(0)
    lead = (case.replicas, case.batch)
    acts = [rng.normal(size=(*lead, width)).astype(np.float32) for width in case.widths]
    pairs = list(zip(case.widths, case.widths[1:], strict=False))
    weights = [rng.normal(size=(case.replicas, *pair)).astype(np.float32) for pair in pairs]
    grads, outs = [np.empty_like(W) for W in weights], [np.empty_like(act) for act in acts]

    def epoch() -> None:
        for _ in range(-(-case.rows // case.batch)):
            for k, W in enumerate(weights):
                np.matmul(acts[k], W, out=outs[k + 1])
            for k, W in enumerate(weights):
                np.matmul(acts[k].mT, acts[k + 1], out=grads[k])
                if k:
                    np.matmul(acts[k + 1], W.mT, out=outs[k])

    return epoch


def ours(case: Case, at_once: int | None = None) -> Epoch:
    X, codes = data_for(case)
    network = perceptron(case.widths[0], case.widths[1:-1], case.widths[-1])
    optimizer = SGD(MOMENTUM)
    state = begin([network] * case.replicas, optimizer, range(case.replicas))
    train = Data(X, Coded(codes, one_hot(case.widths[-1])))

    def epoch() -> None:
        state.status = [RUNNING] * case.replicas
        settings = Settings(RATE, batch_size=case.batch, epochs=state.epoch + (at_once or case.at_once))
        fit(network, LOSSES["cross_entropy"], optimizer, settings, state, train)

    return epoch


def one_by_one(case: Case) -> Epoch:
    """As many single networks as there are replicas, one after the other."""
    single = ours(Case(case.widths, case.rows, case.batch), case.at_once)

    def epoch() -> None:
        for _ in range(case.replicas):
            single()

    return epoch


def pytorch(case: Case) -> Epoch:
    import torch

    torch.set_num_threads(1)
    X, codes = (torch.from_numpy(array) for array in data_for(case))
    layers: list[torch.nn.Module] = []
    for n_in, n_out in zip(case.widths, case.widths[1:], strict=False):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=MOMENTUM)
    loss = torch.nn.CrossEntropyLoss()

    def epoch() -> None:
        order = torch.randperm(case.rows)
        for first in range(0, case.rows, case.batch):
            rows = order[first : first + case.batch]
            optimizer.zero_grad()
            loss(net(X[rows]), codes[rows]).backward()
            optimizer.step()

    def replicas() -> None:
        for _ in range(case.replicas):
            epoch()

    return replicas


def scikit_learn(case: Case) -> Epoch:
    from sklearn.neural_network import MLPClassifier

    X, codes = data_for(case)
    model = MLPClassifier(
        case.widths[1:-1], solver="sgd", learning_rate_init=RATE, momentum=MOMENTUM, nesterovs_momentum=False,
        batch_size=case.batch, alpha=0.0, random_state=0,
    )  # fmt: skip

    def epoch() -> None:
        for _ in range(case.replicas):
            model.partial_fit(X, codes, classes=np.arange(case.widths[-1]))

    return epoch


def jax(case: Case) -> Epoch:
    import jax
    import jax.numpy as jnp

    X, codes = data_for(case)
    X, T = jnp.asarray(X), jnp.asarray(one_hot(case.widths[-1])[codes])
    n_batches = case.rows // case.batch

    def loss(params, rows, targets):
        for W, b in params[:-1]:
            rows = jnp.maximum(rows @ W + b, 0)
        W, b = params[-1]
        return -(targets * jax.nn.log_softmax(rows @ W + b)).sum(-1).mean()

    def step(carry, rows):
        params, velocity = carry
        grads = jax.grad(loss)(params, X[rows], T[rows])
        velocity = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocity, grads)
        return (jax.tree.map(lambda p, v: p - RATE * v, params, velocity), velocity), None

    def one(params, velocity, key):
        order = jax.random.permutation(key, case.rows)[: n_batches * case.batch].reshape(n_batches, -1)
        return jax.lax.scan(step, (params, velocity), order)[0]

    rng = np.random.default_rng(0)
    params = [
        (
            jnp.asarray(rng.normal(size=(case.replicas, n_in, n_out)).astype(np.float32) / n_in**0.5),
            jnp.zeros((case.replicas, n_out)),
        )
        for n_in, n_out in zip(case.widths, case.widths[1:], strict=False)
    ]
    carry = [params, jax.tree.map(jnp.zeros_like, params)]
    keys, run = [jax.random.key(0)], jax.jit(jax.vmap(one))

    def epoch() -> None:
        keys[0], *own = jax.random.split(keys[0], case.replicas + 1)
        carry[:] = jax.block_until_ready(run(*carry, jnp.stack(own)))

    return epoch


CONTESTANTS: dict[str, tuple[Callable[[Case], Epoch], str]] = {
    "mlexp": (ours, "numpy"),
    "matrix products": (bare, "numpy"),
    "mlexp one by one": (one_by_one, "numpy"),
    "scikit-learn": (scikit_learn, "sklearn"),
    "PyTorch eager": (pytorch, "torch"),
    "JAX jit+scan+vmap": (jax, "jax"),
}


OURS = ("mlexp", "mlexp one by one")  # these make `at_once` epochs in a call


def measured(case: Case, rounds: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Return milliseconds an epoch of every contestant by a clock, one epoch of each in turn."""
    epochs = {
        name: make(case)
        for name, (make, package) in CONTESTANTS.items()
        if importlib.util.find_spec(package) and (case.replicas > 1 or name != "mlexp one by one")
    }
    times: dict[str, list[float]] = {name: [] for name in epochs}
    for number in range(rounds + 1):
        for name, epoch in epochs.items():
            started = clock()
            for _ in range(1 if name in OURS else case.at_once):
                epoch()
            if number:  # the first round compiles and warms up
                times[name].append(1e3 * (clock() - started) / case.at_once)
    return times


def report(case: Case, times: dict[str, list[float]]) -> None:
    """Print median, quartiles and the ratio to ours: above 1 means that ours is faster."""
    print(f"\n{case.name}")
    reference = statistics.median(times["mlexp"])
    for name, values in times.items():
        low, middle, high = np.percentile(values, [25, 50, 75])
        print(f"  {name:18} {middle:10.3f} ms  [{low:.3f}, {high:.3f}]  {middle / reference:6.2f} x mlexp")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11, help="epochs of each contestant")
    parser.add_argument("--only", default="", help="only the case of this name, or those that begin so")
    parser.add_argument("--cpu", action="store_true", help="CPU seconds of all threads, on a busy machine")
    options = parser.parse_args()
    kernels = ", ".join(str(library.get("architecture")) for library in blas())
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, NumPy {np.__version__} "
        f"(kernels for {kernels}), one thread, {'CPU' if options.cpu else 'wall-clock'} time"
    )
    warnings.simplefilter("ignore")
    clock = time.process_time if options.cpu else time.perf_counter
    named = [case for case in CASES if case.name == options.only]
    for case in named or [case for case in CASES if case.name.startswith(options.only)]:
        report(case, measured(case, options.rounds, clock))


if __name__ == "__main__":
    main()
