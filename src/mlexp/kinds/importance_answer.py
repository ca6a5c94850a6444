"""The features that a model relies on, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist

from mlexp.page.study import RecordedRun
from mlexp.page.words import SPACE, Z, listed, number

MOST = 3  # features named
ALPHA = 0.05


def matters(table: Mapping[str, Sequence[str]]) -> list[bool]:
    """Return which importances lie above 0 by more than chance explains, given how many features were looked at.

    Each by a two-sided test at 5 % / n_features (Bonferroni), with the standard error of its interval.

    Examples
    --------
    >>> one = {"feature": ["a"], "importance": ["0.1"], "low": ["0.01"], "high": ["0.19"]}
    >>> matters(one), matters({name: cells * 20 for name, cells in one.items()})[0]
    ([True], False)
    """
    n = len(table["feature"])
    z = NormalDist().inv_cdf(1 - ALPHA / 2 / max(n, 1))
    rows = zip(table["importance"], table["low"], table["high"], strict=True)
    return [
        float(mean or "nan") > z / Z * (float(high or "nan") - float(low or "nan")) / 2
        for mean, low, high in rows
    ]


def relied_on(study: RecordedRun) -> list[str]:
    """Name the features that matter beyond chance, the most important one with its permutation importance."""
    table, facts = study.run.tables.get("permutation_importance"), study.info["facts"].get("importance")
    if not table or not facts or "patch_importance" in study.run.arrays:
        return []
    sure = [k for k, matter in enumerate(matters(table)) if matter]
    if not sure:
        return [
            "No single feature matters significantly: shuffling any one of them lowers the score by no more than "
            "chance explains. Correlated features can replace one another."
        ]
    first = table["feature"][sure[0]]
    mean, low, high = (float(table[name][sure[0]]) for name in ("importance", "low", "high"))
    others = f", then {listed([table['feature'][k] for k in sure[1:MOST]], MOST)}" if len(sure) > 1 else ""
    if facts["measure"] == "accuracy":
        lost = f"accuracy falls by {100 * mean:.1f}{SPACE}points"
        ends = f"{100 * low:.1f} to {100 * high:.1f}"
    else:
        lost = f"R² falls by {mean:.3g}" if facts["measure"] == "r2" else f"the error rises by {number(mean)}"
        ends = f"{low:.3g} to {high:.3g}"
    return [
        f"It relies most on {first}{others}: with {first} shuffled, {lost} on the {facts['set']} set "
        f"(95{SPACE}% interval {ends})."
    ]
