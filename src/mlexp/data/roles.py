"""What each column of a table is for: label, feature, groups, or nothing but a name for its row."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from mlexp.data.cells import TableFeatures
from mlexp.data.columns import listed, short
from mlexp.errors import ConfigError, DataError, did_you_mean

NO_LABEL = "none"
LABEL_NAMES = ("label", "target", "class")
NEARLY_ALL = 0.95  # share of the rows with a value of their own from which a column names its rows
ENOUGH_ROWS = 20  # fewer may differ by chance
_NAMELESS = re.compile(r"(Unnamed: \d+)?")


def label_column(columns: Sequence[str], wanted: str | int | None, where: str) -> str | None:
    """Return the name of the label column; None where there is to be none.

    Parameters
    ----------
    columns : sequence of str
        All columns in order.
    wanted : str, int or None
        A name, or a position (from 0; negative ones count from the end). None: the column named label,
        target or class (in any case of letters; the first of these words that occurs), else the last one.
        "none", if no column is called so: no label.
    where : str
        The file, for messages.

    Examples
    --------
    >>> label_column(["species", "length", "width"], 0, "a.csv")
    'species'
    >>> label_column(["Label", "pixel1"], None, "a.csv")
    'Label'
    """
    if wanted is None:
        lower = {name.lower(): name for name in reversed(columns)}
        return next((lower[word] for word in LABEL_NAMES if word in lower), columns[-1])
    if str(wanted) in columns:
        return str(wanted)
    if isinstance(wanted, str) and wanted.strip() in columns:
        return wanted.strip()
    if wanted == NO_LABEL:
        return None
    if isinstance(wanted, int):
        if -len(columns) <= wanted < len(columns):
            return columns[wanted]
        allowed = f"a position from {-len(columns)} to {len(columns) - 1}"
    else:
        allowed = "a column (or none)"
    near = did_you_mean(str(wanted), columns)
    raise ConfigError(
        f"dataset.label must be {allowed} of {where} ({listed(columns)}). Got "
        f"{wanted if isinstance(wanted, int) else repr(short(wanted))}.{near}"
    )


def feature_columns(
    columns: Sequence[str],
    label: str | None,
    groups: str | None,
    *,
    only: Sequence[str] = (),
    ignored: Sequence[str] = (),
    words: Sequence[str] = (),
    where: str,
) -> list[str]:
    """Return the names of the features: all columns, or `only` some, but for label, groups and what is `ignored`.

    Raises
    ------
    ConfigError
        `groups`, or one of the names, is not a column, or is the label.
    DataError
        No feature is left.
    """
    if groups is not None and (groups not in columns or groups == label):
        near = did_you_mean(groups, [name for name in columns if name != label])
        other = "" if label is None else f" other than the label '{short(label)}'"
        raise ConfigError(f"dataset.groups must be a column of {where}{other}. Got {short(groups)!r}.{near}")
    taken = {name: key for name, key in ((label, "label"), (groups, "groups")) if name is not None}
    for key, wanted in (("features", only), ("ignore", ignored), ("words", words)):
        for name in wanted:
            if name not in columns:
                raise ConfigError(
                    f"dataset.{key} must name columns of {where} ({listed(columns)}). Got {short(name)!r}."
                    f"{did_you_mean(name, columns)}"
                )
            if name in taken:
                raise ConfigError(
                    f"dataset.{key} names '{short(name)}', which is dataset.{taken[name]} of {where}. Leave it out "
                    f"there, or name another column as dataset.{taken[name]}."
                )
    if both := [name for name in only if name in set(ignored)]:
        raise ConfigError(
            f"dataset.features and dataset.ignore both name '{short(both[0])}'. Take it out of one."
        )
    out, chosen = {*taken, *ignored}, set(only)
    found = [name for name in columns if name not in out and (not chosen or name in chosen)]
    if not found:
        rest = f"only the label '{short(label)}'" if label is not None else "no column that is not left out"
        raise DataError(f"{where} holds no feature columns, {rest}.")
    return found


def without_row_numbers(found: TableFeatures, wanted: Sequence[str]) -> tuple[TableFeatures, list[str]]:
    """Leave out row numbers that have no name, and warn of other columns that name the rows.

    Returns
    -------
    TableFeatures, list of warnings
    """
    counting, own = naming_rows(found)
    out = [name for name in counting if is_nameless(name) and name not in wanted]
    said = []
    if out and len(out) < len(found.columns):
        kept = [place for place, column in enumerate(found.columns) if column.name not in out]
        found = TableFeatures(found.X[:, kept], tuple(found.columns[place] for place in kept))
        said.append(f"Column '{out[0]}' counts the rows and was left out.")
    rest = [name for name in counting if name not in out]
    for names, why in ((rest, "counts the rows"), (own, "has a value of its own in nearly every row")):
        if names:
            said.append(
                f"Column '{short(names[0])}' {why}{f' (as do {listed(names[1:])})' if names[1:] else ''}. If it only "
                f"names the rows, leave it out: dataset.ignore=[{','.join(short(name) for name in names[:10])}]."
            )
    return found, said


def naming_rows(found: TableFeatures) -> tuple[list[str], list[str]]:
    """Return the features that count the rows, and those with a value of their own in nearly every row.

    Numbers with fractions are measurements, of which no two need be equal; they are never among these.
    """
    X, n_rows = found.X, len(found.X)
    counting: list[str] = []
    own: list[str] = []
    with np.errstate(invalid="ignore", over="ignore"):
        wide = np.flatnonzero(np.nanmax(X, axis=0, initial=-np.inf) - np.nanmin(X, axis=0, initial=np.inf)
                              >= NEARLY_ALL * n_rows - 1)  # fmt: skip
    for place in wide:
        column, cells = found.columns[place], X[:, place]
        if column.kind not in ("number", "word") or column.percent:
            continue
        if n_rows < (2 if is_nameless(column.name) else ENOUGH_ROWS):
            continue
        known = cells[np.isfinite(cells)]
        if (known != np.round(known)).any() or len(np.unique(known)) < NEARLY_ALL * n_rows:
            continue
        if column.kind == "number" and len(known) == n_rows and (np.diff(cells) == 1).all():
            counting.append(column.name)
        elif n_rows >= ENOUGH_ROWS:
            own.append(column.name)
    return counting, own


def is_nameless(name: str) -> bool:
    """Return whether a column has no name of its own: the row numbers that pandas and R write beside a table."""
    return _NAMELESS.fullmatch(name) is not None
