"""The page of a comparison: its verdict, the details of the test, and the runs that it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlexp.comparisons.figures import FIGURES, OF_SEVERAL
from mlexp.drawing.figure import words
from mlexp.kinds import method
from mlexp.page import tables
from mlexp.page.page import Cell, Page, PageAnswer, Table
from mlexp.page.pictures import pictures
from mlexp.page.study import RecordedRun, page_in, settings
from mlexp.page.words import SPACE, listed, number, percent, shown
from mlexp.store import Comparison, Run, Sweep
from mlexp.sweeps import answer as sweeps

LEFT_OUT = ("settings", "runs", "p_matrix")  # the jobs say what ran, and the table of pairs their p
# Columns of the metric, and of its differences, by table; on the page of a share in percent and in points.
OF_METRIC = {
    "arms": ("mean", "low", "high", "best", "worst", "interquartile mean", "validation"),
    "learning": ("train", "other"),
    "jobs": ("value",),
    "datasets": ("mean", "low", "high"),
}
OF_DIFFERENCES = {
    "arms": ("sd", "ahead low", "ahead high"),
    "learning": ("gap", "gap se"),
    "pairs": ("difference", "low", "high", "adjusted low", "adjusted high", "welch low", "welch high"),
    "dataset_pairs": ("difference", "low", "high", "adjusted low", "adjusted high", "welch low", "welch high"),
    "mean_differences": (
        "difference", "low", "high", "se", "adjusted low", "adjusted high", "between sd", "within sd",
        "equivalence low", "equivalence high",
    ),
}  # fmt: skip
Found = Mapping[str, Any]
OF_ONE_RUN = (
    "Interval",
    "Epochs",
    "Result of the search",
)  # what only the page of a run says of how it was done
OF_A_RUN = ("seed", "split.seed", "split.test", "dataset.seed")  # what runs of one arm differ in
MARK = "*"  # behind a mean that is significantly worse than the best one of the data set


def page(comparison: Comparison) -> Page:
    """Return what the page of a comparison says; its runs are those of its own sweep, or were there before."""
    found = comparison.info
    under = sweeps.page(comparison.sweep) if comparison.sweep else _bare(comparison)
    several = "benchmark" in found  # data sets
    studies = _studies(comparison)
    shared = [] if several else common_terms([*studies.values()])
    known = {"Swept: arm", *(("Data", "Model") if several or shared else ())}
    differing = settings_table(studies)
    return replace(
        under,
        kind="comparison",
        status=found["status"],
        answer=_answer(found),
        problem=found.get("error") or "",
        pictures=pictures(comparison.path, words(OF_SEVERAL | FIGURES)),
        members=[
            *([_matrix(found)] if several else []),
            *(_percent(found, table) for table in under.members),
        ],
        tables=[
            *([] if differing is None else [differing]),
            *(_percent(found, table) for table in under.tables if table.name not in LEFT_OUT),
        ],
        how="How the arms were trained" if shared else under.how,
        method=[
            *shared,
            *_method(found, differing is not None),
            *(pair for pair in under.method if pair[0] not in known),
        ],
        warnings=sweeps.incomplete(sweeps.rows(Sweep(comparison.path)))
        if comparison.sweep and "answer" not in found
        else (),
        links=[("verdict", Comparison.record), *_searches(comparison), *under.links],
    )


def _answer(found: Found) -> PageAnswer:
    if "answer" not in found:
        arms = " or ".join(str(arm["name"]) for arm in found["arms"])
        return PageAnswer(f"Which is better: {arms}?", [found.get("error") or "No answer yet."])
    said = [*found["answer"], *found.get("findings", ()), *found.get("seconds", ())]
    details = tuple((str(term), str(text)) for term, text in found.get("details", {}).items())
    return PageAnswer(found["question"], said, warnings=found.get("warnings", ()), details=details)


def _percent(found: Found, table: Table) -> Table:
    """Return a table as the answer says its numbers: shares in percent, their differences in points."""
    accuracies = [name for name in table.header if name.endswith("accuracy")]
    if not found.get("measure", {}).get("share"):
        return tables.in_percent(table, accuracies)
    of_metric = (*OF_METRIC.get(table.name, ()), *accuracies)
    return tables.in_percent(table, of_metric, OF_DIFFERENCES.get(table.name, ()))


def _searches(comparison: Comparison) -> list[tuple[str, str]]:
    """Return the way to how each arm was tuned."""
    found = comparison.info.get("tuning") or {}
    return [(f"tuning of {arm}", page_in(comparison.path, search["folder"])) for arm, search in found.items()]


def _bare(comparison: Comparison) -> Page:
    """Return the page of a comparison of runs that were there before it."""
    runs = comparison.tables.get("runs", {})
    return Page(
        title=comparison.path.name,
        kind="comparison",
        status="",
        date="",
        answer=PageAnswer("", ()),
        members=[_runs(comparison)] if runs else [],
        tables=tables.tables(comparison.path),
        commands=method.started(comparison.info.get("command", [])),
        links=[(f"table {name.replace('_', ' ')}", f"tables/{name}.csv") for name in comparison.tables],
    )


def _runs(comparison: Comparison) -> Table:
    """Return one row a run, with the way to its page."""
    table = tables.of("runs", comparison.tables["runs"], "tables/runs.csv")
    folders = comparison.tables["runs"]["folder"]
    linked = []
    for row, folder in zip(table.rows, folders, strict=False):
        page = page_in(comparison.path, folder)
        linked.append([replace(cell, link=page) if cell.value == folder else cell for cell in row])
    arms = list(dict.fromkeys(comparison.tables["runs"]["arm"]))
    return replace(table, name="jobs", rows=linked, filters={0: arms})


def _studies(comparison: Comparison) -> dict[str, RecordedRun]:
    """Return the first run of each arm as its own page sees it; runs may have been removed since."""
    runs = comparison.runs if "runs" in comparison.tables else {}
    first = {arm: next((run for run in of if Run.is_at(run.path)), None) for arm, of in runs.items()}
    return {arm: RecordedRun(run, settings(run.path)) for arm, run in first.items() if run is not None}


def common_terms(studies: Sequence[RecordedRun]) -> list[tuple[str, str]]:
    """Return what the pages of these runs say alike of data, preparation, model and training."""
    if len(studies) < 2 or not all("preparation" in study.info for study in studies):
        return []
    first, *others = (method.method(study) for study in studies)
    return [pair for pair in first if pair[0] not in OF_ONE_RUN and all(pair in other for other in others)]


def settings_table(studies: Mapping[str, RecordedRun]) -> Table | None:
    """Return the settings in which the arms differ, a row an arm and a column a key; None where none is recorded."""
    records = {
        arm: study.info.get("settings", {}) | study.info.get("chosen", {}) for arm, study in studies.items()
    }
    names = dict.fromkeys(name for record in records.values() for name in record)
    differing = [
        name
        for name in names
        if name not in OF_A_RUN and not name.startswith("tune.")
        and len({str(record.get(name)) for record in records.values()}) > 1
    ]  # fmt: skip
    if not differing:
        return None
    columns = {"arm": [*records]} | {
        name.removeprefix("model."): [str(record.get(name, "")) for record in records.values()]
        for name in differing
    }
    note = "What differs between the arms, after tuning; all other settings are common to them."
    return replace(tables.of("arm_settings", columns), title="Settings of the arms", note=note)


def _method(found: Found, tabled: bool) -> Iterator[tuple[str, str]]:
    """Yield the settings of the arms unless they are `tabled`, how often each ran, and what tuning did."""
    for arm in [] if tabled else found["arms"]:
        given = arm.get("settings") or {}
        yield f"Arm {arm['name']}", listed([f"{key} = {shown(str(value))}" for key, value in given.items()])
    if design := found.get("design"):
        yield "Design", _design(design, str(found.get("units", "splits")))
    for arm, search in (found.get("tuning") or {}).items():
        yield f"Tuning of {arm}", " ".join(words[:1].upper() + words[1:] for words in search["sentences"])


def _design(design: Found, units: str) -> str:
    """Say what was repeated, and what the arms share."""
    several = {
        "data sets": design.get("datasets", 1),
        units: design.get("splits", 1),
        "blocks": design.get("blocks", 1),
    }
    found = [f"{count} {what}" for what, count in several.items() if count > 1]
    if design.get("seeds") and not found[:2]:
        found.append("1 run per arm" if design["seeds"] == 1 else f"{design['seeds']} seeds per arm")
    words = [", ".join(filter(None, (f"{design.get('arms', 2)} arms", listed(found))))]
    if design.get("same_rows"):
        words.append("all arms are evaluated on the same samples")
    if design.get("rows_kept"):
        words.append("the scores of single samples are recorded")
    return f"{'; '.join(words)}."


def _matrix(found: Found) -> Table:
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
