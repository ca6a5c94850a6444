"""The kinds of study, a row each; what a kind needs stands in the folder of its name.

To add one: a folder `mlexp/kinds/NAME/`, a row here, and a task file in `mlexp/conf/task/`. The folder holds

    study.py    `study(config, dataset, observer) -> Result`; `studies(...)` where several train as one stack;
                `check(config)`, what can be said before data are read
    figures.py  `FIGURES`: name -> what draws it from the run folder, and its words
    answer.py   `QUESTION`, `answer(study)`: sentences and key figures from the run folder
    settings.py `KEYS`: the dataclass of its own keys, for a row with a `node`

`settings.py` is imported with the schema of the configuration, `study.py` when a run starts, the others when its page
is made: this module imports none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mlexp.config import names

if TYPE_CHECKING:
    from mlexp.config.schema import Config


@dataclass(frozen=True)
class Kind:
    """What the rest of the program knows of a kind of study.

    Attributes
    ----------
    name : in `task.kind`; its folder
    node : key of the configuration that only this kind reads, such as `clustering`; empty for none
    needs_labels : whether it needs a label; others use one only if it is named
    searches : whether its settings can be chosen on a validation set
    compares : whether its runs can be the arms of a comparison
    part : whose scores are compared by default; `all` where the rows are not divided
    metrics : metrics that it records besides those whose row in `mlexp.metrics.table` names it; the first is the
        default of its searches and comparisons
    stacks : whether its networks can train side by side
    package : where its modules are; `mlexp.kinds.NAME` unless it is somebody else's
    """

    name: str
    node: str = ""
    needs_labels: bool = True
    searches: bool = False
    compares: bool = False
    part: str = "test"
    metrics: tuple[str, ...] = ()
    stacks: bool = False
    package: str = ""

    @property
    def settings(self) -> ModuleType:
        """What declares its keys, for a kind with a node."""
        return self._module("settings")

    @property
    def study(self) -> ModuleType:
        """What runs it."""
        return self._module("study")

    @property
    def figures(self) -> ModuleType:
        """What draws its runs."""
        return self._module("figures")

    @property
    def answer(self) -> ModuleType:
        """What puts its runs into sentences."""
        return self._module("answer")

    def _module(self, name: str) -> ModuleType:
        return import_module(f"{self.package or f'{__name__}.{self.name}'}.{name}")


ROWS = (
    Kind("classification", searches=True, compares=True, stacks=True),
    Kind("regression", searches=True, compares=True),
    Kind("autoencoder", "autoencoder", searches=True, compares=True),
    Kind("features", "features"),
    Kind("layers", "layers"),
    Kind("data_needed", "data_needed"),
    Kind("explore", "explore", needs_labels=False),
    Kind("by_hand", "by_hand"),
    Kind("clustering", "clustering", needs_labels=False, compares=True, part="all"),
    Kind("embedding", "embedding", needs_labels=False, compares=True, part="all"),
    Kind("comparison", "comparison"),
)
KINDS: dict[str, Kind] = names.KINDS
KINDS |= {kind.name: kind for kind in ROWS}
MORE_FIGURES: dict[str, dict[str, Any]] = {}  # kind -> name -> Drawing, of plugins


def check(config: Config) -> None:
    """Check the model of a configuration as far as that goes without rows.

    Raises
    ------
    ConfigError
        The model does not serve this kind of study, or a parameter is unknown or out of range.
    """
    if checked := getattr(KINDS[config.task.kind].study, "check", None):
        checked(config)
