"""Explained variance, errors, and the features that matter most."""

from __future__ import annotations

from mlexp.kinds.importance_answer import relied_on
from mlexp.page.study import SEEN, RecordedRun, Said
from mlexp.page.words import SPACE, number, percent


def question(study: RecordedRun) -> str:
    """Return the question."""
    return f"How well does a {study.model} predict {study.target} of {study.data}?"


def answer(study: RecordedRun) -> Said:
    """Explained variance, if there is any to explain, and mean absolute error."""
    scores, part = study.scores, study.part
    rows = f"{study.rows:,} {part} samples {SEEN[part]}"
    if "r2" in scores:
        share = percent(scores["r2"]) if scores["r2"] > 0 else "none"
        what = f"{share} of the variance of {study.target} in {rows} (R² {scores['r2']:.3f})"
        first = f"The {study.model} explains {what}."
    else:
        first = f"{study.target} is the same in all {rows}: there is no variance to explain."
    sentences = [
        first,
        *study.untested(),
        f"The mean absolute error is {number(scores['mae'])}{_mae_interval(study)}.",
        *_typical(study),
        *relied_on(study),
    ]
    labels = {"r2": "R²", "mae": "Mean absolute error", "rmse": "Root mean squared error"}
    return sentences, study.figures(labels)


def _typical(study: RecordedRun) -> list[str]:
    """Say how large half of the errors are, and the largest one."""
    half, largest = (study.scores.get(name) for name in ("median_absolute_error", "max_error"))
    if half is None or largest is None:
        return []
    return [f"Half of the errors are below {number(half)}; the largest is {number(largest)}."]


def _mae_interval(study: RecordedRun) -> str:
    """Return the 95 % interval of the mean absolute error over samples, m ± 1.96 s/√n."""
    errors = study.run.predictions.get(f"{study.part}_absolute_error")
    if errors is None or len(errors) < 2:
        return ""
    mean, half = study.scores["mae"], 1.96 * float(errors.std(ddof=1)) / len(errors) ** 0.5
    return f" (95{SPACE}% interval {number(mean - half)} to {number(mean + half)})"
