"""mlexp as a process of its own, in a folder of the test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

OWN = Path(__file__).parent / "sweeps" / "own"  # a package with an estimator that fails as it is told
LONGEST = 240  # seconds


def environment(cwd: Path, **more: str) -> dict[str, str]:
    """Return the variables of a process: one thread, a cache of its own, and `more`."""
    own = {"MLEXP_CACHE_DIR": str(cwd / "cache"), "PYTHONPATH": str(OWN), "OMP_NUM_THREADS": "1"}
    return os.environ | own | more


def start(cwd: Path, *words: str, **more: str) -> subprocess.Popen[str]:
    """Start mlexp in a process group of its own; `more` are variables of its environment."""
    return subprocess.Popen(
        [sys.executable, "-m", "mlexp.cli", *words], cwd=cwd, env=environment(cwd, **more), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def mlexp(cwd: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run mlexp to its end."""
    process = start(cwd, *words, **more)
    said, errors = process.communicate(timeout=LONGEST)
    return subprocess.CompletedProcess(process.args, process.returncode, said, errors)
