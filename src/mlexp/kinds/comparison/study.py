"""A comparison is many runs, which `mlexp.comparisons` makes; as one run it is refused."""

from __future__ import annotations

from mlexp.config.schema import Config
from mlexp.errors import ConfigError


def check(config: Config) -> None:
    """Refuse."""
    raise ConfigError(
        f"task={config.task.name} is a comparison of many runs, not a single run. Start it on the command "
        "line without -m, or type task.kind=classification (or the kind that an arm runs) for a single run."
    )
