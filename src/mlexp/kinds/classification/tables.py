"""Tables of a classification as its page shows them, made from the recorded counts and predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mlexp import metrics
from mlexp.kinds.classification import classes, margin
from mlexp.kinds.classification.intervals import intervals
from mlexp.page import tables as shown
from mlexp.page.page import Table
from mlexp.page.study import PARTS, RecordedRun

DECIMALS = 3
FIRST_ROWS = 10  # of the test set, with their probabilities
MOST_PROBABILITIES = 12  # classes whose probabilities stand in a table
THRESHOLDS = np.arange(1, 20) / 20
WORDS = {"test": "test", "validation": "validation", "train": "training"}
SAME = "Macro recall is the balanced accuracy, weighted recall the accuracy."
INTERVAL = (
    "Low and high: 95 % interval over new test samples for this fitted model; of accuracy by Wilson, of the others "
    "± 1.96 standard errors from the influence of each sample."
)


def tables(study: RecordedRun, found: Sequence[Table]) -> list[Table]:
    """Return the tables of the page: scores with intervals, classes and confusion of all sets, thresholds, first rows.

    Parameters
    ----------
    study : the run
    found : tables as the folder holds them
    """
    if margin.is_geometry(study):
        return margin.tables(study, found)
    others = [table for table in found if table.name not in ("scores", "per_class", *classes.FILES.values())]
    first = [_scores(study, table) for table in found if table.name == "scores"]
    matrices = classes.confusions(study.run)
    made = [by_class(study, matrices), *_matrices(study, matrices), thresholds(study), first_rows(study)]
    return [*first, *(table for table in made if table is not None), *others]


def _scores(study: RecordedRun, table: Table) -> Table:
    limits = intervals(study)
    ordered = {part: study.metrics[part] for part in PARTS if part in study.metrics}
    new = shown.scores(ordered, limits)
    if new is None:
        return table
    return replace(new, note=" ".join([table.note, SAME, *([INTERVAL] if limits else [])]))


def by_class(study: RecordedRun, matrices: dict[str, np.ndarray]) -> Table | None:
    """Return precision, recall, F1 and rows of each class in each set, with macro and weighted means below."""
    if not matrices:
        return None
    names = study.info["dataset"]["classes"]
    columns: dict[str, list[str]] = {"class": [*names, "macro mean", "weighted mean"]}
    decimals = {}
    for name, counts in matrices.items():
        means = classes.averaged(counts)
        values = [one.tolist() for one in metrics.precision_recall_f1(counts)]
        for place, score in enumerate(classes.SCORES):
            below = (
                [means[average][place] for average in ("macro", "weighted")] if means else [np.nan, np.nan]
            )
            absent = counts.sum(axis=0) + counts.sum(axis=1) == 0
            cells = ["" if gone else repr(value) for value, gone in zip(values[place], absent, strict=True)]
            columns[f"{name}_{score}"] = cells + [repr(value) for value in below]
            decimals[f"{name}_{score}"] = DECIMALS
        support = counts.sum(axis=1)
        columns[f"{name}_samples"] = [str(n) for n in support] + [str(support.sum())] * 2
    source = "tables/per_class.csv" if "test" in matrices else ""
    return _with_foot(shown.of("per_class", columns, source, decimals=decimals), 2)


def _with_foot(table: Table, totals: int) -> Table:
    """Return a table with its last rows as totals; of one that is cut they are not there."""
    cut = len(table.rows) if table.left_out else len(table.rows) - totals
    return replace(table, rows=table.rows[:cut], foot=table.rows[cut:])


def _matrices(study: RecordedRun, matrices: dict[str, np.ndarray]) -> list[Table]:
    """Return the confusion matrix of each set with the sums of its rows and columns."""
    names = study.info["dataset"]["classes"]
    made = []
    for name, counts in matrices.items():
        if counts.sum() <= classes.FEW_ROWS:
            continue
        whole = np.vstack([counts, counts.sum(axis=0)])
        sums, leading, *cells = classes.distinct(("all", "true class"), names)
        columns = {leading: [*names, sums]} | {
            cell: [str(n) for n in column] for cell, column in zip(cells, whole.T, strict=True)
        }
        columns[sums] = [str(n) for n in whole.sum(axis=1)]
        as_they_are = dict(zip(columns, columns, strict=True))
        table = shown.of("confusion", columns, f"tables/{classes.FILES[name]}.csv", titles=as_they_are)
        table = _with_foot(table, 1)
        made.append(replace(table, name=f"confusion_{name}", title=f"Confusion matrix, {WORDS[name]} set"))
    return made


def thresholds(study: RecordedRun) -> Table | None:
    """Return scores of the second of two classes by the probability from which a sample is assigned to it."""
    names, run = study.info["dataset"].get("classes") or [], study.run
    columns: dict[str, list[str]] = {"threshold": [f"{value:.2f}" for value in THRESHOLDS]}
    decimals = {"threshold": 2}
    for name in ("validation", "test"):
        y, probability = run.predictions.get(f"{name}_true"), run.predictions.get(f"{name}_probability")
        if len(names) != 2 or y is None or probability is None or y.size <= classes.FEW_ROWS:
            continue
        for score, values in scores_by_threshold(y, probability[:, 1], THRESHOLDS).items():
            columns[f"{name}_{score}"] = [repr(value) for value in values.tolist()]
            decimals[f"{name}_{score}"] = DECIMALS
    if len(columns) == 1:
        return None
    table = shown.of("thresholds", columns, decimals=decimals)
    return replace(
        table,
        note=f"Samples with a probability of at least the threshold are assigned to {names[1]}. Choose a threshold by "
        "the validation set; the test set then scores the choice.",
    )


def scores_by_threshold(y: np.ndarray, score: np.ndarray, at: np.ndarray) -> dict[str, np.ndarray]:
    """Return precision, recall, F1, specificity and accuracy of class 1, of shape (n_thresholds,) each; 0/0 is 0.

    Parameters
    ----------
    y : int array of shape (n_samples,) of 0 and 1
    score : float array of shape (n_samples,)
    at : float array of shape (n_thresholds,); a row is called 1 from the threshold upwards

    Examples
    --------
    >>> found = scores_by_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]), np.array([0.5]))
    >>> {name: values.round(3).tolist() for name, values in found.items()}
    {'precision': [1.0], 'recall': [0.5], 'f1': [0.667], 'specificity': [1.0], 'accuracy': [0.75]}
    """
    called = score >= at[:, None]
    tp, fp = (called & (y == 1)).sum(axis=1), (called & (y == 0)).sum(axis=1)
    n_1, n_0 = int((y == 1).sum()), int((y == 0).sum())

    def share(part: np.ndarray, whole: np.ndarray | int) -> np.ndarray:
        below = np.broadcast_to(whole, at.shape)
        return np.asarray(np.divide(part, below, out=np.zeros(len(at)), where=below > 0))

    return {
        "precision": share(tp, tp + fp),
        "recall": share(tp, n_1),
        "f1": share(2 * tp, n_1 + tp + fp),
        "specificity": share(n_0 - fp, n_0),
        "accuracy": (tp + n_0 - fp) / len(y),
    }


def first_rows(study: RecordedRun) -> Table | None:
    """Return the first samples of the test set with their probabilities."""
    names, kept = study.info["dataset"].get("classes") or [], study.run.predictions
    y, predicted, probability = (kept.get(f"test_{what}") for what in ("true", "predicted", "probability"))
    if y is None or predicted is None or probability is None or len(names) < 2:
        return None
    some = slice(0, FIRST_ROWS)
    rows = kept.get("test_row", np.arange(len(y)))
    columns = {
        "row": [str(row + 1) for row in rows[some]],
        "true": [str(names[code]) for code in y[some]],
        "predicted": [str(names[code]) for code in predicted[some]],
    }
    if len(names) <= MOST_PROBABILITIES:
        titles = {f"p{code}": f"P({name})" for code, name in enumerate(names)}
        likely = dict(zip(titles, probability[some].T, strict=True))
    else:
        titles, likely = {"p": "highest probability"}, {"p": probability[some].max(axis=1)}
    columns |= {name: [repr(float(value)) for value in values] for name, values in likely.items()}
    table = shown.of("first_rows", columns, decimals=dict.fromkeys(likely, DECIMALS), titles=titles)
    return replace(
        table,
        note="Probabilities as the model gives them; the largest names the class. Rows are counted from 1.",
    )
