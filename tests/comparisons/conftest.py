"""Runs whose scores are known, written by the program's own writers, and put into arms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.store import Run, record
from mlexp.store.result import Result

CLASSES = ("left", "middle", "right")
ROWS = 120
Make = Callable[..., Entry]


def truth(rows: int) -> np.ndarray:
    return np.arange(rows) % len(CLASSES)


def scores(share: float, seed: int, rows: int = ROWS) -> np.ndarray:
    """Return which rows a run gets right: some rows are hard for every run."""
    hard = np.random.default_rng(99).normal(0, 1, rows)
    return np.random.default_rng(seed).normal(hard, 1, rows) < np.quantile(hard, share)


def result(right: np.ndarray, index: np.ndarray, status: str) -> Result:
    if status != "completed":
        return Result(status=status, problem="the loss is not finite")
    y = truth(len(right))
    predicted = np.where(right, y, (y + 1) % len(CLASSES))
    share = float(right.mean())
    f1 = 2 * share / (1 + share)
    return Result(
        metrics={"validation": {"accuracy": share}, "test": {"accuracy": share, "macro_f1": f1}},
        predictions={
            "test_row": index,
            "test_true": y,
            "test_predicted": predicted,
            "test_correct": right.astype(np.uint8),
        },
    )


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return a function that writes a run and returns its entry."""

    def make(
        arm: str,
        seed: int,
        right: np.ndarray,
        *,
        status: str = "completed",
        dataset: str | dict[str, str] = "digits",
        index: np.ndarray | None = None,
        curve: Sequence[float] = (),
        metric: str = "test.accuracy",
    ) -> Entry:
        place = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        folder = record.create(tmp_path, "made", "0", place)
        rows = np.arange(len(right)) if index is None else index
        described = {"name": dataset, "fingerprint": dataset} if isinstance(dataset, str) else dataset
        info: dict[str, Any] = {
            "status": status,
            "error": None if status == "completed" else "the loss is not finite",
            "seed": seed,
            "dataset": {"classes": list(CLASSES), "image_shape": None} | described,
            "split": {"train": 400, "validation": 50, "test": len(right), "fingerprint": str(rows.sum())},
            "facts": {"epochs": len(curve), "fit_seconds": 0.5},
            "warnings": [],
        }
        folder.write_info(info)
        for epoch, value in enumerate(curve, 1):
            folder.append_epoch({"epoch": epoch, "train_accuracy": value, "validation_accuracy": value}, 0.01)
        folder.write_result(result(np.asarray(right, bool), rows, status))
        folder.close(keep_checkpoint=False)
        return Entry(arm, f"seed={seed}", Run(place), PartMetric.parse(metric))

    return make


@pytest.fixture
def two_arms(make: Make) -> Callable[..., Evidence]:
    """Return a function that makes two arms of so many runs."""

    def two_arms(
        seeds: int, shares: tuple[float, float] = (0.9, 0.7), metric: str = "test.accuracy"
    ) -> Evidence:
        entries = {
            arm: [
                make(
                    arm, seed, scores(share, 10 * seed + place), metric=metric, curve=(0.5, 0.7, share, share)
                )
                for seed in range(seeds)
            ]
            for place, (arm, share) in enumerate(zip(("sharp", "blunt"), shares, strict=True))
        }
        return Evidence(PartMetric.parse(metric), entries)

    return two_arms
