"""How a page gives a score: shares of the samples in percent and their differences in points, all else as numbers."""

from __future__ import annotations

from mlexp.metrics.table import metric
from mlexp.page.words import SPACE, number, percent


def score(name: str, value: float, rows: int = 0) -> str:
    """Return a value of a metric as it is read; `rows` as for `percent`.

    Examples
    --------
    >>> score("accuracy", 0.885).replace("\u00a0", " "), score("macro_f1", 0.8826)
    ('88.5 %', '0.8826')
    """
    return percent(value, rows) if metric(name).share else number(value)


def spread(name: str, value: float) -> str:
    """Return a difference or standard deviation of a metric as it is read.

    Examples
    --------
    >>> spread("accuracy", 0.0123).replace("\u00a0", " "), spread("macro_f1", 0.0123)
    ('1.2 points', '0.0123')
    """
    return f"{100 * value:.2g}{SPACE}points" if metric(name).share else number(value)


def is_share(column: str) -> bool:
    """Return whether a column, such as ``test_accuracy`` or ``test accuracy``, holds a metric that is read in percent.

    Examples
    --------
    >>> [is_share(name) for name in ("purity", "test accuracy", "train_balanced_accuracy", "test_loss")]
    [True, True, False, False]
    """
    name = column.replace(" ", "_")
    for part in ("train_", "validation_", "test_"):
        name = name.removeprefix(part)
    return metric(name).share
