"""The folder of a sweep before its jobs run: made, or taken over with the data as they are now."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlexp import store
from mlexp.config import recorded, schema
from mlexp.errors import ConfigError, DataError
from mlexp.runs.tracking import Tracker
from mlexp.store import Run, Sweep, identity, stamp, sweep_folder
from mlexp.store.files import write_bytes
from mlexp.store.sweep_folder import FINISHED, SweepFolder
from mlexp.sweeps.planning import Job, Plan, identified, read, restored

# what a plan that grew, was tuned or has other data keeps
KEPT = ("started", "began_in", "settings_hash", "begun_with", "warnings")


def grown(plan: Plan) -> Plan:
    """Return the plan of a sweep that is resumed with more jobs, such as more seeds, numbered as its folder has them.

    The jobs of the folder come first, under their numbers, so that none runs again; the new ones follow. Any other
    plan is returned as it is.
    """
    place = Path(plan.sweep.dir) if plan.sweep.dir else None
    if not plan.sweep.resume or place is None or not Sweep.is_at(place):
        return plan
    info = Sweep.open(place).info
    wanted = {job.hash: job for job in plan.jobs}
    known = [entry["hash"] for entry in info["jobs"]]
    if not _may_grow(place, info) or len(wanted) < len(plan.jobs) or not set(known) <= set(wanted):
        return plan
    rest = [job for job in plan.jobs if job.hash not in set(known)]
    ordered = [*(wanted[code] for code in known), *rest]
    return replace(plan, jobs=tuple(replace(job, number=number) for number, job in enumerate(ordered, 1)))


def _may_grow(place: Path, info: Mapping[str, Any]) -> bool:
    """Return whether jobs may be added from outside: not to a comparison, whose answer was seen, nor to a case."""
    return "begun_with" not in info and not (store.Comparison.is_at(place) or store.Why.is_at(place))


def begin(plan: Plan, first: Callable[[Path], None] = lambda place: None) -> SweepFolder:
    """Make the folder of a sweep whose data have been read, or take over the one that is to be resumed.

    `first` writes into it what must be there once `sweep.json` makes it a sweep that another process can resume.
    """
    outputs, place = Path(plan.first.outputs), Path(plan.sweep.dir) if plan.sweep.dir else None
    unfinished = None
    if plan.sweep.resume:
        unfinished = place if place else sweep_folder.newest(outputs, plan.task, plan.hash)
    if unfinished is not None and Sweep.is_at(unfinished):
        info = Sweep.open(unfinished).info
        stamp.refuse_older(unfinished, info)
        names = [sweep_folder.job_name(entry["number"], entry["hash"]) for entry in info["jobs"]]
        more = _may_grow(unfinished, info) and names == [job.name for job in plan.jobs[: len(names)]]
        if info["settings_hash"] != plan.settings_hash and not more:
            raise ConfigError(
                f"sweep.dir={unfinished} contains a sweep of different jobs. Name another folder, or resume that "
                f"one: mlexp resume {unfinished}"
            )
        identity.refuse_edited(unfinished, info)
        folder = sweep_folder.reopen(unfinished)
        with folder.freed_on_error():
            first(folder.path)
            if len(plan.jobs) > len(names) and more:
                _extend(plan, folder, len(names))
            elif info["hash"] != plan.hash:
                _renew(plan, folder)
        return folder
    earlier = None
    if plan.sweep.resume and place is None:
        earlier = sweep_folder.newest(outputs, plan.task, plan.settings_hash, "settings_hash")
    folder = sweep_folder.create(outputs, plan.task, plan.hash, place)
    with folder.freed_on_error():
        first(folder.path)
        write_plan(plan, folder)
        if earlier is not None:
            where = store.shown(earlier.resolve())
            _say(folder, f"{where} has the same settings but different data: all jobs are run again.")
    return folder


def taken_over(path: Path, settings: Sequence[str] = ()) -> tuple[Plan, SweepFolder]:
    """Take the folder of a sweep to resume it, and return its plan with the data as they are now.

    Where every job has come to its end, data are not read: there is nothing left that could run with others.
    """
    stamp.refuse_older(path, Sweep.open(path).info)
    plan = restored(path, settings)
    if all(is_finished(Sweep(path).run(job.name), job) for job in plan.jobs):
        return plan, sweep_folder.reopen(path)
    now = read(plan)
    folder = sweep_folder.reopen(path)
    if [job.data for job in now.jobs] != [job.data for job in plan.jobs]:
        _renew(now, folder)
    return now, folder


def _extend(plan: Plan, folder: SweepFolder, had: int) -> None:
    """Write down that a sweep has more jobs from now on: it is as if it had been begun with all of them."""
    known = Sweep(folder.path).info
    made = plan.record(recorded.read(folder.path / "config.yaml"))
    kept = {name: known[name] for name in ("started", "began_in", "warnings") if name in known}
    folder.write_info({"status": "running"} | made | kept)
    _tell_plan(plan, folder, made["keys"])
    folder.log(f"extended from {had} to {len(plan.jobs)} jobs")


def _tell_plan(plan: Plan, folder: SweepFolder, keys: Sequence[str]) -> None:
    """Write the event of a plan, new or longer than before."""
    folder.event("planned", task=plan.task, n_jobs=len(plan.jobs), keys=keys)


def _renew(plan: Plan, folder: SweepFolder) -> None:
    """Write down that the jobs of a folder have other data from now on."""
    folder.renewed = True
    write_plan(plan, folder)
    _say(
        folder,
        "The data have changed since this sweep began: jobs with the old data are set aside and run again.",
    )


def _say(folder: SweepFolder, words: str) -> None:
    """Say what a person must know of a sweep, now and in its record."""
    folder.log(f"warning: {words}")
    info = Sweep(folder.path).info
    folder.write_info(info | {"status": "running", "warnings": [*info.get("warnings", []), words]})
    print(f"mlexp: {words}", file=sys.stderr)


def write_plan(plan: Plan, folder: SweepFolder) -> None:
    """Write down what is about to run, enough to resume it in another process.

    A plan that grew or was tuned since keeps the hash of what was asked for: by that its folder is found again. Nor is
    `config.yaml` written again: two files are not replaced at once, and `sweep.json` says how jobs differ from it.
    """
    base, written = plan.first, folder.path / "config.yaml"
    kept: dict[str, Any] = {"started": now(), "began_in": os.getcwd()}
    if Sweep.is_at(folder.path):
        known = Sweep(folder.path).info
        kept = {name: known[name] for name in KEPT if name in known}
        if len(plan.jobs) > len(known["jobs"]):
            kept.setdefault("begun_with", len(known["jobs"]))
        kept["hash"] = identified(known["settings_hash"], plan.jobs[: kept.get("begun_with")])
        base = recorded.read(written)
    else:
        write_bytes(written, recorded.as_yaml(base).encode())
    info = plan.record(base)
    folder.write_info({"status": "running"} | info | kept)
    _tell_plan(plan, folder, info["keys"])
    tracker(plan, folder).started(folder.path, info, schema.flat(plan.first))


def tracker(plan: Plan, folder: SweepFolder) -> Tracker:
    """Return what tells other programs of the sweep as a whole."""
    return Tracker(plan.first, lambda words: folder.log(f"warning: {words}"))


def is_finished(run: Run | None, job: Job) -> bool:
    """Return whether a job, whose folder is `run`, has come to its end, with the data that it was to have."""
    info = _known(run)
    return info.get("status") in FINISHED and not _is_of_other_data(info, job)


def has_other_data(run: Run | None, job: Job) -> bool:
    """Return whether the run folder of a job is that of other data than the plan says."""
    return _is_of_other_data(_known(run), job)


def _is_of_other_data(info: Mapping[str, Any], job: Job) -> bool:
    found = info.get("dataset", {}).get("fingerprint")
    return found is not None and job.data not in ("", found)


def _known(run: Run | None) -> Mapping[str, Any]:
    """Return the record of a job; empty where there is none, or a damaged one, as before it has begun."""
    try:
        return run.info if run else {}
    except DataError:
        return {}


def now() -> str:
    """Return the time for a record."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
