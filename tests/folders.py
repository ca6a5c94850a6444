"""Synthetic run folders, written by the program's own writers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlexp.kinds.classification import examples
from mlexp.store import Run, record
from mlexp.store.files import write_json
from mlexp.store.result import Result

DIGITS = tuple("0123456789")


def predict(true: np.ndarray, n_classes: int, rng: np.random.Generator, wrong: float) -> np.ndarray:
    """Return probabilities (n, k) of a model that errs in about a share `wrong` of the rows, with favourites."""
    n = true.size
    target = true.copy()
    errs = rng.random(n) < wrong
    target[errs] = (true[errs] + 1 + rng.integers(0, 3, errs.sum()) ** 2) % n_classes
    scores = rng.normal(0, 1, (n, n_classes))
    scores[np.arange(n), target] += rng.gamma(8, 1, n) + 2
    exp = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (exp / exp.sum(axis=1, keepdims=True)).astype(np.float32)


def learn(n_epochs: int, rng: np.random.Generator) -> list[dict[str, float]]:
    """Return a history in which validation stops getting better after two thirds."""
    t = np.arange(1, n_epochs + 1)
    train = 0.02 + 0.5 * t**-0.9
    validation = (
        0.09 + 0.4 * t**-1.1 + 0.0004 * np.maximum(t - 2 * n_epochs / 3, 0) + rng.normal(0, 0.002, n_epochs)
    )
    return [
        {
            "epoch": int(k),
            "train_loss": a,
            "train_accuracy": 1 - 0.3 * a,
            "validation_loss": b,
            "validation_accuracy": 1 - 0.28 * b,
            "learning_rate": 0.1,
        }
        for k, a, b in zip(t, train, validation, strict=True)
    ]


def per_class_table(true: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = {"class": [], "precision": [], "recall": [], "f1": [], "support": []}
    for k, name in enumerate(classes):
        hit = float(((true == k) & (predicted == k)).sum())
        precision, recall = hit / max((predicted == k).sum(), 1), hit / max((true == k).sum(), 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-12)
        for column, value in zip(table, (name, precision, recall, f1, int((true == k).sum())), strict=True):
            table[column].append(value)
    return table


def build(
    outputs: Path,
    *,
    classes: Sequence[str] = DIGITS,
    images: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    shape: tuple[int, int] | None = (8, 8),
    n: int = 600,
    wrong: float = 0.05,
    history: list[dict[str, float]] | None = None,
    n_epochs: int = 28,
    status: str = "completed",
    stopped: str = "patience",
    n_gallery: int = 24,
    n_mistakes: int = 24,
    dtype: str = "uint8",
    task: str = "synthetic_mlp",
    dataset: str = "synthetic",
    seed: int = 0,
) -> Run:
    """Write a run folder as `mlexp` leaves it and open it; `shape` null: a data set without images."""
    rng = np.random.default_rng(seed)
    k = len(classes)
    true = rng.integers(0, k, n) if labels is None else labels.astype(np.int64)
    probability = predict(true, k, rng, wrong)
    predicted = probability.argmax(axis=1) if wrong else true.copy()
    arrays: dict[str, np.ndarray] = {}
    if shape is not None:
        if images is None:
            images = (rng.random((n, *shape)) * 255).astype(dtype)
        sure = probability[np.arange(n), predicted]
        missed = np.flatnonzero(true != predicted)
        missed = missed[np.argsort(-sure[missed], kind="stable")][:n_mistakes].astype(np.int64)
        shown = np.sort(rng.choice(n, n_gallery, replace=False)).astype(np.int64)
        for kind, rows in (("gallery", shown), ("mistake", missed)):
            arrays |= {f"{kind}_image": images[rows], f"{kind}_position": rows}
        if k > 1:
            kinds, _, rows = (
                np.array(found) for found in zip(*examples.chosen(true, probability), strict=True)
            )
            numbers = np.array([examples.KINDS.index(kind) for kind in kinds])
            arrays |= {"example_image": images[rows], "example_position": rows, "example_kind": numbers}
    folder = record.create(outputs, task, "0a1b2c3d")
    rows = learn(n_epochs, rng) if history is None else history
    for row in rows:
        folder.append_epoch(row, 0.35)
    losses = [row.get("validation_loss", np.nan) for row in rows]
    best = int(rows[int(np.nanargmin(losses))]["epoch"]) if np.isfinite(losses).any() else None
    folder.write_info(
        {
            "status": status,
            "task": {"name": task, "kind": "classification"},
            "seed": seed,
            "dataset": {"name": dataset, "classes": list(classes), "image_shape": shape},
            "split": {"train": 5 * n, "validation": n, "test": n},
            "facts": {"best_epoch": best, "epochs": len(rows), "stopped": stopped},
        }
    )
    if status == "completed":
        confusion = {"true": list(classes)} | {
            f"{name}": [int(((true == i) & (predicted == j)).sum()) for i in range(k)]
            for j, name in enumerate(classes)
        }
        folder.write_result(
            Result(
                metrics={"test": {"accuracy": float((true == predicted).mean())}},
                predictions={
                    "test_true": true,
                    "test_predicted": predicted,
                    "test_probability": probability,
                    "test_row": np.arange(n),
                },
                arrays=arrays,
                tables={"confusion": confusion, "per_class": per_class_table(true, predicted, classes)},
            )
        )
    folder.close(keep_checkpoint=False)
    return Run.open(folder.path)


ENVIRONMENT = {
    "python": "3.11.7",
    "packages": {"mlexp": "0.1.0", "numpy": "2.4.6"},
    "system": "Linux",
    "processor": "a processor",
    "blas": [{"user_api": "blas", "internal_api": "openblas", "version": "0.3", "num_threads": 1}],
    "git": {"commit": "0123abcd", "uncommitted_changes": True},
}
WHOLE = {
    "error": None,
    "config_hash": "0a1b2c3d",
    "command": ["mlexp", "dataset=npz", "dataset.path=a file.npz"],
    "started": "2026-11-21T06:14:28+00:00",
    "preparation": {"scale": "unit", "fitted_on_rows": 100},
    "environment": ENVIRONMENT,
    "warnings": [],
    "wall_seconds": 12.5,
    "cpu_seconds": 12.0,
    "peak_memory_mb": 300.0,
}


def whole(outputs: Path, info: dict[str, Any] | None = None, **given: Any) -> Run:
    """Write a run folder of predictions with every entry that `run.json` has; `info` overrides some of them."""
    run = build(outputs, **given)
    written = WHOLE | run.info | {"facts": run.info["facts"] | {"n_parameters": 1234}}
    written["dataset"] = {"n_features": 64, "source": "made up", "fingerprint": "ff"} | written["dataset"]
    write_json(run.path / "run.json", written | (info or {}))
    return Run.open(run.path)
