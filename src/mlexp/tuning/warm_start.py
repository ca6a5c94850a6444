"""Settings that share one warm-started forest: a large one contains all smaller ones of the same seed."""

from __future__ import annotations

from typing import Any

from mlexp import models
from mlexp.config.schema import Config
from mlexp.tuning.space import Setting

COUNTS = {
    "RandomForest": "n_estimators",
    "ExtraTrees": "n_estimators",
    "GradientBoosting": "n_estimators",
    "HistGradientBoosting": "max_iter",
}


def counted(config: Config, setting: Setting | None = None) -> str | None:
    """Return the key with the number of trees of a model that is built tree by tree; None if it is not varied.

    Parameters
    ----------
    config : the configuration of the search
    setting : keys of one trial; None: whether or not the number is varied
    """
    name = str((setting or {}).get("model.name", config.model.name))
    known: dict[str, str] = models.MODELS.get(config.task.kind, {})
    family = known.get(name, name).rpartition(".")[2].removesuffix("Classifier").removesuffix("Regressor")
    if family not in COUNTS:
        return None
    key = f"model.params.{COUNTS[family]}"
    if setting is None:
        return key
    value: Any = setting.get(key)
    return key if isinstance(value, int) else None
