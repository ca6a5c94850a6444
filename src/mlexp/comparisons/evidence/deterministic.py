"""Seeds that need not run: once two seeds of an arm give identical predictions, the others would too.

What is decided depends on nothing but the runs of the first two seeds, so that a comparison that was killed and resumed
leaves out the same jobs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlexp.config.schema import Config
from mlexp.store import Sweep

if TYPE_CHECKING:
    from mlexp.sweeps.planning import Job

TRIED = 2  # seeds of an arm that run before it is known to be deterministic
RESULT = ("predictions.npz", "history.csv")
FIXED = ("zeros", "ones")  # initialisations that do not depend on the seed


def first(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs that run whatever the others come to."""
    later = {job.number for group in _groups(jobs) for job in group[TRIED:]}
    return [job for job in jobs if job.number not in later]


def not_needed(place: Path, jobs: Sequence[Job]) -> set[int]:
    """Return the numbers of the jobs whose first two seeds have completed with the same result, byte for byte."""
    sweep, found = Sweep(place), set()
    for group in _groups(jobs):
        runs = [sweep.run(job.name) for job in group[:TRIED]]
        done = [run for run in runs if run is not None and run.info["status"] == "completed"]
        if len(done) == TRIED and len({result_of(run.path) for run in done}) == 1:
            found |= {job.number for job in group[TRIED:]}
    return found


def result_of(run: Path) -> str:
    """Return the SHA-256 of what a run came to: two runs of equal predictions and histories are one run."""
    files = [run / name for name in RESULT if (run / name).exists()]
    content = [file.read_bytes() for file in files or [run / "metrics.json"]]
    return hashlib.sha256(b"".join(hashlib.sha256(one).digest() for one in content)).hexdigest()


def _groups(jobs: Iterable[Job]) -> list[list[Job]]:
    """Return the jobs that differ in nothing but the seed, together, where they may turn out to be deterministic."""
    found: dict[tuple[tuple[str, str], ...], list[Job]] = {}
    for job in jobs:
        if "seed" in job.swept and _may_be(job.config):
            key = tuple((name, value) for name, value in job.swept.items() if name != "seed")
            found.setdefault(key, []).append(job)
    return list(found.values())


def _may_be(config: Config) -> bool:
    """Return whether the seed may have no effect: a network begins at random, a search proposes at random."""
    network = config.model.name in ("mlp", "autoencoder")
    return config.tune.strategy is None and not (network and config.model.init not in FIXED)
