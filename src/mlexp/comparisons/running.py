"""Run a comparison through the sweep layer, and analyse what its folder holds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from mlexp import store
from mlexp.comparisons import analysis, benchmark, looks, tune_once
from mlexp.comparisons.analysis import Analysis
from mlexp.comparisons.evidence import Entry, Evidence, deterministic
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.comparisons.study import ComparisonStudy
from mlexp.comparisons.words.terminal import show
from mlexp.errors import DataError, Interrupted, MlexpError, NotWritten
from mlexp.kinds.comparison.settings import Comparison
from mlexp.runs import stopping
from mlexp.runs.session import Program
from mlexp.runs.terminal import QUIET, new_console
from mlexp.store import Sweep, record, shapes
from mlexp.store.files import read_json, write_json
from mlexp.store.result import by_row
from mlexp.store.sweep_folder import NOT_NEEDED, SweepFolder, job_name
from mlexp.sweeps import conductor, opening, planning
from mlexp.sweeps.conductor import Sparing, SweepOutcome
from mlexp.sweeps.planning import Plan
from mlexp.tuning import run as searching

SPARING = Sparing(deterministic.first, deterministic.not_needed)
KEPT = ("comparison", "settings", "tuning", "looks")  # what comparison.json holds before there is an answer


def run(
    study: ComparisonStudy, program: Program, *, verbosity: int = QUIET, details: bool = False
) -> SweepOutcome:
    """Run every job of a comparison and answer its question; what fails costs nothing but itself.

    `program` runs the jobs and the searches before them. With `details` what stands beside the answer is printed too.

    Returns
    -------
    SweepOutcome
        Of the jobs; the answer stands in `comparison.json` of its folder.

    Raises
    ------
    Interrupted
        A search of an arm was stopped; what was done is kept.
    """
    plan = planning.read(study.plan)
    _refuse_same_rows(plan)
    folder = opening.begin(plan, partial(_write_question, study))
    with folder.freed_on_error():
        if study.settings.seeds == looks.UNTIL_SETTLED:
            plan = looks.as_far_as(plan, Sweep(folder.path).info["jobs"])
        return run_rest(plan, folder, program, verbosity, details)


def _refuse_same_rows(plan: Plan) -> None:
    """Refuse two data sets of a comparison that hold the same rows: they would count twice."""
    names: dict[str, str] = {}
    for job in plan.jobs:
        name = job.swept.get("dataset", "")
        if job.data and names.setdefault(job.data, name) != name:
            raise DataError(
                f"comparison.datasets: {names[job.data]} and {name} hold the same rows, which would count twice. Leave "
                "one of the two out."
            )


def _write_question(study: ComparisonStudy, place: Path) -> None:
    """Write down what is asked, and what is searched for first; where that stands, it stays as it is."""
    planned = looks.schedule(study.settings, len(study.arms))
    if store.Comparison.is_at(place):
        asked = place / store.QUESTION
        known = read_json(asked if asked.exists() else place / store.Comparison.record)
        looks.refuse_other(place, looks.stated(known), planned)
        return
    tune_once.write(place, study.searches)
    start: dict[str, Any] = {"comparison": asdict(study.settings), "settings": study.arms, "tuning": None}
    if planned:
        start["looks"] = looks.record(planned)
    start |= {
        "status": "running",
        "metric": str(study.metric),
        "arms": [{"name": arm} for arm in study.arms],
    }
    write_json(place / store.QUESTION, start)


def announce(study: ComparisonStudy) -> None:
    """Print what would run: the searches of the arms, then the jobs."""
    if planned := looks.schedule(study.settings, len(study.arms)):
        print(f"{planned.words}. The runs of the first look:")
    for arm, config in study.searches.items():
        print(f"First, for {arm}: {searching.planned(config)}")
    if tune_once.how(study.settings) == "each":
        for words in tune_once.cost_of_each(study.plan):
            print(words)
    conductor.show(study.plan)


def run_rest(
    plan: Plan, folder: SweepFolder, program: Program, verbosity: int, details: bool = False
) -> SweepOutcome:
    """Run what is left of a comparison in its folder, then answer its question from all runs."""
    with stopping.resumable(folder.path), closing(folder):
        return _conducted(plan, folder, program, verbosity, details)


def _conducted(
    plan: Plan, folder: SweepFolder, program: Program, verbosity: int, details: bool
) -> SweepOutcome:
    place = folder.path
    if folder.renewed:  # the answer that is there is that of other data
        record.write_info(store.Comparison, place, read_json(place / store.QUESTION))
        plan = replace(plan, jobs=plan.jobs[: Sweep(place).info.get("begun_with")])  # looks begin anew
        opening.write_plan(plan, folder)
    try:
        read_json(place / store.Comparison.record, shapes.COMPARISON)
    except DataError:  # all but the question is in the runs
        record.write_info(store.Comparison, place, read_json(place / store.QUESTION))
    if (place / tune_once.FOLDER).exists():
        plan = _tuned(plan, folder, program, verbosity)
    outcome = conductor.run_rest(
        plan,
        folder,
        worker=program.worker,
        verbosity=verbosity,
        ending=False,
        more=_more(place, verbosity),
        sparing=SPARING,
    )
    if outcome.status == "interrupted":
        _mark(place, status="interrupted")
        folder.told_end("interrupted", outcome.rows, outcome.problem)
        return outcome
    with conductor.answering(folder, outcome):
        try:
            found = answered(place, figures=plan.figures)
        except MlexpError as error:
            _mark(place, status="failed", error=str(error))
            raise
    folder.told_end(found.info["status"], outcome.rows, answer=found.info["answer"])
    show(found, str(store.shown(place)), verbosity=verbosity, details=details)
    return outcome


def _more(place: Path, verbosity: int) -> Callable[[Plan], Plan | None] | None:
    """Return what looks at the runs that are there and says which come next; None where the seeds are fixed."""
    info = store.Comparison.open(place).info
    planned, node, metric = (
        looks.stated(info),
        Comparison(**info["comparison"]),
        PartMetric.parse(info["metric"]),
    )
    if planned is None:
        return None

    def more(plan: Plan) -> Plan | None:
        try:
            last = looks.taken(evidence_of(Sweep(place), metric), node, planned)[-1]
        except DataError:  # an arm without a run that counts: the answer says so
            return None
        if last.is_last or last.number == len(planned.runs):
            return None
        if verbosity > QUIET:
            new_console().print(last.words(planned), markup=False)
        return looks.extended(plan, last, planned)

    return more


def _tuned(plan: Plan, folder: SweepFolder, program: Program, verbosity: int) -> Plan:
    """Tune the arms, and return the plan with what they chose; it is written down before its jobs begin."""
    try:
        chosen = tune_once.search(folder, plan, program, verbosity=verbosity)
    except BaseException as error:
        stopped = isinstance(error, Interrupted | KeyboardInterrupt | NotWritten)
        status = "interrupted" if stopped else "failed"
        folder.write_info(Sweep(folder.path).info | {"status": status})
        _mark(folder.path, status=status, error=str(error))
        folder.told_end(status, (), str(error))
        folder.close()
        if status == "failed" or isinstance(error, NotWritten):
            raise
        cure = stopping.how_to_resume(folder.path)
        raise Interrupted(f"Stopped while the arms were tuned. {cure}") from error
    plan = tune_once.with_chosen(plan, folder.path, chosen)
    opening.write_plan(plan, folder)
    _mark(folder.path, tuning=chosen)
    return plan


def _mark(place: Path, **more: Any) -> None:
    record.write_info(store.Comparison, place, store.Comparison.open(place).info | more)


def answered(path: Path, *, figures: bool = True) -> Analysis:
    """Answer the question of a comparison from what its folder holds, and write the answer there."""
    info = store.Comparison.open(path).info
    kept = {name: info[name] for name in KEPT if name in info}
    node, metric = Comparison(**info["comparison"]), PartMetric.parse(info["metric"])
    done = benchmark.analyse(
        evidence_of(Sweep(path), metric),
        node,
        folder=path,
        settings=info["settings"],
        tuning=info["tuning"],
        planned=looks.stated(info),
    )
    analysis.write(done, path, kept, figures=figures)
    return done


def evidence_of(sweep: Sweep, metric: PartMetric) -> Evidence:
    """Return the runs of a comparison by arm."""
    entries: dict[str, list[Entry]] = {}
    spared: dict[str, int] = {}
    fates = {row["number"]: row for row in by_row(sweep.summary)}
    for job in sweep.info["jobs"]:
        swept = dict(job["swept"])
        arm = swept.pop("arm")
        dataset = swept.get("dataset", "")
        row = fates.get(str(job["number"]), {})
        if row.get("status") == NOT_NEEDED:
            spared[arm] = spared.get(arm, 0) + 1
            continue
        entries.setdefault(arm, []).append(
            Entry(
                arm,
                " ".join(f"{key}={value}" for key, value in swept.items()),
                sweep.run(job_name(job["number"], job["hash"])),
                metric,
                (row.get("status", "left"), row.get("problem", "")),
                dataset=dataset,
            )
        )
    return Evidence(metric, entries, spared)
