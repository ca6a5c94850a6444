"""Run a comparison through the sweep layer, and analyse what its folder holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlexp import app, comparison_folder, sweep_folder, sweeps
from mlexp.comparisons import analysis
from mlexp.comparisons.analysis import Analysis
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.metric import Metric
from mlexp.comparisons.show import show
from mlexp.comparisons.study import Study
from mlexp.errors import MlexpError
from mlexp.studies import Comparison
from mlexp.sweep_folder import Sweep, SweepFolder
from mlexp.terminal import QUIET

KEPT = ("comparison", "settings", "tuning")  # what comparison.json holds before there is an answer


def run(study: Study, *, verbosity: int = QUIET) -> sweeps.Outcome:
    """Run every job of a comparison and answer its question; what fails costs nothing but itself.

    Returns
    -------
    sweeps.Outcome
        Of the jobs; the answer stands in `comparison.json` of its folder.
    """
    folder = sweeps.begin(study.plan)
    known = comparison_folder.Comparison(folder.path)
    if not (folder.path / comparison_folder.INFO).exists():
        start = {"comparison": asdict(study.settings), "settings": study.arms, "tuning": None}
        comparison_folder.write_info(
            folder.path,
            start
            | {
                "status": "running",
                "metric": str(study.metric),
                "arms": [{"name": arm} for arm in study.arms],
            },
        )
    return _go_on(study.plan, folder, known, verbosity)


def resume(path: Path, *, verbosity: int = QUIET) -> sweeps.Outcome:
    """Go on with a comparison that was stopped or killed, then answer its question from all runs."""
    known = comparison_folder.load(path)
    folder = sweep_folder.reopen(known.path)
    return _go_on(sweeps.restored(known.path), folder, known, verbosity)


def _go_on(
    plan: sweeps.Plan, folder: SweepFolder, known: comparison_folder.Comparison, verbosity: int
) -> sweeps.Outcome:
    outcome = sweeps.go_on(plan, folder, verbosity=verbosity, ending=False)
    if outcome.status == "interrupted":
        comparison_folder.write_info(known.path, known.info | {"status": "interrupted"})
        return outcome
    try:
        show(answered(known.path, figures=plan.figures), str(app.as_typed(known.path)), verbosity=verbosity)
    except MlexpError as error:
        comparison_folder.write_info(known.path, known.info | {"status": "failed", "error": str(error)})
        raise
    return outcome


def answered(path: Path, *, figures: bool = True) -> Analysis:
    """Answer the question of a comparison from what its folder holds, and write the answer there."""
    info = comparison_folder.load(path).info
    kept = {name: info[name] for name in KEPT}
    node, metric = Comparison(**info["comparison"]), Metric.parse(info["metric"])
    found = analysis.analyse(
        evidence_of(Sweep(path), metric),
        node,
        folder=path,
        settings=info["settings"],
        tuning=info["tuning"],
    )
    analysis.write(found, path, kept, figures=figures)
    return found


def evidence_of(sweep: Sweep, metric: Metric) -> Evidence:
    """Return the runs of a comparison by arm."""
    entries: dict[str, list[Entry]] = {}
    fates = {row["number"]: row for row in _rows(sweep.summary)}
    for job in sweep.info["jobs"]:
        swept = dict(job["swept"])
        arm = swept.pop("arm")
        row = fates.get(str(job["number"]), {})
        entries.setdefault(arm, []).append(
            Entry(
                arm,
                " ".join(f"{key}={value}" for key, value in swept.items()),
                sweep.run(f"{job['number']:03d}-{job['hash']}"),
                metric,
                (row.get("status", "left"), row.get("problem", "")),
            )
        )
    return Evidence(metric, entries)


def _rows(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    return [dict(zip(summary, cells, strict=True)) for cells in zip(*summary.values(), strict=True)]
