"""The folders of runs, sweeps and comparisons as they are read, and how one is named.

`open` a folder whose path is known, `find` one by the word that a person typed. Nothing here writes: `record` writes
the folder of a run, `sweep_folder` that of a sweep or comparison.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from mlexp.config import plugged
from mlexp.config.names import GENERIC_TASKS
from mlexp.config.untrusted import run_folder
from mlexp.errors import DataError, did_you_mean, shortened
from mlexp.store import latest, shapes, stamp
from mlexp.store.files import damaged, read_json, read_npz, read_table
from mlexp.store.lock import LOCK, is_locked
from mlexp.store.result import Columns

PARTS = ("train", "validation", "test")
RESUMABLE = ("running", "failed", "interrupted")
DRAWN = ("completed", "diverged")  # how a run ends of which figures and page are drawn
PAGE = ("report.html", "report.md")  # in the order in which they are written, after the figures
CHECKPOINT = "checkpoint.npz"
QUESTION = (
    "question.json"  # what comparison.json holds before there is an answer, should that be damaged or missing
)
WHY = "why.json"  # what makes a sweep one that explains published figures
# Folders within one: jobs of a sweep, trials of a search, searches of the arms of a comparison.
INSIDE = ("runs/*", "trials/runs/*", "trials", "tuning/*/trials/runs/*", "tuning/*/trials", "tuning/*")
KILLED = "its process was killed"


@dataclass(frozen=True)
class Folder:
    """The folder of a run, a sweep or a comparison: nothing is read before it is asked for.

    Raises `DataError` from its attributes when a file of the folder is missing or damaged.
    """

    path: Path
    name: ClassVar[str]
    record: ClassVar[str]
    shape: ClassVar[Any]

    @classmethod
    def is_at(cls, path: Path) -> bool:
        """Return whether a folder holds the record of one; False for what can be no path at all."""
        return os.path.exists(path / cls.record)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a folder of this kind; ``latest`` of a task is its newest.

        Raises
        ------
        DataError
            If `path` is none, or holds links or what else is not a plain file.
        """
        path = latest.follow(Path(path))
        if not cls.is_at(path):
            raise DataError(
                f"{path} is not the folder of a {cls.name}: it has no {cls.record}. Name a folder such as "
                "outputs/TASK/latest."
            )
        return cls(run_folder(path))

    @cached_property
    def info(self) -> dict[str, Any]:
        """What its record says: what ran and how it ended; what a killed process left "running" is interrupted."""
        writing = is_locked(self.path)  # asked first: a run that ends in between is not taken for killed
        info: dict[str, Any] = read_json(self._record, self.shape)
        stamp.refuse_newer(self.path, info.get("format", 0))
        if info.get("status") == "running" and not writing:
            info |= {"status": "interrupted", "error": KILLED}
        return info

    @property
    def _record(self) -> Path:
        return self.path / self.record

    @property
    def status(self) -> str:
        """completed, failed, diverged, interrupted or running."""
        return str(self.info["status"])

    @property
    def is_undrawn(self) -> bool:
        """Whether it came to its end, and not to the end of its figures and its page."""
        return self.status in DRAWN and bool(self.info.get("figures")) and not (self.path / PAGE[-1]).exists()

    @cached_property
    def tables(self) -> dict[str, Columns]:
        """Table -> column -> cells as text (`tables/*.csv`)."""
        return {file.stem: read_table(file) for file in sorted((self.path / "tables").glob("*.csv"))}


class Run(Folder):
    """The folder of a run."""

    name, record, shape = "run", "run.json", shapes.RUN

    @property
    def is_unfinished(self) -> bool:
        """Whether something is left to do: epochs, figures and the page, or to let go of the folder."""
        return self.status in RESUMABLE or self.is_undrawn or (self.path / LOCK).exists()

    @property
    def seconds(self) -> float | None:
        """Seconds that the run took, of a stack its share; None while it runs."""
        seconds = self.info.get("wall_seconds")
        return None if seconds is None else float(seconds) / int(self.info.get("stack", 1))

    @cached_property
    def metrics(self) -> dict[str, dict[str, float]]:
        """Part -> metric -> value (`metrics.json`); empty when the run did not complete."""
        return self._json("metrics.json", shapes.METRICS)

    @cached_property
    def tuning(self) -> dict[str, Any]:
        """How the settings were searched for (`tuning.json`); empty if they were typed."""
        return self._json("tuning.json", shapes.TUNING)

    @cached_property
    def history(self) -> dict[str, np.ndarray]:
        """Column -> one value an epoch (`history.csv`)."""
        return self._numbers("history.csv")

    @cached_property
    def timing(self) -> dict[str, np.ndarray]:
        """Seconds by epoch (`timing.csv`)."""
        return self._numbers("timing.csv")

    @cached_property
    def diagnostics(self) -> dict[str, np.ndarray]:
        """Column -> gradient norms, dead and saturated units of layers by epoch (`diagnostics.csv`); empty if none."""
        return self._numbers("diagnostics.csv")

    @cached_property
    def predictions(self) -> dict[str, np.ndarray]:
        """Arrays with one entry a row (`predictions.npz`); of a part, all of one length, and classes by their codes."""
        arrays, n_classes = self._npz("predictions.npz"), len(self.info.get("dataset", {}).get("classes", ()))
        if wrong := _other_rows(arrays, n_classes):
            raise damaged(self.path / "predictions.npz", wrong)
        return arrays

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """All other arrays (`arrays.npz`)."""
        return self._npz("arrays.npz")

    @cached_property
    def living(self) -> dict[str, np.ndarray]:
        """What a page computes with besides the network (`living.npz`); empty of a run whose page does not compute."""
        return self._npz("living.npz")

    @cached_property
    def model(self) -> dict[str, np.ndarray]:
        """Parameters of the fitted model (`model.npz`)."""
        return self._npz("model.npz")

    @cached_property
    def checkpoint(self) -> dict[str, np.ndarray] | None:
        """State of a training that has not come to its end (`checkpoint.npz`); None before the first."""
        return self._npz(CHECKPOINT) or None

    def _json(self, name: str, shape: Any) -> dict[str, Any]:
        path = self.path / name
        found: dict[str, Any] = read_json(path, shape) if path.exists() else {}
        return found

    def _npz(self, name: str) -> dict[str, np.ndarray]:
        path = self.path / name
        return read_npz(path) if path.exists() else {}

    def _numbers(self, name: str) -> dict[str, np.ndarray]:
        path = self.path / name
        if not path.exists():
            return {}
        try:
            return {key: np.array([float(cell) for cell in cells]) for key, cells in read_table(path).items()}
        except ValueError as error:
            raise DataError(f"{path} is damaged: {error}. Run the task again.") from error


def _other_rows(arrays: Mapping[str, np.ndarray], n_classes: int) -> str:
    """Say which array is not one entry for each row of its part; nothing if all are."""
    rows: dict[str, int] = {}
    for name, array in arrays.items():
        part = next((part for part in PARTS if name.startswith(f"{part}_")), "")
        if array.ndim == 0 or rows.setdefault(part, len(array)) != len(array):
            return f"{name} has shape {array.shape}, unlike the others"
        if n_classes and array.size and name.endswith(("true", "predicted")):
            codes = array.dtype.kind in "iu" and array.ndim == 1
            if not (codes and 0 <= array.min() <= array.max() < n_classes):
                return f"{name} does not hold codes of {n_classes} classes"
    return ""


class Sweep(Folder):
    """The folder of a sweep, that of a comparison which ran its own jobs among them."""

    name, record, shape = "sweep", "sweep.json", shapes.SWEEP

    @cached_property
    def summary(self) -> Columns:
        """Column -> one cell a job, as text (`summary.csv`)."""
        path = self.path / "summary.csv"
        return read_table(path) if path.exists() else {}

    def run(self, name: str) -> Run | None:
        """Return the run folder of a job; None if the job has none yet."""
        path = self.path / "runs" / name
        return Run(path) if Run.is_at(path) else None


class Why(Sweep):
    """The folder of a sweep whose runs are held against published figures."""

    name = "case of mlexp why"

    @classmethod
    def is_at(cls, path: Path) -> bool:
        """Return whether a folder is that of such a sweep, be it without an answer yet."""
        return super().is_at(path) and (path / WHY).exists()

    @cached_property
    def question(self) -> dict[str, Any]:
        """What is asked, and what was found so far (`why.json`)."""
        found: dict[str, Any] = read_json(self.path / WHY, shapes.WHY)
        return found


class Comparison(Folder):
    """The folder of a comparison, its answer beside the sweep that ran its jobs; or beside nothing, of older runs."""

    name, record, shape = "comparison", "comparison.json", shapes.COMPARISON

    @classmethod
    def is_at(cls, path: Path) -> bool:
        """Return whether a folder is that of a comparison, be it without an answer yet."""
        return super().is_at(path) or (Sweep.is_at(path) and (path / QUESTION).exists())

    @property
    def _record(self) -> Path:
        answered = self.path / self.record
        return answered if answered.exists() else self.path / QUESTION

    @property
    def sweep(self) -> Sweep | None:
        """The sweep of its own jobs; None where runs were compared that were there before."""
        return Sweep(self.path) if Sweep.is_at(self.path) else None

    @cached_property
    def runs(self) -> dict[str, list[Run]]:
        """Arm -> the runs that its figures rest on, arms in their order."""
        found: dict[str, list[Run]] = {str(arm["name"]): [] for arm in self.info["arms"]}
        table = self.tables["runs"]
        for arm, value, folder in zip(table["arm"], table["value"], table["folder"], strict=True):
            if value != "":
                found[arm].append(Run((self.path / folder).resolve()))
        return found


def _kind(path: Path) -> type[Run] | type[Sweep] | type[Comparison] | None:
    """Return what a folder is; a comparison is more than the sweep of its jobs."""
    kinds: tuple[type[Run] | type[Sweep] | type[Comparison], ...] = (Comparison, Why, Sweep, Run)
    return next((kind for kind in kinds if kind.is_at(path)), None)


def is_recorded(path: Path) -> bool:
    """Return whether `path` is the folder of a run, a sweep or a comparison."""
    return _kind(path) is not None


def open(path: str | Path) -> Run | Sweep | Comparison:
    """Open the folder of a run, a sweep or a comparison.

    Raises
    ------
    DataError
        If `path` is none of these, or holds links or what else is not a plain file.
    """
    path = latest.follow(Path(path))
    if (kind := _kind(path)) is None:
        raise DataError(
            f"{path} is not a run, sweep or comparison: it has no {', '.join(stamp.RECORDS[:-1])} or "
            f"{stamp.RECORDS[-1]}. Name a folder such as outputs/TASK/latest."
        )
    return kind(run_folder(path))


def inside(folder: Path) -> list[Path]:
    """Return the folders of the runs and sweeps within that of a sweep, a search or a comparison."""
    return [path for pattern in INSIDE for path in sorted(folder.glob(pattern)) if is_recorded(path)]


def find(name: str, outputs: str | Path = "outputs") -> Path:
    """Return the folder that `name` means: a folder itself, a task's newest, or with ``latest`` the newest of all.

    Raises
    ------
    DataError
        If there is none, it holds links, a newer version of mlexp made it, or plugins did that are not loaded.
    """
    path = _meant(name, Path(outputs))
    made = stamp.of(path)
    stamp.refuse_newer(path, made.format)
    plugged.refuse_without(path, made.plugins)
    return path


def _meant(name: str, outputs: Path) -> Path:
    for path in map(latest.follow, (Path(name), outputs / name)):
        if is_recorded(path):
            return shown(run_folder(path))
    candidates = folders(outputs) if name == "latest" else folders(outputs, name)
    if len(tables := sorted({path.parent.name for path in candidates})) > 1 and name != "latest":
        raise DataError(
            f"'{name}' has runs of several tables: {', '.join(tables)}. Name one of them, or a folder such as "
            f"{outputs}/{tables[0]}/latest."
        )
    if candidates:
        newest = stamp.newest(candidates)
        run_folder(newest)
        return newest
    tasks = sorted({path.parent.name for path in folders(outputs)})
    known = f" Tasks with runs there: {', '.join(tasks)}." if tasks else ""
    near = did_you_mean(name, [*tasks, "latest"]) if name != "latest" else ""
    raise DataError(
        f"'{shortened(name)}' is neither the folder of a run or sweep nor a task with runs in {outputs}.{near}{known} "
        "Name a folder such as outputs/TASK/latest, a task, or latest; another place of runs with --outputs DIR."
    )


def find_run(name: str, outputs: str | Path = "outputs") -> Path:
    """Return the folder of a single run that `name` means; a sweep is refused with the names of its runs."""
    path = find(name, outputs)
    if not Run.is_at(path):
        jobs = sorted(folder.name for folder in path.glob("runs/*"))
        such = f", such as {path}/runs/{jobs[0]}" if jobs else ""
        raise DataError(f"{path} is a sweep of {len(jobs)} runs. Name one of them{such}.")
    return path


def folders(outputs: Path, task: str = "*") -> list[Path]:
    """Return the folders of runs and sweeps of a task, or of all, without the links that name the newest.

    Those of a task for any table are the ones of all its tables.
    """
    tables = f"{task}-" if task in GENERIC_TASKS else "/"
    parents = [path for path in _inside(outputs) if task in ("*", path.name) or path.name.startswith(tables)]
    made = [path for parent in parents for path in _inside(parent) if not path.is_symlink()]
    return [path for path in made if is_recorded(path)]


def is_outputs(folder: Path) -> bool:
    """Return whether a folder holds runs: is one, or has some as ``RUN``, ``TASK/RUN`` or ``GROUP/TASK/RUN``."""
    inside = _inside(folder)
    return (
        is_recorded(folder)
        or any(map(is_recorded, inside))
        or bool(folders(folder))
        or any(folders(one) for one in inside if not one.is_symlink())
    )


def _inside(folder: Path) -> list[Path]:
    """Return what a folder holds, hidden things aside; of what is not a folder, or cannot be read, nothing."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except (OSError, ValueError):
        return []


def shown(path: Path) -> Path:
    """Return where a path such as ``latest`` leads, as it would be typed from here."""
    whole, here = path.resolve(), Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole
