"""CPU seconds of the command line against those of another commit, measured in turn.

    git worktree add ../old 86e68b9                          # and a .venv in it, with the same packages
    python scripts/bench/startup.py ../old                   # `mlexp` and a sweep of twelve jobs, five times each
    python scripts/bench/startup.py ../old --rounds 9 --only run
    python scripts/bench/startup.py ../old --no-bytecode     # that of mlexp deleted in both trees, none written

Each runs by the interpreter of its own `.venv`, in which its mlexp is installed (`pip install -e .`), on one thread,
its bytecode on the disk as after an installation. User and system time of the command and its workers count. When
the first line of scores appears, the time of the process is read from /proc: the result is out. Ratios of medians
are what counts; seconds depend on the machine and on what else it does.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parents[2]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
VARIABLES = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
} | ONE_THREAD
SCORES = "test "  # how the line with the scores of the test set begins
CASES = {
    "run": [],
    "sweep": ["-m", "model.activation=relu,tanh,sigmoid", "seed=0,1,2,3"],
    "help": ["--help"],
}
TARGETS = {"run": 0.55, "result": 0.35, "sweep": 0.55}


def measured(tree: Path, words: list[str]) -> tuple[float, float | None]:
    """Run mlexp of a worktree; return its CPU seconds, and those until the scores stood on the screen."""
    script = "import sys; from mlexp.cli import main; sys.exit(main())"
    interpreter = tree / ".venv" / "bin" / "python"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed = None
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [str(interpreter), "-c", script, *words, *([] if "--help" in words else [f"outputs={folder}"])],
            cwd=folder, env=VARIABLES, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if printed is None and line.startswith(SCORES):
                printed = so_far(process.pid)
        if process.wait():
            raise SystemExit(
                f"mlexp {' '.join(words)} of {tree} ended with {process.returncode}:\n{''.join(said)}"
            )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, printed


def so_far(process: int) -> float | None:
    """Return the CPU seconds of a running process; None where the system does not say."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", type=Path, help="worktree of the commit to compare with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--no-bytecode", action="store_true", help="compile mlexp in each process, delete what is there"
    )
    parser.add_argument("--only", choices=CASES, action="append", help="one case; may be given again")
    asked = parser.parse_args()
    trees = {"old": asked.old.resolve(), "new": HERE}
    if asked.no_bytecode:
        VARIABLES["PYTHONDONTWRITEBYTECODE"] = "1"
        for tree in trees.values():
            for folder in [*tree.glob("src/**/__pycache__")]:
                shutil.rmtree(folder)
    commits = {
        name: subprocess.run(
            ["git", "-C", str(tree), "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
        for name, tree in trees.items()
    }
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; {asked.rounds} rounds; {commits}"
    )
    print(f"{'CPU seconds, median':24} {'old':>7} {'new':>7} {'new/old':>8}  target")
    for case in asked.only or CASES:
        whole: dict[str, list[float]] = {name: [] for name in trees}
        result: list[float] = []
        for turn in range(asked.rounds + 1):
            for name, tree in trees.items():
                seconds, printed = measured(tree, CASES[case])
                if turn == 0:
                    continue  # bytecode and file caches
                whole[name].append(seconds)
                if name == "new" and printed is not None and case == "run":
                    result.append(printed)
        old, new = (statistics.median(whole[name]) for name in trees)
        rows = [(case, new)] + ([("result", statistics.median(result))] if result else [])
        for name, seconds in rows:
            print(
                f"{name:24} {old:7.2f} {seconds:7.2f} {seconds / old:8.2f}  {TARGETS.get(name, '')}",
                flush=True,
            )


if __name__ == "__main__":
    main()
