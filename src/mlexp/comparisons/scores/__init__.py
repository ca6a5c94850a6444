"""Scores from elsewhere: a table of them, arrays, or what scikit-learn's searches leave, compared as runs are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlexp.comparisons.analysis import Analysis, analyse
from mlexp.comparisons.evidence import Evidence
from mlexp.comparisons.scores import table
from mlexp.comparisons.scores.runs import metric_of, of_rows, of_runs
from mlexp.comparisons.scores.table import WITHOUT_ROWS, Sizes, assumed, check_arms, check_runs, checked_sizes
from mlexp.data.columns import short
from mlexp.errors import ConfigError, DataError, did_you_mean
from mlexp.kinds.comparison.settings import Comparison
from mlexp.stats.outcome import as_scores

PER = ("seed", "fold")
SHOWN = (
    "arm", "runs", "mean", "low", "high", "interval_over", "sd", "best", "worst", "interquartile_mean", "may_be_best",
    "ahead_low", "ahead_high",
)  # fmt: skip
SPLIT = re.compile(r"split(\d+)_test_(.+)")


def compare(
    scores: Any,
    node: Comparison,
    *,
    metric: str | None = None,
    higher_is_better: bool | None = None,
    per: str = "seed",
    n_train: float | None = None,
    n_test: float | None = None,
) -> Analysis:
    """Compare scores that another program made; see `mlexp.compare_scores`."""
    if per not in PER:
        raise ConfigError(f"'per' must be one of {', '.join(PER)}. Got {per!r}.{did_you_mean(str(per), PER)}")
    sizes = checked_sizes(n_train, n_test)
    scores = getattr(scores, "cv_results_", scores)
    if isinstance(scores, str | Path):
        found = table.evidence_of(table.read(Path(scores)), str(scores), metric, higher_is_better, sizes)
    elif hasattr(scores, "columns"):
        found = table.evidence_of(table.framed(scores), "the frame", metric, higher_is_better, sizes)
    elif isinstance(scores, Mapping) and "params" in scores:
        found = _of_search(scores, metric, higher_is_better, sizes)
    elif isinstance(scores, Mapping):
        found = _of_arrays(scores, metric, higher_is_better, per, sizes)
    else:
        raise DataError(
            "Scores must be a data frame, the name of a CSV file, a dictionary of arrays (arm -> scores), or "
            f"cv_results_ of scikit-learn. Got {type(scores).__name__}."
        )
    evidence, notes = found
    done = analyse(evidence, node)
    arms = done.tables["arms"]
    tables = {name: done.tables[name] for name in ("pairs", "p_matrix")}
    tables["arms"] = {name: arms[name] for name in SHOWN if name in arms}
    done.info["warnings"][:0] = notes
    return Analysis(done.info, tables)


Found = tuple[Evidence, list[str]]


def _of_arrays(
    scores: Mapping[Any, Any], metric: str | None, higher: bool | None, per: str, sizes: Sizes | None
) -> Found:
    arms = [str(name) for name in scores]
    check_arms(arms, "the dictionary of scores")
    try:
        axes = {np.ndim(one) for one in scores.values()}
    except ValueError as problem:
        raise DataError(
            "Scores of every arm must be a full table: its runs have scores of as many rows."
        ) from problem
    if len(axes) != 1 or not axes <= {1, 2}:
        raise DataError(
            "Scores of every arm must have one axis (seeds or folds) or two (seeds, rows). Got "
            f"{', '.join(f'{arm}: {np.ndim(one)}' for arm, one in list(zip(arms, scores.values(), strict=True))[:6])}."
        )
    least_named = list(zip(arms, scores.values(), strict=True))
    arrays = {arm: as_scores(one, f"scores of '{arm}'", ndim=np.ndim(one)) for arm, one in least_named}
    check_runs(sum(map(len, arrays.values())))
    if axes == {2}:
        if len({one.shape[1] for one in arrays.values()}) > 1:
            counts = ", ".join(f"{arm}: {one.shape[1]}" for arm, one in list(arrays.items())[:6])
            raise DataError(
                f"All arms must have scores of the same rows, shape (seeds, rows). Got rows of {counts}."
            )
        own = metric_of(metric, higher, arrays.values(), per_row=True)
        return of_rows(
            {arm: {"": ([*map(str, range(len(one)))], one)} for arm, one in arrays.items()}, own
        ), []
    own = metric_of(metric, higher, arrays.values(), per_row=False)
    if per == "fold":
        return _of_folds(arrays, own, sizes)
    runs = {
        arm: [(("", ""), str(k), x, None) for k, x in enumerate(one.tolist())] for arm, one in arrays.items()
    }
    return of_runs(runs, own), [WITHOUT_ROWS]


def _of_folds(arrays: Mapping[str, np.ndarray], own: Any, sizes: Sizes | None) -> Found:
    if len({len(one) for one in arrays.values()}) > 1:
        counts = ", ".join(f"{arm}: {len(one)}" for arm, one in list(arrays.items())[:6])
        raise DataError(f"All arms must have scores of the same folds. Got folds of {counts}.")
    notes: list[str] = []
    n_folds = len(next(iter(arrays.values())))
    sizes = sizes or assumed(n_folds, n_folds, notes)
    runs = {
        arm: [(("", str(k)), "", x, sizes) for k, x in enumerate(one.tolist())] for arm, one in arrays.items()
    }
    return of_runs(runs, own), notes


def _of_search(
    found: Mapping[str, Any], metric: str | None, higher: bool | None, sizes: Sizes | None
) -> Found:
    """Return the evidence of cv_results_ of GridSearchCV and its kin: each candidate is an arm."""
    columns = {name: match for name in found if (match := SPLIT.fullmatch(str(name)))}
    scorers = list(dict.fromkeys(match[2] for match in columns.values()))
    if not scorers:
        raise DataError("cv_results_ must hold split0_test_score and so on: scores of single folds.")
    scorer = scorers[0] if metric is None and len(scorers) == 1 else metric
    if scorer not in scorers and scorers != ["score"]:
        raise ConfigError(f"'metric' must be one of the scorers {', '.join(scorers)}. Got {metric!r}.")
    wanted = scorer if scorer in scorers else "score"
    chosen = sorted((int(match[1]), name) for name, match in columns.items() if match[2] == wanted)
    table = np.stack([np.asarray(found[name], np.float64) for _, name in chosen], axis=1)
    arms = candidates(found["params"])
    check_arms(arms, "cv_results_")
    failed = np.flatnonzero(~np.isfinite(table).all(axis=1))
    if len(failed):
        raise DataError(
            f"cv_results_ has no score of {len(failed)} of {len(arms)} candidates, first {short(arms[failed[0]])}: "
            "their fits failed. Leave them out of the search."
        )
    name = None if wanted == "score" and metric is None else metric or wanted
    # scikit-learn's scorers are better when higher, those of losses are negative
    own = metric_of(name, True if higher is None else higher, [table], per_row=False)
    return _of_folds(dict(zip(arms, table, strict=True)), own, sizes)


def candidates(params: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return short names of candidates: the parameters in which they differ.

    Examples
    --------
    >>> candidates([{"svc__C": 1, "svc__kernel": "rbf"}, {"svc__C": 10, "svc__kernel": "rbf"}])
    ['C=1', 'C=10']
    """
    keys = list(dict.fromkeys(key for one in params for key in one))
    shown = [{key: _shown(one[key]) for key in keys if key in one} for one in params]
    differing = [key for key in keys if len({one.get(key) for one in shown}) > 1]
    last = [key.rpartition("__")[2] for key in differing]
    name_of = {key: end if last.count(end) == 1 else key for key, end in zip(differing, last, strict=True)}
    names = [
        " ".join(f"{name_of[key]}={one[key]}" for key in differing if key in one) or "default"
        for one in shown
    ]
    return [name if names.count(name) == 1 else f"{name} ({k})" for k, name in enumerate(names)]


def _shown(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    if isinstance(value, str | int | np.integer | tuple | list | None):
        return short(str(value), 40)
    return getattr(value, "__name__", type(value).__name__)
