"""A comparison over several data sets on its page: the table of data sets and arms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlexp.page.page import Cell, Table
from mlexp.page.words import SPACE, number, percent

Found = Mapping[str, Any]
MARK = "*"  # behind a mean that is significantly worse than the best one of the data set


def matrix(found: Found) -> Table:
    """Return one row a data set and one column an arm: mean, interval, the best in bold; mean and rank over all."""
    arms = [str(arm["name"]) for arm in found["arms"] if arm["name"] in found["ranking"]]
    share, several = found["measure"]["share"], found["benchmark"]
    rows = []
    for one in several["datasets"]:
        own = {row["arm"]: row for row in one["arms"]}
        cells = [_cell(own.get(arm, {}), one, arm, share) for arm in arms]
        name = str(one["name"]) if one["counted"] else f"({one['name']})"
        rows.append([Cell(name), *cells])
    means = {str(arm["name"]): arm for arm in found["arms"]}
    best, least = found["ranking"][0], min(several["mean_ranks"].values())
    overall = [
        Cell(_spanned(means[arm], share), repr(float(means[arm]["mean"])), strong=arm == best) for arm in arms
    ]
    ranks = several["mean_ranks"]
    ranked = [Cell(f"{ranks[arm]:.2f}", f"{ranks[arm]:.4f}", strong=ranks[arm] == least) for arm in arms]
    tests = " or ".join(dict.fromkeys(str(one["test"]) for one in several["datasets"] if one["pairs"]))
    note = (
        f"Mean {found['measure']['words']} with its {100 * (1 - found['alpha']):.4g}{SPACE}% interval. Bold: best mean "
        f"of the data set. {MARK}: significantly worse than that ({tests}; pairs of a data set adjusted by Holm)."
    )
    if any(not one["counted"] for one in several["datasets"]):
        note += " A data set in brackets does not count over all of them: not every arm has a run there."
    return Table(
        name="matrix",
        title="Data sets and arms",
        header=["data set", *arms],
        rows=[*rows, [Cell("mean of data sets"), *overall], [Cell("mean rank"), *ranked]],
        numeric=[False, *(True for _ in arms)],
        note=note,
        source="tables/datasets.csv",
    )


def _cell(row: Found, one: Found, arm: str, share: bool) -> Cell:
    if row.get("mean", "") == "":
        return Cell("no run" if not row.get("lost") else f"{row['lost']} runs failed")
    worse = any(arm in (pair["a"], pair["b"]) and pair["better"] not in (arm, None) for pair in _of_best(one))
    return Cell(_spanned(row, share) + MARK * worse, repr(float(row["mean"])), strong=bool(row["best"]))


def _of_best(one: Found) -> Iterator[Found]:
    """Yield the pairs of a data set in which an arm of the best mean stands."""
    best = {row["arm"] for row in one["arms"] if row["best"]}
    yield from (pair for pair in one["pairs"] if {pair["a"], pair["b"]} & best)


def _spanned(row: Found, share: bool) -> str:
    """Return a mean with its interval."""
    mean = percent(row["mean"]) if share else number(row["mean"])
    if row["low"] == "":
        return mean
    low, high = (f"{100 * row[end]:.1f}" if share else number(row[end]) for end in ("low", "high"))
    return f"{mean} ({low} to {high})"
