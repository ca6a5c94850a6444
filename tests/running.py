"""Run studies, sweeps and comparisons in this process and in a folder of the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from mlexp import dispatch
from mlexp.config import compose as configuration
from mlexp.kinds.observer import RunPlan
from mlexp.store import Run


class Silent:
    """An observer that does nothing."""

    def started(self, plan: RunPlan) -> None: ...

    def epoch(self, row: Mapping[str, float], seconds: float) -> None: ...

    def diagnosis(self, row: Mapping[str, float]) -> None: ...

    def stop_requested(self) -> bool:
        return False

    def checkpoint(self, arrays: Callable[[], dict[str, np.ndarray]]) -> None: ...

    def checkpointed(self) -> None: ...


def comparison_of_widths(seeds: int) -> str:
    """Return a task file of one's own: two widths on the bundled digits, compared."""
    return (
        "# @package _global_\n# Two widths.\ndefaults:\n  - override /dataset: digits\n"
        "task: {name: widths, kind: comparison}\ncomparison:\n"
        "  arms: {narrow: {model.hidden: [4]}, wide: {model.hidden: [32]}}\n"
        f"  seeds: {seeds}\n"
    )


def in_this_process(patched: pytest.MonkeyPatch) -> None:
    """Run the jobs of sweeps, searches and comparisons here: they see what a test has patched, and start at once."""
    patched.setattr(dispatch, "WORKER", dispatch.work)


def run(outputs: Path, *overrides: str) -> Run:
    return dispatch.run(configuration.compose([*overrides, f"outputs={outputs}"]))


def written(run: Run) -> dict[str, bytes]:
    """Return the files that must repeat byte for byte."""
    names = ("metrics.json", "predictions.npz", "arrays.npz", "model.npz", "history.csv", "diagnostics.csv")
    files = [run.path / name for name in names] + sorted((run.path / "tables").glob("*.csv"))
    return {file.name: file.read_bytes() for file in files if file.exists()}
