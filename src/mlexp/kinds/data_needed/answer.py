"""Would more data help: the gain of the last doubling of the training set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlexp.page.page import KeyFigure
from mlexp.page.scores import score
from mlexp.page.study import RecordedRun, Said
from mlexp.page.words import SPACE, within

WORTH = 0.01  # a point of accuracy, or a hundredth of R²: a smaller gain is called small
TITLES = {"accuracy": "accuracy", "r2": "R²"}


def question(study: RecordedRun) -> str:
    """Return the question."""
    return f"Would more data help a {study.model} on {study.data}?"


def answer(study: RecordedRun) -> Said:
    """The gain of the last doubling, what a power law predicts for the next one, and the test score."""
    facts = study.info["facts"]["data_needed"]
    metric = facts["metric"]
    first = (
        [f"{verdict(facts['doubling'])}: {_doubling(facts['doubling'], metric)}."]
        if "doubling" in facts
        else []
    )
    law = facts.get("power_law")
    if law and "doubling" in facts:
        n = 2 * facts["doubling"]["to"]
        expected = 1 - law["a"] - law["b"] * n ** -law["c"]
        first.append(
            f"A power law fitted to the curve predicts a validation {TITLES[metric]} of {_shown(expected, metric)} for "
            f"{n:,} training samples; that is an extrapolation, not a measurement."
        )
    if not first:
        first.append("The curve has too few points to tell whether more data would help.")
    return [*first, *_gap(study, metric), *_tested(study, metric)], _figures(study, facts)


def verdict(doubling: Mapping[str, Any]) -> str:
    """Return what the interval of the last doubling allows to say.

    Examples
    --------
    >>> verdict({"low": 0.001, "high": 0.02}), verdict({"low": -0.002, "high": 0.004})
    ('More data would probably help', 'More data of this kind would hardly help')
    >>> verdict({"low": -0.02, "high": 0.03})
    'Too uncertain to say whether more data would help'
    """
    if doubling["low"] > 0:
        return "More data would probably help"
    if doubling["high"] < WORTH:
        return "More data of this kind would hardly help"
    return "Too uncertain to say whether more data would help"


def _doubling(doubling: Mapping[str, Any], metric: str) -> str:
    gain, low, high = (gained(doubling[name], metric) for name in ("gain", "low", "high"))
    unit = f"{SPACE}points" if metric == "accuracy" else ""
    return (
        f"from {doubling['from']:,} to {doubling['to']:,} training samples the validation {TITLES[metric]} changed by "
        f"{gain}{unit} (95{SPACE}% interval {low} to {high}, over subsets and validation samples)"
    )


def gained(value: float, metric: str) -> str:
    """Return a difference in points, or of R², with its sign.

    Examples
    --------
    >>> gained(0.0123, "accuracy"), gained(-0.0123, "r2")
    ('+1.23', '−0.0123')
    """
    text = f"{100 * value:+.2f}" if metric == "accuracy" else f"{value:+.3g}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def _gap(study: RecordedRun, metric: str) -> list[str]:
    """Compare training and validation set, with the fewest and with all training samples."""
    table = study.run.tables.get("data_needed", {})
    names = [f"{part}_{metric}" for part in ("train", "validation")]
    if any(name not in table for name in names):
        return []
    gaps: dict[int, list[float]] = {}
    for size, train, validation in zip(table["size"], *(table[name] for name in names), strict=True):
        gaps.setdefault(int(size), []).append(float(train) - float(validation))
    first, last = (sum(gaps[size]) / len(gaps[size]) for size in (min(gaps), max(gaps)))
    unit = f"{SPACE}points" if metric == "accuracy" else ""
    return [
        f"Training minus validation {TITLES[metric]}: {gained(first, metric)}{unit} with {min(gaps):,} training "
        f"samples, {gained(last, metric)}{unit} with {max(gaps):,}."
    ]


def _tested(study: RecordedRun, metric: str) -> list[str]:
    if study.part != "test" or metric not in study.scores:
        return study.untested()
    value = study.scores[metric]
    sure = f" ({within(value, study.rows)})" if metric == "accuracy" and study.rows else ""
    return [
        f"Trained on all training samples, it has an {TITLES[metric]} of "
        f"{_shown(value, metric)} on {study.rows:,} test samples{sure}."
    ]


def _shown(value: float, metric: str) -> str:
    return score(metric, value)


def _figures(study: RecordedRun, facts: Mapping[str, Any]) -> list[KeyFigure]:
    metric = facts["metric"]
    found = study.figures({metric: TITLES[metric][0].upper() + TITLES[metric][1:]})
    if doubling := facts.get("doubling"):
        unit = " points" if metric == "accuracy" else ""
        low, high = (gained(doubling[name], metric) for name in ("low", "high"))
        found.insert(
            0,
            KeyFigure(
                "Gain of the last doubling", f"{gained(doubling['gain'], metric)}{unit}", f"{low} to {high}"
            ),
        )
    return found
