"""Time sweeps: what a job costs beyond its training, what stacks and a second core gain, what the disk sees.

    python scripts/bench/sweep.py                       # all cases, some minutes
    python scripts/bench/sweep.py --only overhead --jobs 200
    MLEXP_DATA_DIR=... python scripts/bench/sweep.py --only cores --rounds 3

    overhead   tiny jobs, one epoch each, no stacks, no figures: seconds a job, by the clock and of the processors
    disk       files, bytes, and calls of the system that a shared disk feels (needs strace) of one such job
    many       a sweep of --jobs tiny jobs (10000 take some minutes) and of a tenth of them: seconds and files a job,
               memory, what the tenth lets expect, and what its `mlexp list runs --jobs` and `mlexp report` cost
    circles    64 runs of dataset=circles in batches of 32, seeds times learning rates: stacked against one by one
               (task=circles_capacity, a thousand rows in one batch, gains little: its time is arithmetic)
    cores      12 arms of task=mnist_activation_init: two workers against one
    dask       the overhead once more, on a scheduler and two workers of this machine
    slurm      the same through the local executor of submitit

Sides that are compared run in turn, one round after another, so that a busy moment hits both; ratios are of
medians. On a busy machine seconds by the clock say little: seconds of the processors (of all processes of a
sweep together) are hardly affected, and on two idle cores the clock would show about half of them.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

TINY = (
    "task=classify",
    "dataset=iris",
    "model.hidden=[4]",
    "model.epochs=1",
    "sweep.stack=false",
    "figures=false",
)
CIRCLES = ("task=classify", "dataset=circles", "model.hidden=[5]", "model.epochs=1000", "model.patience=null",
           "seed=range(0,16)",
           "model.learning_rate=0.001,0.003,0.01,0.03", "figures=false")  # fmt: skip
ARMS = ("task=mnist_activation_init", "task.kind=classification", "model.activation=sigmoid,tanh,relu,leaky_relu",
        "model.init=zeros,random,normal", "model.patience=null", "figures=false")  # fmt: skip
ALIKE = ("config.yaml", "metrics.json", "history.csv", "predictions.npz", "model.npz", "tables/confusion.csv")
CALLS = ("fsync", "fdatasync", "rename", "mkdir", "unlink", "flock", "openat", "newfstatat")


class Cost(NamedTuple):
    """Seconds of a sweep: by the clock, and of all processors together."""

    clock: float
    processors: float


def sweep(place: Path, *settings: str) -> Cost:
    """Run a sweep in a new folder and return what it cost."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "mlexp.cli", "-m", "-q", *settings, f"sweep.dir={place}"], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    clock = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def trained(place: Path) -> float:
    """Return the seconds of all epochs of a sweep."""
    files = place.glob("runs/*/timing.csv")
    return sum(float(line.split(",")[1]) for file in files for line in file.read_text().splitlines()[1:])


def overhead(cwd: Path, jobs: int, rounds: int, *where: str) -> None:
    """Print what a job costs beyond its training, with the start of the program and of its workers shared out."""
    found = []
    for number in range(rounds):
        place = cwd / f"overhead{number}{len(where)}"
        cost = sweep(place, *TINY, f"seed=range(0,{jobs})", *where)
        spent = trained(place)
        found.append(Cost((cost.clock - spent / 2) / jobs * 1000, (cost.processors - spent) / jobs * 1000))
        print(f"  {jobs} jobs: {found[-1].clock:.1f} ms a job by the clock, {found[-1].processors:.1f} ms of "
              f"processors, training aside ({spent / jobs * 1000:.1f} ms)", flush=True)  # fmt: skip
    print(f"  best: {min(cost.clock for cost in found):.1f} ms a job by the clock")


def cost_of(*words: str) -> float:
    """Run a command of mlexp and return its seconds of the processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "mlexp.cli", *words], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def many(cwd: Path, jobs: int) -> None:
    """Print what a sweep of many tiny jobs costs, beside what a tenth of them let expect."""
    for count in (jobs // 10, jobs):
        place = cwd / f"outputs{count}" / "classify" / "sweep"
        cost = sweep(place, *TINY, f"seed=range(0,{count})")
        n_files = sum(file.is_file() for file in place.rglob("*"))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
        print(f"  {count} jobs: {cost.clock:.0f} s by the clock, {cost.processors:.0f} s of processors "
              f"({cost.processors / count * 1000:.1f} ms a job), {n_files / count:.1f} files a job, "
              f"no process above {peak:.0f} MB", flush=True)  # fmt: skip
        if count < jobs:
            listed = cost_of("list", "runs", "--jobs", "--outputs", str(cwd / f"outputs{count}"))
            print(f"  of these, `list --jobs` takes {listed:.2f} s of processors, `report` "
                  f"{cost_of('report', str(place)):.2f}; ten times as many jobs should take "
                  f"{cost.clock * 10:.0f} s", flush=True)  # fmt: skip


def disk(cwd: Path, jobs: int) -> None:
    """Print what the disk sees of one tiny job: the difference between `jobs` of them and one, shared out."""
    files = [file for file in (cwd / "overhead00" / "runs").rglob("*") if file.is_file()]
    runs = len(list((cwd / "overhead00" / "runs").iterdir()))
    size = sum(file.stat().st_size for file in files) / runs
    print(f"  {len(files) / runs:.1f} files and {size / 1000:.1f} kB a job")
    if shutil.which("strace") is None:
        print("  calls of the system: strace is not installed")
        return
    counts = []
    for count in (1, jobs):
        log = cwd / f"strace{count}"
        subprocess.run(["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={','.join(CALLS)}", sys.executable, "-m",
                        "mlexp.cli", "-m", "-q", *TINY, f"seed=range(0,{count})", f"sweep.dir={cwd / f'd{count}'}",
                        "execution.workers=1"], check=True, stdout=subprocess.DEVNULL)  # fmt: skip
        counts.append(Counter(re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.MULTILINE)))
    for name in CALLS:
        print(f"  {name:<12}{(counts[1][name] - counts[0][name]) / (jobs - 1):6.1f} a job")


def compare(
    cwd: Path, name: str, settings: tuple[str, ...], sides: dict[str, tuple[str, ...]], rounds: int
) -> None:
    """Run two sides in turn and print the ratio of their medians, and whether their folders are alike."""
    costs: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(rounds):
        for side, how in sides.items():
            costs[side].append(sweep(cwd / f"{name}-{side}-{number}", *settings, *how).clock)
            print(f"  {side}: {costs[side][-1]:.1f} s", flush=True)
    one, other = (statistics.median(costs[side]) for side in sides)
    print(f"  {' / '.join(sides)}: {one / other:.2f}")
    places = [cwd / f"{name}-{side}-0" for side in sides]
    runs = sorted(path.name for path in (places[0] / "runs").iterdir())
    assert runs == sorted(path.name for path in (places[1] / "runs").iterdir())
    assert all(
        (places[0] / "runs" / run / file).read_bytes() == (places[1] / "runs" / run / file).read_bytes()
        for run in runs
        for file in ALIKE
    )
    print(f"  {len(runs)} pairs of run folders are alike, byte for byte")


@contextmanager
def dask(cwd: Path) -> Iterator[str]:
    """Give the address of a scheduler with two workers."""
    started = [subprocess.Popen(
        [sys.executable, "-m", "dask", "scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard",
         "--scheduler-file", str(cwd / "at.json")], stderr=subprocess.DEVNULL)]  # fmt: skip
    while not (cwd / "at.json").exists():
        time.sleep(0.1)
    try:
        for _ in range(2):
            started.append(subprocess.Popen(
                [sys.executable, "-m", "dask", "worker", "--scheduler-file", str(cwd / "at.json"), "--nthreads", "1",
                 "--no-dashboard", "--local-directory", str(cwd)], stderr=subprocess.DEVNULL))  # fmt: skip
        time.sleep(8)
        found = re.search(r'"address": "([^"]+)"', (cwd / "at.json").read_text())
        assert found
        yield found.group(1)
    finally:
        for process in started:
            process.terminate()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cases = ("overhead", "disk", "many", "circles", "cores", "dask", "slurm")
    parser.add_argument("--only", choices=cases, help="one case; all if left out")
    parser.add_argument("--jobs", type=int, default=200, help="tiny jobs in a sweep")
    parser.add_argument("--rounds", type=int, default=3, help="times that each side runs")
    parser.add_argument("--epochs", type=int, default=5, help="epochs of each arm of the case cores")
    asked = parser.parse_args()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        for case in cases if asked.only is None else (asked.only,):
            print(
                f"{case}, load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True
            )
            if case == "overhead":
                overhead(cwd, asked.jobs, asked.rounds)
            elif case == "disk":
                sweep(cwd / "overhead00", *TINY, "seed=range(0,20)") if not (
                    cwd / "overhead00"
                ).exists() else None
                disk(cwd, 40)
            elif case == "many":
                many(cwd, asked.jobs)
            elif case == "circles":
                settings = (*CIRCLES, f"model.epochs={asked.epochs * 40}")
                compare(cwd, case, settings,
                        {"one by one": ("sweep.stack=false", "execution.workers=1"), "stacked": ()},
                        asked.rounds)  # fmt: skip
            elif case == "cores":
                compare(cwd, case, (*ARMS, f"model.epochs={asked.epochs}"),
                        {"one worker": ("execution.workers=1",), "two workers": ("execution.workers=2",)},
                        asked.rounds)  # fmt: skip
            elif case == "dask":
                with dask(cwd) as address:
                    overhead(
                        cwd, asked.jobs, asked.rounds, "execution=dask", f"execution.scheduler={address}"
                    )
            else:
                overhead(cwd, asked.jobs, asked.rounds, "execution=slurm", "execution.cluster=local",
                         "execution.workers=2")  # fmt: skip


if __name__ == "__main__":
    main()
