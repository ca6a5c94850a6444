"""What makes two runs one: the settings that can change a result, the data and the split; what resume checks first."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlexp.config import recorded
from mlexp.config.names import GENERIC_TASKS
from mlexp.config.schema import Config
from mlexp.data.packed import PACKED
from mlexp.errors import ConfigError, DataError

MOST_NAMED = 4
LONGEST = 60  # of the name of a table in that of a folder


def name_of(config: Config) -> str:
    """Return the name under which a run is kept: its task, and the table where a task for any table reads a file.

    Examples
    --------
    >>> from mlexp.config.schema import Config, Dataset, Task
    >>> name_of(Config(task=Task("classify"), dataset=Dataset(path="data/my table.csv.gz")))
    'classify-my-table'
    >>> name_of(Config(task=Task("mine"), dataset=Dataset(path="my.csv")))
    'mine'
    """
    name, path = config.task.name, config.dataset.path
    in_memory = config.dataset.reader == "memory"  # its copy is named by its content
    if name not in GENERIC_TASKS or (path is None and not in_memory):
        return name
    file = Path(path or "")
    stem = file.with_suffix("").stem if file.suffix in PACKED else file.stem
    stem = config.dataset.name if in_memory else stem
    table = re.sub(r"[^\w.+=-]+", "-", stem).strip("-.")[:LONGEST].rstrip("-.")
    return f"{name}-{table}" if table else name


def settings(config: Config) -> dict[str, Any]:
    """Return every key that can change a result, with its value as JSON holds it."""
    found: dict[str, Any] = json.loads(json.dumps(recorded.of_results(config), default=str))
    return found


def refuse_edited(path: Path, info: Mapping[str, Any]) -> Config:
    """Return the configuration of a run or sweep folder if it is still the one that its record states.

    Parameters
    ----------
    path : folder of a run or sweep
    info : its record: `settings`, and of a search `chosen`, keys that it set itself

    Raises
    ------
    ConfigError
        If `config.yaml` was edited; the message names the keys.
    """
    config = recorded.read(path / "config.yaml")
    known, chosen = info["settings"], info.get("chosen", {})
    now = settings(config)
    edited = [
        f"{key} is {_shown(now[key])}, not {_shown(value)}"
        for key, value in known.items()
        if key in now and now[key] != value and now[key] != chosen.get(key, value)
    ]
    if edited:
        more = f" and {len(edited) - MOST_NAMED} more" if len(edited) > MOST_NAMED else ""
        raise ConfigError(
            f"{path / 'config.yaml'} was edited since the run began: {'; '.join(edited[:MOST_NAMED])}{more}. Undo that "
            "to resume, or start a new run with the settings you want."
        )
    return config


def _shown(value: Any) -> str:
    return json.dumps(value)[:60]


def continued(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a resumed run adds to its record.

    Raises
    ------
    DataError
        If the data or the split are not those with which it began.
    """
    for what in ("dataset", "split"):
        if earlier[what]["fingerprint"] != now[what]["fingerprint"]:
            raise DataError(
                f"The {what} has changed since the run began (fingerprint {now[what]['fingerprint'][:12]}, then "
                f"{earlier[what]['fingerprint'][:12]}). Bring the data back, or run the task again."
            )
    warnings = []
    if earlier["environment"]["packages"] != now["environment"]["packages"]:
        warnings.append("Resumed with other package versions: the last bits of the figures may differ.")
    if earlier["threads"] != now["threads"]:
        warnings.append(
            f"Resumed with threads={now['threads']}, begun with {earlier['threads']}: the last bits may differ."
        )
    kept = {
        name: earlier[name]
        for name in ("command", "started", "began_in", "settings", "chosen")
        if name in earlier
    }
    return kept | {"resumed": [*earlier.get("resumed", []), now["started"]], "warnings": warnings}
