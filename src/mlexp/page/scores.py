"""How a page gives a score: shares of the samples in percent and their differences in points, all else as numbers."""

from __future__ import annotations

from mlexp.metrics.table import metric
from mlexp.page.words import FINE, SPACE, number, percent


def score(name: str, value: float, rows: int = 0) -> str:
    """Return a value of a metric as it is read; `rows` as for `percent`.

    Examples
    --------
    >>> score("accuracy", 0.885).replace("\u00a0", " "), score("macro_f1", 0.8826)
    ('88.5 %', '0.8826')
    """
    return percent(value, rows) if metric(name).share else number(value)


def cell(name: str, value: float | str | None) -> str:
    """Return a value of a metric as a table gives it whose rows are of several metrics; empty where there is none.

    Examples
    --------
    >>> cell("test_accuracy", 0.8866666666666667).replace("\u00a0", " "), cell("macro_f1", "0.88264"), cell("", "")
    ('88.67 %', '0.8826', '')
    """
    if value is None or value == "":
        return ""
    return percent(float(value), FINE) if is_share(name) else number(float(value))


def spread(name: str, value: float) -> str:
    """Return a difference or standard deviation of a metric as it is read.

    Examples
    --------
    >>> spread("accuracy", 0.0123).replace("\u00a0", " "), spread("macro_f1", 0.0123)
    ('1.2 points', '0.0123')
    """
    return f"{100 * value:.2g}{SPACE}points" if metric(name).share else number(value)


def difference(name: str, value: float) -> str:
    """Return the difference of two values of a metric as a table gives it.

    Examples
    --------
    >>> difference("accuracy", -0.0125).replace("\u00a0", " "), difference("macro_f1", 0.0123)
    ('−1.25 points', '0.0123')
    """
    return f"{number(round(100 * value, 2))}{SPACE}points" if is_share(name) else number(value)


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
