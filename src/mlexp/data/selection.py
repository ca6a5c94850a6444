"""Selection of features by what the label depends on, each feature alone; fitted on the training set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlexp.config import schema
from mlexp.data.dataset import Dataset
from mlexp.errors import ConfigError

MOST_NAMED = 50  # features that the record names
NEIGHBOURS = 3  # of the estimate of mutual information


def fitted(X: np.ndarray, y: np.ndarray, dataset: Dataset, wanted: schema.Prepare) -> tuple[Any, np.ndarray]:
    """Return a fitted transformer that keeps the selected columns, and their positions in ascending order.

    Of equal scores the first column is kept; a column of one value is kept last.

    Parameters
    ----------
    X, y : rows of the training set, float64 of shape (n_rows, n_features), and their labels
    dataset : their data set, which says whether labels are classes
    wanted : `select`, a number or share of the columns, and `select_by`

    Raises
    ------
    ConfigError
        More features are to be kept than there are.
    """
    n_features = X.shape[1]
    size = max(1, round(wanted.select * n_features)) if isinstance(wanted.select, float) else wanted.select
    if size > n_features:
        raise ConfigError(
            f"prepare.select must be at most {n_features:,}, the number of features here. Got {size:,}."
        )
    strength = scores(X, y, wanted.select_by, classes=dataset.n_classes > 0)
    kept = np.sort(np.argsort(-strength, kind="stable")[:size])
    return _keeping(X, kept), kept


def scores(X: np.ndarray, y: np.ndarray, by: str, *, classes: bool) -> np.ndarray:
    """Return what each column tells of the label, more being more: the F statistic, or mutual information in nats.

    F of an analysis of variance for classes, of a simple linear regression for numbers; mutual information by nearest
    neighbours (A. Kraskov, H. Stoegbauer and P. Grassberger, Phys. Rev. E 69 (2004) 066138,
    doi:10.1103/PhysRevE.69.066138; B. C. Ross, PLoS ONE 9 (2014) e87357, doi:10.1371/journal.pone.0087357).

    Returns
    -------
    float array of shape (n_features,)
        −1 for a column of one value.
    """
    from sklearn.feature_selection import f_classif, f_regression, mutual_info_classif, mutual_info_regression

    varies = X.max(axis=0) > X.min(axis=0)
    found = np.full(X.shape[1], -1.0)
    if not varies.any() or len(np.unique(y)) < 2:
        return found
    columns = X[:, varies]
    if by == "mutual_information":
        estimate = mutual_info_classif if classes else mutual_info_regression
        k = min(NEIGHBOURS, len(X) - 1)
        found[varies] = estimate(columns, y, discrete_features=False, n_neighbors=k, random_state=0)
        return found
    with np.errstate(divide="ignore", invalid="ignore"):
        values = (f_classif if classes else f_regression)(columns, y)[0]
    found[varies] = np.nan_to_num(values, nan=0.0, posinf=np.finfo(np.float64).max)
    return found


def record(kept: np.ndarray, names: Sequence[str], by: str) -> dict[str, Any]:
    """Return what the record of the preparation says: how many of how many features, by what, and which."""
    return {
        "features": len(kept),
        "of": len(names),
        "by": by,
        "names": [names[place] for place in kept[:MOST_NAMED]],
        "kept": f"kept {len(kept)} of {len(names)} features by {by.replace('_', ' ')}",
    }


def _keeping(X: np.ndarray, kept: np.ndarray) -> Any:
    """Return a transformer to the columns `kept`: one of no function, which the file of a model can hold."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import StandardScaler

    unchanged = StandardScaler(with_mean=False, with_std=False)
    columns = [("selected", unchanged, kept.tolist())]
    return ColumnTransformer(columns, verbose_feature_names_out=False).fit(X)
