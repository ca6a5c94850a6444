"""What clustering and embedding share: rows without a split, methods by name, their cost, how they are fitted."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mlexp import models
from mlexp.data.chain import Preparation, fitted
from mlexp.data.dataset import Dataset, Part
from mlexp.data.rows import Rows
from mlexp.errors import ConfigError, DataError
from mlexp.observer import Observer, Plan
from mlexp.schema import Config
from mlexp.tasks.parts import described

# Method of the configuration -> model of the closed table, where the two differ.
MODEL = {"spectral_neighbors": "spectral", "spectral_gaussian": "spectral"}
# Method -> bytes and nanoseconds a pair of rows, measured on 2,000 to 5,000 rows of 113 features (2026, one core).
PAIRS = {
    "mds": (53, 2200),
    "isomap": (25, 320),
    "spectral": (35, 220),
    "spectral_gaussian": (35, 220),
    "agglomerative": (9, 60),
}
SECONDS_A_ROW = {"tsne": 0.01, "lle": 0.0005}


@dataclass
class Fits:
    """Fits one estimator after the other; keeps the seconds and what scikit-learn warned of."""

    observer: Observer
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def run(self, what: str, work: Callable[[], Any]) -> Any:
        """Return what `work` returns; `what` names it in times and messages."""
        if self.observer.stop_requested():
            raise KeyboardInterrupt(f"Stopped before {what}; such a study starts from its beginning again.")
        begun = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                done = work()
            except (ValueError, np.linalg.LinAlgError) as error:
                reason = str(error).splitlines()[0].rstrip(".")
                raise DataError(
                    f"{what} cannot be fitted to these rows: {reason}. Try other model.params or rows."
                ) from error
        self.seconds[what] = round(time.perf_counter() - begun, 3)
        for words in dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught):
            self.warnings.append(f"{what}: {words}")
        return done


def prepared(
    config: Config, dataset: Dataset, rows: np.ndarray, dtype: Any
) -> tuple[np.ndarray, Preparation]:
    """Return some rows of the main part, prepared by what is fitted on them, and what was fitted."""
    part = Part(Rows(dataset.X, rows), dataset.y[rows], rows)
    preparation = fitted(part, dataset, config.prepare, dtype=dtype)
    return np.asarray(preparation.rows(part.X)), preparation


def methods(config: Config, named: Sequence[str]) -> list[str]:
    """Return the methods of the run, the model of the run where no others are `named`."""
    models.class_path(config.model.name, config.task.kind, config.trusted_packages)
    return list(dict.fromkeys(named)) or [config.model.name]


def build(config: Config, method: str, **params: Any) -> Any:
    """Return the unfitted estimator of a method; `model.params` go to the model that they were written for."""
    name = MODEL.get(method, method)
    own = dict(config.model.params) if name == config.model.name else {}
    return models.build(
        replace(config.model, name=name, params=own),
        config.task.kind,
        seed=config.seed,
        threads=config.threads,
        trusted=config.trusted_packages,
        **{key: value for key, value in params.items() if key not in own},
    )


def costs(rows: dict[str, int], memory_mb: int, cure: str) -> list[str]:
    """Say what the expensive methods will take, before they start.

    Parameters
    ----------
    rows : method -> number of rows
    memory_mb : limit of memory
    cure : what to do about a method that needs more, in words

    Raises
    ------
    ConfigError
        A method would need more memory than the limit.
    """
    sentences = []
    for method, n in rows.items():
        size, nanoseconds = PAIRS.get(method, (0, 0))
        seconds = nanoseconds * n * n / 1e9 + SECONDS_A_ROW.get(method, 0) * n
        megabytes = size * n * n / 1e6
        if megabytes > memory_mb:
            raise ConfigError(
                f"{method} on {n:,} rows needs about {megabytes:,.0f} MB; memory_mb={memory_mb} allows less. "
                f"{cure}, or raise memory_mb."
            )
        if seconds > 5 or megabytes > 200:
            memory = f" and {megabytes:,.0f} MB" if size else ""
            sentences.append(f"{method} on {n:,} rows: about {seconds:,.0f} s{memory} on one core")
    return sentences


def plan(dataset: Dataset, split: dict[str, Any], preparation: dict[str, Any], notes: list[str]) -> Plan:
    """Return what is about to run."""
    return Plan(dataset=described(dataset), split=split, preparation=preparation, notes=notes)
