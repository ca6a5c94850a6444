"""A large forest scored on the way has the numbers of the small ones, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from tests.running import Silent

from mlexp.config import compose as configuration
from mlexp.kinds import KINDS
from mlexp.runs import session
from mlexp.store.result import Result

SIZES = (3, 8, 20)


def ran(*words: str) -> Result:
    config = configuration.compose([*words, "split.judge=false"])
    return KINDS[config.task.kind].study.study(config, session.load(config), Silent())


CLASSES = ["task=classify", "dataset=wine"]
NUMBERS = ["task=regress", "dataset=diabetes"]
STOPPED = ["model.params.early_stopping=true", "model.params.n_iter_no_change=2"]


@pytest.mark.parametrize(
    ("task", "metric", "rows", "model", "key", "more"),
    [
        (CLASSES, "accuracy", "log_loss", "random_forest", "n_estimators", []),
        (NUMBERS, "r2", "squared_error", "random_forest", "n_estimators", []),
        (CLASSES, "accuracy", "log_loss", "hist_gradient_boosting", "max_iter", STOPPED),
        (NUMBERS, "r2", "squared_error", "hist_gradient_boosting", "max_iter", []),
    ],
)
def test_each_size_is_the_forest_fitted_alone(
    task: list[str], metric: str, rows: str, model: str, key: str, more: list[str]
) -> None:
    words = [*task, f"model={model}", *more]
    large = ran(*words, f"model.params.{key}={SIZES[-1]}", f"tune.grow=[{','.join(map(str, SIZES))}]")
    for place, size in enumerate(SIZES):
        alone = ran(*words, f"model.params.{key}={size}")
        for part in ("train", "validation"):
            assert large.tables["grown"][f"{part}_{metric}"][place] == alone.metrics[part][metric]
        assert np.array_equal(large.arrays[f"grown_{rows}"][place], alone.predictions[f"validation_{rows}"])
    assert large.tables["grown"]["size"] == list(SIZES)
