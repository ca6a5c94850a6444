"""Time stacks of networks on one NVIDIA GPU: mlexp with device=cuda, PyTorch and JAX, in less than four minutes.

    python scripts/bench/gpu.py                     # on a machine with a GPU; Markdown on stdout
    python scripts/bench/gpu.py --cpu               # a rehearsal without one, at small sizes

Prints seconds an epoch for R networks 784-128-64-32-10 that are trained together, a stack of 2-5-2, a test whether
accuracies on the GPU and the CPU have one distribution, and the time of 200 runs of task=mnist_mlp. Where MNIST is not
there, random bytes stand in for it and the 200 runs are left out. A first short measurement says how long a step takes;
if whole epochs do not fit into a measurement's share of the time, fewer steps are timed and the table says how many.
Before anything is timed, every program makes the same steps from the same weights; if the losses differ by more than
1e-4, the exit code is 1. What is not installed is left out with one line; without a GPU: one line, exit code 2.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import gpu_programs
    from engine import Case

ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # as nvidia-smi counts
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # the libraries share the memory of the card
}
WIDTHS = (784, 128, 64, 32, 10)
PROBED = 4  # steps that say how long one takes
ROUNDS = 3
SHARES = {"table": 0.42, "accuracies": 0.52, "runs": 1.0}  # of the time, counted from the start
ALIKE = 1e-4


class Sizes(NamedTuple):
    """What a run of this script measures."""

    rows: int
    replicas: tuple[int, ...]
    stack: int
    seeds: int
    seconds: float


GPU = Sizes(54_000, (1, 8, 32, 128, 512), 10_000, 100, 220)
CPU = Sizes(2_560, (1, 8), 100, 2, 60)


class Cell(NamedTuple):
    """Seconds an epoch, and the steps that were timed of those that an epoch has."""

    seconds: float
    steps: int
    all_steps: int


def card() -> str | None:
    """Return name and driver of the GPU; None where there is none."""
    if shutil.which("nvidia-smi") is None:
        return None
    asked = ["nvidia-smi", f"--id={os.environ['CUDA_VISIBLE_DEVICES']}", "--query-gpu=name,driver_version",
             "--format=csv,noheader"]  # fmt: skip
    answer = subprocess.run(asked, capture_output=True, text=True)
    if answer.returncode or not answer.stdout.strip():
        return None
    name, driver = answer.stdout.splitlines()[0].rsplit(",", 1)
    return f"{name.strip()}, driver {driver.strip()}"


def measured(program: gpu_programs.Program, case: Case, seconds: float) -> Cell | str:
    """Time whole epochs if a warm-up and three of them fit into some seconds, otherwise as many steps as do."""
    import gpu_programs

    X, codes = gpu_programs.samples(case.rows, case.widths[0], case.widths[-1])
    all_steps = case.rows // case.batch
    begun = time.perf_counter()

    def median(n_steps: int, rounds: int) -> float:
        few = replace(case, rows=n_steps * case.batch)
        return statistics.median(program(few, X[: few.rows], codes[: few.rows])(1 + rounds)[0][1:])

    try:
        n_steps = min(PROBED, all_steps)
        took = median(n_steps, 1)
        left = seconds - (time.perf_counter() - begun)
        fitting = min(all_steps, int(left / (1 + ROUNDS) / (took / n_steps)))
        if fitting > n_steps:
            n_steps = fitting
            took = median(n_steps, ROUNDS)
    except (MemoryError, RuntimeError) as error:  # each library has an error of its own for a full device
        if "out of memory" not in str(error).lower():
            raise
        return "out of memory"
    finally:
        gpu_programs.release()
    return Cell(took * case.rows / (n_steps * case.batch), n_steps, all_steps)


def shown(cell: Cell | str | None, factor: float = 1.0) -> str:
    if not isinstance(cell, Cell):
        return cell or ""
    return f"{factor * cell.seconds:.3g}" + (" *" if cell.steps < cell.all_steps else "")


def table(rows: dict[str, dict[int, Cell | str]], sizes: Sizes) -> list[str]:
    """Return the table of seconds an epoch; the last columns are a network's share, and how many cores that is."""
    most = max(sizes.replicas)
    heads = [f"s an epoch of {sizes.rows:,} samples, {'-'.join(map(str, WIDTHS))} at 128", *map(
        "R = {}".format, sizes.replicas), f"ms a network at R = {most}", "times one core"]  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(heads) - 1)]
    core = rows["mlexp, NumPy, one core"].get(1)
    for name, cells in rows.items():
        last = cells.get(most)
        ratio = (
            isinstance(core, Cell) and isinstance(last, Cell) and f"{core.seconds * most / last.seconds:.3g}"
        )
        each = [shown(cells.get(R)) for R in sizes.replicas] + [shown(last, 1e3 / most), ratio or ""]
        lines.append(f"| {name} | {' | '.join(each)} |")
    return lines


def notes(rows: dict[str, dict[int, Cell | str]]) -> list[str]:
    """Say what was extrapolated."""
    return [
        f"\\* {name}, R = {R}: extrapolated from {cell.steps} of {cell.all_steps} steps"
        for name, cells in rows.items()
        for R, cell in cells.items()
        if isinstance(cell, Cell) and cell.steps < cell.all_steps
    ]


def runs(device: str, sizes: Sizes, seconds: float, *more: str) -> str:
    """Time the command for many runs of mnist_mlp, early stopping and records included."""
    with tempfile.TemporaryDirectory() as place:
        command = [
            sys.executable, "-m", "mlexp.cli", "-m", "-q", "task=mnist_mlp", f"device={device}", "figures=false",
            "model.activation=sigmoid,relu", f"seed=range({sizes.seeds})", f"sweep.dir={place}/sweep", *more,
        ]  # fmt: skip
        begun = time.perf_counter()
        n_runs, ended = 2 * sizes.seeds, True
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                ended = False
                process.terminate()  # the sweep stops its workers
        took = time.perf_counter() - begun
        summary = Path(place, "sweep", "summary.csv")
        done = []
        if summary.exists():
            with open(summary, newline="") as file:
                done = [row for row in csv.DictReader(file) if row["status"] == "completed"]
    what = f"{n_runs} runs of task=mnist_mlp (sigmoid and ReLU, {sizes.seeds} seeds, device={device})"
    if not ended:
        return f"{what}: stopped after {took:.0f} s with {len(done)} done; no time is claimed."
    if process.returncode or len(done) < n_runs:
        return f"{what}: {len(done)} done, exit code {process.returncode}; no time is claimed."
    return f"{what}: {took:.1f} s, the whole command."


def compared(cpu: bool, sizes: Sizes, seconds: float) -> str:
    """Test whether accuracies of device=cuda and of the CPU have one distribution; seeds differ between the two."""
    import gpu_programs

    n_test = max(sizes.rows // 9, 100)
    X, y = gpu_programs.samples(sizes.rows + n_test)
    like = None if cpu else gpu_programs.devices.opened("cuda")
    begun = time.perf_counter()
    gpu_programs.accuracies([0], None, X, y, sizes.rows)
    n_seeds = int(min(max(seconds / 2 / (time.perf_counter() - begun), 4), 4 if cpu else 100))
    here = gpu_programs.accuracies(range(n_seeds), None, X, y, sizes.rows)
    there = gpu_programs.accuracies(range(n_seeds, 2 * n_seeds), like, X, y, sizes.rows)
    D, p = gpu_programs.two_samples(here, there)
    second = "CPU again" if cpu else "device=cuda"
    both = [f"{one.mean():.4f} (standard deviation {one.std(ddof=1):.4f})" for one in (here, there)]
    return (
        f"Test accuracy after 2 epochs, {n_seeds} seeds each: CPU {both[0]}, {second} {both[1]}; "
        f"Kolmogorov-Smirnov D = {D:.3f}, p = {p:.3f}."
    )


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpu", action="store_true", help="rehearse on the CPU at small sizes")
    parser.add_argument("--rows", type=int, help="samples of an epoch")
    parser.add_argument("--replicas", help="numbers of networks, as 1,8,32")
    parser.add_argument("--stack", type=int, help="networks 2-5-2 of the second table")
    parser.add_argument("--seconds", type=float, help="time for everything")
    return parser


def main(argv: list[str] | None = None) -> int:
    begun = time.perf_counter()
    asked = options().parse_args(argv)
    os.environ.update(ENVIRONMENT)  # before NumPy is imported
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    found = f"{platform.machine()}, rehearsal on the CPU" if asked.cpu else card()
    if found is None:
        print("No NVIDIA GPU found (nvidia-smi lists none). --cpu rehearses without one.", file=sys.stderr)
        return 2
    sizes = CPU if asked.cpu else GPU
    given = {name: getattr(asked, name) for name in ("rows", "stack", "seconds") if getattr(asked, name)}
    if asked.replicas:
        given["replicas"] = tuple(map(int, asked.replicas.split(",")))
    sizes = sizes._replace(**given)

    import gpu_programs
    from engine import Case

    programs, left_out = gpu_programs.programs(asked.cpu)
    print(f"{found}; Python {platform.python_version()}, {gpu_programs.versions()}\n", *left_out, sep="\n")
    print(f"Samples: {'MNIST' if gpu_programs.has_mnist() else 'random bytes (MNIST is not there)'}.")
    first = {name: gpu_programs.losses_of_first_steps(one, WIDTHS) for name, one in programs.items()}
    reference = first["mlexp, NumPy, one core"]
    apart = {name: float(abs(losses - reference).max()) for name, losses in first.items()}
    print(
        f"Losses of the first three steps from the same weights differ by at most {max(apart.values()):.1e}."
    )
    for name, difference in apart.items():
        if not difference <= ALIKE:
            print(f"{name} is another program: its losses differ by {difference:.1e}, more than {ALIKE:g}.")
            return 1

    wanted = []
    for name in reversed(programs):  # the slowest last, which get what time the others leave
        on_core = name == "mlexp, NumPy, one core"
        wanted += [(name, Case(WIDTHS, sizes.rows, 128, R)) for R in sizes.replicas if R <= 8 or not on_core]
        if asked.cpu or not on_core:
            wanted.append((name, Case((2, 5, 2), 1_000, 32, sizes.stack)))
    large: dict[str, dict[int, Cell | str]] = {name: {} for name in programs}
    small: dict[str, dict[int, Cell | str]] = {}
    for number, (name, case) in enumerate(wanted):
        left = SHARES["table"] * sizes.seconds - (time.perf_counter() - begun)
        cell = measured(programs[name], case, left / (len(wanted) - number))
        (large[name] if case.widths == WIDTHS else small.setdefault(name, {}))[case.replicas] = cell
    print("", *table(large, sizes), "", *notes(large), sep="\n")
    print(
        f"\n| 2-5-2 at 32 of 1,000 samples, {sizes.stack:,} networks | ms a network and epoch |\n|---|---:|"
    )
    for name in (one for one in programs if one in small):
        cells = small[name]
        print(f"| {name} | {shown(cells[sizes.stack], 1e3 / sizes.stack)} |")
    print("", *notes(small), sep="\n")

    if asked.cpu or "mlexp, device=cuda (CuPy)" in programs:
        left = SHARES["accuracies"] * sizes.seconds - (time.perf_counter() - begun)
        print(compared(asked.cpu, sizes, left), flush=True)
        if not gpu_programs.has_mnist():
            print("200 runs of task=mnist_mlp: left out, MNIST is not there.")
        else:
            gpu_programs.release()
            left = SHARES["runs"] * sizes.seconds - (time.perf_counter() - begun)
            print(runs("cpu" if asked.cpu else "cuda", sizes, left, *(["size=smoke"] if asked.cpu else [])))
    print(f"\n{time.perf_counter() - begun:.0f} s in all.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
