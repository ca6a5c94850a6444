"""The page of a case: what explains the published figures, the curves, the candidates, and how it was done."""

from __future__ import annotations

from dataclasses import replace

from mlexp.drawing.figure import words
from mlexp.page.page import KeyFigure, Page, PageAnswer
from mlexp.page.pictures import pictures
from mlexp.page.words import as_number
from mlexp.store import WHY, Why
from mlexp.sweeps import answer as sweeps
from mlexp.why import case as cases
from mlexp.why.figures import FIGURES

FIRST = ("candidates", "unstated_settings", "published_figures")
LEFT_OUT = (
    "settings",
    "candidate_runs",
)  # by the swept words, which are names here; the figures need the runs

HOW = (
    f"Told apart: {cases.APART:g} in log-likelihood, a likelihood ratio of 20, beyond its 95 % interval. A published "
    "number counts by the Student t density of one more run, given the runs of a candidate; numbers of one run are "
    "joined by their correlations over seeds. One matrix of correlations for all candidates is an assumption: "
    "likelihoods rank candidates and are no odds."
)


def page(why: Why) -> Page:
    """Return what the page of a case says."""
    info = why.question
    under = sweeps.page(why)
    tables = sorted(
        (table for table in under.tables if table.name not in LEFT_OUT),
        key=lambda table: FIRST.index(table.name) if table.name in FIRST else len(FIRST),
    )
    return replace(
        under,
        title=f"why {info['name']}",
        kind="explanation of published figures",
        answer=_answer(why),
        pictures=pictures(why.path, words(FIGURES)),
        members=(),
        tables=[*tables, *under.members],
        how="How it was found",
        method=[*_method(why), *(pair for pair in under.method if not pair[0].startswith("Swept: "))],
        warnings=sweeps.incomplete(sweeps.rows(why)),
        links=[("case and answer", WHY), *under.links],
    )


def _answer(why: Why) -> PageAnswer:
    info = why.question
    if "answer" not in info:
        return PageAnswer(f"What explains the published figures of {info['name']}?", ["No answer yet."])
    table = why.tables.get("candidates", {})
    figures = []
    if table.get("outside"):
        alike = sum(
            told == "False" for told, stage in zip(table["told_apart"], table["stage"], strict=True)
            if stage == table["stage"][0]
        )  # fmt: skip
        n, missed = as_number(table["of"][0]) or 0, as_number(table["outside"][0]) or 0
        figures = [
            KeyFigure(
                "Candidates", f"{len(table['candidate']):,}", f"{alike:,} not distinguishable from the best"
            ),
            KeyFigure("Published numbers explained", f"{n - missed:.0f} of {n:.0f}", "by the best candidate"),
        ]
    return PageAnswer(info["question"], info["answer"], figures, warnings=info.get("warnings", ()))


def _method(why: Why) -> list[tuple[str, str]]:
    asked = cases.of(why.question["name"], why.question["case"])
    stated = ", ".join(f"{key} {value}" for key, value in asked.settings.items())
    varied = [
        (f"Unstated: {name}", "; ".join(f"{label} ({_in_words(own)})" for label, own in values.items()))
        for name, values in asked.unstated.items()
    ]
    return [
        *([("Case", asked.about)] if asked.about else []),
        *([("Source of the published figures", asked.source)] if asked.source else []),
        ("Stated", stated),
        *varied,
        ("Likelihood", HOW),
        (
            "Use of the published figures",
            "They choose which candidates stay from stage to stage, and nothing else: no setting of a shipped study is "
            "set by them.",
        ),
    ]


def _in_words(settings: dict[str, object]) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items()) or "as stated"
