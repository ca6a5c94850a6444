"""The page of a sweep: its best setting, all of its jobs, and how it was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mlexp import metrics
from mlexp.config.names import spelled
from mlexp.drawing.figure import words
from mlexp.kinds import method
from mlexp.page import tables
from mlexp.page.curves import thumbnails
from mlexp.page.page import Cell, KeyFigure, Page, PageAnswer, Table
from mlexp.page.pictures import pictures
from mlexp.page.scores import is_share, score, spread
from mlexp.page.study import page_in, settings
from mlexp.page.words import duration, listed, shown
from mlexp.store import Run, Sweep
from mlexp.store.result import by_row
from mlexp.store.sweep_folder import NOT_NEEDED, SETTLED, short
from mlexp.sweeps.figures import FIGURES
from mlexp.sweeps.findings import SEEDS, Findings, Setting, findings

FEW_SEEDS = 3
MOST_TIED = 4  # named in a sentence
OTHERS = 4  # columns of scores where none is known to be the one that counts
MOST_CHOICES = 30  # values of a key up to which it can be chosen by
FILES = {
    "summary.csv": "one row per job",
    "config.yaml": "first configuration",
    "sweep.json": "plan",
    "run.log": "log",
    "events.jsonl": "events by time",
}
Row = dict[str, str]


def page(sweep: Sweep) -> Page:
    """Return the page of a sweep."""
    info, jobs = sweep.info, rows(sweep)
    found = findings(sweep) if jobs else None
    ended = Counter(row["status"] for row in jobs)
    return Page(
        title=info["task"],
        kind="sweep",
        status=info["status"],
        date=info["started"][:16].replace("T", " ") + " UTC",
        answer=answer(sweep, found, jobs),
        pictures=pictures(sweep.path, words(FIGURES)),
        members=[members(sweep, found, jobs)] if jobs else [],
        tables=[
            *([by_setting(found)] if found and not found.only_repeats else []),
            *tables.tables(sweep.path),
        ],
        method=how(sweep, ended),
        warnings=warnings(found, jobs, info["status"]),
        record=_record(sweep, jobs),
        commands=method.started(info["command"]),
        links=[(words, name) for name, words in FILES.items() if (sweep.path / name).exists()],
    )


def rows(sweep: Sweep) -> list[Row]:
    """Return one mapping per job, as in the summary."""
    return by_row(sweep.summary)


def answer(sweep: Sweep, found: Findings | None, jobs: Sequence[Row]) -> PageAnswer:
    """Give the best setting on the validation set, and its score on the test set."""
    info = sweep.info
    done = sum(row["status"] == "completed" for row in jobs)
    count = KeyFigure("Jobs completed", f"{done:,} of {len(info['jobs']):,}")
    if found is None:
        question = f"What is the result of {info['task']}?"
        return PageAnswer(
            question,
            [f"{done:,} of {len(info['jobs']):,} jobs completed; their results are in the table of jobs."],
            [count],
        )
    if found.only_repeats:
        return _repeats(found, count)
    best = found.values(found.best, found.choosing)
    over = f" on average over {len(best)} {found.repeats}" if len(best) > 1 else ""
    value = scored(found, float(best.mean()))
    score = f"{found.choosing} {found.label} {value}{over}"
    if len(ties := tied(found)) > 1:
        level = "; ".join(named(found, one) for one in ties[:MOST_TIED]) + (
            " ..." if ties[MOST_TIED:] else ""
        )
        sentences = [f"{len(ties)} of {len(found.jobs):,} settings share the best score, {score}: {level}."]
    else:
        sentences = [f"{named(found, found.best)} is the best of {len(found.jobs):,} settings: {score}."]
    figures = [KeyFigure(f"Best {found.choosing} {found.label}", value, named(found, found.best))]
    if "test" in found.parts and found.choosing != "test":
        test = found.values(found.best, "test")
        value = scored(found, float(test.mean()))
        it = "it" if len(ties) == 1 else "the first of them"
        sentences.append(f"On the test set, which was not used for selection, {it} scores {value}{over}.")
        figures.append(KeyFigure(f"Its test {found.label}", value, _spread(found, test)))
    question = f"Which {listed(short(found.keys))} is best for {info['task']}?"
    return PageAnswer(
        question, [*sentences, *([_runner_up(found)] if len(ties) == 1 else [])], [*figures, count]
    )


def tied(found: Findings) -> list[Setting]:
    """Return the settings that share the best score, the one that is taken for the best first."""
    values = {setting: float(found.values(setting, found.choosing).mean()) for setting in found.jobs}
    return sorted(
        (one for one in values if values[one] == values[found.best]), key=lambda one: one != found.best
    )


def named(found: Findings, setting: Sequence[str]) -> str:
    """Return a setting in words."""
    return ", ".join(
        f"{name} = {shown(value)}" for name, value in zip(short(found.keys), setting, strict=True)
    )


def scored(found: Findings, value: float) -> str:
    """Return a formatted value of the measure."""
    return score(found.measure, value)


def by_setting(found: Findings) -> Table:
    """Return one row per setting: mean and standard deviation over its seeds or folds, best first."""
    order = ranked(found)
    columns: dict[str, list[str]] = {
        name: [setting[side] for setting in order] for side, name in enumerate(short(found.keys))
    }
    columns["runs"] = [str(len(found.jobs[setting])) for setting in order]
    for part in found.parts:
        values = [found.values(setting, part) for setting in order]
        columns[f"{part} {found.label}"] = [repr(float(one.mean())) for one in values]
        if any(len(one) > 1 for one in values):
            columns[f"{part} standard deviation"] = [
                repr(float(one.std(ddof=1))) if len(one) > 1 else "" for one in values
            ]
    table = tables.of("settings", columns)
    note = f"Best {found.choosing} {found.label} first; standard deviation over {found.repeats}."
    if metrics.metric(found.measure).share:
        shares = [f"{part} {found.label}" for part in found.parts]
        table = tables.in_percent(table, shares, [f"{part} standard deviation" for part in found.parts])
    return replace(table, note=note)


def ranked(found: Findings) -> list[tuple[str, ...]]:
    """Return all settings, best mean first."""
    sign = -metrics.metric(found.measure).sign
    return sorted(found.jobs, key=lambda setting: sign * float(found.values(setting, found.choosing).mean()))


def members(sweep: Sweep, found: Findings | None, jobs: Sequence[Row]) -> Table:
    """Return one row per job, with its curve and a link to its page."""
    keys = [key for key in sweep.info["keys"] if key in jobs[0]]
    scores = [f"{part}_{found.measure}" for part in found.parts] if found else _others(sweep)
    rest = [name for name in ("epochs", "seconds") if name in jobs[0]]
    curves, kind = thumbnails(
        [Run(sweep.path / row["folder"]) if row.get("folder") else None for row in jobs]
    )
    header = ["job", *short(keys), "status", *(spelled(name) for name in scores), *rest]
    body = [
        [
            Cell(row["number"], row["number"], link=page_in(sweep.path, row["folder"])),
            *(Cell(shown(row[key]), row[key]) for key in keys),
            Cell(row["status"]),
            *(Cell(shown(row[name]), row[name]) for name in (*scores, *rest)),
            *([Cell("", svg=curve)] if kind else []),
        ]
        for row, curve in zip(jobs, curves, strict=True)
    ]
    choices = {
        1 + side: list(dict.fromkeys(shown(row[key]) for row in jobs)) for side, key in enumerate(keys)
    }
    choices[1 + len(keys)] = list(dict.fromkeys(row["status"] for row in jobs))
    words = [key in SEEDS or all(tables.is_number(row[key]) for row in jobs) for key in keys]
    table = Table(
        name="jobs",
        title="Jobs",
        header=[*header, *([f"{kind} loss"] if kind else [])],
        rows=body,
        numeric=[True, *words, False, *(True for _ in (*scores, *rest)), *([False] if kind else [])],
        note="Curves share one scale." if kind else "",
        source="summary.csv",
        filters={column: values for column, values in choices.items() if 1 < len(values) <= MOST_CHOICES},
    )
    return tables.in_percent(table, [spelled(name) for name in scores if is_share(name)])


def _others(sweep: Sweep) -> list[str]:
    """Return the first columns of the summary that hold what the jobs found."""
    known = ("number", "status", "epochs", "best_epoch", "seconds", "folder", "problem", *sweep.info["keys"])
    return [name for name in sweep.summary if name not in known][:OTHERS]


def how(sweep: Sweep, ended: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return what was swept, and how it ended."""
    info, swept = sweep.info, {}
    for key in info["keys"]:
        values = dict.fromkeys(str(job["swept"].get(key, "")) for job in info["jobs"])
        swept[key] = listed(list(values))
    terms = [(f"Swept: {key}", values) for key, values in swept.items()]
    config = settings(sweep.path)
    if config:
        terms.append(("Data", str(config["dataset"]["name"])))
        terms.append(("Model", str(config["model"]["name"])))
    where = info["execution"]
    shared = (
        ("backend", "workers") if where["backend"] == "local" else tuple(where)
    )  # the others are for clusters
    given = [f"{key} {where[key]}" for key in shared if where.get(key)]
    terms.append(("Execution", ", ".join(given)))
    terms.append(("Status of the jobs", listed([f"{number} {status}" for status, number in ended.items()])))
    return terms


def warnings(found: Findings | None, jobs: Sequence[Row], status: str) -> list[str]:
    """Return warnings about the best setting."""
    left = sum(row["status"] not in SETTLED for row in jobs)
    sentences = incomplete(jobs)
    if status == "interrupted" and left:
        sentences.append(f"{left:,} jobs did not complete; the best setting may be among them.")
    if found is None or found.only_repeats:
        return sentences
    if found.choosing == "test":
        sentences.append(
            "The best setting was selected on the test set, so its score is optimistic. Use a validation set: "
            "split.validation=0.1."
        )
    if min(len(one) for one in found.jobs.values()) < FEW_SEEDS:
        sentences.append(
            f"Fewer than {FEW_SEEDS} {found.repeats} per setting: too few to separate the settings' effect from noise. "
            "Sweep seed=0,1,2,3,4 as well."
        )
    return sentences


def incomplete(jobs: Sequence[Row]) -> list[str]:
    """Return which jobs did not complete, and why."""
    wrong = [row for row in jobs if row["status"] not in ("completed", "left", NOT_NEEDED)]
    sentences = [f"Job {row['number']} {row['status']}: {row['problem']}" for row in wrong[:5]]
    if len(wrong) > len(sentences):
        sentences.append(
            f"{len(wrong) - len(sentences):,} more jobs did not complete; see the table of jobs."
        )
    return sentences


def _repeats(found: Findings, count: KeyFigure) -> PageAnswer:
    """Describe the variation between runs of one setting."""
    part = found.parts[0]
    values = np.concatenate([found.values(setting, part) for setting in found.jobs])
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    apart = spread(found.measure, deviation)
    sentence = (
        f"Over {len(values)} {found.repeats} the {part} {found.label} is {scored(found, mean)} on average, with a "
        f"standard deviation of {apart} (lowest {scored(found, values.min())}, highest {scored(found, values.max())})."
    )
    figures = [
        KeyFigure(f"Mean {part} {found.label}", scored(found, mean)),
        KeyFigure("Standard deviation", apart),
    ]
    return PageAnswer(f"How much do the runs of {found.task} vary?", [sentence], [*figures, count])


def _spread(found: Findings, values: np.ndarray) -> str:
    if len(values) < 2:
        return ""
    return f"from {scored(found, float(values.min()))} to {scored(found, float(values.max()))}"


def _runner_up(found: Findings) -> str:
    """Name the next best setting; a difference in a table is not a test."""
    second = ranked(found)[1]
    value = scored(found, float(found.values(second, found.choosing).mean()))
    return (
        f"The next best is {named(found, second)} with {value}; whether the difference is significant needs a "
        "comparison, "
        "not this table."
    )


def _record(sweep: Sweep, jobs: Sequence[Row]) -> list[tuple[str, str]]:
    """Return the record of the first job that ran, with the time of all of them."""
    ran = [float(row["seconds"]) for row in jobs if row.get("seconds")]
    spent = [("Time", f"{duration(sum(ran))} in all jobs together")] if ran else []
    terms = [
        ("Started", sweep.info["started"][:19].replace("T", " ") + " UTC"),
        *spent,
        ("Plan", sweep.info["hash"]),
    ]
    first = next(
        (run for row in jobs if row.get("folder") and (run := sweep.run(Path(row["folder"]).name))), None
    )
    kept = (
        "Fingerprint of the dataset",
        "Fingerprint of the split",
        "Versions",
        "Commit",
        "Machine",
        "Linear algebra",
    )
    return terms + [term for term in method.record(first.info) if term[0] in kept] if first else terms
