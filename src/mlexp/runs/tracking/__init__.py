"""Other programs that follow a run, beside its folder: TensorBoard, MLflow.

They never change a result, and what they lack never stops a run that has begun: a server that goes away is
reported as a warning, and the run continues without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from mlexp.config.schema import Config
from mlexp.errors import ConfigError, optional

# Backend -> module, its class, the package it needs.
BACKENDS = {
    "tensorboard": ("mlexp.runs.tracking.tensorboard", "TensorBoard", "tensorboardX"),
    "mlflow": ("mlexp.runs.tracking.mlflow", "MLflow", "mlflow"),
}


class TrackingBackend(Protocol):
    """One program that follows a run, or a sweep of runs."""

    errors: tuple[type[Exception], ...]

    def __init__(self, config: Config) -> None:
        """Reach the program; an error of `errors` says that it cannot be reached."""

    def started(self, folder: Path, info: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        """A run, sweep or comparison begins in `folder`, or is resumed there."""

    def epoch(self, row: Mapping[str, float]) -> None:
        """One more epoch is done."""

    def ended(self, folder: Path, status: str, metrics: Mapping[str, float]) -> None:
        """It is over, and everything stands in its folder."""


class Tracker:
    """Passes on what happens, until the other side fails; does nothing without a backend.

    Parameters
    ----------
    config : its node `tracking` says which program
    warn : takes a sentence when the other side has failed

    Raises
    ------
    ConfigError
        The program is not installed, or cannot be reached.
    """

    def __init__(self, config: Config, warn: Callable[[str], None]) -> None:
        self._backend: TrackingBackend | None = None
        self._warn = warn
        name = config.tracking.backend
        if name is None:
            return
        module, word, package = BACKENDS[name]
        optional(package, f"tracking={name}", name)
        make: type[TrackingBackend] = getattr(import_module(module), word)
        try:
            self._backend = make(config)
        except make.errors as error:
            raise ConfigError(
                f"tracking={name} cannot be reached: {_words(error)} Check tracking.uri, or set tracking=none."
            ) from error

    def started(self, folder: Path, info: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        """A run or sweep begins in `folder`; `settings` are its keys with their values."""
        self._call(lambda backend: backend.started(folder, info, settings))

    def epoch(self, row: Mapping[str, float]) -> None:
        """One more epoch is done."""
        self._call(lambda backend: backend.epoch(row))

    def ended(self, folder: Path, status: str, metrics: Mapping[str, float]) -> None:
        """The run is over; `metrics` are its numbers by ``part.name``."""
        self._call(lambda backend: backend.ended(folder, status, metrics))

    def _call(self, what: Callable[[TrackingBackend], None]) -> None:
        if self._backend is None:
            return
        try:
            what(self._backend)
        except self._backend.errors as error:
            self._backend = None
            self._warn(f"Tracking has stopped, the run has not: {_words(error)}")


def flat(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return metrics by ``part.name``, those that are numbers.

    Examples
    --------
    >>> flat({"test": {"accuracy": 0.5, "loss": None}})
    {'test.accuracy': 0.5}
    """
    return {
        f"{part}.{name}": float(value)
        for part, values in metrics.items()
        for name, value in values.items()
        if isinstance(value, int | float)
    }


def _words(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return words[:200].rstrip(".") + "."
