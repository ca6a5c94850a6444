"""The keys of the node `by_hand`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlexp.config.names import CALCULATIONS, LOSSES
from mlexp.config.rules import choice, either, key, list_of, number, optional, whole

NUMBERS = list_of(number(), what="a list of numbers")


@dataclass
class ByHand:
    """A calculation small enough to follow by hand."""

    calculation: str = key("backprop", choice(*CALCULATIONS), "calculation to carry out")
    x: Any = key(
        None,
        optional(list_of(either(number(), NUMBERS), what="a list of numbers, or of rows of them")),
        "rows: a list of numbers, or of lists of them; null: those of the data set, else an example",
    )
    y: Any = key(
        None,
        optional(list_of(either(number(), NUMBERS), what="a list of numbers, or of rows of them")),
        "backprop, softmax: targets, or classes from 0; svm: classes -1 and 1; null: of the data set, else an example",
    )
    weights: Any = key(
        None,
        optional(NUMBERS),
        "backprop, softmax: initial parameters, layer by layer the weights row by row, then the biases; null: "
        "0.1, 0, 0.2, 0 for a network of one unit and one input, else drawn from seed",
    )
    loss: str = key(
        "mse", choice(*LOSSES, "cross_entropy", "binary_cross_entropy"), "backprop: loss of the network"
    )
    new_points: Any = key([], list_of(NUMBERS, what="a list of rows of numbers"), "svm: points to classify")
    centres: Any = key(
        None,
        optional(list_of(either(number(), NUMBERS), what="a list of numbers, or of rows of them")),
        "kmeans, em: initial centres or means, one per row; null: the first and the last sample",
    )
    variance: float = key(
        1.0, number(0, open_low=True), "em: initial variance of every component in every direction"
    )
    width: int = key(5, whole(1), "residual: length of x")
    hidden: int = key(7, whole(1), "residual: length of h")
    variant: int | None = key(
        None,
        optional(whole(0)),
        "exercise: draw other numbers from this seed, in place of those that are not typed",
    )
    answers: str = key(
        "auto",
        choice("auto", "shown", "folded"),
        "solution on the page; auto: folded for an exercise (by_hand.variant), else shown",
    )


KEYS = ByHand
