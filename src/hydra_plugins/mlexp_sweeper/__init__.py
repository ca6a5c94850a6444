"""The sweeper that puts ``mlexp -m`` on `mlexp.sweeps`; Hydra finds it by its place."""

from __future__ import annotations

from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class MlexpSweeper(Sweeper):
    """Hands the settings as typed to the program, which plans and runs the jobs itself."""

    def __init__(self, params: dict[str, str] | None = None) -> None:
        self.params = dict(params or {})

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what is called with the settings."""
        self.task_function: Any = task_function

    def sweep(self, arguments: list[str]) -> None:
        """Call the program with the settings of `hydra.sweeper.params` and of the command line, not yet expanded."""
        self.task_function([*(f"{key}={values}" for key, values in self.params.items()), *arguments])


ConfigStore.instance().store(
    group="hydra/sweeper",
    name="mlexp",
    node={"_target_": "hydra_plugins.mlexp_sweeper.MlexpSweeper", "params": None},
    provider="mlexp",
)
