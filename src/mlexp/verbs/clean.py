"""``mlexp clean``: remove runs that are no longer needed."""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from mlexp import system
from mlexp.errors import ConfigError
from mlexp.store import Run, folders, inside, latest
from mlexp.store.lock import is_locked
from mlexp.store.stamp import newest
from mlexp.verbs import Parser, add_outputs, parser
from mlexp.verbs.machine import is_listening, tell
from mlexp.verbs.runs import ListedRun, entries, entry

UNITS = {"h": "hours", "d": "days", "w": "weeks"}
EXAMPLES = """mlexp clean --status failed --dry-run
  mlexp clean --older-than 30d --task mnist_mlp"""


def clean(arguments: Sequence[str]) -> int:
    """Remove folders of runs and sweeps, after confirmation; runs in progress are never touched.

    A sweep, comparison or search that contains completed runs is kept, unless --with-completed is given.
    """
    parsed = _words().parse_args(arguments)
    statuses = parsed.status or ([] if parsed.older_than else ["failed"])
    before = _before(parsed.older_than)
    found = [
        one
        for one in entries(Path(parsed.outputs), task=parsed.task)
        if (not statuses or one.status in statuses) and one.started < before and not is_locked(one.path)
    ]
    within = {one.path: Counter(run.status for run in _within(one.path)) for one in found}
    careful = bool(statuses) and "completed" not in statuses and not parsed.with_completed
    kept = [one for one in found if careful and within[one.path]["completed"]]
    for one in () if parsed.quiet else kept:
        print(
            f"kept: {one.path}, {one.status}, {_counted(within[one.path])}; --with-completed removes it too"
        )
    useless = [one for one in found if one not in kept]
    folders_kept, chosen = [str(one.path) for one in kept], [str(one.path) for one in useless]
    tell(removed=[], kept=folders_kept, would_remove=chosen)
    if not useless:
        if not parsed.quiet:
            print("Nothing to remove.")
        return 0
    _show(useless, within, quiet=bool(parsed.quiet))
    if parsed.dry_run or not (parsed.yes or _agreed()):
        return 0
    for one in useless:
        _remove(one.path)
    tell(removed=chosen, would_remove=[])
    return 0


def _words() -> Parser:
    words = parser("clean", clean.__doc__, EXAMPLES, "the folders")
    words.add_argument(
        "--status",
        choices=("failed", "diverged", "interrupted", "completed", "damaged"),
        action="append",
        help="only runs with this status; repeatable (default: failed, unless --older-than is given)",
    )
    words.add_argument("--older-than", metavar="AGE", help="only runs older than this: 12h, 30d, 8w")
    words.add_argument("--task", help="only runs of this task")
    add_outputs(words)
    words.add_argument(
        "--with-completed", action="store_true", help="also sweeps and searches that contain completed runs"
    )
    words.add_argument("--dry-run", action="store_true", help="print what would be removed, and exit")
    words.add_argument("--yes", action="store_true", help="skip the confirmation")
    return words


def _within(path: Path) -> list[ListedRun]:
    """Return the runs inside a sweep, a comparison or a search."""
    return [entry(place) for place in inside(path) if Run.is_at(place)]


def _counted(statuses: Counter[str]) -> str:
    return f"{statuses['completed']} of {statuses.total()} runs completed"


def _show(useless: Sequence[ListedRun], within: Mapping[Path, Counter[str]], *, quiet: bool) -> None:
    """Print what would be removed, one folder per line."""
    total = 0
    for one in useless:
        total += (size := _bytes(one.path))
        more = f", {_counted(within[one.path])}" if within[one.path] else ""
        line = f"{one.started:%Y-%m-%d %H:%M}  {one.status:<11} {size / 1e6:9.1f} MB  {one.path}{more}"
        print(one.path if quiet else line)
    if not quiet:
        print(f"{len(useless)} folder{'s' if len(useless) > 1 else ''}, {total / 1e6:.1f} MB")


def _before(age: str | None) -> datetime:
    now = datetime.now().astimezone()
    if age is None:
        return now + timedelta(days=1)
    match = re.fullmatch(r"(\d+)([hdw])", age)
    if match is None:
        raise ConfigError(
            f"--older-than must be a number and h, d or w, such as 12h, 30d or 8w. Got '{age}'."
        )
    return now - timedelta(**{UNITS[match[2]]: int(match[1])})


def _bytes(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())


def _agreed() -> bool:
    if is_listening() or not sys.stdin.isatty():
        raise ConfigError(
            "mlexp clean asks for confirmation, but nobody is there to answer. Add --yes, or --dry-run."
        )
    return input("Remove them? [y/N] ").strip().lower() in ("y", "yes")


def _remove(path: Path) -> None:
    """Remove a folder, and point ``latest`` to the newest remaining one."""
    hidden = path.with_name(f".{path.name}.removed")
    try:
        system.replace(path, hidden)  # half a folder would look like a run
        shutil.rmtree(hidden)
    except OSError as error:
        raise ConfigError(f"{path} cannot be removed: {error.strerror}.") from error
    if latest.forget(path.parent) and (left := folders(path.parents[1], path.parent.name)):
        latest.point(newest(left))
