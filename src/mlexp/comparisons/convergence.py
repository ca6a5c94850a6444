"""How fast runs learn: epochs to a stated accuracy; and the test over epochs that shows nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlexp import stats
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.stats import Outcome
from mlexp.store import Run
from mlexp.store.result import Columns, attributes, by_column

COLUMNS = ("validation_accuracy", "train_accuracy")
KEPT = ("estimate", "statistic", "df", "p", "low", "high", "reason")  # of the test over epochs


def seconds_of(run: Run) -> float | None:
    """Return the seconds that training took; of a run in a stack, its share."""
    if run.timing:
        return float(run.timing["seconds"].sum())
    found = run.info["facts"].get(
        "fit_seconds", run.info["facts"].get("seconds", run.info.get("wall_seconds"))
    )
    return float(sum(found.values())) if isinstance(found, dict) else found


def reached(run: Run, target: float) -> tuple[int, float] | None:
    """Return epoch and seconds at which the accuracy of the validation (else training) part first was `target`."""
    column = next((name for name in COLUMNS if name in run.history), None)
    at = np.flatnonzero(run.history[column] >= target) if column else np.empty(0)
    if not len(at):
        return None
    seconds = run.timing["seconds"][: at[0] + 1].sum() if run.timing else np.nan
    return int(run.history["epoch"][at[0]]), float(seconds)


def epochs_to_target(evidence: Evidence, target: float) -> Columns:
    """Return one row a run with epochs and seconds to the target, empty where it was not reached."""
    names = ("arm", "run", "epochs", "seconds", "trained")
    rows = []
    for arm in evidence.arms:
        for entry in evidence.used[arm]:
            if entry.run is None or not any(name in entry.run.history for name in COLUMNS):
                continue
            found = reached(entry.run, target)
            cells = (arm, entry.name, *(found or ("", "")), len(entry.run.history["epoch"]))
            rows.append(dict(zip(names, cells, strict=True)))
    return by_column(rows, names)


def epochwise(evidence: Evidence, a: str, b: str, alpha: float) -> dict[str, Any] | None:
    """Return the test over the epochs of one pair of runs, labelled as not valid; None without learning curves."""
    first = [evidence.used[arm][0] for arm in (a, b)]
    column = _shared_column(first, evidence.metric.name)
    if column is None:
        return None
    curves = [entry.run.history[column] for entry in first if entry.run]
    n = min(map(len, curves))
    if n < 3 or not all(np.isfinite(curve[:n]).all() for curve in curves):
        return None
    outcome = stats.epochwise(curves[0][:n], curves[1][:n], level=1 - alpha)
    return attributes(outcome, *KEPT) | {
        "label": outcome.name,
        "of": column,
        "epochs": n,
        "runs": [f"{arm} ({entry.name})" for arm, entry in zip((a, b), first, strict=True)],
        "false_alarms": [outcome.details["false_alarm_low"], outcome.details["false_alarm_high"]],
        "rho": attributes(outcome.second_line, *KEPT) if outcome.second_line else None,
        "sentence": _sentence(outcome, column, n),
    }


def _shared_column(entries: list[Entry], name: str) -> str | None:
    """Return the curve that both runs have: of the training part, as the reports took it."""
    for column in (f"train_{name}", "train_accuracy", "train_loss"):
        if all(entry.run is not None and column in entry.run.history for entry in entries):
            return column
    return None


def _sentence(outcome: Outcome, column: str, n: int) -> str:
    words = f"{outcome.name}: paired t over {n} epochs of {column.replace('_', ' ')}"
    if outcome.statistic is None or outcome.p is None or outcome.low is None or outcome.high is None:
        return f"{words} cannot be computed; {outcome.reason}."
    rho = outcome.second_line
    spearman = f", Spearman rho {rho.estimate:.4f}" if rho is not None and rho.testable else ""
    return (
        f"{words} {outcome.statistic:.4f}, p = {outcome.p:.2g}, interval {outcome.low:.4f} to {outcome.high:.4f}"
        f"{spearman}. It shows nothing: {outcome.reason}."
    )
