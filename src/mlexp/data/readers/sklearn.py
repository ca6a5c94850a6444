"""The small real data sets that come with scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlexp.config import schema
from mlexp.data.dataset import Dataset, Raw, assemble
from mlexp.errors import ConfigError, did_you_mean

BUNDLED = ("digits", "iris", "wine", "breast_cancer", "diabetes")


def load(wanted: schema.Dataset, data_dir: str | None = None, memory_mb: int = 0) -> Dataset:
    """Load the data set of scikit-learn that `wanted.name` names."""
    if wanted.name not in BUNDLED:
        raise ConfigError(
            f"dataset.name must be one of {', '.join(BUNDLED)} with dataset.reader=sklearn. "
            f"Got {wanted.name!r}.{did_you_mean(wanted.name, BUNDLED)}"
        )
    import sklearn.datasets

    unscaled = {"scaled": False} if wanted.name == "diabetes" else {}
    bunch: Any = getattr(sklearn.datasets, f"load_{wanted.name}")(**unscaled)
    pictures = wanted.name == "digits"
    # The pixels of digits are counts from 0 to 16, stored as float64 for no reason.
    X = bunch.data.astype(np.uint8) if pictures else np.asarray(bunch.data, np.float64)
    return assemble(
        wanted,
        Raw(X, bunch.target),
        feature_names=tuple(str(name) for name in bunch.feature_names),
        image_shape=(8, 8) if pictures else None,
        pixel_max=16.0 if pictures else None,
        names=tuple(str(name) for name in bunch.get("target_names", ())),
        where=f"data set '{wanted.name}'",
        source="bundled with scikit-learn",
    )
