"""Run a case through the sweep layer, stage after stage, and say what its folder holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from mlexp import store
from mlexp.config import recorded, schema
from mlexp.errors import ConfigError, DataError
from mlexp.runs import stopping
from mlexp.runs.session import Program
from mlexp.runs.terminal import QUIET, new_console
from mlexp.store import Why
from mlexp.store.files import write_json
from mlexp.store.sweep_folder import SweepFolder, job_name
from mlexp.sweeps import conductor, opening, planning
from mlexp.sweeps.conductor import SweepOutcome
from mlexp.sweeps.planning import Plan
from mlexp.why import answer, case, study
from mlexp.why.analysis import Scored, survivors
from mlexp.why.study import Stage, Stages, WhyStudy
from mlexp.why.summaries import summaries


def run(asked: WhyStudy, program: Program, *, verbosity: int = QUIET) -> SweepOutcome:
    """Run every stage of a case and say what explains the published figures.

    Returns
    -------
    SweepOutcome
        Of the jobs; the answer stands in `why.json` of its folder.
    """
    plan = planning.read(asked.plan)
    folder = opening.begin(plan, partial(_write_question, asked))
    with folder.freed_on_error():
        return run_rest(_as_recorded(plan, folder), folder, program, verbosity)


def _write_question(asked: WhyStudy, place: Path) -> None:
    """Write down what is asked, unless that stands there from an earlier process."""
    if (place / store.WHY).exists():
        return
    base = schema.flat(asked.plan.first)
    candidates = [
        {
            "values": values,
            "runs": {
                run: {
                    key: value
                    for key, value in schema.flat(study.bare(asked.configs[number, run])).items()
                    if base[key] != value
                }
                for run in asked.case.runs
            },
        }
        for number, values in enumerate(asked.case.candidates)
    ]
    write_json(
        place / store.WHY,
        {"name": asked.case.name, "case": asked.case.values, "candidates": candidates, "status": "running"},
    )


def _as_recorded(plan: Plan, folder: SweepFolder) -> Plan:
    """Return the plan with the jobs of later stages that an earlier process had added."""
    known = store.Sweep(folder.path).info["jobs"]
    if len(known) <= len(plan.jobs):
        return plan
    whole = planning.read(planning.restored(folder.path))
    return replace(whole, sweep=plan.sweep, execution=plan.execution, figures=plan.figures)


def run_rest(plan: Plan, folder: SweepFolder, program: Program, verbosity: int) -> SweepOutcome:
    """Run what is left of a case in its folder, then say what explains its figures."""
    with stopping.resumable(folder.path), closing(folder):
        place = folder.path
        rounds = rounds_of(Why.open(place), plan)
        outcome = conductor.run_rest(
            plan,
            folder,
            worker=program.worker,
            verbosity=verbosity,
            ending=False,
            more=_more(rounds, place, verbosity),
        )
        if outcome.status == "interrupted":
            folder.told_end("interrupted", outcome.rows, outcome.problem)
            return outcome
        with conductor.answering(folder, outcome):
            why = Why.open(place)
            scores = answer.CaseFindings(rounds, all_stages(rounds, why))
            found = answer.write(why, scores, figures=plan.figures)
        folder.told_end("completed", outcome.rows, answer=found["answer"])
        answer.show(found, str(store.shown(place)), verbosity=verbosity)
        return outcome


def rounds_of(why: Why, plan: Plan) -> Stages:
    """Return the stages of a recorded case, with its candidates as configurations."""
    info = why.question
    try:
        asked = case.of(info["name"], info["case"])
    except ConfigError as error:
        raise DataError(f"{why.path / store.WHY} is damaged: {error} Run the case again.") from error
    if [one["values"] for one in info["candidates"]] != asked.candidates:
        raise DataError(
            f"{why.path / store.WHY} is damaged: its candidates are not those of its case. Run it again."
        )
    changes = {
        (number, run): one["runs"][run] for number, one in enumerate(info["candidates"]) for run in asked.runs
    }
    return Stages(asked, changes, plan, recorded.read(why.path / "config.yaml"))


def _more(rounds: Stages, place: Path, verbosity: int) -> Callable[[Plan], Plan | None]:
    """Return what looks at the runs that are there and says which come next."""
    kept: list[list[int]] = []

    def more(plan: Plan) -> Plan | None:
        stayed, stage = next_stage(rounds, Why(place), kept)
        if stage is None:
            return None
        longer = rounds.extended(plan, stage, stayed)
        if len(longer.jobs) == len(plan.jobs):
            return None
        if verbosity != QUIET:
            of = f"{len(stayed)} of {len(rounds.case.candidates)} candidates stay"
            new_console().print(f"{of}; next: {stage}, {stage.seeds} seeds", markup=False)
        return longer

    return more


def next_stage(rounds: Stages, why: Why, kept: list[list[int]]) -> tuple[list[int], Stage | None]:
    """Return the candidates that stay and the first stage that has not run with them.

    Parameters
    ----------
    kept : the candidates that stayed after each of the first stages, as far as it is known; is added to
    """
    stayed = list(range(len(rounds.case.candidates)))
    known = {job["hash"] for job in why.info["jobs"]}
    for place, stage in enumerate(rounds.stages):
        if not set(rounds.hashes(stage, stayed).values()) <= known:
            return stayed, stage
        if stage is not rounds.stages[-1]:
            if place == len(kept):
                kept.append(staying(rounds, place, scored(rounds, why, stage, stayed), len(stayed)))
            stayed = kept[place]
    return stayed, None


def staying(rounds: Stages, place: int, found: Scored, n_before: int) -> list[int]:
    """Return which candidates of a short stage stay: half of them at most, of the last short one the finalists."""
    most = rounds.case.finalists
    if place + 2 < len(rounds.stages):
        most = max(most, -(-n_before // 2))
    return survivors(found, most)


def scored(rounds: Stages, why: Why, stage: Stage, candidates: Sequence[int]) -> Scored:
    """Return the candidates of a stage with what their runs hold of its figures."""
    wanted = summaries(rounds.case, stage.epochs)
    hashes = rounds.hashes(stage, candidates)
    folders = {job["hash"]: why.run(job_name(job["number"], job["hash"])) for job in why.info["jobs"]}
    shape = len(candidates), stage.seeds, len(wanted)
    values, of_rows = np.full(shape, np.nan), np.zeros(shape)
    for place, number in enumerate(candidates):
        for seed in range(stage.seeds):
            for column, one in enumerate(wanted):
                run = folders.get(hashes.get((number, one.run, seed), ""))
                if run is not None:
                    values[place, seed, column] = one.observed(run)
                    of_rows[place, seed, column] = one.of_rows(run)
    more = np.nan_to_num(of_rows).mean(axis=(0, 1))
    return Scored(wanted, dict(zip(candidates, values, strict=True)), more)


def all_stages(rounds: Stages, why: Why) -> list[Scored]:
    """Return every stage with the candidates that it ran."""
    stayed = list(range(len(rounds.case.candidates)))
    found = []
    for place, stage in enumerate(rounds.stages):
        found.append(scored(rounds, why, stage, stayed))
        if stage is not rounds.stages[-1]:
            stayed = staying(rounds, place, found[-1], len(stayed))
    return found
