"""The keys of the node `comparison`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlexp.config.names import KINDS, TESTS
from mlexp.config.rules import (
    boolean,
    choice,
    choice_of,
    either,
    key,
    list_of,
    lower_text,
    mapping,
    number,
    optional,
    text,
    whole,
)


@dataclass
class Comparison:
    """The settings to compare, and how often each is run."""

    of: str | None = key(
        None,
        optional(choice_of(KINDS, lambda kind: kind.compares)),
        "kind of study that each arm runs; null: determined by the model",
    )
    arms: dict[str, Any] = key({}, mapping(), "name of an arm -> its settings; null removes the arm")
    grid: dict[str, Any] = key({}, mapping(), "key -> list of values: one arm per combination")
    first: int | None = key(None, optional(whole(2)), "run only this many arms, the first ones")
    datasets: list[Any] = key(
        [],
        list_of(either(text(), mapping()), what="a list of data sets"),
        "data sets that every arm is run on: names as in dataset=, files, openml:NUMBER, or settings such as "
        "{dataset: moons, dataset.noise: 0.3}; []: only the data set of the task",
    )
    seeds: Any = key(
        "auto",
        either(choice("auto", "until_settled"), whole(1), list_of(whole(0), what="a list of seeds")),
        "seeds per arm, as a number or a list; auto: 10, or 1 with folds, repeats or draws; until_settled: "
        "interim analyses at prespecified levels, stopping once every difference is settled",
    )
    max_seeds: int | None = key(
        None,
        optional(whole(2)),
        "until_settled: maximum number of seeds per arm; null: 30, with interim analyses at 5, 10, 15, 20 and 30",
    )
    folds: int | None = key(
        None, optional(whole(2)), "number of folds of cross-validation, the same for every arm"
    )
    repeats: int = key(
        1,
        whole(1),
        "number of random splits (split.seed), or of repetitions of the cross-validation; the same for every arm",
    )
    draws: int = key(1, whole(1), "number of generated data sets (dataset.seed), the same for every arm")
    metric: str | None = key(
        None,
        optional(lower_text()),
        "metric to compare, written SET.NAME, such as test.accuracy; null: the default of the kind of study",
    )
    choose: bool = key(
        False,
        boolean(),
        "name the arm with the best mean on the validation set as the choice, order the arms by that, and let the test "
        "set judge; for the arms of one data set",
    )
    test: str = key(
        "auto", choice("auto", *TESTS), "statistical test of a difference; auto: determined by the design"
    )
    alpha: float = key(
        0.05,
        number(0, 0.5, open_low=True, open_high=True),
        "significance level: family-wise error rate over all pairs",
    )
    margin: float | None = key(
        None,
        optional(number(0, open_low=True)),
        "equivalence margin: largest difference that counts as equal, in units of the metric, fixed in advance; "
        "null: no equivalence test",
    )
    target: float = key(
        0.97,
        number(0, 1),
        "target accuracy for the number of epochs to reach it; where no arm does, a level that two arms reach",
    )
    epochwise: bool = key(
        False,
        boolean(),
        "also give the test over the epochs of a single run that some reports print, marked as not valid",
    )
    tune_arms: Any = key(
        False,
        either(boolean(), choice("none", "once", "each")),
        "tune the arms on the validation set, with equal budgets (node tune); once: once per arm, settings then fixed; "
        "each: again in each run; true: once, false: none",
    )


KEYS = Comparison
