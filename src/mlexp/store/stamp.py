"""What every record of a run, sweep or comparison is stamped with: its format, and when the run began."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from mlexp.errors import ConfigError, DataError
from mlexp.store.files import EVERY, misfit, read_json

FORMAT = 1  # written into every record; that of mlexp 0.1.0 states none
RECORDS = ("run.json", "sweep.json", "comparison.json")


def refuse_older(path: Path, info: Mapping[str, Any]) -> None:
    """Refuse to write in a folder that does not hold what must be checked before that.

    Raises
    ------
    ConfigError
        If an earlier version of mlexp made the folder.
    """
    if info.get("format", 0) < FORMAT:
        raise ConfigError(
            f"{path} cannot be resumed: mlexp 0.1.0 made it, and did not record the settings and data that resume "
            "checks. Run the task again; show, report, compare and predict read the folder as before."
        )


def refuse_newer(path: Path, found: int) -> None:
    """Raise `DataError` if a folder has a format that only a later version of mlexp can read."""
    if found > FORMAT:
        raise DataError(
            f"{path} is of format {found}: a newer mlexp made it. This one reads formats up to {FORMAT}: update mlexp."
        )


class Stamp(NamedTuple):
    """What the records of a folder say of how it was made.

    Attributes
    ----------
    format : the largest one; 0 where none is stated
    plugins : name -> distribution and version
    """

    format: int = 0
    plugins: Mapping[str, str] = MappingProxyType({})


def of(path: Path) -> Stamp:
    """Return the stamp of the folder of a run, sweep or comparison; of damaged records, what can be read of it."""
    try:
        found = [read_json(path / name, {}) for name in RECORDS if (path / name).exists()]
    except DataError:
        return Stamp()
    formats = [number for info in found if isinstance(number := info.get("format"), int)]
    plugins = [names for info in found if not misfit(names := info.get("plugins", {}), {EVERY: str})]
    return Stamp(max(formats, default=0), {name: said for names in plugins for name, said in names.items()})


def began(path: Path, info: Mapping[str, Any] | None = None) -> datetime:
    """Return when a run, sweep or comparison began, in UTC; where no record says so, when its folder was changed.

    Parameters
    ----------
    path : its folder
    info : what its record says, read from the folder if left out
    """
    if info is None:
        found = [path / name for name in RECORDS if (path / name).exists()]
        try:
            info = {name: value for file in reversed(found) for name, value in read_json(file, {}).items()}
        except DataError:
            info = {}
    try:
        when = datetime.fromisoformat(info.get("started", ""))
    except (TypeError, ValueError):
        try:
            return datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except OSError:  # removed since it was listed
            return datetime.fromtimestamp(0, UTC)
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def newest(paths: Iterable[Path]) -> Path:
    """Return the folder whose run began last; of several at one time, the last name."""
    return max(paths, key=lambda path: (began(path), path.name))
