"""Learning-rate schedules: pure functions of the epoch and of the validation losses so far.

A schedule gives the factor that multiplies the base learning rate in epoch `epoch`, counted from 1.
`losses` are the losses of the epochs before it (validation where there is one, else training); only
`on_plateau` looks at them. Nothing is stored, so a resumed run needs nothing but its history.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Schedule = Callable[[int, Sequence[float]], float]


def constant() -> Schedule:
    """Keep the rate.

    Examples
    --------
    >>> constant()(7, [])
    1.0
    """
    return lambda epoch, losses: 1.0


def step(every: int = 30, factor: float = 0.1) -> Schedule:
    """Multiply by `factor` after each `every` epochs: factor^floor((epoch - 1) / every).

    Examples
    --------
    >>> [step(2, 0.5)(epoch, []) for epoch in (1, 2, 3, 5)]
    [1.0, 1.0, 0.5, 0.25]
    """
    return lambda epoch, losses: factor ** ((epoch - 1) // every)


def exponential(factor: float = 0.95) -> Schedule:
    """Multiply by `factor` after each epoch: factor^(epoch - 1).

    Examples
    --------
    >>> [exponential(0.5)(epoch, []) for epoch in (1, 2, 3)]
    [1.0, 0.5, 0.25]
    """
    return lambda epoch, losses: factor ** (epoch - 1)


def cosine(epochs: int, floor: float = 0.0) -> Schedule:
    """Fall from 1 to `floor` over `epochs` epochs along half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983).

    floor + (1 - floor) (1 + cos(pi min(epoch - 1, epochs) / epochs)) / 2

    Examples
    --------
    >>> [round(cosine(2)(epoch, []), 3) for epoch in (1, 2, 3, 4)]
    [1.0, 0.5, 0.0, 0.0]
    """

    def factor(epoch: int, losses: Sequence[float]) -> float:
        return floor + (1 - floor) * (1 + math.cos(math.pi * min(epoch - 1, epochs) / epochs)) / 2

    return factor


def warm_up(epochs: int = 5, then: Schedule | None = None) -> Schedule:
    """Rise evenly to 1 over the first `epochs` epochs, epoch / epochs, then follow another schedule.

    Examples
    --------
    >>> [warm_up(2)(epoch, []) for epoch in (1, 2, 3)]
    [0.5, 1.0, 1.0]
    """

    def factor(epoch: int, losses: Sequence[float]) -> float:
        if epoch <= epochs:
            return epoch / epochs
        return 1.0 if then is None else then(epoch - epochs, losses[epochs:])

    return factor


def on_plateau(factor: float = 0.1, patience: int = 10, threshold: float = 1e-4) -> Schedule:
    """Multiply by `factor` when more than `patience` epochs bring no loss below (1 - threshold) times the best.

    The rule of PyTorch's `ReduceLROnPlateau` with its defaults: relative threshold, no cool-down.

    Examples
    --------
    >>> on_plateau(0.5, patience=1)(5, [1.0, 0.9, 0.9, 0.9])
    0.5
    """

    def reduced(epoch: int, losses: Sequence[float]) -> float:
        best, bad, rate = math.inf, 0, 1.0
        for loss in losses:
            if loss < best * (1 - threshold):
                best, bad = loss, 0
            else:
                bad += 1
            if bad > patience:
                rate, bad = rate * factor, 0
        return rate

    return reduced


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "constant": constant,
    "step": step,
    "exponential": exponential,
    "cosine": cosine,
    "warm_up": warm_up,
    "on_plateau": on_plateau,
}
