"""What gpu.py times: mlexp's engine, PyTorch by hand and JAX train the same stack of networks from the same weights.

Each program is a function of a case and its samples that returns `train`, to be called once: it takes a number of
epochs and returns the seconds of each and the mean loss of each network in it. Bytes lie on the device and batches are
scaled there; each network has its own order of samples; SGD with momentum 0.9 and cross-entropy in float32 (no TF32).
A last batch that is smaller is left out.
"""

from __future__ import annotations

import functools
import gc
import importlib.util
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from engine import MOMENTUM, RATE, Case
from scipy.stats import ks_2samp

from mlexp.data import named_sets, readers
from mlexp.data.rows import Rows
from mlexp.errors import ConfigError
from mlexp.nn import device as devices
from mlexp.nn.batches import Coded, one_hot
from mlexp.nn.fit import Data, Settings, fit
from mlexp.nn.learners import PerceptronClassifier
from mlexp.nn.losses import LOSSES
from mlexp.nn.network import Network, perceptron
from mlexp.nn.optimizers import SGD
from mlexp.nn.stack import fit_stack
from mlexp.nn.state import State, begin

SCALE = 1 / 255
Train = Callable[[int], tuple[list[float], np.ndarray]]
Program = Callable[[Case, np.ndarray, np.ndarray], Train]


def has_mnist() -> bool:
    """Return whether MNIST lies on this machine."""
    return any(one.name == "mnist" and one.where != "not here" for one in named_sets.describe())


@functools.cache
def samples(n_rows: int, n_features: int = 784, n_classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return bytes and classes: MNIST's, or random bytes whose class is the largest of ten random projections."""
    if (n_features, n_classes) == (784, 10) and n_rows <= 60_000 and has_mnist():
        dataset = readers.load(reader="published", name="mnist")
        return np.asarray(dataset.X[:n_rows]).reshape(n_rows, 784), np.asarray(dataset.y[:n_rows])
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (n_rows, n_features), dtype=np.uint8)
    teacher = rng.normal(size=(n_features, n_classes)).astype(np.float32)
    return X, ((X.astype(np.float32) - 127.5) @ teacher).argmax(axis=1)


def start(case: Case) -> tuple[Network, State]:
    """Draw the same weights for every program."""
    network = perceptron(case.widths[0], case.widths[1:-1], case.widths[-1])
    return network, begin([network] * case.replicas, SGD(MOMENTUM), range(case.replicas))


def weights(case: Case) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return weights (R, n_in, n_out) and biases (R, 1, n_out) of each layer."""
    network, state = start(case)
    layers = [views for views in network.bind(state.theta, state.running) if views]
    return [(W, b.reshape(case.replicas, 1, -1)) for W, b in layers]


def mlexp(like: np.ndarray | None) -> Program:
    """The engine, on the device of an array; None: with NumPy on this thread."""

    def program(case: Case, X: np.ndarray, codes: np.ndarray) -> Train:
        network, state = start(case)
        train = Data(Rows(X, scale=SCALE), Coded(codes, one_hot(case.widths[-1])))

        def epochs(n: int) -> tuple[list[float], np.ndarray]:
            how = Settings(RATE, batch_size=case.batch, epochs=n, drop_last=True)
            fit(network, LOSSES["cross_entropy"], SGD(MOMENTUM), how, state, train, like=like)
            losses = [
                [row["train_loss"] for row in state.records(replica)] for replica in range(case.replicas)
            ]
            return state.seconds, np.array(losses).T

        return epochs

    return program


def timed(epoch: Callable[[], Any], n: int) -> tuple[list[float], np.ndarray]:
    """Run epochs whose losses, (R,), come back to the host, which waits for the device."""
    seconds, losses = [], []
    for _ in range(n):
        begun = time.perf_counter()
        losses.append(np.asarray(epoch()))
        seconds.append(time.perf_counter() - begun)
    return seconds, np.stack(losses)


def pytorch(on: str) -> Program:
    """PyTorch with the derivative written by hand; on "cuda" a step is one launch of a CUDA graph."""
    import torch

    torch.set_num_threads(1)

    def program(case: Case, X: np.ndarray, codes: np.ndarray) -> Train:
        R, B, n_steps = case.replicas, case.batch, case.rows // case.batch
        stored, labels = (torch.tensor(array, device=on) for array in (X, codes.astype(np.int64)))
        layers = [tuple(torch.tensor(array, device=on) for array in layer) for layer in weights(case)]
        velocity = [tuple(torch.zeros_like(array) for array in layer) for layer in layers]
        order = torch.zeros((n_steps, R, B), dtype=torch.int64, device=on)
        number = torch.zeros(1, dtype=torch.int64, device=on)
        total = torch.zeros(R, device=on)
        minus_one = torch.full((R, B, 1), -1.0, device=on)

        def step() -> None:
            rows = order.index_select(0, number)[0]
            number.add_(1)
            acts = [stored[rows].to(torch.float32).mul_(SCALE)]
            for W, b in layers:
                acts.append(torch.baddbmm(b, acts[-1], W))
                if len(acts) <= len(layers):
                    acts[-1].relu_()
            targets = labels[rows][..., None]
            logs = torch.log_softmax(acts.pop(), dim=-1)
            total.sub_(logs.gather(-1, targets).mean(dim=(1, 2)))
            dY = logs.exp_().scatter_add_(-1, targets, minus_one).div_(B)
            grads = []
            for (W, _), A in zip(reversed(layers), reversed(acts), strict=True):
                grads.append((torch.bmm(A.mT, dY), dY.sum(dim=1, keepdim=True)))
                if A is not acts[0]:
                    dY = torch.bmm(dY, W.mT).mul_(A > 0)
            for layer, kept, gradient in zip(layers, velocity, reversed(grads), strict=True):
                for parameter, v, g in zip(layer, kept, gradient, strict=True):
                    v.mul_(MOMENTUM).add_(g)
                    parameter.sub_(v, alpha=RATE)

        changed = [array for layer in (*layers, *velocity) for array in layer] + [number, total]
        run = captured(step, number.zero_, changed) if on == "cuda" else step

        def epoch() -> Any:
            shuffled = torch.rand((R, case.rows), device=on).argsort(dim=1)[:, : n_steps * B]
            order.copy_(shuffled.view(R, n_steps, B).swapaxes(0, 1))
            number.zero_()
            total.zero_()
            for _ in range(n_steps):
                run()
            return (total / n_steps).cpu()

        return lambda n: timed(epoch, n)

    return program


def captured(
    step: Callable[[], None], rewind: Callable[[], Any], changed: Sequence[Any]
) -> Callable[[], None]:
    """Return the launch of a step's CUDA graph; the warm-up leaves `changed` as it was, and capturing runs nothing."""
    import torch

    kept = [array.clone() for array in changed]
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            rewind()
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    for array, before in zip(changed, kept, strict=True):
        array.copy_(before)
    return graph.replay


def jax() -> Program:
    """JAX: an epoch of one network is a compiled scan, mapped over the stack."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_default_matmul_precision", "float32")

    def program(case: Case, X: np.ndarray, codes: np.ndarray) -> Train:
        stored, labels, n_steps = jnp.asarray(X), jnp.asarray(codes), case.rows // case.batch

        def loss(params: Any, rows: Any, targets: Any) -> Any:
            for W, b in params[:-1]:
                rows = jnp.maximum(rows @ W + b, 0)
            W, b = params[-1]
            return -jnp.take_along_axis(jax.nn.log_softmax(rows @ W + b), targets[:, None], axis=1).mean()

        def step(carry: Any, rows: Any) -> Any:
            params, velocity = carry
            batch = stored[rows].astype(jnp.float32) * SCALE
            value, grads = jax.value_and_grad(loss)(params, batch, labels[rows])
            velocity = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocity, grads)
            return (jax.tree.map(lambda p, v: p - RATE * v, params, velocity), velocity), value

        def one(params: Any, velocity: Any, key: Any) -> Any:
            order = jax.random.permutation(key, case.rows)[: n_steps * case.batch].reshape(n_steps, -1)
            carry, losses = jax.lax.scan(step, (params, velocity), order)
            return (*carry, losses.mean())

        params = jax.tree.map(jnp.asarray, weights(case))
        carry: list[Any] = [params, jax.tree.map(jnp.zeros_like, params)]
        keys, run = [jax.random.key(0)], jax.jit(jax.vmap(one))

        def epoch() -> Any:
            keys[0], *own = jax.random.split(keys[0], case.replicas + 1)
            *carry[:], losses = run(*carry, jnp.stack(own))
            return losses

        return lambda n: timed(epoch, n)

    return program


def programs(cpu: bool) -> tuple[dict[str, Program], list[str]]:
    """Return the programs that can run here, and a line for each that is left out."""
    found: dict[str, Program] = {"mlexp, NumPy, one core": mlexp(None)}
    left_out = []
    if not cpu:
        try:
            found["mlexp, device=cuda (CuPy)"] = mlexp(devices.opened("cuda"))
        except ConfigError as error:
            left_out.append(f"Left out: mlexp, device=cuda. {error}")
    if importlib.util.find_spec("torch") is None:
        left_out.append("Left out: PyTorch, which is not installed.")
    else:
        import torch

        if cpu:
            found["PyTorch by hand"] = pytorch("cpu")
        elif torch.cuda.is_available():
            found["PyTorch by hand, one CUDA graph a step"] = pytorch("cuda")
        else:
            left_out.append("Left out: PyTorch, which finds no GPU (a build without CUDA?).")
    if importlib.util.find_spec("jax") is None:
        left_out.append("Left out: JAX, which is not installed.")
    else:
        import jax as library

        if cpu or library.default_backend() == "gpu":
            found["JAX jit + scan + vmap"] = jax()
        else:
            left_out.append("Left out: JAX, which finds no GPU (a build without CUDA?).")
    return found, left_out


def versions() -> str:
    """Return the versions of the libraries that are loaded."""
    names = {"NumPy": "numpy", "CuPy": "cupy", "PyTorch": "torch", "JAX": "jax"}
    loaded = {words: sys.modules[name].__version__ for words, name in names.items() if name in sys.modules}
    return ", ".join(f"{words} {version}" for words, version in loaded.items())


def release() -> None:
    """Give the memory of a program that has ended back to the device, for the next library."""
    gc.collect()
    if "torch" in sys.modules and sys.modules["torch"].cuda.is_available():
        sys.modules["torch"].cuda.empty_cache()
    if "cupy" in sys.modules:
        sys.modules["cupy"].get_default_memory_pool().free_all_blocks()


def losses_of_first_steps(program: Program, widths: tuple[int, ...], n_replicas: int = 2) -> np.ndarray:
    """Return losses (3, R) before, after one and after two steps on one batch of 128 samples."""
    X, codes = samples(128, widths[0], widths[-1])
    return program(Case(widths, 128, 128, n_replicas), X, codes)(3)[1]


def accuracies(
    seeds: Sequence[int], like: np.ndarray | None, X: np.ndarray, y: np.ndarray, n_train: int, epochs: int = 2
) -> np.ndarray:
    """Return the test accuracy of the network of mnist_mlp after some epochs, for each seed."""
    how = functools.partial(
        PerceptronClassifier, [128, 64, 32], optimizer="sgd", learning_rate=0.1, momentum=0.9,
        init="xavier_uniform", batch_size=128, epochs=epochs, restore_best=False,
    )  # fmt: skip
    models = [how(seed=seed) for seed in seeds]
    rows = Rows(X, scale=SCALE)
    train, test = (rows.select(np.arange(*ends)) for ends in ((n_train,), (n_train, len(X))))
    fit_stack(models, train, y[:n_train], test, y[n_train:], like=like)
    return np.array([(model.predict(test) == y[n_train:]).mean() for model in models])


def two_samples(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return statistic and p of the Kolmogorov-Smirnov test that two samples have one distribution."""
    found = ks_2samp(a, b)
    return float(found.statistic), float(found.pvalue)
