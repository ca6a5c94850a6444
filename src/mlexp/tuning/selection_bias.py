"""Selection bias: the optimism of the selected trial's validation score, because it was selected by that score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlexp import metrics
from mlexp.page.scores import score, spread
from mlexp.store import Run
from mlexp.tuning.trials import Trial

METHOD = (
    "selection repeated on 1,000 bootstrap samples of the validation set, tested on the samples left out (Tsamardinos, "
    "Greasidou and Borboudakis 2018)"
)
SAMPLES = 1000
CHUNK = 50  # samples at a time: memory stays flat


def selection_bias(place: Path, trials: Sequence[Trial], metric: str) -> dict[str, Any]:
    """Estimate by how much the best validation score overstates the performance on new samples.

    Which of C settings is best depends on the validation samples. Each bootstrap sample of them selects a setting,
    and the samples left out (about 0.37 of all) test it; the mean of those test scores estimates the performance of
    a setting selected in this way. Its difference from the best score on all samples is the selection bias.

    Parameters
    ----------
    place : run folder of the search
    trials : with a score, the selected one first; ties go to the earlier
    metric : accuracy, loss, mse, rmse, mae or r2; others are not means over samples and give no estimate

    Returns
    -------
    dict
        method, score (of the selected setting on the validation set), expected (on new samples), inflation (their
        difference, at least 0; a loss is biased downwards), standard_error (of the score of one setting on these
        samples), n_trials, n_rows; or `reason` if no estimate can be made.

    Source: Tsamardinos, Greasidou and Borboudakis (2018), "Bootstrapping the out-of-sample predictions for efficient
    and accurate cross-validation", Machine Learning 107, doi:10.1007/s10994-018-5714-4 (BBC-CV).
    """
    row = metrics.metric(metric)
    if row.rows is None:
        return {"reason": f"{metric} is no mean over samples"}
    if len(trials) < 2:
        return {"reason": "only one trial has a score"}
    higher = row.higher_is_better and row.of_mean is None  # of the mean over samples
    measure = row.of_mean or (lambda mean, variance: mean)
    chosen, *others = (_rows(place, trial, row.rows) for trial in trials)
    alike = [
        other for other in others if other is not None and chosen is not None and len(other) == len(chosen)
    ]
    if chosen is None or not alike:
        return {"reason": "no scores per sample are stored here"}
    table = np.stack([chosen, *alike], axis=1)  # rows by trials
    spread = _spread(place, trials[0])
    score = float(measure(table[:, 0].mean(), spread))
    expected = float(np.mean(measure(_left_out(table if higher else -table, higher), spread)))
    sign = row.sign
    gain = max(0.0, sign * (score - expected))
    return {
        "method": METHOD,
        "score": score,
        "expected": score - sign * gain,
        "inflation": gain,
        "standard_error": float(table[:, 0].std(ddof=1) / math.sqrt(len(table))) if row.is_mean else None,
        "n_trials": 1 + len(alike),
        "n_rows": len(table),
    }


def _left_out(table: np.ndarray, higher: bool) -> np.ndarray:
    """Return, for each bootstrap sample, the mean of its best column over the rows left out."""
    n_rows = len(table)
    rng = np.random.default_rng(0)
    means = []
    for _ in range(SAMPLES // CHUNK):
        drawn = rng.multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=CHUNK).astype(np.float64)
        best = (drawn @ table).argmax(axis=1)
        outside = (drawn == 0).astype(np.float64)
        tested = np.take_along_axis(outside @ table, best[:, None], axis=1)[:, 0]
        counts = outside.sum(axis=1)
        means.append(tested[counts > 0] / counts[counts > 0])
    found = np.concatenate(means)
    return found if higher else -found


def _rows(place: Path, trial: Trial, name: str) -> np.ndarray | None:
    """Return one score per validation sample of a trial, all folds concatenated."""
    found = []
    for folder in trial.folders:
        run = Run(place / folder)
        if trial.grown is not None:
            values = run.arrays.get(f"grown_{name}")
            values = None if values is None else values[trial.grown]
        else:
            values = run.predictions.get(f"validation_{name}")
        if values is None:
            return None
        found.append(np.asarray(values, dtype=np.float64))
    return np.concatenate(found) if found else None


def _spread(place: Path, trial: Trial) -> float:
    """Return the variance of the targets of a regression; 1 for classes."""
    true = [Run(place / folder).predictions.get("validation_true", np.zeros(1)) for folder in trial.folders]
    values = np.concatenate(true) if true else np.zeros(1)
    return float(values.var()) or 1.0


def in_words(found: dict[str, Any], metric: str, n_trials: int, *, folds: bool) -> str:
    """Describe the result of `selection_bias` in a sentence."""
    if "reason" in found:
        return f"The selection bias of the best of {n_trials} settings could not be estimated: {found['reason']}."
    size = spread(metric, found["inflation"])
    pooled = ", all folds together" if folds else ""
    return (
        f"The validation score of the best of {n_trials} settings is optimistic by about {size}: {metric} "
        f"{score(metric, found['score'])} on the {found['n_rows']:,} validation samples{pooled}, about "
        f"{score(metric, found['expected'])} "
        "expected on new samples."
    )
