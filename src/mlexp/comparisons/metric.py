"""What is compared: a part and a measure, which way is better, and how it is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlexp import metrics, stats
from mlexp.config.names import LOWER_IS_BETTER
from mlexp.errors import ConfigError, did_you_mean

# Kind of study -> what its runs are judged by. Of the measures of a regression, only mae is a mean over rows.
DEFAULT = {
    "classification": "test.accuracy",
    "regression": "test.mae",
    "clustering": "all.ari",
    "embedding": "all.trustworthiness",
    "autoencoder": "test.mse",
}
# Over several data sets a measure must not be in the unit of each target.
DEFAULT_OF_SUITE = {"regression": "test.r2"}
IN_UNITS_OF_TARGET = ("mae", "rmse", "mse")
RECORDED = {
    "classification": (
        "accuracy", "loss", "macro_precision", "macro_recall", "macro_f1", "weighted_precision", "weighted_recall",
        "weighted_f1",
    ),
    "regression": ("mae", "rmse", "r2"),
}  # fmt: skip
# Measure that is a mean over rows -> what `predictions.npz` keeps of every row.
ROWS = {"accuracy": "correct", "loss": "log_loss", "mae": "absolute_error", "mse": "squared_error"}
SHARES = ("accuracy", "purity")
Statistic = Callable[[np.ndarray, np.ndarray], Any]


@dataclass(frozen=True)
class Metric:
    """A measure of one part of the rows.

    Attributes
    ----------
    part : train, validation, test; all where the rows are not divided
    name : as `metrics.json` has it
    """

    part: str
    name: str

    @classmethod
    def parse(cls, text: str, kind: str = "") -> Metric:
        """Return the metric that ``part.name`` stands for.

        Raises
        ------
        ConfigError
            If it is not of that form, or runs of this kind do not record it.

        Examples
        --------
        >>> Metric.parse("test.accuracy").words
        'test accuracy'
        """
        part, dot, name = text.partition(".")
        if not (part and dot and name):
            raise ConfigError(f"The metric must be part.name, such as test.accuracy. Got '{text}'.")
        known = [
            f"{one}.{word}" for one in ("train", "validation", "test") for word in RECORDED.get(kind, ())
        ]
        if known and text not in known:
            raise ConfigError(
                f"The metric '{text}' is not recorded by a {kind}.{did_you_mean(text, known)} Measures: "
                f"{', '.join(RECORDED[kind])}, each of train, validation and test."
            )
        return cls(part, name)

    def __str__(self) -> str:
        return f"{self.part}.{self.name}"

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        name = {"ari": "adjusted Rand index", "nmi": "normalised mutual information", "mae": "absolute error"}
        said = name.get(self.name, self.name.replace("_", " ").replace("f1", "F1").replace("r2", "R²"))
        return said if self.part == "all" else f"{self.part} {said}"

    @property
    def sign(self) -> int:
        """1 where more is better, −1 where less is."""
        return -1 if self.name in LOWER_IS_BETTER else 1

    @property
    def is_share(self) -> bool:
        """Whether it is a share of the rows, whose differences are told in points (hundredths)."""
        return self.name in SHARES

    @property
    def of_row(self) -> str | None:
        """Array of `predictions.npz` with its value on every row; None if it is no mean over rows."""
        return f"{self.part}_{ROWS[self.name]}" if self.name in ROWS else None

    @property
    def right_or_wrong(self) -> bool:
        """Whether a row's value is 1 for right and 0 for wrong."""
        return self.name == "accuracy" and self.of_row is not None

    @property
    def statistic(self) -> Statistic | None:
        """Function of truth and predictions, where it is no mean over rows; None if those are not enough."""
        if self.name == "rmse":
            return lambda y, predicted: float(np.sqrt(np.square(y - predicted).mean()))
        if self.name == "r2":
            return lambda y, predicted: metrics.regression_scores(y, predicted).get("r2", np.nan)
        if self.name in RECORDED["classification"] and self.name not in ROWS:
            return lambda y, predicted: metrics.label_scores(
                y, predicted, int(max(y.max(), predicted.max())) + 1
            )[self.name]
        return None

    @property
    def row_scores(self) -> Statistic | None:
        """Function of truth and predictions (runs, n) to scores of rows that average to it; None if there is none.

        For a measure that is no mean over rows: the measure plus the influence of each row.
        """
        if self.name == "rmse":
            return stats.rmse_scores
        if self.name == "r2":
            return stats.r2_scores
        average, _, measure = self.name.partition("_")
        if average in ("macro", "weighted") and measure in ("precision", "recall", "f1"):
            return lambda y, predicted: stats.class_scores(y, predicted, measure, average=average)
        return None

    def difference(self, value: float) -> str:
        """Return a difference in words.

        Examples
        --------
        >>> Metric("test", "accuracy").difference(0.00213), Metric("test", "loss").difference(0.0123456)
        ('0.21', '0.01235')
        """
        return _plain(f"{100 * value:.2f}") if self.is_share else _plain(f"{value:.4g}")

    @property
    def unit(self) -> str:
        """What follows the number of a difference: points are differences of percentages."""
        return " points" if self.is_share else ""

    def value(self, value: float) -> str:
        """Return a value in words.

        Examples
        --------
        >>> Metric("test", "accuracy").value(0.9783), Metric("test", "loss").value(0.09461)
        ('97.83 %', '0.09461')
        """
        return f"{100 * value:.2f} %" if self.is_share else _plain(f"{value:.4g}")


def _plain(number: str) -> str:
    """Return a number with a minus sign as it is printed, and without minus nought."""
    return (number.lstrip("-") if float(number) == 0 else number).replace("-", "−")
