"""The folder of a comparison: that of a sweep, with the answer beside it.

comparison.json    question, answer, details, design, test, arms, pairs, warnings, status
question.json      what comparison.json holds before there is an answer, should that file be damaged or not there yet
tables/runs.csv    one row a run: its arm, value, status and folder; also of runs that did not complete
tables/arms.csv    tables/pairs.csv    tables/p_matrix.csv    tables/epochs_to_target.csv
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mlexp.config.untrusted import run_folder
from mlexp.errors import DataError
from mlexp.store import record, stamp, sweep_folder
from mlexp.store.files import write_json, write_table
from mlexp.store.record import Run
from mlexp.store.result import Columns

INFO = "comparison.json"
QUESTION = sweep_folder.QUESTION
SHAPE = {"format": int, "status": str, "metric": str, "arms": [{"name": str}], "answer": [str], "question": str,
         "details": dict, "error": (str, type(None)), "started": str, "pairs": [dict],
         "warnings": [str], "comparison": dict, "settings": dict, "design": dict, "command": [str],
         "looks": {"runs": [int], "levels": [float], "max_seeds": int, "alpha": float}}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """The folder of a comparison as it is read."""

    path: Path

    @cached_property
    def info(self) -> dict[str, Any]:
        """The answer and what it rests on (`comparison.json`)."""
        found: dict[str, Any] = record.current(self.path, INFO, SHAPE)
        return found

    @cached_property
    def tables(self) -> dict[str, Columns]:
        """Table -> column -> cells as text (`tables/*.csv`)."""
        return Run(self.path).tables

    @cached_property
    def runs(self) -> dict[str, list[Run]]:
        """Arm -> the runs that its figures rest on, arms in their order."""
        found: dict[str, list[Run]] = {str(arm["name"]): [] for arm in self.info["arms"]}
        table = self.tables["runs"]
        for arm, value, folder in zip(table["arm"], table["value"], table["folder"], strict=True):
            if value != "":
                found[arm].append(Run((self.path / folder).resolve()))
        return found


def is_one(path: Path) -> bool:
    """Return whether `path` is the folder of a comparison, be it without an answer yet."""
    return (path / INFO).exists() or (path / QUESTION).exists()


def load(path: Path) -> Comparison:
    """Open the folder of a comparison.

    Raises
    ------
    DataError
        If `path` is none.
    """
    if not (Path(path) / INFO).exists():
        raise DataError(f"{path} is not the folder of a comparison: it has no {INFO}.")
    return Comparison(run_folder(Path(path)))


def write_info(path: Path, info: Mapping[str, Any]) -> None:
    """Write `comparison.json`."""
    write_json(path / INFO, {"format": stamp.FORMAT} | dict(info))


def write_tables(path: Path, tables: Mapping[str, Columns]) -> None:
    """Write every table as CSV."""
    for name, columns in tables.items():
        write_table(path / "tables" / f"{name}.csv", columns)


def in_percent(level: float) -> str:
    """Return a confidence level in percent: four digits, more where those would read 100.

    Examples
    --------
    >>> in_percent(0.95), in_percent(0.99469), in_percent(1 - 1.5794e-06)
    ('95', '99.47', '99.99984')
    """
    said = f"{100 * level:.4g}"
    return f"{100 * level:.{1 - math.floor(math.log10(100 * (1 - level)))}f}" if said == "100" else said


def pointer(run: Path, folder: Path) -> str:
    """Return how `folder` names a run: relative, so that the two can be moved together."""
    return Path(os.path.relpath(run.resolve(), folder.resolve())).as_posix()
