"""Calculations small enough to follow by hand, each derived in symbols and numbers and checked by other means."""

from __future__ import annotations

from mlexp.config.schema import Config
from mlexp.data.dataset import Dataset
from mlexp.kinds.by_hand.backprop import backprop, softmax_regression
from mlexp.kinds.by_hand.kmeans import kmeans
from mlexp.kinds.by_hand.margin import svm
from mlexp.kinds.by_hand.mixture import em
from mlexp.kinds.by_hand.pca import pca
from mlexp.kinds.by_hand.residual import residual
from mlexp.kinds.by_hand.settings import ByHand
from mlexp.kinds.observer import Observer
from mlexp.store.result import Result

CALCULATIONS = {
    "backprop": backprop, "softmax": softmax_regression, "svm": svm, "residual": residual, "pca": pca,
    "kmeans": kmeans, "em": em,
}  # fmt: skip


def study(config: Config, dataset: Dataset, observer: Observer) -> Result:
    """Carry out the calculation `by_hand.calculation`, with every intermediate value in a table."""
    return CALCULATIONS[config.of(ByHand).calculation](config, dataset, observer)
