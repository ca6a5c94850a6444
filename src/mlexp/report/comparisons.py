"""The page of a comparison: its verdict, the test behind it, and the runs that it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mlexp import comparison_folder, sweep_folder
from mlexp.comparison_folder import Comparison
from mlexp.report import sweeps, tables
from mlexp.report.page import Answer, KeyFigure, Page
from mlexp.report.pictures import pictures
from mlexp.report.words import SPACE, listed, number, percent
from mlexp.sweep_folder import Sweep

SHARES = ("accuracy",)
TERMS = {
    "Test": "test",
    "Why this test": "why",
    "What it allows to say": "licence",
    "On these test rows alone": "second",
}
Found = Mapping[str, Any]


def page(comparison: Comparison) -> Page:
    """Return what the page of a comparison says; beside its own sweep, or runs that were there before."""
    found = comparison.info
    if (comparison.path / sweep_folder.INFO).exists():
        under = sweeps.page(Sweep(comparison.path))
    else:
        under = Page(
            title=comparison.path.name,
            kind="",
            status="",
            date="",
            answer=Answer("", ()),
            pictures=pictures(comparison.path),
            tables=tables.tables(comparison.path),
        )
    answered = Answer(found["question"], found["answer"], _key_figures(found)) if "answer" in found else None
    return replace(
        under,
        kind="comparison",
        status=found["status"],
        answer=answered or Answer(f"Which is better: {_arms(found)}?", ["No answer yet."]),
        problem=found.get("error") or "",
        tables=[table for table in under.tables if table.name not in ("settings", "runs")],
        method=[*_statistics(found), *under.method],
        warnings=[
            *found.get("warnings", []),
            *(words for words in under.warnings if words.startswith("Job ")),
        ],
        links=[("verdict", comparison_folder.INFO), *under.links],
    )


def _key_figures(found: Found) -> list[KeyFigure]:
    """Return the mean of the best arm, its lead over the next, and how sure that is."""
    best, runner_up = found["ranking"][:2]
    arm = next(arm for arm in found["arms"] if arm["name"] == best)
    pair = next(pair for pair in found["pairs"] if {pair["a"], pair["b"]} == {best, runner_up})
    sign = 1 if pair["a"] == best else -1
    ends = sorted(sign * end for end in (pair["low"], pair["high"]) if end is not None)
    level = f"{100 * (1 - found['alpha']):g}{SPACE}% interval"
    show = _score(found["metric"])
    figures = [
        KeyFigure(
            f"Mean {found['metric'].replace('_', ' ')}, {best}", show(arm["mean"]), f"{arm['runs']} runs"
        )
    ]
    if pair["difference"] is not None:
        note = f"{level} {_signed(ends[0])} to {_signed(ends[1])}" if len(ends) == 2 else ""
        figures.append(KeyFigure(f"Lead over {runner_up}", _signed(sign * pair["difference"]), note))
    p = pair["p_adjusted"] if pair["p_adjusted"] is not None else pair["p"]
    if p is not None:
        figures.append(KeyFigure("P value", f"{p:.2g}" if p >= 0.001 else "< 0.001", str(found["test"])))
    return figures


def _score(metric: str) -> Any:
    return percent if metric.split("_")[-1].split()[-1] in SHARES else number


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")


def _statistics(found: Found) -> Iterator[tuple[str, str]]:
    """Yield the test, why it and no other, and what it allows to say."""
    for term, key in TERMS.items():
        if found.get(key):
            yield term, str(found[key])
    for arm in found["arms"]:
        given = [f"{key} = {value}" for key, value in (arm.get("settings") or {}).items()]
        yield f"Arm {arm['name']}", listed(given)
    design = {key: value for key, value in (found.get("design") or {}).items() if value is not None}
    if design:
        yield "Design", ", ".join(f"{key.replace('_', ' ')} {_plain(value)}" for key, value in design.items())


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int | float) else str(value)


def _arms(found: Found) -> str:
    return listed([str(arm["name"]) for arm in found["arms"]])
