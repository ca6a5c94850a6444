"""How a run is named on the command line: its folder, ``latest``, or its task."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from mlexp.config.names import GENERIC_TASKS
from mlexp.config.untrusted import run_folder
from mlexp.errors import DataError, did_you_mean, shortened
from mlexp.store import stamp


def add_run(words: argparse.ArgumentParser) -> None:
    """Let a verb take RUN, and the folder in which runs are looked for by name."""
    words.add_argument(
        "run",
        metavar="RUN",
        help="a folder of a run or sweep, the name of a task (its newest), or latest (of all)",
    )
    words.add_argument(
        "--outputs", default="outputs", metavar="DIR", help="where names are looked for (outputs)"
    )


def found(name: str, outputs: str | Path = "outputs") -> Path:
    """Return the folder that `name` means: a folder itself, a task's newest, or with ``latest`` the newest of all.

    Raises
    ------
    DataError
        If there is none, it holds links, or a newer version of mlexp made it.
    """
    path = _meant(name, outputs)
    stamp.refuse_newer(path, stamp.format_of(path))
    return path


def _meant(name: str, outputs: str | Path) -> Path:
    for path in (Path(name), Path(outputs) / name):
        if is_recorded(path):
            return shown(run_folder(path))
    candidates = folders(Path(outputs)) if name == "latest" else folders(Path(outputs), name)
    if len(tables := sorted({path.parent.name for path in candidates})) > 1 and name != "latest":
        raise DataError(
            f"'{name}' has runs of several tables: {', '.join(tables)}. Name one of them, or a folder such as "
            f"{outputs}/{tables[0]}/latest."
        )
    if candidates:
        newest = stamp.newest(candidates)
        run_folder(newest)
        return newest
    tasks = sorted({path.parent.name for path in folders(Path(outputs))})
    known = f" Tasks with runs there: {', '.join(tasks)}." if tasks else ""
    near = did_you_mean(name, [*tasks, "latest"])
    raise DataError(
        f"'{shortened(name)}' is no folder of a run or sweep, and no task with runs in {outputs}.{near}{known} Name a "
        "folder such as outputs/TASK/latest, a task, or latest; another place of runs with --outputs DIR."
    )


def one_run(name: str, outputs: str | Path = "outputs") -> Path:
    """Return the folder of a single run that `name` means; a sweep is refused with the names of its runs."""
    path = found(name, outputs)
    if not (path / "run.json").exists():
        jobs = sorted(folder.name for folder in path.glob("runs/*"))
        shown = f", such as {path}/runs/{jobs[0]}" if jobs else ""
        raise DataError(f"{path} is a sweep of {len(jobs)} runs. Name one of them{shown}.")
    return path


def shown(path: Path) -> Path:
    """Return where a path such as ``latest`` leads, as it would be typed from here."""
    whole, here = path.resolve(), Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole


def is_recorded(path: Path) -> bool:
    """Return whether `path` is the folder of a run or of a sweep."""
    return any(os.path.exists(path / name) for name in stamp.RECORDS)  # False for what can be no path at all


def folders(outputs: Path, task: str = "*") -> list[Path]:
    """Return the folders of runs and sweeps of a task, or of all, without the links that name the newest.

    Those of a task for any table are the ones of all its tables.
    """
    tables = f"{task}-" if task in GENERIC_TASKS else "/"
    parents = [path for path in _inside(outputs) if task in ("*", path.name) or path.name.startswith(tables)]
    made = [path for parent in parents for path in _inside(parent) if not path.is_symlink()]
    return [path for path in made if is_recorded(path)]


def _inside(folder: Path) -> list[Path]:
    """Return what a folder holds, hidden things aside; of what is no folder, or cannot be read, nothing."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except (OSError, ValueError):
        return []
