"""Runs that differ in more than what is compared: blocks of equal settings, or each arm at its best setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlexp.comparisons.evidence import Entry, Evidence
from mlexp.comparisons.evidence.metric import PartMetric
from mlexp.errors import ConfigError, DataError

MOST_NAMED = 3


@dataclass(frozen=True)
class AtBest:
    """The setting of an arm that does best on the validation set.

    Attributes
    ----------
    arm, setting : their names
    score : mean of the metric on the validation set over the runs of the setting
    runs : how many those are
    settings : how many settings there were to choose from
    """

    arm: str
    setting: str
    score: float
    runs: int
    settings: int


def in_strata(evidence: Evidence, strata: Mapping[int, str]) -> Evidence:
    """Return the same runs, each with the name of its stratum, by the `id` of its entry."""
    entries = {
        arm: [
            replace(entry, stratum=strata[id(entry)], name=f"{strata[id(entry)]}, {entry.name}")
            for entry in runs
        ]
        for arm, runs in evidence.entries.items()
    }
    return Evidence(evidence.metric, entries)


def at_best(evidence: Evidence) -> tuple[Evidence, list[AtBest]]:
    """Return the runs of each arm at the one setting that does best on the validation set, and which that is.

    By the mean over the runs of a setting; settings some of whose runs failed are taken only where all have.

    Raises
    ------
    ConfigError
        If the metric is that of the validation set itself.
    DataError
        If an arm has no run with the metric on the validation set.
    """
    metric = evidence.metric
    if metric.part == "validation":
        raise ConfigError(
            f"--best-of validation chooses by the validation set, which cannot be used for the comparison as well. Got "
            f"--metric {metric}: name one of the test set, such as test.{metric.name}."
        )
    found, entries = [], {}
    for arm, runs in evidence.entries.items():
        settings: dict[str, list[Entry]] = {}
        for entry in runs:
            settings.setdefault(entry.stratum, []).append(entry)
        scores = {setting: _validation(of, metric) for setting, of in settings.items()}
        known = {setting: values for setting, values in scores.items() if values}
        if not known:
            raise DataError(
                f"--best-of validation needs runs with validation.{metric.name}, and '{arm}' has none. Compare within "
                "blocks (leave --best-of out), or run again with split.validation=0.1."
            )
        whole = {
            setting: values for setting, values in known.items() if len(values) == len(settings[setting])
        }
        known = whole or known
        best = max(known, key=lambda setting: metric.sign * float(np.mean(known[setting])))
        found.append(AtBest(arm, best, float(np.mean(known[best])), len(known[best]), len(settings)))
        entries[arm] = [replace(entry, stratum="") for entry in settings[best]]
    return Evidence(metric, entries), found


def _validation(runs: Sequence[Entry], metric: PartMetric) -> list[float]:
    values = [
        run.metrics.get("validation", {}).get(metric.name)
        for entry in runs
        if (run := entry.run) is not None and entry.value is not None
    ]
    return [float(value) for value in values if value is not None and np.isfinite(value)]


def chosen_in_words(chosen: Sequence[AtBest], metric: PartMetric) -> str:
    """Say at which setting each arm is compared, and what chose it."""
    each = "; ".join(
        f"{one.arm} at {one.setting} ({metric.value(one.score)}, best of {one.settings})" for one in chosen
    )
    words = replace(metric, part="validation").words
    return (
        f"Each arm is compared at the setting with its best mean {words} over its runs: {each}. The claim is about "
        "these settings. The runs that chose them are the ones compared; new seeds would be free of selection bias."
    )


def cautions(chosen: Sequence[AtBest]) -> list[str]:
    """Return what a reader must know of how the settings were chosen."""
    if len({one.settings for one in chosen}) == 1:
        return []
    counts = ", ".join(f"{one.arm} {one.settings}" for one in chosen)
    return [
        f"The arms had different numbers of settings to choose from ({counts}): more search finds better ones."
    ]


def in_words(evidence: Evidence, keys: Sequence[str]) -> list[str]:
    """Say within which blocks the arms are compared, and how the difference varies between them."""
    evidence.check()
    strata = evidence.strata
    if len(strata) == 1:
        said = f"The arms are compared at {strata[0]}, the only block that holds enough runs of every arm."
        return [said]
    said = (
        f"Blocks: {', '.join(keys)}. The arms are compared within each of {len(strata)} combinations of these, whose "
        "differences are averaged with equal weight."
    )
    best, other = sorted(evidence.arms, key=lambda arm: -evidence.metric.sign * evidence.mean(arm))[:2]
    means = [
        {arm: np.mean([e.value for e in evidence.used[arm] if e.stratum == stratum]) for arm in (best, other)}
        for stratum in strata
    ]
    gaps = [evidence.metric.sign * float(of[best] - of[other]) for of in means]
    low, high = (evidence.metric.difference(end) for end in (min(gaps), max(gaps)))
    ahead = sum(gap > 0 for gap in gaps)
    return [
        f"{said} {best} is ahead of {other} in {ahead} of them, by {low} to {high} {evidence.metric.unit}."
    ]


def left_out(evidence: Evidence) -> list[str]:
    """Say which blocks do not count."""
    known = dict.fromkeys(e.stratum for entries in evidence.entries.values() for e in entries)
    missing = [stratum for stratum in known if stratum not in evidence.strata]
    if not missing:
        return []
    more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
    verb = "is" if len(missing) == 1 else "are"
    return [
        f"{len(missing)} of {len(known)} blocks {verb} left out, for want of runs of every arm: "
        f"{'; '.join(missing[:MOST_NAMED])}{more}."
    ]
