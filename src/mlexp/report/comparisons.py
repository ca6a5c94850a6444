"""The page of a comparison: its verdict, the test behind it, and the runs that it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mlexp import comparison_folder, sweep_folder
from mlexp.comparison_folder import Comparison
from mlexp.report import method, sweeps, tables
from mlexp.report.page import Answer, KeyFigure, Page, Table
from mlexp.report.pictures import COMPARED, pictures
from mlexp.report.study import page_in
from mlexp.report.words import FINE, SPACE, listed, number, percent, shown
from mlexp.sweep_folder import Sweep

Found = Mapping[str, Any]


def page(comparison: Comparison) -> Page:
    """Return what the page of a comparison says; its runs are those of its own sweep, or were there before."""
    found = comparison.info
    swept = (comparison.path / sweep_folder.INFO).exists()
    under = sweeps.page(Sweep(comparison.path)) if swept else _bare(comparison)
    answered = Answer(found["question"], found["answer"], _key_figures(found)) if "answer" in found else None
    arms = " or ".join(str(arm["name"]) for arm in found["arms"])
    return replace(
        under,
        kind="comparison",
        status=found["status"],
        answer=answered or Answer(f"Which is better: {arms}?", [found.get("error") or "No answer yet."]),
        problem=found.get("error") or "",
        pictures=pictures(comparison.path, COMPARED),
        tables=[table for table in under.tables if table.name not in ("settings", "runs")],
        method=[*_statistics(found), *under.method],
        warnings=[*found.get("warnings", []), *(said for said in under.warnings if said.startswith("Job "))],
        links=[("verdict", comparison_folder.INFO), *_searches(comparison), *under.links],
    )


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
        answer=Answer("", ()),
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


def _key_figures(found: Found) -> list[KeyFigure]:
    """Return the mean of the best arm, its lead over the next, and how sure that is."""
    best, runner_up = found["ranking"][:2]
    arm = next(arm for arm in found["arms"] if arm["name"] == best)
    pair = next(pair for pair in found["pairs"] if {pair["a"], pair["b"]} == {best, runner_up})
    measure, sign = found["measure"], 1 if pair["a"] == best else -1
    mean = percent(arm["mean"], FINE) if measure["share"] else number(arm["mean"])
    figures = [KeyFigure(f"Mean {measure['words']}, {best}", mean, f"{arm['runs']} runs")]
    if found.get("with_best"):
        return [*figures, *_with_best(found)]
    if pair["difference"] is not None:
        kind = "adjusted_" if len(found["pairs"]) > 1 and "adjusted_low" in pair else ""
        ends = sorted(sign * pair[kind + end] for end in ("low", "high") if pair[kind + end] is not None)
        sure = " to ".join(_signed(end, measure["share"]) for end in ends)
        level = "adjusted" if kind else f"{100 * pair['level']:g}{SPACE}%"
        note = f"{level} interval {sure}" if len(ends) == 2 else ""
        lead = _signed(sign * pair["difference"], measure["share"])
        figures.append(
            KeyFigure(f"{best} minus {runner_up}", lead + (" points" if measure["share"] else ""), note)
        )
    p = pair["p_adjusted"] if pair["p_adjusted"] is not None else pair["p"]
    if p is not None:
        figures.append(KeyFigure("P value", f"{p:.3f}" if p >= 0.001 else "< 0.001", str(pair["test"])))
    return figures


def _with_best(found: Found) -> list[KeyFigure]:
    """Return how many arms may be best, and how far behind the last of them can be."""
    best, share = found["with_best"], found["measure"]["share"]
    level = f"at {100 * best['level']:g}{SPACE}%, all arms at once"
    figures = [
        KeyFigure("Arms that may be best", f"{len(best['may_be_best'])} of {len(found['ranking'])}", level)
    ]
    lows = [best["ahead"][arm][0] for arm in best["may_be_best"]]
    if len(lows) > 1 and None not in lows:
        most = _signed(-min(lows), share).lstrip("+") + (" points" if share else "")
        figures.append(KeyFigure("They can be behind the best by", most, "at most"))
    return figures


def _signed(value: float, share: bool) -> str:
    """Return a difference with its sign; that of two shares in points of a percent."""
    return (f"{100 * value:+.2f}" if share else f"{value:+.3g}").replace("-", "−")


def _statistics(found: Found) -> Iterator[tuple[str, str]]:
    """Yield the test, why it and no other, what it allows to say, the arms, and what others would have done."""
    if found.get("pairs"):
        yield "Test", f"{found.get('test_words', found['pairs'][0]['test'])}: {found['why']}"
        unsaid = found["pairs"][0]["test"] == "none"
        yield "What it allows to say", "Nothing." if unsaid else f"A statement {found['licence']}."
    if found.get("second"):
        yield "A narrower one", str(found["second"])
    for arm in found["arms"]:
        given = arm.get("settings") or {}
        yield f"Arm {arm['name']}", listed([f"{key} = {shown(str(value))}" for key, value in given.items()])
    design = {key: value for key, value in (found.get("design") or {}).items() if value is not None}
    if design:
        yield (
            "Design",
            ", ".join(f"{key.replace('_', ' ')}: {_plain(value)}" for key, value in design.items()),
        )
    for arm, search in (found.get("tuning") or {}).items():
        yield f"Tuning of {arm}", " ".join(words[:1].upper() + words[1:] for words in search["sentences"])
    if found.get("epochwise"):
        yield "Epoch by epoch", str(found["epochwise"]["sentence"])


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int | float) else str(value)
