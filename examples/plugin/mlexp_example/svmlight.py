"""Rows in the format of svmlight and LIBSVM: ``label column:value column:value ...``, columns from 1."""

from __future__ import annotations

from mlexp.config import schema
from mlexp.data.dataset import Dataset, Raw, assemble
from mlexp.data.packed import existing
from mlexp.errors import DataError


def load(wanted: schema.Dataset, data_dir: str | None, memory_mb: int) -> Dataset:
    """Read all rows; columns that a row leaves out are 0.

    Raises
    ------
    DataError
        The file is missing, is not in this format, or needs more than `memory_mb`.
    """
    from sklearn.datasets import load_svmlight_file

    path = existing(str(wanted.path), key="dataset.path", what="a file of svmlight format")
    try:
        X, y = load_svmlight_file(str(path))
    except ValueError as error:
        raise DataError(f"{path} is not in svmlight format: {error}. Correct it.") from error
    if (megabytes := 8 * X.shape[0] * X.shape[1] / 1e6) > memory_mb:
        raise DataError(
            f"{path} needs {megabytes:,.0f} MB; memory_mb={memory_mb} allows less. Raise memory_mb."
        )
    labels = y.astype("int64") if wanted.target == "classes" else y
    return assemble(
        wanted, Raw(X.toarray(), labels), where=str(path), source="a file of the user's (svmlight)"
    )
