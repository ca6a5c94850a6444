"""The keys of the node `data_needed`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlexp.config.rules import choice, either, key, list_of, number, whole


@dataclass
class DataNeeded:
    """Learning curve by number of training samples."""

    sizes: Any = key(
        "auto",
        either(
            choice("auto"),
            list_of(
                either(whole(1), number(0, 1, open_low=True)), what="a list of numbers of samples or shares"
            ),
        ),
        "sizes of the training set, as numbers of samples or shares of all; auto: six, each half of the next",
    )
    repeats: int = key(5, whole(2), "number of random subsets of each size")


KEYS = DataNeeded
