"""A table of scores, one a line, as the evidence of a comparison: a data frame, or a CSV file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlexp.comparisons.evidence import Evidence
from mlexp.comparisons.scores.runs import metric_of, of_rows, of_runs
from mlexp.config import schema
from mlexp.config.untrusted import printable
from mlexp.data.cells import CellTable, from_frame
from mlexp.data.columns import GAPS, as_number, decided, short, values
from mlexp.data.readers import csv
from mlexp.errors import ConfigError, DataError, did_you_mean, shortened

if TYPE_CHECKING:
    import pandas as pd

LABELS = ("arm", "dataset", "seed", "row", "repeat", "fold")  # columns that say what a score is of
NUMBERS = ("score", "n_train", "n_test")
MOST_ARMS = 100  # their pairs grow with the square
MOST_RUNS = 10_000
LONGEST_NAME = 200
WITHOUT_ROWS = (
    "One score per seed was given. Give the score of every test sample (column row) to account for those too."
)
Sizes = tuple[float, float]
Columns = dict[str, np.ndarray]


def read(path: Path) -> Columns:
    """Return the columns of a CSV file that are known, by their names in small letters.

    Raises
    ------
    DataError
        A column is missing or there twice, a cell is empty or no number, or the file cannot be read.
    """
    if not os.path.exists(path):  # False for what can be no path at all
        raise DataError(
            f"{shortened(str(path))} does not exist. Name a CSV file with the columns arm, seed, row or fold, "
            "and score."
        )
    source = csv.read(path, schema.Dataset())
    own = _known(source.names, str(path))
    labels = [name for name, known in own.items() if known in LABELS]
    return _columns(source.table(as_text=labels), own, str(path))


def framed(frame: pd.DataFrame) -> Columns:
    """Return the columns of a data frame that are known, by their names in small letters; see `read`."""
    names = [str(name) for name in frame.columns]
    own = _known(names, "the frame")
    if not len(frame):
        raise DataError("The frame of scores holds no rows.")
    chosen = frame.loc[:, [name in own for name in names]]
    labels = [name for name, known in own.items() if known in LABELS]
    return _columns(from_frame(chosen, as_text=labels), own, "the frame")


def evidence_of(
    columns: Columns, where: str, metric: str | None, higher: bool | None, sizes: Sizes | None
) -> tuple[Evidence, list[str]]:
    """Return the evidence of a table, and what a reader must know of it.

    Parameters
    ----------
    columns : arm, score, and what a score is of
    where : the table, for messages
    metric, higher : name of the score, and whether more is better; None to find it
    sizes : rows of the training and of the test set of a fold, where they are known

    Raises
    ------
    DataError
        A score is there twice, or missing in one arm.
    """
    import pandas as pd

    frame = pd.DataFrame(columns).assign(line=np.arange(1, len(columns["score"]) + 1))
    arms = list(dict.fromkeys(columns["arm"].tolist()))
    check_arms(arms, where)
    keys = [name for name in LABELS if name in columns]
    _check_once(frame, keys, where)
    for name in ("dataset", "repeat", "fold", "seed"):
        if name not in columns:
            frame[name] = ""
    if "row" in columns:
        return _of_rows(frame, keys, where, arms, metric, higher), []
    return _of_runs(frame, keys, where, arms, metric, higher, sizes)


def _of_rows(
    frame: pd.DataFrame,
    keys: Sequence[str],
    where: str,
    arms: Sequence[str],
    metric: str | None,
    higher: bool | None,
) -> Evidence:
    found: dict[str, dict[str, tuple[list[str], np.ndarray]]] = {arm: {} for arm in arms}
    check_runs(frame.groupby(["dataset", "arm", "seed"]).ngroups)
    for data, own in frame.groupby("dataset", sort=False):
        rows, counts = own["row"].unique(), own.groupby(["arm", "seed"], sort=False).size()
        if counts.min() < len(rows):
            arm, seed = counts.index[int(counts.argmin())]
            mine = own.loc[(own["arm"] == arm) & (own["seed"] == seed), "row"]
            lost = next(row for row in rows if row not in set(mine))
            cell = _said({"arm": arm, "dataset": data, "seed": seed, "row": lost}, keys)
            raise DataError(
                f"{where} has no score of {cell}: every run must have a score of every row. Leave the run out, or the "
                "row from all runs."
            )
        table = own.pivot(index=["arm", "seed"], columns="row", values="score")
        for arm in dict.fromkeys(table.index.get_level_values("arm")):
            seeds = table.loc[arm]
            found[str(arm)][str(data)] = ([str(seed) for seed in seeds.index], seeds.to_numpy(np.float64))
    _check_same({arm: dict.fromkeys(of) for arm, of in found.items()}, where, lambda name: f"dataset {name}")
    tables = [table for of_data in found.values() for _, table in of_data.values()]
    return of_rows(found, metric_of(metric, higher, tables, per_row=True))


def _of_runs(
    frame: pd.DataFrame,
    keys: Sequence[str],
    where: str,
    arms: Sequence[str],
    metric: str | None,
    higher: bool | None,
    sizes: Sizes | None,
) -> tuple[Evidence, list[str]]:
    check_runs(len(frame))
    own = metric_of(metric, higher, [frame["score"].to_numpy()], per_row=False)
    found: dict[str, dict[tuple[str, str], dict[str, float]]] = {arm: {} for arm in arms}
    for arm, data, repeat, fold, seed, score in frame[
        ["arm", "dataset", "repeat", "fold", "seed", "score"]
    ].itertuples(index=False):
        split = " of repeat ".join(filter(None, (fold, repeat)))
        found[arm].setdefault((data, split), {})[seed] = score
    _check_same({arm: dict.fromkeys(of) for arm, of in found.items()}, where, _said_split)
    notes = [] if "fold" in keys else [WITHOUT_ROWS]
    if "fold" in keys:
        for arm, of_split in found.items():
            seeds = {_said_split(split): dict.fromkeys(scores) for split, scores in of_split.items()}
            _check_same(seeds, f"{where}, arm {short(arm)},", lambda seed: f"seed {seed}", what="")
        sizes = sizes or _sizes_in(frame) or assumed(frame["fold"].nunique(), len(found[arms[0]]), notes)
    runs = {
        arm: [(split, seed, score, sizes) for split, of in splits.items() for seed, score in of.items()]
        for arm, splits in found.items()
    }
    return of_runs(runs, own), notes


def _sizes_in(frame: pd.DataFrame) -> Sizes | None:
    means = [float(frame[name].mean()) if name in frame else None for name in ("n_train", "n_test")]
    return checked_sizes(*means)


def checked_sizes(n_train: float | None, n_test: float | None) -> Sizes | None:
    """Return the rows of training and test set of a fold, both or none; refuse anything else."""
    if n_train is None and n_test is None:
        return None
    if n_train is None or n_test is None:
        raise ConfigError(
            "'n_train' and 'n_test' belong together: the rows of the training and of the test folds."
        )
    for name, value in (("n_train", n_train), ("n_test", n_test)):
        if not 0 < value < np.inf:
            raise ConfigError(f"'{name}' must be a number above 0. Got {value}.")
    return float(n_train), float(n_test)


def assumed(n_folds: int, n_splits: int, notes: list[str]) -> Sizes | None:
    """Return sizes as one k-fold cross-validation has them, and say so; None for one split, which needs none."""
    if n_splits < 2:
        return None
    if n_folds < 2:
        raise ConfigError(
            "One fold a repeat: give n_train and n_test, the rows of the training and of the test sets."
        )
    notes.append(
        f"How many rows the folds have was not given: n_test/n_train is taken as 1/{n_folds - 1}, as in {n_folds}-fold "
        "cross-validation. If the rows were split otherwise, or several times, give n_train and n_test."
    )
    return n_folds - 1.0, 1.0


def check_arms(arms: Sequence[str], where: str) -> None:
    """Refuse fewer than two arms, and more than can be compared at once."""
    if len(arms) < 2:
        raise DataError(f"{where} must hold scores of two arms at least. Got {len(arms)}.")
    if len(arms) > MOST_ARMS:
        raise DataError(f"{where} holds {len(arms):,} arms; at most {MOST_ARMS} can be compared at once.")


def check_runs(count: int) -> None:
    """Refuse more runs than can be compared at once."""
    if count > MOST_RUNS:
        raise DataError(f"These are scores of {count:,} runs; at most {MOST_RUNS:,} can be compared at once.")


def _check_once(frame: pd.DataFrame, keys: Sequence[str], where: str) -> None:
    """Refuse two scores of one thing."""
    again = frame.duplicated(list(keys))
    if again.any():
        second = frame[again].iloc[0]
        first = frame[(frame[list(keys)] == second[list(keys)]).all(axis=1)].iloc[0]
        known = {*keys, "fold"} if "row" in keys else {*keys}
        others = [name for name in ("seed", "fold", "dataset") if name not in known]
        other = f", or name in what they differ in a column {' or '.join(others)}" if others else ""
        raise DataError(
            f"{where} has two scores of {_said(second, keys)}: rows {first['line']} and {second['line']}. Give "
            f"one{other}."
        )


def _check_same(
    found: Mapping[str, Mapping[Any, None]], where: str, said: Callable[[Any], str], what: str = "arm"
) -> None:
    """Refuse arms that were scored on different folds or data sets."""
    whole = dict.fromkeys(key for of in found.values() for key in of)
    for name, of in found.items():
        missing = next((key for key in whole if key not in of), None)
        if missing is not None:
            cell = f"{what} {short(name)}" if what else name
            raise DataError(f"{where} has no score of {cell} with {said(missing)}, which others have.")


def _said(cell: Mapping[str, Any] | pd.Series, keys: Sequence[str]) -> str:
    """Name what a score is of, by the columns that are there."""
    return ", ".join(f"{name} {short(cell[name])}" for name in LABELS if name in keys)


def _said_split(split: tuple[str, str]) -> str:
    data, fold = split
    return ", ".join(
        [*([f"dataset {short(data)}"] if data else []), *([f"fold {short(fold)}"] if fold else [])]
    )


def _known(names: Sequence[str], where: str) -> dict[str, str]:
    """Return the columns that are used, by their names as they are written -> in small letters."""
    own: dict[str, str] = {}
    for name in names:
        plain = name.strip().lower()
        if plain not in LABELS + NUMBERS:
            continue
        if plain in own.values():
            raise DataError(f"{where} has two columns '{plain}'. Leave one of them out.")
        own[name] = plain
    here = f"Its columns are: {', '.join(map(short, names[:12]))}."
    for need in ("arm", "score"):
        if need not in own.values():
            near = did_you_mean(need, names)
            raise DataError(f"{where} must have a column '{need}'.{near} {here}")
    if not {"seed", "row", "fold"} & set(own.values()):
        raise DataError(
            f"{where} must have a column 'seed', 'row' or 'fold', which says what a score is of. {here}"
        )
    if {"row", "fold"} <= set(own.values()):
        raise DataError(f"{where} has both 'row' and 'fold'. Give scores of rows, or of folds. {here}")
    return own


def _columns(table: CellTable, own: Mapping[str, str], where: str) -> dict[str, np.ndarray]:
    found = {}
    for name, known in own.items():
        if known in NUMBERS:
            found[known] = _numbers(table, name, where)
            continue
        cells = (
            table.texts[name]
            if name in table.texts
            else np.array([f"{x:g}" for x in table.numbers[name]], object)
        )
        empty = np.flatnonzero(np.isin(cells.astype(str), ["", *GAPS]))
        if len(empty):
            raise DataError(f"{where} has an empty cell in column '{known}', row {empty[0] + 1}. Fill it in.")
        long = next((cell for cell in cells if len(cell) > LONGEST_NAME), None)
        if long is not None:
            raise DataError(
                f"{where} has a name of {len(long):,} letters in column '{known}', {short(long)!r}; at most "
                f"{LONGEST_NAME} are allowed."
            )
        plain = {cell: printable(cell) for cell in set(cells.tolist())}
        found[known] = np.array([*map(plain.__getitem__, cells), ""], object)[:-1]
    return found


def _numbers(table: CellTable, name: str, where: str) -> np.ndarray:
    """Return the numbers of a column, or say which cell is none."""
    if name in table.numbers:
        numbers = table.numbers[name]
    else:
        cells = table.texts[name]
        column = decided({name: cells})[name]
        if column.kind in ("word", "empty"):
            wrong = [
                place for place, cell in enumerate(cells) if cell not in GAPS and as_number(cell) is None
            ]
        else:
            numbers, faults = values(column, cells)
            wrong = faults.tolist()
        if wrong:
            raise DataError(
                f"{where} must have numbers in column '{name.strip().lower()}'. Row {wrong[0] + 1} holds "
                f"{short(cells[wrong[0]])!r}."
            )
        if column.kind in ("word", "empty"):
            numbers = np.full(len(cells), np.nan)
    missing = np.flatnonzero(~np.isfinite(numbers))
    if len(missing):
        raise DataError(
            f"{where} has no number in column '{name.strip().lower()}', row {missing[0] + 1} ({len(missing)} such "
            "rows). Leave failed runs out whole, or fill them in."
        )
    return numbers
