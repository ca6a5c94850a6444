"""How the arms learnt, in words: which converged faster, which over- or underfit, which did not learn, the time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlexp import stats
from mlexp.comparisons import convergence, learning
from mlexp.comparisons.convergence import Level
from mlexp.comparisons.evidence import Evidence
from mlexp.comparisons.words import phrases
from mlexp.page.words import duration, level_in_percent, number
from mlexp.stats import Outcome

MOST_NAMED = 4  # arms whose epochs or seconds a sentence gives
WORTH_SAYING = 0.05  # part of the time of training that preparation must take


def lines(evidence: Evidence, level: Level | None, alpha: float) -> list[str]:
    """Return a sentence on each of convergence, fit and arms that did not learn, where there is something to say."""
    return [*_converged(evidence, level, 1 - alpha), *_fits(evidence)]


def on_seconds(evidence: Evidence, alpha: float, chosen: str = "") -> list[str]:
    """Return what the arm that was chosen costs, which arm trains and which predicts faster, what preparation takes."""
    costs = _costs(evidence, chosen) if chosen else ()
    return [*costs, *_trained(evidence, 1 - alpha), *_prepared(evidence), *_predicted(evidence)]


def _converged(evidence: Evidence, level: Level | None, confidence: float) -> Iterator[str]:
    if level is None:
        return
    epochs = {arm: _epochs(evidence, arm, level) for arm in evidence.arms}
    epochs = {arm: values for arm, values in epochs.items() if len(values)}
    order = sorted(epochs, key=lambda arm: (float(np.median(epochs[arm])), -np.isfinite(epochs[arm]).mean()))
    there = [arm for arm in order if np.isfinite(np.median(epochs[arm]))]
    if len(epochs) < 2 or not there:
        return
    first, second = order[:2]
    said = _faster(evidence, level, (first, second), epochs, confidence)
    chosen = "" if level.stated else " (half of the runs of two arms reach it; chosen afterwards)"
    if len(order) == 2:
        yield f"Convergence to {level.words}{chosen}: {said}."
        return
    middle = [f"{arm} {np.median(epochs[arm]):.4g}" for arm in there]
    never = len(order) - len(there)
    rest = (
        f"; half of the runs or more never reach it in {never} {'arm' if never == 1 else 'arms'}"
        if never
        else ""
    )
    listed = phrases.listed(middle, MOST_NAMED)
    yield f"Median epochs to {level.words}{chosen}: {listed}{rest}. Of the first two, {said}."


def _epochs(evidence: Evidence, arm: str, level: Level) -> np.ndarray:
    """Return the epochs that each run with the curve needed, infinite where it never got there."""
    runs = [entry.run for entry in evidence.used[arm] if entry.run and level.column in entry.run.history]
    hits = [convergence.reached(run, level) for run in runs]
    return np.array([hit[0] if hit else np.inf for hit in hits], dtype=float)


def _faster(
    evidence: Evidence, level: Level, arms: tuple[str, str], epochs: dict[str, np.ndarray], confidence: float
) -> str:
    """Say which of two arms needs fewer epochs: by a ratio, or by ranks where some runs never get there."""
    a, b = arms
    ratio = learning.epochs_ratio(evidence, level, a, b, confidence)
    if ratio is not None:
        middle = [float(np.exp(np.log(epochs[arm]).mean())) for arm in arms]
        needs = f"{a} needs {number(round(middle[0], 1))} epochs, {b} {number(round(middle[1], 1))} (geometric means)"
        return f"{needs}; {_factor(ratio, a, b, 'converges faster', 'epochs')}"
    counts = [
        f"{arm} reaches it in {np.isfinite(epochs[arm]).sum()} of {len(epochs[arm])} runs" for arm in arms
    ]
    last = 1 + max(float(values[np.isfinite(values)].max(initial=0)) for values in (epochs[a], epochs[b]))
    sooner = stats.probability_of_improvement(
        *(-np.minimum(epochs[arm], last) for arm in arms), level=confidence
    )
    span = "" if sooner.low is None or sooner.high is None else f", {_span(sooner)}"
    return f"{phrases.listed(counts)}; a run of {a} reaches it sooner with probability {sooner.estimate:.2f}{span}"


def _factor(ratio: Outcome, a: str, b: str, how: str, what: str) -> str:
    """Say by what factor the first of two arms is ahead, `ratio` being that of its cost to the other's."""
    if ratio.estimate == 1:
        return f"the {what} are equal"
    ahead, over = (a, 1 / ratio.estimate) if ratio.estimate <= 1 else (b, ratio.estimate)
    if ratio.low is None or ratio.high is None:
        why = f" (no interval: {ratio.reason})" if ratio.reason else ""
        return f"{ahead} {how} by a factor of {over:.3g}{why}"
    ends = (ratio.low, ratio.high) if ahead == b else (1 / ratio.high, 1 / ratio.low)
    interval = f"{level_in_percent(ratio.level)} % interval {ends[0]:.3g} to {ends[1]:.3g}"
    if ends[0] <= 1 <= ends[1]:
        return f"no significant difference in {what} (factor {over:.3g}, {interval})"
    return f"{ahead} {how} by a factor of {over:.3g} ({interval})"


def _span(outcome: Outcome) -> str:
    return f"{level_in_percent(outcome.level)} % interval {outcome.low:.2f} to {outcome.high:.2f}"


def _fits(evidence: Evidence) -> Iterator[str]:
    verdicts = learning.diagnose(evidence)
    named = {
        what: [arm for arm in evidence.arms if verdicts[arm] == what]
        for what in ("did not learn", "overfits", "underfits")
    }
    if lost := named["did not learn"]:
        yield f"Did not learn (no run is better than a constant prediction): {phrases.listed(lost, 12)}."
    fits = {arm: learning.fit(evidence, arm) for arm in evidence.arms}
    if over := named["overfits"]:
        gaps = sorted(((one.gap, arm, one.part) for arm in over if (one := fits[arm])), reverse=True)
        words = [f"{arm} by {phrases.size(evidence, gap)}" for gap, arm, _ in gaps]
        yield (
            f"Overfits (better on the training set than on the {gaps[0][2]} set by more than two standard errors): "
            f"{phrases.listed(words)}."
        )
    if under := named["underfits"]:
        yield (
            "Underfits (worse on its own training set than the best arm is on samples it was not trained on): "
            f"{phrases.listed(under)}."
        )


def _trained(evidence: Evidence, confidence: float) -> Iterator[str]:
    means = {
        arm: float(np.exp(np.log(list(values.values())).mean()))
        for arm in evidence.arms
        if (values := learning.seconds(evidence, arm))
    }
    if len(means) < 2:
        return
    order = sorted(means, key=lambda arm: means[arm])
    fastest, slowest = order[0], order[-1]
    ratio = learning.time_ratio(evidence, fastest, slowest, confidence)
    if ratio is None:
        return
    said = phrases.listed([f"{arm} {duration(means[arm])}" for arm in order], MOST_NAMED)
    which = (
        ""
        if len(order) == 2
        else f" of the fastest and the slowest arm ({slowest}, {duration(means[slowest])}),"
    )
    factor = _factor(ratio, fastest, slowest, "trains faster", "time")
    yield f"Training takes {said} per run (geometric means);{which} {factor}."


def _prepared(evidence: Evidence) -> Iterator[str]:
    """Say what fitting the preparation takes, where every arm records it and it is not negligible."""
    found = {}
    for arm in evidence.arms:
        prepared, trained = (
            learning.seconds(evidence, arm, "preparation_seconds"),
            learning.seconds(evidence, arm),
        )
        if prepared and trained:
            found[arm] = min(prepared.values()), float(np.mean(list(trained.values())))
    if len(found) < len(evidence.arms):  # an arm whose runs all took over what another had prepared
        return
    if not any(ahead > WORTH_SAYING * trained for ahead, trained in found.values()):
        return
    each = [f"{arm} {duration(ahead)}" for arm, (ahead, _) in found.items()]
    yield f"Preparing the data (scaling, PCA and the like) comes on top: {phrases.listed(each)} in the fastest run."


def _predicted(evidence: Evidence) -> Iterator[str]:
    """Say what predicting takes, where every arm records it."""
    found = {arm: seconds for arm in evidence.arms if (seconds := learning.prediction_seconds(evidence, arm))}
    if len(found) < max(len(evidence.arms), 2):
        return
    order = sorted(found, key=lambda arm: found[arm])
    each = [f"{arm} {_milliseconds(found[arm])}" for arm in order]
    slowest = f"; the slowest is {each[-1]}" if len(each) > MOST_NAMED else ""
    named = phrases.listed(each, MOST_NAMED)
    yield f"Predicting 1,000 samples in one batch takes {named}{slowest} (measured, fastest run)."


def _costs(evidence: Evidence, arm: str) -> Iterator[str]:
    """Say what one arm costs to train and to predict."""
    trained, predicting = learning.seconds(evidence, arm), learning.prediction_seconds(evidence, arm)
    if trained and predicting:
        mean = float(np.exp(np.log(list(trained.values())).mean()))
        each = f"{_milliseconds(predicting)} per 1,000 samples"
        yield f"Cost of {arm}: training {duration(mean)} per run, predicting {each}."


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.2g} ms" if seconds < 1 else duration(seconds)
