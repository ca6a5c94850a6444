"""Read figures out of run folders, and judge published figures by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rule
import yaml
from rule import Judged, Printed

from mlexp.config.yamltext import leaves
from mlexp.store import Run, Sweep
from mlexp.store.files import read_json, read_table

Entry = Mapping[str, Any]
READS = ("metric", "fact", "history", "table", "array", "comparison", "chosen")
HERE = Path(__file__).parent


class Reports(yaml.SafeLoader):
    """Reads `published.yaml`; numbers keep the digits that were printed."""


for kind in ("float", "int"):
    Reports.add_constructor(
        f"tag:yaml.org,2002:{kind}", lambda loader, node: _number(loader.construct_scalar(node))
    )


def _number(text: Any) -> Printed | int:
    return Printed(text) if "." in text or "e" in text.lower() else int(text)


def studies() -> dict[str, dict[str, Any]]:
    """Return the studies of `published.yaml`."""
    text = (HERE / "published.yaml").read_text(encoding="utf-8")
    return dict(yaml.load(text, Reports))


@dataclass(frozen=True)
class Found:
    """One figure of ours beside the published one.

    Attributes
    ----------
    entry : what `published.yaml` says of it
    values : one number a run
    commits : commits of the runs, each once; `+` where the folder had changes that were not committed
    rows : test rows of the report over which the figure is a share; 0 if they are ours, or it is no share
    """

    entry: Entry
    values: Sequence[float] = ()
    commits: Sequence[str] = ()
    rows: int = 0

    @property
    def label(self) -> str:
        """What tells the figure from the others of its study."""
        return str(self.entry["quantity"])

    @property
    def published(self) -> Printed | None:
        value = self.entry.get("published")
        return None if value is None else value if isinstance(value, Printed) else Printed(str(value))

    @property
    def judged(self) -> Judged:
        """The row: mean, band and verdict."""
        return rule.judge(
            self.values,
            self.published,
            rows=self.rows,
            exact=bool(self.entry.get("exact")),
            share=is_share(self.entry),
            by_hand=self.entry.get("verdict"),
        )


def is_share(entry: Entry) -> bool:
    """Return whether one point of a figure is 0.01."""
    name = str(next((entry[word] for word in ("metric", "history", "column") if word in entry), ""))
    return "comparison" in entry or any(word in name for word in rule.SHARES)


def found(study: Entry, folder: Path) -> list[Found]:
    """Return every figure of a study, then those of its tests of causes; without runs they have no values."""
    return [_found(entry, folder / entry["run"]) for entry in every_figure(study)]


def every_figure(study: Entry) -> list[dict[str, Any]]:
    """Return the figures of a study and of its causes, each with all that is needed to read it.

    A figure of a cause says by `of` which figure it is held against, and has what it does not say itself from there.
    """
    named = {one["key"]: one for one in study["figures"] if "key" in one}
    made = [dict(one) for one in study["figures"]]
    for cause in study.get("causes", []):
        for one in cause["figures"]:
            whole = named[one["of"]] | {"run": cause["run"]} | one
            whole["where"] = named[one["of"]].get("where", {}) | one.get("where", {})
            whole.pop("key", None)
            whole.pop("verdict", None)
            whole["quantity"] = f"{cause['cause']}: {whole['quantity']}"
            made.append(whole)
    return made


def _found(entry: Entry, folder: Path) -> Found:
    if "comparison" in entry:
        value = of_comparison(folder, entry)
        runs = list(completed(folder))
        return Found(entry, [] if value is None else [value], commits(runs) if value is not None else ())
    pairs = [
        (value, run)
        for run in matching(folder, entry.get("where", {}))
        if (value := read(run, entry)) is not None
    ]
    if "minus" in entry:
        other = [read(run, entry) for run in matching(folder, entry["minus"])]
        pairs = [(one - two, run) for (one, run), two in zip(pairs, other, strict=False) if two is not None]
    rows = entry.get("rows", 0)
    if rows == "others":
        part = str(entry.get("metric", entry.get("history"))).replace("_", ".").partition(".")[0]
        rows = pairs[0][1].info["split"].get(part, 0) if pairs else 0
    return Found(entry, [value for value, _ in pairs], commits([run for _, run in pairs]), int(rows))


def commits(runs: Sequence[Run]) -> list[str]:
    """Return the commits that made these runs, as their records name them, each once."""
    found = []
    for run in runs:
        git = run.info.get("environment", {}).get("git")
        found.append(git["commit"][:7] + ("+" if git["uncommitted_changes"] else "") if git else "unknown")
    return list(dict.fromkeys(found))


def of_comparison(folder: Path, entry: Entry) -> float | None:
    """Return a number of `comparison.json`, by the dotted path to it or for a pair of arms in the order given."""
    if not (folder / "comparison.json").exists():
        return None
    content = read_json(folder / "comparison.json")
    if content.get("status") != "completed":
        return None
    if "pair" in entry:
        wanted = list(entry["pair"])
        found = next(
            (one for one in content.get("pairs", []) if sorted([one["a"], one["b"]]) == sorted(wanted)), None
        )
        if found is None or found[entry["comparison"]] is None:
            return None
        turned = entry["comparison"] == "difference" and found["a"] != wanted[0]
        return -found["difference"] if turned else float(found[entry["comparison"]])
    for name in entry["comparison"].split("."):
        content = (content or {}).get(name)
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
        return _of_history(run, entry)
    trials = run.path / "tuning.csv"
    table = read_table(trials) if entry["table"] == "tuning" else run.tables.get(entry["table"], {})
    if entry["column"] not in table:
        return None
    wanted = entry.get("row", {})
    for place, cell in enumerate(table[entry["column"]]):
        if all(_same(table[key][place], value) for key, value in wanted.items()):
            return float(cell)
    return None


def _of_history(run: Run, entry: Entry) -> float | None:
    """Return a column of the history at its first, last or best epoch, or at an epoch by its number."""
    history = run.history
    if entry["history"] not in history:
        return None
    column, at = history[entry["history"]], entry["at"]
    if at in ("first", "last", "best"):
        return float({"first": column[0], "last": column[-1], "best": column.min()}[at])
    places = (history["epoch"] == at).nonzero()[0]
    return float(column[places[0]]) if len(places) else None


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
