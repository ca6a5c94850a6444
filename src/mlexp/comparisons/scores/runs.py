"""Scores of runs that another program made, as the evidence of a comparison."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from mlexp import metrics
from mlexp.comparisons.evidence import Block, Entry, Evidence
from mlexp.comparisons.evidence.metric import PartMetric


@dataclass(frozen=True)
class Score(PartMetric):
    """A measure that is known by its scores alone.

    Attributes
    ----------
    higher_is_better : which way is better
    per_row : whether there is a score of every test row, the same rows for every run
    right_or_wrong : whether every score of a row is 0 or 1, and 1 is right
    """

    higher_is_better: bool = True
    per_row: bool = False
    right_or_wrong: bool = False

    @property
    def sign(self) -> int:
        """1 where more is better, −1 where less is."""
        return 1 if self.higher_is_better else -1

    @property
    def of_row(self) -> str | None:
        """What a row has; None where there is no score of every row."""
        return "test_score" if self.per_row else None


@dataclass(frozen=True, eq=False)
class GivenRun(Entry):
    """One run of which the scores are given.

    Attributes
    ----------
    scores : of every test row, shape (n,); else the one score of the run, shape (1,)
    where : the data set and the split, or the rows, that it was scored on
    repeat : its seed
    made_of : rows that trained and that scored it, where they are known
    same : what it shares with the other runs of a deterministic arm; empty for all others
    """

    scores: np.ndarray = field(default_factory=lambda: np.empty(0))
    where: Block = ("", "")
    repeat: str = ""
    made_of: tuple[float, float] | None = None
    same: str = ""

    @property
    def status(self) -> str:
        """Completed: of a run that failed no score is given."""
        return "completed"

    @cached_property
    def value(self) -> float | None:
        """The mean of its scores."""
        return float(self.scores.mean())

    @property
    def rows(self) -> np.ndarray | None:
        """The score of every test row, where there is one."""
        return self.scores if self.metric.of_row else None

    @property
    def seed(self) -> Any:
        """What makes another run of the same settings."""
        return self.repeat

    @property
    def sizes(self) -> tuple[float, float] | None:
        """Rows that trained and that scored it."""
        return self.made_of

    def kept(self, what: str) -> np.ndarray | None:
        """Return None: nothing but scores is given."""
        return None

    @property
    def block(self) -> Block:
        """The data set and the split, or the rows, that it was scored on."""
        return self.where

    @property
    def result(self) -> str:
        """What two runs share only if they are one run: nothing, unless the arm is deterministic."""
        return self.same or f"{self.arm}, {self.name}"


def metric_of(
    name: str | None, higher_is_better: bool | None, tables: Iterable[np.ndarray], *, per_row: bool
) -> Score:
    """Return what is compared: by default an accuracy where every score of a row is 0 or 1, else a score."""
    whole = list(tables)
    binary = per_row and all(bool(((table == 0) | (table == 1)).all()) for table in whole)
    higher = metrics.metric(name or "").higher_is_better if higher_is_better is None else higher_is_better
    if name is None:
        name = "accuracy" if binary and higher else "score"
    elif metrics.metric(name).share and not all(bool(((table >= 0) & (table <= 1)).all()) for table in whole):
        name = f"{name} (%)"  # it comes in percent
    return Score("test", name, higher, per_row, binary and higher)


def of_rows(tables: Mapping[str, Mapping[str, tuple[list[str], np.ndarray]]], metric: Score) -> Evidence:
    """Return the evidence of scores of rows.

    Parameters
    ----------
    tables : arm -> data set -> the seeds, and their scores of shape (seeds, rows)
    metric : what they are
    """
    entries: dict[str, list[Entry]] = {}
    for arm, of_data in tables.items():
        entries[arm] = []
        for data, (seeds, table) in of_data.items():
            # the runs of a deterministic arm score every row alike
            fixed = len(table) > 1 and bool((table == table[0]).all())
            same = hashlib.sha256(table[0].tobytes()).hexdigest() if fixed else ""
            for seed, row in zip(seeds, table, strict=True):
                name = _named(data, f"seed={seed}")
                entries[arm].append(
                    GivenRun(
                        arm, name, None, metric, scores=row, where=(data, "rows"), repeat=seed, same=same
                    )
                )
    return Evidence(metric, entries)


def of_runs(
    runs: Mapping[str, Iterable[tuple[Block, str, float, tuple[float, float] | None]]], metric: Score
) -> Evidence:
    """Return the evidence of one score a run.

    Parameters
    ----------
    runs : arm -> data set and split, seed, score, and the sizes of training and test set of every run
    metric : what they are
    """
    entries: dict[str, list[Entry]] = {}
    for arm, found in runs.items():
        entries[arm] = []
        for where, seed, score, sizes in found:
            words = [f"fold={where[1]}"] if where[1] else []
            name = _named(where[0], *words, *([f"seed={seed}"] if seed or not words else []))
            entries[arm].append(
                GivenRun(
                    arm, name, None, metric, scores=np.array([score]), where=where, repeat=seed, made_of=sizes
                )
            )
    return Evidence(metric, entries)


def _named(data: str, *words: str) -> str:
    return " ".join([*([f"dataset={data}"] if data else []), *words])
