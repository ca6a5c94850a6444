"""How fast runs learn: epochs to a stated accuracy; and the test over epochs that shows nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlexp import stats
from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.words.phrases import probability
from mlexp.stats import Outcome
from mlexp.store import Run
from mlexp.store.result import Columns, attributes, by_column

COLUMNS = ("validation_accuracy", "train_accuracy", "validation_loss", "train_loss")
KEPT = ("estimate", "statistic", "df", "p", "low", "high", "reason")  # of the test over epochs


def seconds_of(run: Run) -> float | None:
    """Return the seconds that training took; of a run in a stack, its share."""
    if run.timing:
        return float(run.timing["seconds"].sum())
    found = run.info["facts"].get(
        "fit_seconds", run.info["facts"].get("seconds", run.info.get("wall_seconds"))
    )
    return float(sum(found.values())) if isinstance(found, dict) else found


@dataclass(frozen=True)
class Level:
    """What runs have to reach for the epochs until then to be compared.

    Attributes
    ----------
    column : of `history.csv`, such as validation_accuracy
    value : at least this accuracy, or at most this loss
    stated : whether it is the target of the configuration, and not chosen by what the runs reached
    """

    column: str
    value: float
    stated: bool

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        part, _, what = self.column.partition("_")
        part = "training" if part == "train" else part
        shown = f"{100 * self.value:.4g} %" if what == "accuracy" else f"{self.value:.4g}"
        return f"{shown} {part} {what}" if what == "accuracy" else f"a {part} {what} of {shown}"


def level_of(evidence: Evidence, target: float) -> Level | None:
    """Return the level to reach: the stated accuracy if half of the runs of an arm get there, else one of two arms.

    That one is the highest whole percent, or for a loss the lowest value of three digits, which half of the runs of
    two arms reach. None where fewer than two arms have curves and learn something.
    """
    runs = {
        arm: [entry for entry in evidence.used[arm] if entry.run and "epoch" in entry.run.history]
        for arm in evidence.arms
    }
    runs = {arm: entries for arm, entries in runs.items() if entries}
    for column in COLUMNS:
        found = {arm: _best(entries, column) for arm, entries in runs.items()}
        known = {arm: values for arm, values in found.items() if len(values)}
        if len(known) < 2:
            continue
        higher = column.endswith("accuracy")
        if higher and any(float(np.median(values)) >= target for values in known.values()):
            return Level(column, target, stated=True)
        learnt = [arm for arm in known if not all(entry.learnt_nothing for entry in runs[arm])]
        middle = [float(np.median(known[arm])) for arm in learnt]
        if len(middle) < 2:
            return None
        if higher:
            return Level(column, math.floor(100 * sorted(middle)[-2] + 1e-9) / 100, stated=False)
        highest = sorted(middle)[1]
        step = 10.0 ** (math.floor(math.log10(highest)) - 2) if highest > 0 else 1.0
        return Level(column, math.ceil(highest / step - 1e-9) * step, stated=False)
    return None


def _best(entries: Sequence[Entry], column: str) -> np.ndarray:
    """Return the best value of a curve in each run; nothing unless every run has the curve."""
    curves = [entry.run.history.get(column, np.empty(0)) for entry in entries if entry.run]
    finite = [curve[np.isfinite(curve)] for curve in curves]
    if not all(map(len, finite)):
        return np.empty(0)
    best = np.max if column.endswith("accuracy") else np.min
    return np.array([best(curve) for curve in finite])


def reached(run: Run, level: Level | None) -> tuple[int, float] | None:
    """Return epoch and seconds at which a run first reached a level; None if it did not."""
    curve = run.history.get(level.column) if level else None
    if level is None or curve is None:
        return None
    at = np.flatnonzero(curve >= level.value if level.column.endswith("accuracy") else curve <= level.value)
    if not len(at):
        return None
    seconds = run.timing["seconds"][: at[0] + 1].sum() if run.timing else np.nan
    return int(run.history["epoch"][at[0]]), float(seconds)


def epochs_to_target(evidence: Evidence, level: Level | None) -> Columns:
    """Return one row a run with epochs and seconds to the level, empty where it was not reached."""
    names = ("arm", "run", "epochs", "seconds", "trained")
    rows = []
    for arm in evidence.arms:
        for entry in evidence.used[arm]:
            if entry.run is None or level is None or level.column not in entry.run.history:
                continue
            found = reached(entry.run, level)
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
    spearman = ""
    if rho is not None and rho.testable:
        p = "" if rho.p is None else f" ({probability(rho.p)})"
        spearman = f", Spearman rho {rho.estimate:.4f}{p}"
    return (
        f"{words} {outcome.statistic:.4f}, {probability(outcome.p)}, interval {outcome.low:.4f} to {outcome.high:.4f}"
        f"{spearman}. It shows nothing: {outcome.reason}."
    )
