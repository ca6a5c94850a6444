"""Read figures out of run folders, and judge a published figure by them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from scipy.stats import t as student

from mlexp.config.yamltext import leaves
from mlexp.store import Run, Sweep
from mlexp.store.files import read_json, read_table

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
    if "comparison" in entry:
        value = of_comparison(folder, entry)
        return Found(entry, [] if value is None else [value])
    runs = list(matching(folder, entry.get("where", {})))
    pairs = [(value, run) for run in runs if (value := read(run, entry)) is not None]
    part, _, name = str(entry.get("metric", "")).partition(".")
    share = name.endswith("accuracy") and part in ("test", "validation")
    rows = pairs[0][1].info["split"][part] if pairs and share else 0
    return Found(entry, [value for value, _ in pairs], [run for _, run in pairs], rows)


def of_comparison(folder: Path, entry: Entry) -> float | None:
    """Return a number of `comparison.json`, by the dotted path to it or for a pair of arms in the order given."""
    if not (folder / "comparison.json").exists():
        return None
    content = read_json(folder / "comparison.json")
    if "pair" in entry:
        wanted = list(entry["pair"])
        found = next(
            (one for one in content["pairs"] if sorted([one["a"], one["b"]]) == sorted(wanted)), None
        )
        if found is None or found[entry["comparison"]] is None:
            return None
        turned = entry["comparison"] == "difference" and found["a"] != wanted[0]
        return -found["difference"] if turned else float(found[entry["comparison"]])
    for name in entry["comparison"].split("."):
        content = content[name]
    return None if content is None else float(content)


def matching(folder: Path, where: Entry) -> Iterator[Run]:
    """Yield the completed runs in which these keys have these values."""
    for run in completed(folder):
        config = dict(leaves(yaml.safe_load((run.path / "config.yaml").read_text(encoding="utf-8"))))
        if all(_same(config.get(key), value) for key, value in where.items()):
            yield run


def completed(folder: Path) -> Iterator[Run]:
    """Yield the completed runs of a sweep or comparison, or the tuned run, in a folder."""
    if Sweep.is_at(folder):
        sweep = Sweep.open(folder)
        found = [sweep.run(f"{job['number']:03d}-{job['hash']}") for job in sweep.info["jobs"]]
    else:
        found = [tuned_run(folder)]
    yield from (run for run in found if run is not None and run.info["status"] == "completed")


def tuned_run(folder: Path) -> Run | None:
    """Return the newest run under ``folder/<task>/``, None if there is none."""
    found = sorted(path.parent for path in folder.glob("*/2*/run.json"))
    return Run.open(found[-1]) if found else None


def read(run: Run, entry: Entry) -> float | None:
    """Return the number that an entry asks for; None if the run does not hold it."""
    if "metric" in entry:
        part, _, name = entry["metric"].partition(".")
        return run.metrics.get(part, {}).get(name)
    if "fact" in entry:
        name, _, inner = entry["fact"].partition(".")
        fact = run.info["facts"].get(name)
        return fact.get(inner) if inner and fact else fact
    if "chosen" in entry:
        return float(run.tuning["chosen"]["values"][entry["chosen"]])
    if "array" in entry:
        return float(run.arrays[entry["array"]][entry["at"]])
    if "history" in entry:
        column = run.history[entry["history"]]
        return float({"first": column[0], "last": column[-1], "best": column.min()}[entry["at"]])
    trials = run.path / "tuning.csv"
    table = read_table(trials) if entry["table"] == "tuning" else run.tables.get(entry["table"], {})
    if entry["column"] not in table:
        return None
    wanted = entry.get("row", {})
    for place, cell in enumerate(table[entry["column"]]):
        if all(_same(table[key][place], value) for key, value in wanted.items()):
            return float(cell)
    return None


def first_run(folder: Path) -> Run | None:
    """Return the first completed run of a folder, for its pictures."""
    run = next(completed(folder), None)
    return Run.open(run.path) if run else None


def _same(one: Any, other: Any) -> bool:
    """Return whether two values are the same number or the same text, spaces aside.

    Examples
    --------
    >>> _same(0.001, "1e-3"), _same([64, 32], "[64,32]"), _same("relu", "tanh")
    (True, True, False)
    """
    try:
        return float(one) == float(other)
    except (TypeError, ValueError):
        return str(one).replace(" ", "").replace("'", "") == str(other).replace(" ", "").replace("'", "")
