"""Runs side by side: what differs in their settings, their scores and curves, and the verdict of ``mlexp compare``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np

from mlexp import store
from mlexp.comparisons import past_runs
from mlexp.comparisons.past_runs import PastRun
from mlexp.config.names import spelled
from mlexp.config.rules import as_typed
from mlexp.config.untrusted import reading
from mlexp.errors import ConfigError, DataError, MlexpError, shortened
from mlexp.page.scores import cell, difference
from mlexp.store import Run, Sweep
from mlexp.web.charts import Chart, Curve, of_metric
from mlexp.web.places import address_of, inside

MOST = 12  # runs beside each other
MOST_CHOSEN = 50  # folders in one address
MOST_CLASSES = 30  # of a confusion matrix that is shown whole
SHADES = 4  # of a difference, to either side
VALUE = 200  # characters of a setting
FIRST = ("validation_loss", "train_loss")


@dataclass(frozen=True)
class Side:
    """One run beside others.

    Attributes
    ----------
    letter : what the tables call it
    name : what it is, in words
    place : address of its folder
    """

    letter: str
    name: str
    place: str
    run: Run
    found: PastRun


@dataclass(frozen=True)
class Difference:
    """Confusion of the second run minus that of the first, in percentage points of each true class.

    Attributes
    ----------
    classes : names, true classes by rows
    cells : text and class of each cell
    """

    classes: Sequence[str]
    cells: Sequence[Sequence[tuple[str, str]]]
    left_out: str = ""


@dataclass(frozen=True)
class ComparedFolders:
    """What ``mlexp compare`` says of the chosen folders, or why it says nothing.

    Attributes
    ----------
    sentences : the answer, the verdict first
    details : term and description: the test, its scope of inference
    arms : mean and number of runs of each arm
    """

    sentences: Sequence[str] = ()
    details: Sequence[tuple[str, str]] = ()
    warnings: Sequence[str] = ()
    arms: Sequence[tuple[str, str, str]] = ()
    refused: str = ""
    metric: str = ""


@dataclass(frozen=True)
class Compared:
    """What the page of a comparison shows."""

    sides: Sequence[Side]
    left_out: int
    settings: Sequence[tuple[str, Sequence[str]]]
    scores: Sequence[tuple[str, Sequence[str]]]
    subtracted: bool
    names: Sequence[str]
    curve: str
    chart: Chart | None
    confusion: Difference | None
    verdict: ComparedFolders


def compared(outputs: Path, places: Sequence[str], curve: str = "") -> Compared:
    """Return the runs of some folders side by side.

    Parameters
    ----------
    places : addresses of runs, sweeps, searches and comparisons
    curve : column of the history to draw; default: the validation loss

    Raises
    ------
    NoSuchPlace
        If an address means no folder of the outputs folder.
    DataError
        If a folder is damaged, or nothing is chosen.
    """
    chosen = list(dict.fromkeys(places))[:MOST_CHOSEN]
    if not chosen:
        raise ConfigError("Choose runs in the list, and then Compare.")
    folders = [store.open(inside(outputs, place)).path for place in chosen]
    all_sides, unread = _sides(outputs, folders)
    sides = all_sides[:MOST]
    names = list(dict.fromkeys(name for side in sides for name in side.run.history if name != "epoch"))
    first = next((name for name in (curve, *FIRST, *names) if name in names), "")
    lines = [
        Curve(f"{side.letter}: {side.name}", side.run.history["epoch"], side.run.history[first])
        for side in sides
        if first in side.run.history and "epoch" in side.run.history
    ]
    return Compared(
        sides,
        len(all_sides) - len(sides),
        _settings(sides),
        _scores(sides),
        _same_data(sides),
        names,
        first,
        of_metric(first, lines) if lines else None,
        _confusion(sides),
        _verdict(folders, unread),
    )


def _sides(outputs: Path, folders: Sequence[Path]) -> tuple[list[Side], str]:
    """Return the runs of the folders, and why one could not be read."""
    found, why = [], ""
    for folder in folders:
        try:
            with reading(folder):
                runs = past_runs.runs_in(folder) if Sweep.is_at(folder) or Run.is_at(folder) else []
        except MlexpError as error:
            why = str(error)
            continue
        found += [(folder, one) for one in runs if one.run is not None]
    keys = past_runs.differences([one for _, one in found]) if found else []
    keys = [key for key in keys if key != "seed"] + [key for key in keys if key == "seed"]
    sides = []
    for count, (_, one) in enumerate(found):
        assert one.run is not None
        own = " ".join(past_runs.in_words(one, key) for key in keys[:4])
        task = str(one.run.info["task"]["name"])
        name = shortened(one.arm or own or task, 60)
        letter = ascii_uppercase[count % 26] + (str(count // 26 + 1) if count > 25 else "")
        sides.append(Side(letter, name, address_of(outputs, one.run.path), one.run, one))
    return sides, why


def _settings(sides: Sequence[Side]) -> list[tuple[str, list[str]]]:
    """Return the keys in which the runs differ, with the value of each."""
    if not sides:
        return []
    keys = past_runs.differences([side.found for side in sides])
    return [
        (
            key,
            [
                shortened(as_typed(side.found.values.get(key, past_runs.UNSET)).strip("'"), VALUE)
                for side in sides
            ],
        )
        for key in keys
    ]


def _same_data(sides: Sequence[Side]) -> bool:
    """Return whether these are two runs on one data set, so that the scores of one may be taken from the other's."""
    return (
        len(sides) == 2 and len({side.run.info.get("dataset", {}).get("fingerprint") for side in sides}) == 1
    )


def _scores(sides: Sequence[Side]) -> list[tuple[str, list[str]]]:
    """Return each metric of each set with the value of each run; of two on one data set, their difference too."""
    names = dict.fromkeys(
        (part, name) for part in ("test", "validation", "train", "all") for side in sides
        for name in side.run.metrics.get(part, {})
    )  # fmt: skip
    rows, subtracted = [], _same_data(sides)
    for part, name in names:
        values = [side.run.metrics.get(part, {}).get(name) for side in sides]
        cells = [cell(name, value) for value in values]
        if subtracted:
            known = [value for value in values if value is not None]
            cells.append(difference(name, known[1] - known[0]) if len(known) == 2 else "")
        rows.append((f"{part} {spelled(name)}", cells))
    seconds = [side.run.seconds for side in sides]
    cells = ["" if value is None else f"{value:.3g}" for value in seconds]
    rows.append(("seconds", [*cells, *([""] if subtracted else [])]))
    return rows


def _confusion(sides: Sequence[Side]) -> Difference | None:
    """Return the difference of the confusion of two runs on one data set; None for any others."""
    if not _same_data(sides):
        return None
    try:
        (classes, first), (others, second) = (matrix(side.run) for side in sides)
    except (DataError, KeyError, ValueError):
        return None
    if not classes or classes != others:
        return None
    difference = 100 * (second - first)
    n = min(len(classes), MOST_CLASSES)
    cells = [[_cell(difference[row, column], row == column) for column in range(n)] for row in range(n)]
    left = f"The first {n} of {len(classes)} classes are shown." if n < len(classes) else ""
    return Difference(classes[:n], cells, left)


def matrix(run: Run) -> tuple[list[str], np.ndarray]:
    """Return the classes and the shares of the predictions of each true class, of the test set.

    Returns
    -------
    classes : n names; none where there is no confusion on record
    shares : (n, n), each row sums to one; zeros for a class without samples
    """
    table = run.tables.get("confusion", {})
    if "true" not in table:
        return [], np.zeros((0, 0))
    classes = list(table["true"])
    counts = np.array([[float(table[name][row]) for name in classes] for row in range(len(classes))])
    totals = counts.sum(axis=1, keepdims=True)
    return classes, np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)


def _cell(points: float, diagonal: bool) -> tuple[str, str]:
    """Return the text and the class of a difference: better to one side, worse to the other, in four shades."""
    if abs(points) < 0.05 or not np.isfinite(points):
        return "", ""
    shade = min(SHADES, 1 + int(abs(points) // 3))
    better = (points > 0) == diagonal
    return f"{points:+.1f}".replace("-", "−"), f"{'better' if better else 'worse'}{shade}"


def _verdict(folders: Sequence[Path], unread: str) -> ComparedFolders:
    """Return the answer of ``mlexp compare`` on all these folders."""
    if unread:
        return ComparedFolders(refused=unread)
    try:
        with reading(folders[0]):
            done = past_runs.compare(folders, past_runs.asked({}))
    except MlexpError as error:
        return ComparedFolders(refused=str(error))
    info: Mapping[str, Any] = done.info
    return ComparedFolders(
        sentences=[str(line) for line in info.get("answer", ())],
        details=[(str(term), str(text)) for term, text in info.get("details", {}).items()],
        warnings=[str(line) for line in info.get("warnings", ())],
        arms=[in_words(arm, measure(info)) for arm in info.get("arms", ())],
        metric=spelled(measure(info)),
    )


def measure(info: Mapping[str, Any]) -> str:
    """Return the metric of a comparison, such as ``test_accuracy``."""
    return str(info.get("metric", "")).replace(".", "_")


def in_words(arm: Mapping[str, Any], name: str) -> tuple[str, str, str]:
    """Return the name of an arm, its mean of the metric `name` with the interval, and the number of its runs."""
    mean, low, high = (cell(name, arm.get(end)) for end in ("mean", "low", "high"))
    words = f"{mean} ({low} to {high})" if mean and low and high else mean
    return str(arm["name"]), words, str(arm.get("runs", ""))
