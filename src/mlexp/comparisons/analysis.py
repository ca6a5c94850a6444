"""From runs to the answer: comparison.json, the tables and the figures of a comparison."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlexp import stats, store
from mlexp.comparisons import choice, convergence, learning, looks, page, tune_each, tune_once
from mlexp.comparisons import figures as drawn
from mlexp.comparisons.convergence import Level
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.looks import Schedule
from mlexp.comparisons.verdict import Pair, Verdict, evaluate
from mlexp.comparisons.words import answer, details, many_arms, phrases
from mlexp.comparisons.words import learning as how_learnt
from mlexp.drawing.wanted import wanted
from mlexp.kinds.comparison.settings import Comparison
from mlexp.page import render
from mlexp.stats import Outcome
from mlexp.store import record
from mlexp.store.files import write_table
from mlexp.store.result import Columns, attributes, by_column

Tables = dict[str, Columns]
MOST_NAMED = 4


@dataclass(frozen=True)
class Analysis:
    """What a comparison found.

    Attributes
    ----------
    info : content of `comparison.json`
    tables : table -> column -> cells
    """

    info: dict[str, Any]
    tables: Tables


def analyse(
    evidence: Evidence,
    node: Comparison,
    *,
    folder: Path | None = None,
    settings: Mapping[str, Mapping[str, str]] | None = None,
    tuning: Mapping[str, Any] | None = None,
    all_pairs: bool = False,
    planned: Schedule | None = None,
) -> Analysis:
    """Judge the evidence and put the answer into words and tables.

    Parameters
    ----------
    evidence : the runs of all arms
    node : test, alpha, margin and target
    folder : where the tables will stand, for the paths to the runs
    settings : arm -> key -> value as typed
    tuning : what was tuned in each arm
    all_pairs : whether the verdict is on all pairs, however many arms there are
    planned : the looks that were stated beforehand; the answer is that of the one that ended the study

    Raises
    ------
    ConfigError, DataError
        If nothing can be compared, or the chosen test cannot be computed.
    """
    n_runs = sum(map(len, evidence.entries.values()))
    seen = looks.taken(evidence, node, planned) if planned else []
    if seen:
        evidence, verdict = seen[-1].evidence, seen[-1].verdict
    else:
        verdict = evaluate(evidence, node, all_pairs=all_pairs)
    level = convergence.level_of(evidence, node.target)
    picked = choice.chosen(evidence, verdict, node)
    tables = _tables_of(evidence, verdict, node, level, folder or Path.cwd(), picked)
    table = tables["arms"]
    chosen = dict(tuning) if tuning else {}
    said = answer.lines(evidence, verdict, node)
    leader, runner_up = verdict.ranking[:2]
    epochwise = convergence.epochwise(evidence, leader, runner_up, node.alpha) if node.epochwise else None
    arms = [
        {name: column[row] for name, column in table.items()}
        | {"name": arm, "settings": dict((settings or {}).get(arm, {}))}
        for row, arm in enumerate(table["arm"])
    ]
    info: dict[str, Any] = {
        "question": question(evidence),
        "answer": [picked.words, *said] if picked else said,
        "findings": how_learnt.lines(evidence, level, node.alpha),
        "seconds": how_learnt.on_seconds(evidence, node.alpha, picked.order[0] if picked else ""),
        "details": details.details(evidence, verdict, node, chosen, epochwise),
        "arms": arms,
        "warnings": _all_warnings(evidence, verdict, chosen, picked),
    }
    if picked:
        info["choice"] = picked.record()
    info |= _found(evidence, verdict, node) | {"epochwise": epochwise, "tuning": tuning}
    if level is not None:
        info["level"] = asdict(level) | {"words": level.words}
    info["status"] = "failed" if _all_lost(evidence) else "completed"
    if planned:
        info = looks.told(info, seen, planned, n_runs)
        tables["looks"] = looks.table(seen)
    return Analysis(info, tables)


def _tables_of(
    evidence: Evidence,
    verdict: Verdict,
    node: Comparison,
    level: Level | None,
    folder: Path,
    picked: choice.ArmChoice | None,
) -> Tables:
    order = picked.order if picked else verdict.ranking
    tables = {
        "arms": arms_table(evidence, verdict, level, order),
        "pairs": pairs_table(verdict),
        "p_matrix": p_matrix(verdict),
        "runs": runs_table(evidence, folder),
    }
    if (columns := convergence.epochs_to_target(evidence, level))["arm"]:
        tables["epochs_to_target"] = columns
    if columns := learning.table(evidence, 1 - node.alpha):
        tables["learning"] = columns
    if searched := tune_each.table(evidence):
        tables["chosen"] = searched
    return tables


def _found(evidence: Evidence, verdict: Verdict, node: Comparison) -> dict[str, Any]:
    """Return what the verdict adds to `comparison.json`."""
    metric = evidence.metric
    words_of = {"words": metric.words, "share": metric.is_share, "higher_is_better": metric.sign > 0}
    return {
        "metric": str(metric),
        "measure": words_of,
        "design": asdict(verdict.design),
        "units": evidence.units,
        "test": verdict.test,
        "test_words": details.test_words(verdict),
        "why": details.why(verdict, node),
        "scope": phrases.scope(evidence, verdict.pairs[0].outcome.scope),
        "second": phrases.second(evidence, verdict),
        "pairs": [_pair(pair) for pair in verdict.pairs],
        "with_best": many_arms.recorded(verdict),
        "overall": _overall(evidence, verdict.overall),
        "ranking": list(verdict.ranking),
        "alpha": node.alpha,
        "margin": node.margin,
        "target": node.target,
    }


def _overall(evidence: Evidence, overall: Outcome | None) -> dict[str, Any] | None:
    return None if overall is None else asdict(overall) | {"scope": phrases.scope(evidence, overall.scope)}


def write(analysis: Analysis, folder: Path, extra: Mapping[str, Any], *, figures: bool) -> None:
    """Write the answer into a folder and draw it; `extra` is what else `comparison.json` holds."""
    for name, columns in analysis.tables.items():
        write_table(folder / "tables" / f"{name}.csv", columns)
    record.write_info(store.Comparison, folder, {**extra, **analysis.info})
    if figures:
        comparison = store.Comparison.open(folder)
        drawn.draw(comparison, wanted(folder))
        render.write(folder, page.page(comparison))


def question(evidence: Evidence) -> str:
    """Return what was asked."""
    arms = list(evidence.entries)
    sets = {entry.run.info["dataset"]["name"] for entry in evidence.used[evidence.arms[0]] if entry.run}
    several = len(evidence.datasets) > 1 and not evidence.generated
    where = f" on {len(evidence.datasets)} data sets" if several else f" on {sets.pop()}" if sets else ""
    better = "higher" if evidence.metric.sign > 0 else "lower"
    asked = f"has the {better} {evidence.metric.words}{where}"
    return f"Which {asked}: {' or '.join(arms)}?" if len(arms) < 4 else f"Which of {len(arms)} arms {asked}?"


def arms_table(
    evidence: Evidence, verdict: Verdict, level: Level | None = None, order: Sequence[str] = ()
) -> Columns:
    """Return one row an arm, in the order given or the best mean first; arms without a run that counts last."""
    missing = [arm for arm in evidence.entries if arm not in evidence.arms]
    return by_column([_arm(evidence, verdict, arm, level) for arm in (*(order or verdict.ranking), *missing)])


def _arm(evidence: Evidence, verdict: Verdict, arm: str, level: Level | None) -> dict[str, Any]:
    entries = evidence.entries[arm]
    row: dict[str, Any] = {"arm": arm, "runs": 0, "lost": sum(bool(entry.problem) for entry in entries)}
    if arm not in evidence.arms:
        return row
    used, values = evidence.used[arm], evidence.values(arm)
    signed = values * evidence.metric.sign
    mean = verdict.means[arm]
    row |= {"runs": len(values), "mean": evidence.mean(arm)} | _interval(mean, evidence.metric.row.limits)
    row |= {"interval_over": phrases.varied(evidence, arm), "sd": _between_runs(evidence, arm)}
    row |= {"best": values[signed.argmax()], "worst": values[signed.argmin()]}
    row |= {"interquartile_mean": stats.interquartile_mean(values)} | many_arms.ahead(verdict, arm)
    measure = evidence.metric.name
    chosen = [entry.run.metrics.get("validation", {}).get(measure) for entry in used if entry.run]
    epochs = [entry.run.info["facts"].get("epochs") for entry in used if entry.run]
    seconds = [convergence.seconds_of(entry.run) for entry in used if entry.run]
    reached = [convergence.reached(entry.run, level) for entry in used if entry.run]
    hits = [found[0] for found in reached if found]
    row |= _counted(evidence, arm)
    row |= {"validation": _mean(chosen), "epochs": _mean(epochs), "seconds": _mean(seconds)}
    if (predicting := learning.prediction_seconds(evidence, arm)) is not None:
        row["prediction_ms"] = round(1000 * predicting, 3)
    return row | {"reached_target": len(hits), "epochs_to_target": float(np.median(hits)) if hits else ""}


def _counted(evidence: Evidence, arm: str) -> dict[str, Any]:
    """Return loss, samples predicted correctly by a run, and number of parameters, where they are recorded."""
    used, metric = evidence.used[arm], evidence.metric
    found: dict[str, Any] = {}
    if metric.name != "loss":
        scored = [entry.run.metrics.get(metric.part, {}).get("loss") for entry in used if entry.run]
        found["loss"] = _mean(scored)
    sizes = {entry.sizes[1] for entry in used if entry.sizes}
    if metric.right_or_wrong and len(sizes) == 1:
        n_samples = sizes.pop()
        found |= {"correct": round(evidence.mean(arm) * n_samples, 1), "samples": int(n_samples)}
    sizes_of_models = [entry.run.info["facts"].get("n_parameters") for entry in used if entry.run]
    return found | {"parameters": _mean(sizes_of_models)}


def _between_runs(evidence: Evidence, arm: str) -> float | str:
    """Return the standard deviation between runs; within blocks where there are some, pooled with equal weight."""
    if len(evidence.strata) == 1:
        found = [evidence.values(arm)]
    else:
        found = [
            np.array([e.value for e in evidence.used[arm] if e.stratum == name]) for name in evidence.strata
        ]
    return "" if min(map(len, found)) < 2 else float(np.sqrt(np.mean([one.var(ddof=1) for one in found])))


def _interval(mean: Outcome, limits: tuple[float, float]) -> dict[str, Any]:
    """Return the ends of the interval of a mean, which ends where the metric does."""
    if mean.low is None or mean.high is None:
        return {"low": "", "high": ""}
    return {"low": max(mean.low, limits[0]), "high": min(mean.high, limits[1])}


def _mean(values: list[Any]) -> float | str:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else ""


def pairs_table(verdict: Verdict) -> Columns:
    """Return one row a pair of arms."""
    names = (
        "a", "b", "difference", "low", "high", "level", "p", "p_adjusted", "adjusted_low", "adjusted_high",
        "adjusted_level", "separated", "test", "reason", "welch_low", "welch_high", "welch_p", "seeds_needed",
        "rows_needed", "seeds_to_show_equal", "equivalent",
    )  # fmt: skip
    return by_column([_pair(pair) for pair in verdict.pairs], names)


def _pair(pair: Pair) -> dict[str, Any]:
    outcome, welch, power, equal = pair.outcome, pair.second, pair.power, pair.equivalence
    row: dict[str, Any] = {"a": pair.a, "b": pair.b, "difference": outcome.estimate}
    row |= attributes(outcome, "low", "high", "level", "p") | {"p_adjusted": pair.adjusted}
    row |= attributes(pair.interval, "low", "high", "level", prefix="adjusted_")
    row |= {"separated": pair.separated, "better": pair.better, "test": outcome.name}
    row |= attributes(outcome, "statistic", "df", "se", "n", "details", "testable", "reason")
    row |= attributes(welch, "low", "high", "p", prefix="welch_")
    row |= {
        "worth_seeing": power.delta if power else None,
        "seeds_needed": power.seeds if power else None,
        "rows_needed": power.rows_needed if power else None,
        "seeds_to_show_equal": power.equal if power else None,
    }
    return row | attributes(equal, "equivalent") | attributes(equal, "low", "high", prefix="equivalence_")


def p_matrix(verdict: Verdict) -> Columns:
    """Return the adjusted p of every pair as a square; the diagonal, and what could not be tested, is empty."""
    return by_column(
        [
            {"arm": one}
            | {
                other: verdict.pair(one, other).adjusted if other != one else None
                for other in verdict.ranking
            }
            for one in verdict.ranking
        ]
    )


def runs_table(evidence: Evidence, folder: Path) -> Columns:
    """Return one row a run, also of those that do not count."""
    rows = []
    for arm, entries in evidence.entries.items():
        copied = {id(copy): first for copy, first in evidence.copies[arm]}
        for entry in entries:
            counts = arm in evidence.arms and entry in evidence.used[arm]
            where = "" if entry.run is None else os.path.relpath(entry.run.path.resolve(), folder.resolve())
            other = "evaluated on samples on which not every arm was"
            if entry.stratum not in evidence.strata:
                other = "its block is left out, for want of runs of every arm"
            if id(entry) in copied:
                other = f"the same result as {copied[id(entry)].name}, byte for byte"
            problem = entry.problem or ("" if counts else other)
            row = {
                "arm": arm,
                "run": entry.name,
                "status": entry.status,
                "value": entry.value if counts else "",
            }
            rows.append(row | {"folder": where, "problem": problem})
    return by_column(rows)


def _all_lost(evidence: Evidence) -> list[Entry]:
    return [entry for entries in evidence.entries.values() for entry in entries if entry.problem]


def _all_warnings(
    evidence: Evidence, verdict: Verdict, chosen: tune_once.Chosen, picked: choice.ArmChoice | None
) -> list[str]:
    """Return what a reader must know of runs, tuning and test."""
    return [
        *failing(evidence),
        *tune_once.warnings(chosen),
        *tune_each.warnings(evidence),
        *_warnings(evidence, verdict, picked),
        *phrases.twins(evidence),
        *_lost(_all_lost(evidence)),
    ]


def _warnings(evidence: Evidence, verdict: Verdict, picked: choice.ArmChoice | None) -> list[str]:
    cautions = stats.cautions(verdict.design, verdict.test, rows=phrases.evaluated_on(evidence))
    found = [f"{text[0].upper()}{text[1:]}." for text in cautions]
    if verdict.misfit:
        found.insert(0, verdict.misfit)
    if evidence.groups is not None:
        found.append(_together(evidence.groups, verdict.test))
    if verdict.design.same_rows and verdict.design.seeds > 1:
        lone = [
            arm for arm in evidence.arms if evidence.n_runs(arm) == 1 and not evidence.is_deterministic(arm)
        ]
        if lone:
            found.append(f"One run only of {phrases.listed(lone)}: what another seed would give is unknown.")
    if evidence.metric.part == "train":
        found.append(
            "The arms were fitted to the training set: scores on it do not show how they do on new samples."
        )
    dropped = sum(
        entry.value is not None and entry.block not in evidence.blocks
        for arm in evidence.arms
        for entry in evidence.entries[arm]
    )
    if dropped:
        runs = "1 run is" if dropped == 1 else f"{dropped} runs are"
        found.append(f"{runs} left out: not every arm was evaluated on the same samples.")
    if len(evidence.arms) > 2 and evidence.metric.part == "test" and picked is None:
        found.append(
            "The best arm was found on the test set, so its own mean there is biased upwards. To select an arm for "
            "use, compare on the validation set"
            + (
                " (column validation of arms.csv)."
                if any(entry.run for entry in evidence.used[evidence.arms[0]])
                else "."
            )
        )
    return found


def _together(groups: np.ndarray, test: str) -> str:
    together = f"The {len(groups):,} samples evaluated belong to {len(np.unique(groups)):,} groups"
    if test in ("crossed", "bootstrap_seeds_rows"):
        return f"{together}: the test takes groups as its units, weighted by their sizes."
    if test == "mcnemar":
        return (
            f"{together}: McNemar's test takes samples as independent, so its p is too small. Run two seeds or more "
            "per arm."
        )
    return f"{together}: the result holds for these samples only."


def failing(evidence: Evidence) -> list[str]:
    """Return one sentence on the arms some of whose runs fail: how many, how many may, what the mean hides."""
    found = []
    for arm, entries in evidence.entries.items():
        n_failed = sum(entry.status == "diverged" or entry.learnt_nothing for entry in entries)
        if not n_failed:
            continue
        n_runs = sum(entry.status in ("completed", "diverged") for entry in entries)
        limit = stats.upper_limit_of_share(n_failed, n_runs)
        said = [f"{arm} {n_failed} of {n_runs} (failure rate at most {100 * limit:.0f} %, 95 % limit)"]
        if arm in evidence.arms:
            middle = evidence.metric.value(stats.interquartile_mean(evidence.values(arm)))
            said.append(f"interquartile mean of all {middle}")
            others = [other for other in evidence.arms if other != arm]
            if len(others) == 1:
                signed = (evidence.metric.sign * evidence.values(one) for one in (arm, others[0]))
                beats = stats.probability_of_improvement(*signed).estimate
                said.append(f"a run of it beats one of {others[0]} with probability {beats:.2f}")
        found.append(", ".join(said))
    head = "Runs failed (diverged, or no better than a constant prediction), which a mean hides"
    more = f"; and {len(found) - MOST_NAMED} more arms" if len(found) > MOST_NAMED else ""
    return [f"{head}: {'; '.join(found[:MOST_NAMED])}{more}."] if found else []


def _lost(lost: Sequence[Entry]) -> list[str]:
    """Return one sentence on the runs that do not count."""
    if not lost:
        return []
    said = [f"{entry.arm} ({entry.name}) {entry.status}, {entry.problem}" for entry in lost[:MOST_NAMED]]
    more = [f"{len(lost) - MOST_NAMED} more in runs.csv"] if len(lost) > MOST_NAMED else []
    verb = "1 run does" if len(lost) == 1 else f"{len(lost)} runs do"
    return [f"{verb} not count: {'; '.join([*said, *more])}"]
