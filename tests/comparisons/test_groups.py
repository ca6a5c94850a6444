"""Rows that belong together count once in a comparison."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlexp
from mlexp import stats
from mlexp.comparisons.analysis import analyse
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.kinds.comparison.settings import Comparison
from mlexp.store import Run

ARMS = {"narrow": {"model.hidden": [2]}, "wide": {"model.hidden": [16]}}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Write a table in which each of 60 photographs stands five times, hardly changed."""
    rng = np.random.default_rng(0)
    photo = np.repeat(np.arange(60), 5)
    centre = rng.normal(size=(60, 3))[photo]
    X = centre + 0.01 * rng.normal(size=centre.shape)
    label = np.where(centre.sum(axis=1) + 0.8 * rng.normal(size=60)[photo] > 0, "up", "down")
    file = tmp_path / "pictures.csv"
    columns = {"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "photo": photo, "label": label}
    pd.DataFrame(columns).to_csv(file, index=False)
    return file


def compared(file: Path, word: str, seeds: int) -> mlexp.Comparison:
    words = [
        "task=classify",
        "task.kind=comparison",
        "dataset=csv",
        f"dataset.path={file}",
        "dataset.label=label",
    ]
    words += [word, "model.epochs=20", "figures=false", f"outputs={file.parent / 'outputs'}"]
    found = mlexp.compare(*words, comparison={"arms": ARMS, "seeds": seeds})
    assert isinstance(found, mlexp.Comparison)
    return found


@pytest.mark.parametrize("word", ["dataset.groups=photo", "split.near=0.1"])
def test_groups_become_the_rows_of_the_crossed_test(pictures: Path, word: str) -> None:
    found = compared(pictures, word, seeds=3)
    runs = sorted(found.runs, key=lambda run: run.config["model.hidden"])  # narrow, then wide
    kept = [np.load(run.path / "predictions.npz") for run in runs]
    groups = kept[0]["test_group"]
    assert 1 < len(np.unique(groups)) < len(groups)
    scores = np.array([one["test_correct"] for one in kept], dtype=float)
    wanted = stats.crossed_t(scores[:3], scores[3:], groups=groups)
    pair = found.info["pairs"][0]
    sign = 1 if pair["a"] == "narrow" else -1
    assert pair["p"] == pytest.approx(wanted.p)
    assert pair["difference"] == pytest.approx(sign * wanted.estimate)
    assert any(f"{len(np.unique(groups))} groups" in one for one in found.info["warnings"])


def test_mcnemar_says_that_rows_belong_together(pictures: Path) -> None:
    found = compared(pictures, "dataset.groups=photo", seeds=1)
    assert any("McNemar" in one and "independent" in one for one in found.info["warnings"])


def test_one_group_that_judges_says_nothing_of_new_ones(pictures: Path) -> None:
    runs = compared(pictures, "dataset.groups=photo", seeds=2).runs
    entries: dict[str, list[Entry]] = {"narrow": [], "wide": []}
    for run in runs:
        kept = np.load(run.path / "predictions.npz")
        np.savez(run.path / "predictions.npz", **{**kept, "test_group": np.zeros_like(kept["test_group"])})
        arm = "narrow" if run.config["model.hidden"] == [2] else "wide"
        entries[arm].append(
            Entry(arm, f"seed={len(entries[arm])}", Run(run.path), PartMetric.parse("test.accuracy"))
        )
    done = analyse(Evidence(PartMetric.parse("test.accuracy"), entries), Comparison())
    assert "cannot be tested" in done.info["answer"][0]
