"""What clustering and embedding share: samples without a split, methods by name, their cost and fitting."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mlexp import models
from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.data.preparation import Preparation, fitted
from mlexp.data.rows import Rows
from mlexp.data.split import Part
from mlexp.errors import ConfigError
from mlexp.kinds.observer import Observer, RunPlan
from mlexp.kinds.sets import described
from mlexp.models.guarded import guarded

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
    """Fits one estimator after the other; keeps the times and the warnings of scikit-learn."""

    config: Config
    observer: Observer
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def run(self, what: str, method: str, work: Callable[[], Any]) -> np.ndarray:
        """Return the array that `work` returns; `what` names it in times and messages."""
        if self.observer.stop_requested():
            raise KeyboardInterrupt(
                f"Stopped before {what}; a study of this kind restarts from the beginning."
            )
        begun = time.perf_counter()
        with guarded(what, own_params(self.config, method)) as said:
            done = np.asarray(work())
            if done.dtype.kind not in "biuf":
                raise TypeError(f"it gives no array of numbers but {done.dtype} of shape {done.shape}")
        self.seconds[what] = round(time.perf_counter() - begun, 3)
        self.warnings += [f"{what}: {words}" for words in said]
        return done


def prepared(
    config: Config, dataset: Dataset, rows: np.ndarray, dtype: Any
) -> tuple[np.ndarray, Preparation]:
    """Return some samples of the main set, prepared, and the preparation fitted on them."""
    part = Part(Rows(dataset.X, rows), dataset.y[rows], rows)
    preparation = fitted(part, dataset, config.prepare, dtype=dtype, memory_mb=config.memory_mb)
    return np.asarray(preparation.rows(part.X)), preparation


def distinct(X: np.ndarray) -> int:
    """Return the number of distinct rows.

    Examples
    --------
    >>> distinct(np.array([[0.0, 1.0], [-0.0, 1.0], [2.0, 1.0]]))
    2
    """
    return len({hashlib.blake2b((row + 0.0).tobytes(), digest_size=16).digest() for row in X})


def methods(config: Config, named: Sequence[str]) -> list[str]:
    """Return the `named` methods, or the model of the run if there are none."""
    models.class_path(config.model.name, config.task.kind, config.trusted_packages)
    return list(dict.fromkeys(named)) or [config.model.name]


def own_params(config: Config, method: str) -> dict[str, Any]:
    """Return the `model.params` of a method: all if they apply to its model, else none."""
    return dict(config.model.params) if MODEL.get(method, method) == config.model.name else {}


def build(config: Config, method: str, **params: Any) -> Any:
    """Return the unfitted estimator of a method; `model.params` apply only to the model of the run."""
    own = own_params(config, method)
    return models.build(
        replace(config.model, name=MODEL.get(method, method), params=own),
        config.task.kind,
        seed=config.seed,
        threads=config.threads,
        trusted=config.trusted_packages,
        **{key: value for key, value in params.items() if key not in own},
    )


def parameters(estimator: Any) -> dict[str, Any]:
    """Return what a fitted estimator was given, as far as a record can hold it, and the iterations that it took."""
    given = {
        name: value
        for name, value in estimator.get_params(deep=False).items()
        if value is None
        or isinstance(value, bool | int | str)
        or (isinstance(value, float) and np.isfinite(value))
    }
    taken = getattr(estimator, "n_iter_", None)
    return given | ({"iterations": int(taken)} if isinstance(taken, int | np.integer) else {})


def costs(rows: dict[str, int], memory_mb: int, cure: str) -> list[str]:
    """Estimate time and memory of the expensive methods, before they start.

    Parameters
    ----------
    rows : method -> number of rows
    memory_mb : limit of memory
    cure : how to lower the memory need, in words

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
                f"{method} on {n:,} samples needs about {megabytes:,.0f} MB; more than memory_mb={memory_mb}. "
                f"{cure}, or raise memory_mb."
            )
        if seconds > 5 or megabytes > 200:
            memory = f" and {megabytes:,.0f} MB" if size else ""
            sentences.append(f"{method} on {n:,} samples: about {seconds:,.0f} s{memory} on one core")
    return sentences


def plan(dataset: Dataset, split: dict[str, Any], preparation: dict[str, Any], notes: list[str]) -> RunPlan:
    """Return what is about to run."""
    return RunPlan(dataset=described(dataset), split=split, preparation=preparation, notes=notes)
