"""Tables at OpenML, by number; downloaded once and kept in the user cache."""

from __future__ import annotations

import warnings
from typing import Any

from mlexp.config import schema
from mlexp.data.cache import cache_folder
from mlexp.data.dataset import Dataset
from mlexp.data.table import Frame, assembled
from mlexp.errors import DataError


def load(wanted: schema.Dataset, data_dir: str | None = None, memory_mb: int = 0) -> Dataset:
    """Load the data set number `openml_id`; its own target column is the label unless `label` names another."""
    assert wanted.openml_id is not None
    where = f"OpenML data set {wanted.openml_id}"
    bunch = download(wanted.openml_id)
    targets = list(bunch.target_names or [])
    return assembled(wanted, Frame(where, bunch.frame), label=targets[0] if targets else None, source=where)


def download(openml_id: int) -> Any:
    """Return scikit-learn's bunch of a data set at OpenML, from the cache where it is there already.

    Raises
    ------
    DataError
        No network, no such number, or an answer that is not a table.
    """
    from sklearn.datasets import fetch_openml

    home = str(cache_folder())
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "A network error occurred")  # said below, in one line
            return fetch_openml(
                data_id=openml_id, as_frame=True, data_home=home, n_retries=1, delay=0.5, parser="auto"
            )
    except OSError as error:
        raise DataError(
            f"OpenML data set {openml_id} is not in the user cache and could not be downloaded ({error}). Check the "
            "network, or try a task that needs no download: mlexp task=digits_mlp"
        ) from error
    except ValueError as error:
        raise DataError(
            f"OpenML data set {openml_id} cannot be used: {str(error).splitlines()[0]}"
        ) from error
