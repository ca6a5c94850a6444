"""What a study reports to the session that runs it: its plan, its epochs, its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class RunPlan:
    """What is about to run, known once everything has been checked and before any work.

    Attributes
    ----------
    dataset : name, rows, features, classes, origin and fingerprint of the data
    split : set -> number of samples, and the fingerprint of the split
    preparation : the preparation fitted on the training set
    model : one row a layer, as `nn.network.Network.summary` describes it
    n_parameters, n_biases : number of parameters that are trained, and how many of them are biases
    epochs : maximum number, or None for a model without epochs
    notes : what the user should know before it starts, such as the expected time
    """

    dataset: dict[str, Any]
    split: dict[str, Any]
    preparation: dict[str, Any] = field(default_factory=dict)
    model: list[dict[str, Any]] = field(default_factory=list)
    n_parameters: int | None = None
    n_biases: int | None = None
    epochs: int | None = None
    notes: list[str] = field(default_factory=list)


def features_in_words(n_features: int, preparation: Mapping[str, Any]) -> str:
    """Describe the number of features, before and after the steps of the preparation.

    Examples
    --------
    >>> features_in_words(4, {"one_hot": {"features": 14339}, "scale": "standard"})
    '4 features → 14,339 after one-hot'
    """
    made = [
        f"{preparation[step]['features']:,} after {'selection' if step == 'select' else step.replace('_', '-')}"
        for step in ("one_hot", "polynomial", "select")
        if step in preparation
    ]
    return " → ".join([f"{n_features:,} feature{'s' * (n_features != 1)}", *made])


def parameters_in_words(n_parameters: int, n_biases: int | None) -> str:
    """Describe the size of a network; `n_biases` is None where it was not recorded.

    Examples
    --------
    >>> parameters_in_words(168325, 275), parameters_in_words(21, 1), parameters_in_words(20, 0)
    ('168,325 parameters, 275 of them biases', '21 parameters, 1 of them a bias', '20 parameters')
    """
    words = f"{n_parameters:,} parameters"
    return f"{words}, {n_biases:,} of them {'a bias' if n_biases == 1 else 'biases'}" if n_biases else words


class Observer(Protocol):
    """Follows one run."""

    def started(self, plan: RunPlan) -> None:
        """Everything is checked and the work begins. Called exactly once."""

    def epoch(self, row: Mapping[str, float], seconds: float) -> None:
        """An epoch has ended."""

    def diagnosis(self, row: Mapping[str, float]) -> None:
        """The layers were looked at after an epoch: `nn.recording.look`."""

    def stop_requested(self) -> bool:
        """Return whether the run should end after this epoch."""
        ...

    def checkpoint(self, arrays: Callable[[], dict[str, np.ndarray]]) -> None:
        """Offer the state after an epoch, from which a killed run can be resumed."""

    def checkpointed(self) -> dict[str, np.ndarray] | None:
        """Return the state that an earlier, unfinished run left; None to start from the beginning."""
        ...
