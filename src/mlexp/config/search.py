"""The keys of the node `tune`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlexp.config.names import STRATEGIES
from mlexp.config.rules import (
    boolean,
    choice,
    key,
    list_of,
    lower_text,
    mapping,
    number,
    optional,
    path_text,
    whole,
)


@dataclass
class Tune:
    """Hyperparameter search: settings are compared on the validation set; the best one is trained and tested."""

    strategy: str | None = key(None, optional(choice(*STRATEGIES)), "search strategy; null: no search")
    space: dict[str, Any] = key(
        {}, mapping(), "key of model or prepare -> list of values, or {low, high, log}; null removes a key"
    )
    metric: str | None = key(
        None,
        optional(lower_text()),
        "metric on the validation set; null: accuracy for classification, R² for regression, MSE for autoencoders",
    )
    budget: int | None = key(
        None,
        optional(whole(2)),
        "number of settings to try; null: all of a finite space (half of it for random and bayes), otherwise 24",
    )
    first: int | None = key(
        None, optional(whole(1)), "use only this many values of each listed key, the first ones"
    )
    folds: int | None = key(
        None, optional(whole(2)), "number of folds for cross-validation; null: use the validation set"
    )
    epochs: int | None = key(
        None, optional(whole(1)), "maximum number of epochs of a trial; null: model.epochs"
    )
    refit: str = key(
        "train",
        choice("train", "all"),
        "train the selected setting on the training set, or on all samples outside the test set for the number of "
        "epochs found",
    )
    eta: int = key(3, whole(2), "halving: keep 1/eta of the settings each round, with eta times the epochs")
    batch: int = key(
        4, whole(1), "bayes: number of settings proposed at a time, each batch based on the earlier ones"
    )
    prune: bool = key(
        True, boolean(), "bayes: stop a trial whose loss is worse than the median of earlier ones"
    )
    journal: str | None = key(
        None,
        optional(path_text()),
        "bayes: file to share trials between searches on several machines",
    )
    give_up: list[Any] = key(
        [],
        list_of(list_of(number(), what=""), what="a list of [epoch, loss]"),
        "stop training if the validation loss after that epoch is above that value; set by bayes",
    )
    grow: list[Any] = key(
        [],
        list_of(whole(1), what="a list of whole numbers from 1"),
        "sizes at which a warm-started forest is scored",
    )
