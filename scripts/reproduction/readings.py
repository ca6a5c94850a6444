"""Read figures out of run folders, and judge a published figure by them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scipy.stats import t as student

from mlexp import record, sweep_folder
from mlexp.record import Run

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """One figure of ours beside the published one.

    Attributes
    ----------
    entry : what `published.yaml` says of it
    values : one number a run
    runs : the runs that they were read from
    test_rows : rows of the part that the figure is a mean over, 0 if it is no share of rows
    """

    entry: Entry
    values: list[float] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    test_rows: int = 0

    @property
    def mean(self) -> float:
        return statistics.fmean(self.values)

    @property
    def half_width(self) -> float:
        """Half of the 95 % t interval of the mean over seeds; NaN with one run."""
        n = len(self.values)
        if n < 2:
            return math.nan
        return float(student.ppf(0.975, n - 1)) * statistics.stdev(self.values) / math.sqrt(n)

    @property
    def tolerance(self) -> float:
        """How far one more run, on other test rows, may lie from our mean: 95 % prediction, and `within`."""
        n, spread = len(self.values), 0.0
        if n > 1:
            spread = float(student.ppf(0.975, n - 1)) * statistics.stdev(self.values) * math.sqrt(1 + 1 / n)
        rows = 1.96 * math.sqrt(self.mean * (1 - self.mean) / self.test_rows) if self.test_rows else 0.0
        return max(math.hypot(spread, rows), float(self.entry.get("within", 0)), 1e-9)

    @property
    def verdict(self) -> str:
        if not self.values:
            return "not run"
        published = self.entry.get("published")
        if "verdict" in self.entry:
            return {"wrong": "published figure is wrong"}.get(self.entry["verdict"], self.entry["verdict"])
        if published is None:
            return "not in the report"
        return "agrees" if abs(self.mean - published) <= self.tolerance else "differs"

    @property
    def missed(self) -> bool:
        """Whether our mean lies outside the range that checks made beforehand gave."""
        low, high = self.entry.get("expected", (-math.inf, math.inf))
        return bool(self.values) and not low <= self.mean <= high


def found(study: Entry, folder: Path) -> list[Found]:
    """Return every figure of a study; those whose runs are not there have no values."""
    return [_found(entry, folder / entry["run"]) for entry in study["figures"]]


def _found(entry: Entry, folder: Path) -> Found:
    if not (folder / sweep_folder.INFO).exists():
        return Found(entry)
    runs = list(matching(folder, entry.get("where", {})))
    pairs = [(value, run) for run in runs if (value := read(run, entry)) is not None]
    part = str(entry.get("metric", "")).partition(".")
    share = part[2].endswith("accuracy") and part[0] in ("test", "validation")
    rows = pairs[0][1].info["split"][part[0]] if pairs and share else 0
    return Found(entry, [value for value, _ in pairs], [run for _, run in pairs], rows)


def matching(folder: Path, where: Entry) -> Iterator[Run]:
    """Yield the completed runs of a sweep in which the swept keys have these values."""
    sweep = sweep_folder.load(folder)
    for row in sweep.info["jobs"]:
        run = sweep.run(f"{row['number']:03d}-{row['hash']}")
        same = all(_plain(row["swept"].get(key)) == _plain(value) for key, value in where.items())
        if same and run is not None and run.info["status"] == "completed":
            yield run


def read(run: Run, entry: Entry) -> float | None:
    """Return the number that an entry asks for; None if the run does not hold it."""
    if "metric" in entry:
        part, _, name = entry["metric"].partition(".")
        return run.metrics.get(part, {}).get(name)
    if "fact" in entry:
        return run.info["facts"].get(entry["fact"])
    if "history" in entry:
        column = run.history[entry["history"]]
        return float({"first": column[0], "last": column[-1], "best": column.min()}[entry["at"]])
    table = run.tables.get(entry["table"], {})
    if entry["column"] not in table:
        return None
    wanted = entry.get("row", {})
    for place, cell in enumerate(table[entry["column"]]):
        if all(_plain(table[key][place]) == _plain(value) for key, value in wanted.items()):
            return float(cell)
    return None


def first_run(folder: Path) -> Run | None:
    """Return the first completed run of a sweep, for its pictures."""
    if not (folder / sweep_folder.INFO).exists():
        return None
    run = next(matching(folder, {}), None)
    return record.load(run.path) if run else None


def _plain(value: Any) -> str:
    return str(value).replace(" ", "").replace("'", "")
